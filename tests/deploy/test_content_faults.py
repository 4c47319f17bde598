"""Faults 34 to 37: the server says that it reloaded, and runs something else than what is on disk."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import pytest

from rulecompiler.deploy.settings import LayoutName
from tests.deploy.proxies import after, answers, passed_on
from tests.deploy.trial import BOTH, EACH, NEW, OLD, Trial, found, trial


@pytest.fixture(params=["prometheus", "prometheus_3"])
def program(request: pytest.FixtureRequest) -> Path:
    path: Path = request.getfixturevalue(request.param)
    return path


@EACH
def test_fault_34_zero_rules(program: Path, promtool: Path, tmp_path: Path, layout: LayoutName) -> None:
    with trial(program, promtool, tmp_path / "t", layout, mirrored=True) as t:
        gone = after(lambda: t.mirror.copy(only=()))
        t.proxy.on_reloads(t.proxy.usual, gone, gone)
        result = t.deploy()
        assert result.exit_code == 3, result
        found(result, "RC860", "none of these rules", "mounted there, and readable")
        t.stands(OLD, restarted=True)  # the alerts were gone for a moment, which nobody can undo
        t.survives_a_restart()
        t.converges(restarted=True)


def test_fault_34_zero_rules_before_anything_was_changed(
    prometheus: Path, promtool: Path, tmp_path: Path
) -> None:
    # What the server reads was gone already, and the reload to try the way back brings it to light.
    with trial(prometheus, promtool, tmp_path / "t", mirrored=True) as t:
        usual = t.proxy.usual
        t.proxy.usual = after(lambda: t.mirror.copy(only=()))
        t.proxy.on_reloads()
        t.unknown(t.deploy(), "RC860", "none of these rules", "mounted there")
        t.proxy.usual = usual
        t.converges(restarted=True)


def test_fault_34_zero_rules_for_a_moment_beforehand(
    prometheus: Path, promtool: Path, tmp_path: Path
) -> None:
    with trial(prometheus, promtool, tmp_path / "t", mirrored=True) as t:
        gone = after(lambda: t.mirror.copy(only=()))
        t.proxy.on_reloads(gone, gone)
        result = t.deploy()
        assert result.exit_code == 2, result
        found(result, "RC860")
        t.stands(OLD, restarted=True)  # put right before it gave up
        t.converges(restarted=True)


CUTS: Mapping[str, tuple[Callable[[Trial], None], str, str]] = {
    "a file is missing": (
        lambda t: t.mirror.copy(only=NEW.files.keys() - {"group-disk.yml"}),
        "RC851",
        "disk",
    ),
    "a file is empty": (lambda t: t.mirror.copy(cut={"group-disk.yml": b""}), "RC851", "disk"),
    "a file is cut before `for`": (
        lambda t: t.mirror.copy(
            cut={"group-disk.yml": NEW.files["group-disk.yml"].partition(b"    for:")[0]}
        ),
        "RC853",
        "for",
    ),
}


@BOTH
def test_fault_35_something_is_missing(
    prometheus: Path, promtool: Path, tmp_path: Path, layout: LayoutName
) -> None:
    with trial(prometheus, promtool, tmp_path / "t", layout, mirrored=True) as t:
        for copy, code, what in CUTS.values():
            bad = after(partial(copy, t))
            t.proxy.on_reloads(t.proxy.usual, bad, bad)
            t.rolled_back(t.deploy(), code, what)
            assert t.proxy.reloads == 4
            t.remember()
        t.survives_a_restart()
        t.converges(restarted=True)


@EACH
def test_fault_36_a_stale_copy(program: Path, promtool: Path, tmp_path: Path, layout: LayoutName) -> None:
    with trial(program, promtool, tmp_path / "t", layout, mirrored=True) as t:
        t.proxy.usual = passed_on  # from now on, nobody copies
        t.proxy.on_reloads()
        t.rolled_back(
            t.deploy(), "RC861", "still reads the files that were there before", "mount the folder above"
        )
        t.proxy.usual = after(t.mirror.copy)
        t.converges()


def test_fault_36_the_link_itself_is_mounted(prometheus: Path, promtool: Path, tmp_path: Path) -> None:
    # As when `current` is the volume: the server goes on with the release that it led to then.
    with trial(prometheus, promtool, tmp_path / "t", mirrored=True) as t:
        shutil.rmtree(t.mirror.folder)
        t.mirror.folder.symlink_to((t.world.folder / "current").resolve())
        t.proxy.usual = passed_on
        t.proxy.on_reloads()
        t.rolled_back(t.deploy(), "RC861", "still reads", "must lead through the link")
        t.survives_a_restart()
        t.mirror.folder.unlink()
        t.mirror.folder.symlink_to(t.world.folder / "current")
        t.converges(restarted=True)


@EACH
def test_fault_37_a_mixed_set(program: Path, promtool: Path, tmp_path: Path, layout: LayoutName) -> None:
    # Somebody else's reload read half of the old files and half of the new ones, and came out last.
    mixed = {"group-cpu.yml": OLD.files["group-cpu.yml"]}
    with trial(program, promtool, tmp_path / "t", layout, mirrored=True) as t:
        t.proxy.on_reloads(t.proxy.usual, after(lambda: t.mirror.copy(cut=mixed)))
        t.live(t.deploy())
        assert t.proxy.reloads == 3
        t.converges()


def test_fault_34_the_answer_is_somebody_elses(prometheus: Path, promtool: Path, tmp_path: Path) -> None:
    # 200, from something that stands in the server's place: nothing was reloaded.
    with trial(prometheus, promtool, tmp_path / "t", proxied=True) as t:
        t.proxy.on_reloads(passed_on, answers(200))
        t.rolled_back(t.deploy(), "RC879", "did not reload", "`url` leads to the server itself")
        t.converges()


def test_fault_36_the_server_has_another_folder(prometheus: Path, promtool: Path, tmp_path: Path) -> None:
    # Not even the glob fits: known before anything happens.
    with trial(prometheus, promtool, tmp_path / "t") as t:
        t.refused(t.deploy(server_path="/elsewhere"), "RC873", "`rule_files` say", "server_path.*rule_files")
        t.converges()
