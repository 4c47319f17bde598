from __future__ import annotations

import pytest

from rulecompiler.diagnostics import Severity
from tests.checks.linted import severities

BAD = [
    "sum(a) / sum(b) > 1",
    "sum(a) - 2 * sum(b) > 1",
    "100 * max by (j) (a) > count by (j) (b)",
    "sum(a) - sum(b) > 0\nfor: 0s",
]
GOOD = [
    "sum(a) / sum(b) > 1\nfor: 5m",
    "a / b > 1",
    "sum(a{c='1'}) / sum(a) > 1",
    "sum(rate(a[5m])) / sum(rate(b[5m])) > 1",
    "sum(a) > 1 and sum(b) > 1",
    "sum(a) / sum(rate(b[5m])) > 1",
    "record: r:x:y\nexpr: sum(a) / sum(b)\n",
]


@pytest.mark.parametrize("text", BAD)
def test_what_is_found(text: str) -> None:
    assert severities(text, "RC441") == [Severity.INFO]


@pytest.mark.parametrize("text", GOOD)
def test_what_is_left_alone(text: str) -> None:
    assert severities(text, "RC441") == []
