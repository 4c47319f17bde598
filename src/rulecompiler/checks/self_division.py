"""RC413: series that are divided by themselves."""

from __future__ import annotations

from collections.abc import Iterator

from rulecompiler.checks.subject import Finding, Subject
from rulecompiler.diagnostics import Severity
from rulecompiler.promql.tree import Binary, Call, Node, Selector


def check(rule: Subject) -> Iterator[Finding]:
    """Yields one for `x{code="500"} / x`: each series finds itself on the other side, so that it is 1."""
    for node in rule.nodes:
        if not isinstance(node, Binary) or node.op != "/" or node.on is not None or node.ignoring is not None:
            continue
        left, right = _plain(node.left), _plain(node.right)
        if left is None or right is None or left[0] != right[0] or rule.analysis.clash(node) is not None:
            continue
        yield Finding(
            "RC413",
            f"each series of `{left[1]}` is divided by itself, which gives 1",
            rule.near(left[1]),
            Severity.WARNING,
            label="finds the series with its very labels on the other side",
            help="aggregate both sides: `sum(rate(x{…}[5m])) / sum(rate(x[5m]))`",
        )


def _plain(node: Node) -> tuple[tuple[str, ...], str] | None:
    """What is asked of which metric, where that is not aggregated; None for all else."""
    calls = []
    while isinstance(node, Call) and len(node.args) == 1:
        calls.append(node.name)
        node = node.args[0]
    if not isinstance(node, Selector) or node.metric is None or node.shifted or node.window == -1:
        return None
    return (*calls, node.metric, str(node.window)), node.metric
