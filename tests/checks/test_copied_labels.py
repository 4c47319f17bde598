from __future__ import annotations

import pytest

from rulecompiler.diagnostics import Severity
from tests.checks.linted import severities

BAD = [
    "x * on (a) group_left (b) sum by (a) (y) > 1",
    "sum by (a) (y) * on (a) group_right (b) x > 1",
]
GOOD = [
    "x * on (a) group_left (b) y > 1",
    "x * on (a) group_left sum by (a) (y) > 1",
]


@pytest.mark.parametrize("text", BAD)
def test_what_is_found(text: str) -> None:
    assert len(severities(text, "RC412")) == 1


@pytest.mark.parametrize("text", GOOD)
def test_what_is_left_alone(text: str) -> None:
    assert severities(text, "RC412") == []


def test_it_is_never_an_error() -> None:
    assert Severity.ERROR not in [s for text in BAD for s in severities(text, "RC412")]
