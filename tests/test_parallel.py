from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import suppress
from pathlib import Path

import pytest

from rulecompiler.parallel import cores, map_parallel
from rulecompiler.state_folder import locked

SRC = Path(__file__).resolve().parent.parent / "src"


def square(number: int) -> int:
    return number * number


def start(script: str, *args: str) -> subprocess.Popen[str]:
    """A Python process of its own session, so that a signal can reach it with all its workers."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SRC)},
        start_new_session=True,
    )


@pytest.mark.parametrize("jobs", [0, 1, 2, 4])
@pytest.mark.parametrize("count", [0, 1, 2, 7, 50])
def test_is_a_map_in_order(jobs: int, count: int) -> None:
    items = list(range(count))
    assert map_parallel(square, items, jobs, 2) == [n * n for n in items]


def _has_semaphores() -> bool:
    try:
        multiprocessing.get_context("fork").Lock()
    except OSError:
        return False
    return True


# Without a writable /dev/shm there are no pools, and everything is rightly done in one process.
needs_pools = pytest.mark.skipif(not _has_semaphores(), reason="this machine has no POSIX semaphores")


@needs_pools
def test_few_items_are_done_here() -> None:
    assert set(map_parallel(lambda _: os.getpid(), range(9), 4, 10)) == {os.getpid()}
    assert os.getpid() not in map_parallel(lambda _: os.getpid(), range(10), 4, 10)


@pytest.mark.parametrize("jobs", [1, 2])
def test_progress_ends_with_everything(jobs: int) -> None:
    heard: list[tuple[int, int]] = []
    map_parallel(square, range(20), jobs, 2, lambda done, total: heard.append((done, total)))
    assert heard[-1] == (20, 20)
    assert heard == sorted(heard)


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_the_function_raises_is_raised(jobs: int) -> None:
    def fail(number: int) -> int:
        if number == 7:
            raise ValueError("seven")
        return number

    with pytest.raises(ValueError, match="seven"):
        map_parallel(fail, range(20), jobs, 2)


def test_a_killed_worker_costs_time_only() -> None:
    parent = os.getpid()

    def die_outside(number: int) -> int:
        if number == 11 and os.getpid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
        return number * number

    heard: list[tuple[int, int]] = []
    result = map_parallel(die_outside, range(20), 2, 2, lambda done, total: heard.append((done, total)))
    assert result == [n * n for n in range(20)]
    assert heard[-1] == (20, 20)


def test_where_no_process_can_be_had_the_work_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(os, "fork", refuse)
    assert map_parallel(square, range(20), 2, 2) == [n * n for n in range(20)]


def test_cores_is_what_this_process_may_use() -> None:
    assert 1 <= cores() <= (os.cpu_count() or 1)


@needs_pools
def test_when_the_parent_is_killed_its_workers_and_its_lock_go_too(tmp_path: Path) -> None:
    process = start(
        """
        import sys, time
        from pathlib import Path
        from rulecompiler.parallel import map_parallel
        from rulecompiler.state_folder import locked

        def work(number):
            (Path(sys.argv[1]) / f"started-{number}").touch()
            time.sleep(60)

        with locked(Path(sys.argv[1])):
            map_parallel(work, range(8), 2, 2)
        """,
        str(tmp_path),
    )
    deadline = time.monotonic() + 30
    while len(list(tmp_path.glob("started-*"))) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.kill()
    try:
        with locked(tmp_path, patience_seconds=10) as refused:
            assert refused is None
        process.communicate(timeout=10)  # nobody else holds its pipes any more
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def test_an_interrupt_is_quick_and_quiet(tmp_path: Path) -> None:
    process = start(
        """
        import sys, time
        from pathlib import Path
        from rulecompiler.cli.errors import guarded
        from rulecompiler.parallel import map_parallel

        def work(number):
            (Path(sys.argv[1]) / f"started-{number}").touch()
            time.sleep(0.2)

        raise SystemExit(guarded(lambda: map_parallel(work, range(400), 2, 2)))
        """,
        str(tmp_path),
    )
    deadline = time.monotonic() + 30
    while len(list(tmp_path.glob("started-*"))) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (130, "", "rulecompiler: interrupted\n")
    assert len(list(tmp_path.glob("started-*"))) < 20  # of 400
