from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from rulecompiler import checks, gotemplate
from rulecompiler.checks import CHECKS, Options
from rulecompiler.checks.annotations import _FAMILIAR
from rulecompiler.checks.server_version import PROMQL_FUNCTIONS, TEMPLATE_FUNCTIONS
from rulecompiler.diagnostics import Diagnostic, Pointer, Related, Severity
from rulecompiler.gotemplate import FUNCTIONS
from rulecompiler.model import Rule, RuleGroup, RuleSet

OLDEST = Options((2, 0))
DEFAULT = Options((2, 42))
NEWEST = Options((9, 0))
TEMPLATE = "alerts/templates/node/NodeDown.yaml"


def entry(name: str) -> Pointer:
    return Pointer("alerts/groups/g.yaml", ("rules", name))


def a_rule(name: str = "NodeDown", **changes: Any) -> Rule:
    rule = Rule(
        kind="alert",
        name=name,
        expr="up == 0",
        for_="5m",
        keep_firing_for=None,
        labels={"severity": "critical", "group_id": "g", "group": "G"},
        annotations={"summary": "{{ $labels.instance }} is down", "runbook_url": "https://example.com/x"},
        template=TEMPLATE,
        entry=entry(name),
    )
    return replace(rule, **changes)


def a_set(*rules: Rule, **fields: Any) -> RuleSet:
    group = RuleGroup(
        "G_node", fields.get("interval"), fields.get("limit"), fields.get("query_offset"), rules
    )
    return RuleSet("g", ("alerts/groups/root.yaml", "alerts/groups/g.yaml"), (group,))


def found(rules: RuleSet, options: Options = DEFAULT) -> tuple[Diagnostic, ...]:
    return checks.run(rules, options)


def test_every_check_is_listed_once() -> None:
    assert [check.__module__ for check in CHECKS] == [
        "rulecompiler.checks.annotations",
        "rulecompiler.checks.duplicates",
        "rulecompiler.checks.server_version",
    ]


def test_good_rules_and_none_at_all() -> None:
    assert found(a_set(a_rule(), a_rule("Other"))) == ()
    assert found(a_set()) == ()
    assert found(RuleSet("g", (), ())) == ()


def test_run_gives_what_all_checks_find() -> None:
    bad = a_rule(annotations={"a": "{{ $x }}"}, expr="histogram_avg(x)")
    assert [d.code for d in found(a_set(bad, bad, replace(bad)))] == ["RC401", "RC402", "RC403"]


# RC401


def test_a_broken_annotation() -> None:
    bad = a_rule(annotations={"summary": "{{ $value | humanise }}"})
    assert found(a_set(bad)) == (
        Diagnostic(
            "RC401",
            "annotation `summary`: `humanise` is not a function of Prometheus' templates",
            Pointer(TEMPLATE, ("annotations", "summary")),
            help="did you mean `humanize`?",
            related=(Related(entry("NodeDown").key(), "compiled for this rule"),),
        ),
    )


def test_a_broken_label() -> None:
    (diagnostic,) = found(a_set(a_rule(labels={"team": "{{ if $value }}"})))
    assert diagnostic.place == Pointer(TEMPLATE, ("labels", "team"))
    assert diagnostic.message == "label `team`: `{{ if $value }}` has no `{{ end }}`"
    assert diagnostic.severity is Severity.ERROR


def test_all_faults_of_a_text_and_all_texts() -> None:
    bad = a_rule(annotations={"a": "{{ $x }} {{ $y }}", "b": "{{ $x }}"}, labels={"a": "{{ $x }}"})
    assert [d.message[:20] for d in found(a_set(bad))] == [
        "annotation `a`: the ",
        "annotation `a`: the ",
        "annotation `b`: the ",
        "label `a`: the varia",
    ]


def test_a_text_of_the_groups_own_is_blamed_on_the_group() -> None:
    place = entry("NodeDown").at("annotations", "summary")
    overrides = {("annotations", "summary"): place}
    rule = a_rule(annotations={"summary": "{{ $value | humanise }}"}, overrides=overrides)
    (diagnostic,) = found(a_set(rule))
    assert (diagnostic.code, diagnostic.place) == ("RC401", place)


def test_a_query_in_an_annotation_is_a_warning() -> None:
    rule = a_rule(annotations={"summary": '{{ query "up" | first | value }}', "a": "{{ $value }} query"})
    (diagnostic,) = found(a_set(rule))
    assert (diagnostic.code, diagnostic.severity) == ("RC404", Severity.WARNING)


def test_a_template_is_reported_once_for_all_its_rules() -> None:
    bad = {"summary": "{{ $x }}"}
    first, second = a_rule("A", annotations=bad), a_rule("B", annotations=bad)
    (diagnostic,) = found(a_set(first, second))
    assert diagnostic.related[0].place == entry("A").key()
    elsewhere = replace(second, template="alerts/templates/other.yaml")
    assert len(found(a_set(first, elsewhere))) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"annotations": {"a": "{{ $value | humanize }}"}},
        {"annotations": {"a": "costs $5 }} {"}},
        {"annotations": {}, "labels": {"a": "{{ $labels.team }}"}},
        {"kind": "record", "annotations": {}, "labels": {"a": "{{ taken literally"}},
    ],
)
def test_no_fault(changes: Mapping[str, Any]) -> None:
    assert found(a_set(a_rule(**changes))) == ()


# RC402


def test_a_duplicate() -> None:
    first = a_rule("A", entry=entry("first"))
    second = a_rule(
        "A", entry=entry("second"), expr="up == 1", labels=dict(reversed(list(first.labels.items())))
    )
    (diagnostic,) = found(a_set(first, second))
    assert diagnostic.code == "RC402"
    assert diagnostic.message == "two alerts are named `A` and have the same labels"
    assert diagnostic.place == entry("second").key()
    assert diagnostic.related == (Related(entry("first").key(), "the first"),)


def test_duplicates_of_two_groups_of_a_file() -> None:
    one, two = a_set(a_rule()), a_set(a_rule(entry=entry("second")))
    both = RuleSet("g", one.sources, one.groups + two.groups)
    assert [d.code for d in found(both)] == ["RC402"]


def test_each_repetition_is_reported_against_the_first() -> None:
    rules = [a_rule("A", entry=entry(name)) for name in ("one", "two", "three")]
    places = [(d.place, d.related[0].place) for d in found(a_set(*rules))]
    assert places == [(entry("two").key(), entry("one").key()), (entry("three").key(), entry("one").key())]


def test_duplicate_records() -> None:
    record = a_rule("job:up:sum", kind="record", annotations={}, for_=None)
    (diagnostic,) = found(a_set(record, replace(record)))
    assert diagnostic.message == "two recording rules are named `job:up:sum` and have the same labels"


@pytest.mark.parametrize(
    "changes",
    [{"name": "B"}, {"labels": {}}, {"labels": {"severity": "x"}}, {"kind": "record", "annotations": {}}],
)
def test_no_duplicate(changes: Mapping[str, Any]) -> None:
    assert found(a_set(a_rule("A"), replace(a_rule("A"), **changes))) == ()


# RC403


@pytest.mark.parametrize(
    ("changes", "has", "lacks", "what", "keys"),
    [
        ({"keep_firing_for": "5m"}, (2, 42), (2, 41), "the field `keep_firing_for`", ("keep_firing_for",)),
        ({"expr": '{"my.metric"}'}, (3, 0), (2, 55), 'the quoted name "my.metric"', ("expr",)),
        ({"expr": "{'my.metric'}"}, (3, 0), (2, 55), 'the quoted name "my.metric"', ("expr",)),
        ({"expr": '{\n  "a.b", c="d"}'}, (3, 0), (2, 55), 'the quoted name "a.b"', ("expr",)),
        ({"expr": 'up{"a.b"="c"}'}, (3, 0), (2, 55), 'the quoted name "a.b"', ("expr",)),
        ({"expr": 'up{x=~"}{", y!=`"`, "a.b"="c"}'}, (3, 0), (2, 55), 'the quoted name "a.b"', ("expr",)),
        (
            {"expr": "sum(histogram_avg(x))"},
            (2, 51),
            (2, 50),
            "the PromQL function `histogram_avg`",
            ("expr",),
        ),
        ({"expr": "limitk by (a) (2, x)"}, (2, 54), (2, 53), "the PromQL function `limitk`", ("expr",)),
        ({"expr": "info  (x)"}, (2, 55), (2, 54), "the PromQL function `info`", ("expr",)),
        (
            {"annotations": {"a": "{{ now }}"}},
            (3, 6),
            (3, 5),
            "the template function `now`",
            ("annotations", "a"),
        ),
        (
            {"labels": {"a": "{{ $labels.b | urlQueryEscape }}"}},
            (3, 8),
            (3, 7),
            "the template function `urlQueryEscape`",
            ("labels", "a"),
        ),
    ],
)
def test_too_new(
    changes: Mapping[str, Any], has: tuple[int, int], lacks: tuple[int, int], what: str, keys: tuple[str, ...]
) -> None:
    rules = a_set(a_rule(**changes))
    assert found(rules, Options(has)) == ()
    (diagnostic,) = found(rules, Options(lacks))
    old, new = (f"{major}.{minor}" for major, minor in (lacks, has))
    assert diagnostic.code == "RC403"
    assert diagnostic.message == f"{what} needs Prometheus {new}, but `prometheus.version` promises {old}"
    assert "raise `prometheus.version`" in diagnostic.help
    assert diagnostic.place == Pointer(TEMPLATE, keys)
    assert diagnostic.related == (Related(entry("NodeDown").at(*keys), "compiled for this rule"),)


@pytest.mark.parametrize(
    ("field", "value", "has", "lacks"),
    [
        ("limit", 5, (2, 31), (2, 30)),
        ("limit", 0, (2, 31), (2, 30)),
        ("query_offset", "1m", (2, 53), (2, 52)),
    ],
)
def test_too_new_for_a_group(field: str, value: object, has: tuple[int, int], lacks: tuple[int, int]) -> None:
    one = a_set(a_rule(), **{field: value})
    two = a_set(a_rule("Other"), **{field: value})
    rules = RuleSet("g", one.sources, one.groups + two.groups)
    assert found(rules, Options(has)) == ()
    (diagnostic,) = found(rules, Options(lacks))
    assert diagnostic.message.startswith(f"the field `{field}` needs Prometheus ")
    assert diagnostic.place == Pointer("alerts/groups/g.yaml", (field,), on_key=True)


def test_versions_compare_as_numbers() -> None:
    assert found(a_set(a_rule(keep_firing_for="5m")), Options((2, 5)))
    assert not found(a_set(a_rule(keep_firing_for="5m")), Options((10, 0)))


@pytest.mark.parametrize(
    "expr",
    [
        'label_replace(up, "a", "$1", "b", "(.*)")',
        "up{a=\"b\", c='d'}",
        'label_replace(up, "a", "{\\"x\\"}", "b", "{\'y\'}")',
        'up # {"x"} histogram_avg(x)',
        "kube_pod_info",
        "sum by (info) (up)",
        "histogram_avg",
        "my_first_over_time{info='x'}",
        'up{x="histogram_avg(y)"}',
        "up{",
        "'{\"",
    ],
)
def test_not_too_new(expr: str) -> None:
    assert found(a_set(a_rule(expr=expr)), DEFAULT) == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"annotations": {"a": "now or never"}},
        {"annotations": {"a": "{{ $labels.now }} {{ `now` }}"}},
        {"annotations": {"a": "{{ $value | humanize }}"}},
        {"labels": {"a": "{{ now"}, "kind": "record", "annotations": {}},
    ],
)
def test_texts_that_are_not_too_new(changes: Mapping[str, Any]) -> None:
    assert found(a_set(a_rule(**changes)), OLDEST) == ()


def test_a_metric_that_is_named_like_a_function_is_none() -> None:
    (diagnostic,) = found(a_set(a_rule(expr="histogram_avg + histogram_avg{a='info(x)'} + limitk(1, x)")))
    assert diagnostic.message.startswith("the PromQL function `limitk` needs")


def test_a_too_new_template_is_reported_once() -> None:
    rules = a_set(a_rule("A", keep_firing_for="5m"), a_rule("B", keep_firing_for="1m"))
    assert len(found(rules, Options((2, 41)))) == 1


def test_nothing_is_too_new_for_the_newest() -> None:
    everything = " + ".join(f"{name}(x)" for name in PROMQL_FUNCTIONS)
    rule = a_rule(keep_firing_for="5m", expr=everything, annotations={"a": "{{ now }}"})
    rules = a_set(rule, limit=1, query_offset="1m")
    assert found(rules, NEWEST) == ()
    assert len(found(rules, OLDEST)) == len(PROMQL_FUNCTIONS) + 4


def test_newer_functions_are_known_functions() -> None:
    assert set(TEMPLATE_FUNCTIONS) <= FUNCTIONS


@pytest.mark.parametrize(
    ("text", "familiar"),
    [
        ("plain", True),
        ("{{ $labels.instance }} is at {{ $value | humanize }}% {ok} }}", True),
        ("{{$value}}", True),
        ("{{ $label.instance }}", False),
        ("{{ $value | humanise }}", False),
        ("{{ $value", False),
        ("{{{ $value }}", False),
        ("{{ if $value }}x{{ end }}", False),
        ("{" * 20_000 + "{{ $value }}" * 5_000, False),
    ],
)
def test_only_what_is_surely_sound_is_not_parsed(text: str, familiar: bool) -> None:
    assert bool(_FAMILIAR.fullmatch(text)) is familiar
    assert not (familiar and gotemplate.check(text))
