from __future__ import annotations

import pytest

from rulecompiler.diagnostics import Severity
from tests.checks.linted import severities

BAD = [
    "absent(x)",
    "topk(3, x) > 1",
    "absent(x)\nfor: 0s",
]
GOOD = [
    "absent_over_time(x[5m])",
    "topk(3, x) > 1\nfor: 5m",
    "absent(x)\nfor: 5m",
    "max(x) > 1",
]


@pytest.mark.parametrize("text", BAD)
def test_what_is_found(text: str) -> None:
    assert len(severities(text, "RC416")) == 1


@pytest.mark.parametrize("text", GOOD)
def test_what_is_left_alone(text: str) -> None:
    assert severities(text, "RC416") == []


def test_it_is_never_an_error() -> None:
    assert Severity.ERROR not in [s for text in BAD for s in severities(text, "RC416")]
