from __future__ import annotations

import pytest

from rulecompiler.diagnostics import Pointer
from tests.checks.linted import COMPLETE, found, pair
from tests.helpers import lint_texts, repo

BAD = [
    [pair("A")],
    [pair("A", "params: {t: 70}, ")],
    [pair("A", "for: 1m, ")],
    [pair("L", "params: {t: 90}, ")],
    [pair("M", "params: {t: 70}, ")],
]
GOOD = [
    [pair("A", "params: {t: 90}, ")],
    [pair("A", "for: 15m, ")],
    [pair("L", "params: {t: 70}, ")],
    [pair("A", "params: {t: 70, w: 30m}, ")],
    [pair("A", "where: {dc: a}, ")],
    ["rules: {A: {labels: {severity: page}}, B: {template: A, labels: {severity: critical}}}"],
]


@pytest.mark.parametrize("groups", BAD)
def test_what_is_found(groups: list[str]) -> None:
    assert len(found("RC423", *groups)) == 1


@pytest.mark.parametrize("groups", GOOD)
def test_what_is_left_alone(groups: list[str]) -> None:
    assert found("RC423", *groups) == []


def test_a_looser_critical_says_by_how_much() -> None:
    (finding,) = found("RC423", pair("A", "params: {t: 70}, "))
    assert finding.message == "`Crit` is critical at a looser `t` than `A`, which is warning"
    assert finding.label == "> 70"
    assert [related.text for related in finding.related] == ["warning: > 80"]
    assert finding.place == Pointer("alerts/groups/g.yaml", ("rules", "Crit", "params", "t"))


def apart(expr: str, warning: float, critical: float, type_: str = "number") -> list[str]:
    """The labels of what is said of a warning and a critical rule whose parameter `t` is this."""
    text = f"alert: A\nparams: {{t: {{type: {type_}, default: 1}}}}\nexpr: |\n  {expr}\n{COMPLETE}"
    group = (
        f"rules: {{A: {{params: {{t: {warning}}}}}, "
        f"C: {{template: A, params: {{t: {critical}}}, labels: {{severity: critical}}}}}}"
    )
    return [d.label for d in lint_texts(repo({"A": text}, {"g": group})) if d.code == "RC423"]


RISING = [
    "x > ${t}",
    "${t} < x",
    "x >= ${t} and y",
    "y and x > ${t}",
    "x > ${t} unless y > 5",
    "x > ${t} or y > ${t}",
    "(a / b) > ${t} unless c",
    "100 * (a / b) > ${t}",
    "x / y * 100 > ${t}",
    "(x > ${t}) * on (a) group_left y",
    "x > ${t} / 100",
    "x > ${t} * 1024",
    "x - ${t} > 0",
    "${t} - x < 0",
    "x / ${t} > 1",
    "sum(x > ${t})",
    "count(x > ${t}) > 3",
    "sum(x > bool ${t}) > 3",
    "count_over_time((x > ${t})[5m:]) > 3",
    "avg_over_time((x > bool ${t})[5m:]) > 0.5",
    "x > on () group_left () vector(${t})",
    "x unless y < ${t}",
    "x unless y > -${t}",
    "x > scalar(y) * ${t}",
    "clamp_max(x, 5) > ${t}",
    "histogram_quantile(0.9, x) > ${t}",
    "predict_linear(x[1h], 3600) > ${t}",
    "-x < -${t}",
]
FALLING = [
    "x < ${t}",
    "${t} > x",
    "x <= ${t} and y",
    "x unless y > ${t}",
    "absent(x > ${t})",
    "histogram_quantile(${t}, x) > 5",
    "x + ${t} > 5",
    "x * ${t} > 5",
    "x > -${t}",
    "x > 100 - ${t}",
]
UNKNOWN = [
    "x == ${t}",
    "count(x > ${t}) < 3",
    "x > ${t} or x < ${t}",
    "x > ${t} and x < 2 * ${t}",
    "predict_linear(x[1h], ${t}) < 0",
    "topk(${t}, x) > 5",
    "x > temp_celsius * ${t}",
    "abs(x - ${t}) > 5",
    "sum(x > ${t}) > 5",
    "x % ${t} > 1",
    "5 / (y - x) / ${t} > 1",
    "rate(x[5m]) > rate(x[5m] offset 1h) and y > 2 ^ ${t}",
]


@pytest.mark.parametrize("expr", RISING)
def test_a_lower_threshold_is_looser(expr: str) -> None:
    assert len(apart(expr, 8, 7)) == 1
    assert len(apart(expr, 8, 8)) == 1
    assert apart(expr, 7, 8) == []


@pytest.mark.parametrize("expr", FALLING)
def test_a_higher_threshold_is_looser(expr: str) -> None:
    assert len(apart(expr, 7, 8)) == 1
    assert apart(expr, 8, 7) == []


@pytest.mark.parametrize("expr", UNKNOWN)
def test_what_is_not_certain_is_left_alone(expr: str) -> None:
    assert apart(expr, 7, 8) == apart(expr, 8, 7) == []


def test_the_comparison_is_shown_from_the_series_on() -> None:
    assert apart("80 + ${t} < x", 8, 7) == ["> 7"]
    assert apart("x > -${t}", -8, -7) == ["> -7"]


TWO = {
    "W": f"alert: W\nexpr: x > 80 and y > 5\nfor: 5m\n{COMPLETE}",
    "C": "alert: C\nparams: {t: {type: number, default: 70}}\nexpr: x > ${t} and y > 5\nfor: 5m\n"
    + COMPLETE.replace("warning", "critical"),
}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{}", "`C` is critical at a looser threshold than `W`, which is warning"),
        ("{params: {t: 80}}", "`C` is critical at the same threshold at which `W` is warning"),
        ("{params: {t: 90}}", ""),
        ("{for: 10m}", ""),
        ("{where: {dc: a}}", ""),
    ],
)
def test_two_templates_that_differ_in_numbers_alone(entry: str, message: str) -> None:
    files = repo(TWO, {"g": f"rules: {{W: {{}}, C: {entry}}}"})
    assert [d.message for d in lint_texts(files) if d.code == "RC423"] == ([message] if message else [])
