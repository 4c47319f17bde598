"""What `backtest` does between its options and its report: a plan, a server, and the answers."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from rulecompiler.cli.output import repo_root
from rulecompiler.cli.progress import on_terminal

if TYPE_CHECKING:
    from rulecompiler.backtest.cases import Case, Cases
    from rulecompiler.backtest.grid import Window
    from rulecompiler.backtest.model import Backtest, Result
    from rulecompiler.deploy.asking_history import Asker
    from rulecompiler.deploy.settings import Target
    from rulecompiler.diagnostics import Diagnostic
    from rulecompiler.diff.model import Plan

_DEFAULT_INTERVAL = 60_000  # Prometheus' own, where the server does not tell its
_NOT_KNOWN_YET = -1  # no interval is equal to it
_ALWAYS_THERE = "up"
_INTERVAL_NOT_TOLD = "the server does not tell how often it evaluates rules by default: 1m is taken"


class Wish(NamedTuple):
    """What was asked for on the command line. Times are in milliseconds."""

    window: Window
    step: int | None
    most_queries: int
    most_series: int
    timeout_seconds: float
    most_seconds: float


def server_url(given: str | None) -> str:
    """The server to ask: the one given, else the one that settings or PROMETHEUS_URL name.

    Raises `diff_against.Refused` where that is none, or several (RC766).
    """
    from rulecompiler.cli.diff_against import Refused
    from rulecompiler.deploy import reading_settings
    from rulecompiler.diagnostics import Diagnostic

    if given:
        return given
    chosen = reading_settings.read_settings(repo_root(), os.environ)
    if isinstance(chosen, reading_settings.Refused):
        raise Refused(chosen.diagnostics, chosen.texts)
    named = [target for target in chosen.deploy.targets if target.kind == "prometheus"]
    if len(named) > 1:
        names = ", ".join(target.name for target in named[:5])
        message = f"the settings name {len(named)} servers ({names}), of which one is to be asked"
        raise Refused((Diagnostic("RC766", message, help="name one with --prometheus URL"),), {})
    if not named or not _is_said(named[0], chosen.texts):
        help_ = "name one with --prometheus URL, with PROMETHEUS_URL, or as `deploy.url` in rulecompiler.yaml"
        raise Refused((Diagnostic("RC766", "no server is named that could be asked", help=help_),), {})
    return named[0].url


def _is_said(target: Target, texts: Mapping[str, str]) -> bool:
    """Whether somebody wrote the target's URL; a default is nobody's word, and another might be there."""
    from rulecompiler import document
    from rulecompiler.deploy.settings_environment import variable
    from rulecompiler.deploy.settings_file import read_file
    from rulecompiler.inputs import SETTINGS_FILE
    from rulecompiler.model import Source

    if variable(os.environ, target.name, "URL") is not None:
        return True
    parsed, _ = document.parse(Source(SETTINGS_FILE, texts.get(SETTINGS_FILE, "")))
    drafts = read_file(parsed)[0] if parsed is not None else ()
    return any(draft.target.name == target.name and "url" in draft.origins for draft in drafts)


def backtest(plan: Plan, url: str, wish: Wish) -> Backtest | Diagnostic:
    """What the plan's alerts would have done; why not, where the server could be asked for nothing."""
    from rulecompiler.backtest.cases import cases_of
    from rulecompiler.backtest.grid import Window
    from rulecompiler.backtest.playing import play
    from rulecompiler.cli.target_sources import credentials_for
    from rulecompiler.deploy.asking_history import Asker, Bounds, history_begins
    from rulecompiler.deploy.range_queries import RangeServer

    window = wish.window
    cases = cases_of(plan, _NOT_KNOWN_YET)
    with RangeServer(url, credentials_for(url), wish.timeout_seconds) as server:
        bounds = Bounds(wish.most_queries, time.monotonic() + wish.most_seconds, wish.most_series)
        asker = Asker(server, bounds)
        if not cases.cases:
            return _report(plan, cases, wish, window, asker, [], [], [])
        interval = server.evaluation_interval()
        cases = cases_of(plan, interval or _DEFAULT_INTERVAL)
        remembered = asker.remember(_metrics(cases), window)
        begins = history_begins(asker, remembered, window)
        if begins is not None:
            window = Window(max(window.start, begins), window.end)
        steps = asker.plan(cases.cases, window, wish.step)
        with on_terminal("asking") as progress:
            results, left_out = play(asker, cases.cases, window, steps, remembered, cases.records, progress)
        if asker.gone is not None and not asker.answered:
            return asker.gone
        notes = [_INTERVAL_NOT_TOLD] if interval is None and wish.step is None and _by_default(plan) else []
        return _report(plan, cases, wish, window, asker, results, left_out, notes)


def _by_default(plan: Plan) -> bool:
    """Whether any alert of the plan is evaluated as often as the server likes."""
    sides = (rule for change in plan.changes for rule in (change.old, change.new) if rule is not None)
    return any(rule.kind == "alert" and rule.interval is None for rule in sides)


def _metrics(cases: Cases) -> tuple[str, ...]:
    from rulecompiler.backtest.cases import metrics_of

    return tuple(sorted({_ALWAYS_THERE, *metrics_of(cases.cases)}))


def _report(
    plan: Plan,
    cases: Cases,
    wish: Wish,
    window: Window,
    asker: Asker,
    results: list[Result],
    left_out: list[Case],
    notes: list[str],
) -> Backtest:
    from rulecompiler.backtest.model import Asked, Backtest, ordered
    from rulecompiler.backtest.playing import doubts
    from rulecompiler.backtest.words import duration, moment, plural
    from rulecompiler.diagnostics import Diagnostic, Severity

    diagnostics = [] if asker.gone is None else [asker.gone]
    missing = sum(len(case.changes) for case in left_out)
    if window.start > wish.window.start:
        lengths = f"of the {duration(wish.window.length)} asked for, {duration(window.length)} count"
        message = f"the server's history begins at {moment(window.start)} UTC: {lengths}"
        help_ = "ask a server that keeps more, such as the one behind its remote write"
        diagnostics.append(Diagnostic("RC760", message, help=help_, severity=Severity.WARNING))
    diagnostics += doubts(results)
    if missing:
        all_ = sum(len(case.changes) for case in cases.cases)
        message = f"{missing:,} of {plural(all_, 'alert')} left out, as {asker.exhausted}"
        help_ = "raise --max-queries or --max-time, or shorten --since"
        diagnostics.append(Diagnostic("RC764", message, help=help_, severity=Severity.WARNING))
    if plan.incomparable:
        groups = plural(len(plan.incomparable), "group")
        notes.append(f"{groups} could not be compared, as they do not compile: `rulecompiler diff` says why")
    return Backtest(
        plan.base,
        plan.head,
        Asked(asker.server.url, asker.server.asked, wish.most_queries, asker.answered),
        wish.window,
        window,
        ordered(results),
        cases.same,
        missing,
        len(plan.incomparable),
        tuple(notes),
        tuple(diagnostics),
    )
