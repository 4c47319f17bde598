"""What changed in the generated files, as a person reads it."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import islice
from typing import Literal, NamedTuple

from rulecompiler.terminal import Painter, visible

LINES_A_FILE = 400
LINES_IN_ALL = 2000

_CONTEXT = 3
_SECTION = re.compile(r"\s*- (?:name|alert|record): (.*)")
_EXACT = 250_000  # above so many pairs of lines without a landmark, a block counts as replaced


class FileChange(NamedTuple):
    """A file before and after; None where there is none."""

    path: str
    old: str | None
    new: str | None


class _Line(NamedTuple):
    """A line of a diff: what happened to it, and where it stands in the old and in the new text."""

    sign: Literal[" ", "-", "+"]
    text: str
    old: int
    new: int


def render(changes: Iterable[FileChange], *, color: bool, full: bool = False) -> str:
    """A unified diff a file under a heading with its counts; empty where nothing changed.

    Without `full` a file shows at most `LINES_A_FILE` lines and all files together about
    `LINES_IN_ALL`; what is left out is counted, and `--full-diff` named.
    """
    paint = Painter(color)
    left: int | None = None if full else LINES_IN_ALL
    blocks = []
    for change in changes:
        if change.old == change.new:
            continue
        limit = None if left is None else min(left, LINES_A_FILE)
        block = _file(change, paint, limit)
        blocks.append("\n".join(block))
        if left is not None:
            left = max(left - len(block), 0)
    return "\n\n".join(blocks) + "\n" if blocks else ""


def count(old: str | None, new: str | None) -> tuple[int, int]:
    """How many lines were added and removed."""
    signs = Counter(line.sign for line in _diff(_lines(old), _lines(new)))
    return signs["+"], signs["-"]


def _file(change: FileChange, paint: Painter, limit: int | None) -> list[str]:
    path = visible(change.path)
    old, new = _lines(change.old), _lines(change.new)
    lines = list(_diff(old, new))
    signs = Counter(line.sign for line in lines)
    added, removed = paint(f"+{signs['+']:,}", "green"), paint(f"-{signs['-']:,}", "red")
    if change.old is None:
        head = [f"{paint(path, 'bold')} (new, {added})"]
    elif change.new is None:
        head = [f"{paint(path, 'bold')} (removed, {removed})"]
    else:
        head = [f"{paint(path, 'bold')} ({added} {removed})"]
    names = [
        "--- /dev/null" if change.old is None else f"--- a/{path}",
        "+++ /dev/null" if change.new is None else f"+++ b/{path}",
    ]
    body = [paint(name, "bold") for name in names]
    body += _body(lines, old, new, paint, limit)
    total = sum(1 for _ in _hunk_lines(lines))
    if limit is not None and total > limit:
        rest = f"... {total - limit:,} more lines (--full-diff shows them)"
        # A file of which nothing is shown needs no names either.
        body = [*(body if limit else []), paint(rest, "dim")]
    return head + body


def _body(
    lines: Sequence[_Line], old: Sequence[str], new: Sequence[str], paint: Painter, limit: int | None
) -> Iterator[str]:
    styles = {"+": "green", "-": "red"}
    for item in islice(_hunk_lines(lines), limit):
        if isinstance(item, _Line):
            shown = item.sign + visible(item.text.removesuffix("\n"))
            yield paint(shown, styles[item.sign]) if item.sign != " " else shown
            if not item.text.endswith("\n"):
                yield r"\ No newline at end of file"
        else:
            first = next(line for line in item if line.sign != " ")
            section = _section(old, first.old) if first.sign == "-" else _section(new, first.new)
            yield paint(_header(item), "cyan") + (f" {section}" if section else "")


def _hunk_lines(lines: Sequence[_Line]) -> Iterator[_Line | Sequence[_Line]]:
    """Each hunk (for its header), then its lines."""
    for hunk in _hunks(lines):
        yield hunk
        yield from hunk


def _hunks(lines: Sequence[_Line]) -> Iterator[Sequence[_Line]]:
    """Runs of changes with lines of context around them; runs whose contexts touch are one."""
    changed = [number for number, line in enumerate(lines) if line.sign != " "]
    start = end = -1
    for number in changed:
        if end >= 0 and number - _CONTEXT <= end:
            end = number + _CONTEXT + 1
            continue
        if end >= 0:
            yield lines[start:end]
        start, end = max(number - _CONTEXT, 0), number + _CONTEXT + 1
    if end >= 0:
        yield lines[start:end]


def _header(hunk: Sequence[_Line]) -> str:
    return f"@@ -{_range(hunk, '-', hunk[0].old)} +{_range(hunk, '+', hunk[0].new)} @@"


def _range(hunk: Sequence[_Line], sign: str, start: int) -> str:
    length = sum(line.sign in (" ", sign) for line in hunk)
    # An empty range names the line before it, as diff has always done.
    first = start + 1 if length else start
    return str(first) if length == 1 else f"{first},{length}"


def _section(text: Sequence[str], line: int) -> str:
    """The rule that a line belongs to."""
    for number in range(line, -1, -1):
        found = _SECTION.match(text[number])
        if found:
            return visible(found[1].strip())
    return ""


def _lines(text: str | None) -> list[str]:
    if not text:
        return []
    lines = [f"{line}\n" for line in text.split("\n")]
    last = lines.pop().removesuffix("\n")
    return [*lines, last] if last else lines


def _diff(old: Sequence[str], new: Sequence[str]) -> Iterator[_Line]:
    """Every line of both, removed ones before added ones where a block was replaced."""
    before = after = 0
    for same_old, same_new in [*_matches(old, new), (len(old), len(new))]:
        for at in range(before, same_old):
            yield _Line("-", old[at], at, after)
        for at in range(after, same_new):
            yield _Line("+", new[at], same_old, at)
        if same_old < len(old) and same_new < len(new):
            yield _Line(" ", new[same_new], same_old, same_new)
        before, after = same_old + 1, same_new + 1


def _matches(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs of equal lines, rising on both sides.

    Lines that occur once on both sides are the landmarks (in rules: names, expressions), and
    only what lies between two landmarks is compared line with line. So the time grows with the
    file, and a moved `labels:` is not matched with somebody else's.
    """
    found: list[tuple[int, int]] = []
    todo = [(0, len(old), 0, len(new))]
    while todo:
        a, a_end, b, b_end = todo.pop()
        while a < a_end and b < b_end and old[a] == new[b]:
            found.append((a, b))
            a, b = a + 1, b + 1
        while a < a_end and b < b_end and old[a_end - 1] == new[b_end - 1]:
            a_end, b_end = a_end - 1, b_end - 1
            found.append((a_end, b_end))
        if a == a_end or b == b_end:
            continue
        landmarks = _landmarks(old, a, a_end, new, b, b_end)
        if not landmarks:
            found += _compared(old, a, a_end, new, b, b_end)
            continue
        for mark_a, mark_b in landmarks:
            todo.append((a, mark_a, b, mark_b))
            found.append((mark_a, mark_b))
            a, b = mark_a + 1, mark_b + 1
        todo.append((a, a_end, b, b_end))
    return sorted(found)


def _landmarks(
    old: Sequence[str], a: int, a_end: int, new: Sequence[str], b: int, b_end: int
) -> list[tuple[int, int]]:
    """The longest rising run of lines that occur exactly once on either side."""
    once_old = _once(old, a, a_end)
    pairs = [(once_old[line], at) for line, at in _once(new, b, b_end).items() if line in once_old]
    # Patience sorting: `ends` holds the smallest old position in which a run of each length ends.
    ends: list[int] = []
    piles: list[int] = []
    back: list[int] = []
    for index, (at_old, _) in enumerate(pairs):
        pile = bisect_left(ends, at_old)
        back.append(piles[pile - 1] if pile else -1)
        if pile == len(ends):
            ends.append(at_old)
            piles.append(index)
        else:
            ends[pile], piles[pile] = at_old, index
    run = []
    index = piles[-1] if piles else -1
    while index >= 0:
        run.append(pairs[index])
        index = back[index]
    return run[::-1]


def _once(lines: Sequence[str], start: int, end: int) -> dict[str, int]:
    times = Counter(lines[start:end])
    return {lines[at]: at for at in range(start, end) if times[lines[at]] == 1}


def _compared(
    old: Sequence[str], a: int, a_end: int, new: Sequence[str], b: int, b_end: int
) -> Iterator[tuple[int, int]]:
    if (a_end - a) * (b_end - b) > _EXACT:
        return
    matcher = SequenceMatcher(None, old[a:a_end], new[b:b_end], autojunk=False)
    for block in matcher.get_matching_blocks():
        for step in range(block.size):
            yield a + block.a + step, b + block.b + step
