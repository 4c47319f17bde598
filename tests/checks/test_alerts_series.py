from __future__ import annotations

import pytest

from rulecompiler.diagnostics import Severity
from tests.checks.linted import severities

BAD = [
    "x > 1 unless on (job) ALERTS{alertname='A'}",
]
GOOD = [
    "x > 1 unless on (job) ALERTS{alertname='B'}",
    "x > 1 unless on (job) ALERTS{alertname=~'A_.+'}",
]


@pytest.mark.parametrize("text", BAD)
def test_what_is_found(text: str) -> None:
    assert len(severities(text, "RC421")) == 1


@pytest.mark.parametrize("text", GOOD)
def test_what_is_left_alone(text: str) -> None:
    assert severities(text, "RC421") == []


def test_it_is_never_an_error() -> None:
    assert Severity.ERROR not in [s for text in BAD for s in severities(text, "RC421")]


def test_plain_names_are_in_alerts() -> None:
    assert severities("x > 1 unless on (job) ALERTS{alertname='A'}", "RC421", alert_names="plain") == []
