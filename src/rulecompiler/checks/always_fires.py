"""RC405: an alert without a condition."""

from __future__ import annotations

from collections.abc import Iterator

from rulecompiler.checks.subject import EXPR, Finding, Subject
from rulecompiler.diagnostics import Severity
from rulecompiler.promql.tree import Binary, Call, Node, is_scalar


def check(rule: Subject) -> Iterator[Finding]:
    """Yields one for a query that has a result as long as its series exist.

    `vector(1)` is left alone, for a heartbeat fires always on purpose.
    """
    if not rule.is_alert or rule.flow.filters or is_scalar(rule.query) or _heartbeat(rule.query):
        return
    asks = next((node for node in rule.nodes if isinstance(node, Binary) and node.bool_), None)
    yield Finding(
        "RC405",
        "the query has no condition, so that the alert fires whenever its series exist",
        EXPR,
        Severity.WARNING,
        label="compares with `bool`, which drops nothing" if asks is not None else "compares with nothing",
        help="take `bool` out" if asks is not None else "compare with a threshold, such as `> 0`",
    )


def _heartbeat(node: Node) -> bool:
    return isinstance(node, Call) and node.name == "vector"
