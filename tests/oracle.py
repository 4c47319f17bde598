"""Covered once, worked out naively from the design's words: one target and one rule at a time.

Nothing here is taken from the compiler. Scopes are plain sets of targets, listed one by one; a
world is small enough for that, and its label values are all that its scopes can tell apart.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from typing import Any, NamedTuple

import promql_parser

from rulecompiler.compiler import Compilation
from rulecompiler.model import Rule

Target = tuple[tuple[str, str], ...]

TEMPLATES: Mapping[str, Mapping[str, Any]] = {
    "cpu/A": {
        "alert": "A",
        "params": {"threshold": {"type": "number", "default": 1}},
        "expr": "m_a > ${threshold}",
        "for": "5m",
        "labels": {"severity": "warning", "team": "nobody"},
        "annotations": {"seen": "${threshold}"},
    },
    "cpu/B": {
        "alert": "B",
        "params": {
            "threshold": {"type": "number", "default": 2},
            "window": {"type": "string", "format": "duration", "default": "5m"},
        },
        "expr": "avg_over_time(m_b[${window}]) > ${threshold} unless m_c",
        "labels": {"severity": "warning"},
        "annotations": {"seen": "${threshold} ${window}"},
    },
    "disk/C": {
        "alert": "C",
        "params": {"threshold": {"type": "number", "default": 3}},
        "expr": "rec:c > ${threshold}",
        "labels": {"severity": "warning"},
        "annotations": {"seen": "${threshold}"},
        "requires": ["rec:c"],
    },
    "disk/D": {
        "alert": "D",
        "params": {"threshold": {"type": "number", "default": 3}},
        "expr": "rec:c / rec:deep > ${threshold}",
        "labels": {"severity": "warning"},
        "annotations": {"seen": "${threshold}"},
        "requires": ["rec:c", "disk/deep"],
    },
    "disk/c": {
        "record": "rec:c",
        "params": {"factor": {"type": "number", "default": 1}},
        "expr": "rec:deep * ${factor}",
        "requires": ["rec:deep"],
    },
    "disk/deep": {
        "record": "rec:deep",
        "params": {"factor": {"type": "number", "default": 1}},
        "expr": "m_deep * ${factor}",
    },
}
BY_NAME = {t.get("alert", t.get("record")): t for t in TEMPLATES.values()}
NEEDS = {"C": ("rec:deep", "rec:c"), "D": ("rec:deep", "rec:c"), "rec:c": ("rec:deep",)}


@dataclass(frozen=True)
class Spec:
    """A group as its author wrote it."""

    id: str
    parent: str | None = None
    abstract: bool = False
    scope: Mapping[str, Any] | None = None
    more: Mapping[str, Any] = field(default_factory=dict)  # params, labels, interval
    rules: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)

    def yaml(self, mixer: random.Random | None = None) -> str:
        """The group's file, in the author's order of rules or in another one."""
        rules = list(self.rules.items())
        if mixer is not None:
            mixer.shuffle(rules)
        data: dict[str, Any] = {"group": self.id, **self.more, "rules": dict(rules)}
        if self.parent is not None:
            data["parent"] = self.parent
        if self.abstract:
            data["abstract"] = True
        if self.scope is not None:
            data["scope"] = self.scope
        return json.dumps(data, indent=1)

    @property
    def real_scope(self) -> Mapping[str, Any]:
        """The scope with its default."""
        return {"group_id": self.id} if self.scope is None else self.scope


class Says(NamedTuple):
    """What a rule is for a target."""

    numbers: tuple[object, ...]
    for_: str | None
    severity: str | None
    team: str | None
    interval: str | None


@dataclass(frozen=True)
class World:
    """All groups of a repo, by id."""

    groups: Mapping[str, Spec]

    @cached_property
    def targets(self) -> tuple[Target, ...]:
        """Every combination of values that some scope can tell from others."""
        ids = ["", "other", *self.groups]
        return tuple(
            tuple(zip(("group_id", "cluster", "kind"), values, strict=True))
            for values in product(ids, ("", "a", "a1", "b", "other"), ("", "gpu", "cpu", "other"))
        )

    @cached_property
    def regions(self) -> Mapping[str, frozenset[Target]]:
        """The targets in each group's scope."""
        return {
            g.id: frozenset(t for t in self.targets if holds(g.real_scope, t)) for g in self.groups.values()
        }

    def chain(self, id_: str) -> list[Spec]:
        """The group and its ancestors, root first."""
        spec = self.groups[id_]
        return [*(self.chain(spec.parent) if spec.parent else []), spec]

    def trees(self) -> dict[str, list[Spec]]:
        """The groups of each tree by the root's id."""
        found: dict[str, list[Spec]] = {}
        for spec in self.groups.values():
            found.setdefault(self.chain(spec.id)[0].id, []).append(spec)
        return found

    def entry(self, id_: str, rule: str) -> dict[str, Any] | None:
        """The rule's entry as inherited, root first; None where nobody mentions it."""
        merged: dict[str, Any] | None = None
        for spec in self.chain(id_):
            if rule not in spec.rules:
                continue
            written = spec.rules[rule]
            merged = {} if merged is None else merged
            if written is None:
                merged = {k: v for k, v in merged.items() if k in ("template", "where", "instead_of")}
                continue
            for key, value in written.items():
                merged[key] = {**merged.get(key, {}), **value} if key in ("params", "labels") else value
        return merged

    def rules(self, id_: str) -> dict[str, dict[str, Any]]:
        """Every rule that the group knows: its own, its ancestors', and the records that those need."""
        names = {name for spec in self.chain(id_) for name in spec.rules}
        known = {name: entry for name in names if (entry := self.entry(id_, name)) is not None}
        for name, entry in sorted(known.items()):
            if entry.get("enabled") is not False:
                for record in NEEDS.get(entry.get("template", name), ()):
                    known.setdefault(record, {})
        return known

    def says(self, id_: str, rule: str, entry: Mapping[str, Any]) -> Says:
        """What the rule is in this group: the template, then group-wide values, then its entry."""
        chain = self.chain(id_)
        template = BY_NAME[entry.get("template", rule)]
        wide: dict[str, Any] = {}
        labels: dict[str, Any] = {}
        interval = None
        for spec in chain:
            wide |= spec.more.get("params", {})
            labels |= spec.more.get("labels", {})
            interval = spec.more.get("interval", interval)
        own = entry.get("params", {})
        numbers = []
        for name, declared in template["params"].items():
            value = own[name] if name in own else wide.get(name)
            numbers.append(declared["default"] if value is None else value)
        base = template.get("labels", {})
        final = dict(base)
        final.update({k: v for k, v in labels.items() if v is not None})
        for key, value in entry.get("labels", {}).items():
            final[key] = base.get(key) if value is None else value
        for_ = entry.get("for")
        return Says(
            tuple(numbers),
            template.get("for") if for_ is None else for_,
            final.get("severity"),
            final.get("team"),
            interval,
        )

    def judges(self, tree: list[Spec], rule: str, target: Target) -> list[str]:
        """The most specific groups for a target among those that know the rule; one, unless scopes cross."""
        inside = [
            g.id for g in tree if not g.abstract and target in self.regions[g.id] and rule in self.known[g.id]
        ]
        return [g for g in inside if not any(h != g and self._narrower(h, g) for h in inside)]

    @cached_property
    def known(self) -> Mapping[str, dict[str, dict[str, Any]]]:
        """`rules` of every group."""
        return {id_: self.rules(id_) for id_ in self.groups}

    def _narrower(self, one: str, other: str) -> bool:
        if self.regions[one] == self.regions[other]:
            return any(s.id == other for s in self.chain(one))
        return self.regions[one] < self.regions[other]

    def expected(self, id_: str, rule: str, target: Target) -> Says | None:
        """What covers a target whose most specific group this is; None where nothing does."""
        known = self.known[id_]
        entry = known[rule]
        if entry.get("enabled") is False or not holds(entry.get("where", {}), target):
            return None
        for other in known.values():
            taken = other.get("instead_of") == rule and other.get("enabled") is not False
            if taken and holds(other["where"], target):
                return None
        return self.says(id_, rule, entry)

    def sources(self, mixer: random.Random | None = None) -> dict[str, str]:
        """The repo's files by path; a mixer changes their order, and that of the rules in them."""
        files = [(f"alerts/templates/{name}.yaml", json.dumps(t)) for name, t in TEMPLATES.items()]
        files += [(f"alerts/groups/{g.id}.yaml", g.yaml(mixer)) for g in self.groups.values()]
        if mixer is not None:
            mixer.shuffle(files)
        return dict(files)


def holds(scope: Mapping[str, Any], target: Target) -> bool:
    """Whether a target's labels satisfy a scope as it is written."""
    labels = dict(target)
    return all(_satisfies(labels.get(label, ""), wanted) for label, wanted in scope.items())


def _satisfies(value: str, wanted: Any) -> bool:
    if isinstance(wanted, str):
        return value == wanted
    ((operator, text),) = wanted.items()
    if operator == "not":
        return bool(value != text)
    matched = re.fullmatch(text, value) is not None
    return matched if operator == "matches" else not matched


class Emitted(NamedTuple):
    """A rule of the output."""

    group: str
    name: str
    says: Says
    selectors: tuple[tuple[tuple[str, Any], ...], ...]
    labels: Mapping[str, str]

    def covers(self, target: Target) -> bool:
        """Whether every selector of the rule selects the target."""
        answers = {self.sees(selector, dict(target)) for selector in self.selectors}
        assert len(answers) == 1, "the selectors of one rule differ"
        return answers.pop()

    @staticmethod
    def sees(selector: tuple[tuple[str, Any], ...], labels: Mapping[str, str]) -> bool:
        """Whether one selector selects a series."""
        return all(_satisfies(labels.get(label, ""), wanted) for label, wanted in selector)


def emitted(compilation: Compilation) -> list[Emitted]:
    """All rules of the output, read off their expressions."""
    return [
        Emitted(
            result.group_id,
            rule.name,
            Says(
                _numbers(rule),
                rule.for_,
                rule.labels.get("severity"),
                rule.labels.get("team"),
                group.interval,
            ),
            tuple(_selectors(promql_parser.parse(rule.expr))),
            rule.labels,
        )
        for result in compilation.results
        if result.rules is not None
        for group in result.rules.groups
        for rule in group.rules
    ]


def _numbers(rule: Rule) -> tuple[object, ...]:
    """The parameters' values: as an alert tells them, or a record's factor."""
    text = rule.annotations["seen"] if rule.kind == "alert" else rule.expr.rpartition("* ")[2]
    return tuple(int(word) if word.isdigit() else word for word in text.split())


_WRITTEN = {"NotEqual": "not", "Re": "matches", "NotRe": "not_matches"}


def _selectors(node: Any) -> Iterator[tuple[tuple[str, Any], ...]]:
    """The matchers of each selector, written as scopes are."""
    if isinstance(node, promql_parser.VectorSelector):
        found: list[tuple[str, Any]] = []
        for matcher in node.matchers.matchers:
            operator = _WRITTEN.get(str(matcher.op).removeprefix("MatchOp."))
            found.append((matcher.name, {operator: matcher.value} if operator else matcher.value))
        yield tuple(found)
    for name in ("lhs", "rhs", "expr", "vector_selector"):
        if hasattr(node, name):
            yield from _selectors(getattr(node, name))
    for argument in getattr(node, "args", []):
        yield from _selectors(argument)
