"""Who covers targets in a rule's place, on either side: what a plan says of coverage that changes hands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rulecompiler.coverage import Assignment, Taker
from rulecompiler.diff.fields import show_matchers
from rulecompiler.diff.items import Item, emission
from rulecompiler.diff.model import Cover
from rulecompiler.diff.sides import Side
from rulecompiler.explain.finding import compiled_name
from rulecompiler.model import Group
from rulecompiler.scopes import Relation, Scope, beyond, implies, negate, relation, union


class Holder(NamedTuple):
    """A rule of one side that covers targets which are asked about."""

    cover: Cover
    path: str  # of the group's file
    item: Item | None = None  # where it covers all of them


def outside(item: Item, other: Item) -> tuple[Scope, ...]:
    """The targets in the item's scope that are not in the other's, in pieces that may overlap."""
    found: list[Scope] = []
    for matcher in beyond(item.scope, other.scope):
        rest = negate(matcher)
        known = any(implies(own, rest) for own in item.scope)
        found.append(item.scope if known else union(item.scope, (rest,)))
    return tuple(dict.fromkeys(found))


class Holders:
    """Answers, for one side, which rules cover given targets."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self._assignments: dict[str, tuple[Assignment, ...]] = {}
        self._items: dict[str, tuple[Item, ...]] = {}
        self._near: dict[Scope, tuple[list[Group], list[Group]]] = {}
        counts: dict[str, int] = {}
        members = [group for group in side.forest if not group.abstract]
        for group in members:
            for matcher in group.scope:
                if matcher.op == "=":
                    counts[matcher.label] = counts.get(matcher.label, 0) + 1
        # As in `meeting_pairs`: scopes that demand two values of one label cannot meet.
        self._label = max(sorted(counts), key=counts.__getitem__, default="")
        self._buckets: dict[str | None, list[Group]] = {}
        for group in members:
            self._buckets.setdefault(self._value(group.scope), []).append(group)

    def of(self, item: Item, part: Scope | None = None) -> tuple[Holder, ...]:
        """The rules that cover what the item of the other side covers: in full, or a slice of it.

        With `part` only those of its targets are asked about.
        """
        scope = item.scope if part is None else part
        region = (*scope, *item.exclusions)
        told = "" if part is None else show_matchers(part)
        wide, inner = self._around(region)
        found: list[Holder] = []
        for group in wide:
            for assignment in self._alike(group, item):
                if not beyond(region, (*assignment.scope, *assignment.exclusions)):
                    cover = self._cover(group, assignment, told)
                    found.append(Holder(cover, group.path, self._item(group.id, assignment.rule.name)))
        if found:
            return tuple(found)
        for group in inner:
            for assignment in self._alike(group, item):
                apart = show_matchers(beyond(region, group.scope))
                found.append(Holder(self._cover(group, assignment, apart), group.path))
        return tuple(found)

    def itself(self, item: Item, part: Scope) -> Holder:
        """The rule of this side as what leaves these targets out."""
        cover = Cover(item.group_id, item.key, item.rule.name, show_matchers(part))
        return Holder(cover, self._side.forest.groups[item.group_id].path)

    def taker(self, taker: Taker) -> Holder:
        """A rule that speaks for a slice of a rule of this side."""
        group = self._side.forest.groups[taker.group_id]
        name = compiled_name(group, taker.rule, self._side.options.alert_names)
        return Holder(Cover(group.id, taker.rule.name, name, show_matchers(taker.apart)), group.path)

    def _around(self, region: Scope) -> tuple[list[Group], list[Group]]:
        """The groups whose scope holds these targets, and those that lie inside them."""
        known = self._near.get(region)
        if known is None:
            known = self._near[region] = ([], [])
            for group in self._candidates(region):
                if not beyond(region, group.scope):
                    known[0].append(group)
                elif relation(group.scope, region) is Relation.INSIDE:
                    known[1].append(group)
        return known

    def _candidates(self, region: Scope) -> Iterator[Group]:
        value = self._value(region)
        if value is None:
            for bucket in self._buckets.values():
                yield from bucket
            return
        yield from self._buckets.get(value, ())
        yield from self._buckets.get(None, ())

    def _value(self, scope: Scope) -> str | None:
        return next((m.value for m in scope if m.label == self._label and m.op == "="), None)

    def _alike(self, group: Group, item: Item) -> Iterator[Assignment]:
        if group.id not in self._assignments:
            self._assignments[group.id], _ = self._side.compiler.coverage.assignments(group.id)
        for assignment in self._assignments[group.id]:
            rule = assignment.rule
            # Another key is another rule, even of the same template: a critical one is no warning.
            if rule.name == item.key and rule.template.kind == item.rule.kind and rule.sound:
                yield assignment

    def _cover(self, group: Group, assignment: Assignment, apart: str) -> Cover:
        rule = assignment.rule
        return Cover(group.id, rule.name, compiled_name(group, rule, self._side.options.alert_names), apart)

    def _item(self, group_id: str, key: str) -> Item | None:
        if group_id not in self._items:
            self._items[group_id] = emission(self._side.compiler, group_id).items or ()
        return next((item for item in self._items[group_id] if item.key == key), None)
