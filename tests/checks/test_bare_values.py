from __future__ import annotations

import pytest

from rulecompiler.diagnostics import Severity
from tests.checks.linted import severities

BAD = [
    "expr: a / b > 1\nannotations: {summary: '{{ $value }}', runbook_url: u}\n",
    "expr: rate(x[5m]) > 1\nannotations: {summary: '{{ $value }}', runbook_url: u}\n",
    "expr: (avg by (a) (x) > 1) * on (b) y\nannotations: {summary: '{{ $value }}', runbook_url: u}\n",
    "expr: x_bytes > 1\nannotations: {summary: '{{ $value }}', runbook_url: u}\n",
    "expr: time() - x > 1\nannotations: {summary: '{{ $value }}', runbook_url: u}\n",
    "expr: sum(increase(x[1h])) > 1\nannotations: {summary: '{{ $value }}', runbook_url: u}\n",
    "expr: a / b > 1 or c\nannotations: {summary: '{{ $value }}', runbook_url: u}\n",
    "expr: max_over_time((a / b)[5m:]) > 1\nannotations: {summary: '{{ $value }}', runbook_url: u}\n",
    "expr: a / b > 1\nannotations: {summary: '{{$value}}%', runbook_url: u}\n",
    "expr: a / b > 1\nannotations: {summary: '{{- .Value -}}', runbook_url: u}\n",
]
GOOD = [
    "expr: x > 1\nannotations: {summary: '{{ $value }}', runbook_url: u}\n",
    "expr: count(a / b) > 1\nannotations: {summary: '{{ $value }}', runbook_url: u}\n",
    "expr: a / b == 1\nannotations: {summary: '{{ $value }}', runbook_url: u}\n",
    "expr: round(a / b) > 1\nannotations: {summary: '{{ $value }}', runbook_url: u}\n",
    "expr: x > a / b\nannotations: {summary: '{{ $value }}', runbook_url: u}\n",
    "expr: x and a / b > 1\nannotations: {summary: '{{ $value }}', runbook_url: u}\n",
    "expr: changes(x[5m]) > 1\nannotations: {summary: '{{ $value }}', runbook_url: u}\n",
    "expr: a / b > bool 1\nannotations: {summary: '{{ $value }}', runbook_url: u}\n",
    "expr: a / b > 1\nannotations: {summary: '{{ $value | humanize }}', runbook_url: u}\n",
    "expr: a / b > 1\nannotations: {summary: '{{ printf \"%.2f\" $value }}', runbook_url: u}\n",
    "expr: a / b > 1\nannotations: {summary: '{{ if gt $value 2.0 }}much{{ end }}', runbook_url: u}\n",
    "record: r:x:y\nexpr: a / b\n",
]


@pytest.mark.parametrize("text", BAD)
def test_what_is_found(text: str) -> None:
    assert severities(text, "RC435") == [Severity.INFO]


@pytest.mark.parametrize("text", GOOD)
def test_what_is_left_alone(text: str) -> None:
    assert severities(text, "RC435") == []
