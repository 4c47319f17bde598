"""The course of a backtest, whoever answers its questions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from rulecompiler.backtest.cases import Alert, Case
from rulecompiler.backtest.grid import Window
from rulecompiler.backtest.judging import Played, Remembered, judge
from rulecompiler.backtest.model import Result, Unknown
from rulecompiler.backtest.words import plural, title
from rulecompiler.diagnostics import Diagnostic, Severity

_HELPS = {
    "RC761": "run the query by hand; --timeout gives it longer, and a coarser --step less to do",
    "RC762": "see whether all stores behind the server are up, then run this again",
    "RC763": "run this again when the server has recorded it for a while, or name another server",
    "RC767": "look at a longer --since, or evaluate more often with --step",
    "RC765": "see whether the query lacks a comparison; else raise --max-series, or shorten --since",
}
_MOST_NAMES = 3


class Player(Protocol):
    """Who knows what a query had as its result."""

    def play(self, alert: Alert, window: Window, step: int) -> Played | Unknown | None:
        """Its result in the window; None where nobody may ask any more."""


def play(
    player: Player,
    cases: Iterable[Case],
    window: Window,
    steps: Mapping[Alert, int],
    remembered: Remembered,
    records: Mapping[str, str],
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[Result], list[Case]]:
    """The cases that could be asked for, judged, and those that were left out."""
    results: list[Result] = []
    left_out: list[Case] = []
    todo = list(cases)
    for done, case in enumerate(todo):
        if progress is not None:
            progress(done, len(todo))
        played: dict[Alert, Played | Unknown] = {}
        for alert in case.alerts:
            answer = player.play(alert, window, steps[alert])
            if answer is None:
                break
            played[alert] = answer
        if len(played) < len(set(case.alerts)):
            left_out.append(case)  # the next one may be answered already, by a query that they share
        else:
            results.append(judge(case, played, window, remembered, records))
    return results, left_out


def doubts(results: Iterable[Result]) -> list[Diagnostic]:
    """Why nobody can say what some alerts would have done, each code once (RC761–RC763, RC765, RC767).

    The reasons stand with the alerts: here is the first, and how many others there are.
    """
    found: dict[str, list[Result]] = {}
    reasons: dict[str, dict[str, None]] = {}
    for result in results:
        unknown = [outcome for outcome in (result.old, result.new) if isinstance(outcome, Unknown)]
        for outcome in unknown:
            reasons.setdefault(outcome.code, {})[outcome.reason] = None
        for code in dict.fromkeys(outcome.code for outcome in unknown):
            found.setdefault(code, []).append(result)
    diagnostics = []
    for code, concerned in found.items():
        names = ", ".join(f"`{title(result)}`" for result in concerned[:_MOST_NAMES])
        more = len(concerned) - _MOST_NAMES
        names += f" and {more:,} more" if more > 0 else ""
        alerts = plural(sum(result.rules for result in concerned), "alert")
        diagnostics.append(
            Diagnostic(
                code,
                f"nobody can say what {alerts} would have done ({names}): {_first(reasons[code])}",
                concerned[0].case.example.rule.place,
                help=_HELPS[code],
                severity=Severity.WARNING,
            )
        )
    return diagnostics


def _first(reasons: Iterable[str]) -> str:
    first, *others = reasons
    return f"{first}; and {plural(len(others), 'other reason')}" if others else first
