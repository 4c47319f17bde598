"""`rulecompiler diff` where nobody can tell which rules a side has: a refusal, never a plan of guesses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from rulecompiler.cli import main
from tests.diff.checkouts import FILES, GROUP, TEMPLATE, Checkout, checkout

Capture = pytest.CaptureFixture[str]
PLAIN = "alert_names: plain\n"


@pytest.fixture(autouse=True)
def quiet_git(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    made = checkout(tmp_path / "repo")
    monkeypatch.chdir(made.root)
    return made


def refused(capsys: Capture, code: str, *arguments: str) -> str:
    capsys.readouterr()
    assert main(["diff", *arguments]) == 1
    output = "".join(capsys.readouterr())
    assert f"error[{code}]" in output
    assert "Plan:" not in output
    assert main(["diff", "--format", "json", *arguments]) == 1
    assert "changes" not in json.loads(capsys.readouterr().out)
    return output


def plan_of(capsys: Capture, *arguments: str) -> Any:
    capsys.readouterr()
    assert main(["diff", "--format", "json", *arguments]) == 0
    return json.loads(capsys.readouterr().out)


def unchanged(capsys: Capture, *arguments: str) -> bool:
    plan = plan_of(capsys, *arguments)
    return not plan["changes"] and not plan["incomparable"] and plan["counts"]["unchanged"] == 2


# --- folders ----------------------------------------------------------------------


def linked(repo: Checkout, folder: str) -> None:
    """Commits a folder as a link to where its files lie now."""
    (repo.root / folder).rename(repo.root / "elsewhere")
    (repo.root / folder).symlink_to(os.path.relpath("elsewhere", os.path.dirname(folder) or "."))
    repo.git("add", "-A")


def submodule(repo: Checkout, folder: str) -> None:
    repo.git("rm", "-rq", "--cached", folder)
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},{folder}")


def plain_file(repo: Checkout, folder: str) -> None:
    repo.git("rm", "-rq", folder)
    repo.put({folder: "no folder"})
    repo.git("add", "-A")


@pytest.mark.parametrize("folder", ["alerts", "alerts/groups", "alerts/templates"])
@pytest.mark.parametrize(("become", "code"), [(linked, "RC725"), (submodule, "RC725"), (plain_file, "RC102")])
def test_something_else_in_a_folders_place(
    repo: Checkout, capsys: Capture, become: Callable[[Checkout, str], None], code: str, folder: str
) -> None:
    become(repo, folder)
    repo.git("commit", "-qm", "odd")
    assert "in HEAD, " in refused(capsys, code, "--base", "HEAD", "--head", "HEAD~1")
    # Both sides hide their rules, so that there seem to be none and nothing seems to change.
    refused(capsys, code, "--base", "HEAD~1", "--head", "HEAD")
    refused(capsys, code, "--base", "HEAD", "--head", "HEAD")


def test_a_folder_of_groups_behind_a_link(repo: Checkout, capsys: Capture) -> None:
    repo.commit({"more/api.yaml": "group: api\nrules: {Down: {}}\n"})
    (repo.root / "alerts/groups/more").symlink_to("../../more")
    repo.commit({})
    assert "alerts/groups/more" in refused(capsys, "RC725", "--base", "HEAD")


def test_a_link_that_is_no_group_is_no_hindrance(repo: Checkout, capsys: Capture) -> None:
    repo.put({"README.md": "read me\n"})
    (repo.root / "alerts/groups/README").symlink_to("../../README.md")
    repo.commit({})
    assert unchanged(capsys, "--base", "HEAD")
    assert unchanged(capsys, "--base", "HEAD", "--head", "HEAD")


def test_the_rules_own_folder_behind_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    repo = checkout(tmp_path / "repo", {f"real/{path}": text for path, text in FILES.items()})
    (repo.root / "rules").symlink_to("real")
    repo.commit({})
    (repo.root / "rules").unlink()
    (repo.root / "real").rename(repo.root / "rules")
    monkeypatch.chdir(repo.root / "rules")
    refused(capsys, "RC725", "--base", "HEAD")


def test_neither_commit_has_the_folders(repo: Checkout, capsys: Capture) -> None:
    repo.git("rm", "-rq", "--cached", "alerts")
    repo.git("commit", "-qm", "not ours any more")
    refused(capsys, "RC102", "--base", "HEAD", "--head", "HEAD")
    plan = plan_of(capsys, "--base", "HEAD~1", "--head", "HEAD")
    assert [c["action"] for c in plan["changes"]] == ["remove", "remove"]


def test_a_folder_that_is_not_there_on_disk(repo: Checkout, capsys: Capture) -> None:
    (repo.root / "alerts/groups").rename(repo.root / "alerts/grps")
    refused(capsys, "RC102")


# --- settings ---------------------------------------------------------------------

BAD: Mapping[str, tuple[str, str]] = {
    "a value that is none": ("alert_names: nope\n", "RC205"),
    "no YAML": ("alert_names: [\n", "RC111"),
    "too large": ("#" * (1 << 20) + "\n" + PLAIN, "RC105"),
}


@pytest.mark.parametrize("what", BAD)
def test_settings_that_cannot_be_read(repo: Checkout, capsys: Capture, what: str) -> None:
    text, code = BAD[what]
    repo.commit({"rulecompiler.yaml": text})
    repo.commit({"rulecompiler.yaml": PLAIN})
    assert "in HEAD~1, " in refused(capsys, code, "--base", "HEAD~1")
    assert "in HEAD~1, " in refused(capsys, code, "--head", "HEAD~1")
    repo.put({"rulecompiler.yaml": text})
    assert "in HEAD" not in refused(capsys, code)


def test_settings_behind_a_link(repo: Checkout, capsys: Capture) -> None:
    repo.put({"other.yaml": PLAIN})
    (repo.root / "rulecompiler.yaml").symlink_to("other.yaml")
    repo.commit({})
    refused(capsys, "RC725", "--base", "HEAD")


# --- around it --------------------------------------------------------------------


def test_another_repos_git_dir_is_not_read(
    repo: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    other = checkout(tmp_path / "other", {"README": "no rules"})
    monkeypatch.setenv("GIT_DIR", str(other.root / ".git"))
    assert unchanged(capsys)


def test_a_repo_with_sha256(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    repo = Checkout(tmp_path / "repo")
    repo.root.mkdir()
    repo.git("init", "-q", "-b", "main", "--object-format=sha256")
    repo.commit(FILES)
    monkeypatch.chdir(repo.root)
    repo.put({"alerts/templates/Down.yaml": TEMPLATE.replace("for: 5m", "for: 7m")})
    plan = plan_of(capsys)
    assert [f["new"] for c in plan["changes"] for f in c["fields"]] == ["7m"]


def test_without_a_git_program(repo: Checkout, tmp_path: Path) -> None:
    code = "import sys; from rulecompiler.cli import main; sys.exit(main(['diff']))"
    environ = {name: text for name, text in os.environ.items() if name != "PATH"} | {"PATH": str(tmp_path)}
    environ["PYTHONPATH"] = os.pathsep.join(sys.path)
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True)
    assert done.returncode == 1
    assert "RC724" in done.stderr + done.stdout
    assert "no git program" in done.stderr + done.stdout


def test_in_a_real_hook(repo: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    hook = repo.root / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(
        f"#!/bin/sh\nexec '{sys.executable}' -m rulecompiler diff --exit-code > '{tmp_path}/told'\n"
    )
    hook.chmod(0o755)
    repo.put({"alerts/groups/web.yaml": GROUP.replace("{}", "{for: 9m}")})
    with pytest.raises(subprocess.CalledProcessError):  # sets GIT_INDEX_FILE to a lock file of its own
        repo.git("commit", "-qm", "edit", "alerts/groups/web.yaml")
    assert "for 5m → 9m" in (tmp_path / "told").read_text("utf-8")


def test_line_ends_by_attributes_are_no_difference(repo: Checkout, capsys: Capture) -> None:
    repo.commit({".gitattributes": "*.yaml text eol=crlf\n"})
    repo.put({path: str(text).replace("\n", "\r\n") for path, text in FILES.items()})
    assert unchanged(capsys)


def test_a_partial_clone_out_of_reach_of_its_origin(
    repo: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    repo.git("config", "uploadpack.allowFilter", "true")
    repo.commit({"alerts/templates/Down.yaml": TEMPLATE.replace("for: 5m", "for: 7m")})
    repo.git("clone", "-q", "--filter=blob:none", repo.root.as_uri(), str(tmp_path / "part"))
    repo.root.rename(tmp_path / "away")
    monkeypatch.chdir(tmp_path / "part")
    refused(capsys, "RC723", "--base", "HEAD~1")
