from __future__ import annotations

from itertools import pairwise

import pytest

from rulecompiler.compiler import Compilation
from rulecompiler.diagnostics import Severity
from tests.helpers import alert, codes, compile_repo, exprs, good, located, repo

SHELF = {"A": alert("A"), "B": alert("B")}


def emitted(groups: dict[str, str]) -> dict[str, dict[str, str]]:
    """Each group's expressions by rule; a group without a file is left out."""
    compilation = good(compile_repo(SHELF, groups))
    return {id_: found for id_ in groups if (found := exprs(compilation, id_))}


def faults(groups: dict[str, str]) -> list[str]:
    return codes(compile_repo(SHELF, groups).diagnostics)


ROOT = "scope: {}\nrules: {A: {}}"
CHANGED = "parent: g\nrules: {A: {params: {threshold: 2}}}"
DISABLED = "parent: g\nrules: {A: {enabled: false}}"


def test_a_disjoint_child_gets_all_rules_as_its_own() -> None:
    assert emitted({"g": "rules: {A: {}, B: {}}", "h": "parent: g"}) == {
        "g": {"A_G": 'A_metric{group_id="g"} > 1', "B_G": 'B_metric{group_id="g"} > 1'},
        "h": {"A_H": 'A_metric{group_id="h"} > 1', "B_H": 'B_metric{group_id="h"} > 1'},
    }


def test_an_unchanged_child_inside_is_not_emitted() -> None:
    assert emitted({"g": ROOT, "h": "parent: g"}) == {"g": {"A_G": "A_metric > 1"}}


@pytest.mark.parametrize(
    "entry",
    ["{}", "{enabled: true}", "{enabled: null}", "{params: {threshold: 1}}", "{labels: {severity: warning}}"],
)
def test_a_child_that_says_the_same_is_unchanged(entry: str) -> None:
    child = f"parent: g\nrules: {{A: {entry}}}"

    assert emitted({"g": ROOT, "h": child}) == {"g": {"A_G": "A_metric > 1"}}


@pytest.mark.parametrize(
    "text",
    [
        "rules: {A: {params: {threshold: 2}}}",
        "rules: {A: {for: 1m}}",
        "rules: {A: {keep_firing_for: 1m}}",
        "rules: {A: {labels: {severity: page}}}",
        "rules: {A: {annotations: {a: b}}}",
        "params: {threshold: 2}",
        "labels: {team: sre}",
        "interval: 30s",
        "limit: 5",
    ],
)
def test_a_changed_child_takes_its_slice_over(text: str) -> None:
    found = emitted({"g": ROOT, "h": f"parent: g\n{text}"})

    assert found["g"] == {"A_G": 'A_metric{group_id!="h"} > 1'}
    assert found["h"]["A_H"].startswith('A_metric{group_id="h"} > ')


def test_a_disabled_rule_is_shut_out() -> None:
    assert emitted({"g": ROOT, "h": DISABLED}) == {"g": {"A_G": 'A_metric{group_id!="h"} > 1'}}


def test_several_slices_share_one_sorted_exclusion() -> None:
    groups = {"g": ROOT, "z": CHANGED, "b": DISABLED, "a": CHANGED, "c": "parent: g"}

    assert exprs(compile_repo(SHELF, groups), "g") == {"A_G": 'A_metric{group_id!~"a|b|z"} > 1'}


def test_excluded_values_are_quoted_for_the_regex() -> None:
    groups = {"g": ROOT} | {
        id_: f"{CHANGED}\nscope: {{dc: '{dc}'}}" for id_, dc in (("a", "x.y"), ("b", "p+q"), ("c", "(r"))
    }

    assert exprs(compile_repo(SHELF, groups), "g") == {"A_G": r'A_metric{dc!~"\\(r|p\\+q|x\\.y"} > 1'}


@pytest.mark.parametrize(
    ("scope", "exclusion"),
    [
        ("{dc: a}", 'dc!="a"'),
        ("{dc: {not: a}}", 'dc="a"'),
        ('{dc: {matches: "a.*"}}', 'dc!~"a.*"'),
        ('{dc: {not_matches: "a|b"}}', 'dc=~"a|b"'),
    ],
)
def test_each_kind_of_scope_is_negated(scope: str, exclusion: str) -> None:
    groups = {"g": ROOT, "h": f"{CHANGED}\nscope: {scope}"}

    assert exprs(compile_repo(SHELF, groups), "g") == {"A_G": f"A_metric{{{exclusion}}} > 1"}


class TestGrandchildren:
    INSIDE = "scope: {group_id: h, dc: x}"

    def test_one_inside_a_changed_child_is_excluded_there_alone(self) -> None:
        inner = f"parent: h\n{self.INSIDE}\nrules: {{A: {{params: {{threshold: 3}}}}}}"

        assert emitted({"g": ROOT, "h": CHANGED, "i": inner}) == {
            "g": {"A_G": 'A_metric{group_id!="h"} > 1'},
            "h": {"A_H": 'A_metric{group_id="h",dc!="x"} > 2'},
            "i": {"A_I": 'A_metric{dc="x",group_id="h"} > 3'},
        }

    def test_one_that_goes_back_to_the_roots_values_is_still_its_own(self) -> None:
        inner = f"parent: h\n{self.INSIDE}\nrules: {{A: {{params: {{threshold: 1}}}}}}"

        assert emitted({"g": ROOT, "h": CHANGED, "i": inner})["i"] == {
            "A_I": 'A_metric{dc="x",group_id="h"} > 1'
        }

    def test_one_that_enables_again_what_its_parent_disabled(self) -> None:
        inner = f"parent: h\n{self.INSIDE}\nrules: {{A: {{enabled: true}}}}"

        assert emitted({"g": ROOT, "h": DISABLED, "i": inner}) == {
            "g": {"A_G": 'A_metric{group_id!="h"} > 1'},
            "i": {"A_I": 'A_metric{dc="x",group_id="h"} > 1'},
        }

    def test_an_unchanged_group_between_stands_where_it_takes_one_label_less(self) -> None:
        inner = f"parent: h\n{self.INSIDE}\nrules: {{A: {{params: {{threshold: 3}}}}}}"

        assert emitted({"g": ROOT, "h": "parent: g", "i": inner}) == {
            "g": {"A_G": 'A_metric{group_id!="h"} > 1'},
            "h": {"A_H": 'A_metric{group_id="h",dc!="x"} > 1'},
            "i": {"A_I": 'A_metric{dc="x",group_id="h"} > 3'},
        }

    def test_without_such_a_group_it_is_an_error_at_the_inner_scope(self) -> None:
        groups = {"g": ROOT, "i": f"{CHANGED}\n{self.INSIDE}"}
        (fault,) = compile_repo(SHELF, groups).diagnostics

        assert fault.code == "RC332"
        assert located(repo(SHELF, groups), fault.place)[:2] == ("alerts/groups/i.yaml", 4)


def test_siblings_may_nest() -> None:
    assert emitted(
        {
            "g": "abstract: true\nrules: {A: {}}",
            "h": "parent: g\nscope: {dc: x}",
            "i": f"{CHANGED}\nscope: {{dc: x, kind: gpu}}",
        }
    ) == {
        "h": {"A_H": 'A_metric{dc="x",kind!="gpu"} > 1'},
        "i": {"A_I": 'A_metric{dc="x",kind="gpu"} > 2'},
    }


def test_an_abstract_group_covers_nothing() -> None:
    groups = {"g": "abstract: true\nscope: {}\nrules: {A: {}}", "h": CHANGED}

    assert emitted(groups) == {"h": {"A_H": 'A_metric{group_id="h"} > 2'}}


def test_of_equal_scopes_the_heirs_wins() -> None:
    assert emitted({"g": "rules: {A: {}, B: {}}", "h": f"{CHANGED}\nscope: {{group_id: g}}"}) == {
        "g": {"B_G": 'B_metric{group_id="g"} > 1'},
        "h": {"A_H": 'A_metric{group_id="g"} > 2'},
    }


class TestOverlap:
    def test_equal_scopes_of_siblings(self) -> None:
        same = "scope: {dc: x}"
        groups = {
            "g": ROOT.replace("scope: {}", "abstract: true"),
            "h": f"parent: g\n{same}",
            "i": f"parent: g\n{same}",
        }

        assert faults(groups) == ["RC335"]

    def test_scopes_that_cross(self) -> None:
        groups = {"g": ROOT, "h": f"{CHANGED}\nscope: {{dc: x}}", "i": f"{DISABLED}\nscope: {{kind: gpu}}"}
        (fault,) = compile_repo(SHELF, groups).diagnostics

        assert fault.code == "RC335"
        assert located(repo(SHELF, groups), fault.place)[0] == "alerts/groups/h.yaml"
        assert located(repo(SHELF, groups), fault.related[0].place)[0] == "alerts/groups/i.yaml"
        assert 'dc="x"' in fault.label

    def test_no_error_where_neither_says_anything_of_its_own(self) -> None:
        assert (
            faults({"g": ROOT, "h": "parent: g\nscope: {dc: x}", "i": "parent: g\nscope: {kind: gpu}"}) == []
        )

    def test_no_error_where_the_rules_differ(self) -> None:
        groups = {
            "g": "abstract: true",
            "h": "parent: g\nscope: {dc: x}\nrules: {A: {}}",
            "i": "parent: g\nscope: {kind: gpu}\nrules: {B: {}}",
        }

        assert faults(groups) == []


SLICE = "S: {template: A, where: {kind: gpu}, instead_of: A, params: {threshold: 7}}"


class TestSlices:
    def test_a_slice_is_taken_out_of_the_wider_rule(self) -> None:
        assert emitted({"g": f"rules:\n  A: {{}}\n  {SLICE}"}) == {
            "g": {
                "A_G": 'A_metric{group_id="g",kind!="gpu"} > 1',
                "S_G": 'A_metric{group_id="g",kind="gpu"} > 7',
            }
        }

    def test_without_instead_of_both_hold(self) -> None:
        assert emitted({"g": "rules: {A: {}, S: {template: A, where: {kind: gpu}}}"}) == {
            "g": {"A_G": 'A_metric{group_id="g"} > 1', "S_G": 'A_metric{group_id="g",kind="gpu"} > 1'}
        }

    def test_a_child_inherits_the_slice(self) -> None:
        found = emitted({"g": f"rules:\n  A: {{}}\n  {SLICE}", "h": "parent: g"})

        assert found["h"] == {
            "A_H": 'A_metric{group_id="h",kind!="gpu"} > 1',
            "S_H": 'A_metric{group_id="h",kind="gpu"} > 7',
        }

    def test_a_child_that_disables_the_slice_has_the_wider_rule_everywhere(self) -> None:
        groups = {"g": f"rules:\n  A: {{}}\n  {SLICE}", "h": "parent: g\nrules: {S: {enabled: false}}"}

        assert emitted(groups)["h"] == {"A_H": 'A_metric{group_id="h"} > 1'}

    def test_inside_the_parent_too(self) -> None:
        groups = {
            "g": f"scope: {{}}\nrules:\n  A: {{}}\n  {SLICE}",
            "h": "parent: g\nrules: {S: {enabled: false}}",
        }

        assert emitted(groups) == {
            "g": {
                "A_G": 'A_metric{group_id!="h",kind!="gpu"} > 1',
                "S_G": 'A_metric{kind="gpu",group_id!="h"} > 7',
            },
            "h": {"A_H": 'A_metric{group_id="h"} > 1'},
        }

    def test_a_slice_that_a_child_adds_moves_the_wider_rule_there(self) -> None:
        groups = {"g": ROOT, "h": f"parent: g\nrules:\n  {SLICE}"}

        assert emitted(groups) == {
            "g": {"A_G": 'A_metric{group_id!="h"} > 1'},
            "h": {
                "A_H": 'A_metric{group_id="h",kind!="gpu"} > 1',
                "S_H": 'A_metric{group_id="h",kind="gpu"} > 7',
            },
        }

    def test_a_slice_of_a_slice(self) -> None:
        more = "T: {template: A, where: {kind: gpu, dc: x}, instead_of: S, params: {threshold: 9}}"

        assert emitted({"g": f"rules:\n  A: {{}}\n  {SLICE}\n  {more}"})["g"] == {
            "A_G": 'A_metric{group_id="g",kind!="gpu"} > 1',
            "S_G": 'A_metric{group_id="g",kind="gpu",dc!="x"} > 7',
            "T_G": 'A_metric{group_id="g",dc="x",kind="gpu"} > 9',
        }

    @pytest.mark.parametrize(
        ("rules", "code"),
        [
            ("{S: {template: A, where: {group_id: other}}}", "RC330"),
            ("{S: {template: A, where: {group_id: g}}}", "RC331"),
            ("{S: {template: A, where: {group_id: {not: h}}}}", "RC331"),
            ("{A: {}, S: {template: A, where: {kind: gpu, dc: x}, instead_of: A}}", "RC332"),
            ("{A: {where: {kind: cpu}}, S: {template: A, where: {kind: gpu}, instead_of: A}}", "RC333"),
            ("{A: {where: {kind: cpu}}, S: {template: A, where: {dc: x}, instead_of: A}}", "RC333"),
        ],
    )
    def test_faults(self, rules: str, code: str) -> None:
        assert faults({"g": f"rules: {rules}"}) == [code]

    @pytest.mark.parametrize(
        ("first", "second", "found"),
        [
            ("{kind: gpu}", "{kind: gpu}", ["RC334"]),
            ("{kind: gpu}", "{dc: x}", ["RC334"]),
            ("{kind: gpu}", '{kind: {matches: "gpu|cpu"}}', ["RC334"]),
            ("{kind: gpu}", "{kind: cpu}", []),
            ("{kind: gpu}", "{kind: {not_matches: gpu}}", []),
        ],
    )
    def test_two_slices_of_one_rule(self, first: str, second: str, found: list[str]) -> None:
        entries = [
            f"{n}: {{template: A, where: {w}, instead_of: A}}" for n, w in (("S", first), ("T", second))
        ]

        assert faults({"g": "rules:\n  A: {}\n  " + "\n  ".join(entries)}) == found

    def test_a_disabled_slice_replaces_nothing(self) -> None:
        off = "S: {template: A, where: {kind: gpu, dc: x}, instead_of: A, enabled: false}"

        assert emitted({"g": f"rules:\n  A: {{}}\n  {off}"}) == {"g": {"A_G": 'A_metric{group_id="g"} > 1'}}

    def test_past_a_disabled_slice_the_rule_behind_it_gives_up(self) -> None:
        off = "S: {template: A, where: {kind: {matches: gpu.*}}, instead_of: A, enabled: false}"
        more = "T: {template: A, where: {kind: gpu}, instead_of: S, params: {threshold: 9}}"

        assert emitted({"g": f"rules:\n  A: {{}}\n  {off}\n  {more}"})["g"] == {
            "A_G": 'A_metric{group_id="g",kind!="gpu"} > 1',
            "T_G": 'A_metric{group_id="g",kind="gpu"} > 9',
        }

    def test_what_it_cannot_give_up_is_told(self) -> None:
        off = SLICE.replace("params", "enabled: false, params")
        more = "T: {template: A, where: {kind: gpu, dc: x}, instead_of: S, params: {threshold: 9}}"

        assert faults({"g": f"rules:\n  A: {{}}\n  {off}\n  {more}"}) == ["RC332"]

    def test_slices_of_a_disabled_rule_are_kept_apart_too(self) -> None:
        other = "T: {template: A, where: {dc: x}, instead_of: A}"

        assert faults({"g": f"rules:\n  A: {{enabled: false}}\n  {SLICE}\n  {other}"}) == ["RC334"]


class TestTheWholeRepo:
    def only(self, compilation: Compilation) -> tuple[str, Severity, str]:
        (fault,) = compilation.diagnostics
        return fault.code, fault.severity, fault.message

    def test_unrelated_groups_that_overlap_are_a_warning_that_names_the_pair(self) -> None:
        compilation = compile_repo(SHELF, {"g": ROOT, "h": "scope: {dc: x}\nrules: {A: {}, B: {}}"})
        code, severity, message = self.only(compilation)

        assert (code, severity) == ("RC336", Severity.WARNING)
        assert "`g` and `h`" in message
        assert "`A`" in message
        assert len(compilation.files) == 2

    def test_a_crowd_of_unrelated_groups_is_no_flood_of_warnings(self) -> None:
        compilation = compile_repo(SHELF, {f"g{n}": "scope: {}\nrules: {A: {}}" for n in range(40)})

        assert codes(compilation.diagnostics) == ["RC336"] * 101
        assert "more than 100 pairs" in compilation.diagnostics[-1].message
        assert len(compilation.files) == 40

    @pytest.mark.parametrize(
        "other",
        [
            "scope: {}\nrules: {B: {}}",
            "scope: {}\nabstract: true\nrules: {A: {}}",
            "scope: {}\nrules: {A: {enabled: false}}",
        ],
    )
    def test_no_warning_without_a_shared_rule(self, other: str) -> None:
        assert faults({"g": ROOT, "h": other}) == []

    def test_no_warning_for_disjoint_scopes(self) -> None:
        assert faults({"g": "rules: {A: {}}", "h": "rules: {A: {}}"}) == []

    def test_a_group_wide_parameter_that_nothing_declares(self) -> None:
        groups = {"g": "params: {treshold: 3}\nrules: {A: {}}"}
        (fault,) = compile_repo(SHELF, groups).diagnostics

        assert fault.code == "RC319"
        assert fault.help == "did you mean `threshold`?"
        assert located(repo(SHELF, groups), fault.place)[2] == "treshold"

    def test_one_that_only_an_heirs_rule_declares_is_fine(self) -> None:
        assert faults({"g": "params: {threshold: 3}", "h": "parent: g\nrules: {A: {}}"}) == []

    def test_one_that_only_the_parents_sibling_declares_is_not(self) -> None:
        groups = {"h": "parent: g\nparams: {threshold: 3}", "i": "parent: g\nrules: {A: {}}"}

        assert faults({"g": "abstract: true", **groups}) == ["RC319"]


UNSCOPED = [
    "{alert: U, expr: 'u > ${t}', params: {t: {type: number, default: 1}}, scope: false, %s}",
    "{alert: U, expr: 'u > ${t}', params: {t: {type: number, default: 1}}, unscoped: [u], %s}",
]


@pytest.mark.parametrize("template", [text % "labels: {severity: page}" for text in UNSCOPED])
class TestRulesWithoutAScope:
    @pytest.mark.parametrize("entry", ["{enabled: false}", "{params: {t: 2}}"])
    def test_what_such_a_rule_cannot_leave_out_is_told(self, template: str, entry: str) -> None:
        groups = {"g": "scope: {}\nrules: {U: {}}", "h": f"parent: g\nrules: {{U: {entry}}}"}
        (fault,) = compile_repo({"U": template}, groups).diagnostics

        assert (fault.code, fault.severity) == ("RC339", Severity.WARNING)
        assert located(repo({"U": template}, groups), fault.place)[:2] == ("alerts/groups/g.yaml", 3)

    def test_it_cannot_be_a_slice(self, template: str) -> None:
        groups = {"g": "rules: {U: {where: {kind: gpu}}}"}
        (fault,) = compile_repo({"U": template}, groups).diagnostics

        assert (fault.code, fault.severity) == ("RC339", Severity.ERROR)

    @pytest.mark.parametrize("heir", ["", "scope: {}"])
    def test_heirs_that_say_the_same_are_fine(self, template: str, heir: str) -> None:
        groups = {"g": "scope: {}\nrules: {U: {}}", "h": f"parent: g\n{heir}"}

        assert compile_repo({"U": template}, groups).diagnostics == ()


@pytest.mark.parametrize(
    ("group", "found"),
    [
        ("scope: {group: prod}", ["RC340"]),
        ("scope: {group: prod}\nname: prod", []),
        ("scope: {group: {matches: prod.*}}", []),
        ("scope: {group: g}", []),
    ],
)
def test_the_label_group_is_the_groups_name(group: str, found: list[str]) -> None:
    assert faults({"g": f"{group}\nrules: {{A: {{}}}}"}) == found


RECORDED = {
    "R": "{record: 'r:x', expr: sum by (job) (x)}",
    "C": "{alert: C, expr: 'r:x > 1', requires: ['r:x'], labels: {severity: page}}",
}


@pytest.mark.parametrize(
    ("inner", "found"),
    [("{not: x}", ["RC338"]), ("{not_matches: x|y}", ["RC338"]), ("x", [])],
)
def test_a_rule_that_is_left_one_value_may_not_see_its_record(inner: str, found: list[str]) -> None:
    groups = {"g": "rules: {C: {}}", "h": f"parent: g\nscope: {{group_id: g, dc: {inner}}}"}
    silent = compile_repo(RECORDED, {**groups, "h": groups["h"] + "\nrules: {C: {enabled: false}}"})

    assert [d.severity for d in silent.diagnostics] == [Severity.WARNING] * len(silent.diagnostics)
    assert set(codes(silent.diagnostics)) == set(found)


@pytest.mark.parametrize("wide_first", [True, False])
def test_hundreds_of_groups_inside_each_other(wide_first: bool) -> None:
    ids = [f"g{number:03}" for number in range(250)]
    ids = ids if wide_first else ids[::-1]
    groups = {ids[0]: ROOT} | {id_: f"parent: {above}\nscope: {{}}" for above, id_ in pairwise(ids)}

    assert list(good(compile_repo(SHELF, groups)).files) == [f"group-{ids[0]}.yml"]


def test_a_circle_of_requirements_ends() -> None:
    shelf = {
        "r": "{record: 'r:x', expr: 'sum(s:x)', requires: ['s:x']}",
        "s": "{record: 's:x', expr: 'sum(r:x)', requires: ['r:x']}",
    }
    groups = {"g": "scope: {}\nrules: {'r:x': {}}", "h": "parent: g"}

    assert codes(compile_repo(shelf, groups).diagnostics) == ["RC305", "RC305"]


def test_many_disjoint_groups_and_a_baseline() -> None:
    groups = {"g": ROOT} | {f"h{n}": CHANGED for n in range(300)}
    compilation = good(compile_repo(SHELF, groups))

    assert len(compilation.files) == 301
    assert exprs(compilation, "g")["A_G"].count("|") == 299


@pytest.mark.parametrize(
    ("query", "inner", "says"),
    [
        ("sum by (job) (x)", "{not: x}", "never finds"),
        ("sum by (job, dc) (x)", "{not: x}", ""),
        ("x", "{not: x}", ""),
        ("sum by (job, dc) (x) or y", "{not: x}", ""),
        ("sum by (job) (x) or y", "{not: x}", "only if"),
    ],
)
def test_a_record_that_keeps_the_label_is_seen(query: str, inner: str, says: str) -> None:
    shelf = {**RECORDED, "R": f"{{record: 'r:x', expr: '{query}'}}"}
    groups = {"g": "rules: {C: {}}", "h": f"parent: g\nscope: {{group_id: g, dc: {inner}}}"}
    groups["h"] += "\nrules: {C: {enabled: false}}"
    found = compile_repo(shelf, groups).diagnostics

    assert {d.code for d in found} == ({"RC338"} if says else set())
    assert all(says in d.message for d in found)


@pytest.mark.parametrize(
    ("query", "scope", "says"),
    [
        ("sum by (job) (x)", "{matches: a.+}", "never finds"),
        ("sum by (job, dc) (x)", "{matches: a.+}", ""),
        ("sum by (job) (x) or y", "{matches: a.+}", "only if"),
        ("sum by (job) (x)", "{not: a}", ""),
        ("sum by (job) (x)", "a", ""),
    ],
)
def test_a_record_under_a_scope_that_is_no_label(query: str, scope: str, says: str) -> None:
    shelf = {**RECORDED, "R": f"{{record: 'r:x', expr: '{query}'}}"}
    found = compile_repo(shelf, {"g": f"scope: {{dc: {scope}}}\nrules: {{C: {{}}}}"}).diagnostics

    assert {d.code for d in found} == ({"RC338"} if says else set())
    assert all(says in d.message for d in found)
