from __future__ import annotations

import pytest

from rulecompiler.diagnostics import Severity
from tests.checks.linted import severities

BAD = [
    "x_total > 5",
    "5 < x_total",
    "sum by (a) (x_total) >= 5",
    "max(x_total{a='b'}) > 1e9",
]
GOOD = [
    "x_total > 0",
    "x_total == 5",
    "rate(x_total[5m]) > 5",
    "x_total - x_total offset 1h > 5",
    "changes(x_total[5m]) > 2",
    "count(x_total) > 5",
    "x_total offset 1h > 5",
    "timestamp(x_total) > 5",
    "a_total / b_total > 0.5",
    "job:x_total > 5",
    "x_created > 5",
    "(time() - x_total) > 5",
]


@pytest.mark.parametrize("text", BAD)
def test_what_is_found(text: str) -> None:
    assert len(severities(text, "RC406")) == 1


@pytest.mark.parametrize("text", GOOD)
def test_what_is_left_alone(text: str) -> None:
    assert severities(text, "RC406") == []


def test_it_is_never_an_error() -> None:
    assert Severity.ERROR not in [s for text in BAD for s in severities(text, "RC406")]
