"""Which edit brings a change about: the file where a differing value is written, else what it depends on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rulecompiler.diff.edits import Edit
from rulecompiler.diff.items import Item
from rulecompiler.diff.model import FieldChange
from rulecompiler.diff.sides import Side


class Blame:
    """Finds the edited files behind what differs; `edited` holds them by both of their paths."""

    def __init__(self, old: Side, new: Side, edited: Mapping[str, Edit]) -> None:
        self._old, self._new, self._edited = old, new, edited
        self._fallbacks: dict[tuple[str, str], tuple[str, ...]] = {}
        self._settings = tuple(edit.path for edit in edited.values() if edit.kind == "settings")

    def of(
        self, old: Item | None, new: Item | None, fields: Iterable[FieldChange], others: Iterable[str] = ()
    ) -> tuple[tuple[str, ...], bool]:
        """The edited files, the most important first, and whether the group's own is among them.

        `others` are files that certainly have a part in it, such as those of groups that take over.
        """
        found: list[str] = []
        item = new or old
        assert item is not None
        unknown = False
        for change in fields:
            places = {place.path for place in (change.place, change.old_place) if place is not None}
            if change.field == "expr":
                places |= {each.template for each in (old, new) if each is not None}
            guilty = self._paths(sorted(places))
            unknown = unknown or not guilty
            found += guilty
        entries = [self._entry(each) for each in (new, old) if each is not None]
        if old is None or new is None:
            # A rule comes or goes with its whole group, or with what asks for it.
            whole = (item.group_id in self._old.forest.groups) != (item.group_id in self._new.forest.groups)
            own = self._own(item.group_id)
            found += (own if whole else []) or self._paths(entries) or own
            unknown = unknown or not found
            found += [
                path for path in self._paths((item.template,)) if self._edited[path].status != "changed"
            ]
        if old is not None and new is not None and old.template != new.template:
            found += self._paths((new.template, old.template))
        found += self._paths(others)
        if unknown or not found:
            found += [path for path in self._fallback(old, new) if not found]
        causes = tuple(dict.fromkeys(found))
        homes = self._own(old.group_id if old else "") + self._own(new.group_id if new else "")
        kinds = {self._edited[path].kind for path in causes if path in self._edited}
        return causes, any(path in homes for path in causes) or not kinds

    def _paths(self, paths: Iterable[str]) -> list[str]:
        return [self._edited[path].path for path in paths if path in self._edited]

    def _entry(self, item: Item) -> str:
        return item.rule.entry.path

    def _own(self, group_id: str) -> list[str]:
        groups = (self._new.forest.groups.get(group_id), self._old.forest.groups.get(group_id))
        return self._paths(group.path for group in groups if group is not None)

    def _fallback(self, old: Item | None, new: Item | None) -> tuple[str, ...]:
        """The first edited file: the group's own, an ancestor's, a neighbour's, its template, settings."""
        known = (old.group_id if old else ""), (new.group_id if new else "")
        if known not in self._fallbacks:
            # The side without the rule has files too, whose edit brought it or took it away.
            files = (*self._new.files(known[1] or known[0]), *self._old.files(known[0] or known[1]))
            self._fallbacks[known] = tuple(self._paths(files)[:1])
        templates = [each.template for each in (new, old) if each is not None]
        nearest = self._fallbacks[known] or tuple(self._paths(templates)[:1]) or self._settings
        return nearest or self._of_neighbours(known[1] or known[0])

    def _of_neighbours(self, group_id: str) -> tuple[str, ...]:
        """Edited templates of groups whose rules decide what this one emits: it may differ from them now."""
        members = self._new.members(group_id) | self._old.members(group_id) | {group_id}
        files = {f for m in members for side in (self._new, self._old) for f in _templates(side, m)}
        return tuple(self._paths(sorted(files))[:1])


def _templates(side: Side, group_id: str) -> frozenset[str]:
    return side.templates_of(group_id) if group_id in side.forest.groups else frozenset()
