from __future__ import annotations

import pytest

from rulecompiler.diagnostics import Severity
from tests.checks.linted import severities

BAD = [
    "x{a='1'} / y{a='2'} > 1",
    "x / sum(y) > 1",
    "x unless sum by (job) (y{job='b'})",
]
GOOD = [
    "x / y > 1",
    "x / on (job) sum by (job) (y) > 1",
    "sum(x) / sum(y) > 1",
    "x{a='1'} / ignoring (a) y{a='2'} > 1",
    "sum by (group_id) (x) / sum by (group_id) (y) > 1",
    "x{a='1'} or y{a='2'} > 1",
    "x > 1 and on () sum(y) > 1",
]


@pytest.mark.parametrize("text", BAD)
def test_what_is_found(text: str) -> None:
    assert len(severities(text, "RC411")) == 1


@pytest.mark.parametrize("text", GOOD)
def test_what_is_left_alone(text: str) -> None:
    assert severities(text, "RC411") == []


def test_only_what_can_never_work_is_an_error() -> None:
    assert severities("x{a='1'} / y{a='2'} > 1", "RC411") == [Severity.ERROR]
    assert severities("x{a='1'} / y{a='2'} > 1 or x > 1", "RC411") == [Severity.WARNING]
    assert severities("sum by (a) (x) / sum by (a, b) (y) > 1", "RC411") == [Severity.INFO]
