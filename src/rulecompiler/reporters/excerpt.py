"""The lines of a file around a span, with a gutter and the span marked, to fit a width.

Everything is measured in terminal columns ("cells"): a tab is several, a wide character two, an
escape sequence as many as it takes to show it harmlessly.
"""

from __future__ import annotations

import re
import textwrap
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from rulecompiler import terminal
from rulecompiler.diagnostics import Span
from rulecompiler.terminal import Painter

_NEWLINE = re.compile(r"\r\n|\n|\r")
_USER_INFO = re.compile(r"(?<=://)[^/?#\s\"'@]+(?=@)")
_TAB = 4
_CUT = "..."
_MAX_INNER = 2  # lines between a long span's first and last
_MIN_WIDTH = 20
_FAR = 4  # how many times the room a line may be long before most of it is not even looked at


def source_lines(text: str) -> list[str]:
    """The lines of a text, as editors count them, without the credentials of its URLs."""
    return _NEWLINE.split(_USER_INFO.sub(lambda found: "*" * len(found[0]), text))


@dataclass(frozen=True, slots=True)
class Marker:
    """How a span is marked: `^` for the fault itself, `-` for what explains it."""

    char: str
    style: str
    label: str = ""


class Gutter:
    """The column of line numbers, one width for a whole diagnostic."""

    def __init__(self, highest_line: int, paint: Painter) -> None:
        self._digits = len(str(highest_line))
        self._paint = paint

    @property
    def indent(self) -> str:
        """As wide as a line number with the space before it."""
        return " " * (self._digits + 1)

    @property
    def width(self) -> int:
        """Columns up to where a source line begins."""
        return self._digits + 4

    def numbered(self, line: int, rest: str) -> str:
        """A source line."""
        return self._line(f" {line:>{self._digits}} |", rest)

    def blank(self, rest: str = "") -> str:
        """A line between source lines."""
        return self._line(f"{self.indent} |", rest)

    def skipped(self, bar: str) -> str:
        """Stands for lines that are left out."""
        return f"{self._paint(_CUT, 'gutter')}{' ' * (self.width - len(_CUT))}{bar}"

    def arrow(self, arrow: str, rest: str) -> str:
        """`-->` or `:::` and a place."""
        return f"{self.indent}{self._paint(arrow, 'gutter')} {rest}"

    def note(self, kind: str, rest: str) -> str:
        """`= help: …`."""
        return f"{self.indent}{self._paint('=', 'gutter')} {self._paint(f'{kind}:', 'bold')} {rest}"

    def _line(self, gutter: str, rest: str) -> str:
        return f"{self._paint(gutter, 'gutter')} {rest}" if rest else self._paint(gutter, "gutter")


def excerpt(
    lines: Sequence[str], span: Span, marker: Marker, gutter: Gutter, paint: Painter, width: int
) -> list[str]:
    """The span's lines with the marks below them; empty where the file has no such lines.

    `width` is the number of columns for a whole output line, the gutter included.
    """
    if not 1 <= span.line <= len(lines):
        return []
    room = max(width - gutter.width, _MIN_WIDTH)
    span = _trimmed(lines, span)
    if span.line == span.end_line:
        return _single(lines[span.line - 1], span, marker, gutter, paint, room)
    return _multi(lines, span, marker, gutter, paint, room)


def _trimmed(lines: Sequence[str], span: Span) -> Span:
    """Without blank lines and comments at its end: a YAML mapping reaches to the next token."""
    end_line, end_column = span.end_line, span.end_column
    if end_line > len(lines):
        end_line, end_column = len(lines), len(lines[-1]) + 1
    while end_line > span.line:
        text = lines[end_line - 1][: max(end_column - 1, 0)].strip()
        if text and not text.startswith("#"):
            break
        end_line -= 1
        end_column = len(lines[end_line - 1].rstrip()) + 1
    if end_line == span.line:
        end_column = max(end_column, span.column)
    return span._replace(end_line=end_line, end_column=end_column)


def _single(line: str, span: Span, marker: Marker, gutter: Gutter, paint: Painter, room: int) -> list[str]:
    view = _view(line, span.column - 1, span.end_column - 1, room)
    marks = marker.char * (view.end - view.start)
    return [
        gutter.numbered(span.line, view.text),
        *_marked(" " * view.start, marks, marker, gutter, paint, room),
    ]


def _multi(
    lines: Sequence[str], span: Span, marker: Marker, gutter: Gutter, paint: Painter, room: int
) -> list[str]:
    """A bar at the left holds the lines together; the mark stands under the last character."""
    room -= 2
    bar = paint("|", marker.style)
    output = []
    first = lines[span.line - 1]
    if first[: span.column - 1].strip(" -"):
        # The span begins inside its first line: a mark says where.
        view = _view(first, span.column - 1, span.column, room)
        output.append(gutter.numbered(span.line, f"  {view.text}"))
        output.append(gutter.blank(paint(" " + "_" * (view.start + 1) + marker.char, marker.style)))
    else:
        view = _view(first, 0, 0, room)
        output.append(gutter.numbered(span.line, f"{paint('/', marker.style)} {view.text}"))
    inner = range(span.line + 1, span.end_line)
    kept = inner if len(inner) <= _MAX_INNER else inner[: _MAX_INNER - 1]
    for number in kept:
        output.append(gutter.numbered(number, f"{bar} {_view(lines[number - 1], 0, 0, room).text}".rstrip()))
    if len(kept) < len(inner):
        output.append(gutter.skipped(bar))
    last = lines[span.end_line - 1]
    view = _view(last, max(span.end_column - 2, 0), span.end_column - 1, room)
    output.append(gutter.numbered(span.end_line, f"{bar} {view.text}"))
    return [*output, *_marked("", "|" + "_" * view.end + marker.char, marker, gutter, paint, room + 2)]


def _marked(lead: str, marks: str, marker: Marker, gutter: Gutter, paint: Painter, room: int) -> list[str]:
    """The marks, with the label beside them, or below where that is too narrow."""
    label = terminal.visible(marker.label)
    line = lead + paint(marks, marker.style)
    if not label:
        return [gutter.blank(line)]
    size = sum(map(terminal.width, label))
    if len(lead) + len(marks) + 1 + size <= room:
        return [gutter.blank(f"{line} {paint(label, marker.style)}")]
    indent = lead if len(lead) + size <= room else ""
    wrapped = textwrap.wrap(label, max(room - len(indent), _MIN_WIDTH)) if size > room else [label]
    return [gutter.blank(line), *(gutter.blank(indent + paint(part, marker.style)) for part in wrapped)]


class _View(NamedTuple):
    """What of a line is shown, and from which column to which its span is."""

    text: str
    start: int
    end: int


def _view(line: str, start: int, end: int, room: int) -> _View:
    """A line as it fits into `room` columns, cut around the characters from `start` to `end`."""
    if len(line) > _FAR * room:
        line, start, end = _near(line, start, end, _FAR * room)
    cells = _cells(line)
    at = [0, *accumulate(size for _, size in cells)]  # the column of each character, and of the line's end
    start = min(start, len(cells))
    end = min(max(end, start), len(cells))
    first, last = _window(at, start, end, room)
    text = "".join(shown for shown, _ in cells[first:last])
    lead = 0
    if first > 0:
        text, lead = _CUT + text, len(_CUT)
    if last < len(cells):
        text += _CUT
    left = at[start] - at[first] + lead
    right = at[min(end, last)] - at[first] + lead
    return _View(text.rstrip(), left, max(right, left + 1))  # nothing at all still gets one mark


def _near(line: str, start: int, end: int, size: int) -> tuple[str, int, int]:
    """A piece of an absurdly long line, so that only what can be seen is measured."""
    first = max(min(start, len(line)) - size // 2, 0)
    piece = line[first : first + size]
    # A blank stands for what was dropped: it makes the cut visible and is itself cut away.
    return " " * (first > 0) + piece + " ", start - first + (first > 0), end - first + (first > 0)


def _window(at: Sequence[int], start: int, end: int, room: int) -> tuple[int, int]:
    """The range of characters to show: all, else the head that holds the span, else around it."""
    total = at[-1]
    if total + (start == len(at) - 1) <= room:
        return 0, len(at) - 1
    if at[end] + (start == end) <= room - len(_CUT):
        return 0, bisect_right(at, room - len(_CUT)) - 1
    space = room - 2 * len(_CUT)
    before = max(space - (at[end] - at[start]), space // 4) // 2
    lowest = max(at[start] - before, 0)
    if total - lowest < room - len(_CUT):
        lowest = total - (room - len(_CUT)) + 1
        return bisect_left(at, lowest), len(at) - 1
    first = bisect_left(at, lowest)
    return first, bisect_right(at, at[first] + space) - 1


def _cells(line: str) -> list[tuple[str, int]]:
    """Each character as it is shown, and how many columns that takes."""
    cells = []
    column = 0
    for at, char in enumerate(line):
        if char == "\t":
            shown = " " * (_TAB - column % _TAB)
            size = len(shown)
        elif terminal.is_unsafe(char) or (char == "[" and line.endswith(terminal.LEGACY_COMMAND, 0, at + 1)):
            shown = terminal.escaped(char)
            size = len(shown)
        else:
            shown, size = char, terminal.width(char)
        cells.append((shown, size))
        column += size
    return cells
