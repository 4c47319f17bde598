"""The questions of a backtest, within its bounds: so many queries, so much time, so many series."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from rulecompiler.backtest.cases import Alert, Case
from rulecompiler.backtest.grid import MOST_POINTS, Grid, Window, choose_step, grid, pieces
from rulecompiler.backtest.judging import Played, Remembered
from rulecompiler.backtest.matrix import NotAMatrix, Presence, add
from rulecompiler.backtest.model import Unknown
from rulecompiler.deploy.range_queries import RangeServer, Refused
from rulecompiler.diagnostics import Diagnostic

_MOST_PIECES = 4  # answers that one query is spread over before its step gets coarser
_SMALLEST = 32  # ticks: an answer for fewer is not asked for in parts
_MOST_SPLITS = 32  # queries that one may cost beyond its first ones; then its step gets coarser, once
_COARSER = 16
_MOST_RUNS = 500_000  # stretches in which a series was there: what is kept of an answer
_NAMES = 40  # metrics that are looked for at once
_LOOKS = 200  # moments at which they are looked for


@dataclass
class Bounds:
    """What a backtest may cost. `deadline` is by the monotonic clock."""

    queries: int
    deadline: float
    series: int

    @property
    def seconds(self) -> float:
        """How much time is left."""
        return self.deadline - time.monotonic()


@dataclass
class Asker:
    """Asks one server; remembers what it said, and notices when it is gone."""

    server: RangeServer
    bounds: Bounds
    gone: Diagnostic | None = None
    answered: int = 0  # queries that had a result
    exhausted: str = ""  # why nothing more is asked; empty while it is
    _known: dict[tuple[str, int], Played | Unknown] = field(default_factory=dict)
    _warm_ups: dict[tuple[str, int], int] = field(default_factory=dict)

    def plan(self, cases: Iterable[Case], window: Window, step: int | None) -> dict[Alert, int]:
        """The step of each alert, its group's interval where that fits; `step` overrides them all."""
        steps: dict[Alert, int] = {}
        for case in cases:
            for alert in case.alerts:
                own = step or choose_step(window, alert.interval, alert.warm_up, _MOST_PIECES)
                steps[alert] = own
                key = (alert.expr, own)
                self._warm_ups[key] = max(self._warm_ups.get(key, 0), alert.warm_up)
        return steps

    def play(self, alert: Alert, window: Window, step: int) -> Played | Unknown | None:
        """What the alert's query had as its result in the window; None where the bounds forbid to ask."""
        key = (alert.expr, step)
        if key not in self._known:
            found = self._ask(alert.expr, grid(window, step, self._warm_ups.get(key, alert.warm_up)))
            if found is None:
                return None
            self._known[key] = found
        return self._known[key]

    def _ask(self, expr: str, ticks: Grid, *, may_coarsen: bool = True) -> Played | Unknown | None:
        presence: Presence = {}
        if -(-len(ticks) // MOST_POINTS) > self.bounds.queries:  # of which some will not be asked: none is
            self.exhausted = f"more than {self.bounds.queries:,} queries are too many for one alert"
            return None
        todo = list(pieces(ticks))[::-1]
        most = self.server.asked + len(todo) + _MOST_SPLITS
        while todo:
            piece = todo.pop()
            if not self._may_ask():
                return None
            data = self.server.query_range(expr, piece, self.bounds.seconds)
            if isinstance(data, Refused):
                if data.kind != "much":
                    return self._refused(data)
                if len(piece) >= 2 * _SMALLEST and self.server.asked < most:
                    todo += list(pieces(piece, -(-len(piece) // 4)))[::-1]
                    continue
                if may_coarsen and len(ticks) > _COARSER:
                    first, stop = -(-ticks.first // _COARSER), -(-ticks.stop // _COARSER)
                    return self._ask(expr, Grid(first, stop, ticks.step * _COARSER), may_coarsen=False)
                return self._refused(data)
            try:
                add(presence, data, piece)
            except NotAMatrix:
                return Unknown("what the server answers is not what Prometheus says", "RC761")
            self.answered += 1
            if len(presence) > self.bounds.series:
                return Unknown(f"the query has more than {self.bounds.series:,} series", "RC765")
            if sum(map(len, presence.values())) > _MOST_RUNS:
                return Unknown(f"the result comes and goes more than {_MOST_RUNS:,} times", "RC765")
        return Played(presence, ticks)

    def _may_ask(self) -> bool:
        if self.gone is not None:
            self.exhausted = "the server is gone"
        elif self.server.asked >= self.bounds.queries:
            self.exhausted = f"the {self.bounds.queries:,} queries that --max-queries allows are used up"
        elif self.bounds.seconds <= 0:
            self.exhausted = "the time that --max-time allows is over"
        return not self.exhausted

    def _refused(self, refused: Refused) -> Unknown:
        if refused.kind == "gone":
            self.gone = refused.fault
        code = "RC762" if refused.reason.startswith("the answer is not whole") else "RC761"
        return Unknown(refused.reason, code)

    def remember(self, names: Iterable[str], window: Window) -> Remembered:
        """Since when the server has which of these metrics, as far as it says."""
        step = max(60_000, -(-window.length // _LOOKS // 60_000) * 60_000)
        first: dict[str, int | None] = {}
        todo = sorted(names)
        for start in range(0, len(todo), _NAMES):
            some = todo[start : start + _NAMES]
            found = self._first_seen(some, grid(window, step))
            if found is None:
                continue
            first.update(found)
            missing = [name for name in some if name not in found]
            if missing and self._may_ask():
                known = self.server.known_metrics(missing, window)
                if not isinstance(known, Refused):
                    # There, but in none of the moments at which it was looked for: since when is not known.
                    first.update({name: None for name in missing if name not in known})
        return Remembered(first, step)

    def _first_seen(self, names: Iterable[str], ticks: Grid) -> dict[str, int] | None:
        if not self._may_ask():
            return None
        pattern = "|".join(names)
        played = self._ask(f'group by (__name__) ({{__name__=~"{pattern}"}})', ticks)
        if not isinstance(played, Played):
            return None
        return {
            dict(labels).get("__name__", ""): runs[0][0] * ticks.step
            for labels, runs in played.presence.items()
            if runs
        }


def history_begins(asker: Asker, remembered: Remembered, window: Window) -> int | None:
    """When the server's history begins, if that is within the window; None if it has all of it.

    That of the metric which is there first; to the minute, where one more query may be asked.
    """
    seen = {name: at for name, at in remembered.first.items() if at is not None}
    if not seen:
        return None
    earliest = min(seen.values())
    if earliest < window.start + remembered.blur:
        return None
    names = [name for name, at in seen.items() if at == earliest]
    closer = Window(max(window.start, earliest - remembered.blur), earliest + 1)
    found = asker.remember(names, closer).first if remembered.blur > 60_000 else {}
    return min((at for at in found.values() if at is not None), default=earliest)
