"""Which characters of a YAML file each character of a scalar's value was written with.

The raw text is read a second time, by the rules of its style; if what comes out is not the value
that the parser gave, there is no answer rather than a wrong one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_Pairs = list[tuple[str, int, int]]
Offsets = list[tuple[int, int]]
"""For each character of a value, where it starts and ends in the raw text."""

_ESCAPES = {
    "0": "\0",
    "a": "\a",
    "b": "\b",
    "t": "\t",
    "\t": "\t",
    "n": "\n",
    "v": "\v",
    "f": "\f",
    "r": "\r",
    "e": "\x1b",
    " ": " ",
    '"': '"',
    "/": "/",
    "\\": "\\",
    "N": "\x85",
    "_": "\xa0",
    "L": "\u2028",
    "P": "\u2029",
}
_HEX_DIGITS = {"x": 2, "u": 4, "U": 8}
_PROPERTIES = re.compile(r"(?:[&!]\S*[ \t\n]+)*")
_SPACE = re.compile(r"[ \t\n]+")
_BLOCK_HEAD = re.compile(r"[|>][-+]?(?P<indent>[1-9])?")
# How far the search for an indentation goes that the text states relative to its parent's.
_DEEPEST_INDENT = 200


def raw_offsets(raw: str, style: str, value: str) -> Offsets | None:
    """Where each character of the value stands in the raw text, relative to the latter's start.

    `style` is one of `|`, `>`, `'`, `"`, or empty. A character that comes of a line break (also
    the space of a folded one) is empty and stands at the end of its line. None where the raw text
    does not lead to the value.
    """
    properties = _PROPERTIES.match(raw)
    start = properties.end() if properties else 0
    candidates: Iterator[_Pairs]
    if style == "|":
        candidates = iter((_literal(raw, start, value),))
    elif style == ">":
        candidates = (_folded(raw, start, indent) for indent in _indents(raw, start))
    else:
        candidates = iter((_flow(raw, start, style),))
    for pairs in candidates:
        # Chomping leaves more breaks in the raw text than in the value, or (an end of file
        # without a line end) fewer.
        text = "".join(char for char, _, _ in pairs)[: len(value)]
        while len(text) < len(value) and value[len(text)] == "\n" and style in ("|", ">"):
            pairs.append(("\n", len(raw), len(raw)))
            text += "\n"
        if text == value:
            return [(begin, end) for _, begin, end in pairs[: len(value)]]
    return None


def _literal(raw: str, start: int, value: str) -> _Pairs:
    """A `|` scalar: its lines are the value's, but for the indentation."""
    pairs: _Pairs = []
    at = raw.find("\n", start) + 1
    for line in value.split("\n")[: -1 if value.endswith("\n") else None]:
        end = raw.find("\n", at)
        end = len(raw) if end < 0 else end
        begin = max(at, end - len(line))
        pairs += [(raw[i], i, i + 1) for i in range(begin, end)]
        pairs.append(("\n", end, end))
        at = end + 1
    return pairs


def _indents(raw: str, start: int) -> range:
    """The indentations that a block scalar may have: its first line's, or less where it says so."""
    first = 0
    for line in raw[start:].split("\n")[1:]:
        if line.strip(" "):
            first = len(line) - len(line.lstrip(" "))
            break
    head = _BLOCK_HEAD.match(raw, start)
    stated = head is not None and head["indent"] is not None
    return range(min(first, _DEEPEST_INDENT), -1, -1) if stated else range(first, first + 1)


def _folded(raw: str, start: int, indent: int) -> _Pairs:
    """A `>` scalar: a break between two lines of text is a space, or drops out before others."""
    pairs: _Pairs = []
    at = raw.find("\n", start) + 1
    breaks: list[int] = []
    before_is_text = False
    while 0 < at <= len(raw):
        end = raw.find("\n", at)
        end = len(raw) if end < 0 else end
        begin = min(at + indent, end)
        if begin < end:
            is_text = raw[begin] not in " \t"
            if before_is_text and is_text:
                if len(breaks) == 1:
                    pairs.append((" ", breaks[0], breaks[0]))
                breaks = breaks[1:]
            pairs += [("\n", i, i) for i in breaks]
            pairs += [(raw[i], i, i + 1) for i in range(begin, end)]
            breaks = []
            before_is_text = is_text
        breaks.append(end)
        at = end + 1
    pairs += [("\n", i, i) for i in breaks]
    return pairs


def _flow(raw: str, start: int, style: str) -> _Pairs:
    """A plain or quoted scalar, on one line or folded over several."""
    pairs: _Pairs = []
    at, end = (start + 1, len(raw) - 1) if style else (start, len(raw))
    while at < end:
        char = raw[at]
        if (space := _SPACE.match(raw, at, end)) is not None:
            breaks = [i for i in range(at, space.end()) if raw[i] == "\n"]
            if not breaks:
                pairs += [(raw[i], i, i + 1) for i in range(at, space.end())]
            elif len(breaks) == 1:
                pairs.append((" ", breaks[0], breaks[0]))
            else:
                pairs += [("\n", i, i) for i in breaks[1:]]
            at = space.end()
        elif style == "'" and char == "'":
            pairs.append(("'", at, at + 2))
            at += 2
        elif style == '"' and char == "\\":
            at = _escape(raw, at, end, pairs)
        else:
            pairs.append((char, at, at + 1))
            at += 1
    return pairs


def _escape(raw: str, at: int, end: int, pairs: _Pairs) -> int:
    """Read the escape sequence at this backslash; gives where it ends."""
    kind = raw[at + 1 : at + 2]
    if kind == "\n":  # a line continued: the break and the next line's indentation drop out
        after = at + 2
        while after < end and raw[after] in " \t":
            after += 1
        return after
    after = at + 2 + _HEX_DIGITS.get(kind, 0)
    if kind in _HEX_DIGITS:
        pairs.append((chr(int(raw[at + 2 : after], 16)), at, after))
    else:
        pairs.append((_ESCAPES.get(kind, kind), at, after))
    return after
