"""What the workflows and the action may do, and that the commands which they run exist."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from rulecompiler.cli import cli
from tests.pipeline.workflows import (
    ACTION,
    CI,
    COMMENT,
    COMMENT_ACTION,
    DEPLOY,
    DRIFT,
    ROOT,
    WORKFLOWS,
    load,
    steps,
)


def by_name(paths: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", paths, ids=[path.name for path in paths])


# --- what they may do -----------------------------------------------------------


@by_name([*WORKFLOWS, ACTION])
def test_actions_are_pinned_to_a_commit_and_say_which_version_it_is(path: Path) -> None:
    uses = [line for line in path.read_text("utf-8").splitlines() if re.match(r"\s*(- )?uses:", line)]
    assert uses
    for line in uses:
        assert re.search(r"uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line


def test_an_action_has_the_same_pin_everywhere() -> None:
    pins: dict[str, set[str]] = {}
    for path in [*WORKFLOWS, ACTION]:
        for name, pin in re.findall(r"uses: (\S+)@(\S+ # \S+)", path.read_text("utf-8")):
            pins.setdefault(name, set()).add(pin)
    assert {name: len(found) for name, found in pins.items()} == dict.fromkeys(pins, 1)


@pytest.mark.parametrize(
    "path", [*WORKFLOWS, ACTION, COMMENT_ACTION], ids=lambda path: path.parent.name + path.name
)
def test_no_expression_is_pasted_into_a_script(path: Path) -> None:
    scripts = [step["run"] for step in steps(path) if "run" in step]
    assert scripts
    assert [script for script in scripts if "${{" in script] == []


MORE = {
    (CI, "code-scanning"): {"security-events": "write"},
    (COMMENT, "comment"): {"contents": "read", "actions": "read", "pull-requests": "write"},
}


@by_name(WORKFLOWS)
def test_a_workflow_may_read_the_repo_and_nothing_else_but_two_jobs(path: Path) -> None:
    content = load(path)
    assert content["permissions"] in ({}, {"contents": "read"})
    for name, job in content["jobs"].items():
        permissions = job.get("permissions", content["permissions"])
        assert permissions == MORE.get((path, name), {"contents": "read"}), name
        assert job["timeout-minutes"] <= 30, name
    for step in steps(path):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@by_name(WORKFLOWS)
def test_secrets_are_for_jobs_of_an_environment_and_their_last_step_alone(path: Path) -> None:
    for name, job in load(path)["jobs"].items():
        without = {key: value for key, value in job.items() if key != "steps"}
        assert "secrets." not in str(without), name
        for step in job["steps"]:
            if "secrets." in str(step):
                assert "environment" in job, name
                assert "secrets." not in str({key: value for key, value in step.items() if key != "env"})
                assert ".venv/bin/rulecompiler" in step["run"]


def test_a_strangers_pull_request_starts_nothing_that_can_reach_prometheus() -> None:
    for path in (DEPLOY, DRIFT):
        assert set(load(path)["on"]) <= {"push", "workflow_dispatch", "schedule"}
    assert load(DEPLOY)["on"]["push"]["branches"] == ["main"]


def test_deployments_wait_for_approval_and_for_each_other() -> None:
    jobs = load(DEPLOY)["jobs"]
    assert "environment" not in jobs["check"]
    for name in ("deploy", "rollback"):
        assert jobs[name]["environment"] == "production"
        assert jobs[name]["concurrency"] == {"group": "production", "cancel-in-progress": False}
        assert jobs[name]["runs-on"] == ["self-hosted", "prometheus"]
    assert jobs["deploy"]["needs"] == "check"
    assert "needs" not in jobs["rollback"]  # it must be possible when nothing compiles
    drift = load(DRIFT)["jobs"]["drift"]
    assert drift["environment"] != "production"  # or an approval would be due every hour
    assert drift["concurrency"]["group"] != "production"


def test_every_folder_that_makes_a_release_starts_a_deployment() -> None:
    paths = load(DEPLOY)["on"]["push"]["paths"]
    assert {"alerts/**", "generated/**", "rulecompiler.yaml"} <= set(paths)
    for path in paths:
        assert (ROOT / path.removesuffix("/**")).exists(), path


# --- what they run ----------------------------------------------------------------


def test_commands_and_options_exist() -> None:
    """So that a command that is renamed is not missed in a file that nobody runs here."""
    used: set[str] = set()
    for script in [step.get("run", "") for path in [*WORKFLOWS, ACTION] for step in steps(path)]:
        names = set(re.findall(r"\.venv/bin/rulecompiler (\w+)", script))
        commands = {name: cli.get_command(click.Context(cli), name) for name in names}
        known = {
            text
            for command in commands.values()
            if command
            for param in command.params
            for text in param.opts
        }
        assert None not in commands.values(), commands
        assert not names or set(re.findall(r"(?<=[( ])--[a-z-]+", script)) <= known, script
        used |= names
    assert used >= {"check", "diff", "bundle", "deploy", "rollback", "releases", "drift"}


def test_actionlint_agrees() -> None:
    program = shutil.which("actionlint")
    if program is None:
        pytest.skip("no actionlint on PATH: PyPI has only a downloader of it")
    done = subprocess.run([program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
