"""A query as a tree of plain frozen nodes, for whoever wants to reason about it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from rulecompiler.model import Matcher
from rulecompiler.promql.grammar import structure
from rulecompiler.promql.normal import Names, normalise
from rulecompiler.promql.problems import Fault
from rulecompiler.promql.proof import Unparsed, parse
from rulecompiler.promql.structure import Selector as Place

COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})
SETS = frozenset({"and", "or", "unless"})

Cardinality = Literal["one to one", "many to one", "one to many", "many to many"]


class Number(NamedTuple):
    """A number literal."""

    value: float


class String(NamedTuple):
    """A string literal; what it says is not kept."""


class Selector(NamedTuple):
    """A vector selector, or a range of one where `window` is its length in seconds.

    `window` is -1 where the length is calculated. `metric` is the name that it selects by equality.
    """

    metric: str | None
    matchers: tuple[Matcher, ...]
    window: float | None
    shifted: bool  # by `offset` or `@`


class Subquery(NamedTuple):
    """An expression evaluated over a range; seconds, -1 where calculated, `step` None by default."""

    expr: Node
    window: float
    step: float | None


class Call(NamedTuple):
    """A function call; `labels` are the texts of its string arguments, in order."""

    name: str
    args: tuple[Node, ...]
    labels: tuple[str, ...]


class Aggregate(NamedTuple):
    """An aggregation; without a clause, `by` is empty and `without` None."""

    op: str
    by: tuple[str, ...] | None
    without: tuple[str, ...] | None
    param: Node | None
    label: str  # that `count_values` writes to
    expr: Node


class Binary(NamedTuple):
    """A binary operation; `on` and `ignoring` are None where not written."""

    op: str
    left: Node
    right: Node
    bool_: bool
    on: tuple[str, ...] | None
    ignoring: tuple[str, ...] | None
    cardinality: Cardinality
    include: tuple[str, ...]
    filled: bool  # by `fill`, so that what has no partner gives a result all the same


class Negation(NamedTuple):
    """A unary minus; a unary plus is its operand."""

    expr: Node


Node = Number | String | Selector | Subquery | Call | Aggregate | Binary | Negation


@lru_cache(maxsize=4096)
def tree(text: str) -> Node | None:
    """The tree of a query; None if it is not well formed or too new for the library's parser."""
    try:
        query = structure(text)
    except Fault:
        return None
    names = _Remembered()
    parsed = parse(normalise(query, names))
    return None if isinstance(parsed, Unparsed) else _Reader(query.selectors, names).node(parsed)


def children(node: Node) -> tuple[Node, ...]:
    """The nodes below this one, left to right."""
    match node:
        case Subquery() | Negation():
            return (node.expr,)
        case Call():
            return node.args
        case Aggregate():
            return (node.expr,) if node.param is None else (node.param, node.expr)
        case Binary():
            return (node.left, node.right)
    return ()


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it, each before what is below it."""
    todo = [node]
    while todo:
        here = todo.pop()
        yield here
        todo.extend(reversed(children(here)))


def is_scalar(node: Node) -> bool:
    """Whether the node is a number without labels rather than a vector."""
    match node:
        case Number():
            return True
        case Call():
            return node.name in ("time", "scalar", "pi")
        case Negation():
            return is_scalar(node.expr)
        case Binary():
            return is_scalar(node.left) and is_scalar(node.right)
    return False


class _Remembered(Names):
    """Placeholders that can be turned back."""

    def back(self, kind: str, placeholder: str) -> str:
        """What a placeholder stands for; itself if it is none."""
        prefix = {"label": "rc_label_", "string": "s"}[kind]
        number = placeholder.removeprefix(prefix)
        if number == placeholder or not number.isdigit():
            return placeholder
        return next(value for (_, value), n in self._numbers.items() if n == int(number))


class _Reader:
    def __init__(self, selectors: list[Place], names: _Remembered) -> None:
        self._selectors = iter(selectors)
        self._names = names

    def node(self, given: Any) -> Node:
        import promql_parser as library

        match given:
            case library.ParenExpr():
                return self.node(given.expr)
            case library.UnaryExpr():
                return Negation(self.node(given.expr))
            case library.NumberLiteral():
                return Number(given.val)
            case library.StringLiteral():
                return String()
            case library.VectorSelector():
                return self._selector(given, None)
            case library.MatrixSelector():
                return self._selector(given.vector_selector, _seconds(given.range))
            case library.SubqueryExpr():
                step = None if given.step is None else _seconds(given.step)
                return Subquery(self.node(given.expr), _seconds(given.range), step)
            case library.Call():
                texts = tuple(
                    self._names.back("string", a.val)
                    for a in given.args
                    if isinstance(a, library.StringLiteral)
                )
                return Call(given.func.name, tuple(self.node(a) for a in given.args), texts)
            case library.AggregateExpr():
                return self._aggregate(given)
            case library.BinaryExpr():
                return self._binary(given)
        raise AssertionError(f"a syntax tree with a {type(given).__name__}")

    def _selector(self, given: Any, window: float | None) -> Selector:
        place = next(self._selectors)
        named = (
            None
            if place.metric is None
            else next((m for m in place.matchers if m.label == "__name__" and m.op == "="), None)
        )
        matchers = tuple(
            Matcher(m.label, m.op, m.value)  # type: ignore[arg-type]
            for m in place.matchers
            if m is not named
        )
        return Selector(place.metric, matchers, window, given.offset is not None or given.at is not None)

    def _aggregate(self, given: Any) -> Aggregate:
        import promql_parser as library

        clause = given.modifier
        labels = self._labels(clause.labels) if clause else ()
        by = labels if clause is None or clause.type == library.AggModifierType.By else None
        param, label = None, ""
        if isinstance(given.param, library.StringLiteral):
            label = self._names.back("string", given.param.val)
        elif given.param is not None:
            param = self.node(given.param)
        return Aggregate(
            str(given.op), by, labels if by is None else None, param, label, self.node(given.expr)
        )

    def _binary(self, given: Any) -> Binary:
        import promql_parser as library

        left, right = self.node(given.lhs), self.node(given.rhs)
        modifier = given.modifier
        if modifier is None:
            return Binary(str(given.op), left, right, False, None, None, "one to one", (), False)
        matching = modifier.matching
        on = ignoring = None
        if matching is not None:
            labels = self._labels(matching.labels)
            on, ignoring = (
                (labels, None) if matching.type == library.LabelModifierType.Include else (None, labels)
            )
        cards = library.VectorMatchCardinality
        cardinality: Cardinality = (
            "many to one"
            if modifier.card == cards.ManyToOne
            else "one to many"
            if modifier.card == cards.OneToMany
            else "many to many"
            if modifier.card == cards.ManyToMany
            else "one to one"
        )
        fill = modifier.fill_values
        filled = fill is not None and (fill.lhs is not None or fill.rhs is not None)
        include = self._labels(modifier.group_labels or ())
        return Binary(
            str(given.op), left, right, bool(modifier.return_bool), on, ignoring, cardinality, include, filled
        )

    def _labels(self, names: Any) -> tuple[str, ...]:
        return tuple(self._names.back("label", name) for name in names)


def _seconds(duration: timedelta | None) -> float:
    seconds = duration.total_seconds() if duration is not None else -1.0
    return -1.0 if 3_000_000 <= seconds < 3_001_000 else seconds
