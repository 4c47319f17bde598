"""What is compiled, in a real Prometheus: it loads, it evaluates, its alerts fire from a real exporter."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.servers import NODES, exporter_with, page, prometheus_with, scrape

ROOT = Path(__file__).resolve().parent.parent
GENERATED = ROOT / "generated"


@pytest.fixture(params=["prometheus", "prometheus_3"])
def program(request: pytest.FixtureRequest) -> Path:
    """The server that the settings ask for, and a newer one."""
    found: Path = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory, promtool: Path) -> Path:
    """This repo's rules compiled once more, evaluated every second, and a minute of patience made 100 ms.

    Not all made equal: a rule that a group changes in nothing but `for` is a rule of its own only as long as
    the two differ.
    """
    root = tmp_path_factory.mktemp("impatient")
    shutil.copytree(ROOT / "alerts", root / "alerts")
    shutil.copy(ROOT / "rulecompiler.yaml", root)
    for path in (root / "alerts").rglob("*.yaml"):
        content = yaml.safe_load(path.read_text("utf-8"))
        rules = content["rules"].values() if "group" in content else [content]
        for rule in rules:
            if rule.get("for"):  # null, which takes the template's value back, stays
                number, unit = int(rule["for"][:-1]), rule["for"][-1]
                rule["for"] = f"{number * {'m': 100, 'h': 6000}[unit]}ms"
        if "interval" in content:
            content["interval"] = "1s"
        path.write_text(yaml.safe_dump(content, sort_keys=False), "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "rulecompiler", "compile"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "PROMTOOL_PATH": str(promtool)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return root / "generated"


def written(folder: Path) -> dict[tuple[str, str], list[object]]:
    """What is known of each rule, in order, by file and Prometheus group; as the files say it."""
    return {
        (path.name, group["name"]): [
            (
                "alerting" if "alert" in rule else "recording",
                rule.get("alert") or rule["record"],
                rule.get("labels", {}),
                rule.get("annotations", {}),
            )
            for rule in group["rules"]
        ]
        for path in folder.iterdir()
        for group in yaml.safe_load(path.read_text("utf-8"))["groups"]
    }


def running(groups: list[dict[str, Any]]) -> dict[tuple[str, str], list[object]]:
    """The same, as Prometheus says it."""
    return {
        (Path(group["file"]).name, group["name"]): [
            (rule["type"], rule["name"], rule.get("labels", {}), rule.get("annotations", {}))
            for rule in group["rules"]
        ]
        for group in groups
    }


def test_every_committed_rule_is_loaded_and_can_be_evaluated(program: Path, tmp_path: Path) -> None:
    expected = written(GENERATED)
    assert expected
    with prometheus_with(program, GENERATED, tmp_path) as server:
        assert running(server.groups()) == expected
        # A group may wait its own interval long for its first evaluation; asking waits for nothing.
        for group in server.groups():
            for rule in group["rules"]:
                server.ask("query", query=rule["query"])


def test_the_rules_tried_below_are_those_committed_but_for_their_waiting_times(impatient: Path) -> None:
    def timeless(folder: Path) -> dict[str, list[str]]:
        waiting = re.compile(r" +(for|interval): ")
        return {
            path.name: [line for line in path.read_text("utf-8").splitlines() if not waiting.match(line)]
            for path in folder.iterdir()
        }

    assert timeless(impatient) == timeless(GENERATED)


def test_every_rule_is_evaluated_over_the_series_that_it_was_written_for(
    program: Path, impatient: Path, tmp_path: Path
) -> None:
    """Without data nothing is matched, and nothing can match many-to-many."""
    series = {
        entry["series"]
        for path in (ROOT / "alerts/templates").rglob("*.yaml")
        for test in yaml.safe_load(path.read_text("utf-8"))["tests"]
        for entry in test["input_series"]
    }
    text = "".join(f"{name} 1\n" for name in sorted(series))
    groups = {path.stem.removeprefix("group-") for path in GENERATED.iterdir()} | {"staging-a"}
    # All of it from two replicas: where a query forgets that there may be several, the labels collide.
    targets = [{"group_id": group, "replica": replica} for group in sorted(groups) for replica in "ab"]
    with (
        page(text) as address,
        prometheus_with(program, impatient, tmp_path, [scrape("page", address, targets)]) as server,
    ):
        server.settles(lambda: server.count('up{job="page"} == 1'), len(targets))
        # An idle time that stands still is a busy CPU: seen once the rates have their two samples.
        server.settles(lambda: server.alerts("HighCPUUsage_Production") != [], True)
        assert server.faults() == {}
        # Of whatever else fires on such data: a Go template that fails says so in the text it leaves.
        texts = [
            text for alert in server.alerts() for text in (alert["labels"] | alert["annotations"]).values()
        ]
        assert [text for text in texts if "<error" in text or "<no value>" in text] == []


def report_mounts(folder: Path, states: Mapping[str, int]) -> None:
    """Write what the mount check writes, in one step as it should: the exporter reads at any moment."""
    fresh = folder / "mounts.new"
    fresh.write_text("".join(f'mount_status{{path="{path}"}} {state}\n' for path, state in states.items()))
    fresh.replace(folder / "mounts.prom")


def test_unavailable_mount_point_fires_for_its_group_alone_and_resolves(
    prometheus: Path, node_exporter: Path, impatient: Path, tmp_path: Path
) -> None:
    # ml-training does not count on /home, and grp-456 (development) has the alert off.
    report_mounts(tmp_path, {"/mnt/models": 0, "/data": 1, "/home": 0})
    targets = [
        {"instance": "gpu-01:9100", "group_id": "ml-training"},
        {"instance": "dev-01:9100", "group_id": "grp-456"},
    ]
    fired = {
        "state": "firing",
        "labels": {
            "alertname": "MountPointUnavailable_MlTraining",
            "group": "ml-training",
            "group_id": "ml-training",
            "instance": "gpu-01:9100",
            "job": NODES,
            "path": "/mnt/models",
            "severity": "critical",
            "team": "ml-platform",
        },
        "annotations": {
            "summary": "Mount point /mnt/models unavailable on gpu-01:9100",
            "description": "/mnt/models is not mounted on gpu-01:9100.",
            "runbook_url": "https://runbooks.example.com/MountPointUnavailable",
        },
    }
    with (
        exporter_with(node_exporter, tmp_path, tmp_path / "exporter.log") as address,
        prometheus_with(prometheus, impatient, tmp_path, [scrape(NODES, address, targets)]) as server,
    ):

        def unavailable() -> list[dict[str, Any]]:
            alerts = server.alerts("MountPointUnavailable")
            return [{key: alert[key] for key in ("state", "labels", "annotations")} for alert in alerts]

        server.settles(unavailable, [fired])
        # The exporter really reports the path for both: it is the rules that tell them apart.
        seen = server.ask("query", query='mount_status{path="/mnt/models"} == 0')["result"]
        assert {sample["metric"]["group_id"] for sample in seen} == {"ml-training", "grp-456"}

        report_mounts(tmp_path, {"/mnt/models": 1, "/data": 1, "/home": 0})
        server.settles(unavailable, [])
        # The real metrics of a node went through the other rules meanwhile.
        for metric in ("node_cpu_seconds_total", "node_filesystem_avail_bytes"):
            assert server.count(metric), metric
        assert server.faults() == {}


# Each target by its instance: its group_id, and the one rule that watches over it.
WATCHED = {
    "gpu-01": ("ml-training", "NodeDown_MlTraining"),
    "gpu-02": ("gpu-cluster-a", "NodeDown_GpuClusterA"),
    "web-01": ("grp-123", "NodeDown_Production"),
    "rehearsal-01": ("staging-a", "NodeDown_Staging"),
    "chat-01": ("nova-platform", "NodeDown_NovaPlatform"),
    "dev-01": ("grp-456", "NodeDown_Global"),  # has no NodeDown of its own
    "rehearsal-02": ("staging", "NodeDown_Global"),  # staging's scope is staging-.+
    "new-01": ("", "NodeDown_Global"),  # nobody has sorted it into a group yet
    "kube-01": ("plue-platform", None),  # has it off
}


def test_dead_node_is_reported_exactly_once(
    prometheus: Path, node_exporter: Path, impatient: Path, tmp_path: Path
) -> None:
    # An empty label is no label: the target of no group has no group_id at all.
    targets = [{"instance": instance, "group_id": group} for instance, (group, _) in WATCHED.items()]
    expected = sorted((instance, alert, "firing") for instance, (_, alert) in WATCHED.items() if alert)
    with ExitStack() as exporter:
        address = exporter.enter_context(exporter_with(node_exporter, tmp_path, tmp_path / "exporter.log"))
        with prometheus_with(prometheus, impatient, tmp_path, [scrape(NODES, address, targets)]) as server:

            def down() -> list[tuple[str, str, str]]:
                alerts = server.alerts("NodeDown")
                return sorted(
                    (alert["labels"]["instance"], alert["labels"]["alertname"], alert["state"])
                    for alert in alerts
                )

            server.settles(lambda: server.count("up == 1"), len(WATCHED))
            server.settles(down, [])

            exporter.close()
            server.settles(down, expected)
