"""Where a scope's matchers go in the author's text, and whether those already there agree."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from rulecompiler.model import Matcher
from rulecompiler.promql.lexer import COMMENT, quote
from rulecompiler.promql.problems import CONTRADICTION, Problem
from rulecompiler.promql.regexes import accepts, alternatives
from rulecompiler.promql.structure import AuthorMatcher, Selector, Structure

_LEGACY_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LINE_BREAK = re.compile(r"(?:\r\n|\r|\n)[ \t]*\Z")


class Place(NamedTuple):
    """Where matchers go: at `offset`, between `lead` and `tail`, with `between` among them."""

    offset: int
    lead: str
    between: str
    tail: str


def matcher_text(matcher: Matcher) -> str:
    """A matcher as PromQL; a label that Prometheus 2 would not take is put in quotes."""
    label = matcher.label if _LEGACY_LABEL.fullmatch(matcher.label) else quote(matcher.label)
    return f"{label}{matcher.op}{quote(matcher.value)}"


def places(query: Structure) -> tuple[Place, ...]:
    """The place for matchers in each selector, in the style of the author's own commas."""
    styles = (_comma(query, s) for s in query.selectors if len(s.matchers) > 1)
    usual = next((style for style in styles if style and "\n" not in style and "\r" not in style), ",")
    return tuple(_place(query, selector, usual) for selector in query.selectors)


def _place(query: Structure, selector: Selector, usual: str) -> Place:
    tokens = query.tokens
    if selector.open < 0:
        return Place(tokens[selector.name].end, "{", usual, "}")
    if not selector.matchers:
        return Place(tokens[selector.open].end, "", usual, "")
    comma = _comma(query, selector) or usual
    return Place(tokens[selector.matchers[-1].last].end, comma, comma, "")


def _comma(query: Structure, selector: Selector) -> str:
    """The comma before the selector's last matcher with the space after it; empty if there is none.

    A matcher on a line of its own gives a comma, a line break and its indentation, unless a
    comment stands after it, which would then seem to speak of the new matcher.
    """
    last = selector.matchers[-1]
    before = selector.matchers[-2].last if len(selector.matchers) > 1 else selector.open
    gap = query.text[query.tokens[before].end : query.tokens[last.first].start]
    alone = _LINE_BREAK.search(gap)
    if alone:
        return ", " if _comment_follows(query, last.last) else f",{alone[0]}"
    if len(selector.matchers) == 1 or "#" in gap:
        return ""
    return "," + gap.partition(",")[2]


def _comment_follows(query: Structure, index: int) -> bool:
    for token in query.tokens[index + 1 :]:
        if token.kind == COMMENT:
            return True
        if "\n" in token.text or "\r" in token.text or token.text == "}":
            return False
    return False


class Contradictions(NamedTuple):
    """The author's matchers that no series of the scope can pass."""

    problems: list[Problem]


def missing(
    query: Structure, scope: Sequence[Matcher], unscoped: frozenset[str]
) -> list[tuple[Matcher, ...]] | Contradictions:
    """For each selector the matchers that it lacks; or every author's matcher that cannot agree."""
    problems: list[Problem] = []
    lacking: list[tuple[Matcher, ...]] = []
    for selector in query.selectors:
        if not selector.scopable or selector.metric in unscoped:
            lacking.append(())
            continue
        problems += _contradictions(query, selector, scope)
        own = {(m.label, m.op, m.value) for m in selector.matchers}
        lacking.append(tuple(m for m in scope if m not in own))
    return Contradictions(problems) if problems else lacking


def _contradictions(query: Structure, selector: Selector, scope: Sequence[Matcher]) -> list[Problem]:
    problems: list[Problem] = []
    for own in selector.matchers:
        against = next((m for m in scope if m.label == own.label and not can_agree(own, m)), None)
        if against is None:
            continue
        start, end = query.tokens[own.first].start, query.tokens[own.last].end
        help = f"remove the matcher, or list {selector.metric or 'the metric'} under `unscoped`"
        message = f"`{query.text[start:end]}` contradicts the scope `{matcher_text(against)}`"
        problems.append(Problem(CONTRADICTION, message, help, start, end))
    return problems


def can_agree(own: AuthorMatcher, scope: Matcher) -> bool:
    """Whether some value passes both matchers, as far as that can be decided."""
    for one, other in ((own, scope), (scope, own)):
        values = (one.value,) if one.op == "=" else alternatives(one.value) if one.op == "=~" else None
        if values is not None:
            return any(accepts(other.op, other.value, value) for value in values)
    return True


def insert(text: str, spots: Sequence[Place], matchers: Sequence[Sequence[Matcher]]) -> str:
    """The text with matchers in each of its places."""
    parts: list[str] = []
    done = 0
    for spot, added in zip(spots, matchers, strict=True):
        if added:
            inner = spot.between.join(matcher_text(m) for m in added)
            parts += (text[done : spot.offset], spot.lead, inner, spot.tail)
            done = spot.offset
    return "".join((*parts, text[done:]))
