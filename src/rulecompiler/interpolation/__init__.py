"""`${…}` in templates: Jinja2, cut down until nothing a stranger writes can do harm.

Each text is a small program: constants, `${expression}`, `{% if %}`, `{% for %}`. The syntax tree
is checked against a list of what is allowed before it runs (no calls, no attributes of Python
objects, no assignments, no nested loops), operators take numbers only, and filters draw on a
budget, so that a program can neither reach the machine nor run or grow for long.

Rendering yields segments, not text: which characters are the author's and which are values decides
later whether a value stays in its place inside a query.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from rulecompiler.model import Segment, SegmentKind

MAX_SOURCE = 65_536
"""Characters that one templated text may have."""
MAX_OUTPUT = 262_144
"""Characters that one text may render to."""


class TextFault(NamedTuple):
    """What is wrong with a text, at character offsets of the text as written."""

    message: str
    help: str
    start: int
    end: int
    undefined: str = ""  # the name, where the fault is an unknown name


class GroupFacts(NamedTuple):
    """What a template may know of the group that it is compiled for."""

    id: str
    name: str
    labels: Mapping[str, str]


class Promql(str):
    """A value that is a whole PromQL expression (`format: promql`)."""

    __slots__ = ()


class Program(Protocol):
    """A checked text; `names` are the parameters that it uses."""

    names: frozenset[str]
    uses_group: bool

    def render(self, values: Mapping[str, Any], group: GroupFacts) -> tuple[Segment, ...] | TextFault:
        """The text with values put in; a `TextFault` where a value makes an operation fail."""
        ...


_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_SIMPLE = re.compile(rf"\$\{{\s*({_NAME}|group\.(?:id|name|labels\.{_NAME}))\s*\}}")
_ACTIVE = re.compile(r"\$\{(?!\{|[0-9]+\})|\{%|\{#")
_KEYWORDS = frozenset(("true", "false", "none", "True", "False", "None", "not", "group", "loop"))


@lru_cache(maxsize=8192)
def compile_text(text: str) -> Program | TextFault:
    """The program of a text; a `TextFault` where it does not parse or asks for what is not allowed."""
    if len(text) > MAX_SOURCE:
        return TextFault(
            f"the text has {len(text):,} characters, more than {MAX_SOURCE:,}", "split the rule", 0, len(text)
        )
    if not _ACTIVE.search(text):
        return _Plain((Segment(text, 0, len(text)),), ())
    simple = _simple_program(text)
    if simple is not None:
        return simple
    # Jinja2 costs 60 ms to import, and most templates never need it.
    from rulecompiler.interpolation.program import compile_jinja

    return compile_jinja(text)


def value_text(value: object) -> tuple[str, SegmentKind] | None:
    """A value as it stands in a text; None for what has no text, such as a list."""
    if isinstance(value, bool):
        return ("true" if value else "false"), SegmentKind.STRING
    if isinstance(value, int):
        return str(value), SegmentKind.NUMBER
    if isinstance(value, float):
        # 5.0 was written as a number of PromQL, where 5 reads better and means the same.
        exact = value.is_integer() and abs(value) < 1e15
        return (str(int(value)) if exact else repr(value)), SegmentKind.NUMBER
    if isinstance(value, Promql):
        return str(value), SegmentKind.PROMQL
    if isinstance(value, str):
        return value, SegmentKind.STRING
    return None


class _Plain:
    """Constants and bare names only: the common case, rendered without Jinja2."""

    def __init__(self, segments: tuple[Segment, ...], holes: tuple[tuple[int, str], ...]) -> None:
        self._segments = segments
        self._holes = holes
        self.names = frozenset(name for _, name in holes if "." not in name)
        self.uses_group = any("." in name for _, name in holes)

    def render(self, values: Mapping[str, Any], group: GroupFacts) -> tuple[Segment, ...] | TextFault:
        """The text with values put in."""
        if not self._holes:
            return self._segments
        segments = list(self._segments)
        for index, name in self._holes:
            _, start, end, _ = segments[index]
            value = values.get(name)
            if value is None and "." in name:
                value = _group_value(name, group)
            if value is None:
                return undefined(name, start, end)
            rendered = value_text(value)
            if rendered is None:
                return not_text(name, value, start, end)
            segments[index] = Segment(rendered[0], start, end, rendered[1])
        return tuple(segments)


def _group_value(name: str, group: GroupFacts) -> str | None:
    _, field, *label = name.split(".")
    if label:
        return group.labels.get(label[0])
    return group.id if field == "id" else group.name


def undefined(name: str, start: int, end: int) -> TextFault:
    """The fault of a name that nothing declares."""
    return TextFault(
        f"`{name}` is not defined",
        "give every group that uses this template that label"
        if name.startswith("group.")
        else "declare it under `params:`; in a regex replacement write `$1` or `${1}`",
        start,
        end,
        name,
    )


def not_text(name: str, value: object, start: int, end: int) -> TextFault:
    """The fault of a list, a mapping or nothing at all where a text is due."""
    what, way_out = "a mapping", "use one of its values"
    if isinstance(value, list | tuple):
        what, way_out = "a list", f'join it: `${{{name or "…"} | join("|")}}`'
    elif value is None:
        what, way_out = "nothing", "give an `if` its `else`, or use `default`"
    subject = f"`{name}`" if name else "the result"
    return TextFault(f"{subject} is {what}, which has no text of its own", way_out, start, end)


def _simple_program(text: str) -> _Plain | None:
    """The program of a text that holds nothing but `${name}`; None for any other."""
    if "{%" in text or "{#" in text:
        return None
    segments: list[Segment] = []
    holes: list[tuple[int, str]] = []
    position = 0
    for active in _ACTIVE.finditer(text):
        match = _SIMPLE.match(text, active.start())
        if match is None or match[1] in _KEYWORDS:
            return None
        if match.start() > position:
            segments.append(Segment(text[position : match.start()], position, match.start()))
        holes.append((len(segments), match[1]))
        segments.append(Segment("", match.start(), match.end(), SegmentKind.STRING))
        position = match.end()
    if position < len(text):
        segments.append(Segment(text[position:], position, len(text)))
    return _Plain(tuple(segments), tuple(holes))
