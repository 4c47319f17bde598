"""Which rules cover a target: what is read off the assignments is what the compiled queries select."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings

from rulecompiler.compiler import Compilation, Compiler, assemble, read_group, read_template
from rulecompiler.diagnostics import Diagnostic, Span, has_errors
from rulecompiler.effective import (
    Answer,
    Census,
    Effective,
    Target,
    from_address,
    from_labels,
    parse_label,
    parts_of,
    read_target_list,
    take_census,
)
from rulecompiler.model import Options
from tests.helpers import compile_texts, sources
from tests.oracle import World, emitted
from tests.test_covered_once import worlds

PLAIN = Options(alert_names="plain")


def compiler_of(files: dict[str, str]) -> Compiler:
    templates, groups = sources(files)
    library, forest, faults = assemble(
        [read_template(source, PLAIN) for source in templates],
        [(source.path, *read_group(source)) for source in groups],
    )
    assert not has_errors(faults), faults
    return Compiler(library, forest, PLAIN)


def compiled(world: World) -> tuple[Compiler, Compilation]:
    compilation = compile_texts(world.sources(), PLAIN)
    assume(not has_errors(compilation.diagnostics))
    return compiler_of(world.sources()), compilation


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(worlds())
def test_a_rule_covers_whom_its_query_selects(world: World) -> None:
    compiler, compilation = compiled(world)
    output = emitted(compilation)
    asked = Effective(compiler)
    for labels in world.targets:
        answer = asked.answer(from_labels(dict(labels)))
        read_off = sorted((e.group.id, e.resolved.name, e.rule.expr) for e in answer.rules)
        exprs = {(r.group, r.name): e for r, e in zip(output, _exprs(compilation), strict=True)}
        selected = sorted((r.group, r.name, exprs[r.group, r.name]) for r in output if r.covers(labels))
        assert read_off == selected
        assert answer.unscoped == ()
    assert asked.diagnostics == [] or not has_errors(asked.diagnostics)


def _exprs(compilation: Compilation) -> list[str]:
    results = [r.rules for r in compilation.results if r.rules is not None]
    return [rule.expr for rules in results for group in rules.groups for rule in group.rules]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(worlds())
def test_a_census_agrees_with_the_answers_one_by_one(world: World) -> None:
    compiler, _ = compiled(world)
    forest = compiler.resolver.forest
    targets = [from_labels(dict(labels)) for labels in world.targets]
    parts = {group.id: parts_of(compiler, group.id)[0] for group in forest}
    census = take_census(forest, parts, [*targets, *targets])
    asked = Effective(compiler)
    answers = {tuple(t.labels.items()): asked.answer(t) for t in targets}

    assert census.targets == len(answers)
    uncovered = {k for k, a in answers.items() if not any(e.rule.kind == "alert" for e in a.rules)}
    assert {tuple(t.labels.items()) for t in census.uncovered} == uncovered
    for key, answer in answers.items():
        names = [e.resolved.name for e in answer.rules]
        doubled = {name for name in names if names.count(name) > 1}
        told = {
            part.rule
            for twice in census.twice
            if any(tuple(t.labels.items()) == key for t in twice.targets)
            for part in twice.parts
        }
        assert doubled <= told


# --- one target -------------------------------------------------------------------

BASE = {
    "alerts/templates/cpu/Busy.yaml": """
        alert: Busy
        params:
          threshold: {type: number, default: 80}
          mode: {type: string, default: idle}
        expr: cpu{mode="${mode}"} > ${threshold}
        labels: {severity: warning}
        """,
    "alerts/templates/cpu/Fan.yaml": """
        alert: Fan
        scope: false
        expr: fan == 0
        labels: {severity: warning}
        """,
    "alerts/templates/cpu/Disk.yaml": """
        alert: Disk
        unscoped: [disk_limit]
        expr: disk > on() disk_limit
        labels: {severity: warning}
        """,
    "alerts/groups/all.yaml": """
        group: all
        scope: {}
        rules: {Busy: {}}
        """,
    "alerts/groups/gpu.yaml": """
        group: gpu
        parent: all
        scope: {kind: gpu}
        rules:
          Busy: {params: {threshold: 90}}
          BusyScratch: {template: Busy, where: {mountpoint: /scratch}, instead_of: Busy}
          Fan: {}
          Disk: {}
        """,
}


def ask(files: dict[str, str], **labels: str) -> Answer:
    asked = Effective(compiler_of(files))
    answer = asked.answer(from_labels(labels))
    assert not has_errors(asked.diagnostics), asked.diagnostics
    return answer


def ids(rules: Any) -> list[str]:
    return sorted(each.id for each in rules)


@pytest.mark.parametrize(
    ("labels", "rules", "partial", "unscoped"),
    [
        ({}, ["all/Busy"], [], []),
        ({"kind": "cpu"}, ["all/Busy"], [], []),
        ({"kind": "gpu"}, ["gpu/Busy", "gpu/Disk"], ["gpu/BusyScratch"], ["gpu/Fan"]),
        ({"kind": "gpu", "mountpoint": "/scratch"}, ["gpu/BusyScratch", "gpu/Disk"], [], ["gpu/Fan"]),
        ({"kind": "gpu", "mountpoint": "/"}, ["gpu/Busy", "gpu/Disk"], [], ["gpu/Fan"]),
    ],
)
def test_rules_of_a_target(
    labels: dict[str, str], rules: list[str], partial: list[str], unscoped: list[str]
) -> None:
    answer = ask(BASE, **labels)
    assert (ids(answer.rules), ids(answer.partial), ids(answer.unscoped)) == (rules, partial, unscoped)


def test_a_group_that_does_not_compile_is_told_and_covers_nothing() -> None:
    files = {
        **BASE,
        "alerts/groups/gpu.yaml": "group: gpu\nscope: {kind: gpu}\nrules: {Busy: {params: {threshold: x}}}\n",
    }
    asked = Effective(compiler_of(files))
    assert asked.answer(from_labels({"kind": "cpu"})).rules != ()
    assert asked.diagnostics == []
    asked.answer(from_labels({"kind": "gpu"}))
    assert has_errors(asked.diagnostics)


# --- many targets -------------------------------------------------------------------


def census_of(files: dict[str, str], *targets: dict[str, str]) -> Census:
    compiler = compiler_of(files)
    forest = compiler.resolver.forest
    parts = {group.id: parts_of(compiler, group.id)[0] for group in forest}
    return take_census(forest, parts, [from_labels(labels) for labels in targets])


def two_groups(first: str, second: str) -> dict[str, str]:
    return {
        **{path: text for path, text in BASE.items() if "/templates/" in path},
        "alerts/groups/one.yaml": f"group: one\nscope: {{cluster: a}}\nrules: {first}\n",
        "alerts/groups/two.yaml": f"group: two\nscope: {{kind: gpu}}\nrules: {second}\n",
    }


BOTH = {"cluster": "a", "kind": "gpu", "instance": "n1"}


@pytest.mark.parametrize(
    ("first", "second", "doubled"),
    [
        ("{Busy: {}}", "{Busy: {}}", True),
        ("{Busy: {}}", "{Busy: {params: {threshold: 90}}}", True),
        ("{Busy: {}}", "{Mine: {template: Busy, params: {threshold: 90}}}", True),
        ("{Busy: {}}", "{Mine: {template: Busy, params: {mode: user}}}", False),  # another subject
        ("{Busy: {}}", "{Mine: {template: Busy, labels: {severity: critical}}}", False),  # on purpose
        ("{Busy: {}}", "{Disk: {}}", False),
        ("{Fan: {}}", "{Fan: {}}", False),  # without a scope: for nobody in particular
    ],
)
def test_what_counts_as_twice(first: str, second: str, doubled: bool) -> None:
    census = census_of(two_groups(first, second), BOTH)
    assert [sorted(p.group_id for p in twice.parts) for twice in census.twice] == (
        [["one", "two"]] if doubled else []
    )
    if doubled:
        assert census.twice[0].targets == (from_labels(BOTH),)


def test_rules_of_one_group_are_never_twice() -> None:
    files = two_groups("{Busy: {}, Mine: {template: Busy, params: {threshold: 90}}}", "{Disk: {}}")
    assert census_of(files, BOTH).twice == ()


def test_who_is_left_out_and_which_group_is_empty() -> None:
    files = two_groups("{Busy: {}}", "{Fan: {}}")
    lonely, other = {"instance": "n2", "kind": "gpu"}, {"instance": "n3", "cluster": "b"}
    census = census_of(files, lonely, other, other)
    assert census.targets == 2
    assert census.uncovered == (from_labels(lonely), from_labels(other))
    assert [g.id for g in census.empty] == ["one"]  # `two` has only a rule without a scope
    assert census_of(files, BOTH).empty == ()


def test_an_abstract_group_is_not_empty() -> None:
    files = {
        **two_groups("{Busy: {}}", "{Busy: {}}"),
        "alerts/groups/two.yaml": "group: two\nabstract: true\nrules: {Busy: {}}\n",
    }
    assert census_of(files, BOTH).empty == ()


# --- targets ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "id_", "hostname"),
    [
        ({"instance": "node-1:9100"}, "node-1:9100", "node-1"),
        ({"instance": "node-1"}, "node-1", "node-1"),
        ({"instance": "[::1]:9100"}, "[::1]:9100", "::1"),
        ({"instance": "x:1", "target_id": "t-1", "hostname": "big"}, "t-1", "big"),
        ({"group_id": "g"}, "", ""),
        ({"instance": "http://example.com"}, "http://example.com", "http://example.com"),
    ],
)
def test_what_a_target_is_called(labels: dict[str, str], id_: str, hostname: str) -> None:
    target = from_labels(labels)
    assert (target.id, target.hostname) == (id_, hostname)


def test_labels_of_the_service_discovery_are_not_those_of_the_series() -> None:
    labels = {"__meta_x": "1", "__address__": "b", "a": "1", "empty": ""}
    assert from_address("n:1", labels).labels == {"a": "1", "instance": "n:1"}
    assert from_address("n:1", {"instance": "mine"}).labels == {"instance": "mine"}
    assert from_address("n:1", {"instance": ""}).labels == {"instance": "n:1"}


@pytest.mark.parametrize("text", ["a=b", "a=", "a=b=c", "_x1=é"])
def test_a_label(text: str) -> None:
    assert parse_label(text) == tuple(text.split("=", 1))


@pytest.mark.parametrize("text", ["", "a", "=b", "1a=b", "a-b=c", " a=b", "é=1"])
def test_what_is_no_label(text: str) -> None:
    found = parse_label(text)
    assert isinstance(found, Diagnostic)
    assert found.code == "RC742"


def test_a_list_of_targets_in_json_and_yaml() -> None:
    wanted = (
        Target({"instance": "a:1", "n": "1", "x": "y"}),
        Target({"instance": "b:1", "n": "1", "x": "y"}),
    )
    text = '[{"targets": ["a:1", "b:1"], "labels": {"x": "y", "n": "1", "__m": "z"}}, {"targets": []}]'
    assert read_target_list("sd.json", text) == (wanted, ())
    assert read_target_list("sd.yml", text) == (wanted, ())
    assert read_target_list("sd.yaml", "- targets: ['a:1', 'b:1']\n  labels: {x: y, n: 1}\n") == (wanted, ())
    assert read_target_list("sd.json", "[]") == ((), ())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ("[", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('{"status": "success"}', "not a list"),
        ("null", "not a list"),
        ('"x"', "not a list"),
        ("[3]", "not a mapping"),
        ("[null]", "not a mapping"),
        ("[[]]", "not a mapping"),
        ('[{"labels": {}}]', "no `targets`"),
        ('[{"targets": "a:1"}]', "`targets` is not a list"),
        ('[{"targets": [1]}]', "an address"),
        ('[{"targets": [""]}]', "an address"),
        ('[{"targets": [], "labels": []}]', None),
        ('[{"targets": [], "labels": [1]}]', "`labels` is not a mapping"),
        ('[{"targets": [], "labels": {"a": 1}}]', "`a` is not a text"),
        ('[{"targets": [], "labels": {"a": null}}]', "`a` is not a text"),
        ('[{"targets": [], "labels": {"a b": "1"}}]', "`a b` is not a label's name"),
    ],
)
def test_what_is_no_list_of_targets(text: str, says: str | None) -> None:
    targets, faults = read_target_list("sd.json", text)
    assert targets == ()
    assert [d.code for d in faults] == (["RC743"] if says else [])
    assert says is None or says in faults[0].message


def test_bad_yaml_is_told_at_its_place() -> None:
    targets, faults = read_target_list("sd.yml", "- targets: [a\n")
    assert targets == ()
    assert has_errors(faults)
    assert isinstance(faults[0].place, Span)
    assert faults[0].place.path == "sd.yml"
    assert read_target_list("sd.yml", "- targets: [{}]\n")[1][0].code == "RC743"


def test_not_every_fault_of_a_bad_list_is_told() -> None:
    _, faults = read_target_list("sd.json", "[" + ",".join("3" * 500) + "]")
    assert len(faults) == 10
