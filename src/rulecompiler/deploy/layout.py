"""How releases lie in a target's rules folder: what every layout can do, and what all do alike."""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from rulecompiler.deploy import disk_faults
from rulecompiler.deploy.disk import Folder, make_folder
from rulecompiler.deploy.release import Manifest, Release, is_file_name
from rulecompiler.diagnostics import Diagnostic

# Everything of the deployer's that is no rule file; what is written begins its life in the stage.
STATE = ".rulecompiler"
STAGE = "stage"
RELEASES = "releases"
# In the rules folder, where the release layout is used.
CURRENT = "current"
CURRENT_TARGET = re.compile(rf"{RELEASES}/([0-9a-f]{{64}})")
FLAT_RECORD = "live.json"  # in the state folder, while the flat layout has files here
_SUFFIX = ".yml"  # what the server's glob ends in; it finds hidden names too


class Live(NamedTuple):
    """The rule files under our names as they are on disk now.

    `release` is the id that the folder claims; `edited` are the names, fit to print, that are not as that
    release has them. Names in `edited` that are missing from `files` are gone, or cannot be read. While
    `moving`, files of two releases may lie there, as a switch has not come to its end.
    """

    release: str | None
    files: Mapping[str, bytes]
    digests: Mapping[str, str]  # SHA-256 of `files`, in hex
    edited: tuple[str, ...]
    moving: bool = False


class StoredRelease(NamedTuple):
    """A release that can be switched to, as its manifest says; its files are not looked at."""

    id: str
    files: int
    commit: str
    stored_at: float  # seconds since 1970, by the file system's clock


class Switched(NamedTuple):
    """How much of a switch was done: with a fault, `moved` says whether there is something to take back."""

    moved: Literal["none", "part", "all"]
    fault: Diagnostic | None


NOTHING = Live(None, {}, {}, ())


class Layout(Protocol):
    """A target's rules folder. Nothing in it makes a method raise; only the named ones write.

    The caller of a writing method holds the lock. None in place of an id means no files of ours at all.
    """

    folder: Path
    pattern: str  # the entry of `rule_files` that finds our files, as the server sees them

    def prepare(self) -> Diagnostic | None:
        """Makes the folders that are missing; a fault is RC830."""

    def faults(self) -> tuple[Diagnostic, ...]:
        """What must be put right by hand before a reload; warnings need not."""

    def live(self) -> Live:
        """What is on disk. Where that cannot be known, `faults` says why and a switch is refused."""

    def stored(self) -> tuple[StoredRelease, ...]:
        """The releases that are kept, newest first."""

    def load(self, release: str) -> Release | Diagnostic:
        """A stored release with all its bytes, checked against its id (RC837, RC838, RC843)."""

    def claim(self, names: Collection[str]) -> None:
        """Has `owned`, `live` and `adopt` count files of these names as ours, if the compiler wrote them."""

    def owned(self, server_file: str) -> str | None:
        """The plain name of a file of ours, given its path as the server says it; None for any other."""

    def server_file(self, name: str) -> str:
        """The path that the server has for a file of ours."""

    def stage(self, release: Release) -> Diagnostic | None:
        """Stores a release; with no fault it is on the disk. Writes nothing if it is stored already."""

    def switch(self, old: str | None, new: str | None) -> Switched:
        """Makes `new` live where `old` is, and refuses where something else is. The server is not told."""

    def adopt(self) -> str | Diagnostic:
        """Stores what is live now, whoever changed it, as a release of its own, and has that be live."""

    def prune(self, keep: Collection[str]) -> Diagnostic | None:
        """Forgets all stored releases but these and what is live (RC848)."""

    def sweep(self) -> Diagnostic | None:
        """Takes away what a run that was killed has left behind (RC848)."""


def is_prepared(folder: Path) -> bool:
    """Whether this is a rules folder of the deployer's already."""
    return os.path.isdir(folder / STATE)


def prepare(folder: Path, below: Sequence[str]) -> Diagnostic | None:
    """Makes a rules folder, and folders in it given as `a` or `a/b`, as far as they are missing."""
    try:
        make_folder(folder)
        with Folder.at(folder) as root:
            for path in (STATE, f"{STATE}/{STAGE}", *below):
                fault = _prepare(root, path)
                if fault is not None:
                    return fault
    except OSError as error:
        return disk_faults.unusable(folder, error)
    return None


def _prepare(root: Folder, path: str) -> Diagnostic | None:
    first, _, rest = path.partition("/")
    if rest:
        with root.enter(first) as folder:
            return _prepare(folder, rest)
    kind = root.kind(first)
    if kind is None:
        root.make(first)
        root.sync()
    elif kind != "folder":
        return disk_faults.not_ours(f"{root.path}/{first}", kind)
    return None


def sweep(folder: Path) -> Diagnostic | None:
    """Empties the stage, where every layout begins what it writes."""
    try:
        with Folder.at(folder) as root, root.enter(STATE) as state, state.enter(STAGE) as stage:
            for name in stage.kinds():
                stage.clear(name)
    except FileNotFoundError:
        return None
    except OSError as error:
        return disk_faults.not_removed(folder, error)
    return None


def folder_faults(root: Folder, names: Sequence[str]) -> tuple[Diagnostic, ...]:
    """Folders of the deployer's that are something else, of those that are there."""
    found = ((name, root.kind(name)) for name in names)
    return tuple(
        disk_faults.not_ours(f"{root.path}/{name}", kind)
        for name, kind in found
        if kind not in (None, "folder")
    )


def is_seen(name: str) -> bool:
    """Whether the server's glob finds this name."""
    return name.endswith(_SUFFIX)


def bad_names(release: Release) -> Diagnostic | None:
    """Refuses a release with a name that could lead elsewhere (RC835)."""
    bad = next((name for name in sorted(release.files) if not is_file_name(name)), None)
    return None if bad is None else disk_faults.bad_name(bad)


def sha256(data: bytes) -> str:
    """In hex."""
    return hashlib.sha256(data).hexdigest()


def restored(found: Manifest | None, files: Mapping[str, bytes]) -> Release:
    """The release that these files are, with what a manifest knows of them."""
    if found is None:
        return Release(files)
    release = Release(files)
    return Release(files, commit=found.commit) if release.id == found.release else release


class ServerFolder:
    """The folder that rule files are read from, as the server names it."""

    def __init__(self, path: str) -> None:
        self._path = posixpath.normpath(path)

    def file(self, name: str) -> str:
        """The path of a file in it."""
        return posixpath.join(self._path, name)

    def name(self, path: str) -> str | None:
        """The plain name of a rule file in it; None for any other path."""
        folder, name = posixpath.split(path)
        return name if is_seen(name) and posixpath.normpath(folder or ".") == self._path else None
