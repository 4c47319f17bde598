"""`releases/<id>/*.yml`, and `current` that links to one of them: for a folder that the deployer owns."""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from pathlib import Path
from typing import Literal

from rulecompiler.deploy import disk_faults
from rulecompiler.deploy.disk import Folder
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
    prepare,
    restored,
    sweep,
)
from rulecompiler.deploy.release import (
    MANIFEST,
    Release,
    is_release_id,
    manifest,
    read_manifest,
)
from rulecompiler.deploy.release_folder import content, misplaced, store
from rulecompiler.diagnostics import Diagnostic


class ReleaseLayout:
    """See `Layout`."""

    def __init__(self, folder: Path, server_path: str = "") -> None:
        """`server_path` is the same folder as the server sees it, if that differs."""
        self.folder = folder
        self._server = ServerFolder(f"{server_path or folder}/{CURRENT}")
        self.pattern = self._server.file("*.yml")

    def prepare(self) -> Diagnostic | None:
        """See `Layout`."""
        return prepare(self.folder, (RELEASES,))

    def sweep(self) -> Diagnostic | None:
        """See `Layout`."""
        return sweep(self.folder)

    def claim(self, names: Collection[str]) -> None:
        """See `Layout`; here whatever `current` holds is ours."""

    def owned(self, server_file: str) -> str | None:
        """See `Layout`."""
        return self._server.name(server_file)

    def server_file(self, name: str) -> str:
        """See `Layout`."""
        return self._server.file(name)

    def faults(self) -> tuple[Diagnostic, ...]:
        """See `Layout`: RC830 to RC835, RC843."""
        try:
            with Folder.at(self.folder) as root:
                found = folder_faults(root, (STATE, RELEASES)) or _flat(root, self.folder)
                current = None if found else _current(root)
                if isinstance(current, str):
                    with root.enter(RELEASES) as releases, releases.enter(current) as folder:
                        found = misplaced(folder, f"{self.folder}/{CURRENT}")
        except FileNotFoundError:
            return ()
        except OSError as error:
            return (disk_faults.unreadable(self.folder, error),)
        return (current,) if isinstance(current, Diagnostic) else found

    def live(self) -> Live:
        """See `Layout`."""
        try:
            with Folder.at(self.folder) as root:
                current = _current(root)
                if not isinstance(current, str):
                    return NOTHING
                with root.enter(RELEASES) as releases:
                    found = content(releases, current)
        except OSError:
            return NOTHING
        return Live(current, found.files, found.digests, found.edited)

    def stored(self) -> tuple[StoredRelease, ...]:
        """See `Layout`."""
        found = []
        with contextlib.suppress(OSError), Folder.at(self.folder) as root, root.enter(RELEASES) as releases:
            for name in filter(is_release_id, releases.kinds()):
                with contextlib.suppress(OSError), releases.enter(name) as folder:
                    known = read_manifest(folder.read(MANIFEST))
                    if known is not None and known.release == name:
                        time = folder.modified(MANIFEST)
                        found.append(StoredRelease(name, len(known.digests), known.commit, time))
        return tuple(sorted(found, key=lambda each: (-each.stored_at, each.id)))

    def load(self, release: str) -> Release | Diagnostic:
        """See `Layout`."""
        try:
            with Folder.at(self.folder) as root, root.enter(RELEASES) as releases:
                return self._load(releases, release)
        except FileNotFoundError:
            return disk_faults.unknown_release(self.folder, release)
        except OSError as error:
            return disk_faults.unreadable(self.folder, error)

    def _load(self, releases: Folder, release: str) -> Release | Diagnostic:
        if not is_release_id(release) or releases.kind(release) is None:
            return disk_faults.unknown_release(self.folder, release)
        found = content(releases, release)
        if found.error is not None:
            return disk_faults.unreadable(self.folder, found.error)
        if found.edited:
            return disk_faults.damaged(release, found.edited)
        return restored(found.manifest, found.files)

    def stage(self, release: Release) -> Diagnostic | None:
        """See `Layout`: RC835, RC836, RC856."""
        bad = bad_names(release)
        if bad is not None:
            return bad
        name = release.id
        try:
            with Folder.at(self.folder) as root, root.enter(RELEASES) as releases:
                if releases.kind(name) is not None:
                    found = content(releases, name)
                    if not found.edited:
                        return None
                    if _current(root) == name:
                        return disk_faults.edited(self.folder, found.edited)
                with root.enter(STATE) as state, state.enter(STAGE) as stage:
                    store(release, stage, releases)
        except OSError as error:
            return disk_faults.not_stored(self.folder, error)
        return None

    def switch(self, old: str | None, new: str | None) -> Switched:
        """See `Layout`: RC832, RC837, RC838, RC842, RC899. It is one rename, so never done in part."""
        moved: Literal["none", "all"] = "none"
        try:
            with Folder.at(self.folder) as root, root.enter(RELEASES) as releases:
                loaded = None if new is None or new == old else self._load(releases, new)
                if isinstance(loaded, Diagnostic):
                    return Switched("none", loaded)
                # Both may still be on their way to the disk, if the run that made them was killed.
                if new != old:
                    releases.sync()
                    root.sync()
                current = _current(root)
                if isinstance(current, Diagnostic):
                    return Switched("none", current)
                if current != old:
                    return Switched("none", disk_faults.overtaken(self.folder, old, current))
                if new == old:
                    return Switched("all", None)
                _point(root, new)
                moved = "all"
                root.sync()
        except OSError as error:
            return Switched(moved, disk_faults.not_switched(self.folder, error))
        return Switched("all", None)

    def adopt(self) -> str | Diagnostic:
        """See `Layout`: as `faults`, `stage` and `switch`."""
        for fault in self.faults():
            return fault
        try:
            with Folder.at(self.folder) as root, root.enter(RELEASES) as releases:
                current = _current(root)
                if not isinstance(current, str):
                    return current or disk_faults.nothing_live(self.folder)
                found = content(releases, current)
            if found.error is not None:
                raise found.error
        except OSError as error:
            return disk_faults.unreadable(self.folder, error)
        if not found.edited:
            return current
        release = restored(found.manifest, found.files)
        if release.id == current:
            return self._mend(release) or current
        return self.stage(release) or self.switch(current, release.id).fault or release.id

    def _mend(self, release: Release) -> Diagnostic | None:
        """Gives the live release its manifest back, where nothing but that was harmed (RC836)."""
        try:
            with (
                Folder.at(self.folder) as root,
                root.enter(STATE) as state,
                state.enter(STAGE) as stage,
                root.enter(RELEASES) as releases,
                releases.enter(release.id) as folder,
            ):
                folder.replace(MANIFEST, manifest(release), stage)
        except OSError as error:
            return disk_faults.not_stored(self.folder, error)
        return None

    def prune(self, keep: Collection[str]) -> Diagnostic | None:
        """See `Layout`."""
        try:
            with Folder.at(self.folder) as root, root.enter(RELEASES) as releases:
                current = _current(root)
                if isinstance(current, Diagnostic):
                    return None  # what is live cannot be told
                old = [n for n, kind in releases.kinds().items() if is_release_id(n) and kind == "folder"]
                with root.enter(STATE) as state, state.enter(STAGE) as stage:
                    for name in old:
                        if name != current and name not in keep:
                            # First out of sight, so that half of it is never taken for a release.
                            stage.clear(name)
                            releases.move(name, stage, name)
                            stage.clear(name)
        except FileNotFoundError:
            return None
        except OSError as error:
            return disk_faults.not_removed(self.folder, error)
        return None


def _current(root: Folder) -> str | Diagnostic | None:
    """The id that `current` links to, None without a link; all but a release beside it is RC832."""
    path = f"{root.path}/{CURRENT}"
    kind = root.kind(CURRENT)
    if kind is None:
        return None
    if kind != "link":
        return disk_faults.bad_current(path, f"a {kind}")
    target = root.target(CURRENT)
    match = CURRENT_TARGET.fullmatch(target)
    if match is None:
        return disk_faults.bad_current(path, f"a link to `{disk_faults.shown(target)}`")
    with root.enter(RELEASES) as releases:
        if releases.kind(match[1]) != "folder":
            return disk_faults.bad_current(path, "a link to a release that is not there")
    return match[1]


def _flat(root: Folder, path: Path) -> tuple[Diagnostic, ...]:
    """Refuses a folder in which files lie as the flat layout has them."""
    if root.kind(STATE) is None:
        return ()
    with root.enter(STATE) as state:
        if state.kind(FLAT_RECORD) is None:
            return ()
    return (disk_faults.other_layout(path, "flat", "release"),)


def _point(root: Folder, release: str | None) -> None:
    """Has `current` lead to a release, in one step."""
    if release is None:
        root.remove(CURRENT)
        return
    with root.enter(STATE) as state, state.enter(STAGE) as stage:
        stage.clear(CURRENT)
        stage.link(CURRENT, f"{RELEASES}/{release}")
        stage.move(CURRENT, root, CURRENT)
