"""What the commands that deploy say and do where no server is needed, or none is there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rulecompiler.cli import main
from rulecompiler.cli.deploy_report import plan, report_result
from rulecompiler.deploy.release import Release, manifest
from rulecompiler.deploy.target import Change
from rulecompiler.deploy.transaction import ExitCode, Result, Status, TargetResult
from rulecompiler.diagnostics import Diagnostic, Severity
from rulecompiler.terminal import Painter
from tests.servers import free_address

Capture = pytest.CaptureFixture[str]
COMMANDS = ("deploy", "rollback", "releases", "status", "drift", "reload")
NOTHING_TOUCHED = "refused: nothing was touched, what ran before still runs\n"
RAN_ALREADY = "live: exactly these rules ran already, nothing was touched"
UNDONE = "rolled back: what ran before runs again, verified"
FORMATS = ("text", "json", "github", "markdown")


class Clone:
    """A compiled and committed repo whose server is dead, and what the commands say there."""

    def __init__(self, repo: Any, capture: Capture) -> None:
        self.root: Path = repo.root
        self.put: Callable[[str, str], Path] = repo.put
        self.state: Callable[[], object] = repo.state
        self.rules = self.root.parent / "rules"
        self.url = f"http://{free_address()}"
        self.capture = capture
        self.settings(f"url: '{self.url}', path: {self.rules}, ready_timeout: 100ms")
        self.git("init", "--quiet")
        self.commit()

    def settings(self, deploy: str) -> None:
        self.put("rulecompiler.yaml", f"deploy: {{{deploy}}}\n")

    def git(self, *arguments: str) -> None:
        command = ["git", "-c", "user.name=tester", "-c", "user.email=tester@example.com", *arguments]
        subprocess.run(command, cwd=self.root, check=True, capture_output=True)

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "rules")

    def run(self, *arguments: str, code: int) -> str:
        """What is printed by a command that ends so; a refusal is no error of the program."""
        self.capture.readouterr()
        ended = main(list(arguments))
        printed = self.capture.readouterr()
        assert (ended, printed.err) == (code, ""), printed
        return printed.out

    def data(self, *arguments: str, code: int) -> Any:
        return json.loads(self.run(*arguments, "--format", "json", code=code))

    def bundled(self) -> Path:
        folder = self.root.parent / "bundle"
        self.run("bundle", str(folder), code=0)
        return folder


@pytest.fixture
def clone(checked: Any, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> Clone:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    for name in ("GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)
    return Clone(checked, capsys)


@pytest.fixture
def cluster(clone: Clone) -> Clone:
    """The same with a target that is no server, so that a deployment can succeed."""
    clone.settings("targets: {cluster: {kind: configmap, namespace: monitoring, path: manifests}}")
    clone.commit()
    return clone


def codes(data: Any) -> list[str]:
    return [found["code"] for found in data["diagnostics"]]


# --- wrong usage ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["deploy", "--target", "nope"], "there is no target 'nope'; there are: prometheus"),
        (["drift", "--target", "nope"], "there is no target 'nope'"),
        (["deploy", "extra"], "unexpected extra argument"),
        (["deploy", "--format", "xml"], "'xml' is not one of 'text', 'json', 'github', 'markdown'"),
        (["deploy", "--from", "nowhere"], "'nowhere' does not exist"),
        (["deploy", "--from", "rulecompiler.yaml"], "is a file"),
        (["rollback", "a", "b"], "unexpected extra argument"),
        (["rollback", "--allow-empty"], "No such option"),
        (["status", "--format", "github"], "is not one of 'text', 'json'"),
        (["drift", "--format", "markdown"], "is not one of"),
        (["bundle"], "Missing argument 'DIR'"),
        (["bundle", "rulecompiler.yaml"], "is a file"),
    ],
)
def test_wrong_usage(clone: Clone, arguments: list[str], words: str) -> None:
    before = clone.state()
    assert main(arguments) == 2
    printed = clone.capture.readouterr()
    assert words in printed.err
    assert printed.out == ""
    assert clone.state() == before
    assert not clone.rules.exists()


@pytest.mark.parametrize("command", [*COMMANDS, "bundle"])
def test_help_says_how_it_ends(command: str, capsys: Capture) -> None:
    assert main([command, "--help"]) == 0
    text = capsys.readouterr().out
    assert re.search(r"Exit\s+codes", text) or command == "releases"
    assert f"\n    rulecompiler {command}" in text  # an example


def test_outside_of_a_repo(clone: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = clone.bundled()
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    for arguments in (["deploy"], ["drift"], ["bundle", "b"]):
        assert main(arguments) == 2
        assert "`rulecompiler init` makes a repo" in clone.capture.readouterr().err
    # What comes from elsewhere, or from beside the server, needs none.
    monkeypatch.setenv("PROMETHEUS_URL", clone.url)
    monkeypatch.setenv("PROMETHEUS_RULE_PATH", str(clone.rules))
    Path("rulecompiler.yaml").write_text("deploy: {ready_timeout: 100ms}\n")
    assert codes(clone.data("deploy", "--from", str(folder), "--dry-run", code=2)) == ["RC812"]
    assert codes(clone.data("rollback", code=2)) == ["RC859"]
    assert clone.data("releases", code=0) == {"targets": [{"name": "prometheus", "releases": []}]}
    assert clone.data("status", code=1)["url"] == clone.url
    assert clone.data("drift", "--from", str(folder), code=1)["targets"][0]["disk"] is None
    assert main(["deploy", "--from", str(tmp_path / "empty")]) == 2
    assert "name a folder that `rulecompiler bundle` wrote" in clone.capture.readouterr().out

    monkeypatch.chdir(tmp_path)
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    for command in COMMANDS:
        assert main([command]) == 2
        assert "this folder does not exist any more" in clone.capture.readouterr().err


# --- refusals ------------------------------------------------------------------


def test_what_git_does_not_hold_is_not_deployed(clone: Clone) -> None:
    def refused(*words: str) -> None:
        out = clone.run("deploy", code=2)
        assert all(word in out for word in ("error[RC865]: ", *words)), out
        assert out.endswith(f"\n1 error\n{NOTHING_TOUCHED}")
        # A bundle of it is refused as well, in the words of a command that only writes.
        out = clone.run("bundle", str(clone.root.parent / "b"), code=1)
        assert "error[RC865]: " in out
        assert "what ran before" not in out
        # Somebody may want it all the same, and comes as far as the server.
        assert codes(clone.data("deploy", "--allow-uncommitted", code=2)) == ["RC812"]

    assert codes(clone.data("deploy", code=2)) == ["RC812"]
    clone.put("alerts/groups/new.yaml", "group: new\nrules: {NodeDown: {}}\n")
    clone.run("compile", "--no-validate", code=0)
    refused("`alerts/groups/new.yaml` and 1 more are not as committed", "= help: commit it first")
    clone.commit()
    clone.put("README.md", "whatever\n")
    assert codes(clone.data("deploy", code=2)) == ["RC812"]  # which has no say in the rules
    clone.put("rulecompiler.yaml", (clone.root / "rulecompiler.yaml").read_text() + "\n")
    refused("`rulecompiler.yaml` is not as committed")
    clone.git("checkout", "--quiet", "rulecompiler.yaml")
    (clone.root / ".git/index").write_text("no index\n")
    refused("git does not say whether the rules are as committed", "run `git status`")
    shutil.rmtree(clone.root / ".git")
    clone.git("init", "--quiet")
    refused("more are not as committed")  # nothing at all is
    shutil.rmtree(clone.root / ".git")
    assert codes(clone.data("deploy", code=2)) == ["RC812"]  # who has no git knows it


def test_what_was_not_compiled_is_not_deployed(clone: Clone) -> None:
    generated = clone.root / "generated/group-dev.yml"
    text = generated.read_text()
    for broken in (text.replace("10m", "11m"), text.partition("groups:")[0], None):
        generated.unlink() if broken is None else generated.write_text(broken)
        clone.commit()
        for command in (["deploy"], ["deploy", "--dry-run"], ["drift"]):
            out = clone.run(*command, code=2)
            assert "error[RC706]: `generated/group-dev.yml` is not what alerts/ compiles to\n" in out
            assert "= help: run `rulecompiler compile` and commit the result\n" in out
        assert NOTHING_TOUCHED not in out  # drift never touches anything
    generated.write_text(text)
    clone.put("alerts/groups/dev.yaml", "group: dev\nrules:\n  NodeDown:\n    params: {wait: soon}\n")
    clone.commit()
    out = clone.run("deploy", code=2)
    assert "--> alerts/groups/dev.yaml:4:20\n" in out
    assert " 4 |     params: {wait: soon}\n" in out
    assert out.endswith(NOTHING_TOUCHED)
    assert not clone.rules.exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_bad_settings_are_shown_at_their_line(clone: Clone, command: str) -> None:
    clone.put("rulecompiler.yaml", "deploy:\n  url: http://prometheus:9090\n  layuot: flat\n")
    out = clone.run(command, code=2)
    assert "--> rulecompiler.yaml:3:3\n" in out
    assert "= help: did you mean `layout`?\n" in out
    assert out.endswith(NOTHING_TOUCHED) == (command in ("deploy", "rollback"))
    (found,) = clone.data(command, code=2)["diagnostics"]
    assert (found["path"], found["line"], found["column"]) == ("rulecompiler.yaml", 3, 3)


def test_only_a_deployment_needs_promtool(clone: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMTOOL_PATH", "/nonexistent/promtool")
    for arguments in (["deploy"], ["deploy", "--dry-run"]):
        out = clone.run(*arguments, code=2)
        assert "error[RC601]: there is no promtool at /nonexistent/promtool" in out
        assert "= help: install it" in out
        assert out.endswith(NOTHING_TOUCHED)
    assert "RC601" not in clone.run("status", code=1)
    assert "RC601" not in clone.run("drift", code=1)
    assert not clone.rules.exists()


def test_a_dead_server(clone: Clone) -> None:
    before = clone.state()
    dead = f"error[RC812]: {clone.url} cannot be reached: connection refused\n  = help: "
    out = clone.run("deploy", "--dry-run", code=2)
    assert out.startswith(dead)
    release = re.search(r"^prometheus: ([0-9a-f]{12}), refused$", out, re.MULTILINE)
    assert release  # what runs there nobody knows, so it is not called nothing
    assert clone.run("status", code=1).startswith(dead)
    # The disk alone shows this one.
    out = clone.run("drift", code=1)
    assert out.startswith(dead)
    assert "\nprometheus: drift\n" in out
    assert out.endswith("  runs  unknown\n  + group-dev.yml\n  + group-prod.yml\n")
    assert "error[RC855]: nothing was deployed to " in clone.run("reload", code=2)
    assert "error[RC859]: there is no earlier release in " in clone.run("rollback", code=2)
    assert clone.run("releases", code=0) == "prometheus: 0 releases\n"
    assert clone.state() == before
    assert not clone.rules.exists()
    # Without `--dry-run` it gets ready to deploy first; no rule is there yet.
    assert clone.run("deploy", code=2).startswith(dead)
    assert [path.name for path in clone.rules.rglob("*.yml")] == []


def test_a_dry_run_writes_nothing(cluster: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "textfiles").mkdir()
    monkeypatch.setenv("RULECOMPILER_TEXTFILE_DIRECTORY", str(tmp_path / "textfiles"))
    before = cluster.state()
    out = cluster.run("deploy", "--dry-run", code=0)
    assert "  + rulecompiler-cluster-0.yaml\n" in out
    assert out.endswith("dry run: cluster would change, nothing was touched\n")
    data = cluster.data("deploy", "--dry-run", code=0)
    assert (data["dry_run"], data["targets"][0]["status"]) == (True, "planned")
    assert cluster.state() == before
    assert list((tmp_path / "textfiles").iterdir()) == []
    cluster.run("deploy", code=0)
    before = cluster.state()
    out = cluster.run("deploy", "--dry-run", code=0)
    assert out.endswith("dry run: nothing to do, these rules run already\n")
    assert cluster.state() == before


# --- formats -------------------------------------------------------------------


def test_a_refusal_in_each_format(clone: Clone, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clone.put("rulecompiler.yaml", "deploy: {url: ftp://h}\n")
    clone.commit()
    summary = tmp_path / "summary.md"
    summary.write_text("# before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    said = {fmt: clone.run("deploy", "--format", fmt, code=2) for fmt in ("text", "json", "markdown")}
    assert summary.read_text() == "# before\n"
    said["github"] = clone.run("deploy", "--format", "github", code=2)

    data = json.loads(said["json"])
    assert {key: data[key] for key in ("exit_code", "status", "dry_run", "targets", "summary")} == {
        "exit_code": 2,
        "status": "refused",
        "dry_run": False,
        "targets": [],
        "summary": {"errors": 1, "warnings": 0, "infos": 0},
    }
    assert codes(data) == ["RC801"]
    heading = f"### Alert rules: {NOTHING_TOUCHED}"
    found, help_ = (re.escape(data["diagnostics"][0][key]) for key in ("message", "help"))
    assert re.fullmatch(
        f"{re.escape(heading)}\n- \\*\\*error RC801\\*\\*: {found} \\(`rulecompiler.yaml:1`\\) — {help_}\n",
        said["markdown"],
    )
    annotation, closing = said["github"].splitlines()
    assert re.fullmatch(f"::error file=rulecompiler.yaml,line=1,.*title=RC801.*::{found}.*", annotation)
    assert closing == NOTHING_TOUCHED.rstrip()
    assert summary.read_text() == "# before\n" + said["markdown"]


@pytest.mark.parametrize("name", ["missing/summary.md", "."])
def test_a_summary_that_cannot_be_written_changes_nothing(
    cluster: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / name))
    out = cluster.run("deploy", "--format", "github", code=0)
    assert "the job's summary could not be written: " in out
    assert out.endswith("written: manifests are written for cluster, and run once applied\n")


MANY = Change(
    added=tuple(f"group-{number:02}.yml" for number in range(23)),
    changed=("group-a_b.yml",),
    removed=("group-old.yml",),
    unchanged=1234,
)
NONE = Change((), (), (), 0)
FAILED = Diagnostic("RC863", "Up [fails] in group-a_b.yml", help="correct the query")
NOTED = Diagnostic("RC864", "not evaluated yet", severity=Severity.INFO)
NEW, BEFORE = "a" * 64, "b" * 64


MIXED = Result(
    ExitCode.ROLLED_BACK,
    (
        TargetResult("canary", Status.ROLLED_BACK, NEW, BEFORE, MANY, (FAILED, NOTED)),
        TargetResult("rest", Status.UNTOUCHED, NEW, "", NONE, ()),
        TargetResult("last", Status.UNTOUCHED, NEW, NEW, NONE, (FAILED,)),
    ),
)


def test_several_targets_as_text(capsys: Capture) -> None:
    report_result(MIXED, (), "text", {}, dry_run=False)
    out = capsys.readouterr().out
    assert out.startswith("canary:\nerror[RC863]: Up [fails]")
    lines = out[out.index("canary: b") :].splitlines()
    assert lines[0] == "canary: bbbbbbbbbbbb → aaaaaaaaaaaa, rolled back"
    assert lines[1] == "  + group-00.yml"
    assert lines[21:25] == ["  + and 3 more", "  ~ group-a_b.yml", "  - group-old.yml", "    1,234 unchanged"]
    assert lines[25:] == [
        "rest: aaaaaaaaaaaa, untouched",
        "last: aaaaaaaaaaaa, untouched",
        UNDONE,
    ]


def test_several_targets_say_which_is_meant(capsys: Capture) -> None:
    report_result(MIXED, (), "json", {}, dry_run=False)
    data = json.loads(capsys.readouterr().out)
    assert (data["exit_code"], data["status"]) == (3, "rolled back")
    expected = ["canary: Up [fails] in group-a_b.yml", "last: Up [fails] in group-a_b.yml"]
    assert [found["message"] for found in data["diagnostics"] if found["code"] == "RC863"] == expected
    assert len(data["targets"][0]["added"]) == 23

    report_result(MIXED, (), "markdown", {}, dry_run=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines[4] == f"| canary | rolled back | `{NEW}` | 23 | 1 | 1 |"
    assert "- **error RC863**: canary: Up \\[fails\\] in group-a\\_b.yml — correct the query" in lines

    report_result(MIXED, (), "github", {}, dry_run=False)
    out = capsys.readouterr().out
    assert "::canary: Up [fails]" in out
    assert "::last: Up [fails]" in out


@pytest.mark.parametrize(
    ("code", "status", "dry_run", "closing"),
    [
        (ExitCode.LIVE, Status.LIVE, False, "live: exactly these rules run on one"),
        (ExitCode.LIVE, Status.UNCHANGED, False, RAN_ALREADY),
        (ExitCode.LIVE, Status.PLANNED, True, "dry run: one would change, nothing was touched"),
        (ExitCode.LIVE, Status.UNCHANGED, True, "dry run: nothing to do, these rules run already"),
        (ExitCode.REFUSED, Status.REFUSED, True, NOTHING_TOUCHED.rstrip()),
        (ExitCode.ROLLED_BACK, Status.ROLLED_BACK, False, UNDONE),
        (ExitCode.UNKNOWN, Status.UNKNOWN, False, "unknown: what runs could not be verified; next: "),
    ],
)
def test_the_last_line_says_what_runs(
    capsys: Capture, code: ExitCode, status: Status, dry_run: bool, closing: str
) -> None:
    result = Result(code, (TargetResult("one", status, NEW, BEFORE, MANY, ()),))
    for fmt in ("text", "github"):
        report_result(result, (), fmt, {}, dry_run=dry_run)
        assert capsys.readouterr().out.splitlines()[-1].startswith(closing)


# --- bundles -------------------------------------------------------------------


def test_a_bundle(clone: Clone) -> None:
    folder = clone.root.parent / "b"
    out = clone.run("bundle", str(folder), code=0)
    release = json.loads((folder / "manifest.json").read_text())["release"]
    assert out == f"2 groups, 3 rules in 2 files bundled in {folder}\n{release}\n"
    assert {path.name for path in folder.glob("*.yml")} == {"group-dev.yml", "group-prod.yml"}
    assert (folder / "group-dev.yml").read_bytes() == (clone.root / "generated/group-dev.yml").read_bytes()
    data = clone.data("bundle", str(folder) + "2", code=0)
    assert data["release"] == release
    assert (data["files"], data["rules"], len(data["commit"])) == (2, 3, 40)


def test_a_bundle_goes_to_a_folder_of_its_own(clone: Clone) -> None:
    folder = clone.root.parent / "b"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine\n")
    out = clone.run("bundle", str(folder), code=1)
    assert f"error[RC867]: `{folder}` is not empty\n" in out
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]
    out = clone.run("bundle", str(folder / "mine.txt" / "b"), code=1)
    assert "error[RC867]: the bundle cannot be written to " in out
    assert codes(clone.data("bundle", str(folder), code=1)) == ["RC867"]


def _symlink(folder: Path) -> None:
    (folder / "group-dev.yml").rename(folder.parent / "elsewhere.yml")
    (folder / "group-dev.yml").symlink_to(folder.parent / "elsewhere.yml")


def _pipe(folder: Path) -> None:
    (folder / "group-dev.yml").unlink()
    os.mkfifo(folder / "group-dev.yml")


def _named_outside(folder: Path) -> None:
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text.replace("group-dev.yml", "../group-dev.yml"))


def _foreign_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_bytes(manifest(Release({"group-dev.yml": b"other\n"})))


UNLISTED, OTHERWISE = "of which its manifest knows nothing", "is not what the manifest says"
TAMPERED: dict[str, tuple[Callable[[Path], object], str]] = {
    "changed": (lambda f: (f / "group-dev.yml").write_text("groups: []\n"), OTHERWISE),
    "emptied": (lambda f: (f / "group-dev.yml").write_text(""), OTHERWISE),
    "added": (
        lambda f: (f / "group-x.yml").write_text("groups: []\n"),
        UNLISTED,
    ),
    "hidden": (lambda f: (f / ".x.yml").write_text("groups: []\n"), UNLISTED),
    "folder": (lambda f: (f / "more").mkdir(), UNLISTED),
    "removed": (lambda f: (f / "group-dev.yml").unlink(), "cannot be read"),
    "symlink": (_symlink, "cannot be read"),
    "pipe": (_pipe, "is not a regular file"),
    "no manifest": (lambda f: (f / "manifest.json").unlink(), "cannot be read"),
    "cut manifest": (lambda f: (f / "manifest.json").write_text('{"format'), "is no manifest"),
    "path in manifest": (_named_outside, "is no manifest, or contradicts itself"),
    "other manifest": (_foreign_manifest, UNLISTED),
}


@pytest.mark.parametrize("how", TAMPERED)
def test_a_bundle_that_is_not_as_it_was_made(clone: Clone, how: str) -> None:
    folder = clone.bundled()
    spoil, words = TAMPERED[how]
    spoil(folder)
    for command in ("deploy", "drift"):
        out = clone.run(command, "--from", str(folder), code=2)
        assert "error[RC866]: " in out
        assert words in out
        assert "= help: " in out
        assert "RC812" not in out  # the server was not even asked
    assert not clone.rules.exists()


# --- metrics -------------------------------------------------------------------


@pytest.fixture
def metrics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], dict[str, float]]:
    folder = tmp_path / "textfiles"
    folder.mkdir()
    monkeypatch.setenv("RULECOMPILER_TEXTFILE_DIRECTORY", str(folder))

    def read() -> dict[str, float]:
        text = (folder / "rulecompiler_deploy.prom").read_text()
        found = re.findall(r'^rulecompiler_(\w+)\{target="(\w+)"[^}]*\} (\S+)$', text, re.MULTILINE)
        return {f"{name} {target}": float(value) for name, target, value in found}

    return read


def test_metrics_of_good_and_refused_deployments(
    cluster: Clone, metrics: Callable[[], dict[str, float]]
) -> None:
    cluster.run("deploy", code=0)
    good = metrics()
    assert (good["deploy_success cluster"], good["rollback_total cluster"]) == (1, 0)
    assert good["deploy_release_info cluster"] == 1
    generated = cluster.root / "generated/group-dev.yml"
    text = generated.read_text()
    generated.write_text(text + "# by hand\n")
    cluster.run("deploy", "--dry-run", code=2)
    assert metrics() == good
    cluster.run("deploy", code=2)
    refused = metrics()
    assert refused["deploy_success cluster"] == 0
    assert refused["deploy_timestamp_seconds cluster"] == good["deploy_timestamp_seconds cluster"]
    attempts = [found["deploy_last_attempt_timestamp_seconds cluster"] for found in (good, refused)]
    assert attempts[0] < attempts[1]
    generated.write_text(text)
    cluster.run("deploy", code=0)
    assert metrics()["deploy_success cluster"] == 1


def test_metrics_of_a_dead_server_and_of_missing_promtool(
    clone: Clone, metrics: Callable[[], dict[str, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    clone.run("deploy", code=2)
    assert metrics()["deploy_success prometheus"] == 0
    first = metrics()["deploy_last_attempt_timestamp_seconds prometheus"]
    monkeypatch.setenv("PROMTOOL_PATH", "/nonexistent")
    clone.run("deploy", code=2)
    assert metrics()["deploy_last_attempt_timestamp_seconds prometheus"] > first


def test_metrics_that_cannot_be_written_stop_nothing(
    cluster: Clone, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RULECOMPILER_TEXTFILE_DIRECTORY", str(tmp_path / "missing"))
    out = cluster.run("deploy", code=0)
    assert "warning[RC890]: " in out
    assert out.endswith("written: manifests are written for cluster, and run once applied\n")


# --- secrets -------------------------------------------------------------------

SECRET = "hunter2-Very.Secret"
_IN_ENVIRONMENT: dict[str, dict[str, str]] = {
    "password": {"PROMETHEUS_USERNAME": "deployer", "PROMETHEUS_PASSWORD": SECRET},
    "token": {"PROMETHEUS_TOKEN": SECRET},
    "password without a name": {"PROMETHEUS_PASSWORD": SECRET},
    "both": {"PROMETHEUS_PASSWORD": SECRET, "PROMETHEUS_TOKEN": SECRET},
    "two lines": {"PROMETHEUS_TOKEN": f"{SECRET}\n{SECRET}"},
    "url": {"PROMETHEUS_URL": f"http://deployer:{SECRET}@127.0.0.1:1"},
    "bad url": {"PROMETHEUS_URL": f"ftp://deployer:{SECRET}@127.0.0.1:x"},
    "not a file": {"PROMETHEUS_TOKEN_FILE": "/nonexistent", "PROMETHEUS_PASSWORD": SECRET},
    "push url": {"RULECOMPILER_PUSH_URL": f"http://deployer:{SECRET}@127.0.0.1:1"},
}


@pytest.mark.parametrize("where", [*_IN_ENVIRONMENT, "file", "settings"])
def test_no_output_holds_a_secret(
    clone: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    for name, value in _IN_ENVIRONMENT.get(where, {}).items():
        monkeypatch.setenv(name, value)
    if where == "file":
        (tmp_path / "secret").write_text(SECRET)
        monkeypatch.setenv("PROMETHEUS_TOKEN_FILE", str(tmp_path / "secret"))
    if where == "settings":
        clone.settings(f"url: 'http://deployer:{SECRET}@127.0.0.1:1'")
        clone.commit()
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    runs = [["deploy", "--format", fmt] for fmt in FORMATS]
    runs += [["deploy", "--dry-run"], ["rollback"], ["releases"], ["reload"], ["bundle", str(tmp_path / "b")]]
    runs += [["status"], ["status", "--format", "json"], ["drift"], ["drift", "--format", "github"]]
    for arguments in runs:
        clone.capture.readouterr()
        assert main(arguments) in (0, 1, 2), arguments
        printed = "".join(clone.capture.readouterr())
        assert SECRET not in printed, arguments
    assert SECRET not in (tmp_path / "summary.md").read_text()
    kept = [path for path in clone.rules.rglob("*") if path.is_file()]
    assert not [path for path in kept if SECRET in path.read_text()]


# --- settings that once were mistaken -------------------------------------------


def test_two_long_paths_are_two_places(clone: Clone) -> None:
    long = "/srv/" + "a-rather-long-name/" * 5
    clone.settings(
        f"ready_timeout: 100ms, targets: {{a: {{url: '{clone.url}', path: {long}a}}, "
        f"b: {{url: '{clone.url}/b', path: {long}b}}}}"
    )
    clone.commit()
    assert codes(clone.data("deploy", "--dry-run", code=2)) == ["RC812", "RC812"]


def test_a_plan_can_be_told_in_colour() -> None:
    change = Change(("group-a.yml",), ("group-b.yml",), ("group-c.yml",), 2)
    target = TargetResult("prometheus", Status.PLANNED, "1" * 64, "0" * 64, change, ())
    lines = list(plan(target, Painter(True)))
    assert [re.sub(r"\x1b\[[0-9;]*m", "", line).strip() for line in lines[1:4]] == [
        "+ group-a.yml",
        "~ group-b.yml",
        "- group-c.yml",
    ]
    assert all("\x1b[3" in line for line in lines[1:4])
