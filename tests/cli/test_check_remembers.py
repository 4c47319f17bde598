"""`check --remember`: a unit test that passed is not run again, as long as nothing about it is other."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from rulecompiler.cli import main
from tests.cli.conftest import TEMPLATE

REMEMBER = ["check", "--remember"]


class Watched:
    """A real promtool that leaves a note of each unit test file it is given."""

    def __init__(self, promtool: Path, folder: Path) -> None:
        folder.mkdir()
        self.path = folder / "promtool"
        self._notes = folder / "notes"
        self.path.write_text(
            f'#!/bin/sh\nif [ "$1" = test ]; then shift 2; for f; do echo "$f"; done >> "{self._notes}"; '
            f'set -- test rules "$@"; fi\nexec "{promtool}" "$@"\n'
        )
        self.path.chmod(0o755)

    def ran(self) -> int:
        """How many test files it got since this was last asked."""
        found = len(self._notes.read_text().splitlines()) if self._notes.exists() else 0
        self._notes.unlink(missing_ok=True)
        return found


@pytest.fixture
def promtool_watched(repo: Any, promtool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watched:
    watched = Watched(promtool, tmp_path / "bin")
    monkeypatch.setenv("PROMTOOL_PATH", str(watched.path))
    monkeypatch.setenv("PATH", os.defpath)  # for the shell
    monkeypatch.delenv("CI", raising=False)
    assert main(["compile"]) == 0
    assert main(REMEMBER) == 0
    assert watched.ran() == 1
    return watched


def test_what_passed_is_not_run_again(promtool_watched: Watched, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(REMEMBER) == 0
    assert promtool_watched.ran() == 0
    assert "1 unit test passed" in capsys.readouterr().out


def test_without_it_everything_is_run(promtool_watched: Watched) -> None:
    assert main(["check"]) == 0
    assert promtool_watched.ran() == 1


def test_a_template_in_front_of_it_makes_no_difference(repo: Any, promtool_watched: Watched) -> None:
    repo.put("alerts/templates/Ahead.yaml", TEMPLATE.replace("NodeDown", "Ahead"))
    assert main(REMEMBER) == 0
    assert promtool_watched.ran() == 1
    (repo.root / "alerts/templates/Ahead.yaml").unlink()
    assert main(REMEMBER) == 0
    assert promtool_watched.ran() == 0


def test_ci_trusts_no_record(promtool_watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    assert main(REMEMBER) == 0
    assert promtool_watched.ran() == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("default: 5m", "default: 4m30s"),
        ("exp_alerts: []", "exp_alerts: [ ]\n      - {eval_time: 3m, alertname: NodeDown, exp_alerts: []}"),
        ("values: '0x10'", "values: '0x11'"),
        ("== 0", "< 1"),
    ],
)
def test_what_changed_is_run(repo: Any, promtool_watched: Watched, old: str, new: str) -> None:
    assert old in TEMPLATE
    repo.put("alerts/templates/NodeDown.yaml", TEMPLATE.replace(old, new))
    assert main(["compile"]) == 0
    assert main(REMEMBER) == 0
    assert promtool_watched.ran() == 1


def test_a_failure_is_never_remembered(
    repo: Any, promtool_watched: Watched, capsys: pytest.CaptureFixture[str]
) -> None:
    repo.put("alerts/templates/NodeDown.yaml", TEMPLATE.replace("eval_time: 4m", "eval_time: 8m"))
    for _ in range(3):
        capsys.readouterr()
        assert main(REMEMBER) == 1
        assert promtool_watched.ran() == 1
        assert "RC620" in "".join(capsys.readouterr())
    repo.put("alerts/templates/NodeDown.yaml", TEMPLATE)
    assert main(REMEMBER) == 0
    assert promtool_watched.ran() == 1


def test_another_promtool_may_judge_otherwise(
    promtool: Path, promtool_watched: Watched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Watched(promtool, tmp_path / "other")
    monkeypatch.setenv("PROMTOOL_PATH", str(other.path))
    assert main(REMEMBER) == 0
    assert other.ran() == 1


@pytest.mark.parametrize("junk", ["", "{}", "[]", '{"promtool": 1, "passed": 2}', "\0", "[" * 100_000])
def test_a_damaged_record_costs_time_only(repo: Any, promtool_watched: Watched, junk: str) -> None:
    record = repo.root / ".rulecompiler/unit-tests.json"
    assert record.exists()
    record.write_text(junk)
    assert main(REMEMBER) == 0
    assert promtool_watched.ran() == 1
    assert main(REMEMBER) == 0
    assert promtool_watched.ran() == 0


def test_a_link_in_its_place_is_neither_read_nor_followed(
    repo: Any, promtool_watched: Watched, tmp_path: Path
) -> None:
    record = repo.root / ".rulecompiler/unit-tests.json"
    elsewhere = tmp_path / "elsewhere.json"
    record.rename(elsewhere)
    record.symlink_to(elsewhere)
    before = elsewhere.read_text()
    assert main(REMEMBER) == 0
    assert promtool_watched.ran() == 1
    assert elsewhere.read_text() == before
