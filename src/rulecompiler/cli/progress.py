"""A progress line on stderr, for work that takes over a second in front of somebody."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

_PATIENCE_SECONDS = 1.0
_WIDTH = 30

Progress = Callable[[int, int], None]


@contextlib.contextmanager
def on_terminal(what: str) -> Iterator[Progress | None]:
    """Gives a function to call with what is done and what there is; None where nobody looks."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    started = time.monotonic()
    shown = False

    def progress(done: int, total: int) -> None:
        nonlocal shown
        if time.monotonic() - started >= _PATIENCE_SECONDS:
            filled = _WIDTH * done // max(total, 1)
            bar = "=" * filled + " " * (_WIDTH - filled)
            sys.stderr.write(f"\r{what} [{bar}] {done}/{total}")
            sys.stderr.flush()
            shown = True

    try:
        yield progress
    finally:
        if shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
