"""Where in a query's text a value stands, and how it is written there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from rulecompiler.model import SegmentKind
from rulecompiler.promql import lexer
from rulecompiler.promql.lexer import NUMBER_PATTERN

PLAIN, IN_COMMENT = "", "#"  # where a value stands; otherwise the quote that it stands between

_EVENT = {
    PLAIN: re.compile(r"[\"'`#\[\]]"),
    '"': re.compile(r'\\.?|["\n]', re.DOTALL),
    "'": re.compile(r"\\.?|['\n]", re.DOTALL),
    "`": re.compile("`"),
    IN_COMMENT: re.compile(r"[\r\n]"),
}
_WHOLE_ESCAPE = re.compile(r"\\(?:[0-7]{3}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[^0-7xuU])", re.S)
UNENCODABLE = re.compile("[\ud800-\udfff]")
_WORD = re.compile(r"[A-Za-z0-9_:.]+")
_NUMBER = re.compile(rf"[+-]?(?:{NUMBER_PATTERN}|(?i:inf|nan))")
_RAW_BREAKERS = re.compile("[`\x00-\x08\x0b-\x1f\x7f\ufffd]")
ONE_TOKEN = "give one name, number or duration here, or put the place in quotes"


class Slot(NamedTuple):
    """Where a value stands."""

    quote: str  # one of the modes above, or the quote that it stands between
    bracketed: bool
    before: str  # the author's text before the quote that opens its string
    whole: bool  # nothing but this value stands between its quotes
    broken: bool  # a backslash right before it would swallow its first character


def slots(texts: Sequence[str | int]) -> list[Slot | None]:
    """Where each value stands, and None for each text; a value is a number among the texts."""
    mode, bracketed, before = PLAIN, False, ""
    found: list[Slot | None] = []
    tail = ""  # what of the latest text lies in the same string or comment
    for index, text in enumerate(texts):
        if isinstance(text, int):
            follower = texts[index + 1] if index + 1 < len(texts) else ""
            closed = isinstance(follower, str) and mode != PLAIN and follower.startswith(mode)
            whole = closed and not tail and index > 0 and isinstance(texts[index - 1], str)
            found.append(
                Slot(mode, bracketed, before, whole, bool(mode) and mode in "\"'" and _dangling(tail))
            )
            tail = ""
            continue
        found.append(None)
        pos = start = 0
        while event := _EVENT[mode].search(text, pos):
            char, pos = event[0], event.end()
            if mode == PLAIN and char in "[]":
                bracketed = char == "["
            elif mode == PLAIN:
                mode, before, start = char, text[: event.start()], pos
            elif mode == IN_COMMENT or char in (mode, "\n"):
                mode, start = PLAIN, pos
        tail = text[start:]
    return found


def _dangling(text: str) -> bool:
    """Whether the text ends inside an escape."""
    pos = 0
    while (pos := text.find("\\", pos)) >= 0:
        match = _WHOLE_ESCAPE.match(text, pos)
        if match is None:
            return True
        pos = match.end()
    return False


class Refusal(NamedTuple):
    """Why a value cannot stand where it does."""

    message: str
    help: str


def fill(kind: SegmentKind, slot: Slot, value: str) -> str | Refusal:
    """A value as it stands in its slot: escaped between quotes, otherwise checked."""
    if UNENCODABLE.search(value):
        return Refusal("a value holds half of a surrogate pair, which no file can hold", "remove it")
    if slot.broken:
        return Refusal("the backslash before a value would swallow its first character", "write `\\\\`")
    if slot.quote == IN_COMMENT:
        return re.sub(r"[\r\n\x00]+", " ", value)
    if slot.quote == "`":
        if breaker := _RAW_BREAKERS.search(value):
            shown = "a backtick" if breaker[0] == "`" else f"U+{ord(breaker[0]):04X}"
            help = "put the string in double quotes"
            return Refusal(f"a value between backticks holds {shown}, which cannot be escaped there", help)
        return value
    if slot.quote:
        return lexer.escape(value, slot.quote)
    if kind is SegmentKind.PROMQL:
        return value
    if not value:
        return Refusal("a value outside quotes is empty", ONE_TOKEN)
    pattern = _NUMBER if kind is SegmentKind.NUMBER else _WORD
    if not pattern.fullmatch(value):
        shown = value if len(value) <= 60 else value[:59] + "…"
        return Refusal(f"{shown!r} is not one name, number or duration", ONE_TOKEN)
    return value
