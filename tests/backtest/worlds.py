"""Backtests made by hand, and servers with a known history."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rulecompiler.backtest.cases import Alert, Case
from rulecompiler.backtest.grid import Window
from rulecompiler.backtest.machine import Firing
from rulecompiler.backtest.model import Asked, Backtest, Fired, Outcome, Result, ordered
from rulecompiler.diagnostics import Diagnostic
from rulecompiler.diff.model import Action, Cover, FieldChange, RuleAt, RuleChange, SideName
from tests.servers import Server, prometheus_with

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
START = 1_700_006_400_000  # a midnight
WEEK = Window(START, START + 7 * DAY)

Samples = Mapping[str, Sequence[float | None]]
"""A value each minute by series, as `up{instance="a"}`; None for none."""


def rule(expr: str = "up == 0", key: str = "Down", **said: object) -> RuleAt:
    known: dict[str, object] = {
        "group_id": "web", "file": "group-web.yml", "group": "web_a", "kind": "alert", "name": key,
        "key": key, "template": "", "expr": expr, "for_": None, "keep_firing_for": None, "labels": {},
        "annotations": {},
    }  # fmt: skip
    return RuleAt(**{**known, **said})  # type: ignore[arg-type]


def alert(expr: str = "up == 0", hold: int = 0, keep: int = 0, interval: int = MINUTE) -> Alert:
    return Alert(expr, hold, keep, interval, ())


def fired(*spans: tuple[int, int], window: Window = WEEK, series: str = "a") -> Fired:
    """Firings of one series, in minutes from the window's start."""
    found = tuple(
        Firing(
            window.start + start * MINUTE,
            min(window.end, window.start + end * MINUTE),
            goes_on=window.start + end * MINUTE >= window.end,
        )
        for start, end in spans
    )
    return Fired(window, MINUTE, {(("instance", series),): found} if found else {})


def result(
    old: Outcome,
    new: Outcome,
    key: str = "Down",
    *,
    covered: bool = False,
    notes: tuple[str, ...] = (),
    fields: tuple[FieldChange, ...] = (),
    members: int = 1,
) -> Result:
    at = rule(key=key)
    covers = (Cover("all", key, key),) if covered else ()
    change = RuleChange(Action.REMOVE if covered else Action.CHANGE, at, at, fields, covered_by=covers)
    return Result(Case(alert(), alert(), (change,) * members), old, new, notes)


def backtest(
    *results: Result,
    wanted: Window = WEEK,
    window: Window | None = None,
    same: int = 0,
    left_out: int = 0,
    url: str = "http://prometheus:9090",
    diagnostics: tuple[Diagnostic, ...] = (),
) -> Backtest:
    return Backtest(
        SideName("main", "0" * 40),
        SideName("the working tree"),
        Asked(url, 4, 200, 4),
        wanted,
        window or wanted,
        ordered(list(results)),
        same,
        left_out,
        diagnostics=diagnostics,
    )


def backfill(promtool: Path, folder: Path, samples: Samples, start: int = START) -> None:
    """Blocks for the samples in `folder`/data, where a Prometheus can be started."""
    by_metric: dict[str, list[str]] = {}
    for series, values in samples.items():
        lines = by_metric.setdefault(series.partition("{")[0], [])
        for minute, value in enumerate(values):
            if value is not None:
                lines.append(f"{series} {value:g} {start // 1000 + 60 * minute}")
    text = "".join(
        f"# TYPE {name} gauge\n" + "".join(f"{x}\n" for x in by_metric[name]) for name in by_metric
    )
    file = folder / "samples"
    file.write_text(f"{text}# EOF\n")
    command = [str(promtool), "tsdb", "create-blocks-from", "openmetrics", str(file), str(folder / "data")]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


@contextmanager
def historian(prometheus: Path, promtool: Path, folder: Path, samples: Samples) -> Iterator[Server]:
    """A Prometheus that scrapes nothing and remembers these samples, one a minute from `START`."""
    backfill(promtool, folder, samples)
    flags = ["--storage.tsdb.retention.time=100y"]
    with prometheus_with(prometheus, [], folder, flags=flags) as server:
        yield server


def steady(value: float, minutes: int) -> list[float | None]:
    return [value] * minutes


def with_spans(
    minutes: int, spans: Iterable[tuple[int, int]], inside: float, outside: float
) -> list[float | None]:
    """`inside` within the spans (minutes, the end exclusive), else `outside`."""
    values: list[float | None] = [outside] * minutes
    for start, end in spans:
        values[start:end] = [inside] * (end - start)
    return values
