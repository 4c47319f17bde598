"""Values put into a query's text so that they fill it and cannot steer it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from rulecompiler.model import Segment, SegmentKind
from rulecompiler.promql import words
from rulecompiler.promql.grammar import structure
from rulecompiler.promql.lexer import COMMENT, DURATION, IDENT, NUMBER
from rulecompiler.promql.problems import VALUE, Fault, Problem
from rulecompiler.promql.slots import ONE_TOKEN, Refusal, Slot, fill, slots
from rulecompiler.promql.structure import BINARY, CLAUSE, LABEL, Structure


class Assembly(NamedTuple):
    """A query's text with its values in place."""

    text: str
    spans: list[tuple[int, int]]  # of each segment
    atoms: list[tuple[int, int]]  # (segment, 1 if it was put in parentheses) of each plain value
    read: Structure


class Misplaced(Exception):
    """A problem with offsets in an assembled text, where `spans` has each segment's part."""

    def __init__(self, problem: Problem, spans: Sequence[tuple[int, int]]) -> None:
        super().__init__(problem.message)
        self.problem = problem
        self.spans = spans

    def located(self, segments: Sequence[Segment]) -> Problem:
        """The problem at its place in the template; neighbouring texts may have been joined."""
        spans: list[tuple[int, int]] = []
        filled = iter(self.spans)
        joined = False
        for segment in segments:
            if segment.kind is SegmentKind.TEXT:
                start = spans[-1][1] if spans else 0
                spans.append((start, start + len(segment.text)))
                if not joined:
                    next(filled, None)
                joined = True
            else:
                joined = False
                last = spans[-1][1] if spans else 0
                spans.append(next(filled, (last, last + 1)))
        start = _back(self.problem.start, spans, segments, 0)
        stop = _back(max(self.problem.end - 1, self.problem.start), spans, segments, 1)
        return self.problem._replace(start=start, end=max(start, stop))


def _back(offset: int, spans: Sequence[tuple[int, int]], segments: Sequence[Segment], width: int) -> int:
    """An offset of the assembled text in the template; inside a value it is one of the value's ends."""
    if not segments:
        return 0
    index = max(0, min(bisect_right([start for start, _ in spans], offset) - 1, len(spans) - 1))
    segment, (start, stop) = segments[index], spans[index]
    if segment.kind is SegmentKind.TEXT and segment.end - segment.start == stop - start:
        return min(segment.start + offset - start + width, segment.end)
    return segment.end if width else segment.start


def assemble(segments: Sequence[Segment]) -> Assembly:
    """Put every value in its place, and check that it fills no more than that.

    Raises `Misplaced`.
    """
    where = slots([s.text if s.kind is SegmentKind.TEXT else 0 for s in segments])
    first = _join(segments, where, frozenset())
    powered = frozenset(
        index
        for index, _ in first.atoms
        if segments[index].kind is SegmentKind.NUMBER and _before_power(first, index)
    )
    done = _join(segments, where, powered) if powered else first
    for index, wrapped in done.atoms:
        start, end = done.spans[index]
        _check(done, segments[index], start + wrapped, end - wrapped)
    return done


def _join(segments: Sequence[Segment], where: Sequence[Slot | None], wrap: frozenset[int]) -> Assembly:
    parts: list[str] = []
    spans: list[tuple[int, int]] = []
    atoms: list[tuple[int, int]] = []
    at = 0
    for index, (segment, slot) in enumerate(zip(segments, where, strict=True)):
        text, wrapped = segment.text, 0
        if slot is not None:
            filled = fill(segment.kind, slot, segment.text)
            if isinstance(filled, Refusal):
                problem = Problem(VALUE, filled.message, filled.help, at, at + 1)
                raise Misplaced(problem, [*spans, (at, at + 1)])
            text = filled
            if not slot.quote:
                if segment.kind is SegmentKind.PROMQL:
                    text, wrapped = _expression(text, at, spans)
                elif index in wrap:
                    text, wrapped = f"({text})", 1
                atoms.append((index, wrapped))
        parts.append(text)
        spans.append((at, at + len(text)))
        at += len(text)
    whole = "".join(parts)
    try:
        return Assembly(whole, spans, atoms, structure(whole))
    except Fault as fault:
        raise Misplaced(fault.problem, spans) from None


def _expression(value: str, at: int, spans: Sequence[tuple[int, int]]) -> tuple[str, int]:
    """An expression as a value: bare where nothing can get between its parts, else in parentheses."""
    text = value.strip(" \t\r\n")
    here = [*spans, (at, at + 1)]
    try:
        read = structure(text)
    except Fault as fault:
        message = f"the expression {_shown(text)} is not complete: {fault.problem.message}"
        raise Misplaced(Problem(VALUE, message, fault.problem.help, at, at + 1), here) from None
    if read.tokens[-1].kind == COMMENT:
        text += "\n"
    return (text, 0) if read.primary else (f"({text})", 1)


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:59] + "…")


def _tokens_at(query: Structure, start: int, end: int) -> tuple[int, int]:
    """The range of tokens that lie in this part of the text, cut ones included."""
    starts = [token.start for token in query.tokens]
    return bisect_right(starts, start) - 1, bisect_right(starts, max(start, end - 1))


def _before_power(assembly: Assembly, index: int) -> bool:
    """Whether a signed number stands before `^`, which would take the number without its sign."""
    first, stop = _tokens_at(assembly.read, *assembly.spans[index])
    sign = assembly.read.tokens[first]
    follower = next((t.text for t in assembly.read.tokens[stop:] if t.kind > COMMENT), "")
    return sign.text in ("+", "-") and sign.start == assembly.spans[index][0] and follower == "^"


def _check(assembly: Assembly, segment: Segment, start: int, end: int) -> None:
    """A value outside quotes must be one token, in the same part as any other value of its kind."""
    query = assembly.read
    first, stop = _tokens_at(query, start, end)
    inside = query.tokens[first:stop]
    if segment.kind is SegmentKind.PROMQL:
        if not _same_alone(query, assembly.text[start:end], first, start):
            raise _refused(
                assembly,
                start,
                f"the expression {_shown(segment.text)} would run into the text around it",
                "put the place in parentheses",
            )
        return
    if len(inside) == 2 and inside[0].text in ("+", "-") and inside[0].start == start:
        if query.roles[first] == BINARY:
            message = f"the number {segment.text} would be subtracted from what stands before it"
            raise _refused(assembly, start, message, "put an operator before the place")
        inside, first = inside[1:], first + 1
    if len(inside) != 1 or inside[0].kind not in (IDENT, NUMBER, DURATION) or inside[0].end < end:
        raise _refused(assembly, start, f"{segment.text!r} is not one token in this place", ONE_TOKEN)
    word = inside[0].text.lower()
    steering = word in words.STEERING and inside[0].kind == IDENT and query.roles[first] != LABEL
    if steering and not (segment.kind is SegmentKind.NUMBER and word in words.SPECIAL_NUMBERS):
        message = f"`{inside[0].text}` is a word that no value can be outside of quotes"
        raise _refused(assembly, start, message, "use another name, or put the place in quotes")


def _refused(assembly: Assembly, start: int, message: str, help: str) -> Misplaced:
    return Misplaced(Problem(VALUE, message, help, start, start + 1), assembly.spans)


def _same_alone(query: Structure, text: str, first: int, start: int) -> bool:
    """Whether an expression's tokens mean in their place what they mean alone."""
    alone = structure(text)
    size = len(alone.tokens)
    placed = query.tokens[first : first + size]
    if [t._replace(start=t.start - start, end=t.end - start) for t in placed] != alone.tokens:
        return False
    if query.roles[first : first + size] != alone.roles:
        return False
    selectors = [
        s._replace(
            name=max(s.name - first, -1),
            open=max(s.open - first, -1),
            close=max(s.close - first, -1),
            matchers=tuple(m._replace(first=m.first - first, last=m.last - first) for m in s.matchers),
            scopable=True,
        )
        for s in query.selectors
        if first <= s.first < first + size
    ]
    if selectors != [s._replace(scopable=True) for s in alone.selectors]:
        return False
    after = first + size
    while after < len(query.tokens) and query.tokens[after].kind <= COMMENT:
        after += 1
    return after >= len(query.tokens) or query.roles[after] != CLAUSE
