"""`.rulecompiler/` in a repo: the lock and the cache, which git never sees."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from rulecompiler.diagnostics import Diagnostic

NAME = ".rulecompiler"


def state_folder(root: Path) -> Path:
    """The folder, made if missing, with a `.gitignore` of its own. Raises OSError."""
    folder = root / NAME
    if not folder.is_dir() or folder.is_symlink():
        folder.mkdir(exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    return folder


@contextlib.contextmanager
def locked(root: Path, patience_seconds: float = 30.0) -> Iterator[Diagnostic | None]:
    """Keeps a second compile of the same repo out; gives a diagnostic where waiting did not help (RC709).

    The lock ends with the process, however that ends.
    """
    try:
        descriptor = os.open(state_folder(root) / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        yield Diagnostic(
            "RC710",
            f"`{NAME}` cannot be made here: {error.strerror or error}",
            help="the lock that keeps two compiles apart lives there; make the repo writable",
        )
        return
    try:
        yield (
            None
            if _acquire(descriptor, patience_seconds)
            else Diagnostic(
                "RC709",
                f"another compile of this repo has been running for {patience_seconds:.0f} seconds",
                help="wait for it to end, or end it",
            )
        )
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, patience_seconds: float) -> bool:
    if sys.platform == "win32":
        return True  # no flock there: compiles are not kept apart
    import fcntl

    deadline = time.monotonic() + patience_seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)
