from __future__ import annotations

import json
from typing import Any

import pytest

from rulecompiler.cli import main

Capture = pytest.CaptureFixture[str]


def test_needs_neither_promtool_nor_generated(repo: Any, capsys: Capture) -> None:
    before = repo.state()
    assert main(["validate"]) == 0
    assert capsys.readouterr().out.startswith("ok: 2 groups, 3 rules in ")
    assert repo.state() == before
    assert not (repo.root / ".rulecompiler").exists()


def test_finds_every_fault_in_one_run(repo: Any, capsys: Capture) -> None:
    repo.put("alerts/groups/dev.yaml", "group: dev\nrules: {NodeDwn: {}}\n")
    repo.put("alerts/groups/more.yaml", "group: other\nruls: {}\n")
    repo.put("alerts/templates/Broken.yaml", "alert: Broken\nexpr: [up\n")
    assert main(["validate", "--format", "json"]) == 1
    found = json.loads(capsys.readouterr().out)["diagnostics"]
    assert [(d["path"], d["line"], d["code"]) for d in found] == [
        ("alerts/groups/dev.yaml", 2, "RC301"),
        ("alerts/groups/more.yaml", 2, "RC201"),
        ("alerts/templates/Broken.yaml", 2, "RC111"),
    ]


@pytest.mark.parametrize("fmt", ["text", "json", "github", "sarif"])
def test_every_format_ends_in_the_right_code(repo: Any, fmt: str, capsys: Capture) -> None:
    assert main(["validate", "--format", fmt]) == 0
    repo.put("alerts/groups/dev.yaml", "group: dev\nrules: {NodeDwn: {}}\n")
    assert main(["validate", "--format", fmt]) == 1
    assert "RC301" in capsys.readouterr().out


def test_wrong_usage(repo: Any) -> None:
    assert main(["validate", "--jobs", "2"]) == 2
