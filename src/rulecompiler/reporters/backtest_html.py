"""A backtest as one HTML file that needs nothing else: no script, no font, and a policy that says so.

The page is backtest.html.j2, escaped by Jinja2; its style is backtest.css.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from rulecompiler.backtest import timeline
from rulecompiler.backtest.model import Absent, Backtest, Fired, Outcome, Result, Unknown
from rulecompiler.backtest.words import (
    edits,
    handovers,
    is_short,
    moment,
    numbers,
    plural,
    queries,
    quiet_sides,
    summary,
    title,
    verdict,
    when,
)
from rulecompiler.diagnostics import Diagnostic
from rulecompiler.reporters import page
from rulecompiler.reporters.backtest_svg import COLUMNS, HEIGHT, days, label, rows
from rulecompiler.reporters.plan_words import side
from rulecompiler.terminal import visible

_MOST_RESULTS = 1_000


_NOTHING_ASKED = "Nothing could be asked: what would have fired is not known."


class Side(NamedTuple):
    """One row of an alert."""

    drawn: bool
    path: str
    blank: int
    numbers: str
    when: str


class Entry(NamedTuple):
    """An alert as the page shows it."""

    symbol: str
    title: str
    verdict: str
    said: str
    edits: str
    is_drawn: bool  # whether it fires on some side
    quiet: tuple[str, ...]  # where it is not: what is to be said of its sides
    old: Side
    new: Side
    notes: tuple[str, ...]


def as_html(found: Backtest) -> str:
    """The page."""
    return page.render(
        "backtest",
        {"shown": visible},
        found=found,
        summary=summary(found),
        base=side(found.base, visible),
        head=side(found.head, visible),
        url=visible(found.asked.url),
        begins=moment(found.wanted.start),
        ends=moment(found.wanted.end),
        first_day=label(found.wanted.start),
        last_day=label(found.wanted.end),
        days=days(found.wanted),
        columns=COLUMNS,
        height=HEIGHT,
        faults=found.diagnostics,
        results=[_entry(result, found) for result in found.results[:_MOST_RESULTS]],
        more=max(0, len(found.results) - _MOST_RESULTS),
        queries=f"{queries(found.asked.queries)} of at most {found.asked.most_queries:,}",
        same=plural(found.same, "alert") if found.same and found.results else "",
        short=is_short(found),
        notes=[visible(note) for note in found.notes],
    )


def refusal(diagnostics: Iterable[Diagnostic]) -> str:
    """The page where nothing could be asked at all, and why."""
    return page.render("backtest", {"shown": visible}, found=None, summary=_NOTHING_ASKED, faults=diagnostics)


def _entry(result: Result, found: Backtest) -> Entry:
    paths = rows(result, found.wanted)
    notes = [f"not exact: {note}" for note in result.notes]
    notes += handovers(result)
    return Entry(
        result.case.example.action.symbol,
        visible(title(result)),
        result.verdict,
        verdict(result),
        visible(edits(result)),
        any(isinstance(each, Fired) and each.firings for each in (result.old, result.new)),
        tuple(visible(f"{name}: {said}") for name, said in quiet_sides(result)),
        _side(result.old, paths[0], found),
        _side(result.new, paths[1], found),
        tuple(map(visible, notes)),
    )


def _side(outcome: Outcome, path: str, found: Backtest) -> Side:
    drawn = not isinstance(outcome, Absent | Unknown)
    blank = timeline.blank_columns(outcome, found.wanted, COLUMNS)
    return Side(drawn, path, blank, visible(numbers(outcome)), when(outcome))
