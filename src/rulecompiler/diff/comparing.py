"""One group of both sides compared: pairs of rules that differ, and rules that only one side has."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import NamedTuple

from rulecompiler.coverage import Taker
from rulecompiler.diagnostics import Diagnostic, Severity, Span
from rulecompiler.diff.blame import Blame
from rulecompiler.diff.fields import Locate, Sight, field_changes, resets, same
from rulecompiler.diff.handover import Holder, Holders
from rulecompiler.diff.items import Item, emission
from rulecompiler.diff.matching import match_rules
from rulecompiler.diff.model import Action, Incomparable, RuleAt, RuleChange, SideKey
from rulecompiler.diff.sides import Side


class Compared(NamedTuple):
    """What became of one group. `likeness` is, for each change, its query's difference without scopes."""

    changes: tuple[RuleChange, ...] = ()
    likeness: tuple[Hashable, ...] = ()
    gone: tuple[Item, ...] = ()
    added: tuple[Item, ...] = ()
    unchanged: int = 0
    broken: Incomparable | None = None
    old_faults: tuple[Diagnostic, ...] = ()
    new_faults: tuple[Diagnostic, ...] = ()


class Comparer:
    """Compares groups, each by itself; what was remembered may be lost between two of them."""

    def __init__(self, old: Side, new: Side, blame: Blame) -> None:
        self.old, self.new = old, new
        self.sight = Sight(old.locate, new.locate, new.options.alert_names)
        self._blame = blame
        self._holders = Holders(old), Holders(new)

    def compare(self, ids: tuple[str, str]) -> Compared:
        """The group with these ids on the old and on the new side; an empty one where it is not there."""
        before = emission(self.old.compiler, ids[0]) if ids[0] else None
        after = emission(self.new.compiler, ids[1]) if ids[1] else None
        old_faults = before.diagnostics if before is not None else ()
        new_faults = after.diagnostics if after is not None else ()
        old = before.items if before is not None else ()
        new = after.items if after is not None else ()
        if old is None or new is None:
            broken = incomparable(
                ids[1] or ids[0],
                _first(old_faults, self.old) if old is None else None,
                _first(new_faults, self.new) if new is None else None,
            )
            return Compared(broken=broken, old_faults=old_faults, new_faults=new_faults)
        matched = match_rules(old, new)
        differing = [pair for pair in matched.pairs if not same(*pair)]
        changes = [self._change(*pair) for pair in differing]
        return Compared(
            tuple(changes),
            tuple(_likeness(*pair) for pair in differing),
            matched.old,
            matched.new,
            len(matched.pairs) - len(differing),
            None,
            old_faults,
            new_faults,
        )

    def _change(self, old: Item, new: Item) -> RuleChange:
        fields = field_changes(old, new, self.sight)
        reasons = resets(old, new)
        covered, takes, uncovered = self._handovers(old, new)
        fields = tuple(
            f._replace(place=self._place_of_exclusions(old, new)) if f.field == "exclusions" else f
            for f in fields
        )
        others = [holder.path for holder in (*covered, *takes, *uncovered)]
        told = [f for f in fields if f.field != "exclusions"] if others else fields
        guilty, direct = self._blame.of(old, new, told, others)
        renamed_record = new.rule.kind == "record" and (
            old.rule.name != new.rule.name or old.rule.labels != new.rule.labels
        )
        return RuleChange(
            Action.REPLACE if reasons or renamed_record else Action.CHANGE,
            rule_at(old, self.sight.old),
            rule_at(new, self.sight.new),
            fields,
            reasons,
            covered_by=tuple(holder.cover for holder in covered),
            takes_over=tuple(holder.cover for holder in takes),
            uncovered=tuple(holder.cover for holder in uncovered),
            causes=guilty,
            direct=direct,
        )

    def _place_of_exclusions(self, old: Item, new: Item) -> Span | None:
        """The entry of the first rule that takes a slice now, or took one before."""
        came, went = self._takers(old, new)
        for takers, locate in ((came, self.sight.new), (went, self.sight.old)):
            for taker in sorted(takers, key=lambda t: (t.group_id, t.rule.name)):
                return locate(taker.rule.entry.key())
        return None

    def _takers(self, old: Item, new: Item) -> tuple[list[Taker], list[Taker]]:
        """Who speaks for slices of the rule on the new side only, and on the old side only."""
        before, after = (
            {(t.group_id, t.rule.name): t for t in side.compiler.coverage.takers(item.group_id, item.key)}
            for side, item in ((self.old, old), (self.new, new))
        )
        return [after[k] for k in after.keys() - before.keys()], [
            before[k] for k in before.keys() - after.keys()
        ]

    def _handovers(
        self, old: Item, new: Item
    ) -> tuple[tuple[Holder, ...], tuple[Holder, ...], tuple[Holder, ...]]:
        """Who takes slices that the rule gives up, whose slices it takes over, and what nobody covers."""
        if old.exclusions == new.exclusions or old.assignment is None or new.assignment is None:
            return (), (), ()
        came, went = self._takers(old, new)
        holders = self._holders

        def sorted_(found: list[Holder]) -> tuple[Holder, ...]:
            return tuple(sorted(found, key=lambda holder: holder.cover))

        return (
            sorted_([holders[1].taker(t) for t in came if t.rule.enabled]),
            sorted_([holders[0].taker(t) for t in went if t.rule.enabled]),
            sorted_([holders[1].taker(t) for t in came if not t.rule.enabled]),
        )


def incomparable(group_id: str, base: Diagnostic | None, head: Diagnostic | None) -> Incomparable:
    """A group with what is wrong with it on either side; None where that side is good."""
    sides: list[SideKey] = []
    if base is not None:
        sides.append("base")
    if head is not None:
        sides.append("head")
    return Incomparable(group_id, tuple(sides), head or base)


def _first(faults: tuple[Diagnostic, ...], side: Side) -> Diagnostic:
    return located(next(fault for fault in faults if fault.severity is Severity.ERROR), side.locate)


def located(fault: Diagnostic, locate: Locate) -> Diagnostic:
    """The fault with its places as lines and columns."""
    return replace(
        fault,
        place=None if fault.place is None else locate(fault.place),
        related=tuple(item._replace(place=locate(item.place)) for item in fault.related),
    )


def _likeness(old: Item, new: Item) -> Hashable:
    """What makes two differences of queries one, when the groups' scopes are left out."""
    return old.written.get(("expr", ""), old.rule.expr), new.written.get(("expr", ""), new.rule.expr)


def rule_at(item: Item, locate: Locate | None) -> RuleAt:
    """The rule as a plan shows it."""
    rule = item.rule
    return RuleAt(
        item.group_id,
        item.file,
        item.group.name,
        rule.kind,
        rule.name,
        item.key,
        item.template,
        rule.expr,
        rule.for_,
        rule.keep_firing_for,
        rule.labels,
        rule.annotations,
        None if locate is None else locate(rule.entry.key() if rule.entry.keys else rule.entry),
    )
