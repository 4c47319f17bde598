"""Rule files as manifests of Kubernetes: valid, below its limits, and with the same rules in them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from rulecompiler import promtool as tool
from rulecompiler.deploy.manifests import MAX_BYTES, Manifests, groups_in, manifests
from rulecompiler.deploy.release import Release
from rulecompiler.deploy.settings import Target, TargetKind
from rulecompiler.diagnostics import Severity
from tests.deploy.kubernetes_schemas import CONFIG_MAP, PROMETHEUS_RULE

ROOT = Path(__file__).resolve().parent.parent.parent
GENERATED = Release({path.name: path.read_bytes() for path in sorted((ROOT / "generated").glob("*.yml"))})
KINDS: tuple[TargetKind, ...] = ("prometheusrule", "configmap")


def target(kind: TargetKind, **changes: Any) -> Target:
    labels = {"release": "prometheus", "example.com/on": "yes"}
    given = {"name": "k8s", "namespace": "monitoring", "metadata_labels": labels, **changes}
    return Target(kind=kind, **given)


def rule_file(name: str, groups: dict[str, list[dict[str, Any]]]) -> dict[str, bytes]:
    data = {"groups": [{"name": group, "rules": rules} for group, rules in groups.items()]}
    return {name: yaml.safe_dump(data, sort_keys=False).encode()}


def rule(number: int, size: int = 0) -> dict[str, Any]:
    annotations = {"annotations": {"text": "x" * size}} if size else {}
    return {
        "alert": f"A{number}",
        "expr": f"up == {number}",
        "labels": {"severity": "warning"},
        **annotations,
    }


def objects(made: Manifests) -> dict[str, Any]:
    """The manifests as kubectl reads them, each one valid."""
    found = {}
    for name, text in made.files.items():
        (found[name],) = yaml.safe_load_all(text)
        schema = PROMETHEUS_RULE if found[name]["kind"] == "PrometheusRule" else CONFIG_MAP
        jsonschema.validate(found[name], schema)
        assert name == f"{found[name]['metadata']['name']}.yaml"
        assert len(json.dumps(found[name]).encode()) < 1024 * 1024
    return found


def rules_in(made: Manifests) -> list[Any]:
    """All groups, in the order of the files."""
    groups = []
    for found in objects(made).values():
        if found["kind"] == "PrometheusRule":
            groups += found["spec"]["groups"]
        else:
            groups += [g for text in found["data"].values() for g in yaml.safe_load(text)["groups"]]
    return groups


def rules_of(release: Release) -> list[Any]:
    return [g for name in sorted(release.files) for g in yaml.safe_load(release.files[name])["groups"]]


def by_name(groups: list[Any]) -> list[Any]:
    return sorted(groups, key=lambda group: str(group["name"]))


# --- the same rules, in another wrapping ------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_compiled_stays_the_same_and_valid(kind: TargetKind, promtool: Path) -> None:
    made = manifests(GENERATED, target(kind))
    assert made.diagnostics == ()
    assert by_name(rules_in(made)) == by_name(rules_of(GENERATED))
    if kind == "prometheusrule":  # `spec` is a rule file
        files = {name[:-5] + ".yml": json.dumps(found["spec"]) for name, found in objects(made).items()}
    else:
        files = {name: text for found in objects(made).values() for name, text in found["data"].items()}
        assert files == {name: data.decode() for name, data in GENERATED.files.items()}
    assert tool.check_rules(promtool, files, 60.0) == ()


def test_a_manifest_is_readable() -> None:
    text = (
        "groups:\n- name: node_cpu\n  interval: 30s\n  limit: 7\n  rules:\n  - alert: Busy\n    expr: |-\n"
        '      cpu{a="b"}\n        > 80\n    for: 5m\n    labels:\n      severity: warning\n'
        "    annotations:\n      description: |\n        {{ $value }}% of\n\n        it\n"
        "      summary: 'yes'\n"
    )
    made = manifests(Release({"group-node.yml": text.encode()}), target("prometheusrule"))
    assert made.files == {
        "rulecompiler-node.yaml": """\
# Written by rulecompiler for the target k8s. Do not edit: the next deployment overwrites it.
# It comes from group-node.yml, which says what each rule is made of.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: rulecompiler-node
  namespace: monitoring
  labels:
    example.com/on: 'yes'
    release: prometheus
spec:
  groups:
  - name: node_cpu
    interval: 30s
    limit: 7
    rules:
    - alert: Busy
      expr: |-
        cpu{a="b"}
          > 80
      for: 5m
      labels:
        severity: warning
      annotations:
        description: |
          {{ $value }}% of

          it
        summary: 'yes'
"""
    }


@pytest.mark.parametrize("kind", KINDS)
def test_values_that_yaml_takes_for_something_else_stay_text(kind: TargetKind) -> None:
    text = (
        b"groups:\n- name: 'on'\n  rules:\n  - alert: 'no'\n    expr: 1\n    for: 0s\n"
        b"    labels: {n: 0x1F, m: 1e3, b: 'yes', v: 0.10, t: 1:30, o: '017', e: '', y: 'y'}\n"
        b"    annotations: {t: 'a\\tb', u: \"\\u00e9\\n\\n\", c: '# x', '=': '<<', q: \"'\\\"\", w: ' a ', "
        b's: "  x\\n y \\n"}\n'
    )
    made = manifests(Release({"group-a.yml": text}), target(kind))
    if kind == "configmap":
        assert objects(made)["rulecompiler-k8s-0.yaml"]["data"] == {"group-a.yml": text.decode()}
        return
    ((group,),) = [found["spec"]["groups"] for found in objects(made).values()]
    assert group == {
        "name": "on",
        "rules": [
            {
                "alert": "no",
                "expr": "1",
                "for": "0s",
                "labels": {
                    "n": "0x1F", "m": "1e3", "b": "yes", "v": "0.10", "t": "1:30", "o": "017", "e": "",
                    "y": "y",
                },
                "annotations": {
                    "t": "a\\tb", "u": "é\n\n", "c": "# x", "=": "<<", "q": "'\"", "w": " a ",
                    "s": "  x\n y \n",
                },
            }
        ],
    }  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_release_gives_the_same_bytes(kind: TargetKind) -> None:
    backwards = Release(dict(sorted(GENERATED.files.items(), reverse=True)))
    assert manifests(backwards, target(kind)) == manifests(GENERATED, target(kind))


def test_a_group_changes_no_manifest_but_its_own() -> None:
    changed = dict(GENERATED.files)
    changed["group-grp-123.yml"] = changed["group-grp-123.yml"].replace(b"5m", b"7m")
    changed.pop("group-staging.yml")
    before, after = (manifests(r, target("prometheusrule")).files for r in (GENERATED, Release(changed)))
    assert {n for n in before if before[n] != after.get(n)} == {
        "rulecompiler-grp-123.yaml",
        "rulecompiler-staging.yaml",
    }


# --- names ------------------------------------------------------------------


def test_every_file_has_an_object_of_its_own_that_kubernetes_can_name() -> None:
    ids = ["a", "a-2", "a.2", "A", "a-", "a_b", "a-b", "x" * 60, "Ä-b".encode().hex(), "0", "9.", "a" * 190]
    ids += ["B" * 190, "rulecompiler-a"]
    files: dict[str, bytes] = {}
    for number, id_ in enumerate(ids):
        files |= rule_file(f"group-{id_}.yml", {f"g{number}": [rule(1)]})
    files |= rule_file("a.yml", {"other": [rule(1)]})
    files.pop("group-a.yml")  # whose id `a.yml` takes
    made = manifests(Release(files), target("prometheusrule"))
    assert len(objects(made)) == len(files)
    assert "rulecompiler-a-2.yaml" in made.files
    two = manifests(
        Release(rule_file("group-a.yml", {"g": [rule(1)]}) | rule_file("group-A.yml", {})), target(KINDS[0])
    )
    assert list(two.files) == ["rulecompiler-a.yaml"]


@pytest.mark.parametrize("name", ["Prod EU", "prod_eu", "prod-eu-", "ä", "x" * 250, "a: b #c\nd"])
def test_a_target_may_have_any_name(name: str) -> None:
    for kind in KINDS:
        made = manifests(GENERATED, target(kind, name=name))
        assert objects(made)
        assert all("target" in text.split("\n", 1)[0] for text in made.files.values())


# --- sizes ------------------------------------------------------------------


def test_an_object_is_split_between_groups() -> None:
    groups = {f"g{n:02}": [rule(n, 1_000)] for n in range(20)}
    release = Release(rule_file("group-a.yml", groups) | rule_file("group-a-2.yml", {"h": [rule(1)]}))
    made = manifests(release, target("prometheusrule"), 9_000)
    assert made.diagnostics == ()
    assert set(made.files) == {
        "rulecompiler-a.yaml",
        "rulecompiler-a.2.yaml",
        "rulecompiler-a.3.yaml",
        "rulecompiler-a-2.yaml",
    }
    assert by_name(rules_in(made)) == by_name(rules_of(release))


def test_a_group_is_cut_only_where_it_must_be() -> None:
    groups = {"small": [rule(0)], "big": [rule(n, 1_000) for n in range(20)], "big_part2": [rule(1)]}
    release = Release(rule_file("group-a.yml", groups))
    made = manifests(release, target("prometheusrule"), 9_000)
    (warning,) = made.diagnostics
    assert (warning.code, warning.severity) == ("RC887", Severity.WARNING)
    assert "the group big is too large for an object of Kubernetes, and was cut into 3" in warning.message
    found = {group["name"]: group["rules"] for group in rules_in(made)}
    assert set(found) == {"small", "big", "big_part2", "big_part2_", "big_part3"}
    assert [*found["big"], *found["big_part2_"], *found["big_part3"]] == groups["big"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_no_object_can_hold_is_refused(kind: TargetKind) -> None:
    made = manifests(Release(rule_file("group-a.yml", {"a": [rule(1, MAX_BYTES)]})), target(kind))
    assert [(d.code, d.severity) for d in made.diagnostics] == [("RC887", Severity.ERROR)]


def test_a_character_that_grows_in_json_is_counted_as_large_as_it_gets() -> None:
    heavy = {"alert": "A", "expr": "up", "annotations": {"a": "<" * 400_000}}
    made = manifests(Release(rule_file("group-a.yml", {"a": [heavy]})), target("prometheusrule"))
    assert [d.code for d in made.diagnostics] == ["RC887"]


def test_files_are_dealt_to_config_maps_by_their_names() -> None:
    files: dict[str, bytes] = {}
    for n in range(40):
        files |= rule_file(f"group-{n}.yml", {f"g{n}": [rule(n, 500)]})
    made = manifests(Release(files), target("configmap"), 9_000)
    found = objects(made)
    assert {name for f in found.values() for name in f["data"]} == set(files)
    assert all(sum(map(len, f["data"].values())) <= 9_000 for f in found.values())
    assert all(re.fullmatch(r"rulecompiler-k8s-[0-9]+\.yaml", name) for name in found)
    home = {name: file for file, f in found.items() for name in f["data"]}
    files |= rule_file("group-7.yml", {"g7": [rule(7, 600)]})
    grown = manifests(Release(files), target("configmap"), 9_000)
    assert {name: file for file, f in objects(grown).items() for name in f["data"]} == home
    assert [name for name in found if made.files[name] != grown.files[name]] == [home["group-7.yml"]]


# --- and back ---------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_manifest_tells_its_groups(kind: TargetKind) -> None:
    made = manifests(GENERATED, target(kind))
    names = [group.name for text in made.files.values() for group in groups_in(text)]
    assert sorted(names) == sorted(group["name"] for group in rules_of(GENERATED))


@pytest.mark.parametrize(
    "text", ["", "[]", "kind: X", "kind: PrometheusRule", "kind: ConfigMap\ndata: 1", "{"]
)
def test_a_damaged_manifest_tells_none(text: str) -> None:
    assert groups_in(text) == ()


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_rule_file_is_refused(kind: TargetKind) -> None:
    made = manifests(Release({"a.yml": b"groups: 1\n"}), target(kind))
    assert (made.files, [d.code for d in made.diagnostics]) == ({}, ["RC850"])
