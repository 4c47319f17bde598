"""The alert files of a repo, read from disk: each as bytes with a digest, decoded when needed.

A link to a file or folder inside the repo is followed; one that leaves it, leads into a hidden
folder (`.git` may hold credentials, and a diagnostic shows the line that it is about), or leads to
a folder that is read already, is refused.
"""

from __future__ import annotations

import errno
import hashlib
import os
import posixpath
import re
import stat
import unicodedata
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from rulecompiler.diagnostics import Diagnostic, Related, Severity, Span
from rulecompiler.encoding import decode_text
from rulecompiler.model import Source

MAX_BYTES = 1 << 20
"""The largest file that is read, in bytes."""

ENDINGS = (".yaml", ".yml")

_OPEN_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NONBLOCK", 0)  # a FIFO that takes a file's place must not hang us
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
)
_ODD_IN_NAME = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class RawFile(NamedTuple):
    """A file as it is on disk: its path from the repo's root, and the SHA-256 of its bytes in hex."""

    path: str
    data: bytes
    digest: str


def scan(root: Path, folders: Iterable[str]) -> tuple[tuple[RawFile, ...], tuple[Diagnostic, ...]]:
    """Read all YAML files below these folders of the repo, sorted by path.

    `folders` are relative to `root`, with forward slashes. A file that cannot be had is left out,
    and a diagnostic says why.
    """
    walk = _Walk(root)
    for folder in folders:
        walk.start(posixpath.normpath(folder))
    walk.follow_links()
    files = tuple(walk.files[path] for path in sorted(walk.files))
    return files, tuple(sorted(walk.faults, key=lambda fault: (fault.place or (), fault.code, fault.message)))


def read(root: Path, path: str) -> RawFile | Diagnostic:
    """Read one file of the repo by its path from the root, under the same conditions as `scan`."""
    return _Walk(root).read_named(path)


def decode(raw: RawFile) -> Source | Diagnostic:
    """The file as text: UTF-8, with LF line ends and without a byte order mark."""
    return decode_text(raw.path, raw.data)


class _Walk:
    """One walk through folders of a repo, with the files and faults found so far.

    Paths on disk are bytes here, so that the locale has no say in what a file is called.
    """

    def __init__(self, root: Path) -> None:
        self.root = os.path.realpath(os.fsencode(root))
        self.files: dict[str, RawFile] = {}
        self.faults: list[Diagnostic] = []
        self._links: list[tuple[str, bytes]] = []  # to folders: path and target, for the end
        self._read: set[bytes] = set()  # folders, as they are on disk

    def start(self, folder: str) -> None:
        """Read a folder that the settings name."""
        try:
            is_folder = stat.S_ISDIR(os.stat(_on_disk(self.root, folder)).st_mode)
        except OSError as fault:
            return self._bad_folder(folder, _reason(fault))
        real = self._target(folder)
        if isinstance(real, Diagnostic):
            self._bad_folder(folder, real.message)
        elif not is_folder:
            self._bad_folder(folder, "it is not a folder")
        else:
            self._read_tree(folder, real)

    def follow_links(self) -> None:
        """Read the folders that links lead to, unless they are read already."""
        while self._links:
            self._links.sort(reverse=True)
            path, real = self._links.pop()
            if any(_is_inside(folder, real) for folder in self._read):
                message = "this link leads to a folder that is read already"
                self.faults.append(_fault("RC103", message, path, "remove it: every file is read once"))
            else:
                self._read_tree(path, real)

    def read_named(self, path: str) -> RawFile | Diagnostic:
        """Read a file that may be, or stand behind, a link."""
        real = self._target(path)
        return real if isinstance(real, Diagnostic) else _read_regular(real, path)

    def _target(self, path: str) -> bytes | Diagnostic:
        """Where a path leads to when all links are followed, if that is allowed."""
        disk = _on_disk(self.root, path)
        try:
            real = os.path.realpath(disk, strict=True)
        except OSError as fault:
            if not os.path.islink(disk):
                return _unreadable(fault, path)
            what = "in a circle" if fault.errno == errno.ELOOP else f"nowhere: {_reason(fault)}"
            return _fault("RC103", f"this link leads {what}", path, "remove it, or let it lead to a file")
        except ValueError:
            return _fault("RC101", "the file does not exist: its path holds a NUL", path, "correct the path")
        if not _is_inside(real, self.root):
            return _fault(
                "RC103", "this link leads out of the repo", path, "copy what it leads to into the repo"
            )
        if real != disk and b"/." in real[len(self.root) :].replace(os.fsencode(os.sep), b"/"):
            return _fault(
                "RC103", "this link leads to something hidden", path, "let it lead to a file in sight"
            )
        return real

    def _read_tree(self, path: str, real: bytes) -> None:
        folders = [(path, real)]
        while folders:
            path, real = folders.pop()
            if real in self._read:
                continue
            self._read.add(real)
            try:
                with os.scandir(real) as listing:
                    entries = sorted(listing, key=lambda entry: entry.name)
            except OSError as fault:
                self._bad_folder(path, _reason(fault))
                continue
            self._warn_of_case(path, entries)
            for entry in entries:
                if not is_ignored(entry.name):
                    self._take(_below(path, entry.name), entry, folders)

    def _take(self, path: str, entry: os.DirEntry[bytes], folders: list[tuple[str, bytes]]) -> None:
        """Read a file, or remember a folder for later."""
        if _ODD_IN_NAME.search(path):
            message = "the name holds a character that is not UTF-8 text, or a control character"
            self.faults.append(_fault("RC107", message, path, "rename it"))
        elif entry.is_symlink():
            real = self._target(path)
            if isinstance(real, Diagnostic):
                self.faults.append(real)
            elif os.path.isdir(real):
                self._links.append((path, real))
            elif self._has_ending(path):
                self._add(_read_regular(real, path))
        elif entry.is_dir(follow_symlinks=False):
            folders.append((path, entry.path))
        elif self._has_ending(path):
            self._add(_read_regular(entry.path, path))

    def _add(self, result: RawFile | Diagnostic) -> None:
        if isinstance(result, RawFile):
            self.files[result.path] = result
        else:
            self.faults.append(result)

    def _has_ending(self, path: str) -> bool:
        """Whether a file is ours by its name; a warning where it looks as if it should be."""
        if path.endswith(ENDINGS):
            return True
        if not posixpath.basename(path).startswith("README"):
            message = "this file is not read: its name does not end in .yaml or .yml"
            help = "rename it, or move it to another folder"
            self.faults.append(_fault("RC109", message, path, help, Severity.WARNING))
        return False

    def _warn_of_case(self, folder: str, entries: list[os.DirEntry[bytes]]) -> None:
        """Warn of names that are one name on macOS and Windows."""
        first: dict[str, str] = {}
        for entry in entries:
            path = _below(folder, entry.name)
            other = first.setdefault(unicodedata.normalize("NFC", path).casefold(), path)
            if other != path and not is_ignored(entry.name):
                message = f"this name differs from {shown(posixpath.basename(other))} only by letter case"
                fault = _fault("RC108", message, path, "rename one of them", Severity.WARNING)
                related = Related(Span(shown(other), 1, 1, 1, 1), "the other one")
                self.faults.append(replace(fault, related=(related,)))

    def _bad_folder(self, folder: str, why: str) -> None:
        message = f"the folder {shown(folder)} cannot be read: {why}"
        self.faults.append(
            Diagnostic("RC102", message, help="create it, or correct the path in the settings")
        )


def _read_regular(real: bytes, path: str) -> RawFile | Diagnostic:
    """Read a file whose path holds no links any more; anything but a regular file is not opened."""
    try:
        if not stat.S_ISREG(os.lstat(real).st_mode):
            return _special(path)
        handle = os.open(real, _OPEN_FLAGS)
        try:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):  # something took its place just now
                return _special(path)
            data = b"" if status.st_size > MAX_BYTES else _read_up_to(handle, MAX_BYTES + 1)
        finally:
            os.close(handle)
    except OSError as fault:
        return _unreadable(fault, path)
    size = max(status.st_size, len(data))
    if size > MAX_BYTES:
        message = f"the file has {size:,} bytes, more than the {MAX_BYTES:,} that are read"
        return _fault("RC105", message, path, "split it: one template or group a file")
    return RawFile(path, data, hashlib.sha256(data).hexdigest())


def _read_up_to(handle: int, count: int) -> bytes:
    data = b""
    while count > len(data) and (more := os.read(handle, count - len(data))):
        data += more
    return data


def is_ignored(name: bytes) -> bool:
    """Hidden files and folders, and what editors leave behind."""
    return name.startswith(b".") or name.endswith(b"~") or (name.startswith(b"#") and name.endswith(b"#"))


def _is_inside(path: bytes, folder: bytes) -> bool:
    return path == folder or path.startswith(folder.rstrip(b"/") + b"/")


def _below(folder: str, name: bytes) -> str:
    """A name in a folder; bytes that are not UTF-8 become lone surrogates."""
    text = name.decode("utf-8", "surrogateescape")
    return text if folder == "." else f"{folder}/{text}"


def _on_disk(root: bytes, path: str) -> bytes:
    return root if path == "." else os.path.join(root, path.encode("utf-8", "surrogateescape"))


def _special(path: str) -> Diagnostic:
    message = "this is not a file but a pipe, socket, folder or device"
    return _fault("RC104", message, path, "remove it")


def _unreadable(fault: OSError, path: str) -> Diagnostic:
    return _fault("RC101", f"the file cannot be read: {_reason(fault)}", path, "make it readable")


def _reason(fault: OSError) -> str:
    """The system's own words, such as "permission denied"."""
    return os.strerror(fault.errno or errno.EIO).lower()


def _fault(code: str, message: str, path: str, help: str, severity: Severity = Severity.ERROR) -> Diagnostic:
    return Diagnostic(code, message, Span(shown(path), 1, 1, 1, 1), help=help, severity=severity)


def shown(path: str) -> str:
    """A path that can be printed: odd characters and foreign bytes as escape sequences."""
    return _ODD_IN_NAME.sub(lambda match: match.group().encode("unicode_escape").decode(), path)
