"""A file for node_exporter's textfile collector, which reads at any moment: whole, or not there."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path

_LOCK = ".rulecompiler.lock"
_PATIENCE_SECONDS = 5.0
_MAX_BYTES = 16 * 1024 * 1024
_FLAGS = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


def update(folder: str, name: str, change: Callable[[str], str]) -> None:
    """Replaces a file by what `change` makes of its text, "" where it cannot be read.

    Runs at the same time wait for each other. Raises OSError.
    """
    target = Path(folder) / name
    # Read-only is enough for a lock, and all that another user may do with ours.
    lock = os.open(Path(folder) / _LOCK, os.O_RDONLY | os.O_CREAT | _FLAGS, 0o644)
    try:
        _acquire(lock)
        _replace(target, change(_read(target)).encode())
    finally:
        os.close(lock)


def _read(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | _FLAGS)
    except OSError:
        return ""
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, descriptor)
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_BYTES:
            return ""
        with open(descriptor, "rb", closefd=False) as file:
            return file.read().decode("utf-8", "replace")


def _replace(target: Path, data: bytes) -> None:
    # The collector takes every name that ends in .prom; one name for all, as there is but one writer.
    temporary = target.with_name(f"{target.name}.tmp")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, 0o644)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.chmod(temporary, 0o644)  # whatever the umask: node_exporter is another user
            os.fsync(descriptor)
        os.replace(temporary, target)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _acquire(descriptor: int) -> None:
    if sys.platform == "win32":
        return  # no flock there: runs are not kept apart
    import fcntl

    with contextlib.suppress(OSError):  # it is another user's
        os.fchmod(descriptor, 0o644)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.02)
