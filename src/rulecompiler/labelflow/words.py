"""What a message calls a part of a query."""

from __future__ import annotations

from rulecompiler.promql.tree import Aggregate, Binary, Call, Node, Selector


def describe(node: Node) -> str:
    """A part of a query, as short as names it: `sum by (job)`, `/ on (pod)`, `rate`."""
    match node:
        case Aggregate():
            clause = ""
            if node.by:
                clause = f" by ({', '.join(node.by)})"
            elif node.without is not None:
                clause = f" without ({', '.join(node.without)})"
            return node.op + clause
        case Binary():
            if node.on is not None:
                return f"{node.op} on ({', '.join(node.on)})"
            if node.ignoring is not None:
                return f"{node.op} ignoring ({', '.join(node.ignoring)})"
            return node.op
        case Call():
            return node.name
        case Selector():
            return node.metric or "{…}"
    return "the expression"
