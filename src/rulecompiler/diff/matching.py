"""Which rule, and which group, of one side is which of the other: a rename is one entry, not two."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import NamedTuple

from rulecompiler.diff.items import Item
from rulecompiler.model import Group

_ALIKE = 0.6
"""How much two group files must have in common for the one to be the other renamed, from 0 to 1."""

_TELLING = frozenset({"name", "rules", "params", "scope"})


class Matched(NamedTuple):
    """Rules that are on both sides, and those that are on one."""

    pairs: tuple[tuple[Item, Item], ...]
    old: tuple[Item, ...]
    new: tuple[Item, ...]


def match_rules(old: Iterable[Item], new: Iterable[Item]) -> Matched:
    """The rules of one group: by key first, then by what they are made of.

    Each way pairs only what is unmistakable in it, so that no rule is taken for a stranger.
    """
    before, after = list(old), list(new)
    pairs: list[tuple[Item, Item]] = []
    for way in _WAYS:
        taken = list(_unique_pairs(before, after, way))
        pairs += taken
        gone = {id(item) for pair in taken for item in pair}
        before = [item for item in before if id(item) not in gone]
        after = [item for item in after if id(item) not in gone]
        if not before or not after:
            break
    return Matched(tuple(pairs), tuple(before), tuple(after))


def _exact(item: Item) -> Hashable:
    """Two rules of one name, as only rule files have them, are told apart by their labels."""
    return item.rule.kind, item.key, item.group.name, tuple(sorted(item.rule.labels.items()))


_WAYS: tuple[Callable[[Item], Hashable], ...] = (
    lambda item: (item.rule.kind, item.key),
    _exact,
    lambda item: (item.rule.kind, item.rule.name),
    lambda item: (item.rule.kind, item.key, item.group.name),
    lambda item: (item.rule.kind, item.template, item.rule.expr, item.rule.labels.get("severity")),
    lambda item: (item.rule.kind, item.rule.expr),
    lambda item: (item.rule.kind, item.template or item.rule.expr, item.rule.labels.get("severity")),
    lambda item: (item.rule.kind, item.template or item.rule.expr),
    lambda item: (item.rule.kind, item.written.get(("expr", ""), item.rule.expr)),
)


def _unique_pairs(
    old: Iterable[Item], new: Iterable[Item], way: Callable[[Item], Hashable]
) -> Iterator[tuple[Item, Item]]:
    before, after = _unique(old, way), _unique(new, way)
    for known, item in before.items():
        if known in after:
            yield item, after[known]


def _unique(items: Iterable[Item], way: Callable[[Item], Hashable]) -> Mapping[Hashable, Item]:
    found: dict[Hashable, Item | None] = {}
    for item in items:
        known = way(item)
        found[known] = None if known in found else item
    return {known: item for known, item in found.items() if item is not None}


def renamed_groups(gone: Iterable[Group], added: Iterable[Group]) -> dict[str, str]:
    """Old ids of groups that are there under a new one, by the new id: what they say is much the same."""
    before = [(group, _content(group)) for group in gone]
    after = [(group, _content(group)) for group in added]
    shared: dict[tuple[str, ...], list[int]] = {}
    for number, (_, content) in enumerate(before):
        for part in content:
            shared.setdefault(part, []).append(number)
    scores: list[tuple[float, str, str]] = []
    for group, content in after:
        numbers = {number for part in content for number in shared.get(part, ())}
        for number in numbers:
            other, theirs = before[number]
            common = content & theirs
            score = len(common) / len(content | theirs)
            # A team has many groups, so that its label alone says nothing.
            if score >= _ALIKE and any(part[0] in _TELLING for part in common):
                scores.append((-score, other.id, group.id))
    taken: set[str] = set()
    found: dict[str, str] = {}
    for _, old_id, new_id in sorted(scores):
        if old_id not in taken and new_id not in found:
            taken.add(old_id)
            found[new_id] = old_id
    return found


def _content(group: Group) -> frozenset[tuple[str, ...]]:
    """What a group file says, apart from its id and what the id is the default of."""
    found: set[tuple[str, ...]] = set()
    if group.name != group.id:
        found.add(("name", group.name))
    for field, values in (
        ("labels", group.labels),
        ("params", group.params),
        ("rules", group.rules),
        ("settings", group.settings),
    ):
        found.update((field, key, repr(value)) for key, value in values.items())
    found.update(
        ("scope", *matcher)
        for matcher in group.scope
        if (matcher.label, matcher.value) != ("group_id", group.id)
    )
    return frozenset(found)
