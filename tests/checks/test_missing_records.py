from __future__ import annotations

import pytest

from tests.checks.linted import found

BAD = [
    ["rules: {C: {}}"],
    ["rules: {C: {}, 'job:x:sum': {enabled: false}}"],
    ["rules: {C: {}}", "rules: {'job:x:sum': {}}"],
]
GOOD = [
    ["rules: {F: {}}"],
    ["rules: {C: {}, 'job:x:sum': {}}"],
    ["rules: {'job:x:sum': {}}", "parent: g\nrules: {C: {}}"],
    ["abstract: true\nrules: {C: {}}"],
    ["rules: {D: {}, E: {}, S: {}, N: {}}"],
]


@pytest.mark.parametrize("groups", BAD)
def test_what_is_found(groups: list[str]) -> None:
    assert len(found("RC426", *groups)) == 1


@pytest.mark.parametrize("groups", GOOD)
def test_what_is_left_alone(groups: list[str]) -> None:
    assert found("RC426", *groups) == []
