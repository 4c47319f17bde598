"""Templates' tests become promtool's, and promtool's answers come back at the authors' lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from rulecompiler.diagnostics import Diagnostic, Pointer
from rulecompiler.model import Matcher, Rule, RuleGroup, RuleSet, Template
from rulecompiler.promql import ScopedQuery, scope_text
from rulecompiler.promtool import run_tests
from rulecompiler.promtool_output import Failure, UnitResult
from rulecompiler.unittests.build import Case, Means, build, metric_name, untested
from rulecompiler.unittests.parts import milliseconds
from rulecompiler.unittests.verdicts import verdicts

SCOPE = {"group_id": "test"}
ENTRY = Pointer("test", ())


def template(tests: Sequence[Mapping[str, Any]], **changes: Any) -> Template:
    made = Template(
        path="alerts/templates/node/NodeDown.yaml",
        name="node/NodeDown",
        kind="alert",
        rule="NodeDown",
        category="node",
        params={},
        expr="up == 0",
        for_="2m",
        keep_firing_for=None,
        labels={"severity": "critical", "where": "{{ $labels.job }}"},
        annotations={"summary": "{{ $labels.instance }} is down", "value": "{{ $value }}"},
        scope=True,
        unscoped=frozenset(),
        requires=(),
        tests=tuple(tests),
    )
    return replace(made, **changes)


RECORD: dict[str, Any] = {
    "kind": "record",
    "rule": "job:up:sum",
    "expr": "sum by (job, group_id) (up)",
    "for_": None,
    "labels": {"kind": "sum"},
    "annotations": {},
}


def compile_test(
    made: Template, params: Mapping[str, Any], keep: frozenset[str]
) -> tuple[RuleSet, ...] | tuple[Diagnostic, ...]:
    """The compiler's part, done by hand: one rule, scoped, with the parameters put in."""
    if "bad" in params:
        return (Diagnostic("RC204", "bad is out of bounds", made.pointer("params", "bad")),)
    expr = made.expr
    for name, value in params.items():
        expr = expr.replace("${" + name + "}", str(value))
    if made.scope:
        scoped = scope_text(expr, (Matcher("group_id", "=", "test"),), unscoped=made.unscoped)
        assert isinstance(scoped, ScopedQuery)
        expr = scoped.text
    annotations = {k: v for k, v in made.annotations.items() if k in keep}
    rule = Rule(
        made.kind, made.rule, expr, made.for_, None, {**made.labels, **SCOPE}, annotations, made.path, ENTRY
    )
    return (RuleSet("test", (), (RuleGroup("test", None, None, None, (rule,)),)),)


MEANS = Means(compile_test, SCOPE)


def cases_of(*templates: Template) -> tuple[Case, ...]:
    cases, diagnostics = build(templates, MEANS)
    assert diagnostics == ()
    return cases


def refused(*tests: Mapping[str, Any], **changes: Any) -> Diagnostic:
    cases, (diagnostic,) = build([template(tests, **changes)], MEANS)
    assert cases == ()
    return diagnostic


def run(promtool: Path, *templates: Template) -> tuple[Diagnostic, ...]:
    cases = cases_of(*templates)
    rule_files = {name: text for case in cases for name, text in case.rule_files().items()}
    results = run_tests(promtool, {case.file_name: case.text for case in cases}, rule_files, 60)
    assert isinstance(results, tuple), results
    return verdicts(cases, results)


DOWN = {"series": 'up{job="node", instance="a"}', "values": "0x10"}
LABELS = {"job": "node", "instance": "a", "where": "node"}


def test(*alerts: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    return {"input_series": [DOWN], "alert_rule_test": list(alerts), **fields}


test.__test__ = False  # type: ignore[attr-defined]  # a builder, in the format's own word


def firing(time: str = "5m", annotations: Mapping[str, str] | None = None, **labels: str) -> dict[str, Any]:
    expected: dict[str, Any] = {"exp_labels": {**LABELS, **labels}}
    if annotations is not None:
        expected["exp_annotations"] = annotations
    return {"eval_time": time, "exp_alerts": [expected]}


# --- what is filled in ----------------------------------------------------------------


def test_scope_static_labels_and_the_alerts_name_are_filled_in() -> None:
    (case,) = cases_of(template([test(firing())]))
    data = yaml.safe_load(case.text)
    assert data["rule_files"] == list(case.rules)
    (written,) = data["tests"]
    assert written["input_series"] == [
        {"series": 'up{job="node", instance="a", group_id="test"}', "values": "0x10"}
    ]
    assert written["alert_rule_test"] == [
        {
            "eval_time": "5m",
            "alertname": "NodeDown",
            "exp_alerts": [
                {"exp_labels": {**LABELS, "severity": "critical", "group_id": "test"}, "exp_annotations": {}}
            ],
        }
    ]


def test_a_label_that_prometheus_fills_in_is_the_authors_to_write() -> None:
    (case,) = cases_of(template([test({"eval_time": "5m", "exp_alerts": [{}]})]))
    ((alert,),) = (entry["exp_alerts"] for entry in yaml.safe_load(case.text)["tests"][0]["alert_rule_test"])
    assert alert["exp_labels"] == {"severity": "critical", "group_id": "test"}


def test_what_the_author_wrote_stays() -> None:
    made = test(firing(severity="info", group_id="x"), interval="30s", external_labels={"a": "b"})
    made["input_series"] = [{"series": 'up{group_id="other"}', "values": "1"}]
    (case,) = cases_of(template([made]))
    data = yaml.safe_load(case.text)
    assert data["evaluation_interval"] == data["tests"][0]["interval"] == "30s"
    assert data["tests"][0]["external_labels"] == {"a": "b"}
    assert data["tests"][0]["input_series"][0]["series"] == 'up{group_id="other"}'
    labels = data["tests"][0]["alert_rule_test"][0]["exp_alerts"][0]["exp_labels"]
    assert (labels["severity"], labels["group_id"]) == ("info", "x")


@pytest.mark.parametrize("changes", [{"scope": False}, {"unscoped": frozenset({"up"})}])
def test_series_that_the_rule_does_not_scope_stay_as_they_are(changes: dict[str, Any]) -> None:
    (case,) = cases_of(template([test()], **changes))
    assert yaml.safe_load(case.text)["tests"][0]["input_series"] == [DOWN]


def test_untested_templates_are_named() -> None:
    bare = template([])
    assert untested([replace(bare, name="z"), template([test()]), replace(bare, name="a")]) == ("a", "z")


# --- against the real promtool -------------------------------------------------------------


def test_good_tests_pass(promtool: Path) -> None:
    partial = {"summary": "a is down"}
    tests = [
        test(firing(), {"eval_time": "1m"}, {"eval_time": "0m", "exp_alerts": []}),
        test(firing(annotations=partial), firing("6m", {"value": "0"}), firing("7m")),
        test({"eval_time": "1m"}, {"eval_time": "60s"}, firing("300s", partial)),
    ]
    assert run(promtool, template(tests)) == ()


def test_parameters_reach_the_rule(promtool: Path) -> None:
    made = template([test(params={"t": 1})], expr="up == ${t}")
    assert run(promtool, made) == ()
    firing_at_zero = replace(made, tests=(test({"eval_time": "5m"}, params={"t": 0}),))
    (found,) = run(promtool, firing_at_zero)
    assert found.label == "expected 0 alerts, got 1 alert"


def test_a_failure_is_shown_at_its_entry_with_what_differs(promtool: Path) -> None:
    good = template([test(firing())])
    bad = template(
        [test(firing()), test({"eval_time": "1m"}, firing("1h30m", where="db"), firing(where="db"))]
    )
    found = run(promtool, good, bad, good)
    assert [(d.code, d.place) for d in found] == [
        ("RC620", bad.pointer("tests", 1, "alert_rule_test", 2)),
        ("RC620", bad.pointer("tests", 1, "alert_rule_test", 1)),
    ]
    assert found[0].message == "NodeDown at 5m is not as the test expects"
    same = 'alertname="NodeDown", group_id="test", instance="a", job="node", severity="critical"'
    assert found[0].help.split("\n") == [
        "- expected, + got:",
        f'- {{{same}, where="db"}} {{}}',
        f'+ {{{same}, where="node"}} {{}}',
        'where: expected "db", got "node"',
    ]


def test_a_wrong_annotation_fails_and_the_others_do_not_matter(promtool: Path) -> None:
    (found,) = run(promtool, template([test(firing(annotations={"summary": "b is down"}))]))
    assert 'summary: expected "b is down", got "a is down"' in found.help
    assert "value" not in found.help


def test_an_alert_too_few_and_one_too_many(promtool: Path) -> None:
    missing, surplus = run(promtool, template([test(firing("1m"), {"eval_time": "5m"})]))
    assert (missing.label, surplus.label) == (
        "expected 1 alert, got 0 alerts",
        "expected 0 alerts, got 1 alert",
    )


def _samples(labels: str | None, value: float | None) -> list[dict[str, Any]]:
    if value is None:
        return []
    return [{"labels": labels, "value": value} if labels else {"value": value}]


def test_records(promtool: Path) -> None:
    expectations: list[tuple[str, str | None, float | None]] = [
        ("job:up:sum", 'job:up:sum{job="node"}', 0),
        ("sum(job:up:sum)", "{}", 0),
        ("sum by (job) (job:up:sum)", '{job="node"}', 0),
        ("job:up:sum + 1", '{job="node"}', 1),
        ("vector(3)", None, 3),
        ("job:up:sum > 7", None, None),
    ]
    queries = [
        {"expr": expr, "eval_time": "2m", "exp_samples": _samples(labels, value)}
        for expr, labels, value in expectations
    ]
    made = {"input_series": [DOWN], "promql_expr_test": queries}
    assert run(promtool, template([made], **RECORD)) == ()


@pytest.mark.parametrize(
    ("sample", "label"),
    [
        ({"labels": 'job:up:sum{job="node"}', "value": 5}, "expected 1 sample, got 1 sample"),
        ({"labels": 'job:up:sum{job="x"}', "value": 0}, "expected 1 sample, got 1 sample"),
        ({"labels": 'job:up:sum{job="node",kind="avg"}', "value": 0}, "expected 1 sample, got 1 sample"),
        ({"labels": 'job:up:sum{job="node",group_id="z"}', "value": 0}, "expected 1 sample, got 1 sample"),
        (None, "expected 0 samples, got 1 sample"),
    ],
)
def test_a_query_that_gives_something_else(promtool: Path, sample: Any, label: str) -> None:
    query = {"expr": "job:up:sum", "eval_time": "1m", "exp_samples": [sample] if sample else []}
    made = template([{"input_series": [DOWN], "promql_expr_test": [query]}], **RECORD)
    (found,) = run(promtool, made)
    assert (found.code, found.label) == ("RC620", label)
    assert found.place == made.pointer("tests", 0, "promql_expr_test", 0)


def test_values_that_promtool_cannot_read_are_blamed_on_their_series(promtool: Path) -> None:
    series = [
        DOWN,
        {"series": "x", "values": "1+1x5 _ _x3 stale 1e3 -1 NaN"},
        {"series": "y", "values": "0xx"},
    ]
    made = template([test(firing(), input_series=series)])
    (found,) = run(promtool, made)
    assert (found.code, found.place) == ("RC621", made.pointer("tests", 0, "input_series", 2, "values"))


def test_a_rule_that_promtool_refuses_is_blamed_on_its_field(promtool: Path) -> None:
    made = template([test(firing())], labels={"severity": "{{ $x }}"})
    (found,) = run(promtool, made)
    assert (found.code, found.place) == ("RC610", made.pointer("labels", "severity"))
    assert found.related[0].place == made.pointer("tests", 0)


# --- what an author gets wrong ----------------------------------------------------------------


def test_a_series_that_is_none() -> None:
    found = refused(test(input_series=[DOWN, {"series": 'up{job="a"', "values": "1"}]))
    place = template([]).pointer("tests", 0, "input_series", 1, "series")
    assert found.code == "RC621"
    assert isinstance(found.place, Pointer)
    assert found.place._replace(start=-1, end=-1) == place
    assert found.place.start == 2


@pytest.mark.parametrize("values", ["0x100000000", "0+1x999999 _x999999", "1 1x" + "9" * 5_000])
def test_a_series_that_would_fill_the_memory(values: str) -> None:
    found = refused(test(input_series=[DOWN, {"series": "up", "values": values}]))
    assert (found.code, found.message) == ("RC621", "the values stand for more than 1,000,000 samples")
    assert found.place == template([]).pointer("tests", 0, "input_series", 1, "values")


def test_a_query_that_is_none() -> None:
    found = refused({"input_series": [], "promql_expr_test": [{"expr": "up +", "eval_time": "1m"}]})
    assert isinstance(found.place, Pointer)
    assert found.place.keys == ("tests", 0, "promql_expr_test", 0, "expr")


def test_alerts_that_name_different_annotations() -> None:
    alerts = [{"exp_annotations": {"summary": "a"}}, {"exp_annotations": {"value": "0"}}]
    found = refused(test({"eval_time": "5m", "exp_alerts": alerts}))
    assert (found.code, found.label) == ("RC622", "`value`, where the first one names `summary`")
    assert found.place == template([]).pointer("tests", 0, "alert_rule_test", 0, "exp_alerts", 1)


def test_an_alert_that_is_not_there_proves_nothing() -> None:
    found = refused(test({"eval_time": "5m", "alertname": "NodeDwon", "exp_alerts": []}))
    assert (found.code, "`NodeDown`" in found.help) == ("RC623", True)
    record = refused(test({"eval_time": "5m"}), **RECORD)
    assert (record.code, "promql_expr_test" in record.help) == ("RC623", True)


def test_an_annotation_that_is_not_there() -> None:
    found = refused(test(firing(annotations={"sumary": "x"})))
    assert (found.code, found.help) == ("RC624", "did you mean `summary`?")
    assert isinstance(found.place, Pointer)
    assert found.place.keys[-2:] == ("exp_annotations", "sumary")
    assert "`value`" in refused(test(firing(annotations={"zzz": "x"}))).help


def test_the_compilers_own_faults_come_through_once_each_and_the_rest_is_built() -> None:
    tests = [test(firing(), firing("6m", {"value": "0"}), params={"bad": 1}), test(firing())]
    cases, diagnostics = build([template(tests)], MEANS)
    assert [d.code for d in diagnostics] == ["RC204"]
    assert [case.index for case in cases] == [1]


def test_a_test_that_cannot_be_rendered() -> None:
    fault = Diagnostic("RC501", "x")
    cases, diagnostics = build([template([test()])], MEANS._replace(read_test=lambda *_: (fault,)))
    assert (cases, diagnostics) == ((), (fault,))


def test_an_answer_that_fits_no_entry_is_not_swallowed() -> None:
    (case,) = cases_of(template([test(firing())]))
    for failure in (
        Failure("alert", "Other", "5m", (), ()),
        Failure("expr", "up", "5m", (), ()),
        Failure("file", "", "", (), (), "something new"),
    ):
        (found,) = verdicts([case], [UnitResult(case.file_name, (failure,))])
        assert (found.code, found.place) == ("RC621", case.place)


# --- notation -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("series", "name"),
    [
        ("up", "up"), ('a:b{c="d"}', "a:b"), ('{__name__="x", a="b"}', "x"),
        ('{"my.metric", a="b"}', "my.metric"),
        ('{a="b"}', ""), ("{}", ""), (" up ", "up"), ('{"a"="b"}', ""),
    ],
)  # fmt: skip
def test_metric_names(series: str, name: str) -> None:
    assert metric_name(series) == name


@pytest.mark.parametrize(
    ("duration", "expected"),
    [("5m", 300_000), ("1h30m", 5_400_000), ("0", 0), ("0s", 0), ("1d1ms", 86_400_001)],
)
def test_durations(duration: str, expected: int) -> None:
    assert milliseconds(duration) == expected
