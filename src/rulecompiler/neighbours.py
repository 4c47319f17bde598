"""Which groups of one tree have scopes that meet: who holds whom, and whose word counts for whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from rulecompiler.forest import Forest
from rulecompiler.model import Group
from rulecompiler.scopes import Relation, relation


class Neighbours(NamedTuple):
    """The groups of one tree whose scopes a group's scope meets, by id, sorted."""

    holders: tuple[str, ...] = ()  # those that hold it, the widest first, so that deciding recurses little
    insiders: tuple[str, ...] = ()  # those that it holds
    overlaps: tuple[str, ...] = ()  # those that neither hold it nor lie inside

    @property
    def all(self) -> tuple[str, ...]:
        """Every group that may change what this one emits."""
        return (*self.holders, *self.insiders, *self.overlaps)


def neighbours(forest: Forest) -> Mapping[str, Neighbours]:
    """For every group that is not abstract, the groups of its tree that its scope meets."""
    trees: dict[str, list[Group]] = {}
    for group in forest:
        if not group.abstract:
            trees.setdefault(forest.root(group.id), []).append(group)
    found: dict[str, Neighbours] = {}
    for members in trees.values():
        holders: dict[str, list[str]] = {g.id: [] for g in members}
        insiders: dict[str, list[str]] = {g.id: [] for g in members}
        overlaps: dict[str, list[str]] = {g.id: [] for g in members}
        for first, second in meeting_pairs(members):
            how = relation(first.scope, second.scope)
            if how is Relation.EQUAL:
                how = _elder(forest, first, second)
            if how is Relation.HOLDS:
                insiders[first.id].append(second.id)
                holders[second.id].append(first.id)
            elif how is Relation.INSIDE:
                insiders[second.id].append(first.id)
                holders[first.id].append(second.id)
            elif how is Relation.OVERLAP:
                overlaps[first.id].append(second.id)
                overlaps[second.id].append(first.id)
        for group in members:
            found[group.id] = Neighbours(
                tuple(sorted(holders[group.id], key=lambda h: (len(holders[h]), h))),
                tuple(sorted(insiders[group.id])),
                tuple(sorted(overlaps[group.id])),
            )
    return found


def whose_word_counts(group_id: str, around: Mapping[str, Neighbours]) -> set[str]:
    """The groups, itself among them, whose rules may change what a group emits.

    Whether a rule stands in a neighbour may in turn hang on what lies inside that one: a group
    between two others stands to tell its inner slices apart. Only a group that has a wider one
    around it can be such a bridge, so siblings under one root do not depend on each other.
    """
    near = around.get(group_id, Neighbours()).all
    members = {group_id, *near}
    for other in near:
        if around[other].holders:
            members.update(around[other].insiders)
    return members


def meeting_pairs(groups: Iterable[Group]) -> Iterator[tuple[Group, Group]]:
    """Pairs whose scopes are not trivially apart, in linear time where most differ in one label.

    Two scopes that demand different values of the commonest label cannot meet.
    """
    members = list(groups)
    counts: dict[str, int] = {}
    for group in members:
        for matcher in group.scope:
            if matcher.op == "=":
                counts[matcher.label] = counts.get(matcher.label, 0) + 1
    key = max(sorted(counts), key=counts.__getitem__, default="")
    buckets: dict[str | None, list[Group]] = {}
    for group in members:
        value = next((m.value for m in group.scope if m.label == key and m.op == "="), None)
        buckets.setdefault(value, []).append(group)
    anywhere = buckets.pop(None, [])
    for bucket in [*buckets.values(), anywhere]:
        for index, first in enumerate(bucket):
            for second in bucket[index + 1 :]:
                yield first, second
    for first in anywhere:
        for bucket in buckets.values():
            for second in bucket:
                yield first, second


def _elder(forest: Forest, first: Group, second: Group) -> Relation:
    """Equal scopes: an heir is the more specific; two without that tie overlap."""
    if first in forest.chain(second.id):
        return Relation.HOLDS
    if second in forest.chain(first.id):
        return Relation.INSIDE
    return Relation.OVERLAP
