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
    head = edit(
        BASE, {f"{GROUPS}all.yaml": "group: all\nscope: {}\nrules: {HighCPU: {for: 9m}, NodeDown: {}}\n"}
    )
    without = edit(head, {f"{GROUPS}web.yaml": None})
    for plan in (plan_of(BASE, without), plan_of(without, BASE)):
        one_sided = [change for change in plan.changes if change.rule.group_id == "web"]
        assert one_sided
        assert {change.causes[0] for change in one_sided} == {f"{GROUPS}web.yaml"}
