from __future__ import annotations

import json
from typing import Any

import pytest

from rulecompiler.cli import main

Capture = pytest.CaptureFixture[str]

CHILD = """\
group: child
parent: prod
scope: {group_id: prod, kind: gpu}
rules:
  NodeDown: {params: {wait: 1m}}
"""


def run(capsys: Capture, *args: str) -> tuple[int, str]:
    capsys.readouterr()
    code = main(args)
    return code, capsys.readouterr().out


def test_text_tells_each_value_and_what_it_overrode(repo: Any, capsys: Capture) -> None:
    code, output = run(capsys, "explain", "dev", "NodeDown")
    assert code == 0
    lines = output.splitlines()
    assert lines[0] == "NodeDown_Dev"
    assert "  compiled to generated/group-dev.yml, in the group dev_availability" in lines
    assert "  - alert: NodeDown_Dev" in lines
    (wait,) = (n for n, line in enumerate(lines) if line.startswith("params.wait"))
    assert lines[wait].split()[1:3] == ["10m", "alerts/groups/dev.yaml:4:20"]
    assert lines[wait].endswith("rule entry of dev")
    assert lines[wait + 1].strip() == "| params: {wait: 10m}"
    assert lines[wait + 2].split()[:4] == ["instead", "of", "5m", "alerts/templates/NodeDown.yaml:3:58"]
    (for_,) = (line for line in lines if line.startswith("for "))
    assert for_.split()[1:3] == ["10m", "alerts/templates/NodeDown.yaml:5:6"]
    assert "\x1b" not in output


def test_the_rule_is_shown_as_it_stands_in_its_file(checked: Any, capsys: Capture) -> None:
    _, output = run(capsys, "explain", "production", "ServiceDown_Production")
    _, data = run(capsys, "explain", "prod", "ServiceDown", "--format", "json")
    text = json.loads(data)["yaml"]
    assert text in checked.generated()["group-prod.yml"]
    assert text in output


def test_colour_on_request(repo: Any, capsys: Capture) -> None:
    _, output = run(capsys, "--color", "always", "explain", "dev", "NodeDown")
    assert output.startswith("\x1b[1mNodeDown_Dev\x1b[0m")


def test_json(repo: Any, capsys: Capture) -> None:
    code, output = run(capsys, "explain", "dev", "NodeDown", "--format", "json")
    data = json.loads(output)
    assert code == 0
    assert {k: data[k] for k in ("rule", "name", "kind", "status", "required_by", "file", "rule_group")} == {
        "rule": "NodeDown",
        "name": "NodeDown_Dev",
        "kind": "alert",
        "status": "emitted",
        "required_by": None,
        "file": "generated/group-dev.yml",
        "rule_group": "dev_availability",
    }
    assert data["query"] == 'up{job="node",group_id="dev"} == 0'
    (wait,) = (v for v in data["values"] if (v["field"], v["key"]) == ("params", "wait"))
    assert wait == {
        "field": "params",
        "key": "wait",
        "value": "10m",
        "source": {
            "value": "10m",
            "level": "rule entry",
            "group": "dev",
            "path": "alerts/groups/dev.yaml",
            "line": 4,
            "column": 20,
            "text": "params: {wait: 10m}",
        },
        "reset_by": None,
        "overrode": [
            {
                "value": "5m",
                "level": "template",
                "group": None,
                "path": "alerts/templates/NodeDown.yaml",
                "line": 3,
                "column": 58,
                "text": "params: {wait: {type: string, format: duration, default: 5m}}",
            }
        ],
    }


def test_who_covers_a_rule_that_is_not_compiled_here(repo: Any, capsys: Capture) -> None:
    repo.put("alerts/groups/child.yaml", CHILD)
    code, output = run(capsys, "explain", "child", "ServiceDown")
    assert code == 0
    assert (
        "not compiled here: covered by ServiceDown_Production of prod at alerts/groups/prod.yaml:3:" in output
    )
    assert "`rulecompiler explain prod ServiceDown`" in output
    _, output = run(capsys, "explain", "child", "ServiceDown", "--format", "json")
    data = json.loads(output)
    assert (data["status"], data["file"], data["yaml"], data["query"]) == (
        "covered elsewhere",
        None,
        None,
        None,
    )
    assert [(c["group_id"], c["name"]) for c in data["covered_by"]] == [("prod", "ServiceDown_Production")]


def test_what_others_took_of_a_rule(repo: Any, capsys: Capture) -> None:
    repo.put("alerts/groups/child.yaml", CHILD)
    _, output = run(capsys, "explain", "prod", "NodeDown")
    assert 'kind="gpu": left to NodeDown_Child of child at alerts/groups/child.yaml:5:3' in output
    assert 'kind!="gpu"' in output
    repo.put("alerts/groups/child.yaml", CHILD.replace("{params: {wait: 1m}}", "{enabled: false}"))
    _, output = run(capsys, "explain", "prod", "NodeDown")
    assert 'kind="gpu": disabled by child at alerts/groups/child.yaml:5:3' in output
    _, output = run(capsys, "explain", "child", "NodeDown")
    assert "not compiled: disabled here" in output


def test_an_abstract_group_and_a_null(repo: Any, capsys: Capture) -> None:
    repo.put(
        "alerts/groups/top.yaml",
        "group: top\nabstract: true\nrules: {NodeDown: {for: 9m}}\nparams: {wait: 3m}\n",
    )
    repo.put(
        "alerts/groups/low.yaml", "group: low\nparent: top\nrules: {NodeDown: {for: null}}\ninterval: null\n"
    )
    _, output = run(capsys, "explain", "top", "NodeDown")
    assert "not compiled: the group is abstract" in output
    _, output = run(capsys, "explain", "low", "NodeDown")
    lines = [" ".join(line.split()) for line in output.splitlines()]
    assert "null takes it back alerts/groups/low.yaml:3:25 rule entry of low" in lines
    assert "instead of 9m alerts/groups/top.yaml:3:25 rule entry of top" in lines
    assert "params.wait 3m alerts/groups/top.yaml:4:16 group-wide params of top" in lines


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("dve", "NodeDown"), ("RC711", "did you mean `dev`?")),
        (("dev", "NodeDwon"), ("RC740", "did you mean `NodeDown`?")),
        (("dev", "ServiceDown"), ("RC740", "rulecompiler explain prod ServiceDown")),
    ],
)
@pytest.mark.parametrize("fmt", ["text", "json"])
def test_a_name_that_is_not_there(
    repo: Any, capsys: Capture, args: tuple[str, ...], says: tuple[str, ...], fmt: str
) -> None:
    code, output = run(capsys, "explain", *args, "--format", fmt)
    assert code == 1
    assert all(text in output for text in says)


def test_faults_of_the_repo_are_told_instead(repo: Any, capsys: Capture) -> None:
    repo.put("alerts/groups/dev.yaml", "group: dev\nrules:\n  NodeDown:\n    params: {wait: 10}\n")
    code, output = run(capsys, "explain", "dev", "NodeDown")
    assert code == 1
    assert "error[RC203]" in output
    repo.put("alerts/groups/dev.yaml", "group: [\n")
    assert run(capsys, "explain", "prod", "NodeDown")[0] == 1


def test_what_a_terminal_would_obey_is_shown_instead(repo: Any, capsys: Capture) -> None:
    repo.put("alerts/groups/dev.yaml", "group: dev\nlabels: {team: a\u202eb}\nrules: {NodeDown: {}}\n")
    for rule in ("NodeDown", "No\x1b[31m"):
        _, output = run(capsys, "explain", "dev", rule)
        assert "\u202e" not in output
        assert "\x1b" not in output


def test_wrong_usage(repo: Any, capsys: Capture) -> None:
    assert main(["explain", "dev"]) == 2
    assert main(["explain", "dev", "NodeDown", "--format", "sarif"]) == 2
