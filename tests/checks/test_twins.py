from __future__ import annotations

import pytest

from tests.checks.linted import found

BAD = [
    ["rules: {A: {}, B: {template: A}}"],
    ["rules: {A: {}, B: {template: A, params: {t: 80}}}"],
]
GOOD = [
    ["rules: {A: {}, B: {template: A, params: {t: 81}}}"],
    ["rules: {A: {}, B: {template: A, for: 6m}}"],
    ["rules: {A: {}, B: {template: A, labels: {team: b}}}"],
    ["rules: {A: {}, B: {template: A, where: {dc: a}}}"],
    ["rules: {A: {}, B: {template: A, enabled: false}}"],
    ["rules: {A: {}}", "rules: {A: {}}"],
]


@pytest.mark.parametrize("groups", BAD)
def test_what_is_found(groups: list[str]) -> None:
    assert len(found("RC425", *groups)) == 1


@pytest.mark.parametrize("groups", GOOD)
def test_what_is_left_alone(groups: list[str]) -> None:
    assert found("RC425", *groups) == []
