from __future__ import annotations

import pytest

from rulecompiler.diagnostics import Severity
from tests.checks.linted import severities

BAD = [
    "x{a=~'b'} > 1",
    "x{a!~'b'} > 1",
    "x{a=~'^b.+'} > 1",
    "x{a=~'b.+$'} > 1",
    "x{a=~'.*'} > 1",
]
GOOD = [
    "x{a=~'b|c'} > 1",
    "x{a=~'b.*'} > 1",
    "x{a=~'.+'} > 1",
    "x{a='^b$'} > 1",
    "x{a=~'b\\\\$'} > 1",
    "x{a=~'a.b'} > 1",
    "params: {p: {type: string, format: regex, default: b}}\nexpr: x{a=~'${p}'} > 1\n",
]


@pytest.mark.parametrize("text", BAD)
def test_what_is_found(text: str) -> None:
    assert len(severities(text, "RC415")) == 1


@pytest.mark.parametrize("text", GOOD)
def test_what_is_left_alone(text: str) -> None:
    assert severities(text, "RC415") == []


def test_it_is_never_an_error() -> None:
    assert Severity.ERROR not in [s for text in BAD for s in severities(text, "RC415")]


def test_what_leaves_nothing_is_worse() -> None:
    assert severities("x{a!~'.*'} > 1", "RC415") == [Severity.WARNING]
