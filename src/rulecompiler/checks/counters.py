"""RC406: a counter that is compared although it only ever grows."""

from __future__ import annotations

from collections.abc import Iterator

from rulecompiler.checks.subject import Finding, Subject
from rulecompiler.diagnostics import Severity
from rulecompiler.promql.tree import COMPARISONS, Aggregate, Binary, Node, Number, Selector

_KEEPS_GROWING = frozenset({"sum", "avg", "min", "max"})


def check(rule: Subject) -> Iterator[Finding]:
    """Yields one for each `x_total` that is compared with a number other than zero.

    "Greater than zero" asks whether it ever happened, which is a fair question.
    """
    for node in rule.nodes:
        if not isinstance(node, Binary) or node.op not in COMPARISONS:
            continue
        for side, other in ((node.left, node.right), (node.right, node.left)):
            counter = _counter(side)
            if counter and isinstance(other, Number) and other.value != 0 and node.op not in ("==", "!="):
                yield Finding(
                    "RC406",
                    f"`{counter}` is a counter by its name, but is compared as it stands",
                    rule.near(counter),
                    Severity.WARNING,
                    label="grows until its process restarts",
                    help="ask how fast it grows, `rate(…[5m])`, or how much, `increase(…[1h])`",
                )


def _counter(node: Node) -> str:
    """The counter that a node shows as it is; empty if none."""
    while isinstance(node, Aggregate) and node.op in _KEEPS_GROWING:
        node = node.expr
    if isinstance(node, Selector) and node.metric and node.metric.endswith("_total") and not node.shifted:
        return node.metric if ":" not in node.metric else ""
    return ""
