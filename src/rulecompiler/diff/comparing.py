"""One group of both sides compared: pairs of rules that differ, and rules that only one side has."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import replace
from typing import NamedTuple

from rulecompiler.coverage import Taker
from rulecompiler.diagnostics import Diagnostic, Severity, Span
from rulecompiler.diff.blame import Blame
from rulecompiler.diff.fields import Locate, Sight, field_changes, resets, same
from rulecompiler.diff.folding import Likeness
from rulecompiler.diff.handover import Holder, Holders, outside
from rulecompiler.diff.items import Item, emission
from rulecompiler.diff.judging import declared
from rulecompiler.diff.matching import match_rules
from rulecompiler.diff.model import Action, FieldChange, Incomparable, RuleAt, RuleChange, SideKey
from rulecompiler.diff.sides import Side

_Declared = tuple[tuple[str, tuple[str, ...]], ...]  # ids of groups, and the parameters of their rules


class Compared(NamedTuple):
    """What became of one group. `likeness` is, for each change, what may fold it with others."""

    changes: tuple[RuleChange, ...] = ()
    likeness: tuple[Likeness, ...] = ()
    gone: tuple[Item, ...] = ()
    added: tuple[Item, ...] = ()
    unchanged: int = 0
    broken: Incomparable | None = None
    old_faults: tuple[Diagnostic, ...] = ()
    new_faults: tuple[Diagnostic, ...] = ()
    old_declared: _Declared = ()
    new_declared: _Declared = ()


class _Hands(NamedTuple):
    """Targets of a rule that change hands: see the fields of `RuleChange` that these become."""

    covered: tuple[Holder, ...] = ()
    takes: tuple[Holder, ...] = ()
    uncovered: tuple[Holder, ...] = ()
    regained: tuple[Holder, ...] = ()


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
            return Compared(
                broken=broken,
                old_faults=old_faults,
                new_faults=new_faults,
                old_declared=_declared(self.old, ids[0]),
                new_declared=_declared(self.new, ids[1]),
            )
        matched = match_rules(old, new)
        differing = [pair for pair in matched.pairs if not same(*pair)]
        changes = [self._change(*pair) for pair in differing]
        return Compared(
            tuple(changes),
            tuple(_likeness(c.fields, *pair) for c, pair in zip(changes, differing, strict=True)),
            matched.old,
            matched.new,
            len(matched.pairs) - len(differing),
            None,
            old_faults,
            new_faults,
            _declared(self.old, ids[0]),
            _declared(self.new, ids[1]),
        )

    def _change(self, old: Item, new: Item) -> RuleChange:
        fields = field_changes(old, new, self.sight)
        reasons = resets(old, new)
        hands = self._handovers(old, new)
        fields = tuple(
            f._replace(place=self._place_of_exclusions(old, new)) if f.field == "exclusions" else f
            for f in fields
        )
        others = [holder.path for holder in (*hands.covered, *hands.takes, *hands.uncovered, *hands.regained)]
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
            covered_by=tuple(holder.cover for holder in hands.covered),
            takes_over=tuple(holder.cover for holder in hands.takes),
            uncovered=tuple(holder.cover for holder in hands.uncovered),
            regained=tuple(holder.cover for holder in hands.regained),
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
            {
                (t.group_id, t.rule.name, t.apart): t
                for t in side.compiler.coverage.takers(item.group_id, item.key)
            }
            for side, item in ((self.old, old), (self.new, new))
        )
        return [after[k] for k in after.keys() - before.keys()], [
            before[k] for k in before.keys() - after.keys()
        ]

    def _handovers(self, old: Item, new: Item) -> _Hands:
        """Who takes targets that the rule gives up, whose it takes, and what nobody covers now or did."""
        if old.assignment is None or new.assignment is None:
            return _Hands()
        before, after = self._holders
        covered: list[Holder] = []
        takes: list[Holder] = []
        uncovered: list[Holder] = []
        regained: list[Holder] = []
        for region in outside(old, new):
            holders = after.of(old, region)
            covered += holders
            if not any(holder.item is not None for holder in holders):
                uncovered.append(after.itself(new, region))
        for region in outside(new, old):
            takes += before.of(new, region)
        if old.exclusions != new.exclusions:
            came, went = self._takers(old, new)
            covered += [after.taker(t) for t in came if t.rule.enabled]
            takes += [before.taker(t) for t in went if t.rule.enabled]
            uncovered += [after.taker(t) for t in came if not t.rule.enabled]
            regained += [before.taker(t) for t in went if not t.rule.enabled]
        return _Hands(*map(_sorted, (covered, takes, uncovered, regained)))


def _declared(side: Side, group_id: str) -> _Declared:
    return ((group_id, declared(side, group_id)),) if group_id else ()


def _sorted(holders: Iterable[Holder]) -> tuple[Holder, ...]:
    found = {holder.cover: holder for holder in holders}
    return tuple(found[cover] for cover in sorted(found))


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


def _likeness(fields: Iterable[FieldChange], old: Item, new: Item) -> Likeness:
    found: list[tuple[str, str, Hashable]] = []
    for field, key, *_ in fields:
        words = old.written.get((field, key)), new.written.get((field, key))
        # The same words with other values: the values are what differs.
        if field == "expr" or (field == "annotation" and words[0] != words[1]):
            found.append((field, key, words))
    return tuple(found)


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
        item.group.interval,
    )
