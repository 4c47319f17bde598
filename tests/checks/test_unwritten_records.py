from __future__ import annotations

import pytest

from tests.helpers import alert, lint_texts, repo

RECORD = "record: job:x:sum\nexpr: sum by (job) (x)\n"


def found(expr: str, rules: str = "", more: str = "scope: false\n", record: str = RECORD) -> list[str]:
    asks = f"alert: A\n{more}expr: {expr}\nlabels: {{severity: warning}}\n"
    files = repo({"A": asks, "R": record}, {"g": f"rules: {{A: {{}}{rules}}}"})
    return [d.message for d in lint_texts(files) if d.code == "RC438"]


NOBODY = "no group compiles the record `job:x:sum` that is asked for here"


def test_a_record_that_no_group_compiles() -> None:
    assert found("job:x:sum > 1") == [NOBODY]
    assert found("job:x:sum > 1", ", 'job:x:sum': {enabled: false}") == [NOBODY]
    assert found("x > on (job) job:x:sum", more="unscoped: ['job:x:sum']\n") == [NOBODY]
    assert found("job:x:sum > 1", record=RECORD + "scope: false\n", more="") == [NOBODY]


@pytest.mark.parametrize("name", ["job:x:sums", "job:xx:sum", "job:x:smu", "jb:x:sum", "job:y:sum"])
def test_a_name_that_is_nearly_one(name: str) -> None:
    assert found(f"{name} > 1") == [f"no template makes the record `{name}` that is asked for here"]


@pytest.mark.parametrize("name", ["job:x:rate5m", "cluster:x:sum", "x_total", "job:x:sum_of_all"])
def test_what_may_come_from_elsewhere(name: str) -> None:
    assert found(f"{name} > 1") == []


def test_what_is_compiled_is_there() -> None:
    assert found("job:x:sum > 1", ", 'job:x:sum': {}") == []


def test_within_a_scope_another_check_tells_of_it() -> None:
    assert found("job:x:sum > 1", more="") == []


def test_a_template_that_no_group_uses_asks_nobody() -> None:
    asks = "alert: A\nscope: false\nexpr: job:x:sum > 1\nlabels: {severity: warning}\n"
    files = repo({"A": asks, "R": RECORD, "B": alert("B")}, {"g": "rules: {B: {}}"})
    assert "RC438" not in {d.code for d in lint_texts(files)}
