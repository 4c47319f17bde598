"""Releases kept as manifests and blobs, so that one changed file of a thousand costs one file."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping
from pathlib import Path

from rulecompiler.deploy import disk_faults
from rulecompiler.deploy.disk import Folder
from rulecompiler.deploy.layout import RELEASES, STAGE, StoredRelease, restored, sha256
from rulecompiler.deploy.release import Manifest, Release, is_release_id, manifest, read_manifest
from rulecompiler.diagnostics import Diagnostic

BLOBS = "blobs"
_SUFFIX = ".json"


class BlobStore:
    """The store in a state folder, which every method gets open. Methods raise OSError where they say so."""

    def __init__(self, folder: Path) -> None:
        """`folder` is the rules folder, for diagnostics."""
        self._folder = folder

    def manifest(self, state: Folder, release: str) -> Manifest | Diagnostic:
        """What a release consists of (RC837, RC838). Raises OSError."""
        unknown = disk_faults.unknown_release(self._folder, release)
        if not is_release_id(release):
            return unknown
        try:
            with state.enter(RELEASES) as releases:
                data = releases.read(release + _SUFFIX)
        except FileNotFoundError:
            return unknown
        found = read_manifest(data)
        if found is None or found.release != release:
            return disk_faults.damaged(release, (release + _SUFFIX,))
        return found

    def files(
        self, state: Folder, release: Manifest, names: Collection[str]
    ) -> Mapping[str, bytes] | Diagnostic:
        """Some of a release's files, checked against their digests (RC837). Raises OSError."""
        found: dict[str, bytes] = {}
        wrong = []
        with state.enter(BLOBS) as blobs:
            for name in names:
                data = _blob(blobs, release.digests[name])
                if data is None:
                    wrong.append(name)
                else:
                    found[name] = data
        return disk_faults.damaged(release.release, wrong) if wrong else found

    def load(self, state: Folder, release: str) -> Release | Diagnostic:
        """A whole release (RC837, RC838). Raises OSError."""
        known = self.manifest(state, release)
        if isinstance(known, Diagnostic):
            return known
        files = self.files(state, known, known.digests)
        return files if isinstance(files, Diagnostic) else restored(known, files)

    def add(self, state: Folder, release: Release) -> None:
        """Stores a release, or what of it is missing. Raises OSError, and then it is not stored."""
        name = release.id
        by_digest = {sha256(data): data for data in release.files.values()}
        with state.enter(BLOBS) as blobs, state.enter(RELEASES) as releases, state.enter(STAGE) as stage:
            missing = {digest: data for digest, data in by_digest.items() if _blob(blobs, digest) is None}
            if missing:
                _add_blobs(missing, blobs, stage)
            if not isinstance(self.manifest(state, name), Diagnostic):
                return
            try:
                blobs.sync()  # the run that added them may have been killed before it came to that
                releases.replace(name + _SUFFIX, manifest(release), stage)
            except OSError:
                # What is not known to be on the disk must not be taken for good by the next run.
                with contextlib.suppress(OSError):
                    releases.remove(name + _SUFFIX)
                with contextlib.suppress(OSError):
                    stage.clear(name + _SUFFIX)
                raise

    def sync(self, state: Folder) -> None:
        """Returns when what is stored is on the disk, whoever stored it. Raises OSError."""
        for name in (BLOBS, RELEASES):
            with state.enter(name) as folder:
                folder.sync()

    def stored(self, state: Folder) -> tuple[StoredRelease, ...]:
        """Newest first. Raises OSError."""
        found = []
        for name in _ids(state):
            known = self.manifest(state, name)
            if isinstance(known, Manifest):
                with state.enter(RELEASES) as releases:
                    time = releases.modified(name + _SUFFIX)
                found.append(StoredRelease(name, len(known.digests), known.commit, time))
        return tuple(sorted(found, key=lambda each: (-each.stored_at, each.id)))

    def names(self, state: Folder) -> frozenset[str]:
        """All file names of all stored releases. Raises OSError."""
        known = [self.manifest(state, name) for name in _ids(state)]
        return frozenset(name for each in known if isinstance(each, Manifest) for name in each.digests)

    def prune(self, state: Folder, keep: Collection[str]) -> None:
        """Forgets all other releases, and the blobs that only they needed. Raises OSError."""
        with state.enter(RELEASES) as releases:
            for name in _ids(state):
                if name not in keep:
                    releases.remove(name + _SUFFIX)
        known = [self.manifest(state, name) for name in _ids(state)]
        if any(isinstance(each, Diagnostic) for each in known):
            return  # nobody can tell what a damaged manifest needs
        needed = {digest for each in known if isinstance(each, Manifest) for digest in each.digests.values()}
        with state.enter(BLOBS) as blobs:
            for name in blobs.kinds():
                # A digest looks like an id.
                if is_release_id(name) and name not in needed:
                    blobs.remove(name)


def _ids(state: Folder) -> list[str]:
    with state.enter(RELEASES) as releases:
        names = [name.removesuffix(_SUFFIX) for name in releases.kinds() if name.endswith(_SUFFIX)]
    return sorted(filter(is_release_id, names))


def _blob(blobs: Folder, digest: str) -> bytes | None:
    """The bytes with this digest; None where they are not, or not any more. Raises OSError."""
    if blobs.kind(digest) != "file":
        return None
    data = blobs.read(digest)
    return data if sha256(data) == digest else None


def _add_blobs(files: Mapping[str, bytes], blobs: Folder, stage: Folder) -> None:
    for digest in files:
        stage.clear(digest)
    try:
        stage.create_all(files)
        for digest in files:
            stage.move(digest, blobs, digest)
        blobs.sync()
    except OSError:
        for digest in files:
            for folder in (stage, blobs):
                with contextlib.suppress(OSError):
                    folder.clear(digest)
        raise
