"""The workflows that docs/reviewing.md shows to others: complete, and in shape like ours."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest

from rulecompiler.cli import cli
from tests.pipeline.workflows import ACTION, CI, COMMENT, COMMENT_ACTION, ROOT, load, parsed

PAGE = (ROOT / "docs" / "reviewing.md").read_text("utf-8")
SHOWN = dict(re.findall(r"^```yaml workflow (\S+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
ALERTS, POST = (parsed(SHOWN[name]) for name in ("alerts.yml", "plan-comment.yml"))
OURS = "OWNER/rulecompiler@FULL_COMMIT"


def of_action(job: dict[str, Any], action: str) -> list[dict[str, Any]]:
    return [step for step in job["steps"] if step.get("uses", "").startswith(f"actions/{action}@")]


def test_the_jobs_have_the_rights_and_conditions_of_ours() -> None:
    ci = load(CI)
    assert ALERTS["on"] == ci["on"]
    assert ALERTS["permissions"] == ci["permissions"]
    for name in ("check", "code-scanning", "plan"):
        theirs, ours = ALERTS["jobs"][name], ci["jobs"][name]
        for key in ("permissions", "if", "needs", "runs-on", "timeout-minutes"):
            assert theirs.get(key) == ours.get(key), (name, key)
    assert set(ALERTS["jobs"]) == {"check", "code-scanning", "plan"}


def test_they_check_out_and_hand_over_what_ours_do() -> None:
    ci = load(CI)
    for name in ("check", "code-scanning", "plan"):
        theirs, ours = ALERTS["jobs"][name], ci["jobs"][name]
        for action in ("checkout", "upload-artifact", "download-artifact"):
            found, wanted = of_action(theirs, action), of_action(ours, action)
            assert [step["uses"] for step in found] == [step["uses"] for step in wanted]
            for one, other in zip(found, wanted, strict=True):
                assert {**one["with"], "path": ""} == {**other["with"], "path": ""}
                assert one.get("if") == other.get("if")
                assert one.get("id") == other.get("id")
    assert of_action(ALERTS["jobs"]["plan"], "upload-artifact")[1]["with"]["path"].endswith("/plan.md")


def test_the_sarif_is_the_file_that_the_action_prints_to() -> None:
    (theirs,) = (step["run"] for step in ALERTS["jobs"]["code-scanning"]["steps"] if "run" in step)
    (ours,) = (step["run"] for step in load(CI)["jobs"]["code-scanning"]["steps"] if "run" in step)
    assert theirs.replace("rulecompiler.out", "rulecompiler.sarif") == ours
    assert "printed=$RUNNER_TEMP/rulecompiler.out" in ACTION.read_text("utf-8")


def test_the_comment_is_posted_as_ours_is() -> None:
    ours, theirs = load(COMMENT)["jobs"]["comment"], POST["jobs"]["comment"]
    assert POST["on"] == {"workflow_run": {"workflows": [ALERTS["name"]], "types": ["completed"]}}
    assert POST["permissions"] == {}
    for key in ("if", "runs-on", "timeout-minutes", "concurrency"):
        assert theirs[key] == ours[key], key
    # Ours checks out the main branch, for the script; theirs has it from the action.
    assert {"contents": "read", **theirs["permissions"]} == ours["permissions"]
    (step,) = theirs["steps"]
    folder = COMMENT_ACTION.parent.relative_to(ROOT).as_posix()
    assert step == {"uses": f"OWNER/rulecompiler/{folder}@FULL_COMMIT"}


def test_the_action_and_the_commands_take_what_is_passed() -> None:
    inputs = set(load(ACTION)["inputs"])
    passed = [
        step["with"] for job in ALERTS["jobs"].values() for step in job["steps"] if step.get("uses") == OURS
    ]
    assert [each["command"] for each in passed] == ["check", "check", "diff", "diff"]
    for each in passed:
        assert set(each) <= inputs
        url = re.sub(r"\$\{\{ steps.*?\}\}", "https://example.com/a", each["arguments"])
        command = cli.get_command(click.Context(cli), each["command"])
        assert command is not None
        command.make_context(each["command"], [line for line in url.splitlines() if line])


def test_actionlint_agrees(tmp_path: Path) -> None:
    program = shutil.which("actionlint")
    if program is None:
        pytest.skip("no actionlint on PATH: PyPI has only a downloader of it")
    for name, text in SHOWN.items():
        text = text.replace("FULL_COMMIT", "0" * 40)
        (tmp_path / name).write_text(text)
        done = subprocess.run(
            [program, tmp_path / name], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout


def test_gitlabs_job_is_yaml() -> None:
    (text,) = re.findall(r"^```yaml gitlab\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert parsed(text)["plan"]["artifacts"]["paths"] == ["plan.html"]
