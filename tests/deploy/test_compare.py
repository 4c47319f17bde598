"""What runs against what should: equal is equal, and no difference goes unseen."""

from __future__ import annotations

from collections.abc import Sequence
from operator import eq

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulecompiler.deploy.compare import Difference, FailingRule, compare, foreign_changes, new_errors
from rulecompiler.deploy.intended import IntendedGroup, IntendedRule, as_intended
from rulecompiler.deploy.running import Kind, RunningGroup, RunningRule


def rule(
    name: str = "A",
    query: str = "x",
    kind: Kind = "alert",
    seconds: float = 0,
    keep: float = 0,
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    health: str = "ok",
) -> RunningRule:
    error = "many-to-many" if health == "err" else ""
    return RunningRule(kind, name, query, seconds, keep, labels or {}, annotations or {}, health, error, ())


def group(
    *rules: RunningRule, file: str = "f.yml", name: str = "g", interval: float = 60, limit: int = 0
) -> RunningGroup:
    return RunningGroup(file, name, interval, limit, rules, "")


def found(intended: Sequence[RunningGroup], running: Sequence[RunningGroup]) -> list[tuple[str, ...]]:
    """The differences between two sets, without file and group where they are the usual ones."""
    differences = compare([as_intended(group) for group in intended], running, eq)
    return [tuple(difference[2:]) for difference in differences]


A, B = rule("A"), rule("B")


@pytest.mark.parametrize(
    ("intended", "running"),
    [
        ([], []),
        ([group(A, B)], [group(A, B)]),
        ([group(A), group(B, name="h")], [group(B, name="h"), group(A)]),
        ([group(A), group(A, file="e.yml")], [group(A, file="e.yml"), group(A)]),
        ([group(rule(labels={"a": "1", "b": "2"}))], [group(rule(labels={"b": "2", "a": "1"}))]),
        ([group(A, A)], [group(A, A)]),
        ([group(rule(seconds=0.1))], [group(rule(seconds=0.1000000001))]),
        ([group(rule(health="ok"))], [group(rule(health="err"))]),
    ],
)
def test_equal(intended: list[RunningGroup], running: list[RunningGroup]) -> None:
    assert found(intended, running) == []


@pytest.mark.parametrize(
    ("intended", "running", "differences"),
    [
        ([group(A)], [], [("", "missing", "", "", "")]),
        ([], [group(A)], [("", "unexpected", "", "", "")]),
        ([group(A)], [group(A), group(A)], [("", "unexpected", "", "", "")]),
        ([group(A, B)], [group(A)], [("B", "missing", "", "", "")]),
        ([group(A)], [group(A, B)], [("B", "unexpected", "", "", "")]),
        ([group(A, A)], [group(A)], [("A", "missing", "", "", "")]),
        ([group(A)], [group(A, A)], [("A", "unexpected", "", "", "")]),
        ([group(A, B)], [group(B, A)], [("", "differs", "order", "A before B", "B before A")]),
        ([group(A)], [group(rule(query="y"))], [("A", "differs", "expr", "x", "y")]),
        ([group(rule(seconds=90))], [group(A)], [("A", "differs", "for", "90s", "0s")]),
        ([group(rule(seconds=3600))], [group(rule(seconds=0.001))], [("A", "differs", "for", "1h", "1ms")]),
        ([group(rule(keep=300))], [group(A)], [("A", "differs", "keep_firing_for", "5m", "0s")]),
        (
            [group(rule(labels={"a": "1", "b": "2"}))],
            [group(rule(labels={"a": "1", "b": "3"}))],
            [("A", "differs", "labels", "b: 2", "b: 3")],
        ),
        ([group(rule(labels={"a": "1"}))], [group(A)], [("A", "differs", "labels", "a: 1", "none")]),
        ([group(rule(labels={"a": ""}))], [group(A)], [("A", "differs", "labels", "a: ", "none")]),
        (
            [group(A)],
            [group(rule(annotations={"a": "1"}))],
            [("A", "differs", "annotations", "none", "a: 1")],
        ),
        ([group(A, interval=30)], [group(A)], [("", "differs", "interval", "30s", "1m")]),
        ([group(A, limit=3)], [group(A)], [("", "differs", "limit", "3", "0")]),
        (
            [group(rule(kind="record"))],
            [group(A)],
            [("A", "missing", "", "", ""), ("A", "unexpected", "", "", "")],
        ),
        # Two rules of one name: each is compared with its like, or with the first that is left.
        (
            [group(rule(labels={"s": "1"}), rule(labels={"s": "2"}))],
            [group(rule(labels={"s": "2"}), rule(labels={"s": "1"}))],
            [("", "differs", "order", "A (s: 1) before A (s: 2)", "A (s: 2) before A (s: 1)")],
        ),
        (
            [group(rule(labels={"s": "1"}), rule(labels={"s": "2"}))],
            [group(rule(labels={"s": "2"}))],
            [("A", "missing", "", "", "")],
        ),
        (
            [group(rule(labels={"s": "1"}), rule(labels={"s": "2"}))],
            [group(rule(labels={"s": "1"}), rule(labels={"s": "3"}))],
            [("A", "differs", "labels", "s: 2", "s: 3")],
        ),
        (
            [group(rule(query="x"), rule(query="y"))],
            [group(rule(query="y"), rule(query="x"))],
            [("A", "differs", "expr", "x", "y"), ("A", "differs", "expr", "y", "x")],
        ),
    ],
)
def test_different(
    intended: list[RunningGroup], running: list[RunningGroup], differences: list[tuple[str, ...]]
) -> None:
    assert found(intended, running) == differences


def test_difference_says_where() -> None:
    wanted = IntendedGroup("f.yml", "g", None, 0, (IntendedRule("alert", "A", "x", 0, 0, {}, {}),))
    assert compare([wanted], [group(rule(query="y"))], eq) == (
        Difference("f.yml", "g", "A", "differs", "expr", "x", "y"),
    )


def test_interval_that_no_file_states_is_the_servers() -> None:
    wanted = as_intended(group(A))._replace(interval_seconds=None)
    assert compare([wanted], [group(A, interval=7)], eq) == ()


def test_intended_group_without_rules_need_not_run() -> None:
    assert compare([as_intended(group())], [], eq) == ()


rules = st.builds(
    rule,
    st.sampled_from("AB"),
    st.sampled_from("xy"),
    st.sampled_from(["alert", "record"]),
    st.sampled_from([0.0, 0.001]),
    st.sampled_from([0.0, 60.0]),
    st.sampled_from([{}, {"s": "1"}, {"s": ""}]),
    st.sampled_from([{}, {"t": "1"}]),
)


@given(st.lists(rules, max_size=5), st.lists(rules, max_size=5), st.booleans())
def test_no_difference_means_the_same_rules_in_the_same_order(
    first: list[RunningRule], second: list[RunningRule], shuffled: bool
) -> None:
    second = sorted(first, key=repr) if shuffled else second
    assert (found([group(*first)], [group(*second)]) == []) is (first == second)


BAD, WORSE = rule(health="err"), rule(health="err", labels={"s": "1"})


@pytest.mark.parametrize(
    ("before", "after", "failing"),
    [
        ([group(A)], [group(BAD)], ["A"]),
        ([], [group(BAD)], ["A"]),
        ([group(rule(health="unknown"))], [group(BAD)], ["A"]),
        ([group(BAD)], [group(BAD)], []),
        ([group(BAD)], [group(rule(query="y", health="err"))], []),
        ([group(BAD)], [group(A)], []),
        ([group(BAD)], [group(rule(health="unknown"))], []),
        ([group(BAD)], [group(B, BAD)], []),
        ([group(BAD)], [group(WORSE)], ["A"]),
        ([group(BAD, A)], [group(BAD, BAD)], ["A"]),
        ([group(BAD)], [group(BAD, name="h")], ["A"]),
        ([group(BAD)], [group(BAD, file="e.yml")], ["A"]),
        ([group(rule(kind="record", health="err"))], [group(BAD)], ["A"]),
    ],
)
def test_new_errors_are_those_that_were_not_there(
    before: list[RunningGroup], after: list[RunningGroup], failing: list[str]
) -> None:
    assert [failed.rule for failed in new_errors(before, after)] == failing


def test_new_error_says_where_and_what() -> None:
    assert new_errors([], [group(BAD)]) == (FailingRule("f.yml", "g", "A", "many-to-many"),)


def test_foreign_changes() -> None:
    before = [group(A, file="/x/a.yml"), group(B, file="/x/b.yml"), group(A, B, file="/x/c.yml")]
    after = [group(BAD, file="/x/a.yml"), group(A, file="/x/c.yml"), group(A, file="/x/d.yml")]
    assert foreign_changes(before, before) == ()
    assert foreign_changes(before, after) == (
        Difference("/x/b.yml", "g", "", "missing"),
        Difference("/x/c.yml", "g", "B", "missing"),
        Difference("/x/d.yml", "g", "", "unexpected"),
    )
