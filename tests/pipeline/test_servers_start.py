"""The configurations that we ship, in the real programs that read them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.servers import serving

ROOT = Path(__file__).resolve().parents[2]
GENERATED = ROOT / "generated"
PROMETHEUS = ROOT / "deploy" / "prometheus" / "prometheus.yml"
ALERTMANAGER = ROOT / "deploy" / "alertmanager" / "alertmanager.yml"
RULES = "/etc/prometheus/rules/generated"


def kubernetes_config() -> str:
    manifest = (ROOT / "deploy" / "kubernetes" / "prometheus.yaml").read_text("utf-8")
    (config,) = (item for item in yaml.safe_load_all(manifest) if item["kind"] == "ConfigMap")
    return str(config["data"]["prometheus.yml"])


CONFIGS = {"compose": PROMETHEUS.read_text("utf-8"), "kubernetes": kubernetes_config()}


@pytest.fixture(params=CONFIGS)
def config(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A configuration, with its rules folder moved to a place that a test may write to."""
    text = CONFIGS[request.param]
    assert RULES in text
    path = tmp_path / "prometheus.yml"
    path.write_text(text.replace(RULES, str(tmp_path / "rules")))
    return path


def deploy(rules: Path) -> None:
    release = rules / "releases" / "first"
    shutil.copytree(GENERATED, release)
    (release / "manifest.json").write_text("{}")  # which the pattern must not find
    (rules / "current").symlink_to("releases/first")


def test_promtool_takes_the_configuration(config: Path, promtool: Path, tmp_path: Path) -> None:
    deploy(tmp_path / "rules")
    done = subprocess.run([promtool, "check", "config", config], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = re.findall(r"(\d+) rule files? found", done.stdout)
    assert found == [str(len(list(GENERATED.glob("*.yml"))))]


def test_prometheus_starts_with_no_rules_and_loads_what_is_deployed(
    config: Path, prometheus: Path, tmp_path: Path
) -> None:
    def command(address: str) -> list[str]:
        return [
            str(prometheus),
            f"--config.file={config}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address={address}",
            "--web.enable-lifecycle",
        ]

    def groups(client: httpx.Client) -> set[tuple[str, str]]:
        found = client.get("/api/v1/rules").json()["data"]["groups"]
        return {(Path(group["file"]).name, group["name"]) for group in found}

    expected = {
        (path.name, group["name"])
        for path in GENERATED.glob("*.yml")
        for group in yaml.safe_load(path.read_text("utf-8"))["groups"]
    }
    with (
        serving(command, "/-/ready", tmp_path / "log") as address,
        httpx.Client(base_url=f"http://{address}", trust_env=False, timeout=10) as client,
    ):
        assert groups(client) == set()
        deploy(tmp_path / "rules")
        assert client.post("/-/reload").status_code == 200
        assert groups(client) == expected


def test_alertmanager_starts_and_sends_critical_alerts_another_way(
    alertmanager: Path, tmp_path: Path
) -> None:
    def command(address: str) -> list[str]:
        return [
            str(alertmanager),
            f"--config.file={ALERTMANAGER}",
            f"--storage.path={tmp_path / 'data'}",
            f"--web.listen-address={address}",
            "--cluster.listen-address=",
        ]

    alerts = [
        {"labels": {"alertname": "A", "group_id": "g", "instance": name, "severity": severity}}
        for name, severity in (("one", "critical"), ("one", "warning"), ("two", "warning"))
    ]
    with (
        serving(command, "/-/ready", tmp_path / "log") as address,
        httpx.Client(base_url=f"http://{address}/api/v2", trust_env=False, timeout=10) as client,
    ):
        assert "receiver: quiet" in client.get("/status").json()["config"]["original"]
        posted = client.post(
            "/alerts", content=json.dumps(alerts), headers={"content-type": "application/json"}
        )
        assert posted.status_code == 200
        found: list[dict[str, Any]] = client.get("/alerts").json()
        assert sorted(
            (alert["labels"]["severity"], alert["labels"]["instance"], alert["receivers"][0]["name"])
            for alert in found
        ) == [("critical", "one", "urgent"), ("warning", "one", "quiet"), ("warning", "two", "quiet")]
