"""Scoping a rendered query: the way from segments to proven text.

What a shape has taught once (see `shapes`) serves every other query of that shape; joining its
parts is then all the work there is. Where anything is wrong, the query itself is read anew, with
its own values and positions, to say what.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from rulecompiler.model import Matcher, Segment, SegmentKind
from rulecompiler.promql import inject
from rulecompiler.promql.atoms import Misplaced
from rulecompiler.promql.holes import TEXT, Skeleton, classify
from rulecompiler.promql.problems import BAD_MATCHER, Problem
from rulecompiler.promql.regexes import is_regex, matches
from rulecompiler.promql.shapes import Refused, Shape, Template
from rulecompiler.promql.slots import UNENCODABLE, fill

_TEXT, _NUMBER, _STRING = SegmentKind.TEXT, SegmentKind.NUMBER, SegmentKind.STRING


class ScopedQuery(NamedTuple):
    """A query with its scope, and without it.

    Where `proven` is False the library parser cannot read the query, which uses something newer
    than it; then promtool must accept both texts before the result may be used.
    """

    text: str
    proven: bool
    original: str
    narrowed: bool = True  # whether any of its selectors takes a scope at all


class Query:
    """A rendered query without faults, ready to be scoped; made by `prepare`."""

    __slots__ = ("_frame", "_segments", "_shape", "_unscoped", "_values")

    def __init__(
        self,
        frame: Skeleton,
        shape: Shape,
        values: list[str],  # as they stand in the query
        segments: tuple[Segment, ...],
        unscoped: frozenset[str],
    ) -> None:
        self._frame = frame
        self._shape = shape
        self._values = values
        self._segments = segments
        self._unscoped = unscoped

    @property
    def metrics(self) -> frozenset[str]:
        """The metric names that the query selects, by name or by an equality on `__name__`."""
        return self._shape.metrics

    def scope(self, matchers: tuple[Matcher, ...]) -> ScopedQuery | tuple[Problem, ...]:
        """The query with these matchers in each of its selectors, or what speaks against it.

        A selector of an unscoped metric keeps to itself, and so does all of an unscoped query.
        """
        shape = self._shape
        original = shape.original.fill(self._values)
        if not shape.scoped:
            return ScopedQuery(original, shape.proven, original, narrowed=False)
        scope = _scope(matchers)
        if scope.labels.isdisjoint(shape.author_labels):
            template = _plan(shape, scope.representatives)
        elif scope.labels.isdisjoint(shape.variable_labels):
            template = _plan(shape, scope.matchers)
        elif agreed := self._agreement(scope):
            template = _plan(shape, agreed)
        else:
            return self._explain(scope)
        if template is None or scope.problems:
            return self._explain(scope)
        text = template.fill(self._values + scope.texts)
        return ScopedQuery(text, shape.proven, original, shape.takes_scope)

    def _agreement(self, scope: _Scope) -> tuple[Matcher, ...]:
        """Representatives of a scope whose values this query's own matchers repeat, if they do.

        That is the case of a template with `group_id="${group.id}"` in it: the matchers agree in
        every group, though each group's are others.
        """
        agreed = list(scope.representatives)
        for hole, number in self._shape.live:
            if hole.label not in scope.labels:
                continue
            for at, matcher in enumerate(scope.matchers):
                if matcher.label == hole.label:
                    written = fill(hole.kind, hole.slot, matcher.value)
                    if not hole.equal or matcher.op != "=" or written != self._values[number]:
                        return ()
                    agreed[at] = matcher._replace(value=TEXT)
        fixed = self._shape.fixed_labels
        return tuple(agreed) if fixed.isdisjoint(scope.labels) else ()

    def _explain(self, scope: _Scope) -> ScopedQuery | tuple[Problem, ...]:
        """The same without the memory of shapes: with the query's own values and positions."""
        end = self._segments[-1].end if self._segments else 0
        if scope.problems:
            return tuple(problem._replace(end=end) for problem in scope.problems)
        raw = [s.text for s in self._segments if s.kind is not _TEXT]
        shape = Shape(self._frame, raw, [False] * len(raw), self._unscoped, True)
        try:
            template = shape.plan(scope.matchers)
        except Refused as refused:
            return tuple(reason.located(self._segments) for reason in refused.reasons)
        text = template.fill([*raw, *scope.texts])
        return ScopedQuery(text, shape.proven, shape.original.fill(raw), shape.takes_scope)


class _Scope(NamedTuple):
    """A scope, and matchers of the same kind that stand for any scope like it."""

    matchers: tuple[Matcher, ...]
    representatives: tuple[Matcher, ...]
    texts: list[str]
    labels: frozenset[str]
    problems: tuple[Problem, ...]


@lru_cache(maxsize=4096)
def _scope(matchers: tuple[Matcher, ...]) -> _Scope:
    unique = tuple(dict.fromkeys(matchers))
    problems: list[Problem] = []
    for matcher in unique:
        if not matcher.label or any(map(UNENCODABLE.search, (matcher.label, matcher.value))):
            message = f"the scope's matcher on {matcher.label!a} cannot be written in PromQL"
            problems.append(Problem(BAD_MATCHER, message, "use ordinary text", 0, 0))
        elif matcher.op in ("=~", "!~") and not is_regex(matcher.value):
            message = f"the scope's {matcher.value!r} is not a regular expression of RE2"
            help = "correct it; RE2 has no look-around and no back-references"
            problems.append(Problem(BAD_MATCHER, message, help, 0, 0))
    if problems:
        return _Scope(unique, (), [], frozenset(), tuple(problems))
    representatives = tuple(_representative(m, number) for number, m in enumerate(unique))
    texts = [inject.matcher_text(m) for m in unique]
    return _Scope(unique, representatives, texts, frozenset(m.label for m in unique), ())


def _representative(matcher: Matcher, number: int) -> Matcher:
    if not matcher.value:
        return matcher
    empty = matcher.op in ("=~", "!~") and matches(matcher.value, "")
    return matcher._replace(value=f"v{number}|" if empty else f"v{number}")


@lru_cache(maxsize=8192)
def _plan(shape: Shape, scope: tuple[Matcher, ...]) -> Template | None:
    """What a shape has taught about a scope, or None if it cannot have it."""
    try:
        return shape.plan(scope)
    except Refused:
        return None


@lru_cache(maxsize=4096)
def _frame(texts: tuple[str | int, ...]) -> Skeleton:
    return Skeleton(texts)


@lru_cache(maxsize=8192)
def _shape(
    frame: Skeleton, values: tuple[str, ...], live: bool, unscoped: frozenset[str], scoped: bool
) -> Shape | None:
    """The shape of these representatives, or, if not `live`, of a query with just these values."""
    holes = zip(frame.holes, values, strict=True)
    try:
        lively = [live and classify(hole, value).text is not None for hole, value in holes]
        return Shape(frame, values, lively, unscoped, scoped)
    except Misplaced:
        return None


def prepare(
    segments: tuple[Segment, ...], *, unscoped: frozenset[str] = frozenset(), scoped: bool = True
) -> Query | tuple[Problem, ...]:
    """Put a rendered query's values in their places and read it.

    `unscoped` names metrics whose selectors are left alone; without `scoped` all of them are.
    """
    texts: list[str | int] = []
    raw: list[str] = []
    for segment in segments:
        kind = segment.kind
        if kind is not _TEXT:
            texts.append(0 if kind is _NUMBER else 1 if kind is _STRING else 2)
            raw.append(segment.text)
        elif texts and texts[-1].__class__ is str:
            texts[-1] += segment.text
        else:
            texts.append(segment.text)
    frame = _frame(tuple(texts))
    classes = [classify(hole, value) for hole, value in zip(frame.holes, raw, strict=True)]
    shape = _shape(frame, tuple([c.representative for c in classes]), True, unscoped, scoped)
    if shape is not None:
        values = [value if c.text is None else c.text for c, value in zip(classes, raw, strict=True)]
        return Query(frame, shape, values, segments, unscoped)
    shape = _shape(frame, tuple(raw), False, unscoped, scoped) if raw else None
    if shape is not None:
        return Query(frame, shape, raw, segments, unscoped)
    return (_fault(frame, raw, segments, unscoped, scoped),)


def _fault(
    frame: Skeleton, raw: Sequence[str], segments: tuple[Segment, ...], unscoped: frozenset[str], scoped: bool
) -> Problem:
    try:
        Shape(frame, raw, [False] * len(raw), unscoped, scoped)
    except Misplaced as misplaced:
        return misplaced.located(segments)
    raise AssertionError("a query was refused for no reason")


def scope_text(
    expr: str, matchers: tuple[Matcher, ...], *, unscoped: frozenset[str] = frozenset()
) -> ScopedQuery | tuple[Problem, ...]:
    """Scope a plain text, one without values."""
    query = prepare((Segment(expr, 0, len(expr)),), unscoped=unscoped)
    return query.scope(matchers) if isinstance(query, Query) else query
