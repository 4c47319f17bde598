"""`.rulecompiler/` in a repo: the lock and the cache, which git never sees."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from rulecompiler.diagnostics import Diagnostic

NAME = ".rulecompiler"

# git carries links, and so a stranger's branch may hold one by the name of any file here: what it
# leads to is neither written nor read. Nor is a pipe waited for.
_FLAGS = (
    getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_BINARY", 0)
)


def state_folder(root: Path) -> Path:
    """The folder, made if missing, with a `.gitignore` of its own. Raises OSError."""
    folder = _folder(root)
    folder.mkdir(exist_ok=True)
    with contextlib.suppress(FileExistsError):
        _create(folder / ".gitignore", b"*\n")
    return folder


def read(root: Path, name: str) -> bytes:
    """A file of the folder. Raises OSError, also for what is no regular file."""
    descriptor = os.open(_folder(root) / name, os.O_RDONLY | _FLAGS)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        return file.read()


def replace(root: Path, name: str, data: bytes) -> None:
    """Writes a file of the folder in one step; the caller holds the lock. Raises OSError."""
    target = state_folder(root) / name
    # One name for all, as there is but one writer: what a killed one left is taken away.
    temporary = target.with_name(f"{name}.tmp")
    temporary.unlink(missing_ok=True)
    _create(temporary, data)
    try:
        os.replace(temporary, target)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _folder(root: Path) -> Path:
    folder = root / NAME
    if folder.is_symlink():
        raise NotADirectoryError(errno.ENOTDIR, "it is a link")
    return folder


def _create(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, 0o644)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
    except OSError:  # half of it would stand in the way of the next one
        path.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def locked(root: Path, patience_seconds: float = 30.0) -> Iterator[Diagnostic | None]:
    """Keeps a second compile of the same repo out; gives a diagnostic where waiting did not help (RC709).

    The lock ends with the process, however that ends.
    """
    try:
        descriptor = os.open(state_folder(root) / "lock", os.O_RDWR | os.O_CREAT | _FLAGS, 0o644)
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
