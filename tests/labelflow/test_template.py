from __future__ import annotations

import pytest

from rulecompiler.labelflow.template import keeps, template_flow
from tests.helpers import decoded

PARAMS = "params: {t: {type: number, default: 1}, w: {type: string, format: duration, default: 5m}}\n"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("expr: x", True),
        ("expr: sum by (dc) (x)", True),
        ("expr: sum by (job) (x)", False),
        ("expr: sum without (job) (x)", True),
        ("expr: sum by (job) (x) or x", None),
        ("expr: sum by (dc) (label_replace(x, 'dc', '$1', 'a', 'b'))", None),
        ("scope: false\nexpr: x", None),
        ("unscoped: [x]\nexpr: x + y", True),
        (PARAMS + "expr: sum by (dc) (rate(x[${w}])) * ${t}", True),
        ("params: {t: {type: number}}\nexpr: x * ${t}", None),
        ("params: {by: {type: string, format: label, default: dc}}\nexpr: sum by (${by}) (x)", None),
        ("params: {q: {type: string, format: promql, default: x}}\nexpr: sum by (dc) (${q})", None),
        ("expr: '{% if true %}x{% endif %}'", None),
    ],
)
def test_whether_a_record_keeps_a_label(text: str, kept: bool | None) -> None:
    assert keeps(decoded(f"record: r:x\n{text}\n"), "dc") is kept


def test_a_query_at_fault_says_nothing() -> None:
    assert template_flow(decoded("record: r:x\nexpr: sum(\n")) is None
