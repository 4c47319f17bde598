"""A deployment to a rules folder, killed at each step that changes the disk, and refused each system call."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from rulecompiler.deploy.journal import Journal, State, read_journal, read_state
from rulecompiler.deploy.layout import Layout
from rulecompiler.diagnostics import Diagnostic
from tests.deploy.folders import LAYOUTS, NEW, OLD, deployed, everything, served
from tests.deploy.inject_target import BEGIN

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = "import sys; sys.path[:0] = sys.argv[1:3]; from tests.deploy.inject_target import run; run()"

# The error that each call gets. `current` and its like are made and moved by the *at calls alone.
ERRORS = {
    "mkdirat": "ENOSPC",
    "openat": "EROFS",
    "fchmod": "EPERM",
    "write": "ENOSPC",
    "fsync": "EIO",
    "renameat": "EXDEV",
    "symlinkat": "EDQUOT",
    "unlinkat": "EACCES",
    "close": "EIO",
    "read": "EIO",
    "getdents64": "EIO",
    "readlinkat": "EIO",
    "flock": "ENOLCK",
}
# Between two of these the disk does not change, so to be killed there is to be killed before the second.
CHANGES = ("mkdirat", "openat", "fchmod", "write", "fsync", "renameat", "symlinkat", "unlinkat")
_CALL = re.compile(r"^\d+ +(\w+)\((.*)\) += (\S+)", re.MULTILINE)


class Call(NamedTuple):
    """A system call that succeeded; arguments are text, descriptors have their paths in <>."""

    name: str
    arguments: str

    @property
    def folders(self) -> list[str]:
        """The paths of the descriptors."""
        return re.findall(r"[(\s]?\d+<([^>]*)>", self.arguments)

    @property
    def texts(self) -> list[str]:
        return re.findall(r'"([^"]*)"', self.arguments)


@pytest.fixture(scope="module")
def strace(tmp_path_factory: pytest.TempPathFactory) -> str:
    """strace, where it may trace."""
    program = shutil.which("strace")
    if program is None:
        pytest.skip("strace is not here: install the package of this name")
    log = tmp_path_factory.mktemp("strace") / "log"
    command = [
        program,
        "-f",
        "--seccomp-bpf",
        "-o",
        str(log),
        "-e",
        "inject=read:error=EIO:when=9999",
        "true",
    ]
    tried = subprocess.run(command, capture_output=True, text=True, check=False)
    if tried.returncode:
        reason = f"strace may not trace here: {tried.stderr.strip()}"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    # Python keeps what it compiled; every later run then begins with the same calls.
    assert _run("release", tmp_path_factory.mktemp("first"), []).returncode == 0
    return program


@pytest.fixture(params=list(LAYOUTS))
def layout_name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def begin(layout_name: str, folder: Path) -> Layout:
    """A folder in which the old release is live, among files of others."""
    layout = LAYOUTS[layout_name](folder)
    deployed(layout, OLD)
    for name in ("others.yml", ".hidden.yml", "notes.txt", "sub/group-a.yml"):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"# {name}\ngroups: []\n")
    return layout


def foreign(folder: Path) -> dict[str, tuple[object, ...]]:
    names = ("others.yml", ".hidden.yml", "notes.txt", "sub", "sub/group-a.yml")
    return {name: found for name, found in everything(folder).items() if name in names}


def traced(strace: str, layout_name: str, folder: Path, log: Path, *options: str) -> tuple[int, str, str]:
    """Runs the script under strace; its exit code, what it said, and what it complained of."""
    # The filter makes it fast, but keeps signals from being injected.
    filtered = [] if any("signal=" in option for option in options) else ["--seccomp-bpf"]
    command = [strace, "-f", *filtered, "-o", str(log), *options]
    done = _run(layout_name, folder, command)
    return done.returncode, done.stdout, done.stderr


def _run(layout_name: str, folder: Path, command: list[str]) -> subprocess.CompletedProcess[str]:
    arguments = [str(ROOT / "src"), str(ROOT), layout_name, str(folder)]
    python = [sys.executable, "-S", "-E", "-c", SCRIPT, *arguments]
    return subprocess.run([*command, *python], capture_output=True, text=True, check=False, timeout=60)


def begun(log: Path) -> tuple[str, str]:
    """A trace before the script's own part begins, and from there."""
    head, found, tail = log.read_text().partition(BEGIN)
    assert found
    return head, tail


@pytest.mark.parametrize(
    ("layout_name", "call"),
    [
        (layout, call)
        for layout in LAYOUTS
        for call in ERRORS
        if layout == "release" or call not in ("mkdirat", "symlinkat", "readlinkat")
    ],
)
def test_after_any_kill_or_error_the_old_or_the_new_release_is_whole_and_a_rerun_arrives(
    strace: str, layout_name: str, call: str, tmp_path: Path
) -> None:
    begin(layout_name, tmp_path / "counted")
    log = tmp_path / "log"
    watched = "trace=" + ",".join(f"?{name}" for name in (*ERRORS, "access", "faccessat", "faccessat2"))
    assert traced(strace, layout_name, tmp_path / "counted", log, "-e", watched)[0] == 0
    head, tail = begun(log)
    before = sum(match[1] == call for match in _CALL.finditer(head))
    during = [match[2] for match in _CALL.finditer(tail) if match[1] == call]
    assert during
    cases = [(number, f"error={ERRORS[call]}") for number in range(1, len(during) + 1)]
    cases += [
        (number, "signal=KILL")
        for number, arguments in enumerate(during, 1)
        if call in CHANGES and (call != "openat" or "O_CREAT" in arguments)
    ]

    def inject(case: tuple[int, str]) -> str | None:
        number, wrong = case
        folder = tmp_path / f"{number}-{wrong[:5]}"
        option = f"inject={call}:{wrong}:when={before + number}"
        try:
            _inject(strace, layout_name, folder, option, killed="KILL" in wrong)
        except AssertionError as error:
            return f"{option} (number {number}): {error}"
        return None

    with ThreadPoolExecutor(2) as pool:
        assert [fault for fault in pool.map(inject, cases) if fault] == []


def _inject(strace: str, layout_name: str, folder: Path, option: str, *, killed: bool) -> None:
    layout = begin(layout_name, folder)
    others = foreign(folder)
    names = option.partition("=")[2].partition(":")[0]
    log = folder.with_suffix(".log")
    code, said, complaint = traced(strace, layout_name, folder, log, "-e", f"trace={names}", "-e", option)
    if killed:
        assert code == -signal.SIGKILL
    else:
        assert (code, complaint) == (0, "")
        assert "(INJECTED)" in log.read_text()
    # I4
    assert foreign(folder) == others
    # I1
    state = _whole(layout, layout_name, folder)
    if not killed:
        answer = json.loads(said)
        if answer["at"] == "end":
            assert state == NEW.id
        elif answer["at"] == "switch":
            assert (state, answer["moved"]) in ((OLD.id, "none"), (NEW.id, "all"), (None, "part")), answer
        else:
            assert state == OLD.id, answer
            # What failed on its way to the disk is not found by the next run and taken for good.
            assert answer["at"] != "stage" or isinstance(layout.load(NEW.id), Diagnostic), answer
            assert answer["code"] in ("RC830", "RC836", "RC845", "RC847", "RC848"), answer
    # A rerun converges; and the way back is open.
    for release in (NEW, OLD):
        assert layout.prepare() is None
        assert layout.sweep() is None
        assert layout.stage(release) is None
        assert layout.switch(layout.live().release, release.id) == ("all", None)
        assert _whole(layout, layout_name, folder) == release.id
    assert layout.faults() == ()
    assert list((folder / ".rulecompiler" / "stage").iterdir()) == []
    assert foreign(folder) == others


def _whole(layout: Layout, layout_name: str, folder: Path) -> str | None:
    """Which release is live, each being whole; None for a mix of both, which only flat may have."""
    assert isinstance(read_journal(folder), Journal | None)
    assert isinstance(read_state(folder), State)
    assert layout.load(OLD.id) == OLD
    stored = layout.load(NEW.id)
    assert stored == NEW or (isinstance(stored, Diagnostic) and stored.code in ("RC837", "RC838"))
    live = layout.live()
    ours = {name: data for name, data in served(folder, layout_name).items() if name.startswith("group-")}
    assert live.files == ours
    for release in (OLD, NEW):
        if ours == release.files:
            assert (live.release, live.edited) == (release.id, ())
            assert layout.load(release.id) == release
            return release.id
    assert layout_name == "flat"
    assert live.release == OLD.id
    assert live.edited
    assert layout.load(NEW.id) == NEW
    # New and changed files come first, deletions last.
    assert all(data in (OLD.files.get(name), NEW.files.get(name)) for name, data in ours.items())
    assert ours.keys() >= OLD.files.keys() or ours.items() >= NEW.files.items()
    return None


@pytest.fixture
def calls(strace: str, layout_name: str, tmp_path: Path) -> list[Call]:
    """The calls of one undisturbed deployment, in their order."""
    begin(layout_name, tmp_path / "rules")
    log = tmp_path / "log"
    assert traced(strace, layout_name, tmp_path / "rules", log, "-y", "-e", "trace=all")[0] == 0
    return [Call(match[1], match[2]) for match in _CALL.finditer(begun(log)[1]) if match[3] != "-1"]


def synced(calls: list[Call], path: str) -> bool:
    """Whether these calls end with nothing of a file or folder left in memory alone."""
    last = [call.name for call in calls if call.name in ("write", "fsync") and call.folders[:1] == [path]]
    return last[-1:] == ["fsync"]


def test_nothing_takes_effect_before_it_is_on_the_disk(
    calls: list[Call], layout_name: str, tmp_path: Path
) -> None:
    root = str(tmp_path / "rules")
    stage = f"{root}/.rulecompiler/stage"
    moved = [(number, call) for number, call in enumerate(calls) if call.name == "renameat"]
    assert moved
    for number, call in moved:
        (source, target), (name, new_name) = call.folders, call.texts
        assert source == stage
        earlier = calls[:number]
        path = f"{source}/{name}"
        if (target, new_name) == (root, "current"):
            # What it leads to, and that it is there, came first.
            release = next(i for i, each in moved if each.folders[1] == f"{root}/releases")
            assert release < number
            assert synced(calls[release:number], f"{root}/releases")
            assert synced(calls[release:number], root)
        elif target == f"{root}/releases":
            written = {each.folders[0] for each in earlier if each.name == "write"}
            inside = {each for each in written if each.startswith(path + "/")}
            assert len(inside) == len(NEW.files) + 1
            assert all(synced(earlier, each) for each in (*inside, path))
        else:
            assert synced(earlier, path), path
        assert synced(calls[number:], target), target


@pytest.mark.parametrize("layout_name", ["flat"])
def test_in_a_shared_folder_the_record_comes_first_and_deletions_come_last(
    calls: list[Call], tmp_path: Path
) -> None:
    root = str(tmp_path / "rules")
    names, folders = ("renameat", "unlinkat", "fsync"), (root, f"{root}/.rulecompiler")
    steps = [
        (call.name, call.texts[-1] if call.texts else "")
        for call in calls
        if call.name in names and call.folders[-1] in folders
    ]
    steps = [step for step in steps if step[1] not in ("journal.json", "state.json")]
    first = steps.index(("renameat", "live.json"))
    assert steps[first:][:7] == [
        ("renameat", "live.json"),
        ("fsync", ""),
        ("renameat", "group-b.yml"),
        ("renameat", "group-d.yml"),
        ("unlinkat", "group-c.yml"),
        ("fsync", ""),
        ("renameat", "live.json"),
    ]
