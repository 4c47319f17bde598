"""The client against real Prometheus servers, and against hosts that are none."""

from __future__ import annotations

import gzip
import json
import shutil
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from rulecompiler.deploy.exchange import _Watchdog
from rulecompiler.deploy.server import ReloadState, Server
from rulecompiler.deploy.settings import Credentials
from rulecompiler.diagnostics import Diagnostic
from tests.deploy import certificates
from tests.deploy.certificates import Certificates, key_of
from tests.deploy.hostile import Conversation, Script, answer, host, says
from tests.servers import free_address, prometheus_with, within

RULES = "groups: [{name: g, rules: [{alert: A, expr: 'vector( 1 )', for: 1m, labels: {l: v}}]}]"
PASSWORD = "a-word-for-tests"
HASHED = "$2b$04$abcdefghijklmnopqrstuuDBvfuNwMKWaQ4XOy9K/dmFmcNbBJ2Hm"  # bcrypt, as cheap as can be
TOKEN = "t0ken-nobody-may-see"
READY = answer(200, "Prometheus Server is Ready.\n", {"Content-Type": "text/plain; charset=utf-8"})
PAGE = {"Content-Type": "text/html; charset=utf-8"}


@pytest.fixture(params=["prometheus", "prometheus_3"])
def program(request: pytest.FixtureRequest) -> Path:
    found: Path = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "a.yml").write_text(RULES)
    return folder


@pytest.fixture(scope="module")
def certs(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl program")
    return certificates.make(openssl, tmp_path_factory.mktemp("certificates"))


def fault(found: object) -> Diagnostic:
    assert isinstance(found, Diagnostic), found
    return found


def told(found: Diagnostic | None) -> str:
    assert found is not None
    return f"{found.message}\n{found.help}"


# --- the real thing -----------------------------------------------------------


@pytest.mark.parametrize("prefix", ["", "/prom"])
def test_a_prometheus_tells_what_it_is_and_runs(
    program: Path, rules: Path, tmp_path: Path, prefix: str
) -> None:
    patterns = [f"{rules}/*.yml", f"{tmp_path}/odd: [name]/*.yaml", "relative/*.yml"]
    with (
        prometheus_with(program, patterns, tmp_path, prefix=prefix) as real,
        Server(f"{real.url}/") as server,
    ):
        assert server.url == real.url
        assert server.readiness() == ("ready", None)
        assert server.healthy()
        assert server.wait_ready(0) is None
        version = server.version()
        assert isinstance(version, str)
        assert version in real.ask("status/buildinfo")["version"]
        assert version.replace(".", "").isdigit()
        # A relative one counts from the configuration's folder.
        assert server.rule_patterns() == (*patterns[:2], f"{tmp_path}/relative/*.yml")
        groups = server.groups()
        assert isinstance(groups, tuple)
        assert [(g.file, g.name, g.interval_seconds, g.rules[0].query) for g in groups] == [
            (f"{rules}/a.yml", "g", 1, "vector(1)")
        ]
        assert server.canonical("sum( rate(x[60m]) )by(a)") == "sum by (a) (rate(x[1h]))"
        assert server.canonical("sum(") is None


def test_the_time_of_the_last_good_reload_is_exact(program: Path, rules: Path, tmp_path: Path) -> None:
    with prometheus_with(program, rules, tmp_path) as real, Server(real.url) as server:
        first = server.reload_state()
        assert first is not None
        assert first.successful
        assert server.reload_state() == first
        assert real.reload().status_code == 200
        second = server.reload_state()
        assert second is not None
        assert second.success_timestamp > first.success_timestamp
        (rules / "a.yml").write_text("no rules")
        assert real.reload().status_code == 500
        assert server.reload_state() == second._replace(successful=False)


def test_a_server_without_rule_files_has_no_patterns(prometheus: Path, tmp_path: Path) -> None:
    with prometheus_with(prometheus, [], tmp_path) as real, Server(real.url) as server:
        assert server.rule_patterns() == ()
        assert server.groups() == ()


@pytest.mark.parametrize(
    ("prefix", "asked", "found"),
    [
        ("/a/prom", "", "/a/prom"),
        ("/prom", "/graph", "/prom"),
        ("/prom", "/prom/graph", "/prom"),
        ("", "/prom", ""),
        ("", "/a/b/graph", ""),
    ],
)
def test_a_wrong_prefix_is_told_from_a_wrong_host(
    program: Path, rules: Path, tmp_path: Path, prefix: str, asked: str, found: str
) -> None:
    with prometheus_with(program, rules, tmp_path, prefix=prefix) as real:
        origin = f"http://{real.address}"
        with Server(origin + asked) as server:
            state, wrong = server.readiness()
            assert state == "refused"
            assert wrong is not None
            assert wrong.code == "RC818"
            assert wrong.help.endswith(f" as {origin}{found}")
            assert fault(server.groups()).message.endswith(f"answers at {origin}{found}")
            assert server.reload_state() is None
            assert not server.healthy()


def test_basic_auth(program: Path, rules: Path, tmp_path: Path) -> None:
    web = {"basic_auth_users": {"me": HASHED}}
    with (
        httpx.Client(auth=("me", PASSWORD), trust_env=False) as client,
        prometheus_with(program, rules, tmp_path, web_config=web, client=client) as real,
    ):
        with Server(real.url, Credentials("me", PASSWORD)) as server:
            assert server.readiness().state == "ready"
            assert isinstance(server.version(), str)
        for credentials in (Credentials(), Credentials("me", "wrong-word"), Credentials(token=TOKEN)):
            with Server(real.url, credentials) as server:
                state, wrong = server.readiness()
                assert state == "refused"
                assert fault(wrong).code == fault(server.groups()).code == "RC817"
                assert "PROMETHEUS_PASSWORD_FILE" in told(wrong)
                assert "wrong-word" not in told(wrong)
                assert server.wait_ready(60) == wrong  # at once


def test_tls_with_an_authority_of_ones_own_and_a_client_certificate(
    program: Path, rules: Path, tmp_path: Path, certs: Certificates
) -> None:
    web = {
        "tls_server_config": {
            "cert_file": str(certs.server),
            "key_file": str(key_of(certs.server)),
            "client_ca_file": str(certs.authority),
            "client_auth_type": "RequireAndVerifyClientCert",
        }
    }
    trust = ssl.create_default_context(cafile=str(certs.authority))
    trust.load_cert_chain(certs.client, key_of(certs.client))
    authority, certificate, key = str(certs.authority), str(certs.client), str(key_of(certs.client))
    with (
        httpx.Client(verify=trust, trust_env=False) as client,
        prometheus_with(program, rules, tmp_path, web_config=web, client=client) as real,
    ):
        good = Credentials(ca_file=authority, cert_file=certificate, key_file=key)
        with Server(real.url, good) as server:
            assert server.readiness() == ("ready", None)
            assert isinstance(server.groups(), tuple)
        bad = {
            "is not trusted": (real.url, Credentials(cert_file=certificate, key_file=key)),
            "certificate of": (real.url.replace("127.0.0.1", "localhost"), good),
            "client's certificate": (real.url, Credentials(ca_file=authority)),
            "was asked in plain HTTP": (real.url.replace("https", "http"), good),
        }
        for words, (url, credentials) in bad.items():
            with Server(url, credentials) as server:
                state, wrong = server.readiness()
                assert (state, fault(wrong).code) == ("refused", "RC816"), words
                assert words in told(wrong)
                assert server.wait_ready(60) == wrong


def test_https_to_a_port_of_plain_http(program: Path, rules: Path, tmp_path: Path) -> None:
    with (
        prometheus_with(program, rules, tmp_path) as real,
        Server(real.url.replace("http:", "https:")) as server,
    ):
        state, wrong = server.readiness()
        assert state == "refused"
        assert fault(wrong).code == "RC816"
        assert f"write `url` as {real.url}" in told(wrong)


@pytest.mark.parametrize(
    ("files", "named"),
    [
        ({"ca_file": "missing.pem"}, "PROMETHEUS_CA_FILE"),
        ({"ca_file": "client.key"}, "PROMETHEUS_CA_FILE"),
        ({"cert_file": "client.pem", "key_file": "server.key"}, "PROMETHEUS_CERT_FILE"),
        ({"cert_file": "client.pem", "key_file": "encrypted.key"}, "PROMETHEUS_KEY_FILE"),
        ({"cert_file": "client.pem", "key_file": "missing.key"}, "PROMETHEUS_KEY_FILE"),
    ],
)
def test_certificates_that_do_not_load(certs: Certificates, files: Mapping[str, str], named: str) -> None:
    paths = {key: str(certs.server.parent / name) for key, name in files.items()}
    with Server("https://127.0.0.1:1", Credentials(**paths)) as server:
        wrong = fault(server.version())
        assert wrong.code == "RC811"
        assert named in wrong.message
        assert server.readiness() == ("refused", wrong)
        assert server.reload_state() is None


def test_a_server_that_dies_and_comes_back(prometheus: Path, rules: Path, tmp_path: Path) -> None:
    with prometheus_with(prometheus, rules, tmp_path) as real, Server(real.url) as server:
        before = server.groups()
        real.kill()
        assert server.readiness().state == "unreachable"
        gone = fault(server.wait_ready(0.3))
        assert gone.code == "RC812"
        assert f"curl {real.url}/-/ready" in gone.help
        assert real.restart()
        # The old connection is gone with the old server.
        after = server.groups()
        assert isinstance(before, tuple)
        assert isinstance(after, tuple)
        assert [group.name for group in after] == [group.name for group in before]


def test_ten_thousand_groups_in_one_answer(prometheus: Path, tmp_path: Path) -> None:
    rule = {"alert": "A", "expr": "vector(1)", "labels": {"a": "b" * 100}}
    groups = [{"name": f"g{number}", "interval": "1h", "rules": [rule]} for number in range(10_000)]
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/a.yml").write_text(json.dumps({"groups": groups}))
    with prometheus_with(prometheus, tmp_path / "rules", tmp_path) as real, Server(real.url) as server:
        found = server.groups()
        assert isinstance(found, tuple)
        assert len(found) == 10_000


# --- URLs ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "localhost:9090",
        "ftp://localhost",
        "//localhost:9090",
        "http://",
        "http:///prom",
        "http://:9090",
        "http://localhost:port",
        "http://localhost:70000",
        "http://localhost:0",
        "http://local host:9090",
        "http://localhost:9090/\n",
        "http://[::1:9090",
        "http://localhost:9090?x=1",
        "http://localhost:9090#x",
        "http://ex\u2028ample:9090",
        "http://" + "a." * 300,
        "",
    ],
)
def test_a_url_that_leads_nowhere(url: str) -> None:
    with Server(url) as server:
        assert fault(server.groups()).code in ("RC810", "RC812")
        assert server.readiness().state == "refused"
        assert fault(server.wait_ready(60)).code in ("RC810", "RC812")


def test_a_password_in_a_url_is_refused_and_shown_nowhere() -> None:
    with Server(f"http://me:{PASSWORD}@127.0.0.1:9090/prom") as server:
        wrong = fault(server.version())
        assert wrong.code == "RC810"
        assert PASSWORD not in f"{wrong!r} {server!r} {server.url} {vars(server)} {server.readiness()}"


def test_a_host_without_a_name() -> None:
    with Server("http://no-such-host.invalid:9090") as server:
        wrong = fault(server.version())
        assert wrong.code == "RC812"
        assert "cannot be resolved" in wrong.message
        assert server.readiness().state in ("refused", "unreachable")  # as the name service says it


def test_nobody_at_the_port_is_asked_again_before_it_is_given_up() -> None:
    waits: list[float] = []
    with Server(f"http://{free_address()}", sleep=waits.append) as server:
        assert fault(server.groups()).code == "RC812"
        assert waits == [1, 2, 4]
        assert server.canonical("x") is None
        assert server.reload_state() is None
        assert waits == [1, 2, 4]


def test_ipv6() -> None:
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
    with host(says(READY), socket.AF_INET6) as there, Server(there.url) as server:
        assert server.readiness().state == "ready"
        assert server.url == there.url


# --- hosts that answer something else ------------------------------------------------


@pytest.mark.parametrize(
    ("said", "state", "code", "words"),
    [
        (answer(503, "Service Unavailable"), "starting", "RC819", "not ready yet"),
        (answer(502, "<html>Bad Gateway</html>", PAGE), "unreachable", "RC818", "502"),
        (answer(504), "unreachable", "RC818", "504"),
        (answer(500, "oops\x1b[31m\r\n"), "unreachable", "RC818", "500: oops [31m"),
        (answer(401), "refused", "RC817", "credentials"),
        (answer(403, "no way"), "refused", "RC817", "no way"),
        (answer(404, "404 page not found"), "refused", "RC818", "no Prometheus elsewhere"),
        (answer(405), "refused", "RC818", "405"),
        (answer(418, "x" * 9_000), "refused", "RC818", "xxx…"),
        (answer(200, "<!doctype html>"), "refused", "RC818", "web page"),
        (answer(200, "Log in", PAGE), "refused", "RC818", "web page"),
        (answer(400, "Client sent an HTTP request to an HTTPS server.\n"), "refused", "RC816", "https://"),
        (
            answer(400, "<center>The plain HTTP request was sent to HTTPS port</center>", PAGE),
            "refused",
            "RC816",
            "https://",
        ),
        (
            answer(302, headers={"Location": f"https://me:{PASSWORD}@login.example.com/in?token={TOKEN}"}),
            "refused",
            "RC818",
            "https://login.example.com/in,",
        ),
        (answer(301, headers={"Location": "https://[bad"}), "refused", "RC818", "somewhere else"),
        (answer(301), "refused", "RC818", "somewhere else"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "unreachable", "RC814", "broke off"),
        (b"220 mail ESMTP\r\n\r\n", "unreachable", "RC815", "not HTTP"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "unreachable", "RC815", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", "unreachable", "RC814", "broke off"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "unreachable", "RC814", "broke off"),
        (b"", "unreachable", "RC814", "broke off"),
        (answer(200, b"not gzip", {"Content-Encoding": "gzip"}), "unreachable", "RC815", "damaged"),
        (answer(200, b"", {"Content-Encoding": "br"}), "unreachable", "RC815", "packed"),
        (answer(200, b"", {"Content-Encoding": "gzip, gzip"}), "unreachable", "RC815", "packed"),
        (answer(200, b"x" * 100_000), "unreachable", "RC815", "more than"),
    ],
)
def test_readiness_of_something_else(said: bytes, state: str, code: str, words: str) -> None:
    with host(says(said)) as there, Server(there.url) as server:
        found = server.readiness()
        assert (found.state, fault(found.fault).code) == (state, code)
        text = told(found.fault)
        assert words in text
        assert there.url in text
        assert "\x1b" not in text
        assert PASSWORD not in text
        assert TOKEN not in text
        assert not server.healthy()


API: Mapping[str, Callable[[Server], object]] = {
    "version": Server.version,
    "rule_patterns": Server.rule_patterns,
    "groups": Server.groups,
}


@pytest.mark.parametrize("ask", API.values(), ids=API)
@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", "RC818"),
        ("null", "RC818"),
        ("[]", "RC818"),
        ("{}", "RC818"),
        ('{"status": "success"}', "RC818"),
        ('{"status": "success", "data": null}', "RC818"),
        ('{"status": "success", "data": []}', "RC818"),
        ('{"status": "success", "data": {"groups": [{}], "yaml": 1, "version": "new"}}', "RC818"),
        ('{"status": "success", "data": {"groups": 1, "yaml": "rule_files: x\\n", "version": {}}}', "RC818"),
        ('{"status": "error", "error": "no"}', "RC818"),
        ('{"status": "success", "da', "RC818"),
        ("[" * 100_000, "RC818"),
        (b"\xff\xfe\x00", "RC818"),
        ("<html></html>", "RC818"),
    ],
    ids=str,
)
def test_an_api_that_answers_nonsense(ask: Callable[[Server], object], body: str | bytes, code: str) -> None:
    with host(says(answer(200, body))) as there, Server(there.url) as server:
        assert fault(ask(server)).code == code
        assert server.canonical("x") is None
        assert server.reload_state() is None


@pytest.mark.parametrize(
    "text",
    ["rule_files:\n- {a: b}\n", "rule_files: text\n", "rule_files:\n- 'open\n", "rule_files:\n- \x07\n"],
)
def test_a_configuration_that_is_none(text: str) -> None:
    body = json.dumps({"status": "success", "data": {"yaml": text}})
    with host(says(answer(200, body))) as there, Server(there.url) as server:
        assert fault(server.rule_patterns()).code == "RC818"


def test_only_the_rule_files_of_a_configuration_are_read() -> None:
    text = (
        "global:\n  external_labels:\n    rule_files: x\nrule_files:\n- /a/*.yml\n- '/b: c/*.yml'\n"
        "scrape_configs:\n- job_name: 0123\n  params: &a [*b]\n  rule_files:\n  - /no.yml\n"
    )
    body = json.dumps({"status": "success", "data": {"yaml": text}})
    with host(says(answer(200, body))) as there, Server(there.url) as server:
        assert server.rule_patterns() == ("/a/*.yml", "/b: c/*.yml")


@pytest.mark.parametrize(
    ("metrics", "state"),
    [
        (
            "prometheus_config_last_reload_successful 1\n"
            "prometheus_config_last_reload_success_timestamp_seconds 1.795230887014568e+09\n",
            ReloadState(True, 1795230887.014568),
        ),
        (
            "# HELP x\nprometheus_config_last_reload_successful 0\n"
            "prometheus_config_last_reload_success_timestamp_seconds 0\n",
            ReloadState(False, 0),
        ),
        ("prometheus_config_last_reload_successful 1\n", None),
        (
            "prometheus_config_last_reload_successful one\n"
            "prometheus_config_last_reload_success_timestamp_seconds 1\n",
            None,
        ),
        ("", None),
    ],
)
def test_the_metrics_of_a_reload(metrics: str, state: ReloadState | None) -> None:
    with host(says(answer(200, metrics))) as there, Server(there.url) as server:
        assert server.reload_state() == state


def group(name: str) -> dict[str, object]:
    rule = {"type": "recording", "name": "r", "query": "1", "health": "ok"}
    return {"name": name, "file": "/a.yml", "interval": 1, "rules": [rule]}


def page(names: list[str], token: str) -> bytes:
    data = {"groups": [group(name) for name in names], "groupNextToken": token}
    return answer(200, json.dumps({"status": "success", "data": data}))


def test_groups_in_pages_are_all_read() -> None:
    with host(says(page(["a"], "t1"), page(["b"], "t&2"), page(["c"], ""))) as there:
        with Server(there.url) as server:
            groups = server.groups()
            assert isinstance(groups, tuple)
            assert [each.name for each in groups] == ["a", "b", "c"]
        assert there.requests[0] == "GET /api/v1/rules"
        assert "group_next_token=t%262" in there.requests[2]


def test_pages_without_an_end() -> None:
    with host(says(page(["a"], "t"))) as there, Server(there.url) as server:
        assert fault(server.groups()).code == "RC818"


def test_a_proxy_that_is_busy_is_asked_again() -> None:
    waits: list[float] = []
    with (
        host(says(answer(503), b"", answer(429), page(["a"], ""))) as there,
        Server(there.url, sleep=waits.append) as server,
    ):
        assert isinstance(server.groups(), tuple)
        assert waits == [1, 2, 4]


def test_a_refusal_is_not_asked_again() -> None:
    waits: list[float] = []
    with host(says(answer(403))) as there, Server(there.url, sleep=waits.append) as server:
        assert fault(server.groups()).code == "RC817"
        assert (waits, len(there.requests)) == ([], 1)


def test_a_connection_that_ended_while_it_was_idle_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client looks whether it has ended before it uses it, and may still look a moment too early."""
    kept = READY.replace(b"Connection: close\r\n", b"")
    monkeypatch.setattr("httpcore._sync.http11.HTTP11Connection.has_expired", lambda self: False)
    with host(says(kept)) as there, Server(there.url) as server:
        assert server.readiness().state == "ready"
        assert server.readiness().state == "ready"
        assert len(there.requests) == 2


def test_packed_answers_are_read() -> None:
    said = answer(
        200,
        gzip.compress(json.dumps({"status": "success", "data": {"version": "v3.0.0-rc.1"}}).encode()),
        {"Content-Encoding": "GZIP"},
    )
    with host(says(said)) as there, Server(there.url) as server:
        assert server.version() == "3.0.0"
        assert there.headers[0]["accept-encoding"] == "gzip"


def test_a_bomb_is_not_unpacked_to_its_end() -> None:
    bomb = gzip.compress(bytes(300 * 2**20), compresslevel=9)
    assert len(bomb) < 2**20
    with host(says(answer(200, bomb, {"Content-Encoding": "gzip"}))) as there, Server(there.url) as server:
        wrong = fault(server.groups())
        assert wrong.code == "RC815"
        assert "256 MiB" in wrong.message


# --- hosts without haste ------------------------------------------------------------


def half_and_hang(it: Conversation) -> None:
    it.send(answer(200, "x" * 10)[:-3])
    it.hang()


def dripping(head: bytes, rest: bytes) -> Script:
    def script(it: Conversation) -> None:
        it.send(head)
        it.drip(rest * 10_000, 0.05)

    return script


SLOW: Mapping[str, Script] = {
    "says nothing": lambda it: it.hang(),
    "drips its head": dripping(b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"),
    "drips its body": dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"x"),
    "drips without a length": dripping(b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
    "drips informational answers": dripping(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "hangs amid its body": half_and_hang,
}


@pytest.mark.parametrize("script", SLOW.values(), ids=SLOW)
def test_the_time_of_an_exchange_is_bounded_as_a_whole(script: Script) -> None:
    began = time.monotonic()
    with host(script) as there, Server(there.url, timeout_seconds=0.4) as server:
        found = server.readiness()
        assert (found.state, fault(found.fault).code) == ("unreachable", "RC813")
        assert fault(server.groups()).code == "RC813"
        assert server.reload_state() is None
        assert "/-/ready within 0.4 s" in told(found.fault)
    assert time.monotonic() - began < 60  # a dripping one would take minutes


def test_a_connection_that_took_all_the_time_is_not_used() -> None:
    watchdog = _Watchdog()
    with watchdog.after(0):
        assert within(10, lambda: watchdog.bit)
        with socket.socket() as late:
            stream = SimpleNamespace(get_extra_info=lambda what: late)
            with pytest.raises(httpx.TimeoutException):
                watchdog.trace("connection.connect_tcp.complete", {"return_value": stream})


def test_a_port_where_nobody_answers_tls() -> None:
    def script(it: object) -> None:
        raise AssertionError("no request comes")

    with host(script) as there, Server(there.url.replace("http", "https"), timeout_seconds=0.4) as server:
        state, wrong = server.readiness()
        assert state == "unreachable"
        assert fault(wrong).code == "RC812"


def test_a_starting_server_is_waited_for() -> None:
    waits: list[float] = []
    starting = answer(503, "Service Unavailable")
    with (
        host(says(starting, b"", starting, READY)) as there,
        Server(there.url, sleep=waits.append) as server,
    ):
        assert server.wait_ready(60) is None
        assert waits == [0.1, 0.2, 0.5]
    with host(says(starting)) as there, Server(there.url) as server:
        wrong = fault(server.wait_ready(0.2))
        assert wrong.code == "RC819"
        assert "not ready after 0.2 s" in wrong.message


# --- secrets ------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 401, 403, 405, 500])
def test_a_host_that_repeats_what_it_got_gives_no_secret_away(status: int) -> None:
    def parrot(it: Conversation) -> None:
        it.send(answer(status, repr(it.headers), {"Location": "/"}))

    for credentials, header in (
        (Credentials(token=TOKEN), f"Bearer {TOKEN}"),
        (Credentials("me", PASSWORD), "Basic bWU6YS13b3JkLWZvci10ZXN0cw=="),
    ):
        with host(parrot) as there, Server(there.url, credentials) as server:
            wrong = fault(server.version())
            assert there.headers[0]["authorization"] == header
            shown = f"{wrong!r} {server!r} {vars(server)} {vars(server._exchanger)['_client']!r}"
            for secret in (TOKEN, PASSWORD, "bWU6YS13b3JkLWZvci10ZXN0cw=="):
                assert secret not in shown


def test_credentials_go_to_no_other_host() -> None:
    with host(says(READY)) as other:
        away = answer(307, headers={"Location": f"{other.url}/-/ready"})
        with host(says(away)) as there, Server(there.url, Credentials(token=TOKEN)) as server:
            assert f"redirects /-/ready to {other.url}/-/ready" in told(server.readiness().fault)
        assert other.requests == []


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with host(says(READY)) as there:
        monkeypatch.setenv("HTTP_PROXY", f"http://{free_address()}")
        monkeypatch.setenv("ALL_PROXY", f"http://{free_address()}")
        with Server(there.url) as server:
            assert server.readiness().state == "ready"
