"""Compiled rules for the checks that each compile asks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rulecompiler import checks
from rulecompiler.checks import Options
from rulecompiler.diagnostics import Diagnostic, Pointer
from rulecompiler.model import Rule, RuleGroup, RuleSet

OLDEST = Options((2, 0))
DEFAULT = Options((2, 42))
NEWEST = Options((9, 0))
TEMPLATE = "alerts/templates/node/NodeDown.yaml"


def entry(name: str) -> Pointer:
    return Pointer("alerts/groups/g.yaml", ("rules", name))


def a_rule(name: str = "NodeDown", **changes: Any) -> Rule:
    rule = Rule(
        kind="alert",
        name=name,
        expr="up == 0",
        for_="5m",
        keep_firing_for=None,
        labels={"severity": "critical", "group_id": "g", "group": "G"},
        annotations={"summary": "{{ $labels.instance }} is down", "runbook_url": "https://example.com/x"},
        template=TEMPLATE,
        entry=entry(name),
    )
    return replace(rule, **changes)


def a_set(*rules: Rule, **fields: Any) -> RuleSet:
    group = RuleGroup(
        "G_node", fields.get("interval"), fields.get("limit"), fields.get("query_offset"), rules
    )
    return RuleSet("g", ("alerts/groups/root.yaml", "alerts/groups/g.yaml"), (group,))


def found(rules: RuleSet, options: Options = DEFAULT) -> tuple[Diagnostic, ...]:
    return checks.run(rules, options)
