"""What lies in a folder of the flat layout: the record of it, and the files that the record stands for."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import NamedTuple

from rulecompiler.deploy import disk_faults
from rulecompiler.deploy.blob_store import BlobStore
from rulecompiler.deploy.disk import Folder
from rulecompiler.deploy.layout import FLAT_RECORD, RELEASES, STAGE, STATE, sha256
from rulecompiler.deploy.release import Manifest, is_release_id, release_id
from rulecompiler.diagnostics import Diagnostic
from rulecompiler.generated_file import is_generated

_FORMAT = 1
_HEAD_BYTES = 2048  # enough for the comment that a compiled file begins with
EMPTY = Manifest(release_id({}), {}, "")  # of no release at all: no files of ours


class Ground(NamedTuple):
    """What the record says, and what lies under the names that it stands for."""

    releases: Mapping[str | None, Manifest]  # one; more while a switch is under way
    files: Mapping[str, bytes]
    digests: Mapping[str, str]
    errors: Mapping[str, OSError]  # names that are there and cannot be read

    @property
    def names(self) -> frozenset[str]:
        """All names that are ours."""
        return frozenset(name for known in self.releases.values() for name in known.digests)

    def live(self) -> tuple[str | None, Manifest]:
        """The release that the files are; the older one where they are neither."""
        names = self.names
        ours = {name: digest for name, digest in self.digests.items() if name in names}
        exact = (item for item in self.releases.items() if item[1].digests == ours)
        return next(exact, next(iter(self.releases.items())))

    def edited(self) -> tuple[str, ...]:
        """The names that differ from the live release."""
        expected = self.live()[1].digests
        names = expected.keys() | self.digests.keys()
        return tuple(
            sorted(self.errors.keys() | {n for n in names if expected.get(n) != self.digests.get(n)})
        )


def look(root: Folder, store: BlobStore, claimed: Collection[str] = ()) -> Ground | Diagnostic:
    """What is there; a claimed file that nothing lists counts if the compiler wrote it. Raises OSError.

    A damaged record is RC846.
    """
    releases: dict[str | None, Manifest] = {None: EMPTY}
    if root.kind(STATE) is not None:
        with root.enter(STATE) as state:
            recorded = read_record(state)
            if recorded is None:
                return _lost(root, FLAT_RECORD)
            releases = {}
            for release in recorded:
                known = EMPTY if release is None else store.manifest(state, release)
                if isinstance(known, Diagnostic):
                    return _lost(root, f"{RELEASES}/{release}.json")
                releases[release] = known
    ground = Ground(releases, {}, {}, {})
    files: dict[str, bytes] = {}
    errors: dict[str, OSError] = {}
    for name in sorted(ground.names):
        try:
            files[name] = root.read(name)
        except FileNotFoundError:
            continue
        except OSError as error:
            errors[name] = error
    for name in sorted(frozenset(claimed) - ground.names):
        if is_compiled(root, name):
            files[name] = root.read(name)
    digests = {name: sha256(data) for name, data in files.items()}
    return Ground(releases, files, digests, errors)


def read_record(state: Folder) -> tuple[str | None, ...] | None:
    """The releases of which files may lie here; None if the record is damaged. Raises OSError."""
    try:
        found = json.loads(state.read(FLAT_RECORD))
        releases = tuple(found["releases"])
        fits = found["format"] == _FORMAT and all(r is None or is_release_id(r) for r in releases)
    except FileNotFoundError:
        return (None,)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return releases if fits and releases else None


def write_record(state: Folder, releases: tuple[str | None, ...]) -> None:
    """Says of which releases files may lie here; it is on the disk when this returns. Raises OSError."""
    if releases == (None,):
        state.remove(FLAT_RECORD)
        state.sync()
        return
    data = (json.dumps({"format": _FORMAT, "releases": releases}) + "\n").encode()
    with state.enter(STAGE) as stage:
        state.replace(FLAT_RECORD, data, stage)


def is_compiled(root: Folder, name: str) -> bool:
    """Whether a file carries the compiler's mark; not where it is missing, no file, or cannot be read."""
    try:
        return is_generated(root.read(name, _HEAD_BYTES).decode("utf-8", "replace"))
    except OSError:
        return False


def _lost(root: Folder, name: str) -> Diagnostic:
    record = f"{root.path}/{STATE}/{FLAT_RECORD}"
    return disk_faults.bad_record(
        f"{root.path}/{STATE}/{name}",
        f"move `{disk_faults.shown(record)}` away and deploy again: compiled files that lie there are then "
        "taken over, if you agree",
    )
