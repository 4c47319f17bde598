"""All targets against all rules: who is left out, who is counted twice, which group is empty."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from rulecompiler.compiler import Compiler
from rulecompiler.diagnostics import Diagnostic
from rulecompiler.effective.emission import Emitted, covers, emission
from rulecompiler.effective.targets import Target
from rulecompiler.forest import Forest
from rulecompiler.model import Group, RuleKind
from rulecompiler.scopes import Scope


class Part(NamedTuple):
    """What a census must know of a rule; small, as other processes send it."""

    group_id: str
    rule: str  # its key
    name: str  # as compiled
    kind: RuleKind
    template: str
    severity: str
    matchers: Scope
    narrowed: bool
    watches: tuple[tuple[str, str], ...]
    """The parameters that say what is looked at; numbers and durations only say how strictly."""


class Twice(NamedTuple):
    """Rules of several groups that are one and the same to a target, and the targets that they share."""

    parts: tuple[Part, ...]
    targets: tuple[Target, ...]


class Census(NamedTuple):
    """What a list of targets and the compiled rules have to do with each other."""

    targets: int  # different ones
    rules: int
    uncovered: tuple[Target, ...]  # by no alert
    twice: tuple[Twice, ...]
    empty: tuple[Group, ...]  # whose scope no target is in


def parts_of(compiler: Compiler, group_id: str) -> tuple[tuple[Part, ...], tuple[Diagnostic, ...]]:
    """What a group contributes, and its faults."""
    emitted, faults = emission(compiler, group_id)
    return tuple(_part(each) for each in emitted), faults


def _part(emitted: Emitted) -> Part:
    rule, resolved = emitted.rule, emitted.resolved
    declared = resolved.template.params
    watches = tuple(
        (name, str(sourced.value))
        for name, sourced in sorted(resolved.params.items())
        if not isinstance(sourced.value, int | float) and declared[name].format != "duration"
    )
    return Part(
        emitted.group.id,
        resolved.name,
        rule.name,
        rule.kind,
        rule.template,
        rule.labels.get("severity", ""),
        emitted.matchers,
        rule.narrowed,
        watches,
    )


def take_census(groups: Forest, parts: Mapping[str, tuple[Part, ...]], targets: Iterable[Target]) -> Census:
    """Compare targets with rules. Targets that no matcher can tell apart are judged together.

    Rules without a scope are left out: they see everybody's series, and cover nobody in particular.
    """
    counted = {g.id: tuple(p for p in parts.get(g.id, ()) if p.narrowed) for g in groups}
    members = [g for g in groups if not g.abstract and (counted[g.id] or not parts.get(g.id))]
    index = _Index(members)
    relevant = sorted(
        {m.label for g in members for m in g.scope}
        | {m.label for own in counted.values() for part in own for m in part.matchers}
    )
    alike: dict[tuple[str, ...], list[Target]] = {}
    unique = {tuple(target.labels.items()): target for target in targets}
    for target in unique.values():
        alike.setdefault(tuple(target.labels.get(label, "") for label in relevant), []).append(target)
    uncovered: list[Target] = []
    shared: dict[tuple[Part, ...], list[Target]] = {}
    inhabited: set[str] = set()
    for same in alike.values():
        labels = same[0].labels
        present: list[Part] = []
        for group in index.around(labels):
            inhabited.add(group.id)
            present += (part for part in counted[group.id] if covers(part.matchers, labels))
        if not any(part.kind == "alert" for part in present):
            uncovered += same
        for twins in _twins(present):
            shared.setdefault(twins, []).extend(same)
    return Census(
        len(unique),
        sum(map(len, counted.values())),
        tuple(sorted(uncovered, key=_order)),
        tuple(Twice(twins, tuple(sorted(shared[twins], key=_order))) for twins in sorted(shared)),
        tuple(group for group in members if group.id not in inhabited),
    )


def _order(target: Target) -> tuple[object, ...]:
    return target.shown, *target.labels.items()


def _twins(present: list[Part]) -> Iterator[tuple[Part, ...]]:
    """Rules of several groups with one key, or of one template, severity and subject."""
    if len({part.group_id for part in present}) < 2:
        return
    by_key: dict[str, list[Part]] = {}
    by_subject: dict[tuple[object, ...], list[Part]] = {}
    for part in present:
        by_key.setdefault(part.rule, []).append(part)
        if part.kind == "alert":
            by_subject.setdefault((part.template, part.severity, part.watches), []).append(part)
    told: list[set[Part]] = []
    for same in (*by_key.values(), *by_subject.values()):
        twins = set(same)
        if len({part.group_id for part in same}) > 1 and not any(twins <= others for others in told):
            told.append(twins)
            yield tuple(sorted(twins))


class _Index:
    """Groups by the value that their scopes demand of the commonest label, so that few are asked."""

    def __init__(self, groups: list[Group]) -> None:
        counts: dict[str, int] = {}
        for group in groups:
            for matcher in group.scope:
                if matcher.op == "=":
                    counts[matcher.label] = counts.get(matcher.label, 0) + 1
        self._label = max(sorted(counts), key=counts.__getitem__, default="")
        self._by_value: dict[str | None, list[Group]] = {}
        for group in groups:
            value = next((m.value for m in group.scope if m.label == self._label and m.op == "="), None)
            self._by_value.setdefault(value, []).append(group)

    def around(self, labels: Mapping[str, str]) -> Iterator[Group]:
        """The groups whose scope holds a target with these labels."""
        own = self._by_value.get(labels.get(self._label, ""), [])
        for group in (*own, *self._by_value.get(None, ())):
            if covers(group.scope, labels):
                yield group
