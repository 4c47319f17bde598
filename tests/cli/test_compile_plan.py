"""`compile --plan`: what the reviewer will see, at the end of a compile."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from rulecompiler.cli import main

Capture = pytest.CaptureFixture[str]
PROD = "group: prod\nname: production\nrules: {NodeDown: {params: {wait: 7m}}, ServiceDown: {}}\n"


def git(folder: Path, *words: str) -> None:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "gc.auto=0", *words]
    subprocess.run(command, cwd=folder, check=True)


@pytest.fixture
def committed(repo: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The repo, its output compiled, with a commit on main."""
    monkeypatch.setenv("PATH", os.defpath)
    assert main(["compile"]) == 0
    repo.put(".gitignore", ".rulecompiler/\n")
    git(repo.root, "init", "-qb", "main")
    git(repo.root, "add", "-A")
    git(repo.root, "commit", "-qm", "first")
    return repo


def said(capsys: Capture, *args: str) -> str:
    capsys.readouterr()
    assert main(["compile", "--plan", *args]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def test_nothing_changed_is_one_line(committed: Any, capsys: Capture) -> None:
    lines = said(capsys).splitlines()
    assert lines[1:] == ["Plan: nothing changes against main, 3 rules unchanged"]
    assert lines[0].startswith("2 groups, 3 rules: nothing changed in ")


def test_a_new_form_is_no_change_either(committed: Any, capsys: Capture) -> None:
    committed.put("alerts/groups/dev.yaml", "group: dev\nrules: {NodeDown: {params: {wait: 10m}}}\n")
    last = said(capsys).splitlines()[-1]
    assert last.startswith(
        "Plan: nothing changes against main, 3 rules unchanged; no rule changes by the edits"
    )
    assert last.endswith(" of alerts/groups/dev.yaml")


def test_it_ends_with_what_diff_says(committed: Any, capsys: Capture) -> None:
    committed.put("alerts/groups/prod.yaml", PROD)
    out = said(capsys)
    assert "wait 5m → 7m  alerts/groups/prod.yaml:3" in out
    assert "+++" not in out
    assert "for: 7m" in committed.generated()["group-prod.yml"]
    assert main(["diff"]) == 0
    plan = capsys.readouterr().out
    assert out.endswith(f"\n\n{plan}")
    # Written or not, the plan is about alerts/.
    assert said(capsys).endswith(f"\n\n{plan}")
    assert said(capsys, "--group", "dev").endswith(f"\n\n{plan}")


def test_a_dry_run_writes_nothing(committed: Any, capsys: Capture) -> None:
    committed.put("alerts/groups/prod.yaml", PROD)
    before = committed.generated()
    out = said(capsys, "--dry-run")
    assert "would change 1 file" in out
    assert "wait 5m → 7m" in out
    assert committed.generated() == before


def test_full_diff_shows_the_files_too(committed: Any, capsys: Capture) -> None:
    committed.put("alerts/groups/prod.yaml", PROD)
    out = said(capsys, "--full-diff")
    assert out.index("+    for: 7m") < out.index("wait 5m → 7m")


def test_without_git_it_compiles_and_shows_the_files(repo: Any, capsys: Capture) -> None:
    out = said(capsys)
    assert "+++ b/generated/group-prod.yml" in out
    assert out.splitlines()[-1].startswith("No plan: ")
    assert repo.generated().keys() == {"group-dev.yml", "group-prod.yml"}


def no_repository(root: Path) -> Path:
    return root


def no_commit(root: Path) -> Path:
    git(root, "init", "-qb", "main")
    return root


def no_main_branch(root: Path) -> Path:
    git(root, "init", "-qb", "other")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "first")
    return root


def shallow(root: Path) -> Path:
    git(root, "init", "-qb", "main")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "first")
    git(root, "checkout", "-qb", "work")
    for text in ("second", "third"):
        git(root, "commit", "-qm", text, "--allow-empty")
    git(root, "checkout", "-q", "main")
    clone = root.parent / "clone"
    git(root, "clone", "-q", "--depth", "1", "--branch", "work", f"file://{root}", str(clone))
    return clone


@pytest.mark.parametrize(
    ("make", "why", "help_text"),
    [
        (no_repository, "not in a git repository", "`git init`"),
        (no_commit, "no commit to compare with", "commit first"),
        (no_main_branch, "no main branch", "`rulecompiler diff --base REF` compares"),
        (shallow, "shallow clone", "git fetch --unshallow"),
    ],
)
def test_without_a_base_it_says_why_and_what_to_do(
    repo: Any, make: Any, why: str, help_text: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("PATH", os.defpath)
    root = make(repo.root)
    monkeypatch.chdir(root)
    out = said(capsys)
    last = out.splitlines()[-1]
    assert last.startswith("No plan: ")
    assert why in last
    assert help_text in last
    assert (root / "generated/group-prod.yml").exists()


def test_what_does_not_compile_has_no_plan(committed: Any, capsys: Capture) -> None:
    committed.put("alerts/groups/prod.yaml", "group: prod\nrules: {NodeDwn: {}}\n")
    capsys.readouterr()
    assert main(["compile", "--plan"]) == 1
    out = capsys.readouterr().out
    assert "error[RC301]" in out
    assert out.endswith("Nothing was written.\n")
    assert "Plan" not in out


def test_a_base_that_does_not_compile_is_told(committed: Any, capsys: Capture) -> None:
    good = (committed.root / "alerts/groups/prod.yaml").read_text()
    committed.put("alerts/groups/prod.yaml", "group: [")
    git(committed.root, "commit", "-qam", "broken")
    committed.put("alerts/groups/prod.yaml", good)
    out = said(capsys)
    assert "? prod" in out
    assert "1 group could not be compared" in out


def test_a_file_is_parsed_once(committed: Any, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    from rulecompiler import compiler

    read: list[str] = []
    parse = compiler._document

    def noted(kind: Any, source: Any) -> Any:
        read.append(source.path)
        return parse(kind, source)

    monkeypatch.setattr(compiler, "_document", noted)
    committed.put("alerts/groups/prod.yaml", PROD)
    (committed.root / ".rulecompiler/cache.json").unlink()
    said(capsys)
    # Of the file that differs, each of the two texts.
    assert sorted(read) == [
        "alerts/groups/dev.yaml",
        "alerts/groups/prod.yaml",
        "alerts/groups/prod.yaml",
        "alerts/templates/NodeDown.yaml",
        "alerts/templates/ServiceDown.yaml",
    ]


def test_programs_ask_diff(committed: Any, capsys: Capture) -> None:
    assert main(["compile", "--plan", "--format", "json"]) == 2
    assert "rulecompiler diff --format json" in capsys.readouterr().err
