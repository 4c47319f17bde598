"""`rulecompiler diff` on real git repositories: which commits, and what stands in the way."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from rulecompiler.cli import main
from tests.diff.checkouts import FILES, GROUP, TEMPLATE, Checkout, checkout

Capture = pytest.CaptureFixture[str]
SCHEMA = json.loads((Path(__file__).parents[2] / "schemas/plan.schema.json").read_text("utf-8"))
LOUDER = {"alerts/templates/Down.yaml": TEMPLATE.replace("for: 5m", "for: 7m")}
NOTHING = {"add": 0, "change": 0, "remove": 0, "replace": 0, "unchanged": 2}


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


def told(capsys: Capture, *arguments: str, exit_code: int = 0) -> str:
    """What it prints, both streams."""
    capsys.readouterr()
    assert main(["diff", *arguments]) == exit_code
    return "".join(capsys.readouterr())


def data(capsys: Capture, *arguments: str, exit_code: int = 0) -> Any:
    capsys.readouterr()
    assert main(["diff", "--format", "json", *arguments]) == exit_code
    plan = json.loads(capsys.readouterr().out)
    jsonschema.validate(plan, SCHEMA)
    return plan


def counts(plan: Any) -> dict[str, int]:
    return {name: plan["counts"][name] for name in NOTHING}


# --- what is compared with what ---------------------------------------------------


def test_the_working_tree_is_compared_with_where_the_branch_began(repo: Checkout, capsys: Capture) -> None:
    first = repo.git("rev-parse", "HEAD")
    repo.git("checkout", "-qb", "feature")
    repo.commit(LOUDER)
    repo.git("checkout", "-q", "main")
    repo.commit({"alerts/groups/db.yaml": "group: db\nrules: {}\n"}, "not ours")
    repo.git("checkout", "-q", "feature")
    repo.put({"alerts/groups/new.yaml": "group: new\nrules: {Down: {}}\n"})  # not even added
    plan = data(capsys)
    assert plan["base"] == {"label": "main", "commit": first, "note": "merge base of HEAD and main"}
    assert plan["head"] == {"label": "the working tree", "commit": None, "note": ""}
    assert [(c["action"], c["group"]) for c in plan["changes"]] == [("add", "new"), ("change", "web")]


def test_both_sides_may_be_commits(repo: Checkout, capsys: Capture) -> None:
    repo.git("tag", "-am", "one", "v1")
    second = repo.commit(LOUDER)
    repo.put({"alerts/groups/web.yaml": "not: even: yaml: ["})  # the working tree is not looked at
    plan = data(capsys, "--base", "v1", "--head", "HEAD")
    assert (plan["base"]["label"], plan["head"]["label"]) == ("v1", "HEAD")
    assert plan["head"]["commit"] == second
    assert counts(plan) == {**NOTHING, "change": 1, "unchanged": 1}
    back = data(capsys, "--base", second[:10], "--head", "HEAD~1")
    assert [f["old"] for f in back["changes"][0]["fields"]] == ["7m"]


@pytest.mark.parametrize(
    ("branch", "remote", "base"),
    [
        ("main", None, "main"),
        ("master", None, "master"),
        ("main", "origin/main", "origin/main"),
        ("main", "origin/master", "origin/master"),
        ("trunk", "origin/HEAD", "origin/trunk"),
    ],
)
def test_the_main_branch_is_found(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
    branch: str,
    remote: str | None,
    base: str,
) -> None:
    repo = checkout(tmp_path / "repo", branch=branch)
    monkeypatch.chdir(repo.root)
    if remote == "origin/HEAD":
        repo.git("update-ref", f"refs/remotes/origin/{branch}", "HEAD")
        repo.git("symbolic-ref", "refs/remotes/origin/HEAD", f"refs/remotes/origin/{branch}")
    elif remote is not None:
        repo.git("update-ref", f"refs/remotes/{remote}", "HEAD")
    repo.git("checkout", "-q", "--detach")
    repo.commit(LOUDER)
    plan = data(capsys)
    assert plan["base"]["label"] == base
    assert counts(plan)["change"] == 1


@pytest.mark.parametrize("below", ["rules", "a/b c/ü"])
def test_the_rules_may_lie_in_a_folder_of_the_repo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture, below: str
) -> None:
    repo = checkout(tmp_path / "repo", {f"{below}/{path}": text for path, text in FILES.items()})
    monkeypatch.chdir(repo.root / below)
    assert counts(data(capsys)) == NOTHING
    repo.put({f"{below}/{path}": text for path, text in LOUDER.items()})
    plan = data(capsys)
    assert counts(plan)["change"] == 1
    assert plan["changes"][0]["fields"][0]["place"]["path"] == "alerts/templates/Down.yaml"


def test_a_worktree_is_a_checkout_as_any(
    repo: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    repo.git("worktree", "add", "-q", "-b", "other", str(tmp_path / "tree"))
    tree = Checkout(tmp_path / "tree")
    monkeypatch.chdir(tree.root)
    tree.put(LOUDER)
    assert counts(data(capsys))["change"] == 1


def test_settings_of_each_side_are_its_own(repo: Checkout, capsys: Capture) -> None:
    repo.put({"rulecompiler.yaml": "alert_names: plain\n"})
    plan = data(capsys)
    assert counts(plan) == {**NOTHING, "replace": 2, "unchanged": 0}
    assert {c["old"]["name"] for c in plan["changes"]} == {"Down_Web", "Down_Db"}
    assert [cause["path"] for cause in plan["causes"]] == ["rulecompiler.yaml"]


def test_moved_folders_lose_nothing(repo: Checkout, capsys: Capture) -> None:
    repo.git("mv", "alerts", "rules")
    repo.put({"rulecompiler.yaml": "paths: {templates: rules/templates, groups: rules/groups}\n"})
    assert counts(data(capsys)) == NOTHING


def test_without_alerts_in_the_base_all_is_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    repo = checkout(tmp_path / "repo", {"README": "nothing yet"})
    monkeypatch.chdir(repo.root)
    repo.put(FILES)
    assert counts(data(capsys)) == {**NOTHING, "add": 2, "unchanged": 0}


def test_line_ends_are_no_difference(repo: Checkout, capsys: Capture) -> None:
    repo.git("config", "core.autocrlf", "true")
    repo.put({path: str(text).replace("\n", "\r\n") for path, text in FILES.items()})
    plan = data(capsys)
    assert (plan["changes"], counts(plan)) == ([], NOTHING)


def test_it_changes_nothing_on_disk(repo: Checkout, capsys: Capture) -> None:
    repo.commit(LOUDER)
    repo.put({"alerts/groups/new.yaml": "group: new\nrules: {Down: {}}\n"})
    before = repo.snapshot()
    for arguments in ((), ("--base", "HEAD~1"), ("--base", "HEAD~1", "--head", "HEAD"), ("--format", "json")):
        told(capsys, *arguments)
    assert repo.snapshot() == before


@pytest.mark.parametrize("name", ["GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"])
def test_a_hooks_environment_is_no_hindrance(
    repo: Checkout, monkeypatch: pytest.MonkeyPatch, capsys: Capture, name: str
) -> None:
    value = {"GIT_DIR": ".git", "GIT_INDEX_FILE": ".git/index", "GIT_WORK_TREE": "."}[name]
    monkeypatch.setenv(name, value)
    repo.put(LOUDER)
    assert counts(data(capsys))["change"] == 1


# --- what stands in the way -------------------------------------------------------

NO_COMMITS = [
    "nope",
    "-x",
    "--output=x",
    "HEAD^{tree}",
    "HEAD:alerts",
    "a\nb",
    "",
    "main..main",
    "@{u}",
    "\x1b[31m",
]


@pytest.mark.parametrize("ref", NO_COMMITS)
@pytest.mark.parametrize("option", ["--base", "--head"])
def test_what_is_no_commit_is_told(repo: Checkout, capsys: Capture, option: str, ref: str) -> None:
    output = told(capsys, f"{option}={ref}", exit_code=1)
    assert "RC720" in output
    assert "such as `main`" in output
    assert "Plan:" not in output
    assert "\x1b" not in output
    assert sorted(path.name for path in repo.root.iterdir()) == [".git", "alerts"]


def test_a_repo_without_a_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    repo = checkout(tmp_path / "repo", {})
    repo.put(FILES)
    monkeypatch.chdir(repo.root)
    output = told(capsys, exit_code=1)
    assert "RC722" in output
    assert "no commit" in output


def test_a_folder_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    plain = Checkout(tmp_path)
    plain.put(FILES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert "RC724" in told(capsys, exit_code=1)
    assert "--against generated" in told(capsys, exit_code=1)


def test_no_main_branch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    repo = checkout(tmp_path / "repo", branch="trunk")
    monkeypatch.chdir(repo.root)
    output = told(capsys, exit_code=1)
    assert "RC722" in output
    assert "`--base`" in output
    assert counts(data(capsys, "--base", "trunk")) == NOTHING


def test_branches_with_nothing_in_common(repo: Checkout, capsys: Capture) -> None:
    repo.git("checkout", "-q", "--orphan", "other")
    repo.commit(LOUDER)
    output = told(capsys, exit_code=1)
    assert "RC722" in output
    assert "HEAD and main have no commit in common" in output


def cut_off(repo: Checkout, target: Path, *options: str) -> Checkout:
    repo.git("clone", "-q", *options, repo.root.as_uri(), str(target))
    return Checkout(target)


def test_a_shallow_clone_says_which_depth_it_needs(
    repo: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    repo.git("checkout", "-qb", "feature")
    repo.commit(LOUDER)
    repo.git("checkout", "-q", "main")
    repo.commit({"README": "later"})
    alone = cut_off(repo, tmp_path / "alone", "--depth=1", "--branch=feature")
    monkeypatch.chdir(alone.root)
    for arguments in ((), ("--base", "main"), ("--base", "HEAD~1")):
        output = told(capsys, *arguments, exit_code=1)
        assert "RC721" in output, arguments
        assert "fetch-depth: 0" in output
        assert "--unshallow" in output
    both = cut_off(repo, tmp_path / "both", "--depth=1", "--no-single-branch", "--branch=feature")
    monkeypatch.chdir(both.root)
    assert "RC721" in told(capsys, exit_code=1)
    both.git("fetch", "-q", "--unshallow")
    assert counts(data(capsys))["change"] == 1


def test_a_repo_that_git_refuses(repo: Checkout, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # git's own way to make it believe so
    output = told(capsys, exit_code=1)
    assert "RC723" in output
    assert "dubious ownership" in output


def test_a_lost_object(repo: Checkout, capsys: Capture) -> None:
    repo.put(LOUDER)
    name = repo.git("rev-parse", "HEAD:alerts/templates/Down.yaml")
    lost = repo.root / ".git/objects" / name[:2] / name[2:]
    lost.chmod(0o600)
    lost.unlink()
    plan = data(capsys)
    # Its content is nowhere, so that nobody knows what changed.
    assert {each["group"] for each in plan["incomparable"]} == {"web", "db"}
    assert [d["code"] for d in plan["diagnostics"]["base"]] == ["RC723"]
    assert "could not be compared" in told(capsys)


def as_link(repo: Checkout) -> None:
    repo.put({"alerts/groups/web.yaml": None})
    (repo.root / "alerts/groups/web.yaml").symlink_to("db.yaml")
    repo.git("add", "-A")


def as_submodule(repo: Checkout) -> None:
    repo.git("rm", "-q", "alerts/groups/web.yaml")
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},alerts/groups/web.yaml")


@pytest.mark.parametrize("become", [as_link, as_submodule])
def test_what_is_no_file_in_a_commit(
    repo: Checkout, capsys: Capture, become: Callable[[Checkout], None]
) -> None:
    become(repo)
    repo.git("commit", "-qm", "odd")
    repo.git("rm", "-q", "--cached", "alerts/groups/web.yaml")
    (repo.root / "alerts/groups/web.yaml").unlink(missing_ok=True)
    repo.put({"alerts/groups/web.yaml": GROUP})
    plan = data(capsys, "--base", "HEAD")
    assert [d["code"] for d in plan["diagnostics"]["base"]] == ["RC725"]
    assert [(each["group"], each["sides"]) for each in plan["incomparable"]] == [("web", ["base"])]


JUNK: Mapping[str, Mapping[str, str | bytes]] = {
    "NUL": {"alerts/groups/web.yaml": b"group: web\0\nrules: {Down: {}}\n"},
    "not UTF-8": {"alerts/groups/web.yaml": b"group: web\nname: \xff\xfe\n"},
    "binary": {"alerts/groups/web.yaml": bytes(range(256)) * 50},
    "huge": {"alerts/groups/web.yaml": b"# " + b"x" * 5_000_000 + b"\n" + GROUP.encode()},
    "empty": {"alerts/groups/web.yaml": b""},
    "broken YAML": {"alerts/groups/web.yaml": "group: [web\n"},
    "a bomb": {"alerts/groups/web.yaml": "a: &a [1,1]\nb: &b [*a,*a]\nc: [*b,*b]\n" + "[" * 2000},
    "no such template": {"alerts/groups/web.yaml": "group: web\nrules: {Missing: {}}\n"},
}


@pytest.mark.parametrize("what", JUNK)
def test_junk_in_the_head_is_the_readers_fault(repo: Checkout, capsys: Capture, what: str) -> None:
    repo.put(JUNK[what])
    repo.put({"alerts/groups/db.yaml": "group: db\nrules: {Down: {for: 20m}}\n"})
    plan = data(capsys, exit_code=1)
    assert [(each["group"], each["sides"]) for each in plan["incomparable"]] == [("web", ["head"])]
    assert [c["group"] for c in plan["changes"]] == ["db"]
    output = told(capsys, exit_code=1)
    assert "error[" in output
    assert "1 group could not be compared" in output


@pytest.mark.parametrize("what", JUNK)
def test_junk_in_the_base_is_only_told(repo: Checkout, capsys: Capture, what: str) -> None:
    repo.commit(JUNK[what])
    repo.put({**FILES, "alerts/groups/db.yaml": "group: db\nrules: {Down: {for: 20m}}\n"})
    plan = data(capsys, "--base", "HEAD")
    assert [(each["group"], each["sides"]) for each in plan["incomparable"]] == [("web", ["base"])]
    assert [c["group"] for c in plan["changes"]] == ["db"]
    output = told(capsys, "--base", "HEAD")
    assert not output.startswith("error[")
    assert "in the base, " in output


def test_a_broken_template_leaves_no_group_that_has_it(repo: Checkout, capsys: Capture) -> None:
    repo.put({"alerts/templates/Down.yaml": b"alert: \0"})
    plan = data(capsys, exit_code=1)
    assert [each["group"] for each in plan["incomparable"]] == ["db", "web"]
    assert not plan["changes"]
    assert counts(plan)["unchanged"] == 0


@pytest.mark.parametrize("name", ["we\nb.yaml", "we\x1bb.yaml", "WEB.yaml", "we b.yaml", "wéb.yaml"])
def test_odd_names_are_no_traceback(repo: Checkout, capsys: Capture, name: str) -> None:
    repo.commit({f"alerts/groups/{name}": GROUP})
    told(capsys, "--base", "HEAD~1", exit_code=1)
    output = told(capsys, "--base", "HEAD~1", "--head", "HEAD", exit_code=1)
    assert "\x1b" not in output


# --- exit codes -------------------------------------------------------------------

CHANGED = LOUDER
REMOVED: Mapping[str, str | bytes | None] = {"alerts/groups/web.yaml": None}
ADDED = {"alerts/groups/new.yaml": "group: new\nrules: {Down: {}}\n"}
RESET = {"alerts/templates/Down.yaml": TEMPLATE.replace("warning", "critical")}
MOVED = {
    "alerts/groups/web.yaml": None,
    "alerts/groups/all.yaml": "group: all\nname: everything\nscope: {}\nrules: {Down: {for: 3m}}\n",
}
BROKEN = {"alerts/groups/web.yaml": "group: web\nrules: {Missing: {}}\n"}
FAILS: Mapping[str, tuple[Mapping[str, str | bytes | None], set[str]]] = {
    "nothing": ({}, set()),
    "changed": (CHANGED, {"changed"}),
    "removed": (REMOVED, {"removed"}),
    "added": (ADDED, {"added"}),
    "reset": (RESET, {"reset", "changed"}),
    "moved": (MOVED, {"moved", "added"}),
}


@pytest.mark.parametrize("what", FAILS)
@pytest.mark.parametrize("name", ["removed", "reset", "moved", "added", "changed", "incomparable"])
def test_fail_on(repo: Checkout, capsys: Capture, what: str, name: str) -> None:
    files, hit = FAILS[what]
    repo.put(files)
    output = told(capsys, "--fail-on", name, exit_code=1 if name in hit else 0)
    assert (f"--fail-on: {name} (" in output) == (name in hit)


def test_fail_on_takes_several_names(repo: Checkout, capsys: Capture) -> None:
    repo.put(RESET)
    assert "--fail-on: reset (2), changed (2)" in told(
        capsys, "--fail-on", "removed, reset,changed", exit_code=1
    )


def test_fail_on_an_unknown_name_is_wrong_usage(repo: Checkout, capsys: Capture) -> None:
    assert "'rest' is none of removed, reset" in told(capsys, "--fail-on", "rest", exit_code=2)


@pytest.mark.parametrize(
    ("files", "code"), [({}, 0), (CHANGED, 2), (REMOVED, 2), (ADDED, 2), (RESET, 2), (BROKEN, 1)]
)
def test_exit_code(
    repo: Checkout, capsys: Capture, files: Mapping[str, str | bytes | None], code: int
) -> None:
    repo.put(files)
    told(capsys, "--exit-code", exit_code=code)
    told(capsys, exit_code=1 if files is BROKEN else 0)


def test_fail_on_comes_before_exit_code(repo: Checkout, capsys: Capture) -> None:
    repo.put(CHANGED)
    told(capsys, "--exit-code", "--fail-on", "changed", exit_code=1)
    told(capsys, "--exit-code", "--fail-on", "removed", exit_code=2)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--against", "generated", "--head", "HEAD"),
        ("--against", "http://localhost:1", "--base", "HEAD"),
        ("--against", "elsewhere"),
    ],
)
def test_wrong_usage(repo: Checkout, capsys: Capture, arguments: tuple[str, ...]) -> None:
    told(capsys, *arguments, exit_code=2)
