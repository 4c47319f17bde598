"""Faults 42 to 49: a folder that somebody else works on, or that is not as it was left."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rulecompiler.deploy.history import earlier, kept
from rulecompiler.deploy.journal import lock
from rulecompiler.deploy.release import Release
from rulecompiler.deploy.target import Consent
from rulecompiler.diagnostics import Diagnostic
from tests.deploy.disk_world import EARLIEST, NEW, OLD, OTHER, DiskWorld
from tests.deploy.proxies import Proxy, after, passed_on, proxy_to
from tests.deploy.world import codes, rule_file

PATIENCE = 30


class Held:
    """A deployment that waits at its n-th reload until it is let go."""

    def __init__(self, w: DiskWorld, proxy: Proxy, wanted: Release, number: int) -> None:
        self._go, self._there = threading.Event(), threading.Event()

        def wait() -> None:
            self._there.set()
            self._go.wait(PATIENCE)

        proxy.on_reloads(*[passed_on] * (number - 1), after(wait))
        self._process = w.start(w.command(wanted), proxy.url)
        assert self._there.wait(PATIENCE), self._process.communicate()

    def end(self) -> tuple[int, set[str]]:
        """Let it go; its exit code, and what it found."""
        self._go.set()
        said, _ = self._process.communicate(timeout=PATIENCE)
        return self._process.returncode, {each["code"] for each in json.loads(said)["diagnostics"]}


def test_fault_42_two_deployers_on_one_host(w: DiskWorld) -> None:
    with proxy_to(w.server) as proxy:
        first = Held(w, proxy, NEW, 2)
        reloads, seen = w.reloads(), w.snapshot()
        for wanted in (OTHER, NEW):
            second = w.deploy(wanted)
            assert (second.exit_code, codes(second)) == (2, {"RC844"})
        assert (w.reloads(), w.snapshot()) == (reloads, seen)
        assert first.end() == (0, set())
    w.holds(NEW)
    w.intact(NEW)
    w.arrives(OTHER)


def test_fault_42_the_lock_ends_with_its_process(w: DiskWorld) -> None:
    with lock(w.folder) as fault:
        assert fault is None
        w.refuses(NEW, "RC844")
    w.arrives(NEW)


def other_host(w: DiskWorld) -> None:
    """From now on another one's lock is not seen."""
    path = w.folder / ".rulecompiler" / "lock"
    path.unlink()
    path.write_bytes(b"")


def test_fault_43_two_hosts_one_overtakes_before_the_swap(w: DiskWorld) -> None:
    with proxy_to(w.server) as proxy:
        first = Held(w, proxy, NEW, 1)
        other_host(w)
        w.arrives(OTHER)
        reloads, seen = w.reloads(), {k: v for k, v in w.snapshot().items() if NEW.id not in k}
        assert first.end() == (2, {"RC899"})
    w.holds(OTHER)
    w.intact(OTHER)
    # It has stored its release before it saw that, and told the server to load what was there.
    assert w.reloads() == reloads + 2  # the second time in case somebody else had been reloading
    live = [name for name in seen if name == "current" or name.endswith(".yml")]
    assert {name: w.snapshot()[name] for name in live} == {name: seen[name] for name in live}
    w.arrives(NEW)


def test_fault_43_two_hosts_one_overtakes_after_the_swap(w: DiskWorld) -> None:
    with proxy_to(w.server) as proxy:
        first = Held(w, proxy, NEW, 2)
        other_host(w)
        # It takes the other's journal for that of a run that has died, and undoes it.
        assert w.deploy(OTHER).exit_code == 0
        w.holds(OTHER)
        code, found = first.end()
        # What runs is the other's business now; this one can vouch for nothing, and undoes nothing.
        assert (code, "RC899" in found) == (4, True)
    w.holds(OTHER)
    w.intact(OTHER)
    w.arrives(NEW)


def test_fault_43_two_hosts_deploy_the_same(w: DiskWorld) -> None:
    with proxy_to(w.server) as proxy:
        first = Held(w, proxy, NEW, 2)
        other_host(w)
        assert w.deploy(NEW).exit_code == 0
        assert first.end()[0] == 0
    w.holds(NEW)
    w.intact(NEW)
    w.arrives(NEW)


def test_fault_43_the_journal_of_an_overtaken_run_is_void(w: DiskWorld) -> None:
    journal = {"format": 1, "old": EARLIEST.id, "new": NEW.id, "direction": "back"}
    (w.folder / ".rulecompiler" / "journal.json").write_text(json.dumps(journal))
    w.arrives(OLD)


# --- by hand ---------------------------------------------------------------------


def live_file(w: DiskWorld, name: str) -> Path:
    return w.folder / "current" / name if w.target.layout == "release" else w.folder / name


EDITS: dict[str, Callable[[Path], object]] = {
    "changed": lambda path: path.write_bytes(path.read_bytes().replace(b"vector(1)", b"vector(7)")),
    "removed": lambda path: path.unlink(),
    "emptied": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-40]),
    "broken": lambda path: path.write_bytes(path.read_bytes() + b"no: yaml: here\n"),
    "reformatted": lambda path: path.write_bytes(path.read_bytes() + b"# a comment\n"),
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("wanted", [OLD, NEW], ids=["same", "another"])
def test_fault_44_a_release_edited_by_hand(w: DiskWorld, edit: str, wanted: Release) -> None:
    path = live_file(w, "group-b.yml")
    EDITS[edit](path)
    w.refuses(wanted, "RC856")
    if edit in ("changed", "reformatted"):
        result = w.deploy(wanted, Consent(drift=True))
        assert result.exit_code == 0, result
        w.holds(wanted)
        w.arrives(wanted)


def test_fault_44_a_file_added_by_hand(w: DiskWorld) -> None:
    path = live_file(w, "group-x.yml")
    path.write_bytes(rule_file("x", alert="ByHand", expr="vector(0) > 9"))
    if w.target.layout == "release":
        w.refuses(NEW, "RC856")
        assert w.deploy(NEW, Consent(drift=True)).exit_code == 0
    else:
        # In a shared folder it is a stranger's, which is said, and left alone.
        result = w.deploy(NEW)
        assert (result.exit_code, "RC849" in codes(result)) == (0, True)
        assert path.exists()


def test_fault_44_edited_after_a_kill(w: DiskWorld) -> None:
    # What the journal would go back to is not what it was: only somebody can say what is wanted now.
    journal = {"format": 1, "old": OLD.id, "new": NEW.id, "direction": "forward"}
    (w.folder / ".rulecompiler" / "journal.json").write_text(json.dumps(journal))
    path = live_file(w, "group-b.yml")
    path.write_bytes(path.read_bytes().replace(b"vector(1)", b"vector(7)"))
    assert w.deploy(OTHER).exit_code in (2, 4)
    assert b"vector(7)" in path.read_bytes()
    assert w.deploy(OTHER, Consent(drift=True)).exit_code == 0
    w.holds(OTHER)
    w.arrives(OTHER)


CURRENTS: dict[str, Callable[[DiskWorld], str | None]] = {
    "a folder": lambda w: None,
    "outside": lambda w: "../foreign",
    "outside by way of releases": lambda w: f"releases/../../template/releases/{OLD.id}",
    "absolute": lambda w: f"{w.folder}/releases/{OLD.id}",
    "dangling": lambda w: "releases/" + "0" * 64,
    "a file of a release": lambda w: f"releases/{OLD.id}/group-a.yml",
    "itself": lambda w: "current",
}


@pytest.mark.parametrize("kind", CURRENTS)
def test_fault_45_current_is_no_link_to_a_release(w: DiskWorld, kind: str) -> None:
    if w.target.layout == "flat":
        pytest.skip("the flat layout has no such link")
    current = w.folder / "current"
    target = CURRENTS[kind](w)
    current.unlink()
    if target is None:
        shutil.copytree(w.folder / "releases" / OLD.id, current)
    else:
        current.symlink_to(target)
    for consent in (Consent(), Consent(drift=True)):
        w.refuses(NEW, "RC832", consent)
    assert w.runs(OLD)
    current.unlink() if current.is_symlink() else shutil.rmtree(current)
    current.symlink_to(f"releases/{OLD.id}")
    w.arrives(NEW)


def test_fault_46_a_link_planted_among_the_live_files(w: DiskWorld) -> None:
    secret = w.scratch / "secret"
    secret.write_text("password: hunter2\n")
    path = live_file(w, "group-b.yml")
    path.unlink()
    path.symlink_to(secret)
    for consent in (Consent(), Consent(drift=True)):
        w.refuses(NEW, "RC834", consent)
    assert secret.read_text() == "password: hunter2\n"
    assert "hunter2" not in w.server.log


@pytest.mark.parametrize("name", ["stage", "lock", "state.json", "journal.json", "blobs", "releases", ""])
def test_fault_46_a_link_planted_in_the_state_folder(w: DiskWorld, name: str) -> None:
    away = w.scratch / f"away-{w.target.layout}-{name}"
    away.mkdir(exist_ok=True)
    path = w.folder / ".rulecompiler" / name
    if name == "releases" and w.target.layout == "release":
        path = w.folder / name
    if name == "blobs" and w.target.layout == "release":
        pytest.skip("the release layout keeps no blobs")
    if path.is_dir():
        shutil.copytree(path, away, dirs_exist_ok=True)
        shutil.rmtree(path)
    else:
        if path.exists():
            shutil.copy(path, away / name)
            path.unlink()
        away = away / (name or "x")
    path.symlink_to(away)
    there = {each: each.lstat().st_mtime_ns for each in away.parent.rglob("*") if "away" in str(each)}
    before = w.ours() if name != "releases" or w.target.layout == "flat" else OLD.files
    result = w.deploy(NEW)
    assert result.exit_code == 2, result
    assert w.ours() == before
    assert w.runs(OLD)
    now = {each: each.lstat().st_mtime_ns for each in away.parent.rglob("*") if "away" in str(each)}
    assert now == there


def test_fault_46_a_link_planted_in_the_stage(w: DiskWorld) -> None:
    away = w.scratch / "away"
    away.mkdir(exist_ok=True)
    (away / "keep").write_text("keep")
    stage = w.folder / ".rulecompiler" / "stage"
    for name in (NEW.id, "current", "group-b.yml", "state.json", "journal.json", NEW.digests["group-b.yml"]):
        (stage / name).symlink_to(away)
    w.arrives(NEW)
    assert [path.name for path in away.iterdir()] == ["keep"]


@pytest.mark.parametrize(
    "name",
    [
        "../group-x.yml",
        "group\nx.yml",
        "group-x.yaml",
        "group-x",
        ".group-x.yml",
        "a/b.yml",
        "",
        "x" * 201 + ".yml",
    ],
)
def test_fault_47_a_bad_name_in_a_bundle(w: DiskWorld, name: str) -> None:
    wanted = Release({**NEW.files, name: rule_file("x", alert="X")})
    w.refuses(wanted, "RC835")
    # And in a bundle that somebody has made up.
    folder = w.scratch / "made-up"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(Path(w.command(NEW)[5]), folder)
    listed = json.loads((folder / "manifest.json").read_text())
    listed["files"][name] = {"sha256": wanted.digests[name], "labels": {}}
    listed["release"] = wanted.id
    (folder / "manifest.json").write_text(json.dumps(listed))
    command = [str(folder) if part == w.command(NEW)[5] else part for part in w.command(NEW)]
    done = subprocess.run(command, env=w.process_environ(), cwd=w.scratch, capture_output=True, text=True)
    assert done.returncode == 2
    assert '"RC866"' in done.stdout
    w.holds(OLD)


@pytest.mark.parametrize("hours", [-1, 1])
def test_fault_48_a_clock_that_is_wrong(w: DiskWorld, hours: int, monkeypatch: pytest.MonkeyPatch) -> None:
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + hours * 3600)
    done = subprocess.run(
        w.command(NEW), env=w.process_environ(TZ=f"XXX{hours}"), cwd=w.scratch, capture_output=True
    )
    assert done.returncode == 0
    w.holds(NEW)
    # The order of releases does not come from the clock of the file system either.
    for number, path in enumerate(sorted((w.folder).rglob("*.json"))):
        os.utime(path, (real() + 3600 * (-1) ** number * hours, real() + 3600 * (-1) ** number * hours))
    listed = kept(w.target)
    assert not isinstance(listed, Diagnostic)
    assert [each.release for each in listed] == [NEW.id, OLD.id]
    assert earlier(w.target, None) == OLD
    w.arrives(OLD)


def test_fault_49_the_release_that_runs_is_gone(w: DiskWorld) -> None:
    if w.target.layout == "release":
        (w.folder / "releases" / OLD.id / "manifest.json").unlink()
        code = "RC856"
    else:
        (w.folder / ".rulecompiler" / "blobs" / OLD.digests["group-b.yml"]).unlink()
        code = "RC858"
    w.refuses(NEW, code)
    # With consent, what is there is kept first, so that there is a way back.
    assert w.deploy(NEW, Consent(drift=True)).exit_code == 0
    w.holds(NEW)
    w.rolls_back()


def test_fault_49_the_release_to_go_back_to_is_gone(w: DiskWorld) -> None:
    assert isinstance(earlier(w.target, None), Release)
    if w.target.layout == "release":
        shutil.rmtree(w.folder / "releases" / EARLIEST.id)
    else:
        (w.folder / ".rulecompiler" / "releases" / f"{EARLIEST.id}.json").unlink()
    before, reloads = w.snapshot(), w.reloads()
    command = [*w.command(NEW)[:3], "rollback", "--format", "json"]
    done = subprocess.run(command, env=w.process_environ(), cwd=w.scratch, capture_output=True, text=True)
    assert done.returncode == 2
    assert '"RC859"' in done.stdout
    assert (w.snapshot(), w.reloads()) == (before, reloads)
    w.holds(OLD)
