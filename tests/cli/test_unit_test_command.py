"""`rulecompiler test`, with the real promtool."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rulecompiler.cli import main

Capture = pytest.CaptureFixture[str]


def test_runs_all_and_names_the_untested(repo: Any, real_promtool: Path, capsys: Capture) -> None:
    before = repo.state()
    assert main(["test"]) == 0
    out = capsys.readouterr().out
    assert "1 of 2 templates without unit tests: ServiceDown\n" in out
    assert "ok: 1 unit test of 2 templates passed" in out
    assert repo.state() == before


def test_runs_the_named_one(repo: Any, real_promtool: Path, capsys: Capture) -> None:
    assert main(["test", "NodeDown"]) == 0
    assert capsys.readouterr().out == "ok: 1 unit test of 1 template passed\n"


@pytest.mark.parametrize("name", ["NodeDwn", "", "../NodeDown"])
def test_an_unknown_name_is_wrong_usage(repo: Any, name: str, capsys: Capture) -> None:
    assert main(["test", name]) == 2
    assert "Usage: rulecompiler test" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("exp_alerts: []", "exp_alerts: [{exp_labels: {job: node, instance: a}}]"),  # it does not fire yet
        ("eval_time: 6m", "eval_time: 3m"),
        ("instance: a}", "instance: b}"),
        ("a is down", "b is down"),
        ("'0x10'", "'1x10'"),
    ],
)
def test_a_failing_test_is_told_at_its_line(
    repo: Any, old: str, new: str, real_promtool: Path, capsys: Capture
) -> None:
    file = repo.root / "alerts/templates/NodeDown.yaml"
    file.write_text(file.read_text().replace(old, new))
    assert main(["test", "--format", "json"]) == 1
    found = json.loads(capsys.readouterr().out)["diagnostics"]
    assert found
    for diagnostic in found:
        assert diagnostic["code"].startswith("RC62")
        assert diagnostic["path"] == "alerts/templates/NodeDown.yaml"
        assert diagnostic["line"] >= 8  # in its tests
        assert diagnostic["help"] or diagnostic["related"]


def test_a_template_that_cannot_be_read_is_told_instead(repo: Any, capsys: Capture) -> None:
    repo.put("alerts/templates/Broken.yaml", "alert: Broken\nexpr: up ==\n")
    assert main(["test"]) == 1
    out = capsys.readouterr().out
    assert "--> alerts/templates/Broken.yaml:2:" in out
    assert "passed" not in out


def test_without_promtool(repo: Any, capsys: Capture) -> None:
    assert main(["test"]) == 1
    assert "error[RC601]" in capsys.readouterr().out
