from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from rulecompiler.cli import main

Capture = pytest.CaptureFixture[str]
BROKEN = "group: dev\nrules: {NodeDown: {params: {wait: soon}}, Nobody: {}}\n"


@pytest.fixture
def folder(repo: Any, tmp_path: Path) -> Path:
    """Of a textfile collector, which the repo's settings name."""
    made = tmp_path / "textfiles"
    made.mkdir()
    repo.put("rulecompiler.yaml", f"metrics: {{textfile_directory: {made}}}\n")
    return made


def values(folder: Path) -> dict[str, float]:
    lines = (folder / "rulecompiler_compile.prom").read_text().splitlines()
    return {line.split()[0]: float(line.split()[1]) for line in lines if not line.startswith("#")}


def outcome(folder: Path) -> tuple[float, float]:
    found = values(folder)
    return found["rulecompiler_compile_errors_total"], found["rulecompiler_compile_success"]


def test_good_and_failing_compiles_are_recorded(repo: Any, folder: Path) -> None:
    assert main(["compile"]) == 0
    assert outcome(folder) == (0, 1)
    assert values(folder)['rulecompiler_rules{group="prod"}'] == 2
    assert values(folder)['rulecompiler_rules{group="dev"}'] == 1
    first = values(folder)["rulecompiler_compile_timestamp_seconds"]

    good = repo.put("alerts/groups/dev.yaml", "group: dev\nrules: {NodeDown: {}}\n").read_text()
    repo.put("alerts/groups/dev.yaml", BROKEN)
    for errors in (2, 4):
        assert main(["compile"]) == 1
        assert outcome(folder) == (errors, 0)
        assert values(folder)['rulecompiler_rules{group="dev"}'] == 1

    repo.put("alerts/groups/dev.yaml", good)
    for _ in range(2):  # nothing to compile is a success as well
        assert main(["compile"]) == 0
        assert outcome(folder) == (4, 1)
    assert values(folder)["rulecompiler_compile_timestamp_seconds"] > first


def test_a_dry_run_is_not_recorded(repo: Any, folder: Path) -> None:
    assert main(["compile", "--dry-run"]) == 0
    repo.put("alerts/groups/dev.yaml", BROKEN)
    assert main(["compile", "--dry-run"]) == 1
    assert list(folder.iterdir()) == []


def test_files_that_cannot_be_written_are_a_failed_compile(
    repo: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rulecompiler import workspace
    from rulecompiler.diagnostics import Diagnostic

    monkeypatch.setattr(workspace, "write", lambda _: Diagnostic("RC705", "disk full"))
    assert main(["compile"]) == 1
    assert outcome(folder) == (1, 0)


def test_settings_that_cannot_be_read_any_more_are_seen_failing(repo: Any, folder: Path) -> None:
    assert main(["compile"]) == 0
    repo.put("rulecompiler.yaml", "metrics: {textfile_directory\n")
    assert main(["compile"]) == 1
    assert outcome(folder)[1] == 0


@pytest.mark.parametrize("text", ["alert_names: plain\n", None])
def test_settings_that_say_it_no_more_are_obeyed(repo: Any, folder: Path, text: str | None) -> None:
    assert main(["compile"]) == 0
    before = values(folder)
    if text is None:
        (repo.root / "rulecompiler.yaml").unlink()
    else:
        repo.put("rulecompiler.yaml", text)
    repo.put("alerts/groups/dev.yaml", BROKEN)
    assert main(["compile"]) == 1
    repo.put("alerts/groups/dev.yaml", "group: dev\nrules: {NodeDown: {}}\n")
    assert main(["compile"]) == 0
    assert values(folder) == before


def test_metrics_that_cannot_be_written_fail_nothing(repo: Any, folder: Path, capsys: Capture) -> None:
    folder.rmdir()
    assert main(["compile"]) == 0
    out = capsys.readouterr().out
    assert "warning[RC890]: the metrics of this run could not be written: No such file or directory" in out
    assert sorted(repo.generated()) == ["group-dev.yml", "group-prod.yml"]

    assert main(["compile", "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["errors"] == []
    assert [warning[:5] for warning in data["warnings"]] == ["RC890"]


def test_the_environment_is_enough(repo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RULECOMPILER_TEXTFILE_DIRECTORY", str(tmp_path))
    assert main(["compile"]) == 0
    assert outcome(tmp_path) == (0, 1)


def test_a_push_url_that_is_none_is_an_error_at_its_line(repo: Any, capsys: Capture) -> None:
    repo.put("rulecompiler.yaml", "metrics:\n  push_url: https://user:hunter2@gateway\n")
    assert main(["compile"]) == 1
    out = capsys.readouterr().out
    assert "error[RC892]: the URL in `push_url` holds credentials" in out
    assert "rulecompiler.yaml:2:13" in out
    assert "RULECOMPILER_PUSH_URL" in out
    assert "hunter2" not in out


def test_who_wants_no_metrics_pays_nothing_for_them(repo: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rulecompiler.self_metrics", None)
    assert main(["compile"]) == 0
