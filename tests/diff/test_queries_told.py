"""A query that is another one is told, whatever else is said of its rule."""

from __future__ import annotations

import pytest

from tests.diff.repos import Files, edit, plan_of
from tests.helpers import GROUPS, TEMPLATES, repo

DOWN, WEB = f"{TEMPLATES}Down.yaml", f"{GROUPS}web.yaml"
WORDS = "alert: Down\nexpr: {expr}\nfor: 5m\nlabels: {{severity: warning}}\n"
CALM, URGENT = WORDS, WORDS.replace("warning", "critical").replace("5m", "9m")
TEAM = "labels: {{team: {0}}}\nrules: {{Down: {{labels: {{team: x}}{1}}}}}"


def side(template: str, web: str, expr: str) -> Files:
    """A repo of one group and one template."""
    return repo({"Down": template.format(expr=expr)}, {"web": web})


@pytest.mark.parametrize(
    ("old", "new", "queries"),
    [
        # Not one group's any more: the worst of all to pass over.
        (
            side(CALM, "rules: {Down: {}}", "up == 0"),
            side(URGENT + "scope: false\n", "rules: {Down: {}}", "up == 0"),
            ('up{group_id="web"} == 0', "up == 0"),
        ),
        (
            side(CALM, "rules: {Down: {}}", "up == 0 unless on () gone"),
            side(URGENT + "unscoped: [gone]\n", "rules: {Down: {}}", "up == 0 unless on () gone"),
            (
                'up{group_id="web"} == 0 unless on () gone{group_id="web"}',
                'up{group_id="web"} == 0 unless on () gone',
            ),
        ),
        # What a query takes from its group is told nowhere else, where the rule's own label hides it.
        (
            side(CALM, TEAM.format("a", ""), "up{t='${group.labels.team}'}"),
            side(CALM, TEAM.format("b", ", for: 9m"), "up{t='${group.labels.team}'}"),
            ("up{t='a',group_id=\"web\"}", "up{t='b',group_id=\"web\"}"),
        ),
    ],
    ids=["scope", "unscoped", "group"],
)  # fmt: skip
def test_a_query_that_changes_beside_other_fields(old: Files, new: Files, queries: tuple[str, str]) -> None:
    (change,) = plan_of(old, new).changes

    told = [(field.old, field.new) for field in change.fields if field.field == "expr"]
    assert told == [queries]
    assert len(change.fields) > 1


def test_values_and_targets_that_are_told_explain_a_query() -> None:
    template = CALM + "params: {{most: {{type: number, default: 0}}}}\n"
    old = side(template, "rules: {Down: {}}", "up == ${most}")
    new = edit(old, {WEB: "group: web\nscope: {team: web}\nrules: {Down: {params: {most: 3}}}"})

    (change,) = plan_of(old, new).changes

    assert [field.field for field in change.fields] == ["param", "scope"]
