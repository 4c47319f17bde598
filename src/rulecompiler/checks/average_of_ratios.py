"""RC414: an average of ratios."""

from __future__ import annotations

from collections.abc import Iterator

from rulecompiler.checks.subject import Finding, Subject
from rulecompiler.diagnostics import Severity
from rulecompiler.promql.tree import Aggregate, Binary, is_scalar


def check(rule: Subject) -> Iterator[Finding]:
    """Yields one for each `avg(a / b)`, in which an idle series counts as much as a busy one."""
    for node in rule.nodes:
        if not isinstance(node, Aggregate) or node.op != "avg":
            continue
        inside = node.expr
        while isinstance(inside, Binary) and (is_scalar(inside.left) or is_scalar(inside.right)):
            inside = inside.right if is_scalar(inside.left) else inside.left
        if isinstance(inside, Binary) and inside.op == "/":
            yield Finding(
                "RC414",
                "`avg` of a division weighs each series alike, however much it stands for",
                rule.near("avg"),
                Severity.INFO,
                label="an average of ratios",
                help="divide the sums, `sum(a) / sum(b)`, unless each series is to count the same",
            )
