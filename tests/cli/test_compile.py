from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rulecompiler import workspace
from rulecompiler.cli import main

SRC = Path(__file__).resolve().parents[2] / "src"
Capture = pytest.CaptureFixture[str]


def test_writes_and_says_what_changed(repo: Any, capsys: Capture) -> None:
    assert main(["compile"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert sorted(repo.generated()) == ["group-dev.yml", "group-prod.yml"]
    assert "generated/group-dev.yml" in out
    assert re.search(r"^2 groups, 3 rules: 2 files added in \d+\.\d\d s$", out, re.MULTILINE)


def test_says_so_when_nothing_changed(repo: Any, capsys: Capture) -> None:
    main(["compile"])
    before = repo.state()
    capsys.readouterr()
    for _ in range(2):
        assert main(["compile"]) == 0
        assert re.fullmatch(r"2 groups, 3 rules: nothing changed in \d+\.\d\d s\n", capsys.readouterr().out)
    assert repo.state() == before


def test_shows_one_changed_threshold_as_a_diff(repo: Any, capsys: Capture) -> None:
    main(["compile"])
    capsys.readouterr()
    repo.put("alerts/groups/dev.yaml", "group: dev\nrules: {NodeDown: {params: {wait: 15m}}}\n")
    assert main(["compile"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^-\s+for: 10m$", out, re.MULTILINE)
    assert re.search(r"^\+\s+for: 15m$", out, re.MULTILINE)
    assert "group-prod" not in out
    assert "1 file changed" in out


def test_shows_and_counts_a_removed_file(repo: Any, capsys: Capture) -> None:
    main(["compile"])
    capsys.readouterr()
    (repo.root / "alerts/groups/dev.yaml").unlink()
    assert main(["compile"]) == 0
    out = capsys.readouterr().out
    assert "1 file removed" in out
    assert "generated/group-dev.yml" in out
    assert sorted(repo.generated()) == ["group-prod.yml"]


def test_a_dry_run_shows_the_same_and_writes_nothing(repo: Any, capsys: Capture) -> None:
    before = repo.state()
    assert main(["compile", "--dry-run"]) == 0
    dry = capsys.readouterr().out
    assert repo.state() == before
    assert not (repo.root / ".rulecompiler").exists()
    assert main(["compile"]) == 0
    wet = capsys.readouterr().out
    assert dry.splitlines()[:-1] == wet.splitlines()[:-1]
    assert "would" in dry.splitlines()[-1]


def test_a_dry_run_does_not_wait_for_another_compile(repo: Any) -> None:
    from rulecompiler.state_folder import locked

    with locked(repo.root):
        assert main(["compile", "-n"]) == 0


def test_writes_one_group_only(repo: Any, capsys: Capture) -> None:
    assert main(["compile", "--group", "dev"]) == 0
    assert sorted(repo.generated()) == ["group-dev.yml"]
    out = capsys.readouterr().out
    assert "1 file added" in out
    assert "1 other file out of date: group-prod.yml; compile without --group" in out
    assert main(["compile", "--group", "dev", "--group", "prod"]) == 0
    assert sorted(repo.generated()) == ["group-dev.yml", "group-prod.yml"]


def test_an_unknown_group_is_the_users_fault(repo: Any, capsys: Capture) -> None:
    assert main(["compile", "--group", "pro"]) == 1
    out = capsys.readouterr().out
    assert "error[RC711]: there is no group `pro`" in out
    assert "did you mean `prod`?" in out
    assert repo.generated() == {}


def test_a_fault_in_one_group_changes_no_other(repo: Any, capsys: Capture) -> None:
    main(["compile"])
    repo.put("alerts/templates/ServiceDown.yaml", "alert: ServiceDown\ncategory: x\nexpr: up == 1\n")
    repo.put("alerts/groups/dev.yaml", "group: dev\nrules: {NodeDown: {params: {wait: soon}}}\n")
    before = repo.state()
    capsys.readouterr()
    assert main(["compile"]) == 1
    out = capsys.readouterr().out
    assert "alerts/groups/dev.yaml:2:35" in out
    assert out.endswith("Nothing was written.\n")
    assert repo.state() == before


def test_a_warning_is_shown_and_stops_nothing(repo: Any, capsys: Capture) -> None:
    repo.put("alerts/templates/ServiceDown.yaml", "alert: ServiceDown\ncategory: x\nexpr: up == 1\n")
    for _ in range(2):  # the second time it is remembered
        assert main(["compile"]) == 0
        assert "warning[RC341]" in capsys.readouterr().out


def test_json_has_the_replaced_servers_fields(repo: Any, capsys: Capture) -> None:
    assert main(["compile", "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert re.fullmatch(r"\d+\.\d{3}s", data.pop("duration"))
    assert data == {
        "groups_affected": 2,
        "files_generated": 2,
        "rules": 3,
        "files_changed": ["generated/group-dev.yml", "generated/group-prod.yml"],
        "files_out_of_date": [],
        "errors": [],
        "warnings": [],
    }
    assert main(["compile", "--format", "json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert (again["groups_affected"], again["files_generated"], again["files_changed"]) == (0, 2, [])


def test_json_has_errors_and_exit_code(repo: Any, capsys: Capture) -> None:
    repo.put("alerts/groups/dev.yaml", "group: dev\nrules: {NodeDwn: {}}\n")
    assert main(["compile", "--format", "json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert data["errors"] == ["RC301: there is no template `NodeDwn`"]
    assert (data["files_generated"], data["files_changed"]) == (0, [])


@pytest.mark.parametrize(
    "args",
    [
        ["--jobs", "-1"],
        ["--jobs", "two"],
        ["--format", "sarif"],
        ["--format", "xml"],
        ["--grp", "a"],
        ["extra"],
    ],
)
def test_wrong_usage(repo: Any, args: list[str], capsys: Capture) -> None:
    assert main(["compile", *args]) == 2
    assert "Usage: rulecompiler compile" in capsys.readouterr().err
    assert repo.generated() == {}


def test_works_from_below_and_from_elsewhere(repo: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repo.root / "alerts/groups")
    assert main(["compile"]) == 0
    first = repo.generated()
    monkeypatch.chdir("/")
    assert main(["-C", str(repo.root), "compile"]) == 0
    assert repo.generated() == first
    assert Path.cwd() == Path("/")


def test_promtool_has_the_last_word_where_it_is_asked(
    repo: Any, real_promtool: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    stub = repo.put(
        "promtool", '#!/bin/sh\nprintf "Checking %s\\n  FAILED:\\n%s: broken\\n\\n" "$4" "$4"; exit 1\n'
    )
    stub.chmod(0o755)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("PROMTOOL_PATH", str(stub))
    assert main(["compile", "--validate"]) == 1
    assert "Nothing was written." in capsys.readouterr().out
    assert repo.generated() == {}
    assert main(["compile", "--no-validate"]) == 0
    monkeypatch.setenv("PROMTOOL_PATH", str(real_promtool.resolve()))
    repo.put("alerts/groups/new.yaml", "group: new\nrules: {NodeDown: {}}\n")
    assert main(["compile", "--validate"]) == 0
    assert "group-new.yml" in repo.generated()


def test_without_promtool_nothing_is_written_where_it_is_wanted(
    repo: Any, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("PROMETHEUS_VALIDATE_RULES", "true")
    assert main(["compile"]) == 1
    assert "error[RC601]: promtool was not found" in capsys.readouterr().out
    assert repo.generated() == {}


def test_a_full_disk_is_told_once_and_exactly(
    repo: Any, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    real = os.open

    def fail(path: Any, flags: int, *args: Any, **more: Any) -> int:
        if str(path).endswith(".tmp"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(path, flags, *args, **more)

    monkeypatch.setattr(os, "open", fail)
    assert main(["compile"]) == 1
    out = capsys.readouterr().out
    assert out.lower().count("nothing was written") == 1
    assert "No space left on device" in out
    assert repo.generated() == {}


def test_a_folder_that_is_gone(
    repo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert main(["compile"]) == 2
    assert "does not exist any more" in capsys.readouterr().err
    assert main(["-C", str(repo.root), "compile"]) == 0


def test_a_repo_that_cannot_be_locked(repo: Any, capsys: Capture) -> None:
    repo.put(".rulecompiler", "a file\n")
    assert main(["compile"]) == 1
    assert "error[RC710]" in capsys.readouterr().out
    assert repo.generated() == {}


def test_a_bug_is_exit_code_3_and_changes_nothing(
    repo: Any, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise RuntimeError("wires crossed")

    monkeypatch.setattr(workspace, "compile_repo", crash)
    monkeypatch.setenv("RULECOMPILER_TRACEBACK", "1")
    assert main(["compile"]) == 3
    err = capsys.readouterr().err
    assert "internal error: RuntimeError: wires crossed" in err
    assert repo.generated() == {}


def test_an_interrupt_is_exit_code_130_and_leaves_nothing_half_done(
    repo: Any, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    assert main(["compile"]) == 130
    assert capsys.readouterr().err == "rulecompiler: interrupted\n"
    assert repo.generated() == {}


def test_as_a_process_of_its_own(repo: Any) -> None:
    env = {**os.environ, "PYTHONPATH": str(SRC), "PYTHONWARNINGS": "error"}
    command = [sys.executable, "-m", "rulecompiler", "compile"]
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 files added" in done.stdout
    assert "\x1b" not in done.stdout
    repo.put("alerts/groups/dev.yaml", "group: dev\nrules: [NodeDown]\n")
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=60)
    assert (done.returncode, done.stderr) == (1, "")
    assert "--> alerts/groups/dev.yaml:2:8" in done.stdout


def test_an_interrupted_process_ends_by_the_right_code(repo: Any) -> None:
    # The interrupt comes while it waits for the lock, so that it hits the same place every time.
    from rulecompiler.state_folder import locked

    env = {**os.environ, "PYTHONPATH": str(SRC)}
    with locked(repo.root):
        process = subprocess.Popen(
            [sys.executable, "-X", "importtime", "-m", "rulecompiler", "compile"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=env,
        )
        assert process.stderr is not None
        for line in process.stderr:  # until the last that is imported before the wait
            if line.rstrip().endswith("fcntl"):
                break
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert (out, err.splitlines()[-1]) == ("", "rulecompiler: interrupted")
    assert repo.generated() == {}
