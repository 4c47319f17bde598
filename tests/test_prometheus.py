"""What is compiled, in a real Prometheus: it loads, it evaluates, its alerts fire from a real exporter."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
GENERATED = ROOT / "generated"

# What the scrape job of the nodes' exporter is called, in NodeDown's default.
NODES = "node-exporter"

# Seconds until something is given up that takes a few at most; five of them pass before Prometheus
# scrapes for the first time.
PATIENCE = 30


class Server:
    """A running Prometheus, and what it says of its rules."""

    def __init__(self, url: str, client: httpx.Client) -> None:
        self._url = url
        self._client = client

    def ask(self, path: str, **params: str) -> Any:
        """The data of an answer of the API; an error of Prometheus' fails the test in its own words."""
        answer = self._client.get(f"{self._url}/api/v1/{path}", params=params).json()
        assert answer["status"] == "success", f"{path} {params}: {answer['error']}"
        return answer["data"]

    def groups(self) -> list[dict[str, Any]]:
        groups: list[dict[str, Any]] = self.ask("rules")["groups"]
        return groups

    def faults(self) -> dict[str, str]:
        """The rules that are not evaluated as they should, with what Prometheus says of them."""
        return {
            f"{group['name']}/{rule['name']}": rule.get("lastError") or rule["health"]
            for group in self.groups()
            for rule in group["rules"]
            if rule["health"] != "ok"
        }

    def count(self, query: str) -> int:
        """How many series a query finds now."""
        return len(self.ask("query", query=query)["result"])

    def alerts(self, prefix: str = "") -> list[dict[str, Any]]:
        """The active alerts, pending and firing, whose names start so."""
        alerts = self.ask("alerts")["alerts"]
        return [alert for alert in alerts if alert["labels"]["alertname"].startswith(prefix)]

    def wait_for_evaluation(self) -> None:
        """Wait until each group was evaluated from start to end once more."""
        asked = datetime.now(UTC)
        late = {"all of them"}

        def evaluated() -> bool:
            late.clear()
            late.update(
                group["name"]
                for group in self.groups()
                if datetime.fromisoformat(group["lastEvaluation"]) <= asked
            )
            return not late

        assert within(PATIENCE, evaluated), f"not evaluated: {sorted(late)}"

    def settles(self, look: Callable[[], object], expected: object) -> None:
        """What `look` sees becomes `expected`, and still is after every rule had another say."""
        within(PATIENCE, lambda: look() == expected)
        self.wait_for_evaluation()
        assert look() == expected


def within(seconds: float, true: Callable[[], bool]) -> bool:
    """Poll until it is true, or the time is up."""
    deadline = time.monotonic() + seconds
    while not (answer := true()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return answer


@contextmanager
def serving(command: Callable[[str], list[str]], ready: str, log: Path) -> Iterator[str]:
    """Run a program that serves HTTP at a free address of the loopback; give that, end it afterwards."""
    for _ in range(3):  # between finding a free port and taking it, somebody else may
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{probe.getsockname()[1]}"
        with log.open("wb") as output:
            process = subprocess.Popen(command(address), stdout=output, stderr=subprocess.STDOUT)
        try:
            if _answers(process, f"http://{address}{ready}"):
                yield address
                return
        finally:
            _end(process)
        if "address already in use" not in log.read_text():
            break
    pytest.fail(f"{command('')[0]} does not serve:\n{log.read_text()[-2000:]}")


def _answers(process: subprocess.Popen[bytes], url: str) -> bool:
    def settled() -> bool:
        try:
            ready = httpx.get(url, trust_env=False).status_code == 200
        except httpx.TransportError:
            ready = False
        return ready or process.poll() is not None

    return within(PATIENCE, settled) and process.poll() is None


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def prometheus_with(
    program: Path, rules: Path, folder: Path, scrapes: Iterable[Mapping[str, object]] = ()
) -> Iterator[Server]:
    """Run Prometheus on the rule files in a folder; it scrapes, and evaluates, every second."""
    every_second = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    config = {"global": every_second, "rule_files": [f"{rules}/*.yml"], "scrape_configs": list(scrapes)}
    (folder / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML

    def command(address: str) -> list[str]:
        return [
            str(program),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={address}",
        ]

    with (
        serving(command, "/-/ready", folder / "prometheus.log") as address,
        httpx.Client(trust_env=False, timeout=10) as client,
    ):
        yield Server(f"http://{address}", client)


def scrape(job: str, address: str, targets: Iterable[Mapping[str, str]]) -> dict[str, object]:
    """A scrape job; all targets are one address, told apart by their labels."""
    configs = [{"targets": [address], "labels": labels} for labels in targets]
    # A series that names its own job and instance keeps them.
    return {"job_name": job, "honor_labels": True, "static_configs": configs}


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


@contextmanager
def page(text: str) -> Iterator[str]:
    """Serve one page of metrics from this process; give its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.1,))
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


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


@contextmanager
def exporter_with(program: Path, textfiles: Path, log: Path) -> Iterator[str]:
    """Run node_exporter with what the rules of a node read; give its address."""

    def command(address: str) -> list[str]:
        return [
            str(program),
            f"--web.listen-address={address}",
            "--collector.disable-defaults",
            "--collector.cpu",
            "--collector.filesystem",
            "--collector.filesystem.mount-points-exclude=^/.+",  # a hanging network mount is not our business
            "--collector.textfile",
            f"--collector.textfile.directory={textfiles}",
        ]

    with serving(command, "/metrics", log) as address:
        yield address


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
