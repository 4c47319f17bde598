"""The origin that is told of a value is the one that the compiler took."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rulecompiler.compiler import Compiler, assemble, read_group, read_template
from rulecompiler.diagnostics import Diagnostic, has_errors
from rulecompiler.document import Locator
from rulecompiler.explain import Explanation, Value, explain, find_group, find_rule
from rulecompiler.explain.origins import Entries
from rulecompiler.model import Options
from tests.helpers import sources
from tests.oracle import World
from tests.test_covered_once import worlds


def compiler_of(files: dict[str, str], options: Options) -> Compiler:
    templates, groups = sources(files)
    library, forest, _ = assemble(
        [read_template(source, options) for source in templates],
        [(source.path, *read_group(source)) for source in groups],
    )
    return Compiler(library, forest, options)


def explained(files: dict[str, str], group: str, rule: str, options: Options | None = None) -> Explanation:
    options = options or Options()
    compiler = compiler_of(files, options)
    found = find_rule(compiler, group, rule, options.alert_names)
    assert not isinstance(found, Diagnostic), found
    told = explain(compiler, found, options.alert_names, Locator(files).span)
    assert not has_errors(told.diagnostics), told.diagnostics
    return told


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(worlds())
def test_the_last_word_is_the_compilers(world: World) -> None:
    compiler = compiler_of(world.sources(), Options(alert_names="plain"))
    for group in compiler.resolver.forest:
        chain = compiler.resolver.forest.chain(group.id)
        resolved = compiler.resolver.resolve(group.id)
        for key, rule in resolved.rules.items():
            entries, template = Entries(chain, key), rule.template
            for name, sourced in rule.params.items():
                _agrees(entries.param(template, name), sourced)
            for name, sourced in rule.labels.items():
                _agrees(entries.label(template, name), sourced)
            for name, sourced in rule.annotations.items():
                _agrees(entries.annotation(template, name), sourced)
            _agrees(entries.duration(template, "for"), rule.for_)
            _agrees(entries.setting("interval"), resolved.interval)
            enabled = entries.entry("enabled").source
            assert rule.enabled == (enabled is None or enabled.value)


def _agrees(origin: Any, sourced: Any) -> None:
    if sourced is None:
        assert origin.source is None
    else:
        assert (origin.source.value, origin.source.place) == tuple(sourced)


LAYER: st.SearchStrategy[Any] = st.sampled_from(
    [
        "absent",
        "empty",
        None,
        {"params": None},
        {"params": {"p": None}},
        {"params": {"p": 1}},
        {"params": {"p": 2}},
    ]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(LAYER, st.sampled_from(["absent", None, 3, 4])), min_size=1, max_size=5))
def test_every_way_to_set_and_take_back_a_parameter(levels: list[tuple[Any, Any]]) -> None:
    import json

    files = {
        "alerts/templates/x/A.yaml": "alert: A\nparams: {p: {type: number, default: 0}}\nexpr: m > ${p}\n"
    }
    for number, (entry, wide) in enumerate(levels):
        data: dict[str, Any] = {"group": f"g{number}"}
        if number:
            data["parent"] = f"g{number - 1}"
        if entry != "absent":
            data["rules"] = {"A": {} if entry == "empty" else entry}
        if wide != "absent":
            data["params"] = {"p": wide}
        files[f"alerts/groups/g{number}.yaml"] = json.dumps(data)
    compiler = compiler_of(files, Options())
    for group in compiler.resolver.forest:
        resolved = compiler.resolver.resolve(group.id)
        for key, rule in resolved.rules.items():
            origin = Entries(compiler.resolver.forest.chain(group.id), key).param(rule.template, "p")
            _agrees(origin, rule.params["p"])
            words = [origin.source, *origin.overrode]
            assert len(words) == len(set(words)), "a word is told once"
            said = {
                member.pointer("rules", "A", "params", "p")
                for member in compiler.resolver.forest.chain(group.id)
                if ((member.rules.get("A") or {}).get("params") or {}).get("p") is not None
            }
            assert said <= {word.place for word in words if word is not None}, "no word is lost"


FILES = {
    "alerts/templates/cpu/Busy.yaml": """\
alert: Busy
params:
  threshold: {type: number, default: 80}
  window: {type: string, format: duration, default: 5m}
expr: avg_over_time(cpu[${window}]) > ${threshold}
for: ${window}
labels: {severity: warning}
annotations: {summary: "${threshold}"}
""",
    "alerts/templates/cpu/Fan.yaml": "alert: Fan\nrequires: ['fan:x']\nexpr: fan:x == 0\n",
    "alerts/templates/cpu/fan_x.yaml": "record: fan:x\nexpr: fan\n",
    "alerts/groups/base.yaml": """\
group: base
abstract: true
labels: {team: sre}
params: {threshold: 85}
rules:
  Busy: {for: 10m}
""",
    "alerts/groups/prod.yaml": """\
group: prod
name: production
parent: base
scope: {env: prod}
interval: 30s
rules:
  Busy: {params: {threshold: 90}}
  BusyGPU: {template: Busy, where: {kind: gpu}, instead_of: Busy, labels: {severity: critical}}
  Fan: {}
""",
    "alerts/groups/db.yaml": """\
group: db
parent: prod
scope: {env: prod, role: db}
rules:
  Busy: {for: null}
""",
    "alerts/groups/web.yaml": "group: web\nparent: prod\nscope: {env: prod, role: web}\n",
    "alerts/groups/off.yaml": """\
group: off
parent: prod
scope: {env: prod, role: off}
rules: {Busy: {enabled: false}}
""",
}


def value(told: Explanation, field: str, key: str = "") -> Value:
    (found,) = (v for v in told.values if (v.field, v.key) == (field, key))
    return found


def words(told: Explanation, field: str, key: str = "") -> list[tuple[str, str, object]]:
    origin = value(told, field, key).origin
    return [(w.level, w.group, w.value) for w in (origin.source, *origin.overrode) if w is not None]


def test_each_value_with_all_that_was_said_of_it() -> None:
    told = explained(FILES, "prod", "Busy")
    assert (told.status, told.name, told.rule_group and told.rule_group.name) == (
        "emitted", "Busy_Production", "production_cpu",
    )  # fmt: skip
    assert words(told, "params", "threshold") == [
        ("rule entry", "prod", 90), ("group params", "base", 85), ("template", "", 80),
    ]  # fmt: skip
    assert words(told, "params", "window") == [("template", "", "5m")]
    assert words(told, "for") == [("rule entry", "base", "10m"), ("template", "", "${window}")]
    assert words(told, "interval") == [("group", "prod", "30s")]
    assert words(told, "labels", "team") == [("group labels", "base", "sre")]
    assert words(told, "labels", "env") == [("group scope", "prod", "prod")]
    assert words(told, "labels", "group") == [("group", "prod", "production")]
    assert words(told, "name", "ending") == [("group", "prod", "production")]
    assert words(told, "scope", "env") == [("group scope", "prod", "prod")]
    assert value(told, "annotations", "summary").value == "90"
    excluded = {
        (v.value, v.origin.source.group) for v in told.values if v.field == "excluded" and v.origin.source
    }
    assert excluded == {('kind!="gpu"', "prod"), ('role!="db"', "db"), ('role!="off"', "off")}
    assert value(told, "expr").value == told.compiled.expr if told.compiled else None


def test_a_null_is_told_as_what_took_the_value_back() -> None:
    told = explained(FILES, "db", "Busy")
    assert words(told, "for") == [("template", "", "${window}"), ("rule entry", "base", "10m")]
    reset = value(told, "for").origin.reset
    assert reset is not None
    assert (reset.group, reset.value) == ("db", None)
    assert value(told, "for").value == "5m"


def test_a_slice_and_a_label_that_it_brings() -> None:
    told = explained(FILES, "prod", "BusyGPU")
    assert words(told, "where", "kind") == [("rule entry", "prod", "gpu")]
    assert words(told, "labels", "kind") == [("rule entry", "prod", "gpu")]
    assert words(told, "labels", "severity") == [
        ("rule entry", "prod", "critical"),
        ("template", "", "warning"),
    ]


def test_a_rule_that_a_wider_group_covers_says_so() -> None:
    told = explained(FILES, "web", "Busy")
    assert (told.status, told.compiled) == ("covered elsewhere", None)
    assert [(c.group.id, c.name) for c in told.covered_by] == [("prod", "Busy_Production")]
    assert value(told, "params", "threshold").value == 90


def test_a_rule_that_is_off_or_only_handed_on() -> None:
    assert explained(FILES, "off", "Busy").status == "disabled"
    told = explained(FILES, "base", "Busy")
    assert (told.status, told.compiled, told.covered_by) == ("abstract", None, ())


def test_a_record_that_another_rule_requires() -> None:
    told = explained(FILES, "prod", "fan:x")
    assert (told.required_by, told.name) == ("Fan", "fan:x")
    assert words(told, "name") == [("template", "", "fan:x")]
    assert explained(FILES, "prod", "Fan").required_by == ""


def test_a_severity_that_nobody_wrote() -> None:
    assert words(explained(FILES, "prod", "Fan"), "labels", "severity") == [("compiler", "", "warning")]


def test_a_default_scope_is_the_groups_id() -> None:
    told = explained({**FILES, "alerts/groups/solo.yaml": "group: solo\nrules: {Fan: {}}\n"}, "solo", "Fan")
    source = value(told, "scope", "group_id").origin.source
    assert source is not None
    assert source.place.keys == ("group",)


@pytest.mark.parametrize(
    ("rule", "key"),
    [
        ("Busy", "Busy"),
        ("Busy_Production", "Busy"),
        ("BusyGPU_Production", "BusyGPU"),
        ("cpu/Fan", "Fan"),
        ("alerts/templates/cpu/Fan.yaml", "Fan"),
        ("fan_x", "fan:x"),
    ],
)
def test_ways_to_call_a_rule(rule: str, key: str) -> None:
    assert explained(FILES, "prod", rule).rule.name == key


@pytest.mark.parametrize(
    ("group", "rule", "code", "help_"),
    [
        ("prod", "Busi", "RC740", "did you mean `Busy`?"),
        ("prod", "cpu/Busy", "RC741", "write one of `Busy` or `BusyGPU`"),
        ("base", "Fan", "RC740", "explain prod Fan"),
        ("prod", "zzz", "RC740", "it has Busy, BusyGPU, Fan, fan:x"),
    ],
)
def test_a_rule_that_is_not_there(group: str, rule: str, code: str, help_: str) -> None:
    found = find_rule(compiler_of(FILES, Options()), group, rule, "qualified")
    assert isinstance(found, Diagnostic)
    assert found.code == code
    assert help_ in found.help


def test_a_template_that_no_group_uses() -> None:
    files = {**FILES, "alerts/templates/cpu/Zebra.yaml": "alert: Zebra\nexpr: z\n"}
    found = find_rule(compiler_of(files, Options()), "prod", "cpu/Zebra", "qualified")
    assert isinstance(found, Diagnostic)
    assert "`Zebra: {}`" in found.help


def test_groups_are_found_by_id_or_a_name_of_their_own() -> None:
    files = {**FILES, "alerts/groups/db.yaml": FILES["alerts/groups/db.yaml"] + "name: shared\n"}
    files["alerts/groups/web.yaml"] += "name: shared\n"
    compiler = compiler_of(files, Options())
    for name, id_ in (("prod", "prod"), ("production", "prod")):
        group = find_group(compiler, name)
        assert not isinstance(group, Diagnostic)
        assert group.id == id_
    for name, help_ in (("shared", "`db` or `web`"), ("produktion", "`production`"), ("qqqq", "there are")):
        unknown = find_group(compiler, name)
        assert isinstance(unknown, Diagnostic)
        assert unknown.code == "RC711"
        assert help_ in unknown.help


def test_an_equality_that_is_left_over_is_a_label_of_the_rule() -> None:
    files = {path: text for path, text in FILES.items() if "/templates/" in path} | {
        "alerts/groups/all.yaml": "group: all\nscope: {}\nrules: {Busy: {keep_firing_for: 3m}}\n",
        "alerts/groups/rest.yaml": (
            "group: rest\nparent: all\nscope: {kind: {not: gpu}}\nrules: {Busy: {keep_firing_for: 1m}}\n"
        ),
    }
    told = explained(files, "all", "Busy")
    assert words(told, "labels", "kind") == [("other rule", "rest", "gpu")]
    assert [v.value for v in told.values if v.field == "excluded"] == ['kind="gpu"']
    assert words(told, "keep_firing_for") == [("rule entry", "all", "3m")]
    assert value(told, "keep_firing_for").value == "3m"
