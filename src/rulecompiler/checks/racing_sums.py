"""RC441: aggregations of different metrics that meet in one query, without `for`."""

from __future__ import annotations

from collections.abc import Iterator

from rulecompiler.checks.subject import EXPR, Finding, Subject
from rulecompiler.diagnostics import Severity
from rulecompiler.promql.tree import SETS, Aggregate, Binary, Node, Selector, is_scalar, walk


def check(rule: Subject) -> Iterator[Finding]:
    """Yields one where two sums are put together whose targets are scraped at different moments.

    What is taken over a window hardly moves between two scrapes, and is left alone.
    """
    if not rule.is_alert or rule.waits:
        return
    for node in rule.nodes:
        if not isinstance(node, Binary) or node.op in SETS:
            continue
        left, right = _core(node.left), _core(node.right)
        if not isinstance(left, Aggregate) or not isinstance(right, Aggregate):
            continue
        one, other = _momentary(left), _momentary(right)
        if one and other and one != other:
            yield Finding(
                "RC441",
                f"`{node.op}` puts sums together that were scraped at different moments, without `for`",
                EXPR,
                Severity.INFO,
                label="one side is ahead of the other for a moment",
                help="give the alert a `for` of some scrape intervals",
            )
            return


def _core(node: Node) -> Node:
    """The node without the numbers that it is multiplied with or compared to."""
    while isinstance(node, Binary) and node.op not in SETS:
        if is_scalar(node.left):
            node = node.right
        elif is_scalar(node.right):
            node = node.left
        else:
            break
    return node


def _momentary(node: Node) -> frozenset[str]:
    """The metrics under a node if none of them is taken over a window."""
    found = [each for each in walk(node) if isinstance(each, Selector)]
    if any(each.window is not None for each in found):
        return frozenset()
    return frozenset(each.metric for each in found if each.metric is not None)
