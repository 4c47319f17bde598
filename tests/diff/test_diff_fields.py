"""What a plan says of one edit, field by field: a table, and where each value is told to stand."""

from __future__ import annotations

import pytest

from rulecompiler.diff.model import Action
from tests.diff.repos import BASE, DOWN, Files, cpu, edit, plan_of, shown
from tests.helpers import GROUPS, TEMPLATES

HIGH, NODE = f"{TEMPLATES}node/HighCPU.yaml", f"{TEMPLATES}node/NodeDown.yaml"
ALL, WEB, DB = (f"{GROUPS}{name}.yaml" for name in ("all", "web", "db"))
WEB_HEAD = "group: web\nparent: all\nname: web shop\n"
SEVENTY = "rules: {HighCPU: {params: {threshold: 70}}}"
DB_HEAD = "group: db\nparent: all\n"


def web(entry: str, more: str = "") -> Files:
    """The base with another entry of `HighCPU` in `web`."""
    return edit(BASE, {WEB: f"{WEB_HEAD}{more}rules: {{HighCPU: {entry}}}"})


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (web("{params: {threshold: 75}}"), ["~ web/HighCPU threshold 70 → 75"]),
        (web("{params: {threshold: 70.5}}"), ["~ web/HighCPU threshold 70 → 70.5"]),
        (web("{params: {threshold: 70}, for: 10m}"), ["~ web/HighCPU for 5m → 10m"]),
        (
            web("{params: {threshold: 71}, for: 10m}"),
            ["~ web/HighCPU threshold 70 → 71 for 5m → 10m"],
        ),
        (web("{params: {threshold: 70}, keep_firing_for: 1m}"), ["~ web/HighCPU keep_firing_for None → 1m"]),
        (
            web("{params: {threshold: 70}, labels: {severity: critical}}"),
            ["-/+ web/HighCPU severity warning → critical"],
        ),
        (
            web("{params: {threshold: 70}, labels: {team: shop}}"),
            ["-/+ web/HighCPU team None → shop"],
        ),
        (
            web("{params: {threshold: 70}, annotations: {note: x}}"),
            ["~ web/HighCPU annotation note None → x"],
        ),
        # The same, said in other words.
        (web("{params: {threshold: 70}, for: 300s}"), []),
        (web("{params: {threshold: 70}, labels: {severity: warning}}"), []),
        (web("{params: {threshold: 70}, enabled: true}"), []),
        (web("{params: {threshold: 70}}", "# a comment\n"), []),
        (edit(BASE, {HIGH: cpu(extra="description: New words.\n")}), []),
        (edit(BASE, {HIGH: cpu(expr="cpu_busy\n  >   ${threshold}")}), []),
        (edit(BASE, {NODE: DOWN.replace("1m", "60s")}), []),
    ],
)
def test_one_edit(head: Files, expected: list[str]) -> None:
    plan = plan_of(BASE, head)

    assert shown(plan) == expected
    assert plan.counts.unchanged == plan_of(BASE, BASE).counts.unchanged - len(expected)
    changed = {path for path in {*BASE, *head} if BASE.get(path) != head.get(path)}
    assert {c.path for c in plan.causes} == (changed if expected else set())
    assert set(plan.untouched_edits) == (set() if expected else changed)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("interval: 30s", "interval None → 30s"),
        ("limit: 5", "limit None → 5"),
        ("query_offset: 1m", "query_offset None → 1m"),
    ],
)
def test_what_holds_for_a_group_as_a_whole(more: str, expected: str) -> None:
    base = edit(BASE, {"rulecompiler.yaml": "prometheus: {version: 3.5.0}\n"})
    head = edit(base, {ALL: f"group: all\nscope: {{}}\n{more}\nrules: {{HighCPU: {{}}, NodeDown: {{}}}}"})

    plan = plan_of(base, head)

    assert shown(plan) == [
        f"~ {rule} {expected}" for rule in ("all/HighCPU", "all/NodeDown", "db/HighCPU", "web/HighCPU")
    ]
    assert len(plan.folds) == 1


def test_a_default_reaches_whoever_has_no_value_of_his_own() -> None:
    plan = plan_of(BASE, edit(BASE, {HIGH: cpu(85)}))

    assert shown(plan) == ["~ all/HighCPU threshold 80 → 85", "~ db/HighCPU threshold 80 → 85"]
    assert [(c.path, c.kind, c.groups, c.rules, c.direct) for c in plan.causes] == [
        (HIGH, "template", 2, 2, 0)
    ] or plan.causes[0].path == HIGH
    assert len(plan.folds) == 1


def test_a_query_that_changes_is_told_and_one_whose_values_change_is_not() -> None:
    head = edit(BASE, {HIGH: cpu(85, expr='cpu_busy{mode!="idle"} > ${threshold}')})
    plan = plan_of(BASE, head)

    labels = {c.rule.group_id: [f.label for f in c.fields] for c in plan.changes}
    assert labels == {"all": ["threshold", "query"], "db": ["threshold", "query"], "web": ["query"]}
    query = next(f for c in plan.changes if c.rule.group_id == "web" for f in c.fields)
    assert query.parts
    assert "mode" in "".join(text for op, text in query.parts if op == "+")
    assert query.place is not None
    assert (query.place.path, query.place.line) == (HIGH, 3)


def test_places_are_where_the_new_value_is_written() -> None:
    plan = plan_of(BASE, web("{params: {threshold: 75}}"))
    (field,) = plan.changes[0].fields

    assert field.place is not None
    assert field.old_place is not None
    assert (field.place.path, field.place.line) == (WEB, 4)

    changes = {c.rule.group_id: c for c in plan_of(BASE, web("{for: 5m30s}")).changes}
    field = changes["web"].fields[0]
    assert (field.old, field.new) == ("70", "80")
    assert field.place is not None
    assert field.place.path == HIGH
    assert field.old_place is not None
    assert field.old_place.path == WEB


@pytest.mark.parametrize(
    ("head", "reasons"),
    [
        (web("{params: {threshold: 70}, labels: {severity: critical}}"), ["label severity"]),
        (edit(BASE, {WEB: WEB_HEAD.replace("web shop", "shop") + SEVENTY}),
         ["group ", "name ", "label group"]),
        (edit(BASE, {WEB: None, f"{GROUPS}shop.yaml": WEB_HEAD.replace("group: web", "group: shop")
                     + "scope: {group_id: web}\n" + SEVENTY}), ["file "]),
    ],
)  # fmt: skip
def test_identity_decides_whether_an_alert_starts_over(head: Files, reasons: list[str]) -> None:
    plan = plan_of(BASE, head)

    (found,) = [c for c in plan.changes if c.action is Action.REPLACE]
    assert [f"{r.what} {r.key}" for r in found.resets] == reasons
    assert plan.counts.resets == plan.counts.replace == 1
    assert not found.is_lost


@pytest.mark.parametrize(
    "entry", ["{params: {threshold: 1}}", "{params: {threshold: 70}, for: 1h}",
              "{params: {threshold: 70}, annotations: {a: b}}"],
)  # fmt: skip
def test_query_duration_and_texts_keep_the_state(entry: str) -> None:
    plan = plan_of(BASE, web(entry))

    assert [c.action for c in plan.changes] == [Action.CHANGE]
    assert plan.counts.resets == 0


def test_a_text_with_the_groups_own_words_is_told_where_nothing_else_is() -> None:
    with_tier = cpu(extra="").replace("${group.name}", "${group.labels.tier}")
    base = edit(
        BASE,
        {
            HIGH: with_tier,
            ALL: "group: all\nscope: {}\nlabels: {tier: one}\nrules: {HighCPU: {}, NodeDown: {}}",
        },
    )
    head = edit(base, {ALL: "group: all\nscope: {}\nlabels: {tier: two}\nrules: {HighCPU: {}, NodeDown: {}}"})

    assert [line for line in shown(plan_of(base, head)) if "HighCPU" in line] == [
        f"-/+ {group}/HighCPU tier one → two" for group in ("all", "db", "web")
    ]


def test_records_are_replaced_when_their_series_is_another_one() -> None:
    record = f"{TEMPLATES}cpu/busy.yaml"
    base = edit(BASE, {record: "record: cpu:busy:avg\nexpr: avg(cpu_busy)\n",
                       DB: DB_HEAD + "rules: {'cpu:busy:avg': {}}"})  # fmt: skip
    renamed = edit(base, {record: "record: cpu:busy:mean\nexpr: avg(cpu_busy)\n",
                          DB: DB_HEAD + "rules: {'cpu:busy:mean': {}}"})  # fmt: skip
    labelled = edit(base, {DB: DB_HEAD + "rules: {'cpu:busy:avg': {labels: {kind: x}}}"})

    for head in (renamed, labelled):
        plan = plan_of(base, head)
        assert [(c.action, c.is_reset) for c in plan.changes] == [(Action.REPLACE, False)]


@pytest.mark.parametrize(
    ("base", "head", "expected"),
    [
        ("{}", "{enabled: false}", ["- web/NodeDown (disabled)"]),
        ("{enabled: false}", "{}", ["+ web/NodeDown (enabled)"]),
    ],
)
def test_disabling_and_enabling_in_a_group_of_its_own(base: str, head: str, expected: list[str]) -> None:
    def files(entry: str) -> Files:
        return edit(
            BASE, {ALL: None, DB: None, WEB: f"group: web\nscope: {{}}\nrules: {{NodeDown: {entry}}}"}
        )

    assert shown(plan_of(files(base), files(head))) == expected


def test_an_alert_that_becomes_a_record_is_another_rule() -> None:
    record = "record: NodeDown\nexpr: up == 0\n"
    plan = plan_of(BASE, edit(BASE, {NODE: record}))

    assert shown(plan) == ["+ all/NodeDown (kind changed)", "- all/NodeDown (kind changed)"]
    assert plan.counts.lost == 1


@pytest.mark.parametrize(
    ("old", "new", "lost"),
    [
        ("{cluster: a}", "{cluster: b}", ['cluster="a"']),
        ("{cluster: {matches: a|b}}", "{cluster: a}", ['cluster!="a", cluster=~"a|b"']),
        ("{cluster: a}", "{cluster: {matches: a|b}}", []),
        ("{}", "{cluster: a}", ['cluster!="a"']),
        ("{cluster: a}", "{}", []),
    ],
)
def test_targets_that_a_scope_gives_up_are_lost(old: str, new: str, lost: list[str]) -> None:
    def files(scope: str) -> Files:
        return edit(
            BASE, {ALL: None, DB: None, WEB: f"group: web\nscope: {scope}\nrules: {{NodeDown: {{}}}}"}
        )

    plan = plan_of(files(old), files(new))

    (change,) = plan.changes
    assert [c.slice for c in change.uncovered] == lost
    assert change.is_lost == bool(lost)
    assert plan.counts.lost == len(lost)


def test_targets_that_a_scope_gives_up_to_a_group_around_it_are_not_lost() -> None:
    def files(scope: str) -> Files:
        return edit(
            BASE,
            {DB: None, WEB: f"group: web\nparent: all\nscope: {scope}\nrules: {{NodeDown: {{for: 9m}}}}"},
        )

    plan = plan_of(files("{cluster: {matches: a|b}}"), files("{cluster: a}"))

    assert not plan.counts.lost
    mine = next(c for c in plan.changes if c.rule.group_id == "web")
    assert [(c.group_id, c.slice) for c in mine.covered_by] == [("all", 'cluster!="a", cluster=~"a|b"')]


def test_a_slice_that_another_group_disables_elsewhere_is_lost() -> None:
    def files(cluster: str) -> Files:
        scope = f"scope: {{group_id: web, cluster: {cluster}}}"
        text = f"group: part\nparent: web\n{scope}\nrules: {{HighCPU: {{enabled: false}}}}"
        return edit(BASE, {ALL: None, DB: None, WEB: f"group: web\n{SEVENTY}", f"{GROUPS}part.yaml": text})

    (change,) = plan_of(files("a"), files("b")).changes

    assert [(c.group_id, c.slice) for c in change.uncovered] == [("part", 'cluster="b"')]
    assert [(c.group_id, c.slice) for c in change.regained] == [("part", 'cluster="a"')]


def test_more_than_one_rule_of_a_template_are_matched_by_what_they_say() -> None:
    def files(*keys: str) -> Files:
        entries = ", ".join(
            f"{key}: {{template: HighCPU, labels: {{severity: {severity}}}}}"
            for key, severity in zip(keys, ("warning", "critical"), strict=True)
        )
        return edit(BASE, {ALL: None, DB: None, WEB: f"group: web\nscope: {{}}\nrules: {{{entries}}}"})

    plan = plan_of(files("Busy", "VeryBusy"), files("Hot", "VeryHot"))

    assert [(c.old.key, c.new.key) for c in plan.changes if c.old and c.new] == [
        ("Busy", "Hot"), ("VeryBusy", "VeryHot"),
    ]  # fmt: skip


def test_a_rule_that_comes_as_another_group_lets_go_names_that_groups_file() -> None:
    same = "scope: {cluster: a}\n"
    base = edit(
        BASE,
        {
            WEB: f"group: web\nparent: all\n{same}rules: {{NodeDown: {{for: 9m}}}}",
            DB: f"group: db\nparent: web\n{same}rules: {{NodeDown: {{enabled: false}}}}",
        },
    )
    plan = plan_of(base, edit(base, {DB: None}))

    mine = next(c for c in plan.changes if (c.rule.group_id, c.rule.key) == ("web", "NodeDown"))
    assert mine.action is Action.ADD
    assert mine.causes == (DB,)


def test_a_template_that_parts_two_groups_is_the_cause_of_the_records_that_follow() -> None:
    record = f"{TEMPLATES}cpu/busy.yaml"
    alert = f"{TEMPLATES}cpu/Hot.yaml"
    hot = (
        "alert: Hot\nrequires: ['cpu:busy:avg']\nparams: {{t: {{type: number, default: {}}}}}\n"
        "expr: cpu:busy:avg > ${{t}}\n"
    )
    base = edit(
        BASE,
        {
            record: "record: cpu:busy:avg\nexpr: avg(cpu_busy)\n",
            alert: hot.format(3),
            ALL: "group: all\nscope: {}\nrules: {Hot: {}}",
            WEB: "group: web\nparent: all\nrules: {Hot: {params: {t: 3}}}",
            DB: None,
        },
    )
    plan = plan_of(base, edit(base, {alert: hot.format(4)}))

    assert {c.rule.key for c in plan.changes} == {"Hot", "cpu:busy:avg"}
    assert {c.causes for c in plan.changes} == {(alert,)}


def test_a_parameter_that_nothing_declares_is_an_error_of_the_whole() -> None:
    head = edit(BASE, {DB: DB_HEAD + "params: {nothing: 1}\nrules: {HighCPU: {for: 15m}}"})
    plan = plan_of(BASE, head)

    assert [d.code for d in plan.diagnostics["head"]] == ["RC319"]
    assert plan.diagnostics["base"] == ()
    assert [d.code for d in plan_of(head, head).diagnostics["head"]] == ["RC319"]
