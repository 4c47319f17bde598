from __future__ import annotations

import pytest

from tests.helpers import lint_texts, repo

LABELS = "labels: {severity: warning}\n"
ONE = "alert: A\nparams: {t: {type: number, default: 80}}\nexpr: x{a='1', b='2'} > ${t}\nfor: 5m\n" + LABELS


def found(second: str) -> list[str]:
    files = repo({"A": ONE, "B": second}, {"g": "rules: {A: {}, B: {}}"})
    return [d.message for d in lint_texts(files) if d.code == "RC431"]


@pytest.mark.parametrize(
    "second",
    [
        ONE.replace("alert: A", "alert: B"),
        "alert: B\nexpr: |\n  x{b='2',a='1'}\n    > 80.0\nfor: 5m\n" + LABELS,
        ONE.replace("alert: A", "alert: B").replace("${t}", "${t} # why") + "annotations: {summary: other}\n",
    ],
)
def test_what_is_found(second: str) -> None:
    assert found(second) == ["the template `B` says what `A` says"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("80", "81"),
        ("for: 5m", "for: 6m"),
        ("warning", "critical"),
        ("x{", "y{"),
        (", default: 80", ""),
        ("for: 5m", "for: 5m\nscope: false"),
        ("alert: A", "record: b:x:y"),
    ],
)
def test_what_is_left_alone(old: str, new: str) -> None:
    second = (
        ONE.replace("alert: A", "alert: B")
        .replace(old, new)
        .replace("alert: B", new if "record" in new else "alert: B")
    )
    if "record" in new:
        second = second.replace("for: 5m\n", "")
    files = repo({"A": ONE, "B": second}, {"g": "rules: {A: {}}"})
    assert [d for d in lint_texts(files) if d.code == "RC431"] == []


def test_records_of_two_names() -> None:
    records = {name: f"record: a:{name}:sum\nexpr: sum by (a) (x)\n" for name in ("R", "S", "T")}
    records["T"] += "labels: {dc: b}\n"
    files = repo(records, {"g": "rules: {'a:R:sum': {}, 'a:S:sum': {}}"})
    messages = [d.message for d in lint_texts(files) if d.code == "RC431"]
    assert messages == ["the template `S` says what `R` says"]
