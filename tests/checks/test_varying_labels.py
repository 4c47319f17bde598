from __future__ import annotations

import pytest

from rulecompiler.diagnostics import Severity
from tests.checks.linted import severities

BAD = [
    "expr: x > 1\nlabels: {severity: warning, v: '{{ $value }}'}\n",
    "expr: x > 1\nfor: 5m\nlabels: {severity: warning, v: '{{ printf \"%f\" .Value }}'}\n",
    "expr: x > 1\nlabels: {severity: warning, v: 'a {{ $value | humanize }}'}\n",
]
GOOD = [
    "expr: x > 1\nlabels: {severity: '{{ if gt $value 5.0 }}critical{{ else }}warning{{ end }}'}\n",
    "expr: x > 1\nlabels: {severity: warning, v: '{{ $labels.value }}'}\n",
    "expr: x > 1\nannotations: {summary: '{{ $value }}', runbook_url: u}\n",
    "record: r:x:y\nexpr: x\nlabels: {v: '{{ $value }}'}\n",
]


@pytest.mark.parametrize("text", BAD)
def test_what_is_found(text: str) -> None:
    assert len(severities(text, "RC417")) == 1


@pytest.mark.parametrize("text", GOOD)
def test_what_is_left_alone(text: str) -> None:
    assert severities(text, "RC417") == []


def test_it_is_never_an_error() -> None:
    assert Severity.ERROR not in [s for text in BAD for s in severities(text, "RC417")]
