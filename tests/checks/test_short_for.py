from __future__ import annotations

import pytest

from tests.checks.linted import found

BAD = [
    ["interval: 10m\nrules: {A: {}}"],
    ["interval: 10m\nrules: {A: {for: 9m}}"],
]
GOOD = [
    ["rules: {A: {}}"],
    ["interval: 5m\nrules: {A: {}}"],
    ["interval: 10m\nrules: {L: {}}"],
]


@pytest.mark.parametrize("groups", BAD)
def test_what_is_found(groups: list[str]) -> None:
    assert len(found("RC422", *groups)) == 1


@pytest.mark.parametrize("groups", GOOD)
def test_what_is_left_alone(groups: list[str]) -> None:
    assert found("RC422", *groups) == []
