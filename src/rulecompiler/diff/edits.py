"""Which files differ between two sides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

FileKind = Literal["template", "group", "settings"]


class Edit(NamedTuple):
    """A file that is not the same on both sides. `path` is the new side's where it has one."""

    path: str
    kind: FileKind
    status: Literal["added", "changed", "removed", "renamed"]
    old_path: str = ""  # of a renamed one


def edits(old: Mapping[str, str], new: Mapping[str, str], kinds: Mapping[str, FileKind]) -> tuple[Edit, ...]:
    """Edits from the files' digests by path, sorted; the same content under another path is a rename."""
    gone: dict[str, list[str]] = {}
    for path in sorted(old.keys() - new.keys()):
        gone.setdefault(old[path], []).append(path)
    found = [Edit(p, kinds[p], "changed") for p in old.keys() & new.keys() if old[p] != new[p]]
    for path in sorted(new.keys() - old.keys()):
        before = gone.get(new[path])
        if before:
            found.append(Edit(path, kinds[path], "renamed", before.pop(0)))
        else:
            found.append(Edit(path, kinds[path], "added"))
    found += [Edit(path, kinds[path], "removed") for paths in gone.values() for path in paths]
    return tuple(sorted(found))


def by_path(found: Iterable[Edit]) -> Mapping[str, Edit]:
    """Edits by both paths of each file."""
    return {path: edit for edit in found for path in (edit.old_path, edit.path) if path}
