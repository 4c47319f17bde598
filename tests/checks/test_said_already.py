from __future__ import annotations

import pytest

from tests.checks.linted import found

BAD = [
    ["rules: {A: {params: {t: 9}}}", "parent: g\nrules: {A: {params: {t: 9}}}"],
    ["rules: {A: {for: 9m}}", "parent: g\nrules: {A: {for: 9m}}"],
    ["params: {t: 9}\nrules: {A: {}}", "parent: g\nrules: {A: {params: {t: 9}}}"],
]
GOOD = [
    ["rules: {A: {params: {t: 9}}}", "parent: g\nrules: {A: {params: {t: 8}}}"],
    ["rules: {A: {}}", "parent: g\nrules: {A: {params: {t: 80}, for: 5m}}"],
    ["rules: {A: {params: {t: 9}}}", "parent: g\nrules: {A: {params: {t: null}}}"],
    ["rules: {A: {params: {t: 9}}}", "parent: g\nrules: {B: {template: A, params: {t: 9}}}"],
]


@pytest.mark.parametrize("groups", BAD)
def test_what_is_found(groups: list[str]) -> None:
    assert len(found("RC424", *groups)) == 1


@pytest.mark.parametrize("groups", GOOD)
def test_what_is_left_alone(groups: list[str]) -> None:
    assert found("RC424", *groups) == []
