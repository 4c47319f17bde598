"""What of Jinja2 a template may use, and what is said of the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jinja2 import nodes

from rulecompiler.document.characters import odd_in
from rulecompiler.interpolation import TextFault
from rulecompiler.interpolation.sandbox import (
    FILTER_NAMES,
    LARGEST,
    TESTS,
)

_ACTIVE_PART = re.compile(r"(?:\$\{|\{[%#]).*?(?:[%#]?\}|(?=\n)|\Z)")
_MAX_DEPTH = 50
FILTER_HELP = "see Jinja2's description of the filter"
_ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.List,
    nodes.Tuple,
    nodes.If,
    nodes.CondExpr,
    nodes.For,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Neg,
    nodes.Pos,
    nodes.Add,
    nodes.Sub,
    nodes.Mul,
    nodes.Div,
    nodes.FloorDiv,
    nodes.Mod,
    nodes.Concat,
    nodes.Filter,
    nodes.Test,
    nodes.Keyword,
    nodes.Getattr,
    nodes.Getitem,
)
_LOOP = frozenset(("first", "last", "index", "index0", "length"))
_GROUP = frozenset(("id", "name", "labels"))


def inspect(tree: nodes.Template, source: str) -> tuple[frozenset[str], bool, TextFault | None]:
    """The names that a tree uses, and what in it is not allowed."""
    names: set[str] = set()
    uses_group = False
    for node, bound, depth in _walk(tree, frozenset(), 0):
        line = getattr(node, "lineno", 1) or 1
        fault = _refusal(node, bound, depth)
        if fault is not None:
            start, end = line_span(source, line)
            return frozenset(), False, TextFault(*fault, start, end)
        if isinstance(node, nodes.Name) and node.ctx == "load" and node.name not in bound:
            if node.name == "group":
                uses_group = True
            else:
                names.add(node.name)
    return frozenset(names), uses_group, None


def _walk(
    node: nodes.Node, bound: frozenset[str], depth: int
) -> Iterator[tuple[nodes.Node, frozenset[str], int]]:
    yield node, bound, depth
    inner = bound
    if isinstance(node, nodes.For) and isinstance(node.target, nodes.Name):
        inner = bound | {node.target.name, "loop"}
    for child in node.iter_child_nodes():
        outside = isinstance(node, nodes.For) and child is node.iter
        yield from _walk(child, bound if outside else inner, depth + 1)


_SPOKEN = {
    "Call": "calling a function or method",
    "Assign": "`{% set %}`",
    "Pow": "`**`",
    "Dict": "a mapping",
}


def _refusal(node: nodes.Node, bound: frozenset[str], depth: int) -> tuple[str, str] | None:
    """Why a node is not allowed, and what to do instead; None if it is."""
    what = _SPOKEN.get(type(node).__name__) or f"`{type(node).__name__.lower()}`"
    if depth > _MAX_DEPTH:
        return "the expression is nested too deeply", "write it in fewer steps"
    if not isinstance(node, _ALLOWED):
        return (
            f"{what} is not available in templates",
            "there are `${ }`, `{% if %}`, `{% for %}`, arithmetic and a few filters",
        )
    if isinstance(node, nodes.Const) and isinstance(node.value, int | float) and node.value > LARGEST:
        return "this number is larger than any that Prometheus knows", "write a smaller one"
    if isinstance(node, nodes.For):
        if "loop" in bound:
            return "a loop inside a loop is not available", "use one loop over one list"
        if node.recursive or not isinstance(node.target, nodes.Name):
            return "this kind of loop is not available", "write `{% for x in list %}`"
    if isinstance(node, nodes.Filter) and node.name not in FILTER_NAMES:
        return f"there is no filter `{node.name}`", "available: " + ", ".join(FILTER_NAMES)
    if isinstance(node, nodes.Test) and node.name not in TESTS:
        return f"there is no test `{node.name}`", "available: " + ", ".join(sorted(TESTS))
    if isinstance(node, nodes.Getattr):
        return _attribute_refusal(node, bound)
    if isinstance(node, nodes.Getitem) and not _is_group_labels(node.node):
        key = node.arg.value if isinstance(node.arg, nodes.Const) else None
        if not isinstance(key, int):
            return "an index must be a number", 'only `group.labels["name"]` is looked up by name'
    return None


def _attribute_refusal(node: nodes.Getattr, bound: frozenset[str]) -> tuple[str, str] | None:
    base = node.node
    if isinstance(base, nodes.Name) and base.name == "group" and node.attr in _GROUP:
        return None
    if isinstance(base, nodes.Name) and base.name == "loop" and "loop" in bound and node.attr in _LOOP:
        return None
    if _is_group_labels(base):
        return None
    return (
        f"`.{node.attr}` is not available",
        "there are group.id, group.name, group.labels.<name>, in a loop loop.first, loop.last, loop.index; "
        'a literal `${x}` is written `${"${x}"}`',
    )


def _is_group_labels(node: nodes.Node) -> bool:
    return (
        isinstance(node, nodes.Getattr)
        and node.attr == "labels"
        and isinstance(node.node, nodes.Name)
        and node.node.name == "group"
    )


def line_span(text: str, line: int) -> tuple[int, int]:
    """The part of a line, counted from 1, that is meant for the compiler; all of it if none is."""
    lines = text.splitlines(keepends=True)
    if line > len(lines):
        return 0, len(text)
    start = sum(len(one) for one in lines[: line - 1])
    part = _ACTIVE_PART.search(lines[line - 1])
    if part is not None:
        return start + part.start(), start + part.end()
    return start, start + len(lines[line - 1].rstrip("\n"))


SYNTAX_HELP = "around text that is not meant for the compiler write `{% raw %}` and `{% endraw %}`"
# What Jinja2 says, and what a person who has never seen its lexer would say.
_PLAINLY = (
    (re.compile(r".*expected 'end of print statement'"), "`${` is not closed by `}` where it should be"),
    (re.compile(r".*'end of print statement'"), "there is something missing between `${` and `}`"),
    (re.compile(r".*block that needs to be closed is '(\w+)'", re.DOTALL), r"`{% \1 %}` is not closed"),
    (re.compile(r"[Mm]issing end of comment tag"), "`{#` begins a comment of Jinja2 that does not end"),
    (re.compile(r"tag name expected"), "`{%` begins a statement of Jinja2, and none follows"),
    (re.compile(r"unexpected char ('.') at \d+"), r"\1 cannot stand between `${` and `}`"),
)


def sentence(message: str | None) -> str:
    """Jinja2's message in our form: plain, lower case, no full stop, no control characters."""
    said = (message or "the expression is not valid").strip().rstrip(".")
    text = odd_in(said).sub("", said)
    for pattern, plainly in _PLAINLY:
        match = pattern.match(text)
        if match is not None:
            return match.expand(plainly)
    return text[:1].lower() + text[1:]
