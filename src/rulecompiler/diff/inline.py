"""Two texts as one, with what was taken out and what was put in: by words of PromQL, not by letters."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from difflib import Match, SequenceMatcher
from itertools import accumulate, islice
from typing import Literal

from rulecompiler.diff.model import Part

# Few escapes a string: where none ends, each quote would look for its end through all of the text.
_TOKEN = re.compile(
    r'"[^"\\]*(?:\\.[^"\\]*){0,20}"|'
    r"'[^'\\]*(?:\\.[^'\\]*){0,20}'|"
    r"[A-Za-z_:][\w:]*|[0-9][\w.]*|\s+|=~|!~|[=!<>]=|.",
    re.DOTALL,
)
_MOST_TOKENS = 10_000
MOST_WORK_A_TEXT = 1_000_000
MOST_WORK = 10_000_000
"""How many words of one text may be held against words of the other; a million takes some 0.1 s."""


class Inline:
    """Makes inline diffs, until comparing has cost too much; from then on texts are shown whole."""

    def __init__(self, room: int = MOST_WORK) -> None:
        self.room = room

    def parts(self, old: str, new: str) -> tuple[Part, ...]:
        """The inline diff; what only differs in white space is kept, as the new text has it."""
        before, after = _tokens(old, self.room), _tokens(new, self.room)
        whole = (Part("-", old), Part("+", new))
        if before is None or after is None:
            self.room = max(0, self.room - _MOST_TOKENS)
            return whole
        matcher = _Matcher(_plain(before), _plain(after), min(self.room, MOST_WORK_A_TEXT))
        try:
            pieces = list(_pieces(before, after, matcher))
        except _TooMuch:
            return whole
        finally:
            self.room = max(0, self.room - matcher.work)
        return tuple(_joined(iter(pieces)))


def _tokens(text: str, room: int) -> list[str] | None:
    """The words; None where they are more than can be compared."""
    most = min(room, _MOST_TOKENS)
    found = [match[0] for match in islice(_TOKEN.finditer(text), most + 1)]
    return found if len(found) <= most else None


def _plain(tokens: list[str]) -> list[str]:
    return [" " if token.isspace() else token for token in tokens]


class _TooMuch(Exception):
    """Comparing would take too long."""


class _Matcher(SequenceMatcher[str]):
    """Compares what is left between the common ends, and counts what that costs. Raises _TooMuch."""

    def __init__(self, old: list[str], new: list[str], most: int) -> None:
        self.head = _common(old, new)
        self.tail = _common(old[self.head :][::-1], new[self.head :][::-1])
        middle = [side[self.head : len(side) - self.tail] for side in (old, new)]
        super().__init__(None, middle[0], middle[1], autojunk=False)
        # Each word is held against all that are equal to it, once for each stretch that is looked into.
        known = Counter(middle[1])
        costs = (1 + known[word] for word in middle[0])
        self._costs = list(accumulate(costs, initial=0))
        self._most = most
        self.work = len(middle[0]) + len(middle[1])

    def find_longest_match(
        self, alo: int = 0, ahi: int | None = None, blo: int = 0, bhi: int | None = None
    ) -> Match:
        cost = self._costs[-1 if ahi is None else ahi] - self._costs[alo]
        if self.work + cost > self._most:
            raise _TooMuch
        self.work += cost
        return super().find_longest_match(alo, ahi, blo, bhi)


def _common(one: list[str], other: list[str]) -> int:
    """How many words both begin with."""
    for number, (first, second) in enumerate(zip(one, other, strict=False)):
        if first != second:
            return number
    return min(len(one), len(other))


def _pieces(before: list[str], after: list[str], matcher: _Matcher) -> Iterator[Part]:
    head = matcher.head
    yield from _piece("=", after[:head])
    for op, a, a_end, b, b_end in matcher.get_opcodes():
        if op == "equal":
            yield from _piece("=", after[head + b : head + b_end])
            continue
        yield from _piece("-", before[head + a : head + a_end])
        yield from _piece("+", after[head + b : head + b_end])
    yield from _piece("=", after[len(after) - matcher.tail :])


def _piece(op: Literal["=", "-", "+"], words: list[str]) -> Iterator[Part]:
    if words:
        yield Part(op, "".join(words))


def _joined(pieces: Iterator[Part]) -> Iterator[Part]:
    """A blank that is kept between two changes joins them, so that a phrase reads as one."""
    removed = added = kept = ""
    for op, text in pieces:
        if op == "=" and text.isspace() and (removed or added) and not kept:
            kept = text
        elif op == "=":
            yield from _changed(removed, added)
            yield Part("=", kept + text)
            removed = added = kept = ""
        else:
            removed += kept + (text if op == "-" else "")
            added += kept + (text if op == "+" else "")
            kept = ""
    yield from _changed(removed, added)
    if kept:
        yield Part("=", kept)


def _changed(removed: str, added: str) -> Iterator[Part]:
    if removed:
        yield Part("-", removed)
    if added:
        yield Part("+", added)
