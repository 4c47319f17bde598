from __future__ import annotations

import pytest

from tests.checks.linted import found

BASE = "rules: {A: {params: {t: 9}}, L: {}}"


@pytest.mark.parametrize(
    "group",
    [
        "rules: {A: {enabled: false}, B: {template: A, params: {t: 9}}}",
        "rules: {A: {enabled: false}, B: {template: A, params: {t: 9}, for: 5m}}",
    ],
)
def test_what_is_found(group: str) -> None:
    assert len(found("RC434", BASE, f"parent: g\n{group}")) == 1


@pytest.mark.parametrize(
    "group",
    [
        "rules: {A: {enabled: false}, B: {template: A, params: {t: 8}}}",
        "rules: {A: {enabled: false}, B: {template: A, params: {t: 9}, labels: {team: b}}}",
        "rules: {A: {enabled: false}, B: {template: A, params: {t: 9}, where: {dc: a}}}",
        "rules: {A: {enabled: false}, B: {template: A, params: {t: 9}, enabled: false}}",
        "rules: {A: {enabled: false}, L: {}}",
        "rules: {B: {template: A, params: {t: 9}}}",
    ],
)
def test_what_is_left_alone(group: str) -> None:
    assert found("RC434", BASE, f"parent: g\n{group}") == []
