"""Durations, names, series, and whole expressions by themselves."""

from __future__ import annotations

import pytest

from rulecompiler import promql
from rulecompiler.promql import Problem


@pytest.mark.parametrize("text", ["5m", "1h30m", "1y2w3d4h5m6s7ms", "100ms", "0h5m", "292y"])
def test_durations(text: str) -> None:
    assert promql.is_duration(text)


@pytest.mark.parametrize(
    "text", ["", "5", "m", "5 m", "-5m", "1m1h", "5m5m", "0s", "1.5h", "5M", "٥m", "293y", "9" * 200 + "y"]
)
def test_no_durations(text: str) -> None:
    assert not promql.is_duration(text)


@pytest.mark.parametrize(
    ("text", "valid"),
    [("a.*|b", True), ("", True), ("(", False), ("(?=a)", False), (r"\1", False), ("\ud800", False)],
)
def test_regexes_are_those_of_re2(text: str, valid: bool) -> None:
    assert promql.is_regex(text) is valid


def test_regexes_match_whole_values() -> None:
    assert promql.regex_matches("a|b", "b")
    assert not promql.regex_matches("a|b", "ab")
    assert not promql.regex_matches("a", "a\n")


@pytest.mark.parametrize(
    ("text", "metric", "label"),
    [
        ("a_1", True, True),
        ("a:b", True, False),
        (":a", True, False),
        ("1a", False, False),
        ("a.b", False, False),
        ("", False, False),
        ("é", False, False),
    ],
)
def test_names(text: str, metric: bool, label: bool) -> None:
    assert promql.is_metric(text) is metric
    assert promql.is_label(text) is label


def test_expressions() -> None:
    assert promql.parses("vector(1)")
    assert promql.parse_error("sum(") == "`(` is never closed"


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("sum(x)by(a)", "sum by (a) (x) # same"),
        ('x{a="b",c="d"}', "x{c=`d`, a='b'}"),
        ('{__name__="x"} > 1000', '{"x"} > 1_000'),
        ("rate(x[5m]  smoothed) </ 2", "rate(x[5m] SMOOTHED)</2"),
    ],
)
def test_same_meaning(left: str, right: str) -> None:
    assert promql.same_meaning(left, right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("x", "y"),
        ("x > 5", "x > 6"),
        ('x{a="b"}', "x"),
        ("x", "x +"),
        ("b_4(x)", "b_4(x)"),
        # The library is not shown what only newer versions know.
        ("rate(x[5m] smoothed)", "rate(x[5m])"),
        ("rate(x[5m] smoothed)", "rate(x[5m] anchored)"),
        ("rate(x[5m] smoothed) + rate(x[5m])", "rate(x[5m]) + rate(x[5m] smoothed)"),
        ("x </ 2", "x / 2"),
        ("x </ 2", "x >/ 2"),
        ("x </ 2 / 3", "x / 2 </ 3"),
    ],
)
def test_other_meaning(left: str, right: str) -> None:
    assert not promql.same_meaning(left, right)


@pytest.mark.parametrize(
    ("series", "result"),
    [
        ("up", 'up{group_id="g",a="q\\""}'),
        ("up{}", 'up{group_id="g",a="q\\""}'),
        ('up{job="x"}', 'up{job="x",group_id="g",a="q\\""}'),
        ('up{a="own", job="x"}', 'up{a="own", job="x", group_id="g"}'),
        ('{__name__="x"}', '{__name__="x",group_id="g",a="q\\""}'),
        ("up{group_id='h',a=''}", "up{group_id='h',a=''}"),
    ],
)
def test_series_gets_the_labels_that_it_lacks(series: str, result: str) -> None:
    assert promql.add_labels(series, {"group_id": "g", "a": 'q"'}) == result


@pytest.mark.parametrize(
    "series", ["", "up{", "up[5m]", "up + up", "sum(up)", 'up{a=~"b"}', "5", "-up", "up offset 5m", "(up)"]
)
def test_no_series(series: str) -> None:
    assert isinstance(promql.add_labels(series, {"a": "b"}), Problem)
