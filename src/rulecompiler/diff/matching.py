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
    """Old ids of groups that are there under a new one, by the new id: what they say is much the same.

    Where several could be meant, none is: who is taken for a stranger seems to keep what it lost.
    """
    before = {group.id: _content(group) for group in gone}
    after = {group.id: _content(group) for group in added}
    found = _equal_groups(before, after)
    for new_id, old_id in found.items():
        del before[old_id], after[new_id]
    index = _Index(before)
    scores = [(score, old_id, new_id) for new_id in after for score, old_id in index.like(after[new_id])]
    best: dict[tuple[str, str], list[tuple[float, str]]] = {}
    for score, old_id, new_id in scores:
        best.setdefault(("old", old_id), []).append((score, new_id))
        best.setdefault(("new", new_id), []).append((score, old_id))
    chosen = {key: _only_best(candidates) for key, candidates in best.items()}
    for _, old_id, new_id in scores:
        if chosen["old", old_id] == new_id and chosen["new", new_id] == old_id:
            found[new_id] = old_id
    return found


_Content = frozenset[tuple[str, ...]]


def _equal_groups(before: Mapping[str, _Content], after: Mapping[str, _Content]) -> dict[str, str]:
    """Those that say just the same, and nobody else does."""
    ids: dict[_Content, tuple[list[str], list[str]]] = {}
    for number, side in enumerate((before, after)):
        for id_, content in side.items():
            ids.setdefault(content, ([], []))[number].append(id_)
    return {
        new[0]: old[0]
        for content, (old, new) in ids.items()
        if len(old) == len(new) == 1 and _is_telling(content)
    }


class _Index:
    """Finds, among many contents, those that are much like another one, without looking at all of them."""

    def __init__(self, contents: Mapping[str, _Content]) -> None:
        self._contents = contents
        self._holders: dict[tuple[str, ...], list[str]] = {}
        for id_, content in contents.items():
            for part in content:
                self._holders.setdefault(part, []).append(id_)

    def like(self, content: _Content) -> Iterator[tuple[float, str]]:
        """How much is in common with whom, where that is enough."""
        # Who shares enough parts shares one of any so many: the rarest have the fewest candidates.
        rarest = sorted(content, key=lambda part: (len(self._holders.get(part, ())), part))
        enough = int((1 - _ALIKE) * len(content)) + 1
        candidates = {id_ for part in rarest[:enough] for id_ in self._holders.get(part, ())}
        for id_ in sorted(candidates):
            other = self._contents[id_]
            common = content & other
            score = len(common) / len(content | other)
            if score >= _ALIKE and _is_telling(common):
                yield score, id_


def _is_telling(parts: Iterable[tuple[str, ...]]) -> bool:
    """A team has many groups, so that its label alone says nothing."""
    return any(part[0] in _TELLING for part in parts)


def _only_best(candidates: Iterable[tuple[float, str]]) -> str | None:
    """The likeliest; None where two are so alike that nobody can tell."""
    first, *rest = sorted(candidates, reverse=True)
    return None if rest and rest[0][0] == first[0] else first[1]


def _content(group: Group) -> _Content:
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
