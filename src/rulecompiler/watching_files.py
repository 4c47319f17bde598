"""Waits for files to change, by the system's notices where there are any, else by looking again and again."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from pathlib import Path

# Milliseconds: how long all must be quiet before a change is told, and at most so.
_QUIET_MS = 20
_AT_MOST_MS = 2_000
_GLANCE_MS = 200  # between two looks at what the system gives no notices of

Identity = tuple[int, int] | None


class FileWatch:
    """Waits for changes in folders, which may come and go.

    `trouble` says why the system gives no notices, once they were asked for in vain.
    WATCHFILES_FORCE_POLLING in the environment does without them from the start.
    """

    def __init__(self) -> None:
        self.trouble = ""

    def wait(self, folders: Sequence[Path], changed: Callable[[bool], bool]) -> None:
        """Returns once `changed` says so.

        It is asked often with False, for what can be told by a glance, and with True when something at or
        below the folders may be other. Raises KeyboardInterrupt, also for a signal that a handler makes one.
        """
        while True:
            identities = [_identity(folder) for folder in folders]
            there = [folder for folder, known in zip(folders, identities, strict=True) if known]
            with closing(self._notices(there)) as notices:
                for number, noticed in enumerate(notices):
                    # Of what happened before notices were asked for, none comes.
                    if changed(noticed or not number):
                        return
                    if [_identity(folder) for folder in folders] != identities:
                        break

    def _notices(self, folders: Sequence[Path]) -> Generator[bool, None, None]:
        """True for each change, and False each time that nothing was seen for a while."""
        import watchfiles  # not for those who just ask whether git is at work

        if not folders:
            while True:
                time.sleep(_GLANCE_MS / 1000)
                yield False
        try:
            with closing(
                watchfiles.watch(
                    *folders,
                    watch_filter=None,
                    debounce=_AT_MOST_MS,
                    step=_QUIET_MS,
                    rust_timeout=_GLANCE_MS,
                    yield_on_timeout=True,
                    raise_interrupt=True,
                    force_polling=True if self.trouble else None,
                    ignore_permission_denied=True,
                )
            ) as changes:
                for change in changes:
                    yield bool(change)
        except FileNotFoundError:  # it went just now
            yield True
        except (OSError, RuntimeError) as error:
            if self.trouble:
                raise
            self.trouble = str(error)
            yield True


def _identity(folder: Path) -> Identity:
    """Which folder stands there: one made anew is another one; None if there is none."""
    try:
        status = os.stat(folder)
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if folder.is_dir() else None


class GitState:
    """Tells by a glance at git's own files whether a branch may have moved, or git is at work."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def stamp(self, refs: Sequence[str]) -> tuple[object, ...]:
        """Another one after a commit, a checkout, a fetch or a rebase; `refs` are what else is looked at."""
        found = self._folders()
        if found is None:
            return ()
        own, common = found
        head = _text(own / "HEAD")
        names = [ref for ref in (*refs, head.removeprefix("ref: ").strip()) if not ref.startswith("/")]
        files = [own / "HEAD", own / "logs/HEAD", common / "packed-refs", common / "reftable/tables.list"]
        files += [
            common / where / name
            for name in names
            for where in ("", "refs/heads", "refs/remotes", "refs/tags")
        ]
        return (str(own), head, *(look(file) for file in files))

    def is_busy(self) -> bool:
        """Whether git is changing the working tree right now."""
        found = self._folders()
        return found is not None and (found[0] / "index.lock").exists()

    def _folders(self) -> tuple[Path, Path] | None:
        """Git's folder of this checkout, and the one that all checkouts of the repository share."""
        for folder in (self._root, *self._root.parents):
            git = folder / ".git"
            if git.is_file():  # a worktree, or a submodule
                git = folder / _text(git).removeprefix("gitdir:").strip()
            if git.is_dir():
                shared = _text(git / "commondir").strip()
                return git, git / shared if shared else git
        return None


def _text(file: Path) -> str:
    try:
        with file.open(encoding="utf-8", errors="replace") as stream:
            return stream.read(4096)
    except OSError:
        return ""


def look(file: Path) -> tuple[int, int, int] | None:
    """A file at a glance: its time, size and number; None if there is none."""
    try:
        status = file.stat()
    except (OSError, ValueError):  # no such file; no name of a file
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
