"""What git lists of a commit's files, which of these would be templates and groups, and what is missing."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import NamedTuple

from rulecompiler import sources
from rulecompiler.diagnostics import Diagnostic, Span
from rulecompiler.sources import ENDINGS


class Entry(NamedTuple):
    """One line of git's listing: a file, folder, link or submodule. The size is in bytes."""

    mode: str
    object: str
    size: int

    @property
    def is_file(self) -> bool:
        """Whether it is a plain file."""
        return self.mode.startswith("100")

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.mode == "040000"

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link."""
        return self.mode == "120000"


def entries(listing: str) -> dict[str, Entry]:
    """The lines of `git ls-tree -l -z` by their path."""
    found: dict[str, Entry] = {}
    for line in listing.split("\0"):
        facts, _, path = line.partition("\t")
        if path:
            mode, _, name, size = facts.split()
            found[path] = Entry(mode, name, int(size) if size.isdigit() else 0)
    return found


def is_seen(path: str, folders: tuple[str, ...]) -> bool:
    """Whether `sources.scan` would look at this path below one of these folders."""
    folder = next((f for f in folders if path.startswith(f"{f}/") or f == "."), None)
    if folder is None:
        return False
    parts = (path if folder == "." else path[len(folder) + 1 :]).split("/")
    return not any(sources.is_ignored(part.encode("utf-8", "surrogateescape")) for part in parts)


def has_ending(path: str) -> bool:
    """Whether a template or group may be called so."""
    return path.endswith(ENDINGS)


def not_followed(path: str, entry: Entry) -> Diagnostic:
    """What is no file and no folder in a commit (RC725)."""
    what = "link" if entry.is_link else "submodule"
    return Diagnostic(
        "RC725",
        f"this {what} is not followed in a commit",
        whole(path),
        help="what it leads to cannot be compared; put a copy in its place",
    )


def no_folder(path: str, entry: Entry, folder: str) -> Diagnostic:
    """What stands where a folder of templates or groups would be (RC102, RC725)."""
    if not entry.is_file:
        return not_followed(path, entry)
    message = f"the folder {sources.shown(folder)} cannot be read: {sources.shown(path)} is a file"
    return Diagnostic("RC102", message, help="correct the path in the settings of that commit")


def whole(path: str) -> Span:
    """A file as a place."""
    return Span(sources.shown(path), 1, 1, 1, 1)


def within(label: str, fault: Diagnostic) -> Diagnostic:
    """A fault of a commit that is called so."""
    return replace(fault, message=f"in {label}, {fault.message}")


def shallow(message: str) -> Diagnostic:
    """What a clone lacks that was made without its history (RC721)."""
    return Diagnostic(
        "RC721",
        message,
        help="run `git fetch --unshallow`; in GitHub Actions, give actions/checkout `fetch-depth: 0`",
    )


def lost(what: str) -> Diagnostic:
    """Something that a commit is made of, and that is not there (RC723)."""
    return Diagnostic(
        "RC723",
        f"git cannot read {what}",
        help="run `git fsck`; a partial clone must be able to reach its origin",
    )


def is_blob(data: bytes, name: str) -> bool:
    """Whether git calls exactly these bytes so. Source: git-hash-object(1)."""
    digest = hashlib.sha256 if len(name) == 64 else hashlib.sha1
    return digest(b"blob %d\0" % len(data) + data).hexdigest() == name
