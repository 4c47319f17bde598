"""Faults 39 to 41: files of others under the same globs."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from rulecompiler.deploy.settings import LayoutName
from tests.deploy.proxies import after, passed_on
from tests.deploy.trial import EACH, foreign_rules, found, trial
from tests.servers import within

BAD = {
    "a query": foreign_rules("bad").replace("vector(3)", "vector(3"),
    "YAML": "groups: [",
    "an unknown field": foreign_rules("bad").replace("expr:", "query: x\n    expr:"),
    "a group twice": foreign_rules("bad") + foreign_rules("bad").removeprefix("groups:\n"),
}


@pytest.fixture(params=["prometheus", "prometheus_3"])
def program(request: pytest.FixtureRequest) -> Path:
    path: Path = request.getfixturevalue(request.param)
    return path


@EACH
def test_fault_39_a_bad_file_of_others(
    program: Path, promtool: Path, tmp_path: Path, layout: LayoutName
) -> None:
    with trial(program, promtool, tmp_path / "t", layout) as t:
        bad = (t.world.folder if layout == "flat" else tmp_path / "t" / "others") / "bad.yml"
        for content in BAD.values():
            bad.write_text(content)
            t.remember()
            result = t.deploy()
            bad.rename(tmp_path / "bad.yml")  # what is compared with what runs are good files alone
            t.refused(result, "RC896", f"{bad}.*which is not ours", "owner", told=1)
            found(result, "RC821", "refuses to load")
        t.survives_a_restart()
        t.converges(restarted=True)


@EACH
def test_fault_40_a_good_file_of_others(
    program: Path, promtool: Path, tmp_path: Path, layout: LayoutName
) -> None:
    # It has come since the last reload, another one comes while this deployment is under way.
    with trial(program, promtool, tmp_path / "t", layout, proxied=True) as t:
        beside = t.world.folder if layout == "flat" else tmp_path / "t" / "others"
        t.put_foreign(beside / "early.yml")
        t.proxy.on_reloads(passed_on, after(lambda: t.put_foreign(beside / "late.yml")))
        t.live(t.deploy(), "RC897")
        t.converges()


def special(path: Path, kind: int) -> None:
    os.mknod(path, kind | 0o644)


SPECIAL: Mapping[str, Callable[[Path], None]] = {
    "a named pipe": lambda path: special(path, stat.S_IFIFO),
    "a socket": lambda path: special(path, stat.S_IFSOCK),
    "a folder": lambda path: path.mkdir(),
    "leads nowhere": lambda path: path.symlink_to("nowhere"),
    "folder": lambda path: path.symlink_to("/"),
}


@pytest.mark.parametrize(
    ("program", "where"),
    [("prometheus", "flat"), ("prometheus", "current"), ("prometheus_3", "others")],
    indirect=["program"],
)
def test_fault_41_what_is_no_file(program: Path, promtool: Path, tmp_path: Path, where: str) -> None:
    layout: LayoutName = "flat" if where == "flat" else "release"
    with trial(program, promtool, tmp_path / "t", layout) as t:
        folders = {
            "flat": t.world.folder,
            "others": tmp_path / "t" / "others",
            "current": t.world.folder / "current",
        }
        for what, make in SPECIAL.items():
            path = folders[where] / ".hidden.yml"  # which the glob finds as well
            make(path)
            result = t.deploy()
            path.rmdir() if what == "a folder" else path.unlink()
            assert result.exit_code == 2, result
            errors = [each for each in result.targets[0].diagnostics if str(path) in each.message]
            assert errors, result
            assert {each.code for each in errors} <= {"RC833", "RC834"}
            t.refused(result, errors[0].code, "", "move|remove|away")
        t.converges()


def test_fault_41_a_pipe_that_comes_too_late_to_be_seen(
    prometheus: Path, promtool: Path, tmp_path: Path
) -> None:
    # The reload hangs in it, until somebody takes it away.
    pipe = tmp_path / "t" / "others" / "pipe.yml"
    with trial(prometheus, promtool, tmp_path / "t", proxied=True) as t:
        t.proxy.on_reloads(passed_on, after(lambda: os.mkfifo(pipe)))
        result = t.deploy(reload_timeout=0.4, ready_timeout=0.5)
        again = t.deploy(reload_timeout=0.4, ready_timeout=0.5)
        end = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)  # the server reads on, and finds nothing
        pipe.unlink()
        os.close(end)
        t.unknown(result, "RC822", "not known", "rulecompiler status")
        assert again.exit_code == 4, again
        found(again, "RC833", f"{pipe}.*named pipe", "move it away")
        assert within(10, lambda: t.server.get("/-/ready").status_code == 200)
        t.converges()
