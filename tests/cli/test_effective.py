from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rulecompiler.cli import main
from tests.servers import page, prometheus_with, scrape, within

Capture = pytest.CaptureFixture[str]

FIELDS = {
    "id", "name", "severity", "query", "for_duration", "labels", "annotations", "config",
    "source", "source_id", "source_name",
}  # fmt: skip


def run(capsys: Capture, *args: str) -> tuple[int, str]:
    capsys.readouterr()
    code = main(args)
    return code, capsys.readouterr().out


def test_json_has_the_replaced_servers_fields(repo: Any, capsys: Capture) -> None:
    labels = ("--label", "group_id=dev", "--label", "instance=n1:9100")
    code, output = run(capsys, "effective", *labels, "--format", "json")
    data = json.loads(output)
    assert code == 0
    assert {k: data[k] for k in ("target_id", "hostname", "total")} == {
        "target_id": "n1:9100",
        "hostname": "n1",
        "total": 1,
    }
    (rule,) = data["rules"]
    assert {name: rule[name] for name in FIELDS} == {
        "id": "dev/NodeDown",
        "name": "NodeDown",
        "severity": "critical",
        "query": 'up{job="node",group_id="dev"} == 0',
        "for_duration": "10m",
        "labels": {"group": "dev", "group_id": "dev", "severity": "critical"},
        "annotations": {"summary": "{{ $labels.instance }} is down"},
        "config": {"wait": "10m"},
        "source": "group",
        "source_id": "dev",
        "source_name": "dev",
    }
    assert data["targets"] == [{key: value for key, value in data.items() if key != "targets"}]


def test_the_source_is_the_group_whose_file_asks_for_the_rule(repo: Any, capsys: Capture) -> None:
    repo.put("alerts/groups/all.yaml", "group: all\nname: everything\nscope: {}\nrules: {ServiceDown: {}}\n")
    repo.put("alerts/groups/sub.yaml", "group: sub\nparent: all\nlabels: {team: x}\n")
    _, output = run(capsys, "effective", "--label", "group_id=sub", "--format", "json")
    (rule,) = json.loads(output)["rules"]
    told = {k: rule[k] for k in ("id", "source", "source_id", "source_name", "group_id", "alert")}
    assert told == {
        "id": "sub/ServiceDown",
        "source": "global",
        "source_id": "all",
        "source_name": "everything",
        "group_id": "sub",
        "alert": "ServiceDown_Sub",
    }


def test_text(repo: Any, capsys: Capture) -> None:
    code, output = run(capsys, "effective", "--label", "group_id=prod")
    assert code == 0
    lines = [" ".join(line.split()) for line in output.splitlines()]
    assert lines == [
        'the target {group_id="prod"}',
        "critical NodeDown_Production for 5m wait=5m alerts/groups/prod.yaml:3",
        "warning ServiceDown_Production alerts/groups/prod.yaml:3",
        "2 alerts, 0 records",
    ]
    assert "no alert covers it" in run(capsys, "effective", "--label", "group_id=x")[1]


def test_what_is_partial_or_without_a_scope_stands_apart(repo: Any, capsys: Capture) -> None:
    repo.put(
        "alerts/templates/Fan.yaml", "alert: Fan\nscope: false\nexpr: fan == 0\nlabels: {severity: info}\n"
    )
    repo.put(
        "alerts/groups/dev.yaml",
        "group: dev\nrules:\n  NodeDown: {}\n  Fan: {}\n"
        "  Rack: {template: NodeDown, where: {rack: r1}, instead_of: NodeDown}\n",
    )
    _, output = run(capsys, "effective", "--label", "group_id=dev")
    assert "only series of it that bring another label:" in output
    assert "without a scope" in output
    _, output = run(capsys, "effective", "--label", "group_id=dev", "--format", "json")
    data = json.loads(output)
    assert [[r["id"] for r in data[k]] for k in ("rules", "partial", "unscoped")] == [
        ["dev/NodeDown"], ["dev/Rack"], ["dev/Fan"],
    ]  # fmt: skip
    assert data["rules"][0]["matchers"] == ['group_id="dev"', 'rack!="r1"']


def test_each_target_of_a_file(repo: Any, capsys: Capture) -> None:
    entry = [{"targets": ["a:1", "b:1"], "labels": {"group_id": "dev"}}, {"targets": ["c:1"]}]
    file = repo.put("targets.json", json.dumps(entry))
    code, output = run(capsys, "effective", "--target-file", str(file), "--format", "json")
    data = json.loads(output)
    assert code == 0
    assert [(t["target_id"], t["total"]) for t in data["targets"]] == [("a:1", 1), ("b:1", 1), ("c:1", 0)]
    assert "rules" not in data


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("--label", "x"), "RC742"),
        (("--label", "a=1", "--label", "a=2"), "RC742"),
        (("--target-file", "nowhere.json"), "RC744"),
        (("--target-file", "."), "RC744"),
        (("--target-file", "a\0b"), "RC744"),
        (("--target-file", "binary.json"), "RC743"),
        (("--target-file", "alerts/groups/dev.yaml"), "RC743"),
        (("--target-file", "empty.json"), "RC747"),
        (("--from-prometheus", "http://127.0.0.1:1", "n1"), "RC812"),
        (("--from-prometheus", "localhost:9090", "n1"), "RC810"),
    ],
)
@pytest.mark.parametrize("fmt", ["text", "json"])
def test_bad_input(repo: Any, capsys: Capture, args: tuple[str, ...], code: str, fmt: str) -> None:
    (repo.root / "binary.json").write_bytes(b"\xff\xfe\x00")
    repo.put("empty.json", "[]")
    exit_code, output = run(capsys, "effective", *args, "--format", fmt)
    assert exit_code == 1
    assert code in output


def test_wrong_usage(repo: Any, capsys: Capture) -> None:
    assert main(["effective"]) == 2
    assert main(["effective", "--label", "a=b", "--target-file", "x"]) == 2


def test_faults_of_the_repo_are_told_instead(repo: Any, capsys: Capture) -> None:
    repo.put("alerts/groups/dev.yaml", "group: dev\nrules: {NodeDown: {params: {wait: 10}}}\n")
    code, output = run(capsys, "effective", "--label", "group_id=dev")
    assert (code, "RC203" in output) == (1, True)
    repo.put("alerts/groups/dev.yaml", "group: [\n")
    assert run(capsys, "effective", "--label", "group_id=prod")[0] == 1


@pytest.mark.parametrize(
    "answer",
    ["", "<html>", "[]", '{"status":"success","data":{"activeTargets":[{}]}}', '{"status":"success"}'],
)
def test_a_server_that_lies(repo: Any, capsys: Capture, answer: str) -> None:
    with page(answer) as address:
        code, output = run(capsys, "effective", "--from-prometheus", f"http://{address}", "n1")
    assert code == 1
    assert "error[RC8" in output


def test_a_target_of_a_real_server(repo: Any, capsys: Capture, prometheus: Path, tmp_path: Path) -> None:
    folder = tmp_path / "server"
    folder.mkdir()
    with page("x 1\n") as node:
        jobs = [
            scrape(
                "node",
                node,
                [{"group_id": "dev", "hostname": "box"}, {"group_id": "prod", "instance": "node-2"}],
            )
        ]
        with prometheus_with(prometheus, [], folder, jobs) as server:
            assert within(30, lambda: len(server.ask("targets")["activeTargets"]) == 2)
            _, output = run(
                capsys, "effective", "--from-prometheus", server.url, "node-2", "--format", "json"
            )
            data = json.loads(output)
            assert (data["target_id"], data["hostname"], data["total"]) == ("node-2", "node-2", 2)
            assert data["target_labels"] == {"group_id": "prod", "instance": "node-2", "job": "node"}
            _, output = run(capsys, "effective", "--from-prometheus", server.url, "box", "--format", "json")
            assert json.loads(output)["target_id"] == node
            code, output = run(capsys, "effective", "--from-prometheus", server.url, "node-3")
            assert code == 1
            assert "RC746" in output
            assert "did you mean `node-2`?" in output
            code, output = run(capsys, "coverage", "--from-prometheus", server.url, "--fail-on", "empty")
            assert (code, output) == (
                0,
                "2 targets, 3 rules: each covered, none twice, no group empty\n",
            )


def test_credentials_go_to_the_server_of_the_settings_alone(
    repo: Any, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rulecompiler.cli.target_sources import credentials_for

    monkeypatch.setenv("PROMETHEUS_URL", "http://mine:9090")
    monkeypatch.setenv("PROMETHEUS_TOKEN", "geheim")
    assert credentials_for("http://mine:9090/").token == "geheim"
    assert credentials_for("http://other:9090").token == ""
