"""How long the new rules are watched, and which of their failures count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, repeat
from typing import Any, cast

import pytest

from rulecompiler.deploy.running import RunningGroup, RunningRule
from rulecompiler.deploy.settings import Target
from rulecompiler.deploy.site import Seen, Site
from rulecompiler.deploy.watching import watch


def group(health: str, evaluated: int, file: str = "group-a.yml") -> RunningGroup:
    error = "it failed" if health == "err" else ""
    rule = RunningRule("alert", "A", "vector(1)", 0, 0, {}, {}, health, error, ())
    return RunningGroup(file, "a", 1.0, 0, (rule,), f"2026-01-01T00:00:0{evaluated}Z")


class Told:
    """A site that has one thing after the other to say, and then the last one for ever."""

    def __init__(self, *groups: RunningGroup, **settings: Any) -> None:
        self.target = replace(Target(evaluation_wait=0.4), **settings)
        self._looks: Iterator[RunningGroup] = chain(groups, repeat(groups[-1]))

    def look(self) -> Seen:
        return Seen((next(self._looks),), ())


OK = [group("unknown", 0), group("ok", 1)]
# The server refuses a second sample for one time, once.
ONCE = [group("unknown", 0), group("err", 1), group("err", 1), group("ok", 2)]
ALWAYS = [group("unknown", 0), group("err", 1), group("err", 2)]
ONLY_ONE_EVALUATION = [group("unknown", 0), group("err", 1)]
NEVER = [group("unknown", 0)]


@pytest.mark.parametrize(
    ("looks", "expected"),
    [(OK, []), (ONCE, []), (ALWAYS, ["RC863"]), (ONLY_ONE_EVALUATION, ["RC863"]), (NEVER, ["RC864"])],
)
@pytest.mark.parametrize(("policy", "severity"), [("rollback", "error"), ("warn", "warning")])
def test_a_failure_counts_if_it_stays(
    looks: list[RunningGroup], expected: list[str], policy: str, severity: str
) -> None:
    site = cast(Site, Told(*looks, on_evaluation_error=policy))
    found = watch(site, (), {"group-a.yml"}, 1)
    assert [each.code for each in found] == expected
    assert all(each.severity == severity for each in found if each.code == "RC863")


def test_a_rule_that_failed_before_is_not_counted() -> None:
    site = cast(Site, Told(*ALWAYS))
    assert watch(site, (group("err", 0),), {"group-a.yml"}, 1) == ()


def test_several_intervals_are_several_evaluations() -> None:
    site = cast(Site, Told(group("ok", 1), group("ok", 1), group("ok", 2), group("err", 3), group("err", 4)))
    assert [each.code for each in watch(site, (), {"group-a.yml"}, 3)] == ["RC863"]


def test_groups_that_did_not_change_are_not_waited_for() -> None:
    site = cast(Site, Told(group("unknown", 0, "group-b.yml")))
    assert watch(site, (), {"group-a.yml"}, 1) == ()
