"""Real programs that serve HTTP on the loopback: Prometheus as the tests want it, node_exporter, a page."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

# What the scrape job of the nodes' exporter is called, in NodeDown's default.
NODES = "node-exporter"

# Seconds until something is given up that takes a few at most; five of them pass before Prometheus
# scrapes for the first time.
PATIENCE = 30


def within(seconds: float, true: Callable[[], bool]) -> bool:
    """Poll until it is true, or the time is up."""
    deadline = time.monotonic() + seconds
    while not (answer := true()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return answer


def free_address() -> str:
    """An address of the loopback that nobody serves at; until it is taken, somebody else may take it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


class Program:
    """A program that serves at an address of the loopback; it can die, and come back at the same address."""

    def __init__(self, command: list[str], ready: Callable[[], bool], log: Path) -> None:
        self._command = command
        self._ready = ready
        self.log = log  # what it has printed since it was last started
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> bool:
        """Start it and wait until it is ready; False if it ended instead, or never is."""
        with self.log.open("wb") as output:
            process = subprocess.Popen(self._command, stdout=output, stderr=subprocess.STDOUT)
        self.process = process

        def settled() -> bool:
            return self._ready() or process.poll() is not None

        return within(PATIENCE, settled) and process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, and wait for nothing."""
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        """End it as a service manager does, by force where it does not obey. Stopping twice is fine."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()


@contextmanager
def serving(
    command: Callable[[str], list[str]], ready: str | Callable[[str], bool], log: Path
) -> Iterator[str]:
    """Run a program that serves HTTP at a free address of the loopback; give that, end it afterwards."""
    with started(command, ready, log) as (address, _):
        yield address


@contextmanager
def started(
    command: Callable[[str], list[str]], ready: str | Callable[[str], bool], log: Path
) -> Iterator[tuple[str, Program]]:
    """The same, with the program itself. `ready` is a path that answers 200, or tells it of an address."""
    for _ in range(3):  # between finding a free port and taking it, somebody else may
        address = free_address()
        program = Program(command(address), _readiness(ready, address), log)
        try:
            if program.start():
                yield address, program
                return
        finally:
            program.stop()
        if "address already in use" not in log.read_text("utf-8", errors="replace"):
            break
    pytest.fail(f"{command('')[0]} does not serve:\n{log.read_text('utf-8', errors='replace')[-2000:]}")


def _readiness(ready: str | Callable[[str], bool], address: str) -> Callable[[], bool]:
    if isinstance(ready, str):
        url = f"http://{address}{ready}"
        return lambda: _answers(lambda: httpx.get(url, trust_env=False))
    return lambda: ready(address)


def _answers(ask: Callable[[], httpx.Response]) -> bool:
    try:
        return ask().status_code == 200
    except httpx.TransportError:
        return False


class Server:
    """A running Prometheus, and what it says of its rules."""

    def __init__(self, url: str, client: httpx.Client, program: Program) -> None:
        self.url = url  # with its scheme and path prefix
        self._client = client
        self._program = program

    @property
    def address(self) -> str:
        return httpx.URL(self.url).netloc.decode()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._program.process is not None
        return self._program.process

    @property
    def log(self) -> str:
        """What it has printed since it was last started."""
        return self._program.log.read_text("utf-8", errors="replace")

    def signal(self, number: signal.Signals) -> None:
        self._program.signal(number)

    def kill(self) -> None:
        """SIGKILL: it has no time to say or write anything."""
        self._program.kill()

    def stop(self) -> None:
        self._program.stop()

    def restart(self) -> bool:
        """Start it again at the same address, on the same data and configuration; whether it gets ready."""
        self._program.stop()
        return self._program.start()

    def get(self, path: str, **params: str) -> httpx.Response:
        """GET a path below the server's prefix, such as `/metrics`."""
        return self._client.get(f"{self.url}{path}", params=params)

    def reload(self) -> httpx.Response:
        return self._client.post(f"{self.url}/-/reload")

    def ask(self, path: str, **params: str) -> Any:
        """The data of an answer of the API; an error of Prometheus' fails the test in its own words."""
        answer = self.get(f"/api/v1/{path}", **params).json()
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


@contextmanager
def prometheus_with(
    program: Path,
    rules: Path | Sequence[str],
    folder: Path,
    scrapes: Iterable[Mapping[str, object]] = (),
    *,
    flags: Sequence[str] = (),
    lifecycle: bool = True,
    prefix: str = "",
    web_config: Mapping[str, object] | None = None,
    client: httpx.Client | None = None,
    extra_config: Mapping[str, object] | None = None,
) -> Iterator[Server]:
    """Run Prometheus on rule files; it scrapes, and evaluates, every second.

    `rules` is a folder, whose `*.yml` are loaded, or the patterns of `rule_files` themselves. `folder`
    takes its configuration (prometheus.yml), data and log. `prefix` is a `--web.route-prefix` such as
    `/prom`. `web_config` is the content of a `--web.config.file`; with a `tls_server_config` in it, `client`
    must trust the certificate, and with users it must be one of them. `extra_config` is put into
    prometheus.yml beside the rest. The caller closes `client`.
    """
    patterns = [f"{rules}/*.yml"] if isinstance(rules, Path) else list(rules)
    every_second = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    config = {"global": every_second, "rule_files": patterns, "scrape_configs": list(scrapes)}
    config_file = folder / "prometheus.yml"
    config_file.write_text(json.dumps(config | dict(extra_config or {})))  # JSON is YAML
    options = [f"--config.file={config_file}", f"--storage.tsdb.path={folder / 'data'}", *flags]
    if lifecycle:
        options.append("--web.enable-lifecycle")
    if prefix:
        options.append(f"--web.route-prefix={prefix}")
    if web_config is not None:
        web_file = folder / "web.yml"
        web_file.write_text(json.dumps(web_config))
        options.append(f"--web.config.file={web_file}")
    scheme = "https" if web_config and "tls_server_config" in web_config else "http"

    with httpx.Client(trust_env=False, timeout=10) as own:
        asks = client or own

        def ready(address: str) -> bool:
            return _answers(lambda: asks.get(f"{scheme}://{address}{prefix}/-/ready"))

        def command(address: str) -> list[str]:
            return [str(program), *options, f"--web.listen-address={address}"]

        with started(command, ready, folder / "prometheus.log") as (address, process):
            yield Server(f"{scheme}://{address}{prefix}", asks, process)


def scrape(job: str, address: str, targets: Iterable[Mapping[str, str]]) -> dict[str, object]:
    """A scrape job; all targets are one address, told apart by their labels."""
    configs = [{"targets": [address], "labels": labels} for labels in targets]
    # A series that names its own job and instance keeps them.
    return {"job_name": job, "honor_labels": True, "static_configs": configs}


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
