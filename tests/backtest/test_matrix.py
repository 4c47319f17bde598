from __future__ import annotations

from typing import Any

import pytest

from rulecompiler.backtest.grid import Grid
from rulecompiler.backtest.matrix import NotAMatrix, Presence, SameLabels, add, as_alerts

TICKS = Grid(0, 10, 60_000)


def matrix(*series: dict[str, Any]) -> dict[str, Any]:
    return {"resultType": "matrix", "result": list(series)}


def values(*minutes: int) -> list[list[object]]:
    return [[minute * 60, "1"] for minute in minutes]


def test_samples_become_runs() -> None:
    found: Presence = {}
    add(found, matrix({"metric": {"b": "2", "a": "1"}, "values": values(0, 1, 2, 5, 9)}), TICKS)
    assert found == {(("a", "1"), ("b", "2")): [(0, 2), (5, 5), (9, 9)]}


def test_pieces_are_joined_where_a_series_goes_on() -> None:
    found: Presence = {}
    add(found, matrix({"metric": {}, "values": values(3, 4)}), Grid(0, 5, 60_000))
    add(found, matrix({"metric": {}, "values": values(5, 6)}), Grid(5, 10, 60_000))
    assert found == {(): [(3, 6)]}


def test_histograms_are_samples_too() -> None:
    found: Presence = {}
    series = {"metric": {}, "values": values(1), "histograms": [[120, {}], [0, {}]]}
    add(found, matrix(series), TICKS)
    assert found == {(): [(0, 2)]}


def test_the_value_does_not_count() -> None:
    found: Presence = {}
    add(found, matrix({"metric": {}, "values": [[0, "NaN"], [60, "0"]]}), TICKS)
    assert found == {(): [(0, 1)]}


def test_times_may_have_fractions() -> None:
    found: Presence = {}
    add(found, matrix({"metric": {}, "values": [[0.5, "1"], [1.0, "1"]]}), Grid(0, 5, 500))
    assert found == {(): [(1, 2)]}


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        {"resultType": "vector", "result": []},
        {"resultType": "matrix", "result": None},
        {"resultType": "matrix", "result": [None]},
        matrix({"values": []}),
        matrix({"metric": [], "values": []}),
        matrix({"metric": {}, "values": [[None, "1"]]}),
        matrix({"metric": {}, "values": [[]]}),
        matrix({"metric": {}, "values": values(700)}),  # a time that was not asked for
        matrix({"metric": {}, "values": values(3, 1)}),
        matrix({"metric": {}, "values": [[float("inf"), "1"]]}),
        matrix({"metric": {}, "values": [[float("nan"), "1"]]}),
    ],
)
def test_what_is_no_matrix_is_said_to_be_none(data: object) -> None:
    with pytest.raises(NotAMatrix):
        add({}, data, TICKS)


def key(**labels: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(labels.items()))


def test_alerts_have_the_rules_labels_and_no_metric_name() -> None:
    found = {key(__name__="up", instance="a", severity="x"): [(0, 1)]}
    assert as_alerts(found, {"severity": "critical"}) == {key(instance="a", severity="critical"): [(0, 1)]}


def test_a_label_with_a_template_is_not_known() -> None:
    found = {key(instance="a"): [(0, 1)], key(instance="b"): [(0, 1)]}
    assert as_alerts(found, {"instance": "{{ $labels.instance }}:80"}) == found


def test_an_empty_label_is_none() -> None:
    assert as_alerts({key(instance="a", job="x"): [(0, 1)]}, {"job": ""}) == {key(instance="a"): [(0, 1)]}


def test_series_that_follow_each_other_are_one_alert() -> None:
    found = {key(pod="a"): [(5, 6)], key(pod="b"): [(0, 4)]}
    assert as_alerts(found, {"pod": "any"}) == {key(pod="any"): [(0, 6)]}


def test_prometheus_refuses_two_at_the_same_time() -> None:
    with pytest.raises(SameLabels):
        as_alerts({key(pod="a"): [(0, 4)], key(pod="b"): [(4, 6)]}, {"pod": "any"})
    with pytest.raises(SameLabels):
        as_alerts({key(__name__="a", i="1"): [(0, 4)], key(__name__="b", i="1"): [(2, 3)]}, {})
