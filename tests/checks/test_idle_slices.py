from __future__ import annotations

import pytest

from rulecompiler.diagnostics import Severity
from tests.checks.linted import found


@pytest.mark.parametrize(
    ("group", "severity"),
    [
        ("rules: {A: {}, B: {template: A, where: {dc: a}}}", Severity.WARNING),
        ("rules: {A: {}, B: {template: A, where: {dc: a}, instead_of: A}}", Severity.INFO),
        ("rules: {A: {params: {t: 9}}, B: {template: A, where: {dc: a}, params: {t: 9}}}", Severity.WARNING),
    ],
)
def test_what_is_found(group: str, severity: Severity) -> None:
    assert [d.severity for d in found("RC433", group)] == [severity]


@pytest.mark.parametrize(
    "group",
    [
        "rules: {A: {}, B: {template: A, where: {dc: a}, params: {t: 81}}}",
        "rules: {A: {}, B: {template: A, where: {dc: a}, for: 6m, instead_of: A}}",
        "rules: {A: {}, B: {template: A, where: {dc: a}, labels: {team: b}}}",
        "rules: {A: {}, B: {template: A}}",
        "rules: {A: {enabled: false}, B: {template: A, where: {dc: a}}}",
        "rules: {C: {template: A, where: {dc: b}}, B: {template: A, where: {dc: a}}}",
    ],
)
def test_what_is_left_alone(group: str) -> None:
    assert found("RC433", group) == []
