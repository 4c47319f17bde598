"""A backtest on a terminal: the summary, then each alert with its two rows of time, dangerous ones first."""

from __future__ import annotations

from collections.abc import Iterator

from rulecompiler.backtest import timeline
from rulecompiler.backtest.model import Absent, Backtest, Fired, Outcome, Result, Verdict
from rulecompiler.backtest.words import (
    edits,
    handovers,
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
from rulecompiler.reporters.plan_words import side
from rulecompiler.terminal import Painter, visible

_MOST_RESULTS = 40
_WIDTH, _NARROWEST, _WIDEST = 48, 20, 96
_BESIDE = 44  # columns that names and numbers take
_STYLES: dict[Verdict, str] = {
    "constant": "red",
    "silenced": "red",
    "more": "warning",
    "unknown": "warning",
    "fewer": "cyan",
    "longer": "cyan",
    "shorter": "cyan",
    "shifted": "cyan",
    "same": "dim",
}


def as_text(found: Backtest, paint: Painter, width: int | None, *, full: bool = False) -> str:
    """The backtest as lines; `width` is the terminal's, None where it is none."""
    columns = _WIDTH if width is None else max(_NARROWEST, min(_WIDEST, width - _BESIDE))
    lines = [paint(summary(found), "bold"), paint(_about(found), "dim"), ""]
    shown = found.results if full else found.results[:_MOST_RESULTS]
    for result in shown:
        lines += [*_result(result, found, columns, paint), ""]
    if len(shown) < len(found.results):
        lines += [f"… and {plural(len(found.results) - len(shown), 'more kind')}; --full shows them", ""]
    lines += list(_ends(found))
    return "\n".join(lines).rstrip("\n") + "\n"


def _about(found: Backtest) -> str:
    sides = f"{side(found.base, visible)} → {side(found.head, visible)}"
    time = f"{moment(found.wanted.start)} to {moment(found.wanted.end)} UTC"
    return f"{sides}; {visible(found.asked.url)}, {time}, {queries(found.asked.queries)}"


def _result(result: Result, found: Backtest, columns: int, paint: Painter) -> Iterator[str]:
    symbol = result.case.example.action.symbol
    said = paint(verdict(result), _STYLES[result.verdict])
    yield f"{symbol} {paint(visible(title(result)), 'bold')}: {said}"
    if said := edits(result):
        yield f"    {visible(said)}"
    if any(isinstance(outcome, Fired) and outcome.firings for outcome in (result.old, result.new)):
        yield from _rows(result, found, columns, paint)
    else:
        yield from (f"    {name} {visible(said)}" for name, said in quiet_sides(result))
    for name, outcome in (("old", result.old), ("new", result.new)):
        if said := when(outcome):
            yield paint(f"    {name}: {said}", "dim")
    for said in handovers(result):
        yield f"    {visible(said)}"
    for note in result.notes:
        yield f"    not exact: {visible(note)}"


def _rows(result: Result, found: Backtest, columns: int, paint: Painter) -> Iterator[str]:
    top = timeline.top([timeline.columns(o, found.wanted, columns) for o in (result.old, result.new)])
    for name, outcome in (("old", result.old), ("new", result.new)):
        row = _row(outcome, found, columns, top, paint)
        yield f"    {name} {row}  {visible(numbers(outcome))}"


def _row(outcome: Outcome, found: Backtest, columns: int, top: float, paint: Painter) -> str:
    if isinstance(outcome, Absent):
        return " " * columns
    row = timeline.characters(outcome, found.wanted, columns, top)
    return paint(row, "red" if isinstance(outcome, Fired) and outcome.firings else "dim")


def _ends(found: Backtest) -> Iterator[str]:
    if found.same and found.results:
        yield f"{plural(found.same, 'alert')} of the plan: query and timing do not change"
    for note in found.notes:
        yield visible(note)
