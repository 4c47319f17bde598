from __future__ import annotations

from tests.checks.linted import SHELF, found
from tests.helpers import alert, lint_texts, repo

TESTED = """
tests:
  - name: it fires
    input_series: [{series: 'A_metric', values: '2x10'}]
    alert_rule_test: [{eval_time: 5m, exp_alerts: [{}]}]
"""


def test_each_alert_without_a_test_is_named() -> None:
    alerts = sum(text.startswith("alert") for text in SHELF.values())
    assert len(found("RC429", "rules: {F: {}, plain: {}}")) == alerts


def test_one_with_a_test_is_not() -> None:
    files = repo({"A": alert("A") + TESTED, "B": alert("B")}, {"g": "rules: {A: {}, B: {}}"})
    messages = [d.message for d in lint_texts(files) if d.code == "RC429"]
    assert messages == ["the alert `B` has no unit test"]
