from __future__ import annotations

import pytest

from rulecompiler.diagnostics import Severity
from tests.checks.linted import severities

BAD = [
    "avg(a / b) > 1",
    "avg by (job) (100 * (a / b)) > 1",
]
GOOD = [
    "avg(a) / avg(b) > 1",
    "avg(a / 100) > 1",
    "max(a / b) > 1",
]


@pytest.mark.parametrize("text", BAD)
def test_what_is_found(text: str) -> None:
    assert len(severities(text, "RC414")) == 1


@pytest.mark.parametrize("text", GOOD)
def test_what_is_left_alone(text: str) -> None:
    assert severities(text, "RC414") == []


def test_it_is_never_an_error() -> None:
    assert Severity.ERROR not in [s for text in BAD for s in severities(text, "RC414")]
