"""What a server answers to a range query, reduced to the ticks at which each series was there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rulecompiler.backtest.grid import Grid
from rulecompiler.backtest.machine import Run

LabelSet = tuple[tuple[str, str], ...]
"""Labels by name."""

Presence = dict[LabelSet, list[Run]]
"""By series, when it was there: sorted runs that are apart."""


class NotAMatrix(Exception):
    """The answer is not what Prometheus says."""


class SameLabels(Exception):
    """Two results of a query make the same alert: Prometheus refuses to evaluate such a rule."""


def add(found: Presence, data: Any, ticks: Grid) -> None:
    """Adds the `data` of an answer for these ticks, which follow those before. Raises NotAMatrix.

    Source: https://prometheus.io/docs/prometheus/latest/querying/api/#range-vectors.
    """
    try:
        if data["resultType"] != "matrix":
            raise NotAMatrix
        for series in data["result"]:
            labels = tuple(sorted((str(k), str(v)) for k, v in series["metric"].items()))
            runs = found.setdefault(labels, [])
            samples = series.get("values") or ()
            if "histograms" in series:
                samples = sorted((*samples, *series["histograms"]), key=lambda sample: float(sample[0]))
            _extend(runs, samples, ticks)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError):
        raise NotAMatrix from None


def _extend(runs: list[Run], samples: Iterable[Any], ticks: Grid) -> None:
    step, low, stop = ticks.step, ticks.first, ticks.stop
    first, last = runs.pop() if runs else (-1, -2)
    for sample in samples:
        tick = round(sample[0] * 1000 / step)
        if not low <= tick < stop or tick < last:
            raise NotAMatrix
        if tick > last + 1:
            if last >= first:
                runs.append((first, last))
            first = tick
        last = tick
    if last >= first:
        runs.append((first, last))


def as_alerts(found: Mapping[LabelSet, list[Run]], labels: Mapping[str, str]) -> Presence:
    """The same by the alerts' labels: without the metric's name, and with the rule's. Raises SameLabels.

    A label that is a template has the result's own value here: what it becomes is not known.
    """
    fixed = {name: value for name, value in labels.items() if "{{" not in value}
    alerts: Presence = {}
    shared: set[LabelSet] = set()
    for series, runs in found.items():
        own = {name: value for name, value in series if name != "__name__"}
        key = tuple(sorted((name, value) for name, value in (own | fixed).items() if value))
        if key in alerts:
            alerts[key] = sorted(alerts[key] + runs)
            shared.add(key)
        else:
            alerts[key] = runs
    for key in shared:
        alerts[key] = _joined(alerts[key])
    return alerts


def _joined(runs: Iterable[Run]) -> list[Run]:
    found: list[Run] = []
    for first, last in runs:
        if found and first <= found[-1][1]:
            raise SameLabels
        if found and first == found[-1][1] + 1:
            found[-1] = (found[-1][0], last)
        else:
            found.append((first, last))
    return found
