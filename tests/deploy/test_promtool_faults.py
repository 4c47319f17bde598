"""Faults 21 to 23: a promtool that is not there, crashes, talks nonsense, or never ends."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

from rulecompiler.deploy.settings import LayoutName
from tests.deploy.trial import BOTH, NEW, trial
from tests.servers import within


def script(path: Path, content: str) -> Path:
    path.write_text(f"#!/bin/sh\n{content}\n")
    path.chmod(0o755)
    return path


def test_fault_21_promtool_is_missing(prometheus: Path, promtool: Path, tmp_path: Path) -> None:
    named = tmp_path / "own-promtool"
    with trial(prometheus, promtool, tmp_path / "t") as t:
        before = t.world.snapshot()
        for code in ("RC601", "RC602"):  # not there; there, and no program
            done = t.world.run(NEW, PROMTOOL_PATH=str(named))
            assert done.returncode == 2, done.stdout + done.stderr
            (found,) = json.loads(done.stdout)["diagnostics"]
            assert found["code"] == code
            assert "PROMTOOL_PATH" in found["message"] + found["help"]
            assert t.world.snapshot() == before
            t.stands(t.old)
            named.write_text("no program")
        t.survives_a_restart()
        t.converges(restarted=True)


@BOTH
def test_fault_21_promtool_goes_while_deploying(
    prometheus: Path, promtool: Path, tmp_path: Path, layout: LayoutName
) -> None:
    # It is found, says its version, and is gone when it is to check.
    own = tmp_path / "promtool"
    script(own, f'rm -f {own}\nexec {promtool} "$@"')
    with trial(prometheus, promtool, tmp_path / "t", layout) as t:
        t.world.environ["PROMTOOL_PATH"] = str(own)
        t.refused(t.deploy(), "RC602", "could not be started", "PROMTOOL_PATH")
        t.world.environ["PROMTOOL_PATH"] = str(promtool)
        t.converges()


CRASHES = {
    "check": ('case "$1" in --version) exec {promtool} "$@";; esac\nkill -SEGV $$', "RC604"),
    "version": ('case "$1" in --version) kill -SEGV $$;; esac\nexec {promtool} "$@"', "RC604"),
    "nonsense": ('case "$1" in --version) exec {promtool} "$@";; esac\necho All is well', "RC605"),
    "silence": ("exit 0", "RC605"),
    "another failure": ('case "$1" in --version) exec {promtool} "$@";; esac\nexit 3', "RC605"),
}


@BOTH
def test_fault_22_promtool_crashes(
    prometheus: Path, promtool: Path, tmp_path: Path, layout: LayoutName
) -> None:
    with trial(prometheus, promtool, tmp_path / "t", layout) as t:
        for content, code in CRASHES.values():
            own = script(tmp_path / "promtool", content.format(promtool=promtool))
            t.world.environ["PROMTOOL_PATH"] = str(own)
            t.refused(t.deploy(), code, "promtool", str(own))
        t.world.environ["PROMTOOL_PATH"] = str(promtool)
        t.converges()


def test_fault_23_promtool_hangs(prometheus: Path, promtool: Path, tmp_path: Path) -> None:
    children = tmp_path / "children"
    own = script(
        tmp_path / "promtool",
        f'case "$1" in --version) exec {promtool} "$@";; esac\nsleep 600 &\necho $$ $! > {children}\nwait',
    )
    with trial(prometheus, promtool, tmp_path / "t") as t:
        t.world.environ["PROMTOOL_PATH"] = str(own)
        t.world.settings = replace(t.world.settings, timeout=0.5)
        t.refused(t.deploy(), "RC603", "0.5 seconds", "promtool --version")
        pids = [int(word) for word in children.read_text().split()]
        assert within(5, lambda: not any(map(_runs, pids)))  # the whole of its process group is gone
        t.world.settings = replace(t.world.settings, timeout=60)
        t.world.environ["PROMTOOL_PATH"] = str(promtool)
        t.converges()


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z" and os.path.exists(f"/proc/{pid}")
