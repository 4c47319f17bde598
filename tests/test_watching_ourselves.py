"""The compiler's own metrics through a real node_exporter, and the alerts on them in a real Prometheus."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from rulecompiler.self_metrics import record_deploy, record_drift
from rulecompiler.settings import Settings
from tests.servers import NODES, exporter_with, prometheus_with, scrape

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = "alert: NodeDown\nexpr: up == 0\nlabels: {severity: critical}\n"


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """The committed rules that watch the compiler, with a minute of patience made 100 ms."""
    folder = tmp_path / "rules"
    folder.mkdir()
    text = (ROOT / "generated/group-rulecompiler.yml").read_text("utf-8")
    seconds = {"m": 0.1, "h": 6.0}
    impatient = re.sub(
        r"^( +for: )([0-9]+)([mh])$",
        lambda found: f"{found[1]}{int(int(found[2]) * seconds[found[3]] * 1000)}ms",
        text,
        flags=re.MULTILINE,
    )
    assert impatient.count("00ms\n") == text.count(" for: ") == 4
    (folder / "group-rulecompiler.yml").write_text(impatient, "utf-8")
    return folder


@pytest.fixture
def textfiles(tmp_path: Path) -> Path:
    folder = tmp_path / "textfiles"
    folder.mkdir()
    return folder


class Repo:
    """One template and one group, compiled by the command itself."""

    def __init__(self, root: Path, textfiles: Path) -> None:
        self._root = root
        (root / "alerts/templates").mkdir(parents=True)
        (root / "alerts/groups").mkdir()
        (root / "rulecompiler.yaml").write_text(f"metrics: {{textfile_directory: {textfiles}}}\n")
        (root / "alerts/groups/web.yaml").write_text("group: web\nrules: {NodeDown: {}}\n")

    def compile(self, template: str) -> int:
        (self._root / "alerts/templates/NodeDown.yaml").write_text(template)
        done = subprocess.run(
            [sys.executable, "-m", "rulecompiler", "compile"],
            cwd=self._root,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "PROMETHEUS_VALIDATE_RULES": "false"},
            capture_output=True,
            timeout=60,
        )
        return done.returncode


HOST = [{"instance": "ci-01:9100", "group_id": "grp-123"}]


def test_a_failing_compile_is_told_until_a_good_one(
    prometheus: Path, node_exporter: Path, rules: Path, textfiles: Path, tmp_path: Path
) -> None:
    repo = Repo(tmp_path / "repo", textfiles)
    failed = {
        "state": "firing",
        "labels": {
            "alertname": "AlertRuleGenerationFailed_Rulecompiler",
            "group": "rulecompiler",
            "group_id": "grp-123",
            "instance": "ci-01:9100",
            "job": NODES,
            "severity": "warning",
            "team": "sre",
        },
        "annotations": {
            "summary": "Alert rule generation failed on ci-01:9100",
            "description": "The last compile on ci-01:9100 found errors, so that no change to the alerts has "
            "an effect. `rulecompiler validate` shows them.",
            "runbook_url": "https://runbooks.example.com/AlertRuleGenerationFailed",
        },
    }
    with (
        exporter_with(node_exporter, textfiles, tmp_path / "exporter.log") as address,
        prometheus_with(prometheus, rules, tmp_path, [scrape(NODES, address, HOST)]) as server,
    ):

        def alerts() -> list[dict[str, Any]]:
            return [{key: a[key] for key in ("state", "labels", "annotations")} for a in server.alerts()]

        assert repo.compile(TEMPLATE) == 0
        server.settles(lambda: server.count("rulecompiler_compile_success == 1"), 1)
        assert alerts() == []

        assert repo.compile(TEMPLATE.replace("up == 0", "up ==")) == 1
        server.settles(alerts, [failed])
        assert server.count("rulecompiler_compile_errors_total == 1") == 1
        assert server.count('rulecompiler_rules{group="web"} == 1') == 1

        assert repo.compile(TEMPLATE) == 0
        server.settles(alerts, [])
        assert server.count("node_textfile_scrape_error == 0") == 1
        assert server.faults() == {}


def test_deploys_that_fail_are_late_or_undone_and_drift_are_told_by_their_target(
    prometheus: Path, node_exporter: Path, rules: Path, textfiles: Path, tmp_path: Path
) -> None:
    settings = Settings(metrics_directory=str(textfiles))

    def deploy(target: str, *, success: bool = True, rolled_back: bool = False, days_ago: int = 0) -> None:
        now = time.time() - days_ago * 86400
        told = record_deploy(
            settings, {}, target, success=success, release="a" * 64, rolled_back=rolled_back, now=now
        )
        assert told == ()

    for target in ("fine", "failed", "undone", "drifted"):
        deploy(target)
    deploy("late", days_ago=31)
    with (
        exporter_with(node_exporter, textfiles, tmp_path / "exporter.log") as address,
        prometheus_with(prometheus, rules, tmp_path, [scrape(NODES, address, HOST)]) as server,
    ):

        def firing() -> list[tuple[str, str]]:
            alerts = [alert for alert in server.alerts() if alert["state"] == "firing"]
            found = ((alert["labels"]["alertname"], alert["labels"]["target"]) for alert in alerts)
            return sorted((name.removesuffix("_Rulecompiler"), target) for name, target in found)

        server.settles(firing, [("AlertRuleDeployStale", "late")])

        deploy("failed", success=False)
        deploy("undone", success=False, rolled_back=True)
        deploy("late")
        assert record_drift(settings, {}, "drifted", drifted=True) == ()
        told = [
            ("AlertRuleDeployFailed", "failed"),
            ("AlertRuleDeployFailed", "undone"),
            ("AlertRuleDrift", "drifted"),
            ("AlertRuleRolledBack", "undone"),
        ]
        server.settles(firing, told)

        for target in ("failed", "undone", "drifted"):
            deploy(target)
        server.settles(firing, [("AlertRuleRolledBack", "undone")])  # is told for an hour
        assert server.faults() == {}
