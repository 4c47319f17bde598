"""Which pending and firing alerts a change would reset."""

from __future__ import annotations

from collections.abc import Mapping
from operator import eq

import pytest

from rulecompiler.deploy.alert_state import resets
from rulecompiler.deploy.intended import as_intended
from rulecompiler.deploy.running import ActiveAlert, Kind, RunningGroup, RunningRule


def alert(
    name: str = "A",
    expr: str = "up == 0",
    series: Mapping[str, str] | None = None,
    kind: Kind = "alert",
    **labels: str,
) -> RunningRule:
    """A rule; with the labels of a series, that is firing."""
    active: tuple[ActiveAlert, ...] = ()
    if series is not None:
        active = (ActiveAlert("firing", "2026-01-01T00:00:00Z", {**series, **labels, "alertname": name}),)
    return RunningRule(kind, name, expr, 0, 0, labels, {}, "ok", "", active)


def group(*rules: RunningRule, file: str = "f.yml", name: str = "g") -> RunningGroup:
    return RunningGroup(file, name, 60, 0, rules, "")


ON_A, ON_B = {"instance": "a"}, {"instance": "b", "group_id": "b"}


def foretold(before: list[RunningGroup], after: list[RunningGroup]) -> tuple[list[str], list[str]]:
    """What starts over, with its heir; and what ends."""
    found = resets(before, [as_intended(group) for group in after], eq)
    return [f"{lost.rule}: {lost.heir}" for lost in found.start_over], [lost.rule for lost in found.end]


FIRING = alert(series=ON_A)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([group(FIRING)], [group(FIRING)]),
        ([group(FIRING)], [group(alert("B"), alert())]),
        ([group(FIRING)], [group(alert(expr="other == 1"))]),
        ([group(FIRING)], [group(alert()), group(alert(), name="h"), group(alert(), file="e.yml")]),
        ([group(alert(s="1"), alert(s="2", series=ON_A))], [group(alert(s="2"), alert(s="1"))]),
        ([group(alert(), FIRING)], [group(alert(), alert())]),
        # Nothing is active in what is gone.
        ([group(alert("B"), FIRING)], [group(alert())]),
        ([group(FIRING, alert())], [group(alert())]),
        ([group(FIRING), group(alert("B"), name="h")], [group(alert())]),
        ([group(FIRING, alert(expr="other"))], [group(alert(expr="up < 1"), alert(expr="other"))]),
        # A record of the same name and labels, in its own turn.
        ([group(alert(kind="record"), FIRING)], [group(alert(kind="record"), alert())]),
        # The new query still selects what the alert is about, as far as its labels tell.
        ([group(FIRING)], [group(alert(expr='up{instance!="b"} == 0'))]),
        ([group(FIRING)], [group(alert(expr='up{group_id="b"} == 0'))]),
        (
            [group(alert(series=ON_A, instance="x"))],
            [group(alert(expr='up{instance="a"} == 0', instance="x"))],
        ),
        (
            [group(alert(expr='ALERTS{alertname="B"}', series=ON_A))],
            [group(alert(expr='ALERTS{alertname="B"} > 0'))],
        ),
        (
            [group(FIRING)],
            [group(alert(expr='label_replace(up{instance="b"}, "instance", "a", "", "") == 0'))],
        ),
        ([group(FIRING)], [group(alert(expr='up{instance="a"} == 0 unless on () up{instance="b"}'))]),
        ([group(FIRING)], [group(alert(expr="up ="))]),
    ],
)
def test_state_is_kept(before: list[RunningGroup], after: list[RunningGroup]) -> None:
    assert foretold(before, after) == ([], [])


@pytest.mark.parametrize(
    ("before", "after", "heir"),
    [
        ([group(FIRING)], [group(alert(), name="h")], "A in f.yml, group h"),
        ([group(FIRING)], [group(alert(), file="e.yml")], "A in e.yml, group g"),
        ([group(FIRING)], [group(alert(s="1"))], "A in f.yml, group g"),
        ([group(alert(s="1", series=ON_A))], [group(alert())], "A in f.yml, group g"),
        ([group(alert(s="1", series=ON_A))], [group(alert(s=""))], "A in f.yml, group g"),
        ([group(FIRING)], [group(alert("B"))], "B in f.yml, group g"),
        ([group(FIRING)], [group(alert("B", "up < 1"))], "B in f.yml, group g"),
        (
            [group(alert(series=ON_A, s="1"), alert(s="2"))],
            [group(alert(s="3"), alert(s="2"))],
            "A in f.yml, group g",
        ),
        # The record takes the turn of the alert: Prometheus does not ask which of them it is.
        ([group(FIRING)], [group(alert(kind="record"), alert())], "A in f.yml, group g"),
        (
            [group(alert(kind="record"), FIRING)],
            [group(alert())],
            "A in f.yml, group g",
        ),
        # A wider rule takes over what a narrower one leaves, and the other way round.
        (
            [
                group(
                    alert("A_B", 'up{group_id="b"} == 0', ON_B, group_id="b"),
                    alert("A_All", 'up{group_id!="b"} == 0'),
                )
            ],
            [group(alert("A_All"))],
            "A_All in f.yml, group g",
        ),
        (
            [group(alert("A_All", series=ON_B))],
            [
                group(alert("A_All", 'up{group_id!~"b|c"} == 0')),
                group(alert("A_B", 'up{group_id="b"} == 0', group_id="b"), name="h"),
            ],
            "A_B in f.yml, group h",
        ),
        # Of twins, the first inherits from the first, whatever they ask.
        ([group(FIRING, alert(expr="other"))], [group(alert(expr="other"), alert())], "A in f.yml, group g"),
        ([group(alert(expr="other"), FIRING)], [group(alert())], "A in f.yml, group g"),
    ],
)
def test_state_starts_over(before: list[RunningGroup], after: list[RunningGroup], heir: str) -> None:
    start_over, end = foretold(before, after)
    assert ([line.partition(": ")[2] for line in start_over], end) == ([heir], [])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([group(FIRING)], []),
        ([group(FIRING)], [group(alert("B", "other"))]),
        ([group(FIRING)], [group(alert("B", "sum(up) == 0"))]),
        ([group(FIRING)], [group(alert(kind="record"))]),
        # What is there already, and stays as it is, takes nothing over.
        ([group(FIRING), group(alert(), name="h")], [group(alert(), name="h")]),
        ([group(alert(), FIRING)], [group(alert())]),
        ([group(alert(s="1", series=ON_A), alert(s="2"))], [group(alert(s="2"))]),
        # A new rule that watches others takes nothing over, even under the same name.
        ([group(alert(series=ON_A))], [group(alert(expr='up{instance="b"} == 0'), name="h")]),
        (
            [group(alert("A_B", 'up{group_id="b"} == 0', ON_B, group_id="b"))],
            [group(alert("A_C", 'up{group_id="c"} == 0', group_id="c"), name="h")],
        ),
        # The rule stays, but leaves this target out, and nobody takes it.
        ([group(alert(series=ON_B))], [group(alert(expr='up{group_id!="b"} == 0'))]),
    ],
)
def test_alert_ends(before: list[RunningGroup], after: list[RunningGroup]) -> None:
    start_over, end = foretold(before, after)
    assert (start_over, end) == ([], ["A"]) or (start_over, end) == ([], ["A_B"])


def test_each_active_alert_is_named() -> None:
    two = alert(series=ON_A)._replace(
        active=(
            ActiveAlert("pending", "2026-01-01T00:00:00Z", ON_A),
            ActiveAlert("firing", "2026-01-02T00:00:00Z", ON_B),
        )
    )
    (first, second) = resets([group(two)], [], eq).end
    assert first == ("f.yml", "g", "A", "pending", "2026-01-01T00:00:00Z", ON_A, "")
    assert (second.state, second.labels) == ("firing", ON_B)
