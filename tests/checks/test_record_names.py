from __future__ import annotations

import pytest

from rulecompiler.diagnostics import Severity
from tests.checks.linted import RATE, severities

BAD = [
    "record: A\nexpr: sum(x)\n",
    "record: A:b:c:d:e\nexpr: sum(x)\n",
]
GOOD = [
    "record: r:x:y\nexpr: sum(x)\n",
    RATE,
]


@pytest.mark.parametrize("text", BAD)
def test_what_is_found(text: str) -> None:
    assert len(severities(text, "RC420")) == 1


@pytest.mark.parametrize("text", GOOD)
def test_what_is_left_alone(text: str) -> None:
    assert severities(text, "RC420") == []


def test_it_is_never_an_error() -> None:
    assert Severity.ERROR not in [s for text in BAD for s in severities(text, "RC420")]
