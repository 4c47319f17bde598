"""What came of a reload: on real Prometheus servers, and on hosts that refuse, die, hang or are none."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from rulecompiler.deploy.reloading import Reloaded, barrier, reload
from rulecompiler.deploy.server import Server
from rulecompiler.deploy.settings import Credentials
from rulecompiler.diagnostics import Diagnostic
from tests.deploy.hostile import Conversation, Host, Script, answer, by_path, host, says
from tests.servers import free_address, prometheus_with, within

GOOD = "groups: [{name: g, rules: [{alert: A, expr: vector(1)}]}]"
BAD = "groups: [{name: g, rules: [{alert: A, expr: 'sum('}]}]"
OK = answer(200)
REFUSED = answer(
    500, "failed to reload config: one or more errors occurred while applying the new configuration"
)
OFF = answer(403, "Lifecycle API is not enabled.")
TOKEN = "t0ken-nobody-may-see"


def metrics(successful: int, timestamp: float) -> bytes:
    return answer(
        200,
        f"prometheus_config_last_reload_successful {successful}\n"
        f"prometheus_config_last_reload_success_timestamp_seconds {timestamp}\n",
    )


@pytest.fixture(params=["prometheus", "prometheus_3"])
def program(request: pytest.FixtureRequest) -> Path:
    found: Path = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "a.yml").write_text(GOOD)
    return folder


def fault(found: Reloaded) -> Diagnostic:
    assert found.fault is not None
    return found.fault


def told(found: Reloaded) -> str:
    return f"{fault(found).message}\n{fault(found).help}"


def names(server: Server) -> list[str]:
    groups = server.groups()
    assert isinstance(groups, tuple)
    return sorted(group.name for group in groups)


# --- the real thing ---------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["", "/prom"])
def test_done_rejected_done(program: Path, rules: Path, tmp_path: Path, prefix: str) -> None:
    with prometheus_with(program, rules, tmp_path, prefix=prefix) as real, Server(real.url) as server:
        (rules / "b.yml").write_text(GOOD.replace("name: g", "name: h"))
        assert reload(server, 30) == ("done", None)
        assert names(server) == ["g", "h"]

        (rules / "b.yml").write_text(BAD)
        refused = reload(server, 30)
        assert (refused.kind, fault(refused).code) == ("rejected", "RC821")
        assert names(server) == ["g", "h"]
        # What the help tells to look for is there.
        assert "Error reloading config" in real.log or "loading groups failed" in real.log

        (rules / "b.yml").unlink()
        assert barrier(server, 30) == ("done", None)
        assert names(server) == ["g"]


def test_lifecycle_api_off(program: Path, rules: Path, tmp_path: Path) -> None:
    with prometheus_with(program, rules, tmp_path, lifecycle=False) as real, Server(real.url) as server:
        found = reload(server, 30, sleep=no_sleep)
        assert (found.kind, fault(found).code) == ("impossible", "RC820")
        assert "--web.enable-lifecycle" in told(found)


def test_sighup_where_the_lifecycle_api_is_off(program: Path, rules: Path, tmp_path: Path) -> None:
    with prometheus_with(program, rules, tmp_path, lifecycle=False) as real, Server(real.url) as server:
        pid_file = tmp_path / "prometheus.pid"
        pid_file.write_text(f"{real.process.pid}\n")
        (rules / "b.yml").write_text(GOOD.replace("name: g", "name: h"))
        assert reload(server, 30, str(pid_file)) == ("done", None)
        assert names(server) == ["g", "h"]

        (rules / "b.yml").write_text(BAD)
        refused = reload(server, 30, str(pid_file))
        assert (refused.kind, fault(refused).code) == ("rejected", "RC821")
        assert names(server) == ["g", "h"]

        # A failure after a failure leaves no trace.
        again = reload(server, 1, str(pid_file))
        assert (again.kind, fault(again).code) == ("unknown", "RC822")

        (rules / "b.yml").unlink()
        assert reload(server, 30, str(pid_file)) == ("done", None)
        assert names(server) == ["g"]


def test_a_wrong_prefix_is_said(program: Path, rules: Path, tmp_path: Path) -> None:
    with (
        prometheus_with(program, rules, tmp_path, prefix="/prom") as real,
        Server(f"http://{real.address}") as server,
    ):
        found = reload(server, 30, sleep=no_sleep)
        assert (found.kind, fault(found).code) == ("impossible", "RC818")
        assert f"write `url` (or PROMETHEUS_URL) as {real.url}" in told(found)


def test_a_server_that_is_stopped_may_still_reload_and_the_barrier_tells(
    prometheus: Path, rules: Path, tmp_path: Path
) -> None:
    with prometheus_with(prometheus, rules, tmp_path) as real, Server(real.url) as server:
        real.signal(signal.SIGSTOP)
        try:
            (rules / "b.yml").write_text(GOOD.replace("name: g", "name: h"))
            found = reload(server, 0.3, sleep=no_sleep)
            assert (found.kind, fault(found).code) == ("unknown", "RC822")
            assert "within 0.3 s" in fault(found).message
        finally:
            real.signal(signal.SIGCONT)
        assert barrier(server, 30) == ("done", None)
        assert names(server) == ["g", "h"]


def test_a_pipe_among_the_rule_files_makes_the_end_unknown(
    program: Path, rules: Path, tmp_path: Path
) -> None:
    pipe = rules / "pipe.yml"
    with prometheus_with(program, rules, tmp_path) as real, Server(real.url) as server:
        os.mkfifo(pipe)
        found = reload(server, 0.5, sleep=no_sleep)
        assert (found.kind, fault(found).code) == ("unknown", "RC822")
        assert barrier(server, 0.5).kind == "unknown"
        # Whoever writes to it lets the server go on: nobody else would, not even SIGTERM.
        pipe.rename(rules / "pipe")
        with (rules / "pipe").open("w") as stream:
            stream.write(GOOD.replace("name: g", "name: piped"))
        assert barrier(server, 30).kind in ("done", "rejected")


def test_a_server_killed_amid_its_reload(prometheus: Path, rules: Path, tmp_path: Path) -> None:
    with prometheus_with(prometheus, rules, tmp_path) as real, Server(real.url) as server:
        os.mkfifo(rules / "pipe.yml")  # so that it is at it for as long as that takes
        killer = threading.Timer(0.5, real.kill)
        killer.start()
        found = reload(server, 30, sleep=no_sleep)
        killer.join()
        assert (found.kind, fault(found).code) == ("unknown", "RC822")
        (rules / "pipe.yml").unlink()
        found = reload(server, 30, sleep=lambda seconds: None)
        assert (found.kind, fault(found).code) == ("impossible", "RC812")
        assert real.restart()
        assert reload(server, 30) == ("done", None)


# --- hosts that refuse ----------------------------------------------------------------------


def no_sleep(seconds: float) -> None:
    raise AssertionError(f"a retry after {seconds} s that cannot help")


@pytest.mark.parametrize(
    ("said", "kind", "code", "words"),
    [
        (OK, "done", "", ""),
        (answer(200, "Reload OK", {"Content-Type": "text/plain"}), "done", "", ""),
        (answer(200, "<html>Log in</html>"), "impossible", "RC818", "web page"),
        (answer(202), "unknown", "RC822", "202"),
        (answer(302, headers={"Location": "https://sso.example.com/"}), "impossible", "RC818", "sso.example"),
        (answer(308, headers={"Location": "/-/reload/"}), "impossible", "RC818", "/-/reload/"),
        (answer(400, "Client sent an HTTP request to an HTTPS server.\n"), "impossible", "RC816", "https://"),
        (answer(400, "what?"), "impossible", "RC818", "what?"),
        (answer(401), "impossible", "RC817", "PROMETHEUS_TOKEN_FILE"),
        (OFF, "impossible", "RC820", "--web.enable-lifecycle"),
        (answer(403, "Forbidden by policy"), "impossible", "RC817", "by policy"),
        (answer(404), "impossible", "RC818", "--web.route-prefix"),
        (answer(405, "Only GET"), "impossible", "RC818", "lets POST through"),
        (answer(413), "impossible", "RC818", "413"),
        (REFUSED, "rejected", "RC821", "its log names the file"),
        (answer(500, "internal error of a proxy"), "unknown", "RC822", "of a proxy"),
        (answer(501), "unknown", "RC822", "501"),
        (b"", "unknown", "RC822", "broke off"),
        (b"HTTP/1.1 20", "unknown", "RC822", "broke off"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "unknown", "RC822", "broke off"),
        (b"hello\r\n\r\n", "unknown", "RC822", "not HTTP"),
        (answer(200, "x" * 2**20), "unknown", "RC822", "more than"),
    ],
)
def test_one_answer(said: bytes, kind: str, code: str, words: str) -> None:
    other = answer(404)
    with host(by_path({"/-/reload": said, "/metrics": other}, other)) as there, Server(there.url) as server:
        found = reload(server, 5, sleep=no_sleep)
        assert found.kind == kind
        assert (found.fault is None) == (kind == "done")
        if kind != "done":
            assert fault(found).code == code
            assert words in told(found)
            assert there.url in told(found)
        assert there.requests.count("POST /-/reload") == 1


def test_a_500_in_the_words_of_a_proxy_is_decided_by_the_metrics() -> None:
    mute = answer(500, "<html>Sorry</html>")
    for successful, kind in ((0, "rejected"), (1, "unknown")):
        with (
            host(by_path({"/-/reload": mute, "/metrics": metrics(successful, 1)})) as there,
            Server(there.url) as server,
        ):
            assert reload(server, 5, sleep=no_sleep).kind == kind


@pytest.mark.parametrize(
    ("answers", "kind", "waits"),
    [
        ([answer(503), OK], "done", [1]),
        ([answer(502), answer(503), answer(504), OK], "done", [1, 2, 4]),
        ([answer(503), REFUSED], "rejected", [1]),
        ([answer(429), answer(401)], "impossible", [1]),
        ([answer(503)], "impossible", [1, 2, 4]),
        ([answer(429)], "impossible", [1, 2, 4]),
        # These may come from a proxy that passed the request on.
        ([answer(502)], "unknown", [1, 2, 4]),
        ([answer(504), answer(503)], "unknown", [1, 2, 4]),
        ([answer(408)], "unknown", [1, 2, 4]),
        # What was lost on the way may be at work: asking again is for the barrier.
        ([b"", OK], "unknown", []),
    ],
    ids=str,
)
def test_retries(answers: list[bytes], kind: str, waits: list[float]) -> None:
    slept: list[float] = []
    with host(says(*answers)) as there, Server(there.url) as server:
        assert reload(server, 5, sleep=slept.append).kind == kind
        assert slept == waits
        assert len(there.requests) == len(waits) + 1


def test_nobody_at_the_port() -> None:
    slept: list[float] = []
    with Server(f"http://{free_address()}") as server:
        found = reload(server, 5, sleep=slept.append)
        assert (found.kind, fault(found).code) == ("impossible", "RC812")
        assert slept == [1, 2, 4]


@pytest.mark.parametrize("url", ["nonsense", "http://me:word@127.0.0.1:1", "http://"])
def test_a_url_that_leads_nowhere(url: str) -> None:
    with Server(url) as server:
        found = reload(server, 5, sleep=no_sleep)
        assert (found.kind, fault(found).code) == ("impossible", "RC810")
        assert "word@" not in told(found)


SLOW: Mapping[str, Script] = {
    "says nothing": lambda it: it.hang(),
    "drips": lambda it: it.drip(b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 10_000, 0.05),
}


@pytest.mark.parametrize("script", SLOW.values(), ids=SLOW)
def test_too_slow_is_no_failure(script: Script) -> None:
    with host(script) as there, Server(there.url) as server:
        found = reload(server, 0.3, sleep=no_sleep)
        assert (found.kind, fault(found).code) == ("unknown", "RC822")
        assert there.requests == ["POST /-/reload"]


def test_no_secret_in_what_is_said() -> None:
    def parrot(it: Conversation) -> None:
        it.send(answer(500, str(it.headers)))

    with host(parrot) as there, Server(there.url, Credentials(token=TOKEN)) as server:
        found = reload(server, 5, sleep=no_sleep)
        assert there.headers[0]["authorization"] == f"Bearer {TOKEN}"
        assert TOKEN not in repr(found)


# --- SIGHUP -------------------------------------------------------------------------------------


@contextmanager
def mute_server() -> Iterator[Host]:
    """Its lifecycle API is off, and its metrics never change."""
    with host(by_path({"/-/reload": OFF, "/metrics": metrics(1, 5)})) as there:
        yield there


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "No such file"),
        ("", "holds no process id"),
        ("many words", "holds no process id"),
        ("-1", "holds no process id"),
        ("0", "holds no process id"),
        ("1 2", "holds no process id"),
        ("9" * 30, "holds no process id"),
        ("٣", "holds no process id"),
        ("2147483647", "is not there"),
    ],
)
def test_a_pid_file_that_leads_nowhere(tmp_path: Path, content: str | None, words: str) -> None:
    pid_file = tmp_path / "prometheus.pid"
    if content is not None:
        pid_file.write_text(content, "utf-8")
    with mute_server() as there, Server(there.url) as server:
        found = reload(server, 5, str(pid_file), no_sleep)
        assert (found.kind, fault(found).code) == ("impossible", "RC823")
        assert words in told(found)


def test_a_pid_file_that_is_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "prometheus.pid")
    with mute_server() as there, Server(there.url) as server:
        found = reload(server, 5, str(tmp_path / "prometheus.pid"), no_sleep)
        assert (found.kind, fault(found).code) == ("impossible", "RC823")


def test_no_signal_to_another_program(tmp_path: Path) -> None:
    """SIGHUP ends most programs."""
    pid_file = tmp_path / "prometheus.pid"
    with subprocess.Popen(["sleep", "60"]) as other:
        try:
            pid_file.write_text(str(other.pid))
            with mute_server() as there, Server(there.url) as server:
                found = reload(server, 5, str(pid_file), no_sleep)
                assert (found.kind, fault(found).code) == ("impossible", "RC823")
                assert "is no Prometheus but sleep" in told(found)
            assert other.poll() is None
        finally:
            other.kill()


def test_no_signal_where_nothing_would_tell_what_came_of_it(tmp_path: Path) -> None:
    with host(by_path({"/-/reload": OFF})) as there, Server(there.url) as server:
        found = reload(server, 5, str(tmp_path / "never read"), no_sleep)
        assert (found.kind, fault(found).code) == ("impossible", "RC824")


def test_a_signal_that_shows_no_effect(tmp_path: Path) -> None:
    """As that to another Prometheus than the one behind the URL."""
    script = tmp_path / "prometheus"
    shutil.copy(shutil.which("sleep") or "", script)
    with subprocess.Popen(["env", "--ignore-signal=HUP", str(script), "60"]) as other:
        try:
            assert within(10, lambda: Path(f"/proc/{other.pid}/comm").read_text().strip() == "prometheus")
            (tmp_path / "pid").write_text(str(other.pid))
            with mute_server() as there, Server(there.url) as server:
                found = reload(server, 0.4, str(tmp_path / "pid"))
                assert (found.kind, fault(found).code) == ("unknown", "RC822")
                assert "after SIGHUP" in told(found)
        finally:
            other.kill()


def test_a_pid_file_is_not_read_while_the_lifecycle_api_is_on() -> None:
    with host(says(OK)) as there, Server(there.url) as server:
        assert reload(server, 5, "/nowhere", no_sleep) == ("done", None)
