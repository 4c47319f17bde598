from __future__ import annotations

import json
import re
from typing import Any

import pytest

from rulecompiler.cli import main

Capture = pytest.CaptureFixture[str]


def test_json_has_the_replaced_servers_fields(checked: Any, capsys: Capture) -> None:
    capsys.readouterr()
    assert main(["list", "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["total"] == 2
    for file in data["files"]:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", file.pop("modified_at"))
    sizes = {name: len(text.encode()) for name, text in checked.generated().items()}
    assert data["files"] == [
        {
            "group_id": "dev",
            "file_name": "group-dev.yml",
            "rule_count": 1,
            "size_bytes": sizes["group-dev.yml"],
        },
        {
            "group_id": "prod",
            "file_name": "group-prod.yml",
            "rule_count": 2,
            "size_bytes": sizes["group-prod.yml"],
        },
    ]


def test_text_has_a_line_a_file_and_a_sum(checked: Any, capsys: Capture) -> None:
    capsys.readouterr()
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] for line in lines[:2]] == [
        ["group-dev.yml", "1", "rule"],
        ["group-prod.yml", "2", "rules"],
    ]
    assert lines[2] == "2 files, 3 rules"


def test_rules_are_not_counted_by_what_only_looks_like_one(checked: Any, capsys: Capture) -> None:
    checked.put(
        "alerts/templates/ServiceDown.yaml",
        "alert: ServiceDown\ncategory: x\nexpr: |\n  up\n  # x\n    == 0\nlabels: {severity: info}\n"
        'annotations: {summary: "s\\n  - alert: X\\n- alert: Y"}\n',
    )
    assert main(["compile", "--no-validate"]) == 0
    capsys.readouterr()
    assert main(["list", "--format", "json"]) == 0
    assert [f["rule_count"] for f in json.loads(capsys.readouterr().out)["files"]] == [1, 2]


def test_nothing_yet(repo: Any, capsys: Capture) -> None:
    assert main(["list"]) == 0
    assert capsys.readouterr().out == "0 files, 0 rules\n"
    assert main(["list", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"files": [], "total": 0}


def test_a_foreign_file_is_an_error(checked: Any, capsys: Capture) -> None:
    checked.put("generated/mine.yml", "groups: []\n")
    assert main(["list"]) == 1
    assert "error[RC703]" in capsys.readouterr().out
    assert main(["list", "--format", "json"]) == 1
    assert json.loads(capsys.readouterr().out)["errors"] == [
        "RC703: `generated/mine.yml` was not written by the compiler"
    ]


def test_a_file_that_goes_while_it_is_listed_is_left_out(
    checked: Any, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    from rulecompiler import output

    real = output.read

    def race(root: Any, folder: str, name: str) -> str | None:
        (root / folder / "group-dev.yml").unlink(missing_ok=True)
        return real(root, folder, name)

    monkeypatch.setattr(output, "read", race)
    capsys.readouterr()
    assert main(["list", "--format", "json"]) == 0
    assert [f["group_id"] for f in json.loads(capsys.readouterr().out)["files"]] == ["prod"]


def test_wrong_usage(checked: Any) -> None:
    assert main(["list", "--format", "sarif"]) == 2
