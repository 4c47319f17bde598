"""A repo on disk through compile: what git cannot hold, and what happens to a compile on its way."""

from __future__ import annotations

import json
import os
import random
import runpy
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from rulecompiler import inputs, output, workspace
from rulecompiler.compiler import Compiler, GroupResult
from rulecompiler.diagnostics import Diagnostic, Severity, Span, has_errors
from rulecompiler.generated_file import MARKER
from rulecompiler.outcome import Outcome
from rulecompiler.state_folder import locked

HERE = Path(__file__).resolve().parent
SRC = HERE.parent / "src"
HEADER = f"# {MARKER} Do not edit: the next compile overwrites this file.\n"
TEMPLATE = """\
alert: NodeDown
category: availability
params: {wait: {type: string, format: duration, default: 5m}}
expr: up{job="node"} == 0
for: ${wait}
labels: {severity: critical}
"""


def write_tree(root: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def tree(root: Path) -> dict[str, bytes]:
    folder = root / "generated"
    return {p.name: p.read_bytes() for p in folder.iterdir()} if folder.exists() else {}


def errors(outcome: Outcome) -> list[tuple[str, str]]:
    found = []
    for fault in outcome.diagnostics:
        if fault.severity is Severity.ERROR:
            assert fault.help
            found.append((fault.code, fault.place.path if fault.place is not None else ""))
    return found


def compile_here(root: Path, **options: Any) -> Outcome:
    """As the command does it, without promtool."""
    outcome = workspace.compile_repo(root, {}, **options)
    if not has_errors(outcome.diagnostics):
        fault = workspace.write(outcome)
        assert fault is None
    return outcome


def command(root: Path, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "rulecompiler", "-C", str(root), "compile", "--no-validate", *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SRC)},
        start_new_session=True,
    )


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    write_tree(
        root,
        {
            "alerts/templates/NodeDown.yaml": TEMPLATE,
            "alerts/groups/a.yaml": "group: a\nrules: {NodeDown: {}}\n",
            "alerts/groups/b.yaml": "group: b\nrules: {NodeDown: {}}\n",
        },
    )
    return root


# ---- what lies in the way


def link_loop(root: Path) -> None:
    (root / "alerts/groups/loop.yaml").symlink_to("loop.yaml")


def folder_loop(root: Path) -> None:
    (root / "alerts/groups/again").symlink_to("..")


def link_out(root: Path) -> None:
    (root.parent / "secret.yaml").write_text("group: secret\n")
    (root / "alerts/groups/secret.yaml").symlink_to("../../../secret.yaml")


def folder_out(root: Path) -> None:
    (root / "alerts/templates/etc").symlink_to("/etc")


def pipe(root: Path) -> None:
    os.mkfifo(root / "alerts/groups/pipe.yaml")


def huge(root: Path) -> None:
    with (root / "alerts/groups/huge.yaml").open("wb") as file:
        file.truncate(50_000_000)


def unreadable_settings(root: Path) -> None:
    (root / "rulecompiler.yaml").mkdir()


def no_groups(root: Path) -> None:
    shutil.rmtree(root / "alerts/groups")


def groups_are_a_file(root: Path) -> None:
    no_groups(root)
    (root / "alerts/groups").touch()


def generated_file(root: Path) -> None:
    (root / "generated").write_text("mine\n")


def generated_link(root: Path) -> None:
    (root / "real").mkdir()
    (root / "generated").symlink_to("real")


def foreign_file(root: Path) -> None:
    write_tree(root, {"generated/group-mine.yml": "groups: []\n"})


def generated_under_a_file(root: Path) -> None:
    write_tree(root, {"rulecompiler.yaml": "paths: {generated: out/rules}\n", "out": "mine\n"})


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (link_loop, [("RC103", "alerts/groups/loop.yaml")]),
        (folder_loop, [("RC103", "alerts/groups/again")]),
        (link_out, [("RC103", "alerts/groups/secret.yaml")]),
        (folder_out, [("RC103", "alerts/templates/etc")]),
        (pipe, [("RC104", "alerts/groups/pipe.yaml")]),
        (huge, [("RC105", "alerts/groups/huge.yaml")]),
        (unreadable_settings, [("RC104", "rulecompiler.yaml")]),
        (no_groups, [("RC102", "")]),
        (groups_are_a_file, [("RC102", "")]),
        (generated_file, [("RC701", "generated")]),
        (generated_link, [("RC701", "generated")]),
        (foreign_file, [("RC703", "generated/group-mine.yml")]),
        (generated_under_a_file, [("RC702", "out/rules")]),
    ],
)
def test_what_lies_in_the_way_is_an_error_and_stays(
    repo: Path, spoil: Callable[[Path], None], expected: list[tuple[str, str]]
) -> None:
    spoil(repo)
    before = {path: path.lstat().st_mtime_ns for path in repo.rglob("*")}
    outcome = compile_here(repo)
    assert errors(outcome) == expected
    assert {path: path.lstat().st_mtime_ns for path in repo.rglob("*")} == before


def test_all_faults_are_told_in_one_run(repo: Path) -> None:
    link_loop(repo)
    foreign_file(repo)
    (repo / "alerts/groups/a.yaml").write_text("group: a\nrules: {NodeDwn: {}}\n")
    (repo / "alerts/groups/b.yaml").write_text("group: b\nruls: {}\n")
    assert [code for code, _ in errors(compile_here(repo))] == ["RC103", "RC703", "RC201", "RC301"]


def test_a_link_inside_the_repo_is_followed(repo: Path) -> None:
    (repo / "alerts/templates/NodeDown.yaml").rename(repo / "shared.yaml")
    (repo / "alerts/templates/NodeDown.yaml").symlink_to("../../shared.yaml")
    assert errors(compile_here(repo)) == []
    assert sorted(tree(repo)) == ["group-a.yml", "group-b.yml"]


def test_an_orphan_is_removed_and_a_missing_folder_made(repo: Path) -> None:
    write_tree(repo, {"generated/group-gone.yml": HEADER})
    outcome = compile_here(repo)
    assert outcome.gone == ("group-gone.yml",)
    assert sorted(tree(repo)) == ["group-a.yml", "group-b.yml"]
    shutil.rmtree(repo / "generated")
    compile_here(repo)
    assert sorted(tree(repo)) == ["group-a.yml", "group-b.yml"]


def test_one_group_alone_leaves_orphans_and_others_alone(repo: Path) -> None:
    write_tree(repo, {"generated/group-gone.yml": HEADER})
    outcome = compile_here(repo, only=("a",))
    assert (list(outcome.changed), outcome.gone) == (["group-a.yml"], ())
    assert sorted(tree(repo)) == ["group-a.yml", "group-gone.yml"]


def test_one_group_that_has_no_rules_any_more_loses_its_file(repo: Path) -> None:
    compile_here(repo)
    (repo / "alerts/groups/a.yaml").write_text("group: a\n")
    assert compile_here(repo, only=("a",)).gone == ("group-a.yml",)
    assert sorted(tree(repo)) == ["group-b.yml"]


def test_a_group_that_does_not_exist(repo: Path) -> None:
    (fault,) = compile_here(repo, only=("aa",)).diagnostics
    assert (fault.code, fault.message, fault.help) == ("RC711", "there is no group `aa`", "did you mean `a`?")
    assert tree(repo) == {}


def test_only_files_whose_bytes_differ_are_touched(repo: Path) -> None:
    compile_here(repo)
    before = (repo / "generated/group-b.yml").stat()
    (repo / "alerts/groups/a.yaml").write_text("group: a\nrules: {NodeDown: {for: 1m}}\n")
    shutil.rmtree(repo / ".rulecompiler")
    compile_here(repo)
    after = (repo / "generated/group-b.yml").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


@pytest.mark.parametrize(
    ("marker", "start", "found"),
    [
        ("rulecompiler.yaml", "", ""),
        ("rulecompiler.yaml", "alerts/groups", ""),
        ("alerts/groups", "alerts/groups", ""),
        ("sub/alerts/groups", "sub", "sub"),
        ("nothing", "nothing", None),
    ],
)
def test_the_root_is_found_from_below(tmp_path: Path, marker: str, start: str, found: str | None) -> None:
    (tmp_path / start).mkdir(parents=True, exist_ok=True)
    (tmp_path / marker).mkdir(parents=True, exist_ok=True)
    assert inputs.find_root(tmp_path / start) == (None if found is None else tmp_path / found)


# ---- on the way


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repo of sixty groups in two states, `0` and `1`, with what each compiles to."""
    folder = tmp_path_factory.mktemp("big")
    runpy.run_path(str(HERE / "bench/synthetic.py"))["build"](folder / "repo", 60)
    for state in "01":
        put(folder / "repo", state)
        compile_here(folder / "repo", cached=False)
        shutil.copytree(folder / "repo/generated", folder / state / "generated")
    assert len(tree(folder / "0")) == 60
    assert all(tree(folder / "0")[name] != data for name, data in tree(folder / "1").items())
    return folder


def put(root: Path, state: str) -> None:
    """A state in which every group's file is another one."""
    baseline = root / "alerts/groups/baseline.yaml"
    text = baseline.read_text().partition("\nlabels:")[0].rstrip("\n")
    baseline.write_text(f"{text}\nlabels: {{state: s{state}}}\n")


def test_two_compiles_at_once_both_end_well(big: Path) -> None:
    root = big / "repo"
    for state in "10":
        put(root, state)
        both = [command(root), command(root)]
        for process in both:
            _, err = process.communicate(timeout=60)
            assert (process.returncode, err) == (0, "")
        assert tree(root) == tree(big / state)


def test_a_second_compile_waits_and_then_says_why_not(repo: Path) -> None:
    with locked(repo) as first:
        assert first is None
        started = time.monotonic()
        with locked(repo, patience_seconds=0.2) as second:
            assert second is not None
            assert (second.code, bool(second.help)) == ("RC709", True)
        assert time.monotonic() - started < 5
    with locked(repo) as third:
        assert third is None


def kills(big: Path) -> Iterator[tuple[str, Callable[[subprocess.Popen[str]], None]]]:
    chance = random.Random(7)

    def after(seconds: float) -> Callable[[subprocess.Popen[str]], None]:
        return lambda _: time.sleep(seconds)

    def at_the_first(pattern: str) -> Callable[[subprocess.Popen[str]], None]:
        def wait(process: subprocess.Popen[str]) -> None:
            while process.poll() is None and not any((big / "repo/generated").glob(pattern)):
                pass

        return wait

    def at_the_first_new_file(process: subprocess.Popen[str]) -> None:
        file = big / "repo/generated/group-leaf-0000.yml"
        old = file.stat().st_ino
        while process.poll() is None and file.stat().st_ino == old:
            pass

    for number in range(9):
        yield f"{number}", after(chance.uniform(0.1, 1.2))
    yield "staged", at_the_first(".*.tmp")
    yield "all staged", at_the_first(".group-leaf-0059*.tmp")
    for number in range(4):
        yield f"replaced {number}", at_the_first_new_file


def test_a_killed_compile_leaves_whole_files_and_a_rerun_repairs(big: Path) -> None:
    root = big / "repo"
    either = [tree(big / "0"), tree(big / "1")]
    seen = set()
    for number, (name, wait) in enumerate(kills(big)):
        put(root, str(number % 2))
        process = command(root)
        wait(process)
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)  # its workers must find out by themselves
        process.communicate(timeout=20)
        staged = 0
        for file, data in tree(root).items():
            if file.endswith(".tmp"):
                staged += 1
            else:
                assert data in (either[0][file], either[1][file]), name
        seen.add("staged" if staged else "not staged")
    assert seen == {"staged", "not staged"}
    for state in "10":
        put(root, state)
        process = command(root)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, ""), out
        assert tree(root) == tree(big / state)
        assert sorted(os.listdir(root / ".rulecompiler")) == [".gitignore", "cache.json", "lock"]


def test_a_full_disk_changes_nothing_not_even_the_cache(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compile_here(repo)
    before, memory = tree(repo), (repo / ".rulecompiler/cache.json").read_bytes()
    (repo / "alerts/templates/NodeDown.yaml").write_text(TEMPLATE.replace("5m", "6m"))
    outcome = workspace.compile_repo(repo, {})
    refusal = Diagnostic("RC705", "full", Span("generated", 1, 1, 1, 1))
    monkeypatch.setattr(output, "write", lambda *_: refusal)
    assert workspace.write(outcome) is refusal
    assert (tree(repo), (repo / ".rulecompiler/cache.json").read_bytes()) == (before, memory)


def test_killed_workers_change_nothing(big: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, parent = Compiler.compile_group, os.getpid()

    def die(self: Compiler, group_id: str) -> GroupResult:
        if os.getpid() != parent and group_id == "leaf-0042":
            os.kill(os.getpid(), signal.SIGKILL)
        return real(self, group_id)

    monkeypatch.setattr(Compiler, "compile_group", die)
    put(big / "repo", "0")
    outcome = workspace.compile_repo(big / "repo", {}, jobs=2, cached=False)
    assert outcome.diagnostics == ()
    assert {name: text.encode() for name, text in outcome.files.items()} == tree(big / "0")


def test_the_cache_is_json_for_whoever_looks(repo: Path) -> None:
    compile_here(repo)
    body = (repo / ".rulecompiler/cache.json").read_bytes().partition(b"\n")[2]
    assert sorted(json.loads(body)["groups"]) == ["a", "b"]
