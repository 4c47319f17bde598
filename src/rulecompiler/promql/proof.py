"""The proof: syntax trees by a parser that is not ours, compared node by node.

The library's printers are never used: they do not escape. Only this package imports it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from rulecompiler.model import Matcher
from rulecompiler.promql import words
from rulecompiler.promql.normal import Names, normalise
from rulecompiler.promql.structure import BINARY, MODIFIER, Structure


class Unparsed(NamedTuple):
    """The library parser's complaint."""

    message: str


def parse(text: str) -> Any:
    """The library's syntax tree of a normalised text, or `Unparsed`."""
    import promql_parser

    try:
        return promql_parser.parse(text)
    except ValueError as error:
        return Unparsed(str(error))
    except BaseException as error:
        if not _is_panic(error):
            raise
        return Unparsed("the parser panicked")


def _is_panic(error: BaseException) -> bool:
    """Whether the library, which is Rust, broke down; its exception has no importable type."""
    return type(error).__name__ == "PanicException"


def prove(original: Structure, result: Structure, added: Sequence[Sequence[Matcher]]) -> bool | Unparsed:
    """Whether `result` is `original` with exactly `added` in its selectors, in their order.

    Nothing else may differ, in either direction. `Unparsed` if the library cannot read `original`.
    """
    names = Names()
    before = parse(normalise(original, names))
    if isinstance(before, Unparsed):
        return before
    after = parse(normalise(result, names))
    if isinstance(after, Unparsed):
        return False
    try:
        pairs = _same_but_selectors(before, after)
    except BaseException as error:
        if not _is_panic(error):
            raise
        return False
    if pairs is None or not len(pairs) == len(added) == len(original.selectors):
        return False
    for (old, new), extra in zip(pairs, added, strict=True):
        wanted = Counter((names.label(m.label), m.op, names.value(m.op, m.value)) for m in extra)
        if _matchers(new) != _matchers(old) + wanted:
            return False
    return True


def same_tree(left: Structure, right: Structure) -> bool | Unparsed:
    """Whether two queries have equal syntax trees, selectors included, in any order of matchers."""
    if _unread(left) != _unread(right):
        return False
    names = Names()
    trees = [parse(normalise(query, names)) for query in (left, right)]
    for tree in trees:
        if isinstance(tree, Unparsed):
            return tree
    pairs = _same_but_selectors(*trees)
    return pairs is not None and all(_matchers(old) == _matchers(new) for old, new in pairs)


def _unread(query: Structure) -> list[tuple[int, str]]:
    """What the library is not shown, each with the number of selectors and operators before it."""
    found: list[tuple[int, str]] = []
    starts = {selector.first for selector in query.selectors}
    before = 0
    for number, (token, role) in enumerate(zip(query.tokens, query.roles, strict=True)):
        text = token.text.lower()
        before += number in starts or role == BINARY
        if (role == MODIFIER and text in words.RANGE_MODIFIERS) or text in ("</", ">/"):
            found.append((before, text))
    return found


def _matchers(selector: Any) -> Counter[tuple[str, str, str]]:
    import promql_parser

    kinds = promql_parser.MatchOp
    ops = (("=", kinds.Equal), ("!=", kinds.NotEqual), ("=~", kinds.Re), ("!~", kinds.NotRe))
    if selector.matchers.or_matchers:
        raise AssertionError("`or` between matchers is not PromQL and the lexer refuses it")
    return Counter(
        (m.name, next(text for text, op in ops if op == m.op), m.value) for m in selector.matchers.matchers
    )


def _same_but_selectors(left: Any, right: Any) -> list[tuple[Any, Any]] | None:
    """The vector selectors of two trees in reading order, pair by pair; None if the trees differ."""
    import promql_parser

    pairs: list[tuple[Any, Any]] = []
    todo = [(left, right)]
    while todo:
        old, new = todo.pop()
        if type(old) is not type(new) or _facts(old) != _facts(new):
            return None
        if isinstance(old, promql_parser.VectorSelector):
            pairs.append((old, new))
        children = list(_children(old)), list(_children(new))
        if len(children[0]) != len(children[1]):
            return None
        todo += reversed(list(zip(*children, strict=True)))
    return pairs


def _facts(node: Any) -> tuple[Any, ...]:
    """All that a node says apart from its children and its matchers."""
    import promql_parser as library

    match node:
        case library.VectorSelector():
            return (node.name, node.offset, _at(node.at))
        case library.MatrixSelector():
            return (node.range,)
        case library.SubqueryExpr():
            return (node.range, node.step, node.offset, _at(node.at))
        case library.AggregateExpr():
            clause = node.modifier
            return (str(node.op), clause and (repr(clause.type), tuple(clause.labels)))
        case library.BinaryExpr():
            return (str(node.op), node.modifier and _matching(node.modifier))
        case library.Call():
            return (node.func.name,)
        case library.NumberLiteral():
            return (repr(node.val),)
        case library.StringLiteral():
            return (node.val,)
        case library.ParenExpr() | library.UnaryExpr():
            return ()
    raise AssertionError(f"a syntax tree with a {type(node).__name__}, which the proof does not know")


def _at(modifier: Any) -> tuple[str, Any] | None:
    return modifier and (repr(modifier.type), modifier.at)


def _matching(modifier: Any) -> tuple[Any, ...]:
    on = modifier.matching
    fill = modifier.fill_values
    return (
        repr(modifier.card),
        on and (repr(on.type), tuple(on.labels)),
        modifier.return_bool,
        tuple(modifier.group_labels or ()),
        fill and (repr(fill.lhs), repr(fill.rhs)),
    )


def _children(node: Any) -> Iterator[Any]:
    import promql_parser as library

    match node:
        case library.MatrixSelector():
            yield node.vector_selector
        case library.AggregateExpr():
            if node.param is not None:
                yield node.param
            yield node.expr
        case library.SubqueryExpr() | library.ParenExpr() | library.UnaryExpr():
            yield node.expr
        case library.BinaryExpr():
            yield node.lhs
            yield node.rhs
        case library.Call():
            yield from node.args
