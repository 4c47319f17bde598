"""A release as a folder: its files and its manifest, with whatever became of them."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import NamedTuple

from rulecompiler.deploy import disk_faults
from rulecompiler.deploy.disk import Folder
from rulecompiler.deploy.layout import is_seen, sha256
from rulecompiler.deploy.release import MANIFEST, Manifest, Release, is_file_name, manifest, read_manifest
from rulecompiler.diagnostics import Diagnostic


class Content(NamedTuple):
    """A release's folder as it is, whatever it should be."""

    manifest: Manifest | None  # of the release that the folder is named after
    files: Mapping[str, bytes]
    digests: Mapping[str, str]
    edited: tuple[str, ...]
    error: OSError | None  # why one of them cannot be read


def content(releases: Folder, release: str) -> Content:
    """What the folder of a release holds. Raises OSError where it cannot be listed."""
    files: dict[str, bytes] = {}
    edited: set[str] = set()
    problem: OSError | None = None
    with releases.enter(release) as folder:
        known = _manifest(folder, release)
        for name, kind in folder.kinds().items():
            if not is_seen(name):
                continue
            if kind != "file" or not is_file_name(name):
                edited.add(disk_faults.shown(name))
                continue
            try:
                files[name] = folder.read(name)
            except OSError as error:
                edited.add(name)
                problem = problem or error
    expected = known.digests if known is not None else {}
    digests = {name: sha256(data) for name, data in files.items()}
    edited |= {name for name in expected.keys() | digests.keys() if expected.get(name) != digests.get(name)}
    if known is None:
        edited.add(MANIFEST)
    return Content(known, files, digests, tuple(sorted(edited)), problem)


def _manifest(folder: Folder, release: str) -> Manifest | None:
    try:
        found = read_manifest(folder.read(MANIFEST))
    except OSError:
        return None
    return found if found is not None and found.release == release else None


def misplaced(folder: Folder, path: str) -> tuple[Diagnostic, ...]:
    """What the server would read and should not (RC833 to RC835). Raises OSError."""
    found = []
    for name, kind in sorted(folder.kinds().items()):
        if not is_seen(name):
            continue
        if kind == "link":
            found.append(disk_faults.link(f"{path}/{name}"))
        elif kind != "file":
            found.append(disk_faults.special(f"{path}/{name}", kind))
        elif not is_file_name(name):
            found.append(disk_faults.bad_name(f"{path}/{name}"))
    return tuple(found)


def store(release: Release, stage: Folder, releases: Folder) -> None:
    """Writes a release aside and moves it into place, where a damaged one of its name may lie.

    Raises OSError, and then it is not there.
    """
    name = release.id
    spoilt = f"{name}.damaged"
    for left in (name, spoilt):
        stage.clear(left)
    moved = False
    try:
        stage.make(name)
        with stage.enter(name) as folder:
            folder.create_all({**release.files, MANIFEST: manifest(release)})
            folder.sync()
        if releases.kind(name) is not None:
            releases.move(name, stage, spoilt)
        stage.move(name, releases, name)
        moved = True
        releases.sync()
    except OSError:
        # What is not known to be on the disk must not be found by the next run and taken for good.
        with contextlib.suppress(OSError):
            (releases if moved else stage).clear(name)
        raise
    with contextlib.suppress(OSError):
        stage.clear(spoilt)
