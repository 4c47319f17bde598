"""RC411: two sides of an operation whose series can never have the same labels."""

from __future__ import annotations

from collections.abc import Iterator

from rulecompiler.checks.subject import EXPR, Finding, Subject
from rulecompiler.diagnostics import Severity
from rulecompiler.labelflow import describe
from rulecompiler.promql.tree import Binary


def check(rule: Subject) -> Iterator[Finding]:
    """Yields one for each such operation; an error where the whole query can never have a result."""
    for node in rule.nodes:
        if not isinstance(node, Binary):
            continue
        clash = rule.analysis.clash(node)
        if clash is None:
            continue
        severity = Severity.WARNING if clash.certain else Severity.INFO
        if clash.certain and rule.flow.empty:
            severity = Severity.ERROR
        says = "never" if clash.certain else "hardly ever"
        yield Finding(
            "RC411",
            f"the two sides of `{describe(node)}` {says} meet: their label `{clash.label}` differs",
            EXPR,
            severity,
            label=clash.reason,
            help="aggregate both sides by the same labels, or match `on (…)` those that both have",
        )
