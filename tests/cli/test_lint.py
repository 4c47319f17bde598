from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rulecompiler.cli import main

Capture = pytest.CaptureFixture[str]

GOOD = """\
alert: Busy
expr: rate(x_total[5m]) > 1
labels: {severity: warning}
annotations: {summary: busy, runbook_url: "https://runbooks.example.com/Busy"}
tests:
  - input_series: [{series: x_total, values: 0+600x20}]
    alert_rule_test: [{eval_time: 15m, exp_alerts: [{}]}]
"""
NEVER = GOOD.replace("rate(x_total[5m])", "x_total{a='1'} / sum(x_total)")


@pytest.fixture
def alone(repo: Any) -> Any:
    """One template and one group."""
    for path in (repo.root / "alerts").rglob("*.yaml"):
        path.unlink()
    repo.put("alerts/groups/web.yaml", "group: web\nrules: {Busy: {}}\n")
    repo.put("alerts/templates/Busy.yaml", GOOD)
    return repo


def test_says_where_it_found_nothing(alone: Any, capsys: Capture) -> None:
    before = alone.state()
    assert main(["lint"]) == 0
    assert capsys.readouterr().out == "ok: nothing found in 1 group, 1 template\n"
    assert alone.state() == before


@pytest.mark.parametrize("fmt", ["text", "json", "github", "sarif"])
def test_only_an_error_fails(alone: Any, fmt: str, capsys: Capture) -> None:
    alone.put("alerts/templates/Busy.yaml", GOOD.replace("summary: busy, ", ""))
    assert main(["lint", "--format", fmt]) == 0
    assert "RC418" in capsys.readouterr().out
    alone.put("alerts/templates/Busy.yaml", NEVER)
    assert main(["lint", "--format", fmt]) == 1
    assert "RC411" in capsys.readouterr().out


def test_points_at_the_template(alone: Any, capsys: Capture) -> None:
    alone.put("alerts/templates/Busy.yaml", GOOD.replace("rate(x_total[5m])", "x_total"))
    assert main(["lint", "--format", "json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["diagnostics"]
    assert (found["code"], found["path"], found["line"], found["column"]) == (
        "RC406",
        "alerts/templates/Busy.yaml",
        2,
        7,
    )


def test_settings_and_comments_are_heard(alone: Any, capsys: Capture) -> None:
    alone.put("alerts/templates/Busy.yaml", GOOD.replace("rate(x_total[5m])", "x_total"))
    settings = alone.root / "rulecompiler.yaml"
    before = settings.read_text() if settings.exists() else ""
    settings.write_text(before + "lint: {checks: {RC406: {severity: error}}}\n")
    assert main(["lint"]) == 1
    settings.write_text(before + "lint: {checks: {RC406: {severity: 'off'}}}\n")
    assert main(["lint"]) == 1
    assert "RC452" in capsys.readouterr().out
    settings.write_text(before + "lint: {checks: {RC406: {severity: 'off', reason: why}}}\n")
    assert main(["lint"]) == 0
    settings.write_text(before + "lint: {checks: {XX: {severity: error}}}\n")
    assert main(["lint"]) == 1
    settings.write_text(before)
    comment = "# rulecompiler: disable=RC406 reason=why\n"
    alone.put("alerts/templates/Busy.yaml", comment + GOOD.replace("rate(x_total[5m])", "x_total"))
    capsys.readouterr()
    assert main(["lint"]) == 0
    assert capsys.readouterr().out.startswith("ok: ")
    alone.put("alerts/templates/Busy.yaml", comment + GOOD)
    assert main(["lint"]) == 0
    assert "RC451" in capsys.readouterr().out


def test_a_repo_that_cannot_be_read_is_not_judged(alone: Any, capsys: Capture) -> None:
    alone.put("alerts/groups/web.yaml", "group: web\nruls: {Busy: {}}\n")
    assert main(["lint"]) == 1
    out = capsys.readouterr().out
    assert "RC201" in out
    assert out.endswith("Nothing was linted: correct these first.\n")


def test_check_shows_warnings_and_counts_infos(alone: Any, real_promtool: Path, capsys: Capture) -> None:
    assert main(["compile", "--no-validate"]) == 0
    capsys.readouterr()
    assert main(["check"]) == 0
    assert "lint" not in capsys.readouterr().out
    text = GOOD.replace("rate(x_total[5m])", "x_total").replace("summary: busy, ", "")
    alone.put("alerts/templates/Busy.yaml", text)
    assert main(["compile", "--no-validate"]) == 0
    capsys.readouterr()
    assert main(["check"]) == 0
    out = capsys.readouterr().out
    assert "warning[RC406]" in out
    assert "RC418" not in out
    assert "1 note not shown: `rulecompiler lint`\n" in out
    alone.put("alerts/templates/Busy.yaml", NEVER)
    assert main(["compile", "--no-validate"]) == 0
    assert main(["check"]) == 1
    assert "error[RC411]" in capsys.readouterr().out


def test_groups_without_targets(alone: Any, capsys: Capture) -> None:
    alone.put("alerts/groups/db.yaml", "group: db\nrules: {Busy: {}}\n")
    alone.put("alerts/groups/idle.yaml", "group: idle\nrules: {Busy: {enabled: false}}\n")
    targets = alone.root / "targets.json"
    targets.write_text('[{"targets": ["a:9100"], "labels": {"group_id": "web"}}]')
    assert main(["lint", "--format", "json", "--targets", str(targets)]) == 0
    (found,) = json.loads(capsys.readouterr().out)["diagnostics"]
    assert (found["code"], found["path"]) == ("RC437", "alerts/groups/db.yaml")
    comment = "# rulecompiler: disable=RC437 reason=not built yet\n"
    alone.put("alerts/groups/db.yaml", comment + "group: db\nrules: {Busy: {}}\n")
    assert main(["lint", "--targets", str(targets)]) == 0
    assert main(["lint"]) == 0  # without targets nobody knows whether the comment is of use
    out = capsys.readouterr().out
    assert "RC437" not in out
    assert "RC451" not in out


@pytest.mark.parametrize("text", ["", "{}", "[]", "[1]"])
def test_targets_that_cannot_be_read(alone: Any, text: str, capsys: Capture) -> None:
    targets = alone.root / "targets.json"
    targets.write_text(text)
    assert main(["lint", "--targets", str(targets)]) == 1
    assert "RC74" in capsys.readouterr().out
    assert main(["lint", "--targets", str(alone.root / "none.json")]) == 1
    assert "RC744" in capsys.readouterr().out
