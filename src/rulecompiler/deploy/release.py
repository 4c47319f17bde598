"""A release: rule files that belong together, named by what is in them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

MANIFEST = "manifest.json"
_FORMAT = 1
_MAX_NAME_BYTES = 200
# What a glob such as `*.yml` finds, and what is safe in a path, a URL and a log line.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\.yml")
_RELEASE = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Release:
    """Rule files by plain name. Equal names and bytes make an equal `id`, whatever else is known of them.

    `commit` is where the files come from, if known.
    """

    files: Mapping[str, bytes]
    commit: str = field(default="", compare=False)

    @property
    def digests(self) -> Mapping[str, str]:
        """The SHA-256 of each file, in hex."""
        return {name: hashlib.sha256(data).hexdigest() for name, data in self.files.items()}

    @property
    def id(self) -> str:
        """64 hexadecimal digits."""
        return release_id(self.digests)


class Manifest(NamedTuple):
    """What a release must consist of, as its manifest says."""

    release: str
    digests: Mapping[str, str]
    commit: str


def release_id(digests: Mapping[str, str]) -> str:
    """The id of the release that has files with these digests."""
    lines = (f"{name}\0{digest}\n" for name, digest in sorted(digests.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def is_release_id(text: str) -> bool:
    """Whether this is a whole id."""
    return _RELEASE.fullmatch(text) is not None


def is_file_name(text: str) -> bool:
    """Whether a rule file may be called so: no folder, nothing hidden, ending in `.yml`."""
    return _NAME.fullmatch(text) is not None and len(text) <= _MAX_NAME_BYTES


def manifest(release: Release) -> bytes:
    """The manifest of a release, to be kept beside its files."""
    files = dict(sorted(release.digests.items()))
    data = {"format": _FORMAT, "release": release.id, "commit": release.commit, "files": files}
    return (json.dumps(data, indent=1, ensure_ascii=True) + "\n").encode()


def read_manifest(data: bytes) -> Manifest | None:
    """What a manifest says; None where it is none, or contradicts itself."""
    try:
        content = json.loads(data)
        digests = {str(name): str(digest) for name, digest in content["files"].items()}
        found = Manifest(content["release"], digests, str(content["commit"]))
        fits = content["format"] == _FORMAT and found.release == release_id(digests)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return found if fits and all(map(is_file_name, digests)) else None
