"""Faults 1 to 11: a deployment killed wherever it changes the disk, in front of a real server.

The whole program runs under strace, which ends it at the system call that is wanted.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.deploy.disk_world import FAILING, NEW, OLD, OTHER, DiskWorld, Step
from tests.deploy.proxies import Reply, Request, after, passed_on, proxy_to

CHANGES = ("mkdirat", "openat", "fchmod", "write", "fsync", "renameat", "renameat2", "symlinkat", "unlinkat")
# Of the other calls, the last one of each fault must do: between two of them little happens.
ALL_OF = ("mkdirat", "renameat", "renameat2", "symlinkat", "unlinkat", "rmdir")
KILLED = (-signal.SIGKILL, 128 + signal.SIGKILL)
PATIENCE = 30


@pytest.fixture(scope="module")
def steps(disk: DiskWorld, strace: str) -> list[tuple[int, Step]]:
    """What a deployment does to the disk, each step with the number of the fault that ends there."""
    disk.reset()
    found = disk.steps(strace, disk.command(NEW), (*CHANGES, "rmdir"))
    changes = [step for step in found if step.call != "openat" or "O_CREAT" in step.arguments]
    phase = "stage"
    numbered = []
    for step in changes:
        if '"journal.json", O_WRONLY' in step.arguments:
            phase = "swap"
        elif '"state.json", O_WRONLY' in step.arguments:
            phase = "commit"
        numbered.append((_number(phase, step), step))
        if step.call.startswith("rename") and re.search(r'"current"$|<R>, "group-d.yml"$', step.arguments):
            phase = "swapped"
        if step.call == "unlinkat" and '"journal.json"' in step.arguments:
            phase = "clean-up"
    return numbered


def _number(phase: str, step: Step) -> int:
    if phase == "stage":
        if step.call == "fsync":
            return 3 if "/stage" in step.arguments else 5
        return {"mkdirat": 1, "renameat": 4, "renameat2": 4}.get(step.call, 2)
    return {"swap": 6, "swapped": 7, "commit": 9, "clean-up": 11}[phase]


def chosen(steps: list[tuple[int, Step]], fault: int) -> list[Step]:
    """Where to kill for a fault; everywhere if the environment says EVERY_STEP."""
    mine = [step for number, step in steps if number == fault]
    if os.environ.get("EVERY_STEP"):
        return mine
    last = {step.call: step for step in mine}
    if fault == 11:  # one file of a release that goes is like the other
        return [step for step in mine if step.call in ("renameat", "renameat2") or step is mine[-1]]
    if fault in (6, 7, 9):  # what is written here is a record; it is written as everything is
        return [step for step in mine if step.call in ALL_OF or step is last.get("fsync")]
    wanted = (*ALL_OF, "fsync") if fault in (3, 5) else ALL_OF
    return [step for step in mine if step.call in wanted or step is last[step.call]]


def kill(w: DiskWorld, strace: str, step: Step) -> None:
    done = w.inject(strace, w.command(NEW), step, "signal=KILL")
    assert done.returncode in KILLED, done


def each_killed(w: DiskWorld, strace: str, steps: list[Step], disk: Callable[[], None]) -> None:
    """Killed at each of the steps, what is on disk is `disk`; and any next run arrives."""
    assert steps
    following: tuple[Callable[[], object], ...] = (
        lambda: w.arrives(NEW),
        lambda: w.arrives(OTHER),
        w.rolls_back,
        lambda: w.arrives(OLD),
    )
    for number, step in enumerate(steps):
        w.reset()
        kill(w, strace, step)
        disk()
        assert w.runs(OLD) or (w.runs(NEW) and w.ours() == NEW.files)
        following[number % len(following)]()


def only_old(w: DiskWorld) -> Callable[[], None]:
    def disk() -> None:
        w.intact(OLD)
        assert w.runs(OLD)

    return disk


def test_fault_01_kill_before_mkdir(w: DiskWorld, strace: str, tmp_path: Path) -> None:
    # At the first deployment of all, when most folders are missing.
    w.empty()
    command = w.command(OLD)
    made = [step for step in w.steps(strace, command, ("mkdirat",)) if step.call == "mkdirat"]
    assert len(made) >= 4
    for step in made:
        w.empty()
        done = w.inject(strace, command, step, "signal=KILL")
        assert done.returncode in KILLED
        assert w.on_disk() == {}
        assert w.deploy(OLD).exit_code == 0
        w.holds(OLD)


def test_fault_01_kill_before_the_stage_is_made(
    w: DiskWorld, strace: str, steps: list[tuple[int, Step]]
) -> None:
    if w.target.layout == "flat":
        pytest.skip("the flat layout makes no folder for a release")
    each_killed(w, strace, chosen(steps, 1), only_old(w))


def test_fault_02_kill_mid_write(w: DiskWorld, strace: str, steps: list[tuple[int, Step]]) -> None:
    each_killed(w, strace, chosen(steps, 2), only_old(w))


def test_fault_03_kill_between_write_and_fsync(
    w: DiskWorld, strace: str, steps: list[tuple[int, Step]]
) -> None:
    each_killed(w, strace, chosen(steps, 3), only_old(w))


def test_fault_04_kill_between_fsync_and_stage_rename(
    w: DiskWorld, strace: str, steps: list[tuple[int, Step]]
) -> None:
    each_killed(w, strace, chosen(steps, 4), only_old(w))


def test_fault_05_kill_after_stage_rename(w: DiskWorld, strace: str, steps: list[tuple[int, Step]]) -> None:
    each_killed(w, strace, chosen(steps, 5), only_old(w))


def test_fault_05_what_is_stored_is_reused_only_if_it_verifies(
    w: DiskWorld, strace: str, steps: list[tuple[int, Step]]
) -> None:
    kill(w, strace, next(step for number, step in steps if number == 6))
    if w.target.layout == "release":
        stored = w.folder / "releases" / NEW.id / "group-b.yml"
    else:
        stored = w.folder / ".rulecompiler" / "blobs" / NEW.digests["group-b.yml"]
    stored.write_bytes(stored.read_bytes().replace(b"vector(2)", b"vector(3)"))
    w.arrives(NEW)
    assert stored.read_bytes() == NEW.files["group-b.yml"]


def test_fault_06_kill_before_the_swap_is_done(
    w: DiskWorld, strace: str, steps: list[tuple[int, Step]]
) -> None:
    def disk() -> None:
        # File by file, a shared folder holds files of both, each of them whole; the server runs the old ones.
        w.intact(OLD, NEW, mixed=True)
        assert w.runs(OLD)
        if w.target.layout == "release":
            assert w.ours() == OLD.files

    each_killed(w, strace, chosen(steps, 6), disk)
    assert not list(w.folder.glob("current.*"))


def test_fault_07_kill_after_swap_before_post(
    w: DiskWorld, strace: str, steps: list[tuple[int, Step]]
) -> None:
    def disk() -> None:
        w.intact(OLD, NEW, mixed=True)
        if w.target.layout == "release":
            assert w.ours() == NEW.files
        assert w.runs(OLD)

    each_killed(w, strace, chosen(steps, 7), disk)


def test_fault_07_the_rerun_posts(w: DiskWorld, strace: str, steps: list[tuple[int, Step]]) -> None:
    kill(w, strace, [step for number, step in steps if number == 7][-1])
    assert w.ours() == NEW.files
    assert w.runs(OLD)
    before = w.reloads()
    w.arrives(NEW)
    assert w.reloads() == before + 1


@pytest.mark.parametrize("reached", [False, True], ids=["before it is told", "after it has reloaded"])
@pytest.mark.parametrize("wanted", ["new", "other"])
def test_fault_08_kill_during_post(w: DiskWorld, wanted: str, reached: bool) -> None:
    with proxy_to(w.server) as proxy:
        process: list[subprocess.Popen[bytes]] = []

        def end(request: Request) -> Reply | None:
            if reached:
                request.forward()
            process[0].kill()
            process[0].wait()
            return None

        proxy.on_reloads(passed_on, end)  # the first one loads what is there
        process.append(w.start(w.command(NEW), proxy.url))
        process[0].communicate(timeout=PATIENCE)
        assert process[0].returncode in KILLED
    w.intact(NEW)
    assert w.runs(NEW if reached else OLD)
    before = w.reloads()
    w.arrives(NEW if wanted == "new" else OTHER)
    if wanted == "new":
        assert w.reloads() == before + (not reached)


@pytest.mark.parametrize("path", ["/api/v1/rules", "/metrics"])
def test_fault_09_kill_while_verifying(w: DiskWorld, path: str) -> None:
    with proxy_to(w.server) as proxy:
        process: list[subprocess.Popen[bytes]] = []

        def end(request: Request) -> Reply | None:
            if proxy.reloads == 2:
                process[0].kill()
                process[0].wait()
                return None
            return request.forward()

        proxy.on(path, end)
        process.append(w.start(w.command(NEW), proxy.url))
        process[0].communicate(timeout=PATIENCE)
        assert process[0].returncode in KILLED
    w.intact(NEW)
    assert w.runs(NEW)
    before = w.reloads()
    w.arrives(NEW)
    assert w.reloads() == before


def test_fault_09_kill_after_verify_before_commit(
    w: DiskWorld, strace: str, steps: list[tuple[int, Step]]
) -> None:
    def disk() -> None:
        w.intact(NEW)
        assert w.runs(NEW)

    each_killed(w, strace, chosen(steps, 9), disk)


def test_fault_09_the_rerun_makes_no_post(w: DiskWorld, strace: str, steps: list[tuple[int, Step]]) -> None:
    mine = [step for number, step in steps if number == 9]
    for step in (mine[0], mine[-1]):
        w.reset()
        kill(w, strace, step)
        before = w.reloads()
        w.arrives(NEW)
        assert w.reloads() == before


def test_fault_10_kill_during_rollback(w: DiskWorld, strace: str) -> None:
    command = w.command(FAILING)
    made = w.steps(strace, command, (*CHANGES, "rmdir"))
    w.holds(OLD)
    back = [i for i, each in enumerate(made) if '"journal.json", O_WRONLY' in each.arguments][1]
    every = (*ALL_OF, "fsync", "write") if os.environ.get("EVERY_STEP") else ALL_OF
    steps = [step for step in made[back:] if step.call in every]
    assert len(steps) >= 4
    for number, step in enumerate(steps):
        w.reset()
        done = w.inject(strace, command, step, "signal=KILL")
        assert done.returncode in KILLED
        w.intact(OLD, FAILING, mixed=True)
        w.arrives((OLD, OTHER, NEW)[number % 3])


def test_fault_10_kill_during_the_post_of_a_rollback(w: DiskWorld) -> None:
    with proxy_to(w.server) as proxy:
        process: list[subprocess.Popen[bytes]] = []

        def end() -> None:
            process[0].kill()
            process[0].wait()

        proxy.on_reloads(passed_on, passed_on, after(end, lambda request: None))
        process.append(w.start(w.command(FAILING), proxy.url))
        process[0].communicate(timeout=PATIENCE)
        assert process[0].returncode in KILLED
    w.intact(OLD)
    assert w.runs(FAILING)
    w.arrives(OLD)


def test_fault_11_kill_during_clean_up(w: DiskWorld, strace: str, steps: list[tuple[int, Step]]) -> None:
    def disk() -> None:
        w.intact(NEW)
        assert w.runs(NEW)
        assert w.layout.load(OLD.id) == OLD

    each_killed(w, strace, chosen(steps, 11), disk)


# --- an interrupt is no kill: what was touched goes back ------------------------


def test_an_interrupt_at_any_step_takes_back_what_was_done(
    w: DiskWorld, strace: str, steps: list[tuple[int, Step]]
) -> None:
    expected = {1: (2,), 2: (2,), 3: (2,), 4: (2,), 5: (2,), 6: (2, 3), 7: (3,), 9: (0,), 11: (0,)}
    for fault in (4, 6, 7, 9):
        mine = [step for number, step in steps if number == fault]
        for step in [each for each in mine if each.call in ALL_OF][-2:] or mine[-1:]:
            w.reset()
            done = w.inject(strace, w.command(NEW), step, "signal=TERM")
            assert done.returncode in expected[fault], (step, done.stdout, done.stderr)
            ended = NEW if done.returncode == 0 else OLD
            w.intact(ended)
            assert w.runs(ended)
            w.arrives((NEW, OTHER)[done.returncode == 0])


def test_an_interrupt_while_the_server_reloads_takes_it_back(w: DiskWorld) -> None:
    with proxy_to(w.server) as proxy:
        process: list[subprocess.Popen[bytes]] = []
        sent = threading.Event()

        def interrupt() -> None:
            if not sent.is_set():
                process[0].terminate()
                sent.set()

        proxy.on_reloads(passed_on, after(interrupt))
        process.append(w.start(w.command(NEW), proxy.url))
        process[0].communicate(timeout=PATIENCE)
        assert process[0].returncode == 3
    w.holds(OLD)
    w.intact(OLD)
    w.arrives(NEW)
