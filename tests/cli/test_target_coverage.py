from __future__ import annotations

import json
from typing import Any

import pytest

from rulecompiler.cli import main
from tests.servers import page

Capture = pytest.CaptureFixture[str]

TWO = [
    {"targets": ["a:1"], "labels": {"group_id": "dev"}},
    {"targets": ["b:1"], "labels": {"group_id": "nobody"}},
]
MINE = "group: mine\nscope: {team: x}\nrules: {NodeDown: {}}\n"
SHARED = {"targets": ["c:1"], "labels": {"group_id": "prod", "team": "x"}}


def run(capsys: Capture, *args: str) -> tuple[int, str]:
    capsys.readouterr()
    code = main(args)
    return code, capsys.readouterr().out


def test_text(repo: Any, capsys: Capture) -> None:
    repo.put("sd.json", json.dumps([*TWO, SHARED]))
    repo.put("alerts/groups/mine.yaml", MINE)
    repo.put("alerts/groups/spare.yaml", "group: spare\nrules: {NodeDown: {}}\n")
    code, output = run(capsys, "coverage", "--target-file", "sd.json")
    assert code == 0
    assert output.splitlines() == [
        "uncovered: no alert covers 1 target",
        '  b:1  {group_id="nobody"}',
        "twice: NodeDown_Mine of mine and NodeDown_Production of prod cover the same 1 target",
        '  c:1  {group_id="prod", team="x"}',
        "empty: no target is in 1 group",
        '  spare  {group_id="spare"}  alerts/groups/spare.yaml',
        "3 targets, 5 rules: 1 uncovered, 1 covered twice, 1 empty",
    ]


def test_json(repo: Any, capsys: Capture) -> None:
    repo.put("sd.json", json.dumps([*TWO, SHARED]))
    repo.put("alerts/groups/mine.yaml", MINE)
    code, output = run(
        capsys, "coverage", "--target-file", "sd.json", "--format", "json", "--fail-on", "twice,empty"
    )
    data = json.loads(output)
    assert (code, data["failed_on"], data["targets"], data["rules"]) == (1, ["twice"], 3, 4)
    assert data["uncovered"] == [
        {"target_id": "b:1", "hostname": "b", "labels": {"group_id": "nobody", "instance": "b:1"}}
    ]
    (twice,) = data["twice"]
    assert [(r["group_id"], r["rule"], r["name"]) for r in twice["rules"]] == [
        ("mine", "NodeDown", "NodeDown_Mine"),
        ("prod", "NodeDown", "NodeDown_Production"),
    ]
    assert [t["target_id"] for t in twice["targets"]] == ["c:1"]
    assert data["empty"] == []


@pytest.mark.parametrize(
    ("fail_on", "code"),
    [("", 0), ("uncovered", 1), ("twice", 0), ("empty", 1), ("twice, uncovered", 1), ("nothing", 2)],
)
def test_what_fails(repo: Any, fail_on: str, code: int) -> None:
    repo.put("sd.json", json.dumps(TWO))  # nobody is in `prod`
    assert main(["coverage", "--target-file", "sd.json", "--fail-on", fail_on]) == code


def test_a_group_that_watches_something_else_is_not_counted(repo: Any, capsys: Capture) -> None:
    repo.put("sd.json", json.dumps(TWO))
    repo.put("alerts/groups/self.yaml", "group: self\nscope: {}\nrules: {ServiceDown: {}}\n")
    args = ("coverage", "--target-file", "sd.json", "--fail-on", "uncovered")
    assert run(capsys, *args)[0] == 0
    assert run(capsys, *args, "--ignore", "self")[0] == 1
    code, output = run(capsys, *args, "--ignore", "selv")
    assert (code, "did you mean `self`?" in output) == (1, True)


def test_long_lists_are_cut(repo: Any, capsys: Capture) -> None:
    repo.put("sd.json", json.dumps([{"targets": [f"n{i}:1" for i in range(50)]}]))
    _, output = run(capsys, "coverage", "--target-file", "sd.json")
    assert "  and 30 more: --format json has them all" in output.splitlines()
    assert output.count("n1") < 20


def test_an_http_service_discovery_and_several_sources(repo: Any, capsys: Capture) -> None:
    repo.put("sd.yml", "- targets: ['z:1']\n  labels: {group_id: dev}\n")
    with page(json.dumps([*TWO, SHARED])) as address:
        args = ("--http-sd", f"http://{address}/sd?dc=1", "--target-file", "sd.yml", "--format", "json")
        code, output = run(capsys, "coverage", *args)
    assert (code, json.loads(output)["targets"]) == (0, 4)


@pytest.mark.parametrize("answer", ["", "<html>", "{}", '[{"targets": [1]}]', "[" * 10_000])
def test_an_http_service_discovery_that_lies(repo: Any, capsys: Capture, answer: str) -> None:
    with page(answer) as address:
        code, output = run(capsys, "coverage", "--http-sd", f"http://{address}/sd")
    assert code == 1
    assert f"error[RC743]: http://{address}/sd: " in output
    assert "#" not in output


def test_an_http_service_discovery_that_is_not_there(repo: Any, capsys: Capture) -> None:
    code, output = run(capsys, "coverage", "--http-sd", "http://127.0.0.1:1/sd")
    assert (code, "RC812" in output, "curl -i http://127.0.0.1:1/sd" in output) == (1, True, True)
    assert run(capsys, "coverage", "--http-sd", "nowhere")[0] == 1


def test_one_bad_source_is_enough_for_no_answer(repo: Any, capsys: Capture) -> None:
    repo.put("sd.json", json.dumps(TWO))
    assert run(capsys, "coverage", "--target-file", "sd.json", "--target-file", "gone.json")[0] == 1


def test_no_targets_are_no_good_news(repo: Any, capsys: Capture) -> None:
    repo.put("sd.json", "[]")
    code, output = run(capsys, "coverage", "--target-file", "sd.json")
    assert (code, "RC747" in output) == (1, True)


def test_a_repo_that_does_not_compile(repo: Any, capsys: Capture) -> None:
    repo.put("sd.json", json.dumps(TWO))
    repo.put("alerts/groups/dev.yaml", "group: dev\nrules: {NodeDown: {params: {wait: 10}}}\n")
    code, output = run(capsys, "coverage", "--target-file", "sd.json")
    assert (code, "RC203" in output) == (1, True)


def test_wrong_usage(repo: Any) -> None:
    assert main(["coverage"]) == 2
