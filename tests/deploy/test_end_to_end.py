"""From an edit to an alert at Alertmanager, and back, with the commands as a user types them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from rulecompiler.deploy.release import MANIFEST, Release, manifest
from tests.deploy.checkout import ROOT, Checkout, codes
from tests.servers import PATIENCE, Server, page, prometheus_with, scrape, serving, within

ALERT = "HighDiskUsage_Development"
GROUP = "alerts/groups/grp-456.yaml"
FILE = "group-grp-456.yml"
TEMPLATES = ("node/NodeDown", "node/HighCPUUsage", "node/HighDiskUsage", "storage/MountPointUnavailable")
QUIET, LOUD = "threshold: 10", "threshold: 20"
# 15 % are left, between the two.
NODE = "".join(
    f'node_filesystem_{what}{{device="/dev/sda1",fstype="ext4",mountpoint="/"}} {value}\n'
    for what, value in (("avail_bytes", 15), ("size_bytes", 100), ("readonly", 0))
)
TARGETS = [{"instance": "dev-01:9100", "group_id": "grp-456"}]


class Desk(Checkout):
    """A part of this repo's rules with their waiting times shortened, to be deployed to one server."""

    def __init__(self, root: Path, promtool: Path, rules: Path) -> None:
        super().__init__(root, promtool)
        self.rules = rules
        for name in ("global", "servers", "grp-456"):
            self._shortened(f"alerts/groups/{name}.yaml")
        for name in (
            "node/NodeDown",
            "node/HighCPUUsage",
            "node/HighDiskUsage",
            "storage/MountPointUnavailable",
        ):
            self._shortened(f"alerts/templates/{name}.yaml")

    def serves(self, server: Server, **more: str) -> None:
        """From now on it deploys to this one."""
        waits = {"ready_timeout": "1s", "reload_timeout": "5s", "evaluation_wait": "10s"}
        settings = {"url": server.url, "path": str(self.rules), **waits, **more}
        self.put("rulecompiler.yaml", yaml.safe_dump({"deploy": settings}))
        self.compile_and_commit()

    def threshold(self, old: str, new: str) -> None:
        """What the whole promise is about: an edit that goes all the way."""
        self.edit(GROUP, old, new)
        self.compile_and_commit()

    def _shortened(self, path: str) -> None:
        """A copy, with a minute of patience made 100 ms."""
        content = yaml.safe_load((ROOT / path).read_text("utf-8"))
        for rule in content["rules"].values() if "group" in content else [content]:
            if rule.get("for"):
                assert rule["for"].endswith("m")
                rule["for"] = f"{int(rule['for'][:-1]) * 100}ms"
        self.put(path, yaml.safe_dump(content, sort_keys=False))


@contextmanager
def alertmanager_with(program: Path, folder: Path) -> Iterator[str]:
    config = folder / "alertmanager.yml"
    config.write_text(json.dumps({"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}))

    def command(address: str) -> list[str]:
        return [
            str(program),
            f"--config.file={config}",
            f"--storage.path={folder / 'notifications'}",
            f"--web.listen-address={address}",
            "--cluster.listen-address=",
        ]

    with serving(command, "/-/ready", folder / "alertmanager.log") as address:
        yield address


@pytest.fixture
def desk(promtool: Path, tmp_path: Path) -> Desk:
    return Desk(tmp_path / "repo", promtool, tmp_path / "rules")


@contextmanager
def server_of(
    desk: Desk, program: Path, folder: Path, scrapes: Sequence[dict[str, object]] = (), **options: Any
) -> Iterator[Server]:
    with prometheus_with(program, [f"{desk.rules}/current/*.yml"], folder, scrapes, **options) as server:
        desk.serves(server)
        yield server


@pytest.fixture
def server(desk: Desk, prometheus: Path, tmp_path: Path) -> Iterator[Server]:
    with server_of(desk, prometheus, tmp_path) as running:
        yield running


def limits(server: Server) -> set[str]:
    """Below how many per cent the alert in question fires, as the server says."""
    queries = [r["query"] for group in server.groups() for r in group["rules"] if r["name"] == ALERT]
    return {limit for query in queries for limit in re.findall("< ([0-9]+)", query)}


def firing(server: Server) -> list[tuple[str, str]]:
    """The alert in question where it fires, and since when."""
    return [
        (alert["labels"]["instance"], alert["activeAt"])
        for alert in server.alerts(ALERT)
        if alert["state"] == "firing"
    ]


def test_from_an_edit_to_alertmanager_and_back(
    desk: Desk, prometheus: Path, alertmanager: Path, tmp_path: Path
) -> None:
    with page(NODE) as node, alertmanager_with(alertmanager, tmp_path) as notified:
        told = {"alerting": {"alertmanagers": [{"static_configs": [{"targets": [notified]}]}]}}
        timing = {"global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "500ms"}}
        jobs = [scrape("node-exporter", node, TARGETS)]
        # After a reload it takes some seconds until Prometheus knows its Alertmanagers again; what fires
        # meanwhile is sent once more only later.
        often = ["--rules.alert.resend-delay=1s"]
        with server_of(desk, prometheus, tmp_path, jobs, extra_config=told | timing, flags=often) as server:

            def arrived() -> list[str]:
                alerts = httpx.get(f"http://{notified}/api/v2/alerts", trust_env=False).json()
                return [a["labels"]["instance"] for a in alerts if a["labels"]["alertname"] == ALERT]

            desk.out("deploy")
            assert within(PATIENCE, lambda: server.count("node_filesystem_avail_bytes") == 1)
            server.settles(lambda: (firing(server), arrived()), ([], []))

            desk.threshold(QUIET, LOUD)
            desk.out("deploy")
            assert within(PATIENCE, lambda: arrived() == ["dev-01:9100"])
            fires = firing(server)
            assert [instance for instance, _ in fires] == ["dev-01:9100"]

            _refuses_what_is_broken(desk)
            assert (firing(server), arrived()) == (fires, ["dev-01:9100"])

            desk.threshold(LOUD, QUIET)
            desk.out("deploy")
            assert within(PATIENCE, lambda: (server.alerts(ALERT), arrived()) == ([], []))


def _refuses_what_is_broken(desk: Desk) -> None:
    """Three ways to break a rule; each is told where it is broken, and changes nothing."""
    live = os.readlink(desk.rules / "current")
    desk.edit(GROUP, LOUD, "threshold: [20")
    desk.commit()
    out = desk.out("deploy", code=2)
    assert f"--> {GROUP}:" in out
    assert out.endswith("\nrefused: nothing was touched, what ran before still runs\n")
    desk.edit(GROUP, "threshold: [20", LOUD)

    desk.edit(f"generated/{FILE}", " < 20\n", " < 25\n")
    desk.commit()
    out = desk.out("deploy", code=2)
    assert f"error[RC706]: `generated/{FILE}` is not what alerts/ compiles to" in out
    assert "= help: run `rulecompiler compile` and commit the result\n" in out
    desk.compile_and_commit()

    folder = desk.root.parent / "bundle"
    desk.out("bundle", str(folder))
    files = {path.name: path.read_bytes() for path in folder.glob("*.yml")}
    files[FILE] = files[FILE].replace(b"< 20", b"<< 20")
    (folder / FILE).write_bytes(files[FILE])
    (folder / MANIFEST).write_bytes(manifest(Release(files)))
    out = desk.out("deploy", "--from", str(folder), code=2)
    assert f"error[RC874]: promtool refuses {FILE}: " in out
    assert os.readlink(desk.rules / "current") == live


def test_rollback_to_what_ran_before(desk: Desk, server: Server) -> None:
    first = desk.data("deploy")["targets"][0]["release"]
    assert "RC859" in desk.out("rollback", code=2)  # there is nothing before the first
    desk.threshold(QUIET, LOUD)
    second = desk.data("deploy")["targets"][0]
    assert (second["before"], second["changed"]) == (first, [FILE])
    assert limits(server) == {"20"}
    kept = desk.data("releases")["targets"]
    assert [(each["release"], each["live"]) for each in kept[0]["releases"]] == [
        (second["release"], True),
        (first, False),
    ]
    head = desk.git("rev-parse", "HEAD").strip()
    assert (kept[0]["name"], kept[0]["releases"][0]["commit"]) == ("prometheus", head)

    planned = desk.data("rollback", "--dry-run")
    assert (planned["dry_run"], planned["targets"][0]["status"]) == (True, "planned")
    assert limits(server) == {"20"}
    done = desk.data("rollback")
    assert done == {
        "exit_code": 0,
        "status": "live",
        "dry_run": False,
        "targets": [
            {
                "name": "prometheus",
                "status": "live",
                "release": first,
                "before": second["release"],
                "added": [],
                "changed": [FILE],
                "removed": [],
                "unchanged": second["unchanged"],
            }
        ],
        "diagnostics": [],
        "summary": {"errors": 0, "warnings": 0, "infos": 0},
    }
    assert limits(server) == {"10"}
    # The repo still says otherwise, as the next deploy does.
    out = desk.out("drift", code=1)
    assert "1 file not as in the repo" in out
    assert f"  ~ {FILE}\n" in out
    assert "RC859" in desk.out("rollback", "f00", code=2)
    assert f"→ {second['release'][:12]}, live\n" in desk.out("rollback", second["release"][:7])
    desk.out("drift")
    assert desk.out("deploy").endswith("live: exactly these rules ran already, nothing was touched\n")


def test_what_others_do_is_seen_and_undone(desk: Desk, server: Server) -> None:
    desk.out("deploy")
    file = desk.rules / "current" / FILE
    deployed = file.read_text("utf-8")

    def looks() -> tuple[int, int, list[object]]:
        done = desk.run("drift", "--format", "json")
        target = json.loads(done.stdout)["targets"][0]
        seen = [target[key] for key in ("drift", "edited", "running_matches_disk")]
        return done.returncode, desk.run("status").returncode, seen

    assert looks() == (0, 0, [False, [], True])
    file.write_text(deployed.replace("< 10", "< 20"), "utf-8")
    assert looks() == (1, 1, [True, [FILE], False])
    assert "RC856" in desk.out("reload", code=2)  # it would let run what nobody deployed
    assert "RC856" in desk.out("deploy", code=2)
    assert server.reload().status_code == 200
    assert looks() == (1, 1, [True, [FILE], True])
    assert "changed by hand since" in desk.out("status", code=1)

    file.write_text(deployed, "utf-8")
    assert looks() == (1, 1, [True, [], False])
    assert "RC857" in desk.out("deploy", code=2)
    assert desk.out("reload") == "prometheus: reloaded, and what was deployed runs\n"
    assert looks() == (0, 0, [False, [], True])

    file.write_text(deployed.replace("< 10", "< 20"), "utf-8")
    assert "live: exactly these rules run on prometheus\n" in desk.out("deploy", "--accept-drift")
    assert looks() == (0, 0, [False, [], True])
    assert len(desk.data("releases")["targets"][0]["releases"]) == 2  # the hand's edit is kept


def test_how_the_server_is(desk: Desk, server: Server) -> None:
    data = desk.data("status")  # nothing is deployed, and nothing runs
    assert (data["targets"][0]["release"], data["targets"][0]["rules"]) == (None, 0)
    release = desk.data("deploy")["targets"][0]["release"]
    data = desk.data("status")
    fields = {key: data[key] for key in ("status", "url", "ready", "healthy")}
    assert fields == {"status": "healthy", "url": server.url, "ready": True, "healthy": True}
    target = data["targets"][0]
    assert target["name"] == "prometheus"
    assert (target["version"], target["release"], target["in_sync"]) == ("2.42.0", release, True)
    assert (target["groups"], target["rules"]) == (
        len(server.groups()),
        sum(len(g["rules"]) for g in server.groups()),
    )
    assert target["errors"] == []
    text = desk.out("status")
    assert text.startswith(f"prometheus: healthy  {server.url}\n")
    assert f"release {release[:12]}, deployed 20" in text
    assert desk.data("reload") == {
        "status": "success",
        "message": "reloaded, and what was deployed runs",
        "targets": [
            {"name": "prometheus", "status": "success", "message": "reloaded, and what was deployed runs"}
        ],
    }

    server.stop()
    data = desk.data("status", code=1)
    fields = {key: data[key] for key in ("status", "url", "ready", "healthy")}
    assert fields == {"status": "unreachable", "url": server.url, "ready": False, "healthy": False}
    data = desk.data("drift", code=2)
    assert (data["drift"], data["targets"][0]["running_matches_disk"]) == (None, None)
    assert "RC812" in desk.out("drift", code=2)
    assert desk.data("reload", code=2)["status"] == "error"
    assert codes(desk.data("deploy", code=2)) == {"RC812"}
    desk.put(f"generated/{FILE}", (desk.root / f"generated/{FILE}").read_text().replace("< 10", "< 20"))
    assert "RC706" in desk.out("drift", code=2)


def test_an_interrupt_takes_back_what_was_begun(desk: Desk, prometheus: Path, tmp_path: Path) -> None:
    seldom = {"global": {"evaluation_interval": "1m"}}
    with server_of(desk, prometheus, tmp_path, extra_config=seldom) as server:
        # Of what is new, the first evaluation is waited for; somebody with less patience has done that.
        desk.serves(server, evaluation_wait="100ms")
        old = desk.data("deploy")["targets"][0]["release"]
        desk.serves(server, evaluation_wait="1m")
        desk.threshold(QUIET, LOUD)
        for number in (signal.SIGTERM, signal.SIGINT):
            command = desk.command("deploy", "--format", "json")
            with subprocess.Popen(
                command, cwd=desk.root, env=desk.environ, stdout=subprocess.PIPE, text=True
            ) as process:
                assert within(PATIENCE, lambda: limits(server) == {"20"}), number
                process.send_signal(number)
                said = json.loads(process.communicate(timeout=60)[0])
            assert process.returncode == said["exit_code"] == 3
            assert (said["status"], said["targets"][0]["status"]) == ("rolled back", "rolled back")
            assert codes(said) == {"RC870"}
            assert limits(server) == {"10"}
            assert os.readlink(desk.rules / "current") == f"releases/{old}"
            assert desk.data("status")["targets"][0]["in_sync"] is True
