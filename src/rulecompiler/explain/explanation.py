"""What is known of one rule of one group: what it compiles to, who covers it, and whence each value."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from rulecompiler.compiler import Compiler
from rulecompiler.coverage import Assignment
from rulecompiler.diagnostics import Diagnostic, Place, Span
from rulecompiler.explain.finding import Found, compiled_name
from rulecompiler.explain.values import Cover, Value, Values
from rulecompiler.model import AlertNames, Group, Rule, RuleGroup
from rulecompiler.resolve import ResolvedRule

Status = Literal["emitted", "disabled", "covered elsewhere", "abstract"]
"""abstract: the group compiles to nothing, and hands the rule on."""


class Explanation(NamedTuple):
    """All that is known of one rule of one group."""

    group: Group
    rule: ResolvedRule
    name: str  # as compiled
    status: Status
    compiled: Rule | None
    rule_group: RuleGroup | None  # the Prometheus group that it stands in
    values: tuple[Value, ...]
    covered_by: tuple[Cover, ...]
    required_by: str  # the key of the rule that brought this record in; empty where an entry asks for it
    diagnostics: tuple[Diagnostic, ...]  # of the group; with an error nothing is compiled


def explain(
    compiler: Compiler, found: Found, alert_names: AlertNames, locate: Callable[[Place], Span]
) -> Explanation:
    """Everything about a rule; `locate` tells a scope that is written from the default."""
    group, rule = found.group.group, found.rule
    result = compiler.compile_group(group.id)
    assignment, compiled, rule_group = None, None, None
    if not group.abstract:
        emitted, _ = compiler.coverage.assignments(group.id)
        assignment = next((a for a in emitted if a.rule.name == rule.name), None)
    for each in result.rules.groups if assignment is not None and result.rules is not None else ():
        for candidate in each.rules:
            if (candidate.template, candidate.entry) == (rule.template.path, rule.entry):
                compiled, rule_group = candidate, each
    covers = () if group.abstract or not rule.enabled else tuple(_covers(compiler, found, alert_names))
    values = Values(compiler, found, assignment, compiled, covers, alert_names, locate)
    return Explanation(
        group,
        rule,
        compiled_name(group, rule, alert_names),
        _status(group, rule, assignment),
        compiled,
        rule_group,
        tuple(values),
        covers,
        "" if values.is_written else str(rule.entry.keys[-1]),
        result.diagnostics,
    )


def _status(group: Group, rule: ResolvedRule, assignment: Assignment | None) -> Status:
    if group.abstract:
        return "abstract"
    if not rule.enabled:
        return "disabled"
    return "emitted" if assignment is not None else "covered elsewhere"


def _covers(compiler: Compiler, found: Found, alert_names: AlertNames) -> Iterator[Cover]:
    """The wider groups that cover the rule in this one's place; else who took slices of it."""
    coverage, resolver = compiler.coverage, compiler.resolver
    group_id, name = found.group.group.id, found.rule.name
    holders = coverage.covering(group_id, name)
    for holder in holders:
        other = resolver.resolve(holder)
        rule = other.rules[name]
        yield Cover(other.group, rule, compiled_name(other.group, rule, alert_names), ())
    for taker in () if holders else coverage.takers(group_id, name):
        other = resolver.resolve(taker.group_id)
        yield Cover(other.group, taker.rule, compiled_name(other.group, taker.rule, alert_names), taker.apart)
