from __future__ import annotations

import pytest

from rulecompiler.diagnostics import Severity
from tests.checks.linted import severities

BAD = [
    "rate(sum(x_total)[5m:]) > 1",
    "increase(rate(x_total[5m])[1h:]) > 1",
    "rate((a_total + b_total)[5m:]) > 1",
]
GOOD = [
    "rate(x_total[5m:1m]) > 1",
    "max_over_time(sum(rate(x_total[5m]))[1h:]) > 1",
    "rate(max(x_total)[5m:]) > 1",
    "rate((x_total * 2)[5m:]) > 1",
]


@pytest.mark.parametrize("text", BAD)
def test_what_is_found(text: str) -> None:
    assert len(severities(text, "RC408")) == 1


@pytest.mark.parametrize("text", GOOD)
def test_what_is_left_alone(text: str) -> None:
    assert severities(text, "RC408") == []


def test_it_is_never_an_error() -> None:
    assert Severity.ERROR not in [s for text in BAD for s in severities(text, "RC408")]
