from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from rulecompiler.checks import Options
from rulecompiler.checks.server_version import PROMQL_FUNCTIONS, TEMPLATE_FUNCTIONS
from rulecompiler.diagnostics import Pointer, Related
from rulecompiler.gotemplate import FUNCTIONS
from rulecompiler.model import RuleSet
from tests.checks.compiled import DEFAULT, NEWEST, OLDEST, TEMPLATE, a_rule, a_set, entry, found


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
