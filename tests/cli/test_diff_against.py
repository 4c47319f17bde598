"""`rulecompiler diff --against`: what lies in generated/, and what a real server runs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from rulecompiler.cli import main
from tests.deploy.proxies import Behaviour, Reply, cut, proxy_to, silent
from tests.diff.checkouts import FILES, TEMPLATE, Checkout, checkout
from tests.servers import Server, free_address, prometheus_with, within

Capture = pytest.CaptureFixture[str]
SCHEMA = json.loads((Path(__file__).parents[2] / "schemas/plan.schema.json").read_text("utf-8"))
MORE: Mapping[str, str] = {
    **{path: str(text) for path, text in FILES.items()},
    "alerts/templates/Down.yaml": TEMPLATE + "keep_firing_for: 90s\n",
    "alerts/templates/rate.yaml": "record: job:errors:rate5m\nexpr: sum by (job) (rate(errors_total[5m]))\n",
    "alerts/groups/web.yaml": (
        "group: web\ninterval: 45s\nlimit: 9\nrules:\n  Down: {}\n  'job:errors:rate5m': {template: rate}\n"
    ),
}


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    made = checkout(tmp_path / "repo")
    monkeypatch.chdir(made.root)
    monkeypatch.setenv("PROMETHEUS_VALIDATE_RULES", "false")
    assert main(["compile"]) == 0
    return made


def data(capsys: Capture, against: str, *arguments: str, exit_code: int = 0) -> Any:
    capsys.readouterr()
    assert main(["diff", "--against", against, "--format", "json", *arguments]) == exit_code
    plan = json.loads(capsys.readouterr().out)
    jsonschema.validate(plan, SCHEMA)
    return plan


def told(capsys: Capture, against: str, *arguments: str, exit_code: int = 0) -> str:
    capsys.readouterr()
    assert main(["diff", "--against", against, *arguments]) == exit_code
    return "".join(capsys.readouterr())


def changes(plan: Any) -> list[tuple[str, str, str]]:
    return [(c["action"], c["group"], c["rule"]) for c in plan["changes"]]


def numbers(plan: Any) -> tuple[int, ...]:
    return tuple(plan["counts"][n] for n in ("add", "change", "remove", "replace", "unchanged"))


# --- generated/ -------------------------------------------------------------------


def test_what_is_as_compiled_is_unchanged(repo: Checkout, capsys: Capture) -> None:
    assert numbers(data(capsys, "generated")) == (0, 0, 0, 0, 2)


def test_what_a_compile_would_change(repo: Checkout, capsys: Capture) -> None:
    repo.put(
        {"alerts/groups/web.yaml": "group: web\nrules: {Down: {for: 9m}}\n", "alerts/groups/db.yaml": None}
    )
    plan = data(capsys, "generated")
    assert changes(plan) == [("remove", "db", "Down_Db"), ("change", "web", "Down_Web")]
    assert [(f["label"], f["old"], f["new"]) for f in plan["changes"][1]["fields"]] == [("for", "5m", "9m")]


def test_a_file_that_is_missing(repo: Checkout, capsys: Capture) -> None:
    (repo.root / "generated/group-web.yml").unlink()
    assert changes(data(capsys, "generated")) == [("add", "web", "Down_Web")]


@pytest.mark.parametrize(
    "text", ["", "groups: [", "groups: 7\n", "\0", "groups:\n- name: a\n  rules:\n  - alert: 7\n"]
)
def test_a_damaged_file_is_not_taken_for_one_without_rules(
    repo: Checkout, capsys: Capture, text: str
) -> None:
    file = repo.root / "generated/group-web.yml"
    file.write_text(file.read_text().splitlines(keepends=True)[0] + text)
    plan = data(capsys, "generated")
    assert [each["group"] for each in plan["incomparable"]] == ["web"], plan
    assert changes(plan) == []


def test_generated_of_a_commit(repo: Checkout, capsys: Capture) -> None:
    repo.commit({}, "with output")
    repo.put({"alerts/groups/web.yaml": "group: web\nrules: {Down: {for: 9m}}\n"})
    assert main(["compile"]) == 0
    assert numbers(data(capsys, "generated")) == (0, 0, 0, 0, 2)
    plan = data(capsys, "generated", "--base", "HEAD")
    assert changes(plan) == [("change", "web", "Down_Web")]
    assert plan["base"]["label"] == "generated/ of HEAD"
    assert "RC720" in told(capsys, "generated", "--base", "nope", exit_code=1)


def test_generated_behind_a_link_in_a_commit(repo: Checkout, capsys: Capture) -> None:
    (repo.root / "generated").rename(repo.root / "output")
    (repo.root / "generated").symlink_to("output")
    repo.commit({}, "linked")
    (repo.root / "generated").unlink()
    (repo.root / "output").rename(repo.root / "generated")
    output = told(capsys, "generated", "--base", "HEAD", exit_code=1)
    assert "error[RC725]" in output
    assert "Plan:" not in output


def test_a_head_that_does_not_compile(repo: Checkout, capsys: Capture) -> None:
    repo.put({"alerts/groups/web.yaml": "group: web\nrules: {Missing: {}}\n"})
    output = told(capsys, "generated", exit_code=1)
    assert "error[" in output
    assert "Plan:" not in output


# --- a server ---------------------------------------------------------------------


@pytest.fixture
def running(repo: Checkout, prometheus: Path, tmp_path: Path) -> Iterator[Server]:
    """A server that runs what the repo compiled to before a test changed anything."""
    for name in [*MORE]:
        repo.put({name: MORE[name]})
    assert main(["compile"]) == 0
    folder = tmp_path / "server"
    rules = folder / "rules"
    rules.mkdir(parents=True)
    for file in (repo.root / "generated").iterdir():
        (rules / file.name).write_bytes(file.read_bytes())
    with prometheus_with(prometheus, rules, folder) as server:
        assert within(30, lambda: len(server.groups()) == 2)
        yield server


def edited_on_the_server(server: Server, rules: Path, edit: Callable[[str], str]) -> None:
    file = rules / "group-web.yml"
    text = file.read_text()
    assert edit(text) != text
    file.write_text(edit(text))
    assert server.reload().status_code == 200


def test_a_server_that_runs_just_that(running: Server, capsys: Capture) -> None:
    plan = data(capsys, running.url)
    assert plan["changes"] == []
    assert numbers(plan) == (0, 0, 0, 0, 3)
    assert plan["base"] == {"label": running.url, "commit": None, "note": "what runs"}


def test_a_server_that_runs_something_else(
    repo: Checkout, running: Server, tmp_path: Path, capsys: Capture
) -> None:
    edited_on_the_server(running, tmp_path / "server/rules", lambda text: text.replace("for: 5m", "for: 6m"))
    repo.put({"alerts/groups/db.yaml": "group: db\nrules: {}\n"})
    plan = data(capsys, running.url)
    assert changes(plan) == [("remove", "db", "Down_Db"), ("change", "web", "Down_Web")]
    assert [(f["label"], f["old"], f["new"]) for f in plan["changes"][1]["fields"]] == [("for", "6m", "5m")]
    assert "for 6m → 5m" in told(capsys, running.url)


def test_rules_of_others_are_not_ours_to_remove(running: Server, tmp_path: Path, capsys: Capture) -> None:
    other = tmp_path / "server/rules/theirs.yml"
    other.write_text("groups: [{name: web_default, rules: [{alert: Theirs, expr: up}]}]\n")
    assert running.reload().status_code == 200
    assert data(capsys, running.url)["changes"] == []


def says(status: int, body: bytes, kind: str = "text/plain") -> Behaviour:
    return lambda request: Reply(status, body, kind)


def odd_number(key: str, number: bytes) -> bytes:
    rule = {"type": "alerting", "name": "a", "query": "up", "health": "ok", "duration": 1, "keepFiringFor": 1}
    group = {"name": "x", "file": "/r/group-web.yml", "interval": 60, "limit": 1, "rules": [rule]}
    (rule if key in rule else group)[key] = "HERE"
    answer = json.dumps({"status": "success", "data": {"groups": [group]}})
    return answer.encode().replace(b'"HERE"', number)


HALF = b'{"status":"success","data":{"groups":[{"name":"x","file":"/r/group-web.yml","rul'
REPLIES: Mapping[str, tuple[Behaviour, str]] = {
    "cut off": (cut, "RC814"),
    "half an answer": (says(200, HALF, "application/json"), "RC818"),
    "not JSON": (says(200, b"<html>hello</html>", "text/html"), "RC818"),
    "no such API": (says(404, b"not here"), "RC818"),
    "not allowed": (says(401, b"no"), "RC817"),
    "out of order": (says(503, b"later"), "RC8(15|18|19)"),
    "an error": (says(500, b"boom"), "RC8(15|18|19)"),
    **{
        f"{key} of {number.decode()}": (says(200, odd_number(key, number), "application/json"), "RC818")
        for key in ("interval", "limit", "duration", "keepFiringFor")
        for number in (b"NaN", b"1e999")
    },
    "another shape": (says(200, b'{"status":"success","data":{"groups":7}}', "application/json"), "RC818"),
    "an error of the API": (
        says(200, b'{"status":"error","errorType":"timeout","error":"query timed out"}', "application/json"),
        "RC818",
    ),
}


@pytest.mark.parametrize("what", REPLIES)
def test_an_answer_that_is_none_is_never_an_empty_plan(running: Server, capsys: Capture, what: str) -> None:
    behaviour, code = REPLIES[what]
    with proxy_to(running) as proxy:
        proxy.on("/api/v1/rules", behaviour)
        output = told(capsys, proxy.url, exit_code=1)
    assert re.search(rf"error\[{code}\]", output), output
    assert "Plan:" not in output


def test_a_server_that_never_answers(
    running: Server, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rulecompiler.cli.diff_against._SECONDS", 0.5)
    with proxy_to(running) as proxy:
        proxy.on("/api/v1/rules", silent(30))
        output = told(capsys, proxy.url, exit_code=1)
    assert "error[RC813]" in output
    assert "Plan:" not in output


def test_nobody_answers(repo: Checkout, capsys: Capture) -> None:
    output = told(capsys, f"http://{free_address()}", exit_code=1)
    assert "error[RC812]" in output
    assert "Plan:" not in output


def test_secrets_in_an_address_are_not_shown(repo: Checkout, capsys: Capture) -> None:
    output = told(capsys, f"http://me:geheim@{free_address()}", exit_code=1)
    assert "geheim" not in output
