"""The result of a backtest: what would have fired, before and after; plain data. Times are in milliseconds.

Texts come from strangers' files and servers: whoever prints them escapes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from rulecompiler.backtest.cases import Case
from rulecompiler.backtest.grid import Window
from rulecompiler.backtest.machine import Firing
from rulecompiler.backtest.matrix import LabelSet
from rulecompiler.diagnostics import Diagnostic
from rulecompiler.diff.model import SideName

_CONSTANT = 0.9  # of the time: what fires so much tells nobody anything


@dataclass(frozen=True, slots=True)
class Fired:
    """What one alert would have done on one side: its firings by series, the busiest series first."""

    window: Window
    step: int
    by_series: Mapping[LabelSet, tuple[Firing, ...]]

    @property
    def series(self) -> int:
        """How many alerts it was: label sets that fired."""
        return len(self.by_series)

    @property
    def all(self) -> tuple[Firing, ...]:
        """Each firing of each series."""
        return tuple(firing for firings in self.by_series.values() for firing in firings)

    @property
    def firings(self) -> int:
        """How many times some series fired; what fired already when the window began counts too."""
        return sum(map(len, self.by_series.values()))

    @property
    def longest(self) -> int:
        """The longest of them."""
        return max((firing.length for firing in self.all), default=0)

    @property
    def total(self) -> int:
        """The time that they fired, all series added up."""
        return sum(firing.length for firing in self.all)

    @property
    def busy(self) -> int:
        """The time in which at least one series fired."""
        covered, end = 0, self.window.start
        for firing in sorted(self.all):
            if firing.end > end:
                covered += firing.end - max(firing.start, end)
                end = firing.end
        return covered

    @property
    def is_constant(self) -> bool:
        """Whether some series fired nearly all of the time."""
        return self.window.length > 0 and self.busy >= _CONSTANT * self.window.length

    @property
    def first(self) -> int | None:
        """When it fired for the first time."""
        return min((firing.start for firing in self.all), default=None)

    @property
    def last(self) -> int | None:
        """When it ended firing for the last time; the window's end where it goes on."""
        return max((firing.end for firing in self.all), default=None)


class Unknown(NamedTuple):
    """A side of which nobody can say what it would have done, and why; the code is the diagnostic's."""

    reason: str
    code: str


class Absent(NamedTuple):
    """A side on which there is no such alert: it never fired."""


Outcome = Fired | Unknown | Absent

Verdict = Literal["constant", "silenced", "more", "fewer", "longer", "shorter", "shifted", "same", "unknown"]
"""The difference. `constant`: the new alert fires nearly all the time, the old one did not. `silenced`: what
fired before no longer would, and nothing covers its targets. `longer` and `shorter`: as often, but for
another time; `shifted`: as often and as long, at other times."""

ORDER: tuple[Verdict, ...] = (
    "constant", "silenced", "more", "fewer", "longer", "shorter", "shifted", "unknown", "same"
)  # fmt: skip
"""Dangerous differences first; what nobody can say is told above all, and stands behind what is known."""


@dataclass(frozen=True, slots=True)
class Result:
    """What becomes of one case."""

    case: Case
    old: Outcome
    new: Outcome
    notes: tuple[str, ...] = ()
    """Why the numbers are not exact, and what else one must know to read them."""

    @property
    def rules(self) -> int:
        """How many rules of the plan it stands for."""
        return len(self.case.changes)

    @property
    def verdict(self) -> Verdict:
        """How the two sides differ."""
        if isinstance(self.old, Unknown) or isinstance(self.new, Unknown):
            return "unknown"
        before, after = number(self.old), number(self.new)
        was_constant = isinstance(self.old, Fired) and self.old.is_constant
        if isinstance(self.new, Fired) and self.new.is_constant and not was_constant:
            return "constant"
        change = self.case.example
        if before and not after and (change.is_lost or not change.covered_by):
            return "silenced"
        if before != after:
            return "more" if after > before else "fewer"
        if not (isinstance(self.old, Fired) and isinstance(self.new, Fired)):
            return "same"
        if self.old.total != self.new.total:
            return "longer" if self.new.total > self.old.total else "shorter"
        return "same" if sorted(self.old.all) == sorted(self.new.all) else "shifted"


def number(outcome: Outcome) -> int:
    """How many firings; none where there is no alert."""
    return outcome.firings if isinstance(outcome, Fired) else 0


def total(outcome: Outcome) -> int:
    """How long it fired, all series added up."""
    return outcome.total if isinstance(outcome, Fired) else 0


class Asked(NamedTuple):
    """What was asked of whom."""

    url: str  # fit to be shown
    queries: int
    most_queries: int
    answered: int  # of the queries: those that had a result


@dataclass(frozen=True, slots=True)
class Backtest:
    """All that changes in what fires, dangerous differences first."""

    base: SideName
    head: SideName
    asked: Asked
    wanted: Window
    window: Window  # what the server has history of
    results: tuple[Result, ...]
    same: int  # alerts of the plan whose query and timing do not change: not asked for
    left_out: int = 0  # alerts for which there was no query left, or no time
    incomparable: int = 0  # groups that do not compile on some side
    notes: tuple[str, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def differing(self) -> tuple[Result, ...]:
        """The results that are known to differ."""
        return tuple(r for r in self.results if r.verdict not in ("same", "unknown"))

    @property
    def is_in_vain(self) -> bool:
        """Whether there was something to ask, and not one answer."""
        return bool(self.results or self.left_out) and not self.asked.answered

    @property
    def unknown(self) -> int:
        """The alerts of which nobody can say anything; those that were left out among them."""
        return self.left_out + sum(r.rules for r in self.results if r.verdict == "unknown")


def ordered(results: list[Result]) -> tuple[Result, ...]:
    """Dangerous differences first, then by size, then by name."""

    def key(result: Result) -> tuple[int, int, int, str, str]:
        rule = result.case.example.rule
        by_number = abs(number(result.new) - number(result.old))
        by_time = abs(total(result.new) - total(result.old))
        return ORDER.index(result.verdict), -by_number, -by_time, rule.group_id, rule.key

    return tuple(sorted(results, key=key))
