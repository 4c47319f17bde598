"""The numbers of a query: where they are, and whether a larger one makes it harder to fire."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rulecompiler.promql.tree import (
    COMPARISONS,
    SETS,
    Aggregate,
    Binary,
    Call,
    Negation,
    Node,
    Number,
    Selector,
    Subquery,
    children,
)

Path = tuple[int, ...]
"""The way from a query to a node in it, by the places among `children`."""

_MIRRORED = {">": "<", "<": ">", ">=": "<=", "<=": ">="}
_BELOW_ZERO = re.compile(r"celsius|temp|offset|skew|drift|db|delta|diff|balance|free")
_SIGNED = frozenset(
    {"delta", "idelta", "deriv", "predict_linear", "log2", "log10", "ln", "sin", "cos", "tan"}
)
_RISING = frozenset({"quantile_over_time", "histogram_quantile", "clamp_min", "clamp_max"})
_SAME_VALUE = frozenset({"vector", "scalar", "sort", "sort_desc", "floor", "ceil", "round", "label_replace"})
_OF_ALL = frozenset({"sum", "avg", "min", "max", "group"})


def blank(node: Node) -> Node:
    """The query with each number as 0 and each selector's matchers in order."""
    match node:
        case Number():
            return Number(0.0)
        case Selector():
            return node._replace(matchers=tuple(sorted(node.matchers)))
        case Negation() | Subquery():
            return node._replace(expr=blank(node.expr))
        case Call():
            return node._replace(args=tuple(map(blank, node.args)))
        case Aggregate():
            param = None if node.param is None else blank(node.param)
            return node._replace(expr=blank(node.expr), param=param)
        case Binary():
            return node._replace(left=blank(node.left), right=blank(node.right))
    return node


def numbers(node: Node, path: Path = ()) -> Iterator[tuple[Path, float]]:
    """All numbers of a query, left to right."""
    if isinstance(node, Number):
        yield path, node.value
    for index, child in enumerate(children(node)):
        yield from numbers(child, (*path, index))


def comparison(query: Node, path: Path) -> str:
    """How a series is compared with the number: `>` for `x > 1` as for `1 < x`; empty if it is not."""
    found = ""
    node = query
    for index in path:
        if isinstance(node, Binary) and node.op in COMPARISONS:
            found = node.op if index == 1 else _MIRRORED.get(node.op, node.op)
        node = children(node)[index]
    return found


def strictness(query: Node, path: Path) -> int | None:
    """1 where a larger number leaves fewer results, -1 where it leaves more, 0 no matter; None: unknown."""
    if not path:
        return 0
    index, rest = path[0], path[1:]
    child = children(query)[index]
    below = strictness(child, rest)
    match query:
        case Binary(op=op, bool_=False) if op in COMPARISONS:
            return _both(_condition(query, index, _value(child, rest)), below)
        case Binary(op="unless") if index == 1:
            return _less(below)
        case Aggregate(op="topk" | "bottomk" | "limitk" | "limit_ratio", param=param) if param is child:
            return None
        case Call(name="absent" | "absent_over_time"):
            return _less(below)
        case Call(name="scalar" | "vector"):
            return 0
    return below


def _value(node: Node, path: Path) -> int | None:
    """1 where a larger number makes the node's values larger, as `strictness` says."""
    if not path:
        return 1
    index, rest = path[0], path[1:]
    child = children(node)[index]
    value, fewer = _value(child, rest), strictness(child, rest)
    match node:
        case Negation():
            return _less(value)
        case Binary():
            return _of_binary(node, index, value)
        case Aggregate(op="count") | Call(name="count_over_time"):
            return _less(fewer)
        case Aggregate(op="quantile", param=param) if param is child:
            return value
        case Subquery():
            return value
    name = node.op if isinstance(node, Aggregate) else node.name if isinstance(node, Call) else ""
    plain = name in _OF_ALL or name in _SAME_VALUE or name in _RISING
    if fewer == 0 and (value == 0 or plain or name.removesuffix("_over_time") in _OF_ALL):
        return value
    return None


def _of_binary(node: Binary, index: int, value: int | None) -> int | None:
    other = node.left if index == 1 else node.right
    if node.op in COMPARISONS:
        if node.bool_:
            return _less(_condition(node, index, value))
        return value if index == 0 else 0
    if node.op in SETS:
        return value if index == 0 or node.op == "or" else 0
    if value == 0 or node.op == "+":
        return value
    if node.op == "-":
        return value if index == 0 else _less(value)
    if node.op == "*" and _not_negative(other):
        return value
    if node.op == "/" and _not_negative(other):
        if index == 0:
            return value
        return _less(value) if _not_negative(node.right) else None
    return None


def _condition(node: Binary, index: int, value: int | None) -> int | None:
    """How much stricter a comparison becomes when one side's values rise."""
    if not value:
        return value
    if node.op not in _MIRRORED:
        return None
    return value if (index == 1) == (node.op in (">", ">=")) else -value


def _not_negative(node: Node) -> bool:
    """Whether the values are hardly below zero: what a metric counts or measures mostly is not."""
    match node:
        case Number():
            return node.value >= 0
        case Selector():
            return node.metric is not None and _BELOW_ZERO.search(node.metric) is None
        case Negation():
            return False
        case Call():
            return node.name not in _SIGNED and all(map(_not_negative, node.args))
        case Binary():
            return node.op != "-" and _not_negative(node.left) and _not_negative(node.right)
        case Aggregate() | Subquery():
            return _not_negative(node.expr)
    return True


def _less(value: int | None) -> int | None:
    return None if value is None else -value


def _both(one: int | None, other: int | None) -> int | None:
    if one is None or other is None or one * other < 0:
        return None
    return one or other
