"""Faults 12 to 20: a disk that is full, read-only, failing or lying, in front of a real server."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rulecompiler.deploy import artifact
from rulecompiler.deploy.release import Release
from rulecompiler.deploy.target import Consent
from rulecompiler.diagnostics import Diagnostic
from tests.deploy.disk_world import NEW, OLD, DiskWorld, Step
from tests.deploy.world import codes
from tests.servers import within

STAGE = ".rulecompiler/stage"


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[Callable[[str], None]]:
    """A small file system of its own; the function changes its options."""
    if os.geteuid():
        pytest.skip("only root may mount")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)], capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"nothing may be mounted here: {done.stderr.strip()}")
    try:
        yield lambda other: _run("mount", "-o", f"remount,{other}", str(folder))
    finally:
        _run("umount", str(folder))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture(scope="module")
def steps(disk: DiskWorld, strace: str) -> list[Step]:
    """What a deployment does to the disk."""
    disk.reset()
    calls = ("mkdirat", "openat", "write", "fsync", "renameat", "renameat2", "symlinkat", "unlinkat")
    found = disk.steps(strace, disk.command(NEW), calls)
    return [step for step in found if step.call != "openat" or "O_CREAT" in step.arguments]


def until_the_journal(steps: list[Step]) -> list[Step]:
    journal = next(i for i, step in enumerate(steps) if '"journal.json", O_WRONLY' in step.arguments)
    return steps[:journal]


def swap(steps: list[Step]) -> int:
    """Which one makes the new release live, or its last file."""
    live = re.compile(r'"current"$|<R>, "group-d.yml"$')
    return next(
        i for i, step in enumerate(steps) if step.call.startswith("rename") and live.search(step.arguments)
    )


def refused(w: DiskWorld, strace: str, step: Step, error: str, code: str = "RC836") -> None:
    w.reset()
    done = w.inject(strace, w.command(NEW), step, f"error={error}")
    assert done.returncode == 2, done.stdout
    assert f'"{code}"' in done.stdout
    w.holds(OLD)
    w.intact(OLD)
    if code == "RC836":
        assert list((w.folder / STAGE).iterdir()) == []


def test_fault_12_no_room_for_the_next_page(w: DiskWorld) -> None:
    outcomes = []
    with mounted(w.folder, "size=16m,nr_inodes=0") as remount:
        for pages in (0, 2, 4, 6, 8, 10, 100):
            remount("size=16m")
            (w.folder / "filler").unlink(missing_ok=True)
            w.reset()
            used = shutil.disk_usage(w.folder).used
            remount(f"size={used + pages * 4096}")
            outcomes.append(w.deploy(NEW).exit_code)
            ended = NEW if outcomes[-1] == 0 else OLD
            w.intact(ended)
            assert w.ours() == ended.files
            assert w.runs(ended)
            remount("size=16m")
            w.arrives(NEW)
        w.survives_a_restart(NEW)
    assert outcomes[0] == 2
    assert outcomes[-1] == 0
    assert set(outcomes) <= {0, 2, 3}


def test_fault_12_edquot_while_staging(w: DiskWorld, strace: str, steps: list[Step]) -> None:
    writes = [step for step in until_the_journal(steps) if step.call == "write"]
    for step in writes[:1] + writes[-1:]:
        refused(w, strace, step, "EDQUOT")
    w.arrives(NEW)


def test_fault_12_no_room_for_the_journal(w: DiskWorld, strace: str, steps: list[Step]) -> None:
    write = next(step for step in steps if step.call == "write" and "journal.json" in step.arguments)
    refused(w, strace, write, "ENOSPC", "RC847")
    w.survives_a_restart(OLD)
    w.arrives(NEW)


def test_fault_12_no_room_for_what_is_only_written_down(w: DiskWorld, strace: str, steps: list[Step]) -> None:
    write = next(step for step in steps if step.call == "write" and "state.json" in step.arguments)
    done = w.inject(strace, w.command(NEW), write, "error=ENOSPC")
    assert done.returncode == 0
    assert '"RC847"' in done.stdout
    w.intact(NEW)
    assert w.runs(NEW)
    before = w.reloads()
    w.arrives(NEW)
    assert w.reloads() == before


def test_fault_13_no_inodes(w: DiskWorld, strace: str, steps: list[Step]) -> None:
    outcomes = []
    with mounted(w.folder, "size=16m,nr_inodes=1000") as remount:
        for inodes in (0, 1, 3, 5, 7, 20):
            remount("nr_inodes=1000")
            w.reset()
            remount(f"nr_inodes={os.statvfs(w.folder).f_files - os.statvfs(w.folder).f_ffree + inodes}")
            outcomes.append(w.deploy(NEW).exit_code)
            ended = NEW if outcomes[-1] == 0 else OLD
            w.intact(ended)
            assert w.ours() == ended.files
            assert w.runs(ended)
            remount("nr_inodes=1000")
            w.arrives(NEW)
    assert outcomes[0] == 2
    assert outcomes[-1] == 0
    assert set(outcomes) <= {0, 2, 3}


def test_fault_13_no_inodes_injected(w: DiskWorld, strace: str, steps: list[Step]) -> None:
    made = [step for step in until_the_journal(steps) if step.call in ("openat", "mkdirat")]
    for step in made[:1] + made[-1:]:
        refused(w, strace, step, "ENOSPC")
    w.arrives(NEW)


def test_fault_14_read_only(w: DiskWorld) -> None:
    with mounted(w.folder, "size=16m") as remount:
        w.reset()
        before = w.snapshot()
        remount("ro")
        result = w.deploy(NEW)
        assert result.exit_code == 2
        assert codes(result) & {"RC830", "RC836"}, codes(result)
        assert w.snapshot() == before
        w.holds(OLD)
        w.survives_a_restart(OLD)
        remount("rw")
        w.arrives(NEW)


@pytest.mark.parametrize("error", ["EROFS", "EACCES"])
def test_fault_14_read_only_or_forbidden_injected(
    w: DiskWorld, strace: str, steps: list[Step], error: str
) -> None:
    staged = until_the_journal(steps)
    refused(w, strace, staged[0], error)
    rename = next(step for step in staged if step.call.startswith("rename"))
    refused(w, strace, rename, error)
    w.arrives(NEW)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_fault_14_forbidden(w: DiskWorld) -> None:
    folder = w.folder / STAGE
    folder.chmod(0o555)
    try:
        result = w.deploy(NEW)
    finally:
        folder.chmod(0o755)
    assert result.exit_code == 2
    w.holds(OLD)
    w.arrives(NEW)


def test_fault_15_eio_on_fsync_is_never_retried_as_success(
    w: DiskWorld, strace: str, steps: list[Step]
) -> None:
    for step in (each for each in until_the_journal(steps) if each.call == "fsync"):
        refused(w, strace, step, "EIO")
        # Not a trace of it may be found by the next run and taken for good.
        assert isinstance(w.layout.load(NEW.id), Diagnostic)
        if w.target.layout == "release":
            assert not (w.folder / "releases" / NEW.id).exists()
    w.survives_a_restart(OLD)
    w.arrives(NEW)


def test_fault_16_fsync_error_after_the_swap(w: DiskWorld, strace: str, steps: list[Step]) -> None:
    step = next(each for each in steps[swap(steps) :] if each.call == "fsync")
    assert step.arguments.endswith("<R>")
    done = w.inject(strace, w.command(NEW), step, "error=EIO")
    assert done.returncode == 3, done.stdout
    assert '"RC842"' in done.stdout
    w.holds(OLD)
    w.intact(OLD)
    w.survives_a_restart(OLD)
    w.arrives(NEW)


def test_fault_17_exdev_injected(w: DiskWorld, strace: str, steps: list[Step]) -> None:
    staged = next(each for each in until_the_journal(steps) if each.call.startswith("rename"))
    refused(w, strace, staged, "EXDEV")
    live = next(
        each
        for each in steps
        if each.call.startswith("rename") and re.search(r'"current"$|<R>, "group-b.yml"$', each.arguments)
    )
    refused(w, strace, live, "EXDEV", "RC842")
    w.arrives(NEW)


def test_fault_17_a_part_of_the_folder_is_another_file_system(w: DiskWorld) -> None:
    part = "releases" if w.target.layout == "release" else ".rulecompiler"
    with mounted(w.folder / part, "size=16m"):
        shutil.copytree(w.template / part, w.folder / part, dirs_exist_ok=True)
        result = w.deploy(NEW)
        assert result.exit_code == 2
        assert codes(result) & {"RC836", "RC842"}
        w.holds(OLD)
        w.intact(OLD)
    w.arrives(NEW)


def test_fault_18_nothing_takes_effect_before_it_is_on_the_disk(w: DiskWorld, strace: str) -> None:
    calls = "write,fsync,renameat,renameat2,unlinkat,sendto"
    done, trace = w.traced(strace, w.command(NEW), calls)
    assert done.returncode == 0
    root = str(w.folder)
    unsynced: set[str] = set()  # files and folders of which something may be lost
    posts = 0
    seen = []
    for line in trace.splitlines():
        if " = -1 " in line:
            continue
        folders = [each for each in re.findall(r"\d+<([^>]*)>", line) if each.startswith(root)]
        texts = re.findall(r'"([^"]*)"', line)
        if line.startswith("sendto") and "POST /-/reload" in line:
            posts += 1
            assert {each for each in unsynced if "/stage" not in each} == set()
            seen.append("post")
        elif not folders:
            continue
        elif line.startswith("write"):
            unsynced.add(folders[0])
        elif line.startswith("fsync"):
            unsynced.discard(folders[0])
        elif line.startswith("rename"):
            source = f"{folders[0]}/{texts[0]}"
            assert not any(each == source or each.startswith(source + "/") for each in unsynced), line
            target = f"{folders[1]}/{texts[1]}".removeprefix(root + "/")
            if target in ("current", "group-b.yml", ".rulecompiler/journal.json"):
                # All that a start after a power cut would need is there.
                assert {each for each in unsynced if "/stage" not in each and each != root} == set(), line
                seen.append(target)
            unsynced.add(folders[1])
        else:
            unsynced.add(folders[0])
    assert posts == 2
    live = "current" if w.target.layout == "release" else "group-b.yml"
    assert seen == ["post", ".rulecompiler/journal.json", live, "post"]
    assert {each for each in unsynced if "/stage" not in each and "/blobs" not in each} <= {
        f"{root}/releases",
        f"{root}/.rulecompiler/releases",
    }


def test_fault_19_a_short_copy(w: DiskWorld, strace: str, steps: list[Step]) -> None:
    writes = [step for step in until_the_journal(steps) if step.call == "write"]
    for step in (writes[0], writes[-1]):
        w.reset()
        # The kernel says that it wrote three bytes, and has not.
        done = w.inject(strace, w.command(NEW), step, "retval=3")
        assert done.returncode == 2, done.stdout
        assert '"RC836"' in done.stdout
        w.holds(OLD)
        w.intact(OLD)
    w.arrives(NEW)


def flipped(w: DiskWorld, strace: str, step: Step, path: Path) -> int:
    """Deploys while the disk changes a byte of a file just before this step."""
    done: list[subprocess.CompletedProcess[str]] = []

    def run() -> None:
        done.append(w.inject(strace, w.command(NEW), step, "delay_enter=1500000"))

    thread = threading.Thread(target=run)
    thread.start()
    wanted = NEW.files["group-b.yml"]
    if within(10, lambda: path.is_file() and path.read_bytes() == wanted):
        within(0.5, lambda: False)  # until the step itself is reached
        path.write_bytes(wanted.replace(b"vector(2)", b"vector(3)"))
    thread.join()
    return done[0].returncode


def test_fault_19_a_staged_byte_flips(w: DiskWorld, strace: str, steps: list[Step]) -> None:
    staged = until_the_journal(steps)
    sync = next(
        each
        for each in staged
        if each.call == "fsync" and re.search(r"group-b.yml>|stage/[0-9a-f]+>$", each.arguments)
    )
    name = Path(sync.arguments.partition("<")[2].rstrip(">")).name
    path = w.folder / sync.arguments.partition("<R/")[2].rstrip(">")
    assert name in ("group-b.yml", NEW.digests["group-b.yml"])
    assert flipped(w, strace, sync, path) == 2
    w.holds(OLD)
    w.intact(OLD)
    w.arrives(NEW)


def test_fault_19_a_stored_byte_flips_before_the_swap(w: DiskWorld, strace: str, steps: list[Step]) -> None:
    if w.target.layout == "release":
        path = w.folder / "releases" / NEW.id / "group-b.yml"
    else:
        path = w.folder / ".rulecompiler" / "blobs" / NEW.digests["group-b.yml"]
    journal = next(
        each for each in steps if each.call.startswith("rename") and each.arguments.endswith('"journal.json"')
    )
    assert flipped(w, strace, journal, path) == 2
    w.holds(OLD)
    w.intact(OLD)
    w.arrives(NEW)


def test_fault_19_a_byte_flips_at_the_last_moment(w: DiskWorld, strace: str, steps: list[Step]) -> None:
    if w.target.layout == "release":
        path, live = w.folder / "releases" / NEW.id / "group-b.yml", '<R>, "current"'
    else:
        path, live = w.folder / STAGE / "group-b.yml", '<R>, "group-b.yml"'
    step = next(each for each in steps if each.call.startswith("rename") and each.arguments.endswith(live))
    code = flipped(w, strace, step, path)
    if w.target.layout == "release":
        assert code == 3
        w.holds(OLD)
        w.intact(OLD)
        w.arrives(NEW)
    else:
        # Nobody can tell this from an edit by hand, which is not thrown away unasked.
        assert code == 4
        assert w.deploy(NEW).exit_code == 4
        w.arrives(NEW, Consent(drift=True))


def test_fault_20_the_source_changes_while_it_is_read(w: DiskWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(w.command(NEW)[5])
    path = folder / "group-d.yml"
    read = artifact._read

    def changing(name: Path) -> bytes | Diagnostic:
        data = read(name)
        if name.name == "group-b.yml":
            path.write_bytes(NEW.files["group-d.yml"].replace(b"NeverD", b"Changed"))
        return data

    monkeypatch.setattr(artifact, "_read", changing)
    try:
        found = artifact.from_folder(folder)
        assert isinstance(found, Diagnostic)
        assert found.code == "RC866"
        # And the command, which then finds it changed.
        done = subprocess.run(w.command(NEW), env=w.process_environ(), cwd=w.scratch, capture_output=True)
        assert done.returncode == 2
        w.holds(OLD)
        # A change after a file was read is not deployed: hash and bytes are of one read.
        path.write_bytes(NEW.files["group-d.yml"])
        monkeypatch.setattr(artifact, "_read", read)
        wanted = artifact.from_folder(folder)
        assert isinstance(wanted, Release)
        path.write_bytes(b"groups: []\n")
        w.arrives(wanted)
        assert wanted.id == NEW.id
    finally:
        path.write_bytes(NEW.files["group-d.yml"])
