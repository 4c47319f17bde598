from __future__ import annotations

import pytest

from rulecompiler.diagnostics import Severity
from tests.checks.linted import severities

BAD = [
    "rate(x{code='500'}[5m]) / rate(x[5m]) > 0.1",
    "x{a='1'} / x > 0.1",
    "sum(abs(x{a='1'}) / abs(x)) > 1",
]
GOOD = [
    "sum(x{a='1'}) / sum(x) > 1",
    "rate(x[5m]) / rate(x[1h]) > 2",
    "x / x offset 1h > 2",
    "x{a='1'} / ignoring (a) x{a='2'} > 1",
    "x{a='1'} / on (b) x > 1",
    "x / y > 1",
    "max_over_time(x[1h]) / min_over_time(x[1h]) > 2",
    "rate(x[5m]) / x > 1",
]


@pytest.mark.parametrize("text", BAD)
def test_what_is_found(text: str) -> None:
    assert len(severities(text, "RC413")) == 1


@pytest.mark.parametrize("text", GOOD)
def test_what_is_left_alone(text: str) -> None:
    assert severities(text, "RC413") == []


def test_it_is_never_an_error() -> None:
    assert Severity.ERROR not in [s for text in BAD for s in severities(text, "RC413")]
