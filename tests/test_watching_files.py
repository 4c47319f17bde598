"""Waiting for files; what `watch` makes of it is tested in tests/cli/test_watch.py."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import watchfiles

from rulecompiler.watching_files import FileWatch, GitState

REFS = ("main", "origin/main")


def git(folder: Path, *words: str) -> None:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "gc.auto=0", *words]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    root.mkdir()
    git(root, "init", "-qb", "main")
    (root / "a").write_text("1")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "first")
    return root


def commit(root: Path) -> None:
    git(root, "commit", "-qm", "second", "--allow-empty")


def switch(root: Path) -> None:
    git(root, "checkout", "-qb", "other")


def amend(root: Path) -> None:
    git(root, "commit", "--amend", "-qm", "better")


def fetched(root: Path) -> None:
    git(root, "update-ref", "refs/remotes/origin/main", "HEAD")


def detach(root: Path) -> None:
    git(root, "checkout", "-q", "--detach")


def packed_then_moved(root: Path) -> None:
    git(root, "pack-refs", "--all")
    commit(root)


def gone(root: Path) -> None:
    (root / ".git").rename(root / "git")


@pytest.mark.parametrize("move", [commit, switch, amend, fetched, detach, packed_then_moved, gone])
def test_a_glance_shows_that_git_moved(checkout: Path, move: Callable[[Path], None]) -> None:
    state = GitState(checkout)
    before = state.stamp(REFS)
    assert state.stamp(REFS) == before
    move(checkout)
    assert state.stamp(REFS) != before


def test_what_moves_nothing_is_not_told(checkout: Path) -> None:
    state = GitState(checkout)
    before = state.stamp(REFS)
    (checkout / "a").write_text("2")
    git(checkout, "add", "-A")
    git(checkout, "status")
    git(checkout, "branch", "unrelated")
    assert state.stamp(REFS) == before


def test_a_worktree_and_a_folder_inside_it(checkout: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    git(checkout, "worktree", "add", "-q", "-b", "work", str(other))
    (other / "monitoring").mkdir()
    state = GitState(other / "monitoring")
    before = state.stamp(REFS)
    commit(checkout)  # on main, which all worktrees share
    after = state.stamp(REFS)
    assert after != before
    commit(other)
    assert state.stamp(REFS) != after


def test_git_at_work(checkout: Path) -> None:
    state = GitState(checkout)
    assert not state.is_busy()
    lock = checkout / ".git/index.lock"
    lock.touch()
    assert state.is_busy()
    lock.unlink()
    assert not state.is_busy()


def test_without_git(tmp_path: Path) -> None:
    state = GitState(tmp_path)
    assert state.stamp(REFS) == ()
    assert not state.is_busy()


@pytest.mark.parametrize("junk", ["", "gitdir: \0", "gitdir: nowhere", "gitdir: /", "\udcff"])
def test_a_git_file_that_is_none(tmp_path: Path, junk: str) -> None:
    (tmp_path / ".git").write_bytes(os.fsencode(junk))
    state = GitState(tmp_path)
    assert state.stamp(REFS) == state.stamp(REFS)
    assert not state.is_busy()


def test_where_the_system_gives_no_notices_files_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = watchfiles.watch
    asked: list[object] = []

    def refusing(*folders: Path, **options: Any) -> Iterator[Any]:
        asked.append(options["force_polling"])
        if not options["force_polling"]:
            raise OSError("OS file watch limit reached.")
        return real(*folders, **options)

    monkeypatch.setattr(watchfiles, "watch", refusing)
    files = FileWatch()
    file = tmp_path / "a"
    calls = 0

    def changed(thorough: bool) -> bool:
        nonlocal calls
        calls += 1
        if calls == 4:
            file.write_text("1")
        return thorough and file.exists()

    files.wait([tmp_path], changed)
    assert files.trouble == "OS file watch limit reached."
    assert asked == [None, True]
    files.wait([tmp_path], lambda thorough: thorough)
    assert asked == [None, True, True]


def test_a_folder_that_is_made_later(tmp_path: Path) -> None:
    folder = tmp_path / "later"
    glances = 0

    def changed(thorough: bool) -> bool:
        nonlocal glances
        glances += 1
        if glances == 2:
            folder.mkdir()
        if glances == 5:
            (folder / "a").write_text("1")
        return thorough and (folder / "a").exists()

    FileWatch().wait([folder], changed)
    assert glances >= 5
