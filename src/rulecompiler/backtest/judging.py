"""From a server's answers to what would have fired."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from rulecompiler.backtest.cases import Alert, Case
from rulecompiler.backtest.grid import LONGEST_WARM_UP, Grid, Window, grid
from rulecompiler.backtest.machine import firings
from rulecompiler.backtest.matrix import Presence, SameLabels, as_alerts
from rulecompiler.backtest.model import Absent, Fired, Outcome, Result, Unknown
from rulecompiler.backtest.words import duration, moment

_AT_THE_ENDS = re.compile(r"@\s*(?:start|end)\s*\(")
_OF_ALERTS = frozenset({"ALERTS", "ALERTS_FOR_STATE"})


class Remembered(NamedTuple):
    """What a server has of some metrics: when each was there first within the window.

    None for a metric that is not there at all; a metric of which nothing is known is not in `first`.
    `blur` is how late `first` may be at most.
    """

    first: Mapping[str, int | None]
    blur: int = 0


class Played(NamedTuple):
    """What the query of an alert had as its result, at these ticks."""

    presence: Presence
    ticks: Grid


def judge(
    case: Case,
    played: Mapping[Alert, Played | Unknown],
    window: Window,
    remembered: Remembered,
    records: Mapping[str, str],
) -> Result:
    """What becomes of a case, given what the server said to the queries of its alerts."""
    notes: dict[str, None] = {}
    outcomes: list[Outcome] = []
    for side, alert in (("old", case.old), ("new", case.new)):
        if alert is None:
            outcomes.append(Absent())
            continue
        outcome = _outcome(alert, played[alert], window, remembered)
        outcomes.append(outcome)
        if isinstance(outcome, Fired):
            notes.update(dict.fromkeys(_notes(side, alert, outcome, remembered, records)))
    return Result(case, outcomes[0], outcomes[1], tuple(notes))


def _outcome(alert: Alert, played: Played | Unknown, window: Window, remembered: Remembered) -> Outcome:
    if isinstance(played, Unknown):
        return played
    step = played.ticks.step
    if not len(grid(window, step)):
        return Unknown(f"evaluated every {duration(step)}, it is not once within this time", "RC767")
    missing = sorted(name for name in alert.metrics if remembered.first.get(name, 0) is None)
    recorded = [name for name in missing if ":" in name]
    if recorded:
        return Unknown(f"the server has no history of the recorded {_names(recorded)}", "RC763")
    if missing and not played.presence:
        return Unknown(f"the server has no history of {_names(missing)}", "RC763")
    try:
        alerts = as_alerts(played.presence, dict(alert.labels))
    except SameLabels:
        return Unknown("two results have the same labels, and Prometheus refuses the rule", "RC761")
    fired = {
        labels: times
        for labels, runs in alerts.items()
        if (times := firings(runs, alert.hold, alert.keep, played.ticks, window))
    }
    order = sorted(fired, key=lambda labels: (-sum(f.length for f in fired[labels]), labels))
    return Fired(window, step, {labels: fired[labels] for labels in order})


def _notes(
    side: str, alert: Alert, outcome: Fired, remembered: Remembered, records: Mapping[str, str]
) -> list[str]:
    notes = []
    if outcome.step != alert.interval:
        text = f"evaluated every {duration(outcome.step)}, not every {duration(alert.interval)} as its group"
        if outcome.step > alert.interval:
            if 0 < alert.hold < outcome.step:
                text += f"; `for` {duration(alert.hold)} is shorter, and so not exact"
            else:
                text += ": short firings may be missing"
        notes.append(text)
    if alert.warm_up > LONGEST_WARM_UP:
        notes.append(f"`for` is longer than the {duration(LONGEST_WARM_UP)} that were looked back")
    if any("$value" in value or ".Value" in value for _, value in alert.labels if "{{" in value):
        notes.append("a label shows the value: each new value starts the alert over, which is not shown here")
    if _AT_THE_ENDS.search(alert.expr):
        notes.append(f"the {side} query has `@ start()` or `@ end()`, which a rule takes for its own time")
    for name in sorted(alert.metrics):
        first = remembered.first.get(name, 0)
        if name in _OF_ALERTS:
            notes.append(f"the {side} query asks for `{name}`, whose history is that of the rules that ran")
        elif name in records and records[name] != "remove":
            notes.append(f"the record `{name}` changes too: its history is of the rule that ran")
        if first is None:
            notes.append(f"the server has no history of `{name}`")
        elif first > outcome.window.start + max(remembered.blur, alert.interval):
            notes.append(f"the history of `{name}` begins about {moment(first)} only")
    return notes


def _names(names: list[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"
