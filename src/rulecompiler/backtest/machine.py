"""Prometheus' states of an alert, from the evaluations in which its query had a result to when it fired.

Facts, from Prometheus 2.42's documentation and source (rules/alerting.go): an alert becomes active at the
first evaluation with a result, and fires at the first one, that one included, at which it has been active for
`for` or longer. A pending alert that is missing once starts over. A firing alert that is missing is resolved
at once, or, with `keep_firing_for`, at the first evaluation so long after the first missing one; where it is
back before that, it goes on firing and has all that time again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from rulecompiler.backtest.grid import Grid, Window

Run = tuple[int, int]
"""The first and the last of consecutive ticks at which a query had a result."""


class Firing(NamedTuple):
    """One time that an alert fired, within the window: from `start` until `end`, in milliseconds."""

    start: int
    end: int
    began_before: bool = False  # it fired already when the window began
    goes_on: bool = False  # it fires still at the window's end

    @property
    def length(self) -> int:
        """How long it fired."""
        return self.end - self.start


def firings(runs: Iterable[Run], hold: int, keep: int, ticks: Grid, window: Window) -> tuple[Firing, ...]:
    """When one alert would have fired in the window.

    `runs` are sorted and apart; `hold` and `keep` are `for` and `keep_firing_for`. An alert whose state at
    the first tick is not known begins there as inactive.
    """
    found = []
    for start, end in _intervals(runs, -(-hold // ticks.step), -(-keep // ticks.step)):
        begins, ends = start * ticks.step, end * ticks.step
        goes_on = end >= ticks.stop
        if begins < window.end and ends > window.start:
            found.append(
                Firing(
                    max(begins, window.start),
                    window.end if goes_on else min(ends, window.end),
                    begins < window.start,
                    goes_on,
                )
            )
    return tuple(found)


def _intervals(runs: Iterable[Run], hold: int, keep: int) -> list[Run]:
    """From the tick at which it fires to the one at which it is resolved; `hold` and `keep` in ticks."""
    found: list[Run] = []
    for first, last in runs:
        resolved = last + 1 + keep
        # At the very tick at which it would be resolved, an alert that is back is not missing.
        if found and keep and first <= found[-1][1]:
            found[-1] = (found[-1][0], resolved)
        elif first + hold <= last:
            found.append((first + hold, resolved))
    return found
