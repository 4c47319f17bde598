"""The output folder: read with an owner's eye, and replaced file by file or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from rulecompiler.diagnostics import Diagnostic, Span
from rulecompiler.generated_file import is_generated

_STAGED = re.compile(r"\.group-[a-z0-9-]+\.yml\.[0-9]+\.tmp")
_OURS = re.compile(r"group-[a-z0-9][a-z0-9-]*\.yml")
_HEAD_BYTES = 2048  # enough for the header's first lines
_KEPT = frozenset((".gitkeep", ".gitignore", ".gitattributes"))


class OutputFile(NamedTuple):
    """A generated file as it is on disk."""

    size: int  # bytes
    digest: str  # SHA-256 of the bytes, in hex


def digest(text: str) -> str:
    """The digest that a file with this text has."""
    return hashlib.sha256(text.encode()).hexdigest()


def scan(root: Path, folder: str) -> tuple[Mapping[str, OutputFile], tuple[Diagnostic, ...]]:
    """The generated files by name, sorted, and what does not belong there (RC701 to RC703).

    A missing folder is an empty one. What an earlier, interrupted compile staged is passed over.
    """
    path = root / folder
    if not _is_inside(root, path):
        return {}, (_elsewhere(folder),)
    try:
        if not stat.S_ISDIR(path.lstat().st_mode):
            return {}, (_not_a_folder(folder, is_link=path.is_symlink()),)
        names = sorted(os.listdir(path))
    except FileNotFoundError:
        return {}, ()
    except OSError as error:
        return {}, (_unreadable(folder, error),)
    files: dict[str, OutputFile] = {}
    faults: list[Diagnostic] = []
    for name in names:
        if name in _KEPT or _STAGED.fullmatch(name):
            continue
        try:
            data = _read(path / name)
        except OSError as error:
            faults.append(_unreadable(f"{folder}/{name}", error))
            continue
        if data is None or not _OURS.fullmatch(name):
            faults.append(_foreign(f"{folder}/{name}"))
        else:
            files[name] = OutputFile(len(data), hashlib.sha256(data).hexdigest())
    return files, tuple(faults)


def read(root: Path, folder: str, name: str) -> str | None:
    """A generated file's text, damage made visible; None if it went since. Raises OSError."""
    try:
        return (root / folder / name).read_bytes().decode("utf-8", "backslashreplace")
    except FileNotFoundError:  # a compile beside this one took it away
        return None


def write(root: Path, folder: str, new: Mapping[str, str], gone: tuple[str, ...]) -> Diagnostic | None:
    """Puts the new files in place and takes the others away; the caller holds the lock.

    Everything is staged before anything is replaced, so that a full disk changes nothing. A fault
    is returned (RC705); a process killed in between leaves whole files, old or new. With nothing
    to do, it only takes away what such a process staged.
    """
    path = root / folder
    staged: list[tuple[Path, Path]] = []
    replaced = 0
    try:
        if new:
            path.mkdir(parents=True, exist_ok=True)
        _sweep(path)
        for name, text in new.items():
            temporary = path / f".{name}.{os.getpid()}.tmp"
            staged.append((temporary, path / name))
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
            with open(descriptor, "wb") as file:
                file.write(text.encode())
        for temporary, target in staged:
            os.replace(temporary, target)
            replaced += 1
        for name in gone:
            (path / name).unlink(missing_ok=True)
            replaced += 1
    except OSError as error:
        return _unwritten(folder, error, replaced, len(new) + len(gone))
    finally:
        for temporary, _ in staged[replaced:]:
            with contextlib.suppress(OSError):
                temporary.unlink()
    return None


def _sweep(path: Path) -> None:
    """Takes away what an interrupted compile staged."""
    with contextlib.suppress(FileNotFoundError):
        for name in os.listdir(path):
            if _STAGED.fullmatch(name):
                (path / name).unlink(missing_ok=True)


def _is_inside(root: Path, path: Path) -> bool:
    """Whether the folder is in the repo when links on the way to it are followed."""
    return Path(os.path.realpath(path.parent)).is_relative_to(os.path.realpath(root))


def _read(path: Path) -> bytes | None:
    """The bytes of a file of ours; None for any other, and for a link, a folder, a FIFO and the like."""
    if not stat.S_ISREG(path.lstat().st_mode):
        return None
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
        # A foreign file may be of any size.
        return head + file.read() if is_generated(head.decode("utf-8", "replace")) else None


def _not_a_folder(folder: str, *, is_link: bool) -> Diagnostic:
    what = "a link" if is_link else "a file"
    return Diagnostic(
        "RC701",
        f"`{folder}` is {what}, not a folder",
        Span(folder, 1, 1, 1, 1),
        help="move it away, or choose another folder with `paths: {generated: …}` in rulecompiler.yaml",
    )


def _elsewhere(folder: str) -> Diagnostic:
    return Diagnostic(
        "RC701",
        f"a link leads `{folder}` out of the repo",
        Span(folder, 1, 1, 1, 1),
        help="choose another folder with `paths: {generated: …}` in rulecompiler.yaml",
    )


def _unwritten(folder: str, error: OSError, replaced: int, total: int) -> Diagnostic:
    done = f" after {replaced} of {total} files" if replaced else ", so nothing was written"
    return Diagnostic(
        "RC705",
        f"`{folder}` cannot be written{done}: {error.strerror or error}",
        Span(folder, 1, 1, 1, 1),
        help="make room or the folder writable, then run this again",
    )


def _unreadable(path: str, error: OSError) -> Diagnostic:
    return Diagnostic(
        "RC702",
        f"`{path}` cannot be read: {error.strerror or error}",
        Span(path, 1, 1, 1, 1),
        help="make it readable",
    )


def _foreign(path: str) -> Diagnostic:
    return Diagnostic(
        "RC703",
        f"`{path}` was not written by the compiler",
        Span(path, 1, 1, 1, 1),
        label="not ours",
        help="move it elsewhere: this folder holds generated files only, and none of yours is ever deleted",
    )
