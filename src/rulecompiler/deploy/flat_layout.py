"""`*.yml` in the rules folder itself, file by file: for a folder that others put rule files into too.

While files are being replaced, the record names both releases; whoever comes next goes on from there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Literal

from rulecompiler.deploy import disk_faults
from rulecompiler.deploy.blob_store import BLOBS, BlobStore
from rulecompiler.deploy.disk import Folder, Kind
from rulecompiler.deploy.flat_ground import EMPTY, Ground, is_compiled, look, read_record, write_record
from rulecompiler.deploy.journal import Journal, read_journal
from rulecompiler.deploy.layout import (
    CURRENT,
    CURRENT_TARGET,
    FLAT_RECORD,
    NOTHING,
    RELEASES,
    STAGE,
    STATE,
    Live,
    ServerFolder,
    StoredRelease,
    Switched,
    bad_names,
    folder_faults,
    is_seen,
    prepare,
    restored,
    sweep,
)
from rulecompiler.deploy.release import Manifest, Release, is_file_name
from rulecompiler.diagnostics import Diagnostic


class FlatLayout:
    """See `Layout`."""

    def __init__(self, folder: Path, server_path: str = "") -> None:
        """`server_path` is the same folder as the server sees it, if that differs."""
        self.folder = folder
        self._server = ServerFolder(server_path or str(folder))
        self.pattern = self._server.file("*.yml")
        self._store = BlobStore(folder)
        self._claimed: frozenset[str] = frozenset()
        self._owned: frozenset[str] | None = None  # read when it is first asked for

    def prepare(self) -> Diagnostic | None:
        """See `Layout`."""
        return prepare(self.folder, (f"{STATE}/{BLOBS}", f"{STATE}/{RELEASES}"))

    def sweep(self) -> Diagnostic | None:
        """See `Layout`."""
        return sweep(self.folder)

    def claim(self, names: Collection[str]) -> None:
        """See `Layout`."""
        self._claimed |= {name for name in names if is_file_name(name)}
        self._owned = None

    def owned(self, server_file: str) -> str | None:
        """See `Layout`; ours is what a live or moving release lists, or a kept one whose file is gone."""
        if self._owned is None:
            self._owned = self._all_names()
        name = self._server.name(server_file)
        return name if name in self._owned else None

    def _all_names(self) -> frozenset[str]:
        names = set(self._claimed)
        with contextlib.suppress(OSError), _state(self.folder) as (root, state):
            ground = look(root, self._store)
            names |= ground.names if isinstance(ground, Ground) else frozenset()
            journal = read_journal(self.folder)
            for release in (journal.old, journal.new) if isinstance(journal, Journal) else ():
                known = self._store.manifest(state, release or "")
                names.update(known.digests if isinstance(known, Manifest) else ())
            # What was deployed once and is not there any more can still run, and is then nobody else's.
            names |= {name for name in self._store.names(state) if root.kind(name) is None}
        return frozenset(names)

    def server_file(self, name: str) -> str:
        """See `Layout`."""
        return self._server.file(name)

    def faults(self) -> tuple[Diagnostic, ...]:
        """See `Layout`: RC830, RC831, RC833, RC834, RC841, RC843, RC846; RC849 is a warning."""
        try:
            with Folder.at(self.folder) as root:
                found = folder_faults(root, (STATE,))
                if found:
                    return found
                if root.kind(CURRENT) == "link" and CURRENT_TARGET.fullmatch(root.target(CURRENT)):
                    return (disk_faults.other_layout(self.folder, "release", "flat"),)
                ground = look(root, self._store)
                if isinstance(ground, Diagnostic):
                    return (ground,)
                seen = sorted(item for item in root.kinds().items() if is_seen(item[0]))
                ours = ground.names
                judged = (self._judge(root, name, kind, ours) for name, kind in seen)
                return tuple(fault for fault in judged if fault is not None)
        except FileNotFoundError:
            return ()
        except OSError as error:
            return (disk_faults.unreadable(self.folder, error),)

    def _judge(self, root: Folder, name: str, kind: Kind, ours: Collection[str]) -> Diagnostic | None:
        """What is wrong with something that the server reads as a rule file."""
        path = f"{root.path}/{name}"
        if kind == "link":
            if name in ours or name in self._claimed:
                return disk_faults.link(path)
            end = root.leads_to(name)
            what = "link that leads nowhere" if end is None else f"link to a {end}"
            return None if end == "file" else disk_faults.special(path, what)
        if kind != "file":
            return disk_faults.special(path, kind)
        if name in ours:
            return None
        if is_compiled(root, name):
            return None if name in self._claimed else disk_faults.unlisted(path)
        return disk_faults.in_the_way(path) if name in self._claimed else None

    def live(self) -> Live:
        """See `Layout`."""
        try:
            with Folder.at(self.folder) as root:
                ground = look(root, self._store, self._claimed)
        except OSError:
            return NOTHING
        if isinstance(ground, Diagnostic):
            return NOTHING
        moving = len(ground.releases) > 1
        return Live(ground.live()[0], ground.files, ground.digests, ground.edited(), moving)

    def stored(self) -> tuple[StoredRelease, ...]:
        """See `Layout`."""
        with contextlib.suppress(OSError), _state(self.folder) as (_, state):
            return self._store.stored(state)
        return ()

    def load(self, release: str) -> Release | Diagnostic:
        """See `Layout`."""
        try:
            with _state(self.folder) as (_, state):
                return self._store.load(state, release)
        except FileNotFoundError:
            return disk_faults.unknown_release(self.folder, release)
        except OSError as error:
            return disk_faults.unreadable(self.folder, error)

    def stage(self, release: Release) -> Diagnostic | None:
        """See `Layout`: RC835, RC836."""
        bad = bad_names(release)
        if bad is not None:
            return bad
        try:
            with _state(self.folder) as (_, state):
                self._store.add(state, release)
        except OSError as error:
            return disk_faults.not_stored(self.folder, error)
        return None

    def switch(self, old: str | None, new: str | None) -> Switched:
        """See `Layout`: RC837, RC838, RC841, RC842, RC846, RC856, RC899."""
        self._owned = None
        switch = _Switch()
        try:
            with _state(self.folder) as (root, state):
                ground = look(root, self._store)
                if isinstance(ground, Diagnostic):
                    return Switched("none", ground)
                if old not in ground.releases:
                    found = ground.live()[0]
                    return Switched("none", disk_faults.overtaken(self.folder, old, found))
                target = EMPTY if new is None else self._store.manifest(state, new)
                if isinstance(target, Diagnostic):
                    return Switched("none", target)
                refused = self._refusal(root, ground, target)
                if refused is not None:
                    return Switched("none", refused)
                changed = [n for n, digest in target.digests.items() if ground.digests.get(n) != digest]
                gone = [name for name in ground.files if name not in target.digests]
                if not changed and not gone and list(ground.releases) == [new]:
                    return Switched("all", None)
                files = self._store.files(state, target, changed)
                if isinstance(files, Diagnostic):
                    return Switched("none", files)
                self._store.sync(state)
                switch.run(root, state, files, gone, tuple(ground.releases), new)
        except OSError as error:
            return Switched(switch.moved, disk_faults.not_switched(self.folder, error))
        return Switched("all", None)

    def _refusal(self, root: Folder, ground: Ground, target: Manifest) -> Diagnostic | None:
        """Whether something lies there that a switch would take away from somebody."""
        for error in ground.errors.values():
            return disk_faults.unreadable(self.folder, error)
        versions = [known.digests for known in (*ground.releases.values(), target)]
        ours = ground.names
        edited = [
            name
            for name in sorted(ours)
            if all(digests.get(name) != ground.digests.get(name) for digests in versions)
        ]
        if edited:
            return disk_faults.edited(self.folder, edited)
        for name in sorted(target.digests.keys() - ours):
            if root.kind(name) is not None:
                return disk_faults.in_the_way(f"{root.path}/{name}")
        return None

    def adopt(self) -> str | Diagnostic:
        """See `Layout`: as `faults` and `stage`; RC847. The files stay as they are."""
        self._owned = None
        try:
            with _state(self.folder) as (root, state):
                ground = look(root, self._store, self._claimed)
                if isinstance(ground, Diagnostic):
                    return ground
                for error in ground.errors.values():
                    return disk_faults.unreadable(self.folder, error)
                live, known = ground.live()
                settled = not ground.edited() and list(ground.releases) == [live]
                if settled and live is None:
                    return disk_faults.nothing_live(self.folder)
                release = restored(known, ground.files)
                fault = self.stage(release)  # also where nothing was edited, but a blob was lost
                if fault is None and not settled:
                    write_record(state, (release.id,))
                return fault or release.id
        except OSError as error:
            return disk_faults.not_recorded(f"{self.folder}/{STATE}/{FLAT_RECORD}", self.folder, error)

    def prune(self, keep: Collection[str]) -> Diagnostic | None:
        """See `Layout`."""
        try:
            with _state(self.folder) as (_, state):
                releases = read_record(state)
                if releases is not None:
                    self._store.prune(state, {*keep, *filter(None, releases)})
        except FileNotFoundError:
            return None
        except OSError as error:
            return disk_faults.not_removed(self.folder, error)
        return None


class _Switch:
    """The replacing of live files, and how far it came."""

    def __init__(self) -> None:
        self.moved: Literal["none", "part", "all"] = "none"

    def run(
        self,
        root: Folder,
        state: Folder,
        files: Mapping[str, bytes],
        gone: Collection[str],
        before: tuple[str | None, ...],
        new: str | None,
    ) -> None:
        """Writes all new files aside, then moves them in, then takes the others away. Raises OSError."""
        with state.enter(STAGE) as stage:
            try:
                for name in files:
                    stage.clear(name)
                stage.create_all(files)
                write_record(state, tuple(dict.fromkeys((*before, new))))
                for name in files:
                    stage.move(name, root, name)
                    self.moved = "part"
                for name in gone:
                    root.remove(name)
                    self.moved = "part"
                self.moved = "all"
                root.sync()
                write_record(state, (new,))
            except OSError:
                for name in files:
                    with contextlib.suppress(OSError):
                        stage.clear(name)
                if self.moved == "none":
                    with contextlib.suppress(OSError):
                        write_record(state, before)
                raise


@contextlib.contextmanager
def _state(folder: Path) -> Iterator[tuple[Folder, Folder]]:
    """The rules folder and our own in it. Raises OSError."""
    with Folder.at(folder) as root, root.enter(STATE) as state:
        yield root, state
