"""From a pull request to its comment: the scripts as they stand in the workflows, and a hostile fork."""

from __future__ import annotations

import base64
import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import sticky_comment
from comment_body import ARTIFACT_FILE, MARKER, Origin, body, neutral
from rulecompiler.reporters.plan_markdown import as_markdown
from tests.pipeline.activity import HOSTILE, RUN, activity
from tests.pipeline.github_server import REPOSITORY, SHA, TOKEN, GitHub, pull, serving, zipped
from tests.pipeline.workflows import CI, COMMENT, COMMENT_ACTION, ROOT, load, steps
from tests.reporters import plans

RUNS_THEIR_CODE = ("make ", ".venv/", "pip ", "checkout@", "setup-python@")


def script_of(path: Path, name: str) -> str:
    (script,) = (step["run"] for step in steps(path) if step.get("name") == name)
    return str(script)


def bash(script: str, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env={"PATH": os.environ["PATH"], **env},
        capture_output=True,
        text=True,
        check=False,
    )


# --- who may do what --------------------------------------------------------------------


def test_a_strangers_code_runs_without_a_secret_and_without_a_right_to_write() -> None:
    ci = load(CI)
    assert set(ci["on"]) == {"pull_request", "push"}
    assert "secrets." not in CI.read_text("utf-8")
    for name, job in ci["jobs"].items():
        written = str(job["steps"])
        if "write" in str(job.get("permissions", ci["permissions"])):
            assert not any(theirs in written for theirs in RUNS_THEIR_CODE), name
        elif name != "code-scanning":
            assert "github.token" not in written, name


def test_what_may_comment_takes_nothing_of_the_pull_request() -> None:
    workflow = load(COMMENT)
    assert workflow["on"] == {"workflow_run": {"workflows": [load(CI)["name"]], "types": ["completed"]}}
    assert workflow["permissions"] == {}
    (job,) = workflow["jobs"].values()
    assert job["if"] == "github.event.workflow_run.event == 'pull_request'"
    assert job["concurrency"]["cancel-in-progress"] is False
    assert "head_branch" in job["concurrency"]["group"]
    checkout, comment = job["steps"]
    # Without `ref` it is the main branch's; artifacts are never unpacked to where something is run from.
    assert checkout["with"] == {"persist-credentials": False, "sparse-checkout": "scripts"}
    assert comment == {
        "name": "Comment",
        "env": {"GITHUB_TOKEN": "${{ github.token }}"},
        "run": "python3 scripts/sticky_comment.py",
    }


def test_the_artifact_is_what_the_comment_looks_for() -> None:
    uploads = {
        step["with"]["name"]: step["with"]["path"]
        for step in load(CI)["jobs"]["plan"]["steps"]
        if step.get("uses", "").startswith("actions/upload-artifact@")
    }
    assert uploads[sticky_comment.ARTIFACT].endswith(f"/{ARTIFACT_FILE}")
    assert set(uploads) == {sticky_comment.ARTIFACT, "plan-report"}


def test_the_base_is_there_in_the_depth_that_is_fetched() -> None:
    checkout = load(CI)["jobs"]["plan"]["steps"][0]
    assert checkout["with"]["fetch-depth"] == 2
    for name in ("Report", "Comment"):
        assert "--base HEAD^1 --head HEAD" in script_of(CI, name)


# --- the scripts --------------------------------------------------------------------------


def git(folder: Path, *words: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=n", "-c", "user.email=n@example.com", "-c", "commit.gpgsign=false", *words],
        cwd=folder,
        check=True,
        capture_output=True,
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What actions/checkout has at hand of a pull request: the merge into the base, two commits deep."""
    origin = tmp_path / "origin"
    (origin / "alerts/templates/node").mkdir(parents=True)
    (origin / "alerts/groups").mkdir()
    shutil.copy(ROOT / "rulecompiler.yaml", origin)
    (origin / "alerts/templates/node/High.yaml").write_text(
        "alert: High\nparams:\n  threshold: {type: number, default: 80}\n"
        "expr: node_load1 > ${threshold}\nlabels: {severity: warning}\nannotations: {summary: busy}\n"
    )
    (origin / "alerts/groups/web.yaml").write_text("group: web\nname: web\nrules:\n  High: {}\n")
    (origin / "alerts/groups/db.yaml").write_text("group: db\nname: db\nrules:\n  High: {}\n")
    git(origin, "init", "-q", "-b", "main")
    git(origin, "add", "-A")
    git(origin, "commit", "-qm", "base")
    git(origin, "commit", "-q", "--allow-empty", "-m", "more history")
    git(origin, "checkout", "-q", "-b", "patch")
    return origin


def merged(origin: Path, tmp_path: Path) -> Path:
    """The pull request is opened, and meanwhile somebody else's change of another group is merged."""
    git(origin, "add", "-A")
    git(origin, "commit", "-qm", "the change")
    git(origin, "checkout", "-q", "main")
    (origin / "alerts/groups/db.yaml").write_text(
        "group: db\nname: db\nrules:\n  High: {params: {threshold: 99}}\n"
    )
    git(origin, "commit", "-qam", "somebody else's")
    git(origin, "merge", "-q", "--no-ff", "-m", "merge", "patch")
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "-q", "--depth", "2", origin.as_uri(), str(shallow))
    program = shallow / ".venv/bin/rulecompiler"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m rulecompiler "$@"\n')
    program.chmod(0o755)
    return shallow


def planned(shallow: Path, tmp_path: Path) -> tuple[str, Path]:
    """Run the job's scripts; the markdown, and the folder of the report."""
    temp = tmp_path / "temp"
    temp.mkdir()
    env = {
        "RUNNER_TEMP": str(temp),
        "GITHUB_STEP_SUMMARY": str(temp / "summary"),
        "REPORT": f"{RUN}/artifacts/81",
        "PYTHONPATH": str(ROOT / "src"),
    }
    for name in ("Report", "Comment"):
        done = bash(script_of(CI, name), shallow, **env)
        assert done.returncode == 0, done.stdout + done.stderr
    text = (temp / "plan.md").read_text("utf-8")
    assert (temp / "summary").read_text("utf-8") == text
    assert (temp / "summary").stat().st_size < 1024 * 1024
    assert (temp / "report/plan.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    return text, temp / "report"


def test_the_plan_is_of_the_pull_request_alone(checkout: Path, tmp_path: Path) -> None:
    (checkout / "alerts/groups/web.yaml").write_text(
        "group: web\nname: web\nrules:\n  High: {params: {threshold: 85}}\n"
    )
    text, report = planned(merged(checkout, tmp_path), tmp_path)
    assert text.startswith(MARKER + "\n")
    assert "`80` → **`85`**" in text
    assert "99" not in text.split("<details>")[0]
    assert f"(<{RUN}/artifacts/81>)" in text
    assert json.loads((report / "plan.json").read_text("utf-8"))["counts"]["change"] == 1
    said = text.partition("\n")[2]
    assert neutral(said, RUN) == said  # nothing of an honest plan is lost on the way to the comment


def test_a_head_that_does_not_compile_has_a_plan_that_says_so(checkout: Path, tmp_path: Path) -> None:
    (checkout / "alerts/groups/web.yaml").write_text("group: web\nname: web\nrules:\n  Nope: {}\n")
    text, _ = planned(merged(checkout, tmp_path), tmp_path)
    assert "could not be compared" in text


@pytest.mark.parametrize("code", [2, 3, 127])
@pytest.mark.parametrize("name", ["Report", "Comment", "The same as SARIF"])
def test_what_is_no_fault_of_the_head_fails_the_job(tmp_path: Path, name: str, code: int) -> None:
    program = tmp_path / ".venv/bin/rulecompiler"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\nexit {code}\n")
    program.chmod(0o755)
    (tmp_path / "plan.md").touch()
    env = {"RUNNER_TEMP": str(tmp_path), "REPORT": "", "GITHUB_STEP_SUMMARY": str(tmp_path / "summary")}
    assert bash(script_of(CI, name), tmp_path, **env).returncode != 0
    program.write_text("#!/bin/sh\nexit 1\n")
    shutil.rmtree(tmp_path / "report", ignore_errors=True)
    assert bash(script_of(CI, name), tmp_path, **env).returncode == 0


def test_code_scanning_is_handed_the_file_of_this_commit(tmp_path: Path) -> None:
    (tmp_path / "sarif").mkdir()
    log = json.dumps({"version": "2.1.0", "text": "x" * 300_000})  # more than an argument may have
    (tmp_path / "sarif/rulecompiler.sarif").write_text(log)
    program = tmp_path / "bin/gh"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > argv\ncat > stdin\nexit "${CODE:-0}"\n')
    program.chmod(0o755)
    env = {
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "RUNNER_TEMP": str(tmp_path),
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_SHA": SHA,
        "GITHUB_REF": "refs/pull/5/merge",
    }
    assert bash(script_of(CI, "Hand it to code scanning"), tmp_path, **env).returncode == 0
    argv = (tmp_path / "argv").read_text().splitlines()
    assert argv[:3] == ["api", "--silent", f"repos/{REPOSITORY}/code-scanning/sarifs"]
    assert argv[3:] == ["-f", f"commit_sha={SHA}", "-f", "ref=refs/pull/5/merge", "-F", "sarif=@-"]
    sent = (tmp_path / "stdin").read_bytes()
    assert gzip.decompress(base64.b64decode(sent)).decode() == log
    assert bash(script_of(CI, "Hand it to code scanning"), tmp_path, CODE="1", **env).returncode == 1


# --- a hostile fork, from its template to the comment -----------------------------------------


def comment_on(github: GitHub, tmp_path: Path, script: str, cwd: Path, **env: str) -> str:
    """Run a step that comments, as the runner does; the comment."""
    event: dict[str, Any] = {
        "id": 7,
        "event": "pull_request",
        "head_sha": SHA,
        "head_branch": "patch",
        "head_repository": {"full_name": "stranger/alerts"},
        "repository": {"full_name": REPOSITORY},
        "pull_requests": [],
    }
    (tmp_path / "event.json").write_text(json.dumps({"workflow_run": event}))
    done = bash(
        script,
        cwd,
        GITHUB_TOKEN=TOKEN,
        GITHUB_API_URL=github.url,
        GITHUB_SERVER_URL="https://github.com",
        GITHUB_REPOSITORY=REPOSITORY,
        GITHUB_EVENT_PATH=str(tmp_path / "event.json"),
        PYTHONDONTWRITEBYTECODE="1",
        **env,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (body,) = github.bodies()
    return body


def test_a_hostile_template_of_a_fork_does_nothing(checkout: Path, tmp_path: Path) -> None:
    printable = [text for text in HOSTILE if text.isprintable()]
    nasty = {f"a{number}": text for number, text in enumerate(printable)}
    quoted = [text.replace("{", "").replace("$", "") for text in printable]
    annotations = "".join(f"  {key}: {json.dumps(text)}\n" for key, text in zip(nasty, quoted, strict=True))
    template = checkout / "alerts/templates/node/High.yaml"
    template.write_text(template.read_text().split("annotations:")[0] + f"annotations:\n{annotations}")
    named = "@oncall fixes #1 <img src=x> ](http:⁄⁄evil) `x`.yaml".replace("⁄", "")
    (checkout / f"alerts/templates/node/{named}").write_text(template.read_text().replace("High", "Other"))
    (checkout / "alerts/groups/web.yaml").write_text(
        "group: web\nname: '@oncall <b>#1</b>'\nrules:\n  High: {}\n  Other: {}\n"
    )
    text, _ = planned(merged(checkout, tmp_path), tmp_path)
    with serving(GitHub()) as github:
        github.pulls = [pull()]
        github.has_plan(zipped(text))
        body = comment_on(github, tmp_path, script_of(COMMENT, "Comment"), ROOT)
        assert github.wrong == []
    assert "from a fork" in body
    assert activity(body.partition("</sub>\n")[2]) == []


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_in_every_place_of_a_plan_do_nothing(text: str) -> None:
    plan = as_markdown(plans.with_everything(text), f"{RUN}/artifacts/81").partition("\n")[2]
    assert activity(neutral(plan, RUN)) == []


def test_a_plan_of_5000_changes_loses_nothing_on_the_way() -> None:
    changes = [
        change(number) for change in (plans.lost, plans.changed, plans.reset) for number in range(1_700)
    ]
    said = as_markdown(plans.plan(changes), f"{RUN}/artifacts/81").partition("\n")[2]
    assert len(said) > 55_000
    comment = body(said, Origin(7, RUN, SHA, from_fork=True))
    assert comment.endswith(neutral(said, RUN))
    assert "Cut to the length" not in comment


def test_the_action_of_others_comments_too(tmp_path: Path) -> None:
    with serving(GitHub()) as github:
        github.has_plan(zipped(f"{MARKER}\n**Plan: 1 to add.**\n"))
        body = comment_on(
            github,
            tmp_path,
            script_of(COMMENT_ACTION, "Comment"),
            tmp_path,
            SCRIPTS=str(COMMENT_ACTION.parent / "../../../scripts"),
            COMMENT_AUTHOR="github-actions[bot]",
        )
    assert "1 to add" in body
    (step,) = steps(COMMENT_ACTION)
    assert step["env"]["SCRIPTS"] == "${{ github.action_path }}/../../../scripts"
    assert load(COMMENT_ACTION)["inputs"]["token"]["default"] == "${{ github.token }}"
