"""`rulecompiler watch`, as a process of its own, on files that are really saved."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

SRC = Path(__file__).resolve().parents[2] / "src"
DEADLINE_SECONDS = 60.0  # for a machine that is busy with something else
PROD = "group: prod\nname: production\nrules: {NodeDown: {params: {wait: 7m}}, ServiceDown: {}}\n"
SUMMARY = r"rules?: .* in [\d.]+ s\n"
GIT = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "gc.auto=0"]


class Running:
    """A `watch` that runs, and what it printed."""

    def __init__(self, root: Path, *args: str, terminal: bool = False, **environ: str) -> None:
        self._ends = pty.openpty() if terminal else os.pipe()
        reader, writer = self._ends
        if terminal:
            fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 20, 80, 0, 0))
        env = {**os.environ, "PYTHONPATH": str(SRC), "PATH": os.defpath, "TERM": "xterm", **environ}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "rulecompiler", "watch", *args],
            cwd=root,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=writer,
            stderr=subprocess.STDOUT,
        )
        os.close(writer)
        self._said = b""
        self._from = 0
        self._reader = threading.Thread(target=self._read, args=(reader,))
        self._reader.start()

    def _read(self, reader: int) -> None:
        with open(reader, "rb", buffering=0) as stream:
            while True:
                try:
                    data = stream.read(65536)
                except OSError:  # how a terminal ends
                    return
                if not data:
                    return
                self._said += data

    @property
    def said(self) -> str:
        """All that was printed and not yet expected."""
        return self._said.decode("utf-8", "replace").replace("\r\n", "\n")[self._from :]

    def expect(self, pattern: str) -> str:
        """What was printed up to and with the pattern, once it was; later calls look behind it."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while (found := re.search(pattern, self.said, re.DOTALL)) is None:
            assert time.monotonic() < deadline, f"{pattern!r} is not in:\n{self.said}"
            assert self.process.poll() is None, self.said
            time.sleep(0.01)
        text = self.said[: found.end()]
        self._from += found.end()
        return text

    def end(self, number: int = signal.SIGINT) -> int:
        """Ends it by a signal, and gives its exit code."""
        self.process.send_signal(number)
        try:
            return self.process.wait(DEADLINE_SECONDS)
        finally:
            self.close()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()


Watch = Callable[..., Running]


@pytest.fixture
def watch(repo: Any) -> Iterator[Watch]:
    """Starts `watch` in the repo, with what it is to print first behind it."""
    started: list[Running] = []

    def start(*args: str, first: str = SUMMARY, **more: Any) -> Running:
        started.append(Running(repo.root, *args, **more))
        started[-1].expect(first)
        return started[-1]

    yield start
    for each in started:
        each.close()


@pytest.fixture
def committed(repo: Any) -> Any:
    """The repo with a commit on main that has all files, compiled ones among them."""
    from rulecompiler.cli import main

    assert main(["compile"]) == 0
    repo.put(".gitignore", ".rulecompiler/\n")
    git(repo, "init", "-qb", "main")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "first")
    return repo


def git(repo: Any, *words: str) -> None:
    subprocess.run([*GIT, *words], cwd=repo.root, check=True, env={**os.environ, "PATH": os.defpath})


def test_a_save_is_compiled_and_shown(committed: Any, watch: Watch) -> None:
    running = watch(first="Plan: nothing changes against main, .*" + SUMMARY)
    committed.put("alerts/groups/prod.yaml", PROD)
    said = running.expect(SUMMARY)
    assert re.match(r"---- \d\d:\d\d:\d\d  saved alerts/groups/prod.yaml\n", said)
    assert "wait 5m → 7m  alerts/groups/prod.yaml:3" in said
    assert "Plan: 0 to add, 1 to change" in said
    assert "1 file changed" in said
    assert "for: 7m" in committed.generated()["group-prod.yml"]
    assert running.end() == 0
    assert running.said == ""


def test_dry_run_writes_nothing(committed: Any, watch: Watch) -> None:
    before = committed.generated()
    running = watch("--dry-run")
    committed.put("alerts/groups/prod.yaml", PROD)
    assert "would change 1 file" in running.expect(SUMMARY)
    assert committed.generated() == before


def test_what_is_broken_is_shown_and_then_that_it_is_repaired(committed: Any, watch: Watch) -> None:
    before = committed.generated()
    running = watch()
    committed.put("alerts/groups/prod.yaml", "group: prod\nrules: {NodeDwn: {}}\n")
    said = running.expect("Nothing was written")
    assert "error[RC301]" in said
    assert "--> alerts/groups/prod.yaml:2" in said
    committed.put("alerts/groups/prod.yaml", "group: [")
    running.expect(r"error\[RC1.*Nothing was written")
    assert committed.generated() == before
    committed.put("alerts/groups/prod.yaml", PROD)
    assert "1 to change" in running.expect(SUMMARY)


def test_what_is_broken_at_the_start(committed: Any, watch: Watch) -> None:
    committed.put("alerts/groups/prod.yaml", "group: [")
    running = watch(first="Nothing was written")
    committed.put("alerts/groups/prod.yaml", PROD)
    running.expect(SUMMARY)


@pytest.mark.parametrize("environ", [{}, {"WATCHFILES_FORCE_POLLING": "true"}])
def test_files_and_folders_that_come_and_go(committed: Any, watch: Watch, environ: dict[str, str]) -> None:
    running = watch(**environ)
    (committed.root / "alerts/groups/dev.yaml").unlink()
    said = running.expect(SUMMARY)
    assert "removed alerts/groups/dev.yaml" in said
    assert "1 to remove" in said
    assert "group-dev.yml" not in committed.generated()
    aside = committed.root / "aside"
    (committed.root / "alerts").rename(aside)
    running.expect("Nothing was written")
    aside.rename(committed.root / "alerts")
    running.expect(SUMMARY)
    committed.put("alerts/groups/new/deep/dev.yaml", "group: dev\nrules: {NodeDown: {params: {wait: 8m}}}\n")
    assert "saved alerts/groups/new/deep/dev.yaml" in running.expect(SUMMARY)
    shutil.rmtree(committed.root / "alerts/groups")
    running.expect("Nothing was written")
    committed.put("alerts/groups/prod.yaml", PROD)
    running.expect(SUMMARY)


def test_a_template_that_is_renamed(committed: Any, watch: Watch) -> None:
    running = watch()
    template = committed.root / "alerts/templates/ServiceDown.yaml"
    template.rename(template.with_name("ServiceGone.yaml"))
    said = running.expect(SUMMARY)
    assert "saved alerts/templates/ServiceGone.yaml; removed alerts/templates/ServiceDown.yaml" in said
    assert "Plan: nothing changes" in said


def test_the_settings(committed: Any, watch: Watch) -> None:
    running = watch()
    committed.put("rulecompiler.yaml", "alert_names: plain\n")
    said = running.expect(SUMMARY)
    assert "saved rulecompiler.yaml" in said
    assert "starts over" in said
    committed.put("rulecompiler.yaml", "alert_names: wrong\n")
    running.expect(r"rulecompiler.yaml:1.*Nothing was written")
    (committed.root / "rulecompiler.yaml").unlink()
    assert "removed rulecompiler.yaml" in running.expect(SUMMARY)


def test_folders_that_the_settings_name_are_watched_from_then_on(committed: Any, watch: Watch) -> None:
    running = watch()
    shutil.copytree(committed.root / "alerts/groups", committed.root / "teams")
    committed.put("rulecompiler.yaml", "paths: {groups: teams}\n")
    running.expect(SUMMARY)
    committed.put("teams/prod.yaml", PROD)
    assert "saved teams/prod.yaml" in running.expect(SUMMARY)


def test_what_says_nothing_new_is_passed_over(committed: Any, watch: Watch) -> None:
    running = watch()
    file = committed.root / "alerts/groups/prod.yaml"
    file.write_text(file.read_text())
    for name in (".prod.yaml.swp", "prod.yaml~", "#prod.yaml#", "4913", ".#prod.yaml"):
        swap = committed.put(f"alerts/groups/{name}", "group: [")
        if name == "4913":  # vim's, for the blink of an eye
            swap.unlink()
    # How many an editor saves: a new file takes the old one's name.
    committed.put("alerts/groups/.prod.yaml.new", PROD).rename(file)
    said = running.expect(SUMMARY)
    assert "  saved alerts/groups/prod.yaml\n" in said
    assert said.count("----") == 1


def test_many_files_at_once_are_one_compile(committed: Any, watch: Watch) -> None:
    git(committed, "checkout", "-qb", "many")
    for number in range(300):
        text = f"group: g{number}\nrules: {{ServiceDown: {{}}}}\n"
        committed.put(f"alerts/groups/g{number}.yaml", text)
    git(committed, "add", "-A")
    git(committed, "commit", "-qm", "many")
    git(committed, "checkout", "-q", "main")
    running = watch()
    git(committed, "checkout", "-q", "many")
    said = running.expect("300 to add.*" + SUMMARY)
    assert "and 295 more" in said
    assert said.count("----") == 1
    assert running.end() == 0
    assert running.said == ""


def test_git_is_waited_for(committed: Any, watch: Watch) -> None:
    running = watch("--dry-run")
    lock = committed.put(".git/index.lock", "")
    committed.put("alerts/groups/prod.yaml", PROD)
    time.sleep(0.5)  # as a slow disk would have it
    committed.put("alerts/groups/more.yaml", "group: more\nrules: {ServiceDown: {}}\n")
    lock.unlink()
    said = running.expect(SUMMARY)
    assert "  saved alerts/groups/more.yaml, alerts/groups/prod.yaml\n" in said
    assert said.count("----") == 1


def test_a_base_that_moves(committed: Any, watch: Watch) -> None:
    running = watch("--base", "HEAD")
    committed.put("alerts/groups/prod.yaml", PROD)
    assert "1 to change" in running.expect(SUMMARY)
    git(committed, "commit", "-qam", "second")
    said = running.expect(SUMMARY)
    assert "git moved" in said
    assert "nothing changes against HEAD" in said
    git(committed, "reset", "-q", "--soft", "HEAD~1")
    assert "1 to change" in running.expect(SUMMARY)


def test_a_base_that_moves_together_with_the_files(committed: Any, watch: Watch) -> None:
    committed.put("alerts/groups/prod.yaml", PROD)
    git(committed, "commit", "-qam", "second")
    running = watch("--dry-run", "--base", "HEAD", first="nothing changes against HEAD.*" + SUMMARY)
    git(committed, "reset", "-q", "--hard", "HEAD~1")
    running.expect("nothing changes against HEAD.*" + SUMMARY)
    committed.put("alerts/groups/prod.yaml", PROD.replace("7m", "9m"))
    assert "wait 5m → 9m" in running.expect(SUMMARY)


def test_a_commit_that_changes_no_base_is_passed_over(committed: Any, watch: Watch) -> None:
    git(committed, "checkout", "-qb", "work")
    running = watch()
    committed.put("alerts/groups/prod.yaml", PROD)
    running.expect(SUMMARY)
    git(committed, "commit", "-qam", "second")
    committed.put("alerts/groups/prod.yaml", PROD.replace("7m", "9m"))
    said = running.expect(SUMMARY)
    assert "wait 5m → 9m" in said
    assert said.count("----") == 1


def test_without_git_it_compiles_and_says_why_there_is_no_plan(repo: Any, watch: Watch) -> None:
    running = watch(first="No plan: .*" + SUMMARY)
    repo.put("alerts/groups/prod.yaml", PROD)
    said = running.expect(SUMMARY)
    assert "No plan: this folder is not in a git repository" in said
    assert "1 file changed" in said
    git(repo, "init", "-qb", "main")
    git(repo, "add", "alerts")
    git(repo, "commit", "-qm", "first")
    running.expect("Plan: nothing changes against main")


def test_a_base_that_git_does_not_know(committed: Any, watch: Watch) -> None:
    running = watch("--base", "nowhere", first="No plan: git knows no commit `nowhere`.*" + SUMMARY)
    git(committed, "branch", "nowhere")
    running.expect("Plan: nothing changes against nowhere")


def test_another_compile_is_waited_for(committed: Any, watch: Watch) -> None:
    running = watch()
    with (committed.root / ".rulecompiler/lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        committed.put("alerts/groups/prod.yaml", PROD)
        running.expect("another compile of this repo is running: waiting")
    assert "1 to change" in running.expect(SUMMARY)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_it_without_a_word(committed: Any, watch: Watch, number: int) -> None:
    running = watch()
    assert running.end(number) == 0
    assert running.said == ""


def test_a_terminal_is_cleared_and_not_overfilled(committed: Any, watch: Watch) -> None:
    running = watch(terminal=True, NO_COLOR="1")
    for number in range(30):
        committed.put(
            f"alerts/groups/g{number}.yaml", f"group: g{number}\nrules: {{Nothing{number}: {{}}}}\n"
        )
    said = running.expect(r"\x1b\[2J.*saved .*Nothing was written\.\n")
    block = said[said.rindex("\x1b[2J") :]
    assert "error[RC301]" in block
    assert "more lines: `rulecompiler validate` shows all" in block
    assert sum(1 + (len(line) - 1) // 80 for line in block.split("\n")) <= 20
    for number in range(30):
        (committed.root / f"alerts/groups/g{number}.yaml").unlink()
    running.expect("nothing changes.*" + SUMMARY)


def test_no_repo_is_wrong_usage(tmp_path: Path) -> None:
    running = Running(tmp_path)
    try:
        assert running.process.wait(DEADLINE_SECONDS) == 2
    finally:
        running.close()
    assert "there is no rulecompiler.yaml" in running.said
