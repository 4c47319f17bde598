"""The moments at which a rule would have been evaluated. All times are in milliseconds.

A tick is a multiple of the step since 1970, as Prometheus spaces the evaluations of a group by multiples of
its interval (with an offset of the group's own, which is not known here).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

MOST_POINTS = 11_000
"""Points a series that Prometheus gives in one answer: `/api/v1/query_range` refuses more."""

LONGEST_WARM_UP = 31 * 86_400_000


class Window(NamedTuple):
    """The time that is looked at; `end` does not belong to it."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """How long it is."""
        return self.end - self.start


class Grid(NamedTuple):
    """Consecutive ticks; `stop` does not belong to them."""

    first: int
    stop: int
    step: int

    def __len__(self) -> int:
        return self.stop - self.first

    @property
    def start(self) -> int:
        """The time of the first tick."""
        return self.first * self.step

    @property
    def last(self) -> int:
        """The time of the last tick."""
        return (self.stop - 1) * self.step


def grid(window: Window, step: int, warm_up: int = 0) -> Grid:
    """The ticks in a window, and those within `warm_up` before it: what has lasted since then counts."""
    first = -(-window.start // step) - -(-min(warm_up, LONGEST_WARM_UP) // step)
    return Grid(max(first, 0), -(-window.end // step), step)


def pieces(whole: Grid, most: int = MOST_POINTS) -> Iterator[Grid]:
    """The ticks in pieces of at most `most`."""
    for first in range(whole.first, whole.stop, most):
        yield Grid(first, min(first + most, whole.stop), whole.step)


def choose_step(window: Window, interval: int, warm_up: int, most_pieces: int) -> int:
    """The smallest multiple of a group's interval with which the window fits into so many answers."""
    length = window.length + min(warm_up, LONGEST_WARM_UP)
    return interval * max(1, -(-length // (interval * MOST_POINTS * most_pieces)))
