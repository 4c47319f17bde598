"""RC412: `group_left` that copies a label which the other side has not."""

from __future__ import annotations

from collections.abc import Iterator

from rulecompiler.checks.subject import EXPR, Finding, Subject
from rulecompiler.diagnostics import Severity
from rulecompiler.labelflow import describe
from rulecompiler.promql.tree import Binary


def check(rule: Subject) -> Iterator[Finding]:
    """Yields one for each such label: the result loses it even where it had it."""
    for node in rule.nodes:
        if not isinstance(node, Binary) or not node.include:
            continue
        one = node.left if node.cardinality == "one to many" else node.right
        side = "left" if one is node.left else "right"
        for label in node.include:
            if not rule.analysis.of(one).may(label):
                loser = describe(rule.analysis.loser(one, label))
                yield Finding(
                    "RC412",
                    f"`group_{'right' if side == 'left' else 'left'}` is to copy `{label}` from the {side}, "
                    f"but `{loser}` leaves no such label there",
                    EXPR,
                    Severity.WARNING,
                    label="copies nothing",
                    help=f"keep `{label}` on the {side}, or take it out of the list",
                )
