"""Faults 38 and 54: rules that load and cannot be evaluated, and a server that reloads by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from rulecompiler.deploy.opening import layout_of
from rulecompiler.deploy.release import Release
from rulecompiler.deploy.settings import LayoutName
from rulecompiler.deploy.target import Consent
from rulecompiler.deploy.transaction import ExitCode
from rulecompiler.diagnostics import Severity
from tests.deploy.proxies import after, passed_on
from tests.deploy.trial import BOTH, EACH, NEW, OLD, Trial, trial
from tests.deploy.world import codes, release, rule_file
from tests.servers import page, scrape, within

SERIES = 'left{a="1"} 1\nleft{a="2"} 1\nright{b="1"} 1\nright{b="2"} 1\n'
MANY = "left * on () right > 0"


@pytest.fixture(params=["prometheus", "prometheus_3"])
def program(request: pytest.FixtureRequest) -> Path:
    path: Path = request.getfixturevalue(request.param)
    return path


def with_failing(base: Release, comment: str = "") -> Release:
    """And a rule that fails over the data of the page."""
    return Release({**base.files, "group-bad.yml": rule_file("bad", expr=MANY, alert="Bad", comment=comment)})


def has_data(t: Trial) -> bool:
    return within(20, lambda: t.server.count("left") == 2 and t.server.count("right") == 2)


@EACH
def test_fault_38_a_rule_cannot_be_evaluated(
    program: Path, promtool: Path, tmp_path: Path, layout: LayoutName
) -> None:
    with (
        page(SERIES) as address,
        trial(program, promtool, tmp_path / "t", layout, scrapes=[scrape("page", address, [{}])]) as t,
    ):
        assert has_data(t)
        result = t.deploy(with_failing(NEW))
        t.rolled_back(result, "RC863", "Bad in group-bad.yml.*many-to-many", "correct the query")

        # The same as a warning.
        result = t.deploy(with_failing(OLD), on_evaluation_error="warn")
        t.live(result, "RC863", wanted=with_failing(OLD))
        (warning,) = (each for each in result.targets[0].diagnostics if each.code == "RC863")
        assert warning.severity is Severity.WARNING

        # From now on it is nobody's fault but its author's, who may go on.
        assert within(5, lambda: "bad/Bad" in t.server.faults())
        t.old = with_failing(OLD)
        t.remember()
        t.live(t.deploy(with_failing(NEW)), wanted=with_failing(NEW))
        t.live(t.deploy(with_failing(NEW, comment="the same")), wanted=with_failing(NEW, comment="the same"))
        t.converges()


AUTO = ("--enable-feature=auto-reload-config", "--config.auto-reload-interval=1s")


def reload_failed(t: Trial) -> bool:
    lines = t.server.get("/metrics").text.splitlines()
    return "prometheus_config_last_reload_successful 0" in lines


@BOTH
def test_fault_54_auto_reload(prometheus_3: Path, promtool: Path, tmp_path: Path, layout: LayoutName) -> None:
    too_old = release(
        cpu=rule_file(expr="holt_winters(up[5m], 0.5, 0.5) > 0"), mem=OLD.files["group-mem.yml"]
    )
    with trial(prometheus_3, promtool, tmp_path / "t", layout, proxied=True, flags=AUTO) as t:
        # It has seen the new files by itself, and refused them, before it is told.
        t.proxy.on_reloads(passed_on, after(lambda: within(10, lambda: reload_failed(t))))
        t.rolled_back(t.deploy(too_old), "RC821")
        assert t.proxy.reloads == 3
        assert not reload_failed(t)
        t.survives_a_restart()
        t.converges(restarted=True)
        # It has seen them by itself, and runs them, before it is told.
        t.old = NEW
        t.remember()
        more = Release({**NEW.files, "group-net.yml": rule_file("net", alert="Net")})
        t.proxy.on_reloads(
            passed_on, after(lambda: within(10, lambda: ("group-net.yml", "net") in t.world.running()))
        )
        t.live(t.deploy(more), wanted=more)


def test_fault_54_auto_reload_instead_of_ours(prometheus_3: Path, promtool: Path, tmp_path: Path) -> None:
    # With `reload: false`, it is relied upon; what nobody loads does not go live.
    with trial(prometheus_3, promtool, tmp_path / "t", flags=AUTO) as t:
        t.live(t.deploy(reload=False))
        assert t.told() == 0
        t.converges(reload=False)


def test_fault_54_nobody_reloads(prometheus: Path, promtool: Path, tmp_path: Path) -> None:
    with trial(prometheus, promtool, tmp_path / "t") as t:
        t.rolled_back(t.deploy(reload=False, reload_timeout=0.5), "RC862", "nobody else", "reload: true")
        assert codes(t.deploy(reload=False, reload_timeout=0.5)) >= {"RC862"}
        t.converges()


def test_fault_54_nobody_loads_what_lies_there_already(
    prometheus: Path, promtool: Path, tmp_path: Path
) -> None:
    # No file changes, and yet it is not live: the server runs something else.
    with trial(prometheus, promtool, tmp_path / "t") as t:
        layout = layout_of(t.world.target)
        assert layout.stage(NEW) is None
        assert layout.switch(OLD.id, NEW.id).fault is None
        t.old = NEW
        result = t.deploy(consent=Consent(drift=True), reload=False, reload_timeout=0.5)
        assert result.exit_code == ExitCode.REFUSED, result
        assert codes(result) >= {"RC862"}
        t.lies(NEW)
        assert t.told() == 0
        t.converges(consent=Consent(drift=True))


def test_fault_38_the_server_dies_while_it_is_watched(
    prometheus: Path, promtool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The new rules run, and kill it: known only when it is asked how their evaluation went.
    monkeypatch.setattr("rulecompiler.deploy.server._DELAYS_SECONDS", (0.1,))
    with trial(prometheus, promtool, tmp_path / "t", proxied=True) as t:
        answers = iter(range(100))

        def dies(request: object) -> None:
            if t.proxy.reloads == 2 and next(answers) == 1:  # after the look that compares what runs
                t.server.kill()

        t.proxy.on_reloads()
        t.proxy.on("/api/v1/rules", lambda request: after(lambda: dies(request))(request))
        t.unknown(t.deploy(ready_timeout=0.5), "RC814", "broke off")
        t.survives_a_restart()
        t.converges(restarted=True)
