from __future__ import annotations

import json
from typing import Any

import promql_parser
import pytest

from rulecompiler.diagnostics import Severity
from rulecompiler.model import Options, Rule
from rulecompiler.render import check_template, suffix
from tests.helpers import codes, compile_repo, decoded, good, located, repo, rules_of

PLAIN = Options(alert_names="plain")


def one(template: str, group: str = "rules: {A: {}}", **more: str) -> Rule:
    """The only rule of the group g."""
    (rule,) = rules_of(good(compile_repo({"A": template, **more}, {"g": group})), "g").values()
    return rule


def faults(template: str, group: str = "rules: {A: {}}") -> list[str]:
    return codes(compile_repo({"A": template}, {"g": group}).diagnostics)


class TestNames:
    @pytest.mark.parametrize(
        ("group", "end"),
        [
            ("production", "Production"),
            ("gpu-cluster-a", "GpuClusterA"),
            ("gpu_cluster a", "GpuClusterA"),
            ("ML training (EU)", "MLTrainingEU"),
            ("GPU", "GPU"),
            ("42", "42"),
            ("größe", "Größe"),
            ("---", ""),
        ],
    )
    def test_suffix(self, group: str, end: str) -> None:
        assert suffix(group) == end

    def test_qualified_and_plain(self) -> None:
        files = (
            {"A": "{alert: A, expr: up, labels: {severity: page}}"},
            {"g": "name: my group\nrules: {A: {}}"},
        )

        assert list(rules_of(compile_repo(*files), "g")) == ["A_MyGroup"]
        assert list(rules_of(compile_repo(*files, PLAIN), "g")) == ["A"]

    def test_a_name_without_letters_leaves_the_id(self) -> None:
        assert (
            one("{alert: A, expr: up, labels: {severity: page}}", "name: '!!!'\nrules: {A: {}}").name == "A_G"
        )

    def test_the_entry_names_the_alert(self) -> None:
        rule = one("{alert: A, expr: up, labels: {severity: page}}", "rules: {Other: {template: A}}")

        assert rule.name == "Other_G"

    def test_a_record_keeps_its_name(self) -> None:
        assert one("{record: 'a:b', expr: up}", "rules: {'a:b': {}}").name == "a:b"


def test_braces_in_a_scope_are_no_template_of_prometheus() -> None:
    """The label is what the selector asks for, to the letter."""
    group = "name: '{{ $value }}'\nscope: {path: 'a{{{b'}\nrules: {A: {}}"
    alert = one("{alert: A, expr: up, labels: {severity: page}}", group)
    record = one("{record: A, expr: up}", group)

    assert alert.labels["group"] == '{{"{{"}} $value }}'
    assert alert.labels["path"] == 'a{{"{{"}}{b'
    assert record.labels == {"group": "{{ $value }}", "path": "a{{{b"}
    assert alert.expr == 'up{path="a{{{b"}'


LABELLED = "{alert: A, expr: up, labels: {severity: page, owner: nobody}}"


class TestLabels:
    @pytest.mark.parametrize(
        ("group", "labels"),
        [
            ("", {"severity": "page", "owner": "nobody", "group": "g", "group_id": "g"}),
            ("name: n\n", {"severity": "page", "owner": "nobody", "group": "n", "group_id": "g"}),
            ("scope: {}\n", {"severity": "page", "owner": "nobody", "group": "g"}),
            (
                "scope: {dc: a, env: {not: b}, kind: {matches: c}}\n",
                {"severity": "page", "owner": "nobody", "group": "g", "dc": "a"},
            ),
            (
                "labels: {team: x}\n",
                {"severity": "page", "owner": "nobody", "group": "g", "group_id": "g", "team": "x"},
            ),
        ],
    )
    def test_of_the_group(self, group: str, labels: dict[str, str]) -> None:
        rule = one(LABELLED, f"{group}rules: {{A: {{}}}}")

        assert rule.labels == labels
        assert list(rule.labels) == sorted(labels)

    def test_of_a_slice(self) -> None:
        rule = one(LABELLED, "rules: {A: {where: {kind: gpu}}}")

        assert rule.labels["kind"] == "gpu"
        assert rule.labels["group_id"] == "g"

    def test_an_exclusion_that_is_an_equality_is_one_too(self) -> None:
        groups = {
            "g": "scope: {}\nrules: {A: {}}",
            "h": "parent: g\nscope: {dc: {not: x}}\nrules: {A: {for: 1m}}",
        }
        rules = rules_of(good(compile_repo({"A": LABELLED}, groups)), "g")

        assert rules["A_G"].expr == 'up{dc="x"}'
        assert rules["A_G"].labels["dc"] == "x"

    def test_values_are_filled_in(self) -> None:
        template = """
            alert: A
            params: {level: {type: string, default: page}}
            expr: up
            labels: {severity: "${level}", where: "${group.id}/${group.name}/${group.labels.team}"}
        """
        rule = one(template, "name: n\nlabels: {team: sre}\nrules: {A: {}}")

        assert rule.labels["severity"] == "page"
        assert rule.labels["where"] == "g/n/sre"

    def test_without_severity_there_is_a_warning_and_a_default(self) -> None:
        compilation = compile_repo({"A": "{alert: A, expr: up}"}, {"g": "rules: {A: {}}", "h": "parent: g"})
        (fault,) = compilation.diagnostics

        assert (fault.code, fault.severity) == ("RC341", Severity.WARNING)
        assert rules_of(compilation, "g")["A_G"].labels["severity"] == "warning"
        assert rules_of(compilation, "h")["A_H"].labels["severity"] == "warning"

    @pytest.mark.parametrize(
        "group",
        ["labels: {severity: page}\nrules: {A: {}}", "rules: {A: {labels: {severity: page}}}"],
    )
    def test_a_groups_severity_will_do(self, group: str) -> None:
        assert faults("{alert: A, expr: up}", group) == []

    def test_a_record_needs_no_severity(self) -> None:
        assert one("{record: A, expr: up}").labels == {"group": "g", "group_id": "g"}

    @pytest.mark.parametrize(
        ("template", "group", "at"),
        [
            ("{alert: A, expr: up, labels: {severity: x, group_id: other}}", "rules: {A: {}}", "other"),
            ("{alert: A, expr: up, labels: {severity: x, group: other}}", "rules: {A: {}}", "other"),
            (LABELLED, "rules: {A: {labels: {group_id: other}}}", "other"),
            (LABELLED, "labels: {group: other}\nrules: {A: {}}", "other"),
            (LABELLED, "rules: {A: {where: {kind: gpu}, labels: {kind: cpu}}}", "cpu"),
        ],
    )
    def test_what_contradicts_the_compilers_own_is_an_error(self, template: str, group: str, at: str) -> None:
        files = {"A": template}, {"g": group}
        (fault,) = compile_repo(*files).diagnostics

        assert fault.code == "RC340"
        assert located(repo(*files), fault.place)[2] == at

    @pytest.mark.parametrize("value", ["g", "${group.id}", "{{ $labels.group_id }}"])
    def test_what_agrees_or_may_agree_is_none(self, value: str) -> None:
        rule = one(f"{{alert: A, expr: up, labels: {{severity: x, group_id: '{value}'}}}}")

        assert rule.labels["group_id"] == "g"


class TestFor:
    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("for: 5m", "5m"),
            ("for: 1h30m", "1h30m"),
            ("for: 0s", "0s"),
            ("for: 0", "0s"),
            ("for: '${wait}'", "2m"),
            ("for: '${n}m'", "3m"),
            ("for: '${n * 60}s'", "180s"),
        ],
    )
    def test_of_a_template(self, field: str, value: str) -> None:
        params = "wait: {type: string, format: duration, default: 2m}, n: {type: integer, default: 3}"
        use = "annotations: {x: '${wait} ${n}'}, labels: {severity: x}"

        assert one(f"{{alert: A, expr: up, params: {{{params}}}, {use}, {field}}}").for_ == value

    @pytest.mark.parametrize("value", ["0s", "10m", "1d12h", "500ms", "'0'", "0m"])
    def test_of_an_entry(self, value: str) -> None:
        rule = one(LABELLED, f"rules: {{A: {{for: {value}, keep_firing_for: {value}}}}}")

        assert rule.for_ == value.strip("'")
        assert rule.keep_firing_for == value.strip("'")

    @pytest.mark.parametrize("value", ["-5m", "m", "x"])
    def test_what_is_no_duration_once_it_is_filled_in(self, value: str) -> None:
        template = "{alert: A, expr: up, params: {w: {type: string}}, for: '${w}', labels: {severity: x}}"
        files = {"A": template}, {"g": f"rules: {{A: {{params: {{w: '{value}'}}}}}}"}
        (fault,) = compile_repo(*files).diagnostics

        assert fault.code == "RC524"
        assert located(repo(*files), fault.place)[0] == "alerts/templates/A.yaml"


QUOTED = """
alert: A
params: {v: {type: string, default: x}}
expr: up{job="${v}"} == 0
labels: {severity: page}
annotations: {said: "${v}"}
"""
BARE = QUOTED.replace('up{job="${v}"} == 0', "up{job=~'a|b'} > ${v} or up").replace(
    "default: x", "default: '1'"
)


class TestBreakingOut:
    @pytest.mark.parametrize(
        "value",
        [
            '"} or vector(1) #',
            "\\",
            '\\"',
            '"',
            "'",
            "`",
            "{{ $value }}",
            "${v}",
            "a|b.*",
            "ä😀",
            "",
        ],
    )
    def test_a_value_inside_quotes_stays_there(self, value: str) -> None:
        rule = one(QUOTED, f"rules: {{A: {{params: {{v: {json.dumps(value, ensure_ascii=False)}}}}}}}")
        tree: Any = promql_parser.parse(rule.expr)

        assert [(m.name, m.value) for m in tree.lhs.matchers.matchers] == [("job", value), ("group_id", "g")]
        assert rule.annotations["said"] == value

    @pytest.mark.parametrize(
        "value",
        ["1 or vector(1)", "1 #", "1) or (1", "x{job='y'}", "1\nor vector(1)", "sum(up)", "", "1m or up"],
    )
    def test_a_value_outside_quotes_is_one_word(self, value: str) -> None:
        assert faults(BARE, f"rules: {{A: {{params: {{v: {json.dumps(value, ensure_ascii=False)}}}}}}}")[
            0
        ] in ("RC502", "RC210")

    @pytest.mark.parametrize(
        ("value", "expr"),
        [
            ("5", 'up{job=~\'a|b\',group_id="g"} > 5 or up{group_id="g"}'),
            ("node_load1", 'up{job=~\'a|b\',group_id="g"} > node_load1{group_id="g"} or up{group_id="g"}'),
        ],
    )
    def test_one_word_is_fine(self, value: str, expr: str) -> None:
        assert one(BARE, f"rules: {{A: {{params: {{v: '{value}'}}}}}}").expr == expr

    def test_only_promql_admits_an_expression(self) -> None:
        template = QUOTED.replace("type: string", "type: string, format: promql").replace(
            'up{job="${v}"} == 0', "(${v}) == 0"
        )
        rule = one(template, "rules: {A: {params: {v: 'up or down{x=\"y\"}'}}}")

        assert rule.expr == '((up{group_id="g"} or down{x="y",group_id="g"})) == 0'


class TestScope:
    def test_group_facts_in_expr_and_annotations(self) -> None:
        template = """
            alert: A
            expr: up{cluster="${group.labels.cluster}", group_id="${group.id}"}
            labels: {severity: page}
            annotations: {summary: "${group.name}: {{ $labels.instance }}"}
        """
        rule = one(template, "name: n\nlabels: {cluster: c}\nrules: {A: {}}")

        assert rule.expr == 'up{cluster="c", group_id="g"}'
        assert rule.annotations == {"summary": "n: {{ $labels.instance }}"}

    def test_a_label_that_the_group_lacks(self) -> None:
        template = 'alert: A\nexpr: up{x="${group.labels.cluster}"}\nlabels: {severity: page}'
        files = {"A": template}, {"g": "rules: {A: {}}"}
        (fault,) = compile_repo(*files).diagnostics

        assert fault.code == "RC521"
        assert located(repo(*files), fault.place)[2] == "${group.labels.cluster}"
        assert located(repo(*files), fault.related[0].place)[2] == "A"

    def test_unscoped(self) -> None:
        template = "{alert: A, expr: a * on () b, unscoped: [b], labels: {severity: page}}"

        assert one(template).expr == 'a{group_id="g"} * on () b'
        assert (
            one("{alert: A, expr: a * on () b, scope: false, labels: {severity: page}}").expr == "a * on () b"
        )

    def test_a_contradiction_is_told_at_the_matcher_with_the_group(self) -> None:
        files = (
            {"A": 'alert: A\nexpr: |\n  sum(up)\n    and up{group_id="other"}\nlabels: {severity: page}'},
            {"g": "rules: {A: {}}"},
        )
        (fault,) = compile_repo(*files).diagnostics

        assert fault.code == "RC505"
        assert located(repo(*files), fault.place) == ("alerts/templates/A.yaml", 4, 'group_id="other"')
        assert located(repo(*files), fault.related[0].place)[0] == "alerts/groups/g.yaml"

    def test_the_authors_lines_survive(self) -> None:
        template = """
            alert: A
            params:
              list: {type: array, items: {type: string}, default: [x, y]}
              all: {type: boolean, default: true}
            expr: |
              up == 0   # down
              {% for name in list %}
                or m{name="${name}"}
              {% endfor %}
              {% if all %}
                unless
                  on (instance) (n > 1)
              {% endif %}
            labels: {severity: page}
        """

        assert one(template).expr.splitlines() == [
            'up{group_id="g"} == 0   # down',
            '  or m{name="x",group_id="g"}',
            '  or m{name="y",group_id="g"}',
            "  unless",
            '    on (instance) (n{group_id="g"} > 1)',
        ]


class TestCheckTemplate:
    @pytest.mark.parametrize(
        ("fields", "found"),
        [
            ("expr: up", []),
            ("expr: up > ${n}\nparams: {n: {type: number, default: 1}}", []),
            ("expr: up\nannotations: {a: '${n}'}\nparams: {n: {type: number, default: 1}}", []),
            ("expr: up\nlabels: {a: '${n}'}\nparams: {n: {type: number}}", []),
            ("expr: up\nfor: '${n}'\nparams: {n: {type: string, format: duration}}", []),
            ("expr: up\nparams: {n: {type: number, default: 1}}", ["RC522"]),
            ("expr: up > ${m}\nparams: {n: {type: number, default: 1}}", ["RC521", "RC522"]),
            ("expr: up > ${m}\nannotations: {a: '${m}'}", ["RC521", "RC521"]),
            ("expr: up > ${\nlabels: {a: '${x.y}'}", ["RC520", "RC520"]),
            ("expr: up >", ["RC501"]),
            ("expr: up > ${n}\nparams: {n: {type: string, default: x y}}", ["RC502"]),
            ("expr: 1 > ${n / 0}\nparams: {n: {type: number, default: 1}}", ["RC523"]),
            # not judged without values
            ("expr: up >> ${n}\nparams: {n: {type: number}}", []),
        ],
    )
    def test_faults(self, fields: str, found: list[str]) -> None:
        assert codes(check_template(decoded(f"alert: A\n{fields}"))) == found

    def test_an_undefined_name_is_told_with_the_nearest(self) -> None:
        template = decoded(
            "alert: A\nparams: {threshold: {type: number}}\nexpr: up > ${treshold} * ${threshold}"
        )
        (fault,) = check_template(template)

        assert fault.help == "did you mean `threshold`?"
