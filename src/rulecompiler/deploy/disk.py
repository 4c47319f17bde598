"""Files of a folder that is held open: no name leads out of it, and what is written is on the disk."""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Concatenate, Literal, ParamSpec, TypeVar

Kind = Literal["file", "folder", "link", "named pipe", "socket", "device"]

FOLDER_MODE = 0o755
FILE_MODE = 0o644
# A link planted below is not followed, a pipe is not waited for.
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
_MANY = 20  # files that are worth threads
_WAITING = 16  # of those, for the disk
_FOLDER = os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY

P = ParamSpec("P")
T = TypeVar("T")


def _located(
    method: Callable[Concatenate[Folder, str, P], T],
) -> Callable[Concatenate[Folder, str, P], T]:
    """Gives an error the whole path: the system is told the last part alone, or a number."""

    @functools.wraps(method)
    def call(self: Folder, name: str, /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return method(self, name, *args, **kwargs)
        except OSError as error:
            error.filename = f"{self.path}/{name}"
            raise

    return call


class Folder:
    """An open folder; every method raises OSError, with the whole path as its `filename`."""

    def __init__(self, descriptor: int, path: str) -> None:
        self._descriptor = descriptor
        self.path = path

    @classmethod
    def at(cls, path: Path) -> Folder:
        """Opens a folder by its path, which may lead through links: a mount point often does."""
        return cls(os.open(path, _FOLDER), str(path))

    def __enter__(self) -> Folder:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):  # nothing was written through this descriptor
            os.close(self._descriptor)

    @_located
    def enter(self, name: str) -> Folder:
        """Opens a folder in this one; a link to one is an error."""
        return Folder(os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=self._descriptor), f"{self.path}/{name}")

    def kinds(self) -> Mapping[str, Kind]:
        """What is in this folder, by name."""
        try:
            with os.scandir(self._descriptor) as entries:
                return {
                    entry.name: "file"
                    if entry.is_file(follow_symlinks=False)
                    else self.kind(entry.name) or "file"
                    for entry in entries
                }
        except OSError as error:
            error.filename = error.filename or self.path
            raise

    @_located
    def kind(self, name: str) -> Kind | None:
        """What has this name; None if nothing does."""
        try:
            return _kind(os.stat(name, dir_fd=self._descriptor, follow_symlinks=False).st_mode)
        except FileNotFoundError:
            return None

    @_located
    def leads_to(self, name: str) -> Kind | None:
        """What a link leads to, through further ones; None if nowhere. It is not opened."""
        try:
            return _kind(os.stat(name, dir_fd=self._descriptor).st_mode)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
                return None
            raise

    @_located
    def modified(self, name: str) -> float:
        """When a file was last written, in seconds since 1970."""
        return os.stat(name, dir_fd=self._descriptor, follow_symlinks=False).st_mtime

    @_located
    def target(self, name: str) -> str:
        """What is written in a link."""
        return os.readlink(name, dir_fd=self._descriptor)

    @_located
    def read(self, name: str, most: int | None = None) -> bytes:
        """The bytes of a regular file, or as many of the first ones; an error for anything else."""
        return self._read(name, most, synced=False)

    @_located
    def descriptor_of(self, name: str) -> int:
        """Opens a regular file for its lock; the caller closes it."""
        try:
            # Nothing is written, but over NFS an exclusive lock takes a descriptor that could. See flock(2).
            return self._open(name, _READ | os.O_RDWR)[0]
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.EROFS):
                raise
            return self._open(name)[0]  # a reload writes no file

    def create_all(self, files: Mapping[str, bytes]) -> None:
        """Writes new files, and returns when they are on the disk and read back as they should be."""
        for name, data in files.items():
            self._create(name, data)
        # Only now, and side by side: those who wait for the disk at the same time wait but once.
        if len(files) < _MANY:
            for name, data in files.items():
                self._check(name, data)
            return
        from concurrent.futures import ThreadPoolExecutor  # slow to import

        with ThreadPoolExecutor(_WAITING) as pool:
            for _ in pool.map(self._check, files.keys(), files.values()):
                pass

    @_located
    def make(self, name: str) -> None:
        """Makes a folder that everybody may read."""
        os.mkdir(name, FOLDER_MODE, dir_fd=self._descriptor)
        with self.enter(name) as folder:
            os.fchmod(folder._descriptor, FOLDER_MODE)  # whatever the umask says

    @_located
    def link(self, name: str, target: str) -> None:
        """Makes a symbolic link."""
        os.symlink(target, name, dir_fd=self._descriptor)

    @_located
    def move(self, name: str, folder: Folder, new_name: str) -> None:
        """Renames, in one step; a file or link of the new name is replaced."""
        os.rename(name, new_name, src_dir_fd=self._descriptor, dst_dir_fd=folder._descriptor)

    @_located
    def remove(self, name: str) -> None:
        """Takes a file or link away, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._descriptor)

    @_located
    def clear(self, name: str) -> None:
        """Takes away whatever has this name, folders with all that is in them; no link is followed."""
        kind = self.kind(name)
        if kind == "folder":
            with self.enter(name) as folder:
                for inner in folder.kinds():
                    folder.clear(inner)
            os.rmdir(name, dir_fd=self._descriptor)
        elif kind is not None:
            self.remove(name)

    def replace(self, name: str, data: bytes, stage: Folder) -> None:
        """Writes a file in one step, by way of a folder of the same file system, and syncs this folder."""
        stage.clear(name)
        stage.create_all({name: data})
        stage.move(name, self, name)
        self.sync()

    def sync(self) -> None:
        """Returns when the names in this folder are on the disk."""
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            error.filename = self.path
            raise

    @_located
    def _create(self, name: str, data: bytes) -> None:
        descriptor = os.open(name, _CREATE, FILE_MODE, dir_fd=self._descriptor)
        try:
            os.fchmod(descriptor, FILE_MODE)
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        finally:
            os.close(descriptor)

    @_located
    def _check(self, name: str, data: bytes) -> None:
        if self._read(name, None, synced=True) != data:
            raise OSError(errno.EIO, "it reads back as something else than was written")

    def _read(self, name: str, most: int | None, *, synced: bool) -> bytes:
        descriptor, size = self._open(name)
        try:
            if synced:
                os.fsync(descriptor)
            if most is not None:
                return os.read(descriptor, most)
            parts = []
            while part := os.read(descriptor, size + 1):
                parts.append(part)
            return b"".join(parts)
        finally:
            os.close(descriptor)

    def _open(self, name: str, flags: int = _READ) -> tuple[int, int]:
        """A descriptor of a regular file, and its size."""
        descriptor = os.open(name, flags, dir_fd=self._descriptor)
        try:
            status = os.fstat(descriptor)
            kind = _kind(status.st_mode)
            if kind != "file":
                raise OSError(errno.EINVAL, f"it is a {kind}, not a file")
        except OSError:
            os.close(descriptor)
            raise
        return descriptor, status.st_size


def make_folder(path: Path) -> None:
    """Makes a folder and those above it, as far as they are missing, for all to read. Raises OSError."""
    missing = []
    while not path.exists() and not path.is_symlink():
        missing.append(path)
        path = path.parent
    for folder in reversed(missing):
        with Folder.at(folder.parent) as parent:
            parent.make(folder.name)
            parent.sync()


def _kind(mode: int) -> Kind:
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "folder"
    if stat.S_ISLNK(mode):
        return "link"
    if stat.S_ISFIFO(mode):
        return "named pipe"
    return "socket" if stat.S_ISSOCK(mode) else "device"
