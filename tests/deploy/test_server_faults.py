"""Faults 24 to 30, 32 and 33: a server that refuses, dies, starts slowly, or does not answer in time."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from rulecompiler.deploy.settings import LayoutName
from rulecompiler.diagnostics import Severity
from rulecompiler.generated_file import MARKER
from tests.deploy.proxies import REJECTED, after, answers, cut, frozen, late, passed_on, silent
from tests.deploy.trial import BOTH, EACH, OLD, Trial, foreign_rules, found, trial
from tests.deploy.world import codes, release, rule_file
from tests.servers import Server, within

# What 3.x knows and 2.42 refuses: promtool 3.x finds nothing wrong with it.
GROUP = {"name": "new", "labels": {"site": "here"}, "rules": [{"alert": "New", "expr": "vector(2) > 0"}]}
TOO_NEW = release(
    cpu=rule_file(expr="vector(2) > 0"),
    mem=OLD.files["group-mem.yml"],
    new=f"# {MARKER}\n{yaml.safe_dump({'groups': [GROUP]})}".encode(),
)
# What 2.42 knows and 3.x refuses.
TOO_OLD = release(cpu=rule_file(expr="holt_winters(up[5m], 0.5, 0.5) > 0"), mem=OLD.files["group-mem.yml"])


@pytest.fixture(params=["prometheus", "prometheus_3"])
def program(request: pytest.FixtureRequest) -> Path:
    path: Path = request.getfixturevalue(request.param)
    return path


@pytest.fixture
def promtool_3(prometheus_3: Path) -> Path:
    return prometheus_3.with_name("promtool")


# --- it refuses -------------------------------------------------------------------


@BOTH
def test_fault_24_a_server_stricter_than_promtool(
    prometheus: Path, promtool_3: Path, tmp_path: Path, layout: LayoutName
) -> None:
    with trial(prometheus, promtool_3, tmp_path / "t", layout) as t:
        t.rolled_back(t.deploy(TOO_NEW), "RC821", "refuses to load", "its log names the file")
        t.survives_a_restart()
        t.converges(restarted=True)


def test_fault_24_a_server_newer_than_promtool(prometheus_3: Path, promtool: Path, tmp_path: Path) -> None:
    with trial(prometheus_3, promtool, tmp_path / "t") as t:
        result = t.deploy(TOO_OLD)
        t.rolled_back(result, "RC821", "refuses to load")
        assert "RC878" in codes(result)  # promtool is older than the server: that is why it did not see it
        t.converges()


def test_fault_24_only_the_answer_says_so(prometheus_3: Path, promtool: Path, tmp_path: Path) -> None:
    # The server has not even looked, as far as anybody can tell.
    with trial(prometheus_3, promtool, tmp_path / "t", proxied=True) as t:
        t.proxy.on_reloads(passed_on, answers(500, REJECTED))
        t.rolled_back(t.deploy(), "RC821")
        assert t.proxy.reloads == 3
        t.converges()


@EACH
def test_fault_30_500_because_of_others(
    program: Path, promtool: Path, tmp_path: Path, layout: LayoutName
) -> None:
    # Somebody's file goes bad after the baseline was loaded, and is put right soon after.
    bad = tmp_path / "t" / "others" / "late.yml"
    with trial(program, promtool, tmp_path / "t", layout, proxied=True) as t:
        t.proxy.on_reloads(
            passed_on,
            after(lambda: bad.write_text(foreign_rules("late").replace("vector(3)", "vector(3"))),
            after(bad.unlink),
        )
        result = t.deploy()
        t.rolled_back(result, "RC821", "refuses to load")
        found(result, "RC896", f"{bad}.* not ours.*parse error", "owner")
        t.converges()


@BOTH
def test_fault_30_500_because_of_ours(
    prometheus: Path, promtool: Path, tmp_path: Path, layout: LayoutName
) -> None:
    # promtool passed it when it was asked first.
    own, asked = tmp_path / "promtool", tmp_path / "asked"
    own.write_text(
        f"""#!/bin/sh
case "$1" in --version) exec {promtool} "$@";; esac
[ -e {asked} ] && exec {promtool} "$@"
touch {asked}
for file; do
  case $file in *.yml) printf 'Checking %s\\n  SUCCESS: 1 rules found\\n\\n' "$file";; esac
done
"""
    )
    own.chmod(0o755)
    wrong = release(cpu=rule_file(expr="vector(1"), mem=OLD.files["group-mem.yml"])
    with trial(prometheus, promtool, tmp_path / "t", layout) as t:
        t.world.environ["PROMTOOL_PATH"] = str(own)
        result = t.deploy(wrong)
        t.rolled_back(result, "RC821", "refuses to load")
        found(result, "RC874", "group-cpu.yml.*parse error", "rulecompiler check")
        assert "RC896" not in codes(result)  # it is nobody else's
        t.survives_a_restart()
        t.converges(restarted=True)


# --- it is not there, or not any more ------------------------------------------------


@EACH
def test_fault_25_down_before(program: Path, promtool: Path, tmp_path: Path, layout: LayoutName) -> None:
    with trial(program, promtool, tmp_path / "t", layout) as t:
        t.server.kill()
        result = t.deploy(ready_timeout=0.3)
        assert result.exit_code == 2
        found(result, "RC812", "cannot be reached", "curl .*/-/ready")
        t.lies(OLD)
        t.survives_a_restart()
        t.converges(restarted=True)


@contextmanager
def supervised(server: Server) -> Iterator[None]:
    """Starts the server again whenever it has ended, as a service manager does."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.05):
            if server.process.poll() is not None:
                server.restart()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@EACH
def test_fault_26_dies_during_the_reload_and_comes_back(
    program: Path, promtool: Path, tmp_path: Path, layout: LayoutName
) -> None:
    with trial(program, promtool, tmp_path / "t", layout, proxied=True) as t, supervised(t.server):
        t.proxy.on_reloads(passed_on, after(t.server.kill, cut))
        t.live(t.deploy(), restarted=True)
        t.converges(restarted=True)


@EACH
def test_fault_26_dies_during_the_reload_for_good(
    program: Path, promtool: Path, tmp_path: Path, layout: LayoutName
) -> None:
    with trial(program, promtool, tmp_path / "t", layout, proxied=True) as t:
        t.proxy.on_reloads(passed_on, after(t.server.kill, cut))
        t.unknown(t.deploy(ready_timeout=0.5), "RC814", "broke off", "run this again")
        t.survives_a_restart()  # with what ran before
        t.converges(restarted=True)


def test_fault_27_restarts_between_swap_and_reload(program: Path, promtool: Path, tmp_path: Path) -> None:
    with trial(program, promtool, tmp_path / "t", proxied=True) as t:
        t.proxy.on_reloads(passed_on, after(t.server.restart))
        t.live(t.deploy(), restarted=True)
        assert t.proxy.reloads == 2
        t.converges(restarted=True)


@BOTH
def test_fault_28_crash_loops_on_the_new_set(
    prometheus: Path, promtool_3: Path, tmp_path: Path, layout: LayoutName
) -> None:
    # A bad file is fatal at the start, so it ends again and again until the old files are back.
    with trial(prometheus, promtool_3, tmp_path / "t", layout, proxied=True) as t:
        with supervised(t.server):
            t.proxy.on_reloads(passed_on, after(t.server.kill, cut))
            result = t.deploy(TOO_NEW, ready_timeout=2.0)
        assert result.exit_code == 3, result
        # Whether the lost connection or the wait for it is told, depends on where in its loop it is asked.
        told = {each.code for each in result.targets[0].diagnostics if each.severity is Severity.ERROR}
        assert told in ({"RC814"}, {"RC819"})
        t.lies(OLD)
        t.survives_a_restart()
        t.converges(restarted=True)


def test_fault_29_starts_slowly(prometheus: Path, promtool: Path, tmp_path: Path) -> None:
    with trial(prometheus, promtool, tmp_path / "t", proxied=True) as t:
        t.proxy.on("/-/ready", answers(503, "Service Unavailable"))
        t.refused(t.deploy(ready_timeout=0.4), "RC819", "not ready after 0.4 s", "ready_timeout")
        times = iter([answers(503), answers(503), passed_on])
        t.proxy.on("/-/ready", lambda request: next(times, passed_on)(request))
        t.live(t.deploy())
        t.converges()


# --- it does not answer in time --------------------------------------------------------


def thaw(t: Trial) -> None:
    t.server.signal(signal.SIGCONT)
    assert within(10, lambda: t.server.get("/-/ready").status_code == 200)


@EACH
def test_fault_32_applies_late(program: Path, promtool: Path, tmp_path: Path, layout: LayoutName) -> None:
    with trial(program, promtool, tmp_path / "t", layout, proxied=True) as t:
        t.proxy.on_reloads(passed_on, after(frozen(t.server, 1.2)))
        t.live(t.deploy(reload_timeout=0.5))
        assert t.proxy.reloads == 3  # the baseline, the late one and the barrier
        t.converges()


def test_fault_32_was_lost(prometheus: Path, promtool: Path, tmp_path: Path) -> None:
    with trial(prometheus, promtool, tmp_path / "t", proxied=True) as t:
        t.proxy.on_reloads(passed_on, silent(1.0))
        t.live(t.deploy(reload_timeout=0.5))
        assert t.proxy.reloads == 3
        t.converges()


def test_fault_32_late_and_refused(prometheus: Path, promtool_3: Path, tmp_path: Path) -> None:
    with trial(prometheus, promtool_3, tmp_path / "t", proxied=True) as t:
        t.proxy.on_reloads(passed_on, after(frozen(t.server, 1.2)))
        t.rolled_back(t.deploy(TOO_NEW, reload_timeout=0.5), "RC821")
        t.converges()


def test_fault_32_applies_after_the_rollback(prometheus_3: Path, promtool: Path, tmp_path: Path) -> None:
    # Whenever it comes, it finds the old files.
    with trial(prometheus_3, promtool, tmp_path / "t", proxied=True) as t:
        before = t.world.reloads()
        t.proxy.on_reloads(passed_on, late(1.5), answers(500, REJECTED))
        t.rolled_back(t.deploy(reload_timeout=0.5), "RC821")
        assert within(5, lambda: t.world.reloads() == before + 3)
        t.stands(OLD)
        t.converges()


@EACH
def test_fault_33_never_answers(program: Path, promtool: Path, tmp_path: Path, layout: LayoutName) -> None:
    with trial(program, promtool, tmp_path / "t", layout, proxied=True) as t:
        t.proxy.on_reloads(passed_on, after(frozen(t.server)))
        t.unknown(t.deploy(reload_timeout=0.4, ready_timeout=0.4), "RC813", "did not answer", "log and load")
        thaw(t)
        t.stands(OLD)  # the reload that it had got found the old files
        t.survives_a_restart()
        t.converges(restarted=True)


def test_fault_33_never_answers_the_deployer(prometheus: Path, promtool: Path, tmp_path: Path) -> None:
    # It is ready, and reloads hang; then they do not any more, and nobody has run again.
    with trial(prometheus, promtool, tmp_path / "t", proxied=True) as t:
        t.proxy.on_reloads(passed_on, *[silent(0.6)] * 8)
        t.unknown(
            t.deploy(reload_timeout=0.3, ready_timeout=0.4), "RC822", "not known", "rulecompiler status"
        )
        t.proxy.on_reloads()
        t.stands(OLD)
        t.converges()
