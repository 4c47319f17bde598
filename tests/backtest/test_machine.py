from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rulecompiler.backtest.grid import Grid, Window
from rulecompiler.backtest.machine import Firing, Run, firings


def states(present: list[bool], hold: int, keep: int, step: int) -> list[bool]:
    """Whether an alert fires after each evaluation: one at a time, with times and not with ticks."""
    state, active_at, missing_since = "inactive", 0, -1
    fires = []
    for tick, is_there in enumerate(present):
        now = tick * step
        if is_there:
            missing_since = -1
            if state == "inactive":
                state, active_at = "pending", now
            if state == "pending" and now - active_at >= hold:
                state = "firing"
        elif state == "pending":
            state = "inactive"
        elif state == "firing":
            if missing_since < 0:
                missing_since = now
            if not (keep > 0 and now - missing_since < keep):
                state = "inactive"
                missing_since = -1
        fires.append(state == "firing")
    return fires


def runs(present: list[bool], first: int = 0) -> list[Run]:
    found: list[Run] = []
    for tick, is_there in enumerate(present, first):
        if is_there and found and found[-1][1] == tick - 1:
            found[-1] = (found[-1][0], tick)
        elif is_there:
            found.append((tick, tick))
    return found


def drawn(text: str, hold: int, keep: int, step: int = 60) -> str:
    """`X` where the query has a result, to `F` where the alert fires."""
    ticks = Grid(0, len(text), step)
    found = firings(runs([c == "X" for c in text]), hold, keep, ticks, Window(0, len(text) * step))
    return "".join(
        "F" if any(f.start <= tick * step < f.end for f in found) else "." for tick in range(len(text))
    )


@pytest.mark.parametrize(
    ("present", "hold", "keep", "fires"),
    [
        ("..XXX..", 0, 0, "..FFF.."),  # without `for` at once; resolved at the first missing evaluation
        ("..X....", 0, 0, "..F...."),
        ("..XXXXX", 120, 0, "....FFF"),  # active at 2, and for two steps at 4
        ("..XX...", 120, 0, "......."),  # never that long
        ("..XXX..", 120, 0, "....F.."),
        ("XX.XX.X", 120, 0, "......."),  # one missing evaluation starts it over
        ("..XXXXX", 90, 0, "....FFF"),  # a `for` that is no multiple of the step: at the next evaluation
        ("..XXXXX", 61, 0, "....FFF"),
        ("..XXXXX", 60, 0, "...FFFF"),
        (".X.....", 0, 120, ".FFF..."),  # missing at 2, so until 4, where it is missing for two steps
        (".X.....", 0, 60, ".FF...."),
        (".X.....", 0, 61, ".FFF..."),
        (".X..X..", 0, 120, ".FFFFFF"),  # back at the very evaluation at which it would be resolved
        (".X...X.", 0, 120, ".FFF.FF"),
        (".X.X...", 0, 120, ".FFFFF."),  # the time to keep it begins anew
        ("XXX.X..", 120, 180, "..FFFFFF"[:7]),  # back while it is kept: no `for` again
        ("XXX...X", 120, 60, "..FF..."),  # back later: pending
        (".......", 0, 60, "......."),
        ("XXXXXXX", 0, 0, "FFFFFFF"),
    ],
)
def test_states_as_prometheus_has_them(present: str, hold: int, keep: int, fires: str) -> None:
    assert drawn(present, hold, keep) == fires


@given(
    st.lists(st.booleans(), max_size=60),
    st.integers(0, 8),
    st.integers(0, 8),
    st.integers(1, 4),
    st.integers(0, 20),
)
@settings(max_examples=500, deadline=None)
def test_it_fires_when_a_naive_machine_fires(
    present: list[bool], hold: int, keep: int, step: int, first: int
) -> None:
    ticks = Grid(first, first + len(present), step)
    found = firings(runs(present, first), hold, keep, ticks, Window(ticks.start, ticks.stop * step))
    ours = [any(f.start <= tick * step < f.end for f in found) for tick in range(first, ticks.stop)]
    assert ours == states(present, hold, keep, step)
    # One firing a stretch: none is told as two.
    expected = runs(ours, first)
    assert [(f.start // step, f.end // step - 1) for f in found] == expected


def test_what_fired_before_the_window_counts_from_its_start() -> None:
    found = firings([(0, 9)], 0, 0, Grid(0, 20, 60), Window(300, 1200))
    assert found == (Firing(300, 600, began_before=True),)


def test_what_ended_before_the_window_or_begins_after_it_does_not_count() -> None:
    assert firings([(0, 4), (20, 24)], 0, 0, Grid(0, 30, 60), Window(300, 1200)) == ()


def test_what_fires_at_the_end_goes_on() -> None:
    (found,) = firings([(15, 19)], 0, 0, Grid(0, 20, 60), Window(0, 1200))
    assert found == Firing(900, 1200, goes_on=True)
    (kept,) = firings([(15, 18)], 0, 300, Grid(0, 20, 60), Window(0, 1200))
    assert kept == Firing(900, 1200, goes_on=True)
    (ended,) = firings([(15, 18)], 0, 0, Grid(0, 20, 60), Window(0, 1200))
    assert ended == Firing(900, 1140)


def test_pending_since_before_the_window_fires_in_it() -> None:
    ticks = Grid(0, 20, 60)
    (found,) = firings([(3, 19)], 300, 0, ticks, Window(300, 1200))
    assert found == Firing(480, 1200, goes_on=True)
