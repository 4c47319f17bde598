"""Which edits a change is put down to."""

from __future__ import annotations

from tests.diff.repos import BASE, edit, plan_of
from tests.helpers import GROUPS, TEMPLATES

NEW = {f"{TEMPLATES}New.yaml": "alert: New\nexpr: up == 0\nlabels: {severity: info}\n"}


def test_a_new_template_has_its_part_in_the_rules_that_come_with_it() -> None:
    group = f"{GROUPS}extra.yaml"
    head = edit(BASE, {**NEW, group: "group: extra\nrules: {New: {}}\n"})
    plan = plan_of(BASE, head)
    (added,) = (change for change in plan.changes if change.rule.key == "New")
    assert added.causes == (group, f"{TEMPLATES}New.yaml")
    assert plan.untouched_edits == ()
    (gone,) = (change for change in plan_of(head, BASE).changes if change.rule.key == "New")
    assert gone.causes == (group, f"{TEMPLATES}New.yaml")


def test_a_new_template_that_nothing_asks_for_changes_no_rule() -> None:
    assert plan_of(BASE, edit(BASE, NEW)).untouched_edits == (f"{TEMPLATES}New.yaml",)


def test_the_rules_of_a_group_come_and_go_with_its_file_and_not_with_edits_above() -> None:
    above, below = f"{GROUPS}all.yaml", f"{GROUPS}web.yaml"
    base = edit(
        BASE,
        {
            above: "group: all\nscope: {env: a}\nrules: {NodeDown: {}}\n",
            below: "group: web\nscope: {env: b}\nparent: all\n",
        },
    )
    without = edit(base, {above: "group: all\nscope: {env: a}\nrules: {NodeDown: {for: 9m}}\n", below: None})
    for plan in (plan_of(base, without), plan_of(without, base)):
        (change,) = (change for change in plan.changes if change.rule.group_id == "web")
        assert change.causes == (below,)
