"""Faults 31 and 56: a server that does not let itself be told, at first or when all is to go back."""

from __future__ import annotations

import shutil
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from rulecompiler.deploy import sighup
from rulecompiler.deploy.settings import Credentials, LayoutName
from rulecompiler.diagnostics import Diagnostic
from tests.deploy import certificates
from tests.deploy.proxies import REJECTED, Behaviour, answers, cut, passed_on
from tests.deploy.trial import BOTH, EACH, OLD, Trial, found, trial
from tests.deploy.world import release, rule_file

WORD = "s3cret-word"
HASHED = "$2b$04$abcdefghijklmnopqrstuuzQDw2v3CQSMowG.sq3X.nH1lfmlmQMW"  # WORD, by bcrypt
KNOWN = Credentials("deployer", WORD)
# Fails when it is evaluated: many-to-many matching.
MANY = (
    '(label_replace(vector(1), "a", "1", "", "") or label_replace(vector(1), "a", "2", "", ""))'
    ' * on () (label_replace(vector(1), "b", "1", "", "") or label_replace(vector(1), "b", "2", "", ""))'
)


@pytest.fixture(params=["prometheus", "prometheus_3"])
def program(request: pytest.FixtureRequest) -> Path:
    path: Path = request.getfixturevalue(request.param)
    return path


def test_fault_31_no_credentials(prometheus: Path, promtool: Path, tmp_path: Path) -> None:
    users = {"basic_auth_users": {KNOWN.username: HASHED}}
    with (
        httpx.Client(trust_env=False, auth=(KNOWN.username, WORD)) as client,
        trial(prometheus, promtool, tmp_path / "t", begin=False, web_config=users, client=client) as t,
    ):
        t.world.target = replace(t.world.target, credentials=KNOWN)
        t.begin()
        t.refused(t.deploy(credentials=Credentials()), "RC817", "401", "PROMETHEUS_PASSWORD_FILE")
        result = t.deploy(credentials=Credentials("deployer", "an0ther-word"))
        t.refused(result, "RC817", "takes none of these", "PROMETHEUS_USERNAME")
        assert "an0ther-word" not in repr(result)
        t.converges()


def test_fault_31_another_prefix(program: Path, promtool: Path, tmp_path: Path) -> None:
    with trial(program, promtool, tmp_path / "t", prefix="/prom") as t:
        right = t.server.url
        for wrong in (right.removesuffix("/prom"), right + "/graph"):
            t.refused(t.deploy(url=wrong), "RC818", f"answers at {right}$", f"as {right}$")
        t.converges()


def test_fault_31_tls(prometheus_3: Path, promtool: Path, tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl makes the certificates")
    (tmp_path / "pki").mkdir()
    made = certificates.make(openssl, tmp_path / "pki")
    config = {
        "tls_server_config": {
            "cert_file": str(made.server),
            "key_file": str(certificates.key_of(made.server)),
        }
    }
    trusting = ssl.create_default_context(cafile=str(made.authority))
    with (
        httpx.Client(trust_env=False, verify=trusting) as client,
        trial(prometheus_3, promtool, tmp_path / "t", begin=False, web_config=config, client=client) as t,
    ):
        t.world.target = replace(t.world.target, credentials=Credentials(ca_file=str(made.authority)))
        t.begin()
        plain = t.server.url.replace("https://", "http://")
        t.refused(t.deploy(url=plain), "RC816", "expects TLS", t.server.url)
        t.refused(t.deploy(credentials=Credentials()), "RC816", "not trusted", "PROMETHEUS_CA_FILE")
        t.converges()


# What stands between gives these answers, and the server has not heard of it.
REFUSALS = ((401, "RC817"), (403, "RC817"), (404, "RC818"), (405, "RC818"), (400, "RC818"))


@BOTH
def test_fault_31_only_reloads_are_refused(
    prometheus: Path, promtool: Path, tmp_path: Path, layout: LayoutName
) -> None:
    with trial(prometheus, promtool, tmp_path / "t", layout, proxied=True) as t:
        for status, code in REFUSALS:
            t.proxy.on_reloads(answers(status, "no"))
            t.refused(t.deploy(), code, str(status))
            assert t.proxy.reloads == 1  # not again and again
        for status, code in REFUSALS:
            t.proxy.on_reloads(passed_on, answers(status, "no"))
            t.rolled_back(t.deploy(), code, str(status))
            assert t.proxy.reloads == 3
        t.survives_a_restart()
        t.converges(restarted=True)


@contextmanager
def without_lifecycle(program: Path, promtool: Path, tmp_path: Path) -> Iterator[Trial]:
    pid_file = tmp_path / "pid"
    with trial(program, promtool, tmp_path / "t", begin=False, lifecycle=False) as t:
        t.world.target = replace(t.world.target, pid_file=str(pid_file))
        pid_file.write_text(str(t.server.process.pid))
        t.begin()
        yield t


def test_fault_31_lifecycle_api_is_off(program: Path, promtool: Path, tmp_path: Path) -> None:
    with without_lifecycle(program, promtool, tmp_path) as t:
        t.refused(
            t.deploy(pid_file=""), "RC820", "lifecycle API is off", "web.enable-lifecycle.*pid_file", told=0
        )
        t.remember()
        t.refused(t.deploy(pid_file=str(tmp_path / "none")), "RC823", "cannot be read", "pid_file", told=1)
        t.live(t.deploy())  # by SIGHUP
        t.converges()


def test_fault_31_a_signal_that_is_lost(
    prometheus: Path, promtool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The one for the new files. The barrier is a signal as well: there is nothing else that it listens to.
    with without_lifecycle(prometheus, promtool, tmp_path) as t:
        sent: list[str] = []

        def hang_up(pid_file: str) -> Diagnostic | None:
            sent.append(pid_file)
            return None if len(sent) == 2 else sighup.hang_up(pid_file)

        monkeypatch.setattr("rulecompiler.deploy.reloading.hang_up", hang_up)
        t.live(t.deploy(reload_timeout=0.7))
        assert len(sent) == 3
        t.converges()


# --- and when all is to go back --------------------------------------------------------

FOR_GOOD: dict[str, tuple[Behaviour, str]] = {
    "500": (answers(500, REJECTED), "RC821"),
    "401": (answers(401), "RC817"),
    "cut": (cut, "RC822"),
}


@EACH
def test_fault_56_the_way_back_fails_too(
    program: Path, promtool: Path, tmp_path: Path, layout: LayoutName
) -> None:
    with trial(program, promtool, tmp_path / "t", layout, proxied=True) as t:
        for behaviour, code in FOR_GOOD.values():
            t.proxy.on_reloads(passed_on)
            t.proxy.usual = behaviour
            t.unknown(t.deploy(), code)
            # The next run has the same trouble, and knows no more.
            t.unknown(t.deploy(), code)
            t.proxy.usual = passed_on
            t.begin()  # the next one that gets through ends the rollback
        t.survives_a_restart()
        t.converges(restarted=True)


def test_fault_56_memory_is_new(prometheus: Path, promtool: Path, tmp_path: Path) -> None:
    # The new rules were loaded, and their evaluation failed; then nobody takes the POST.
    failing = release(
        cpu=rule_file(), mem=OLD.files["group-mem.yml"], bad=rule_file("bad", expr=MANY, alert="Bad")
    )
    with trial(prometheus, promtool, tmp_path / "t", proxied=True) as t:
        t.proxy.on_reloads(passed_on, passed_on)
        t.proxy.usual = answers(403)
        result = t.deploy(failing)
        t.unknown(result, "RC817")
        found(result, "RC863")
        t.proxy.usual = passed_on
        t.converges()
