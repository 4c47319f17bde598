"""The places for values in an author's query, and the classes of values that may stand there.

A class promises that any value of it gives the same tokens with the same meaning, so that one
value can represent them all. A value without a class represents itself only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from rulecompiler.model import Segment, SegmentKind
from rulecompiler.promql import slots
from rulecompiler.promql.regexes import is_regex, matches

_KINDS = (SegmentKind.NUMBER, SegmentKind.STRING, SegmentKind.PROMQL)
# The representatives; each is also a member of its own class.
_LONGEST = 1_000  # characters of a value that is worth a class
_INTEGER, _DECIMAL, _NEGATIVE, _DURATION, TEXT, _PATTERN = "7", "7.5", "-7", "7m", "v", "v|"

# Numbers that are not nought, which no range may be, nor longer than a range may be in seconds.
_PLAIN_CLASSES: tuple[tuple[Callable[[str], Any], str], ...] = (
    (re.compile(r"[1-9][0-9]{0,8}").fullmatch, _INTEGER),
    (re.compile(r"(?!0*\.0*\Z)[0-9]{1,9}\.[0-9]{1,9}").fullmatch, _DECIMAL),
)
_NEGATIVE_NUMBER = re.compile(r"-[1-9][0-9]{0,8}(?:\.[0-9]{1,9})?").fullmatch
_PLAIN_DURATION = re.compile(r"[1-9][0-9]{0,3}[smhdw]").fullmatch
# Text after which a value may melt into the author's token, or is read as a time.
_MELTS = re.compile(r"(?:[A-Za-z0-9_.]|[0-9.][eE][+-]|(?:@|\boffset)\s*[-+]?\s*)\Z", re.I)
_LEADS = re.compile(r"[A-Za-z0-9_.]")
_EQUALITY = re.compile(r"(?<=[^A-Za-z0-9_:])(?!__name__\b)([A-Za-z_][A-Za-z0-9_]*)\s*!?=\s*\Z")
_REGEX = re.compile(r"(?<=[^A-Za-z0-9_:])(?!__name__\b)([A-Za-z_][A-Za-z0-9_]*)\s*[=!]~\s*\Z")


@dataclass(frozen=True, slots=True, eq=False)
class Hole:
    """A place for a value: where in the segments, and which classes its values may have.

    It is equal to itself only, so that remembering its values' classes costs no hashing.
    """

    index: int
    kind: SegmentKind
    slot: slots.Slot
    classes: str  # "plain", "equality", "regex", "comment", or "" for none
    label: str  # of the matcher whose value it is
    equal: bool  # it is all of that matcher's value, and the matcher is an equality


class Skeleton:
    """The author's part of a query: the texts, and what may stand between them."""

    __slots__ = ("holes", "texts")

    def __init__(self, texts: tuple[str | int, ...]) -> None:
        self.texts = texts
        found = enumerate(slots.slots(texts))
        self.holes = tuple(self._hole(index, slot) for index, slot in found if slot is not None)

    def _hole(self, index: int, slot: slots.Slot) -> Hole:
        kind = _KINDS[int(self.texts[index])]
        classes, label, equal = "", "", False
        if slot.quote == slots.IN_COMMENT:
            classes = "comment"
        elif slot.quote and "#" not in slot.before:
            equality, regex = _EQUALITY.search(slot.before), _REGEX.search(slot.before)
            if equality:
                classes, label = "equality", equality[1]
                equal = slot.whole and "!" not in equality[0]
            elif regex and slot.whole:
                classes, label = "regex", regex[1]
        elif not slot.quote and kind is not SegmentKind.PROMQL and not self._melts(index, slot):
            classes = "plain"
        return Hole(index, kind, slot, classes, label, equal)

    def _melts(self, index: int, slot: slots.Slot) -> bool:
        """Whether a value may become part of a token of the author's, or of another value."""
        before = self.texts[index - 1] if index else " "
        after = self.texts[index + 1] if index + 1 < len(self.texts) else " "
        if isinstance(before, int) or isinstance(after, int) or not before or not after:
            return True
        if _MELTS.search(before) or _LEADS.match(after):
            return True
        return not slot.bracketed and (before.endswith(":") or after.startswith(":"))

    def segments(self, values: Sequence[str]) -> list[Segment]:
        """The query with these values in its holes; offsets are of no use."""
        filled = iter(values)
        return [
            Segment(t, 0, 0) if isinstance(t, str) else Segment(next(filled), 0, 0, _KINDS[t])
            for t in self.texts
        ]


class Value(NamedTuple):
    """A value in its hole: its class's representative, and its own text in the query.

    A value without a class has no text; it represents itself.
    """

    representative: str
    text: str | None


@lru_cache(maxsize=32768)
def classify(hole: Hole, value: str) -> Value:
    """The class of a value."""
    representative = _class(hole, value) if hole.classes and len(value) <= _LONGEST else None
    if representative is None:
        return Value(value, None)
    filled = slots.fill(hole.kind, hole.slot, value)
    return Value(value, None) if isinstance(filled, slots.Refusal) else Value(representative, filled)


def _class(hole: Hole, value: str) -> str | None:
    match hole.classes:
        case "equality":
            return TEXT if value else None
        case "regex":
            return (_PATTERN if matches(value, "") else TEXT) if is_regex(value) else None
        case "comment":
            return TEXT
    if hole.kind is SegmentKind.STRING and _PLAIN_DURATION(value):
        return _DURATION
    if hole.kind is SegmentKind.NUMBER and _NEGATIVE_NUMBER(value):
        return _NEGATIVE
    return next((name for accepts, name in _PLAIN_CLASSES if accepts(value)), None)
