from __future__ import annotations

import pytest

from rulecompiler.backtest.grid import LONGEST_WARM_UP, MOST_POINTS, Grid, Window, choose_step, grid, pieces

DAY = 86_400_000


def test_ticks_are_multiples_of_the_step_within_the_window() -> None:
    found = grid(Window(1_000, 10_000), 3_000)
    assert [tick * found.step for tick in range(found.first, found.stop)] == [3_000, 6_000, 9_000]
    assert (found.start, found.last, len(found)) == (3_000, 9_000, 3)
    assert grid(Window(3_000, 9_000), 3_000) == Grid(1, 3, 3_000)  # the end does not belong to it


def test_the_warm_up_is_before_the_window_and_bounded() -> None:
    assert grid(Window(30_000, 60_000), 10_000, 15_000) == Grid(1, 6, 10_000)
    far = grid(Window(100 * DAY, 101 * DAY), DAY, 10_000 * DAY)
    assert far.first == 100 - LONGEST_WARM_UP // DAY
    assert grid(Window(DAY, 2 * DAY), DAY, 20 * DAY).first == 0  # time begins in 1970


def test_a_week_of_minutes_is_one_answer() -> None:
    week = grid(Window(0, 7 * DAY), 60_000)
    assert len(week) == 10_080
    assert list(pieces(week)) == [week]


def test_pieces_have_every_tick_once() -> None:
    whole = Grid(5, 25_000, 1_000)
    found = list(pieces(whole))
    assert [len(piece) for piece in found] == [MOST_POINTS, MOST_POINTS, 24_995 - 2 * MOST_POINTS]
    assert [piece.first for piece in found[1:]] == [piece.stop for piece in found[:-1]]


@pytest.mark.parametrize(
    ("days", "interval", "warm_up", "pieces_allowed", "step"),
    [
        (7, 60_000, 0, 1, 60_000),
        (7, 60_000, DAY, 1, 120_000),  # the time before counts too
        (7, 15_000, 0, 4, 15_000),
        (7, 15_000, 0, 1, 60_000),
        (30, 15_000, 0, 4, 60_000),
        (1, 300_000, 0, 1, 300_000),  # never finer than the group evaluates
    ],
)
def test_the_step_is_the_interval_where_that_fits(
    days: int, interval: int, warm_up: int, pieces_allowed: int, step: int
) -> None:
    window = Window(0, days * DAY)
    found = choose_step(window, interval, warm_up, pieces_allowed)
    assert found == step
    assert len(list(pieces(grid(Window(100 * DAY, (100 + days) * DAY), found, warm_up)))) <= pieces_allowed
