"""When alerts fired, as columns of a small chart: how many series did on average, part by part."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from rulecompiler.backtest.grid import Window
from rulecompiler.backtest.model import Fired, Outcome, Unknown

_LEVELS = "▁▂▃▄▅▆▇█"
NOT_FIRING, UNKNOWN, NO_HISTORY = "·", "?", " "


def columns(outcome: Outcome, window: Window, width: int) -> list[float]:
    """For each of `width` equal parts of the window how many series fire in it on average."""
    levels = [0.0] * width
    if not isinstance(outcome, Fired) or window.length <= 0:
        return levels
    changes: dict[int, int] = {}
    for firing in outcome.all:
        changes[firing.start] = changes.get(firing.start, 0) + 1
        changes[firing.end] = changes.get(firing.end, 0) - 1
    moments = sorted(changes)
    part = window.length / width
    firing_now = 0
    for at, until in pairwise(moments):
        firing_now += changes[at]
        begins, ends = (max(0.0, min(width, (time - window.start) / part)) for time in (at, until))
        for column in range(int(begins), min(width, int(ends) + 1) if firing_now else 0):
            levels[column] += firing_now * max(0.0, min(ends, column + 1) - max(begins, column))
    return levels


def top(rows: Sequence[Sequence[float]]) -> float:
    """The level that fills a column, for rows that are to be compared: at least that of one series."""
    return max(1.0, *(level for row in rows for level in row))


def blank_columns(outcome: Outcome, window: Window, width: int) -> int:
    """How many columns at the left are of a time that the server does not remember."""
    if not isinstance(outcome, Fired) or window.length <= 0:
        return 0
    return max(0, outcome.window.start - window.start) * width // window.length


def characters(outcome: Outcome, window: Window, width: int, top: float) -> str:
    """A row of characters; `top` is the level that fills one. What the server does not remember is blank."""
    if isinstance(outcome, Unknown):
        return UNKNOWN * width
    blank = blank_columns(outcome, window, width)
    row = [NO_HISTORY] * blank
    for level in columns(outcome, window, width)[blank:]:
        step = min(len(_LEVELS) - 1, int(level / top * len(_LEVELS)))
        row.append(_LEVELS[step] if level else NOT_FIRING)
    return "".join(row)
