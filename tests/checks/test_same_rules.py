from __future__ import annotations

import pytest

from rulecompiler.diagnostics import Severity
from tests.helpers import lint_texts, repo

LABELS = "labels: {severity: warning}\n"
SHELF = {
    "A": "alert: A\nparams: {t: {type: number, default: 50}}\nexpr: x > ${t}\nfor: 5m\n" + LABELS,
    "B": "alert: B\nexpr: x > 80\nfor: 5m\n" + LABELS,
    "R": "record: a:r:sum\nexpr: sum by (a) (x)\n",
    "S": "record: a:s:sum\nexpr: sum by (a) (x)\n",
}


def found(group: str) -> list[Severity]:
    return [d.severity for d in lint_texts(repo(SHELF, {"g": group})) if d.code == "RC432"]


def test_what_is_found() -> None:
    assert found("rules: {A: {params: {t: 80}}, B: {}}") == [Severity.WARNING]
    assert found("rules: {A: {params: {t: 80}}, B: {for: 300s}}") == [Severity.WARNING]
    assert found("rules: {'a:r:sum': {}, 'a:s:sum': {}}") == [Severity.INFO]


@pytest.mark.parametrize(
    "group",
    [
        "rules: {A: {}, B: {}}",
        "rules: {A: {params: {t: 80}}, B: {for: 6m}}",
        "rules: {A: {params: {t: 80}}, B: {labels: {severity: critical}}}",
        "rules: {A: {params: {t: 80}}, B: {labels: {team: b}}}",
        "rules: {A: {params: {t: 80}}, B: {where: {dc: a}}}",
        "rules: {A: {params: {t: 80}}, B: {enabled: false}}",
        "rules: {A: {params: {t: 80}}, A2: {template: A, params: {t: 80}}}",
        "rules: {'a:r:sum': {}, 'a:s:sum': {labels: {l: b}}}",
    ],
)
def test_what_is_left_alone(group: str) -> None:
    assert found(group) == []


def test_the_third_is_told_of_once() -> None:
    shelf = {**SHELF, "C": SHELF["B"].replace("alert: B", "alert: C")}
    files = repo(shelf, {"g": "rules: {A: {params: {t: 80}}, B: {}, C: {}}"})
    assert len([d for d in lint_texts(files) if d.code == "RC432"]) == 2
