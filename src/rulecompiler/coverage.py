"""Covered once: which group's rule covers which targets, so that no target is covered twice.

Within one tree the most specific group speaks for a target. A rule *stands* in a group where it
is not just what the wider groups around it already say; there it is emitted, and the wider rule
gives the slice up by an exclusion. Only scopes decide who is wider, not the hierarchy: siblings
may nest too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import NamedTuple

from rulecompiler.coverage_faults import group_label_faults, inexpressible, overlap, slice_fault
from rulecompiler.diagnostics import Diagnostic, Related, Severity
from rulecompiler.entry_faults import out_of_sight
from rulecompiler.inheritance import Sourced, Values
from rulecompiler.labelflow.template import keeps
from rulecompiler.library import required
from rulecompiler.model import Matcher
from rulecompiler.neighbours import Neighbours, whose_word_counts
from rulecompiler.resolve import ResolvedGroup, ResolvedRule, Resolver
from rulecompiler.scopes import Relation, Scope, beyond, exclude, relation, show_scope, union


class Assignment(NamedTuple):
    """A rule that a group emits, with the complete scope of its selectors."""

    rule: ResolvedRule
    scope: Scope  # what holds for every target that it covers
    exclusions: Scope  # slices that other rules cover


class Taker(NamedTuple):
    """A rule, perhaps a disabled one, that speaks for a slice in another one's place."""

    group_id: str
    rule: ResolvedRule
    apart: Scope  # what sets the slice apart; nothing where it is all that the other rule had


class Coverage:
    """Decides, rule by rule, which groups emit it and what they leave to others."""

    def __init__(self, resolver: Resolver, around: Mapping[str, Neighbours]) -> None:
        self._resolver = resolver
        self._around = around
        self._stands: dict[tuple[str, str], bool] = {}
        self._slices: dict[str, Mapping[str, tuple[ResolvedRule, ...]]] = {}
        self._requiring: dict[str, frozenset[str]] = {}

    def assignments(self, group_id: str) -> tuple[tuple[Assignment, ...], tuple[Diagnostic, ...]]:
        """What the group emits, in the order of its rules, and its faults (RC330 to RC335, RC338, RC340)."""
        resolved = self._resolver.resolve(group_id)
        if resolved.group.abstract:
            return (), ()
        faults = [
            *group_label_faults(resolved.group),
            *self._overlap_faults(resolved),
            *self._slices_that_meet(resolved),
        ]
        emitted: list[Assignment] = []
        for rule in resolved.rules.values():
            if not rule.enabled or not self._rule_stands(group_id, rule.name):
                continue
            scope = resolved.group.scope
            if rule.where:
                fault = slice_fault(resolved.group, rule)
                if fault is not None:
                    faults.append(fault)
                    continue
                scope = (*scope, *(m for m in rule.where if m not in scope))
            given_up = self._given_up(resolved, rule, faults)
            if given_up is not None:
                emitted.append(Assignment(rule, scope, exclude(given_up)))
        faults.extend(self._records_out_of_sight(resolved, emitted))
        return tuple(emitted), tuple(faults)

    def _records_out_of_sight(
        self, resolved: ResolvedGroup, emitted: list[Assignment]
    ) -> Iterator[Diagnostic]:
        """An exclusion of "not a" selects `a`, which a record that does not share it may not carry."""
        library = self._resolver.library
        exclusions = {a.rule.template.name: a.exclusions for a in emitted}
        for assignment in emitted:
            rule = assignment.rule
            positive = [m for m in assignment.exclusions if m.op in ("=", "=~")]
            if not positive or not rule.template.scope:
                continue
            for record in required(library, rule.template):
                shared = exclusions.get(record.name, ())
                lost = next((m for m in positive if m not in shared and not keeps(record, m.label)), None)
                if lost is not None and record.scope:
                    yield Diagnostic(
                        "RC338",
                        out_of_sight(f"{rule.name}` of `{resolved.group.id}", record, lost.label),
                        rule.entry.key(),
                        label=f"selects {show_scope((lost,))}, as others cover the rest",
                        help=f"aggregate the record `by ({lost.label}, …)`, "
                        "or tell the others' targets apart by equality",
                        severity=Severity.WARNING,
                        related=(Related(record.pointer("expr").key(), "the record's query"),),
                    )

    def takers(self, group_id: str, name: str) -> tuple[Taker, ...]:
        """Who speaks for what the group's rule leaves out: slices of the group's own, then groups inside."""
        resolved = self._resolver.resolve(group_id)
        rule = resolved.rules[name]
        own = [
            Taker(group_id, part, beyond(union(resolved.group.scope, rule.where), part.where))
            for part in self._slices_of(resolved).get(name, ())
        ]
        inner = [self._resolver.resolve(i) for i in self._standing_inside(group_id, name)]
        return (
            *own,
            *(Taker(i.group.id, i.rules[name], beyond(resolved.group.scope, i.group.scope)) for i in inner),
        )

    def covering(self, group_id: str, name: str) -> tuple[str, ...]:
        """The nearest wider groups that cover the rule in the group's place; none where it stands itself."""
        return () if self._rule_stands(group_id, name) else tuple(self._covering(group_id, name))

    def consulted(self, group_id: str) -> set[str]:
        """The templates' files, beside the group's own, that may change what it emits.

        A record stands in a neighbour where a rule that requires it does, and that rule may be one
        that this group does not have.
        """
        members = whose_word_counts(group_id, self._around) - {group_id}
        return {path for member in members for path in self._requiring_in(member)}

    def _requiring_in(self, group_id: str) -> frozenset[str]:
        known = self._requiring.get(group_id)
        if known is None:
            rules = self._resolver.resolve(group_id).rules.values()
            known = frozenset(rule.template.path for rule in rules if rule.template.requires)
            self._requiring[group_id] = known
        return known

    def _given_up(
        self, resolved: ResolvedGroup, rule: ResolvedRule, faults: list[Diagnostic]
    ) -> Scope | None:
        """One matcher a slice that others cover; None where nothing is left for this rule."""
        found: list[Matcher] = []
        for part in self._slices_of(resolved).get(rule.name, ()):
            fault = self._replacement_fault(resolved, rule, part)
            if fault is not None:
                faults.append(fault)
                continue
            found.extend(beyond(union(resolved.group.scope, rule.where), part.where))
        for inner_id in self._standing_inside(resolved.group.id, rule.name):
            inner = self._resolver.resolve(inner_id)
            apart = beyond(resolved.group.scope, inner.group.scope)
            if not apart:
                return None
            if len(apart) > 1:
                faults.append(inexpressible(resolved.group, inner.group, rule, apart))
                continue
            found.extend(apart)
        return tuple(found)

    def _rule_stands(self, group_id: str, name: str) -> bool:
        """Whether the group's own word on the rule differs from what wider groups already say."""
        key = (group_id, name)
        known = self._stands.get(key)
        if known is None:
            self._stands[key] = False  # ends a circle of `requires`, which is a fault of its own (RC305)
            known = self._stands[key] = self._decide(group_id, name)
        return known

    def _decide(self, group_id: str, name: str) -> bool:
        near = self._around[group_id]
        if not near.holders:
            return True
        resolved = self._resolver.resolve(group_id)
        rule = resolved.rules[name]
        covering = self._covering(group_id, name)
        if not covering:
            return True
        for holder_id in covering:
            if not self._same(resolved, rule, self._resolver.resolve(holder_id), name):
                return True
        if rule.template.kind == "record" and any(
            other.enabled and other.name != name and self._rule_stands(group_id, other.name)
            for other in self._requirers(resolved, rule)
        ):
            return True
        return self._bridges(group_id, name, covering)

    def _covering(self, group_id: str, name: str) -> list[str]:
        """The nearest wider groups where the rule stands."""
        standing = [
            h
            for h in self._around[group_id].holders
            if name in self._resolver.resolve(h).rules and self._rule_stands(h, name)
        ]
        return [h for h in standing if not any(h in self._around[other].holders for other in standing)]

    def _bridges(self, group_id: str, name: str, covering: list[str]) -> bool:
        """Whether this group must stand so that slices inside it can be told apart by one label."""
        own = self._resolver.resolve(group_id).group.scope
        for inner_id in self._around[group_id].insiders:
            inner = self._resolver.resolve(inner_id)
            if name not in inner.rules or len(beyond(own, inner.group.scope)) > 1:
                continue
            for holder_id in covering:
                wide = self._resolver.resolve(holder_id)
                if len(beyond(wide.group.scope, inner.group.scope)) > 1 and not self._same(
                    inner, inner.rules[name], wide, name
                ):
                    return True
        return False

    def _standing_inside(self, group_id: str, name: str) -> list[str]:
        """The widest groups inside this one where the rule stands."""
        standing = [
            i
            for i in self._around[group_id].insiders
            if name in self._resolver.resolve(i).rules and self._rule_stands(i, name)
        ]
        return [i for i in standing if not any(h in self._around[i].holders for h in standing)]

    def _same(self, first: ResolvedGroup, rule: ResolvedRule, second: ResolvedGroup, name: str) -> bool:
        other = second.rules[name]
        if not rule.enabled and not other.enabled:
            return True
        return (
            (rule is other or _same_rule(rule, other))
            and _plain(first.interval) == _plain(second.interval)
            and _plain(first.limit) == _plain(second.limit)
            and _plain(first.query_offset) == _plain(second.query_offset)
            and [r.where for r in self._slices_of(first).get(name, ())]
            == [r.where for r in self._slices_of(second).get(name, ())]
        )

    def _slices_of(self, resolved: ResolvedGroup) -> Mapping[str, tuple[ResolvedRule, ...]]:
        """The enabled rules that stand in for another one, by that one's name.

        Where that one is disabled and stood in for a third, the third has to give the slice up.
        """
        known = self._slices.get(resolved.group.id)
        if known is None:
            found: dict[str, list[ResolvedRule]] = {}
            for rule in resolved.rules.values():
                if rule.enabled and (replaced := _replaced(rule, resolved.rules)) is not None:
                    found.setdefault(replaced, []).append(rule)
            known = {k: tuple(sorted(v, key=lambda r: r.name)) for k, v in found.items()}
            self._slices[resolved.group.id] = known
        return known

    def _requirers(self, resolved: ResolvedGroup, record: ResolvedRule) -> Iterator[ResolvedRule]:
        library = self._resolver.library
        for rule in resolved.rules.values():
            for reference in rule.template.requires:
                if record.template in library.candidates(reference):
                    yield rule

    def _replacement_fault(
        self, resolved: ResolvedGroup, rule: ResolvedRule, part: ResolvedRule
    ) -> Diagnostic | None:
        """What is wrong with a slice that `instead_of` takes out of a rule, if anything."""
        own = union(resolved.group.scope, rule.where)
        region = union(resolved.group.scope, part.where)
        place = part.entry.at("where")
        if relation(own, region) is not Relation.HOLDS:
            return Diagnostic(
                "RC333",
                f"the slice of `{part.name}` does not lie inside that of `{rule.name}`, which it replaces",
                place,
                label="reaches beyond",
                help=f"narrow it to targets that `{rule.name}` covers",
                related=(Related(rule.entry.key(), "the rule that it replaces"),),
            )
        if len(beyond(own, part.where)) > 1:
            return Diagnostic(
                "RC332",
                f"`{rule.name}` cannot leave this slice out: that takes one label, and there are several",
                place,
                label="more than one label",
                help="put one label on the targets that tells the slice apart",
                related=(Related(rule.entry.key(), "the rule that it replaces"),),
            )
        return None

    def _slices_that_meet(self, resolved: ResolvedGroup) -> Iterator[Diagnostic]:
        """Two that replace one rule, which may itself be disabled or said by a wider group."""
        for name, parts in self._slices_of(resolved).items():
            for other, part in combinations(parts, 2):
                if relation(other.where, part.where) is not Relation.DISJOINT:
                    yield Diagnostic(
                        "RC334",
                        f"`{part.name}` and `{other.name}` may cover the same targets instead of `{name}`",
                        part.entry.at("where"),
                        label="not apart",
                        help="make the two `where:` exclude each other",
                        related=(Related(other.entry.at("where"), "the other slice"),),
                    )

    def _overlap_faults(self, resolved: ResolvedGroup) -> Iterator[Diagnostic]:
        for other_id in self._around[resolved.group.id].overlaps:
            if other_id < resolved.group.id:
                continue
            other = self._resolver.resolve(other_id)
            shared = [
                name
                for name, rule in resolved.rules.items()
                if name in other.rules
                and (rule.enabled or other.rules[name].enabled)
                and self._rule_stands(resolved.group.id, name)
                and self._rule_stands(other_id, name)
            ]
            if shared:
                yield overlap(resolved.group, other.group, shared)


def _replaced(rule: ResolvedRule, rules: Mapping[str, ResolvedRule]) -> str | None:
    """The rule that this one takes its slice out of, past those that are disabled."""
    seen = {rule.name}
    name = rule.instead_of
    while name is not None and name not in seen:
        seen.add(name)
        other = rules.get(name)
        if other is None or other.enabled or other.instead_of is None:
            return name
        name = other.instead_of
    return None


def _same_rule(first: ResolvedRule, second: ResolvedRule) -> bool:
    return (
        first.template is second.template
        and first.title == second.title
        and first.enabled == second.enabled
        and first.where == second.where
        and first.instead_of == second.instead_of
        and _plain(first.for_) == _plain(second.for_)
        and _plain(first.keep_firing_for) == _plain(second.keep_firing_for)
        and _plain_all(first.params) == _plain_all(second.params)
        and _plain_all(first.labels) == _plain_all(second.labels)
        and _plain_all(first.annotations) == _plain_all(second.annotations)
    )


def _plain(sourced: Sourced | None) -> object:
    return None if sourced is None else sourced.value


def _plain_all(values: Values) -> Mapping[str, object]:
    return {key: sourced.value for key, sourced in values.items()}
