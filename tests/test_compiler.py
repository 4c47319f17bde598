from __future__ import annotations

import pytest

from rulecompiler.compiler import Compiler
from rulecompiler.forest import plant
from rulecompiler.library import Library
from rulecompiler.model import Facts, Options
from tests.helpers import (
    alert,
    codes,
    compile_repo,
    compile_texts,
    errors,
    good,
    located,
    make_group,
    make_template,
    repo,
    rules_of,
)

UP = "{alert: Up, expr: up == 0, labels: {severity: page}}"


def groups_of(templates: dict[str, str], group: str) -> list[tuple[str, list[str]]]:
    """The Prometheus groups of group g, with their rules' names."""
    compilation = good(compile_repo(templates, {"g": group}, Options(alert_names="plain")))
    (result,) = compilation.results
    assert result.rules is not None
    return [(group.name, [rule.name for rule in group.rules]) for group in result.rules.groups]


class TestPrometheusGroups:
    def test_one_a_category_by_name(self) -> None:
        shelf = {
            "net/A": alert("A"),
            "cpu/B": alert("B"),
            "C": alert("C"),
            "cpu/D": alert("D") + "category: disk\n",
        }
        group = "name: my group\nrules: {A: {}, B: {}, C: {}, D: {}}"

        assert groups_of(shelf, group) == [
            ("my group_cpu", ["B"]),
            ("my group_default", ["C"]),
            ("my group_disk", ["D"]),
            ("my group_net", ["A"]),
        ]

    def test_records_stand_before_alerts_in_the_order_of_their_need(self) -> None:
        shelf = {
            "a": alert("A") + "requires: [z]\n",
            "r1": "{record: z, expr: m + y, requires: [y]}",
            "r2": "{record: y, expr: n + x, requires: [x]}",
            "r3": "{record: x, expr: o}",
            "r4": "{record: zz, expr: o}",
        }

        assert groups_of(shelf, "rules: {A: {}, zz: {}}") == [("g_default", ["x", "zz", "y", "z", "A"])]

    def test_groups_with_records_come_first(self) -> None:
        shelf = {"a/A": alert("A"), "z/r": "{record: r, expr: m}", "z/B": alert("B")}

        assert groups_of(shelf, "rules: {A: {}, r: {}, B: {}}") == [("g_z", ["r", "B"]), ("g_a", ["A"])]

    def test_settings_hold_for_each(self) -> None:
        shelf = {"a/A": alert("A"), "b/B": alert("B")}
        group = "interval: 30s\nlimit: 7\nquery_offset: 1m\nrules: {A: {}, B: {}}"
        compilation = compile_repo(shelf, {"g": group}, Options(prometheus_version=(3, 0)))
        rules = compilation.results[0].rules

        assert rules is not None
        assert [(g.interval, g.limit, g.query_offset) for g in rules.groups] == [("30s", 7, "1m")] * 2
        assert rules.rule_count == 2

    def test_a_newer_field_than_the_server_knows(self) -> None:
        assert errors(compile_repo({"Up": UP}, {"g": "query_offset: 1m\nrules: {Up: {}}"})) == ["RC403"]


class TestFiles:
    def test_one_a_group_with_rules_sorted(self) -> None:
        groups = {
            "z": "rules: {Up: {}}",
            "a": "rules: {Up: {}}",
            "empty": "{}",
            "off": "rules: {Up: {enabled: false}}",
            "policy": "abstract: true\nrules: {Up: {}}",
        }
        files = repo({"Up": UP}, {k: v for k, v in groups.items() if v != "{}"}) | {
            "alerts/groups/empty.yaml": "group: empty"
        }
        compilation = good(compile_texts(files))

        assert sorted(compilation.files) == ["group-a.yml", "group-z.yml"]
        assert all(text.startswith("# Compiled by rulecompiler.") for text in compilation.files.values())

    def test_sources_root_first_and_where_a_rule_comes_from(self) -> None:
        compilation = good(compile_repo({"Up": UP}, {"g": "rules: {Up: {}}", "h": "parent: g"}))
        text = compilation.files["group-h.yml"]

        assert "#   alerts/groups/g.yaml\n#   alerts/groups/h.yaml\n" in text
        assert "# alerts/templates/Up.yaml, inherited from alerts/groups/g.yaml" in text

    def test_facts(self) -> None:
        compilation = compile_repo(
            {"node/A": alert("A"), "B": alert("B")}, {"g": "rules: {A: {}, B: {enabled: false}}"}
        )

        assert compilation.results[0].facts == Facts(
            ("alerts/templates/B.yaml", "alerts/templates/node/A.yaml"), ("threshold",), ("A",)
        )

    @pytest.mark.parametrize("reverse", [False, True])
    def test_groups_may_be_compiled_in_any_order(self, reverse: bool) -> None:
        groups = {
            "g": "scope: {}\nrules: {A: {}}",
            "h": "parent: g\nrules: {A: {for: 1m}}",
            "i": "parent: h\nscope: {group_id: h, dc: x}\nrules: {A: {for: 2m}}",
        }
        trees, _ = plant(make_group(id_, text) for id_, text in groups.items())
        compiler = Compiler(Library([make_template(alert("A"), "A")]), trees, Options())
        order = sorted(groups, reverse=reverse)
        texts = {f"group-{id_}.yml": compiler.compile_group(id_).text for id_ in order}

        assert texts == dict(compile_repo({"A": alert("A")}, groups).files)


class TestFaultsAreToldOnce:
    def test_a_templates_fault_however_many_groups_use_it(self) -> None:
        groups = {f"g{n}": "rules: {A: {}}" for n in range(50)}
        for template in (
            "{alert: A, expr: up >, labels: {severity: x}}",
            "alert: A\nexpr: up > ${nope}\nlabels: {severity: x}",
            "{alert: A, expr: up, params: {n: {type: number}}, labels: {severity: x}}",
            "{alert: A, nope: 1, expr: up}",
            "{alert: A, expr: up",
        ):
            assert len(compile_repo({"A": template}, groups).diagnostics) == 1, template

    def test_one_that_shows_only_with_a_required_value(self) -> None:
        template = "alert: A\nparams: {n: {type: number}}\nexpr: up >> ${n}\nlabels: {severity: x}"
        groups = {f"g{n}": f"rules: {{A: {{params: {{n: {n}}}}}}}" for n in range(3)}
        faults = compile_repo({"A": template}, groups).diagnostics

        assert {(d.code, d.place) for d in faults} == {("RC501", faults[0].place)}

    def test_a_warning(self) -> None:
        groups = {f"g{n}": "rules: {A: {}}" for n in range(50)}

        assert codes(compile_repo({"A": "{alert: A, expr: up}"}, groups).diagnostics) == ["RC341"]

    def test_a_broken_group(self) -> None:
        groups = {"g": "nope: 1", "h": "parent: g\nrules: {Up: {}}", "i": "parent: h"}

        assert codes(compile_repo({"Up": UP}, groups).diagnostics) == ["RC201"]

    def test_a_broken_record_that_others_require(self) -> None:
        shelf = {"A": alert("A") + "requires: [r]\n", "r": "{record: r, expr: 'm >'}"}

        assert codes(compile_repo(shelf, {"g": "rules: {A: {}}"}).diagnostics) == ["RC501"]

    def test_a_broken_template_by_path_or_by_name(self) -> None:
        broken = "{alert: Up, nope: 1, expr: up}"
        groups = {"g": "rules: {Up: {}}", "h": "rules: {X: {template: node/Up}}"}

        assert codes(compile_repo({"node/Up": broken}, groups).diagnostics) == ["RC201"]

    def test_a_broken_template_whose_file_is_named_otherwise(self) -> None:
        broken = "alert: Up\nexpr: up > ${nope}\n"

        assert codes(compile_repo({"node/up-alert": broken}, {"g": "rules: {Up: {}}"}).diagnostics) == [
            "RC521"
        ]

    def test_no_file_is_judged_unused_while_others_are_broken(self) -> None:
        groups = {"g": "params: {threshold: 1}\nrules: {A: {}}"}

        assert codes(compile_repo({"A": alert("A") + "nope: 1\n"}, groups).diagnostics) == ["RC201"]


def test_all_faults_are_reported_in_one_run() -> None:
    shelf = {
        "Up": UP,
        "bad-yaml": "{alert: [",
        "bad-promql": "{alert: B1, expr: 'up >'}",
        "bad-name": "alert: B2\nexpr: up > ${nope}",
        "needy": "{alert: B3, expr: up, requires: [gone]}",
    }
    groups = {
        "a": "parent: gone",
        "b": "rules: {Nope: {}}",
        "c": "rules: {Up: {params: {x: 1}}}",
        "d": "parent: e",
        "e": "parent: d",
        "f": "rules: {Up: {labels: {group: other}}}",
        "g": "nope: 1",
        "ok": "rules: {Up: {}}",
    }
    compilation = compile_repo(shelf, groups)

    found = codes(compilation.diagnostics)
    assert sorted(found) == sorted(
        ["RC111", "RC501", "RC521", "RC301", "RC311", "RC301", "RC315", "RC312", "RC340", "RC201"]
    )
    assert len(set(compilation.diagnostics)) == len(compilation.diagnostics)
    assert list(compilation.files) == ["group-ok.yml"]
    for fault in compilation.diagnostics:
        assert located(repo(shelf, groups), fault.place)


def test_a_faulty_group_has_no_rules_though_some_are_fine() -> None:
    compilation = compile_repo({"Up": UP}, {"g": "rules: {Up: {}, Nope: {}}"})

    assert rules_of(compilation, "g") == {}
    assert compilation.results[0].text == ""


def test_an_empty_repo() -> None:
    assert good(compile_texts({})).results == ()


def test_template_names_leave_the_folder_out() -> None:
    template = make_template(UP, "a/b.c")

    assert template.name == "a/b.c"
    assert template.category == "a"
