from __future__ import annotations

import pytest

from rulecompiler.checks.subject import LintSettings
from rulecompiler.diagnostics import Severity
from tests.checks.linted import severities

BAD = [
    "rate(x[20s]) > 1",
    "increase(x[1s]) > 1",
    "deriv(x[29s]) > 1",
]
GOOD = [
    "rate(x[1m]) > 1",
    "avg_over_time(x[5s]) > 1",
    "rate(x[30s:1s]) > 1",
    "rate(x[1s + 1s]) > 1",
]


@pytest.mark.parametrize("text", BAD)
def test_what_is_found(text: str) -> None:
    assert len(severities(text, "RC409")) == 1


@pytest.mark.parametrize("text", GOOD)
def test_what_is_left_alone(text: str) -> None:
    assert severities(text, "RC409") == []


def test_it_is_never_an_error() -> None:
    assert Severity.ERROR not in [s for text in BAD for s in severities(text, "RC409")]


def test_windows_depend_on_the_scrape_interval() -> None:
    slow = LintSettings(scrape_interval=60.0)
    assert severities("rate(x[1m]) > 1", "RC409") == []
    assert severities("rate(x[1m]) > 1", "RC409", slow) == [Severity.WARNING]
    assert severities("rate(x[3m]) > 1", "RC409", slow) == [Severity.INFO]
    assert severities("rate(x[40s]) > 1", "RC409") == [Severity.INFO]
