from __future__ import annotations

import pytest

from rulecompiler.diagnostics import Severity
from tests.checks.linted import severities

BAD = [
    "x",
    "rate(x[5m])",
    "x > bool 1",
    "x > 1 or y",
    "sum(x) / sum(y)",
    "-x",
]
GOOD = [
    "x > 1",
    "x unless y",
    "x and y",
    "absent(x)",
    "scope: false\nexpr: vector(1)\n",
    "ALERTS{alertstate='firing'}",
    "sum(x > 1)",
    "record: r:x:y\nexpr: x\n",
    "scope: false\nexpr: 1 == bool 1\n",
]


@pytest.mark.parametrize("text", BAD)
def test_what_is_found(text: str) -> None:
    assert len(severities(text, "RC405")) == 1


@pytest.mark.parametrize("text", GOOD)
def test_what_is_left_alone(text: str) -> None:
    assert severities(text, "RC405") == []


def test_it_is_never_an_error() -> None:
    assert Severity.ERROR not in [s for text in BAD for s in severities(text, "RC405")]
