"""What the workflows and the action run: their scripts, with a rulecompiler that notes what it is asked."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.pipeline.workflows import ACTION, DEPLOY, DRIFT, steps

RELEASE = "0123456789abcdef" * 4


class Ran(NamedTuple):
    code: int
    argv: list[list[str]]  # of each call of rulecompiler
    output: str
    summary: str
    outputs: dict[str, str]


FAKE = """\
#!/bin/sh
{ for argument; do printf '%s\\0' "$argument"; done; printf '\\n'; } >> "$CALLS"
cat "$FAKE_OUTPUT"
exit "${FAKE_CODE:-0}"
"""


def run(folder: Path, path: Path, name: str, prints: str = "", **env: str) -> Ran:
    """Run a step's script as the runner does, with a rulecompiler that only notes what it was asked."""
    (script,) = (step["run"] for step in steps(path) if step.get("name") == name)
    for program in (".venv/bin/rulecompiler", "temp/rulecompiler/bin/rulecompiler"):
        fake = folder / program
        fake.parent.mkdir(parents=True, exist_ok=True)
        fake.write_text(FAKE)
        fake.chmod(0o755)
    (folder / "fake-output").write_text(prints)
    files = {key: folder / key.lower() for key in ("CALLS", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    for file in files.values():
        file.touch()
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "RUNNER_TEMP": str(folder / "temp"),
            "FAKE_OUTPUT": str(folder / "fake-output"),
            **{key: str(file) for key, file in files.items()},
            **env,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    calls = files["CALLS"].read_text().split("\0\n")[:-1]
    pairs = (line.partition("=")[::2] for line in files["GITHUB_OUTPUT"].read_text().splitlines())
    return Ran(
        done.returncode,
        [call.split("\0") for call in calls],
        done.stdout + done.stderr,
        files["GITHUB_STEP_SUMMARY"].read_text(),
        dict(pairs),
    )


def test_bundle_hands_on_the_release_and_shows_it(tmp_path: Path) -> None:
    ran = run(tmp_path, DEPLOY, "Bundle", prints=f"8 files\n{RELEASE}\n")
    assert (ran.code, ran.argv) == (0, [["bundle", f"{tmp_path}/temp/bundle"]])
    assert ran.outputs == {"release": RELEASE}
    assert RELEASE in ran.summary


@pytest.mark.parametrize(("prints", "code"), [("no release\n", "0"), (f"{RELEASE}\n", "1")])
def test_bundle_that_failed_is_handed_to_nobody(tmp_path: Path, prints: str, code: str) -> None:
    ran = run(tmp_path, DEPLOY, "Bundle", prints=prints, FAKE_CODE=code)
    assert ran.code != 0
    assert ran.outputs == {}


ANSWERS: list[tuple[dict[str, str], list[str]]] = [
    ({"ACCEPT_ALERT_RESET": "", "ACCEPT_DRIFT": ""}, []),  # a push has no inputs
    ({"ACCEPT_ALERT_RESET": "false", "ACCEPT_DRIFT": "false"}, []),
    ({"ACCEPT_ALERT_RESET": "true", "ACCEPT_DRIFT": "false"}, ["--accept-alert-reset"]),
    ({"ACCEPT_ALERT_RESET": "false", "ACCEPT_DRIFT": "true"}, ["--accept-drift"]),
]
NO_ANSWERS = ANSWERS[0][0]


@pytest.mark.parametrize(("answers", "more"), ANSWERS)
def test_deploy_takes_the_artifact(tmp_path: Path, answers: dict[str, str], more: list[str]) -> None:
    ran = run(tmp_path, DEPLOY, "Deploy", **answers)
    assert ran.argv == [["deploy", "--from", f"{tmp_path}/temp/bundle", "--format", "github", *more]]


@pytest.mark.parametrize("code", ["2", "3", "4"])
def test_deploy_that_failed_fails_the_job(tmp_path: Path, code: str) -> None:
    assert run(tmp_path, DEPLOY, "Deploy", FAKE_CODE=code, **NO_ANSWERS).code == int(code)


@pytest.mark.parametrize(
    ("manifest", "tip", "said"),
    [
        (RELEASE, "rules", None),
        ("f" * 64, "rules", "which was checked"),
        (RELEASE, "newer rules", "main has other rules"),
    ],
    ids=["the same", "another artifact", "main is ahead"],
)
def test_what_was_not_checked_or_is_overtaken_is_not_deployed(
    tmp_path: Path, manifest: str, tip: str, said: str | None
) -> None:
    bundle, generated = tmp_path / "temp" / "bundle", tmp_path / "tip" / "generated"
    for folder, text in ((bundle, "rules"), (generated, tip)):
        folder.mkdir(parents=True)
        (folder / "group-a.yml").write_text(text)
    (bundle / "manifest.json").write_text(f'{{"release": "{manifest}"}}')
    ran = run(tmp_path, DEPLOY, "Is it what was checked, and what main says now?", RELEASE=RELEASE)
    assert (ran.code == 0) is (said is None), ran.output
    assert said is None or said in ran.output
    assert not (tmp_path / "tip").exists()


@pytest.mark.parametrize(("answers", "more"), ANSWERS)
@pytest.mark.parametrize(
    ("asked", "release"), [("previous", []), (RELEASE, [RELEASE]), (RELEASE[:6], [RELEASE[:6]])]
)
def test_rollback_passes_on_a_release(
    tmp_path: Path, asked: str, release: list[str], answers: dict[str, str], more: list[str]
) -> None:
    ran = run(tmp_path, DEPLOY, "Roll back", RELEASE=asked, **answers)
    assert ran.argv == [["rollback", "--format", "github", *more, *release]]


@pytest.mark.parametrize(
    "asked",
    ["", "main", RELEASE[:5], RELEASE + "0", f"{RELEASE}\n--help", "--help", "$(touch x)", "a; touch x"],
    ids=repr,
)
def test_rollback_refuses_what_is_no_release(tmp_path: Path, asked: str) -> None:
    ran = run(tmp_path, DEPLOY, "Roll back", RELEASE=asked, **NO_ANSWERS)
    assert (ran.code, ran.argv) == (1, [])
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("code", [0, 1, 2])
def test_drift_fails_on_what_it_finds(tmp_path: Path, code: int) -> None:
    ran = run(tmp_path, DRIFT, "Compare", FAKE_CODE=str(code))
    assert (ran.code, ran.argv) == (code, [["drift", "--format", "github"]])


@pytest.mark.parametrize(
    ("arguments", "argv"),
    [
        ("", []),
        ("--format\ngithub", ["--format", "github"]),
        ("--from\na folder\n\n", ["--from", "a folder"]),
        ("$(touch x); `touch x` * \\n", ["$(touch x); `touch x` * \\n"]),
    ],
    ids=repr,
)
def test_action_passes_each_line_as_one_argument(tmp_path: Path, arguments: str, argv: list[str]) -> None:
    ran = run(tmp_path, ACTION, "Run rulecompiler", prints="fine\n", COMMAND="check", ARGUMENTS=arguments)
    assert (ran.code, ran.argv) == (0, [["check", *argv]])
    assert Path(ran.outputs["stdout-file"]).read_text() == "fine\n"
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("may_fail", "code", "expected"),
    [("true", 1, 0), ("false", 1, 1), ("true", 2, 2), ("true", 3, 3), ("", 1, 1)],
)
def test_action_lets_a_command_find_something(
    tmp_path: Path, may_fail: str, code: int, expected: int
) -> None:
    env = {"COMMAND": "diff", "ARGUMENTS": "", "MAY_FAIL": may_fail, "FAKE_CODE": str(code)}
    assert run(tmp_path, ACTION, "Run rulecompiler", **env).code == expected


@pytest.mark.parametrize("code", ["0", "1"])
def test_action_shows_a_report_as_summary(tmp_path: Path, code: str) -> None:
    (tmp_path / "-plan.md").write_text("the plan\n")
    env = {"COMMAND": "diff", "ARGUMENTS": "", "MAY_FAIL": "true", "FAKE_CODE": code}
    assert run(tmp_path, ACTION, "Run rulecompiler", SUMMARY_FILE="-plan.md", **env).summary == "the plan\n"
    assert run(tmp_path, ACTION, "Run rulecompiler", SUMMARY_FILE="none.md", **env).code == 0


def test_action_cuts_a_summary_that_github_would_not_show(tmp_path: Path) -> None:
    (tmp_path / "plan.md").write_text("x" * 3_000_000)
    env = {"COMMAND": "diff", "ARGUMENTS": "", "SUMMARY_FILE": "plan.md"}
    assert len(run(tmp_path, ACTION, "Run rulecompiler", **env).summary) == 1_000_000


def test_action_fails_as_its_command_does(tmp_path: Path) -> None:
    assert run(tmp_path, ACTION, "Run rulecompiler", COMMAND="check", ARGUMENTS="", FAKE_CODE="3").code == 3
