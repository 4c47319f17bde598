"""Fault 55: one of two servers fails, and both go back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rulecompiler.deploy.inspection import status
from rulecompiler.deploy.journal import Journal, lock, write_journal
from rulecompiler.deploy.opening import layout_of, site_of
from rulecompiler.deploy.transaction import Result, Status
from tests.deploy.proxies import REJECTED, after, answers, cut, passed_on
from tests.deploy.trial import NEW, OLD, Trial, found, trial
from tests.deploy.world import QUICK, deploy_all


class Pair:
    """Two replicas, one of each version and layout; what is deployed goes to one after the other."""

    def __init__(self, first: Trial, second: Trial) -> None:
        self.both = first, second
        for each, name in zip(self.both, ("first", "second"), strict=True):
            each.world.target = replace(each.world.target, name=name)

    def deploy(self, *, canary: bool = False, ready_timeout: float = QUICK.ready_timeout) -> Result:
        first, second = (replace(t.world.target, ready_timeout=ready_timeout) for t in self.both)
        work = [(replace(first, canary=canary), NEW), (second, NEW)]
        return deploy_all(work, self.both[0].world.environ)

    def converges(self, *, restarted: bool = False) -> None:
        assert self.deploy().exit_code == 0
        before = [(t.world.snapshot(), t.world.reloads()) for t in self.both]
        result = self.deploy()
        assert [target.status for target in result.targets] == [Status.UNCHANGED] * 2
        assert [(t.world.snapshot(), t.world.reloads()) for t in self.both] == before
        for t in self.both:
            t.stands(NEW, restarted=restarted)


@pytest.fixture
def pair(prometheus: Path, prometheus_3: Path, promtool: Path, tmp_path: Path) -> Iterator[Pair]:
    with (
        trial(prometheus, promtool, tmp_path / "first", "release", proxied=True) as first,
        trial(prometheus_3, promtool, tmp_path / "second", "flat", proxied=True) as second,
    ):
        yield Pair(first, second)


def statuses(result: Result) -> list[Status]:
    return [target.status for target in result.targets]


def test_fault_55_one_of_two_fails(pair: Pair) -> None:
    first, second = pair.both
    # The second one: the first has the new rules already.
    second.proxy.on_reloads(passed_on, answers(500, REJECTED))
    result = pair.deploy()
    assert statuses(result) == [Status.ROLLED_BACK] * 2
    for t in pair.both:
        t.rolled_back(result, "RC821")
    # The first one: the second is not touched.
    first.proxy.on_reloads(passed_on, answers(401))
    second.remember()
    result = pair.deploy()
    assert statuses(result) == [Status.ROLLED_BACK, Status.UNTOUCHED]
    first.rolled_back(result, "RC817")
    second.rolled_back(result, "RC817")
    for t in pair.both:
        t.survives_a_restart()
    pair.converges(restarted=True)


def test_fault_55_a_canary_fails(pair: Pair) -> None:
    first, second = pair.both
    before = second.world.reloads()
    first.proxy.on_reloads(passed_on, answers(500, REJECTED))
    result = pair.deploy(canary=True)
    assert statuses(result) == [Status.ROLLED_BACK, Status.UNTOUCHED]
    for t in pair.both:
        t.rolled_back(result, "RC821")
    assert second.world.reloads() == before + 1  # the baseline
    pair.converges()


def test_fault_55_one_of_two_is_down(pair: Pair) -> None:
    first, second = pair.both
    second.server.kill()
    result = pair.deploy(ready_timeout=0.3)
    assert result.exit_code == 2, result
    found(result, "RC814", "second|broke off|http")
    first.stands(OLD)
    second.lies(OLD)
    second.survives_a_restart()
    pair.converges(restarted=True)


def test_fault_55_one_of_two_took_up_what_was_interrupted(pair: Pair) -> None:
    first, second = pair.both
    layout = layout_of(first.world.target)
    assert layout.stage(NEW) is None
    assert write_journal(layout.folder, Journal(OLD.id, NEW.id, "forward")) is None
    assert layout.switch(OLD.id, NEW.id).fault is None
    planned = first.world.deploy(NEW, dry_run=True)
    assert planned.exit_code == 2, planned
    found(planned, "RC854", "interrupted", "rulecompiler deploy")
    second.server.kill()
    result = pair.deploy(ready_timeout=0.3)
    assert statuses(result) == [Status.ROLLED_BACK, Status.REFUSED]
    first.rolled_back(result, "RC814")
    second.lies(OLD)
    second.survives_a_restart()
    pair.converges(restarted=True)


def test_fault_55_one_of_two_dies(pair: Pair) -> None:
    # The other one goes back all the same.
    first, second = pair.both
    second.proxy.on_reloads(passed_on, after(second.server.kill, cut))
    result = pair.deploy(ready_timeout=0.5)
    assert statuses(result) == [Status.ROLLED_BACK, Status.UNKNOWN]
    assert result.exit_code == 4
    first.stands(OLD)
    second.unknown(result, "RC814")
    second.survives_a_restart()
    pair.converges(restarted=True)


def test_status_tells_a_deployment_that_runs_from_one_that_was_interrupted(pair: Pair) -> None:
    target = pair.both[0].world.target
    folder = layout_of(target).folder
    assert write_journal(folder, Journal(OLD.id, OLD.id, "forward")) is None

    def seen() -> set[str]:
        site = site_of(target, None)
        with site.server:
            return {each.code for each in status(site).diagnostics}

    with lock(folder) as locked_out:
        assert locked_out is None
        assert seen() == {"RC844"}
    assert seen() == {"RC854"}
    pair.converges()
