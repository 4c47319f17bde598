"""What a plan says of itself, and plans of compiled rules alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rulecompiler.diagnostics import Pointer, Span
from rulecompiler.diff.fields import Sight
from rulecompiler.diff.flat import flat_plan, item_of
from rulecompiler.diff.items import Item
from rulecompiler.diff.model import Action, Cause, FieldChange, Plan, Reset, SideName
from rulecompiler.model import Rule, RuleGroup
from tests.diff.repos import BASE, edit, plan_of, shown
from tests.helpers import GROUPS

HERE = Span("x.yaml", 1, 1, 1, 2)
SIGHT = Sight(lambda _: HERE, lambda _: HERE)


@pytest.mark.parametrize(
    ("reset", "sentence"),
    [
        (Reset("label", "tier", None, "x"), "the label tier is new: x"),
        (Reset("label", "tier", "x", None), "the label tier is gone: x"),
        (Reset("label", "tier", "x", "y"), "the label tier changed from x to y"),
        (Reset("file", "", "a.yml", "b.yml"), "the file changed from a.yml to b.yml"),
        (Reset("group", "", "a", "b"), "the rule group's name changed from a to b"),
        (Reset("name", "", "A", "B"), "the rule's name changed from A to B"),
    ],
)
def test_reasons_for_starting_over(reset: Reset, sentence: str) -> None:
    assert reset.sentence == sentence


@pytest.mark.parametrize(
    ("cause", "sentence"),
    [
        (Cause("a.yaml", "group", "changed", "", 200, 1400, 0), "edit of a.yaml → 200 groups, 1,400 rules"),
        (Cause("a.yaml", "group", "added", "", 1, 1, 1), "new file a.yaml → 1 group, 1 rule"),
        (Cause("a.yaml", "group", "removed", "", 1, 2, 1), "removed file a.yaml → 1 group, 2 rules"),
        (Cause("b", "group", "renamed", "a", 1, 2, 1), "rename of a to b → 1 group, 2 rules"),
    ],
)  # fmt: skip
def test_causes(cause: Cause, sentence: str) -> None:
    assert cause.sentence == sentence
    assert cause.told(lambda path: f"<{path}>").count("<") == (2 if cause.old_path else 1)


@pytest.mark.parametrize(
    ("field", "key", "label"),
    [
        ("expr", "", "query"),
        ("annotation", "summary", "annotation summary"),
        ("label", "severity", "severity"),
        ("param", "threshold", "threshold"),
        ("name", "", "rule name"),
        ("group", "", "group name"),
        ("scope", "", "targets"),
        ("exclusions", "", "only where"),
        ("for", "", "for"),
    ],
)
def test_labels(field: str, key: str, label: str) -> None:
    assert FieldChange(field, key, "1", "2").label == label  # type: ignore[arg-type]


def test_changes_by_group_and_in_one_line() -> None:
    plan = plan_of(
        BASE, edit(BASE, {f"{GROUPS}db.yaml": "group: db\nparent: all\nrules: {NodeDown: {for: 2m}}"})
    )

    assert [(group_id, len(changes)) for group_id, changes in plan.by_group()] == [("all", 2), ("db", 2)]
    assert plan.summary == "Plan: 1 to add, 2 to change, 1 to remove, 0 replaced, 1 unchanged."
    assert plan_of(BASE, BASE).is_empty
    broken = plan_of(BASE, edit(BASE, {f"{GROUPS}db.yaml": "group: [db"}))
    assert not broken.is_empty
    assert broken.summary.endswith("unchanged; 3 groups could not be compared.") or broken.incomparable


def rule(name: str = "A", expr: str = "up == 0", **labels: str) -> Rule:
    return Rule("alert", name, expr, "5m", None, labels, {}, "", Pointer("file.yml"))


def items(*rules: Rule, group: str = "g", interval: str | None = None) -> tuple[Item, ...]:
    return tuple(item_of("x", "group-x.yml", RuleGroup(group, interval, None, None, ()), r) for r in rules)


def plan(old: tuple[Item, ...] | None, new: tuple[Item, ...] | None) -> Plan:
    before, after = ({} if side is None else {"x": side} for side in (old, new))
    return flat_plan(SideName("a"), SideName("b"), before, after, SIGHT)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (items(rule()), items(rule()), []),
        (items(rule()), items(rule(expr="up  ==  0")), []),
        (items(rule()), items(rule(expr="up == 1")), ["~ x/A query up == 0 → up == 1"]),
        (items(rule()), items(rule(severity="warning")), ["-/+ x/A severity None → warning"]),
        (items(rule()), items(rule(), group="h"), ["-/+ x/A group name g → h"]),
        (items(rule()), items(rule(), interval="1m"), ["~ x/A interval None → 1m"]),
        (items(rule()), items(rule("B")), ["-/+ x/B rule name A → B"]),
        (items(rule()), None, ["- x/A (group removed)"]),
        (None, items(rule()), ["+ x/A (group added)"]),
        (items(rule(), rule("B", "y")), items(rule()), ["- x/B (entry removed)"]),
        # Several of one name are told apart by their labels.
        (
            items(rule(severity="warning"), rule(severity="critical")),
            items(rule(severity="critical"), rule(expr="up == 1", severity="warning")),
            ["~ x/A query up == 0 → up == 1"],
        ),
    ],
)
def test_plans_of_rules_alone(
    old: tuple[Item, ...] | None, new: tuple[Item, ...] | None, expected: list[str]
) -> None:
    found = plan(old, new)

    assert shown(found) == expected
    mirrored = plan(new, old)
    assert (mirrored.counts.add, mirrored.counts.remove) == (found.counts.remove, found.counts.add)
    assert [c.action is Action.REPLACE for c in found.changes] == [bool(c.resets) for c in found.changes]


def test_a_rules_own_places_are_known_where_it_was_compiled() -> None:
    places = {("labels", "severity"): Pointer("g.yaml", ("rules", "A")), ("for",): Pointer("g.yaml")}
    new = replace(rule(severity="critical"), overrides=places)

    (change,) = plan(items(rule()), items(new)).changes

    assert change.fields[0].place == HERE
