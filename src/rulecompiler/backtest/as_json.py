"""A backtest as data for other programs; docs/json.md describes it. Times are RFC 3339, durations seconds."""

from __future__ import annotations

from typing import Any

from rulecompiler.backtest.model import Absent, Backtest, Fired, Outcome, Result, Unknown
from rulecompiler.backtest.words import rfc3339, summary
from rulecompiler.diagnostics import Diagnostic, Span
from rulecompiler.diff.model import RuleChange, SideName

VERSION = 1
"""Rises when a key changes its meaning; new keys do not count."""

_MOST_FIRINGS = 100


def as_data(found: Backtest) -> dict[str, Any]:
    """The backtest as dicts, lists and scalars."""
    return {
        "version": VERSION,
        "summary": summary(found),
        "base": _side(found.base),
        "head": _side(found.head),
        "server": found.asked.url,
        "queries": found.asked.queries,
        "since": rfc3339(found.wanted.start),
        "until": rfc3339(found.wanted.end),
        "history_since": rfc3339(found.window.start),
        "same": found.same,
        "left_out": found.left_out,
        "unknown": found.unknown,
        "incomparable": found.incomparable,
        "notes": list(found.notes),
        "results": [_result(result) for result in found.results],
        "diagnostics": [_diagnostic(fault) for fault in found.diagnostics],
    }


def _side(name: SideName) -> dict[str, Any]:
    return {"label": name.label, "commit": name.commit or None, "note": name.note}


def _result(result: Result) -> dict[str, Any]:
    return {
        "verdict": result.verdict,
        "rules": [_rule(change) for change in result.case.changes],
        "old": _outcome(result.old),
        "new": _outcome(result.new),
        "notes": list(result.notes),
    }


def _rule(change: RuleChange) -> dict[str, Any]:
    rule = change.rule
    return {"action": change.action.value, "group": rule.group_id, "rule": rule.key, "name": rule.name}


def _outcome(outcome: Outcome) -> dict[str, Any] | None:
    if isinstance(outcome, Absent):
        return None
    if isinstance(outcome, Unknown):
        return {"known": False, "reason": outcome.reason, "code": outcome.code}
    return {
        "known": True,
        "step_seconds": outcome.step / 1000,
        "firings": outcome.firings,
        "series": outcome.series,
        "longest_seconds": outcome.longest / 1000,
        "total_seconds": outcome.total / 1000,
        "first": None if outcome.first is None else rfc3339(outcome.first),
        "last": None if outcome.last is None else rfc3339(outcome.last),
        "constant": outcome.is_constant,
        "times": _times(outcome),
        "times_left_out": max(0, outcome.firings - _MOST_FIRINGS),
    }


def _times(outcome: Fired) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for labels, firings in outcome.by_series.items():
        for firing in firings[: _MOST_FIRINGS - len(found)]:
            found.append(
                {
                    "labels": dict(labels),
                    "start": rfc3339(firing.start),
                    "end": rfc3339(firing.end),
                    "began_before": firing.began_before,
                    "goes_on": firing.goes_on,
                }
            )
        if len(found) == _MOST_FIRINGS:
            break
    return found


def _diagnostic(fault: Diagnostic) -> dict[str, Any]:
    place = fault.place if isinstance(fault.place, Span) else None
    return {
        "code": fault.code,
        "severity": fault.severity.value,
        "message": fault.message,
        "path": None if place is None else place.path,
        "line": None if place is None else place.line,
        "column": None if place is None else place.column,
        "help": fault.help,
    }
