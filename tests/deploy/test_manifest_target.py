"""A folder of manifests: exactly ours are written and removed, and put back where something fails."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rulecompiler.deploy.disk import Folder
from rulecompiler.deploy.manifest_target import ManifestTarget
from rulecompiler.deploy.release import Release
from rulecompiler.deploy.settings import Target
from rulecompiler.deploy.target import Change, Consent, Deployer
from rulecompiler.diagnostics import Diagnostic, Severity, has_errors
from tests.deploy.test_manifests import GENERATED, rule, rule_file

TARGET = Target(name="k8s", kind="prometheusrule", path="k8s/rules", namespace="monitoring")
FIRST = Release(rule_file("group-a.yml", {"a": [rule(1)]}) | rule_file("group-b.yml", {"b": [rule(2)]}))
SECOND = Release(rule_file("group-b.yml", {"b": [rule(2, 9)]}) | rule_file("group-c.yml", {"c": [rule(3)]}))
NO_CONSENT = Consent()


def contents(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (root / TARGET.path).iterdir() if path.is_file()}


def deploy(
    root: Path, release: Release, consent: Consent = NO_CONSENT, **changes: Any
) -> tuple[Diagnostic, ...]:
    deployer: Deployer = ManifestTarget(replace(TARGET, **changes), root)
    found = deployer.preflight(release, consent, dry_run=False)
    if has_errors(found.diagnostics):
        return found.diagnostics
    problems = (*deployer.apply(), *deployer.observe(1))
    return problems if has_errors(problems) else deployer.commit()


def codes(diagnostics: tuple[Diagnostic, ...]) -> list[str]:
    return [d.code for d in diagnostics]


def test_it_writes_what_differs_and_says_what_is_left_to_do(tmp_path: Path) -> None:
    (note,) = deploy(tmp_path, FIRST)
    assert (note.code, note.severity) == ("RC888", Severity.INFO)
    assert f"kubectl apply --server-side -f {tmp_path}/k8s/rules" in note.help
    before = contents(tmp_path)
    assert set(before) == {"rulecompiler-a.yaml", "rulecompiler-b.yaml"}

    again = ManifestTarget(TARGET, tmp_path).preflight(FIRST, NO_CONSENT, dry_run=False)
    assert (again.change, again.live) == (Change((), (), (), 2), FIRST.id)

    second = ManifestTarget(TARGET, tmp_path)
    found = second.preflight(SECOND, NO_CONSENT, dry_run=True)
    assert found.change == Change(
        ("rulecompiler-c.yaml",), ("rulecompiler-b.yaml",), ("rulecompiler-a.yaml",), 0
    )
    assert (contents(tmp_path), second.touched) == (before, False)
    assert second.apply() == ()
    assert set(contents(tmp_path)) == {"rulecompiler-b.yaml", "rulecompiler-c.yaml"}
    (note,) = second.commit()
    assert "kubectl delete prometheusrule --namespace monitoring rulecompiler-a" in note.help
    assert oct((tmp_path / TARGET.path / "rulecompiler-c.yaml").stat().st_mode)[-3:] == "644"


def test_unchanged_files_are_not_written(tmp_path: Path) -> None:
    deploy(tmp_path, GENERATED)
    folder = tmp_path / TARGET.path
    for path in folder.iterdir():
        os.utime(path, (1, 1))
    changed = dict(GENERATED.files)
    changed["group-staging.yml"] = changed["group-staging.yml"].replace(b"for: 5m", b"for: 6m")
    deploy(tmp_path, Release(changed))
    assert [path.name for path in folder.iterdir() if path.stat().st_mtime != 1] == [
        "rulecompiler-staging.yaml"
    ]


def test_what_others_keep_there_stays(tmp_path: Path) -> None:
    deploy(tmp_path, FIRST, name="other")
    folder = tmp_path / TARGET.path
    for path in folder.iterdir():
        path.rename(path.with_name(f"other-{path.name}"))
    (folder / "kustomization.yaml").write_text("resources: []\n")
    (folder / "rulecompiler-z.yaml").write_text("# Compiled by rulecompiler.\n")
    (folder / "sub").mkdir()
    (folder / "link.yaml").symlink_to("nowhere")
    os.mkfifo(folder / "pipe.yaml")
    others = contents(tmp_path)
    for release in (FIRST, SECOND):
        assert codes(deploy(tmp_path, release)) == ["RC888"]
        assert contents(tmp_path).items() > others.items()
    assert codes(deploy(tmp_path, Release({}), Consent(empty=True))) == ["RC888"]
    assert contents(tmp_path) == others
    assert (folder / "link.yaml").is_symlink()


@pytest.mark.parametrize("what", ["file", "folder", "link", "pipe"])
def test_what_is_in_the_way_is_not_overwritten(tmp_path: Path, what: str) -> None:
    folder = tmp_path / TARGET.path
    folder.mkdir(parents=True)
    path = folder / "rulecompiler-a.yaml"
    match what:
        case "file":
            path.write_text("theirs")
        case "folder":
            path.mkdir()
        case "link":
            path.symlink_to(tmp_path / "elsewhere")
        case _:
            os.mkfifo(path)
    assert codes(deploy(tmp_path, FIRST)) == ["RC841"]
    assert os.listdir(folder) == ["rulecompiler-a.yaml"]


@pytest.mark.parametrize("release", [Release({}), Release(rule_file("group-a.yml", {}))])
def test_nothing_at_all_is_refused(tmp_path: Path, release: Release) -> None:
    deploy(tmp_path, FIRST)
    assert codes(deploy(tmp_path, release)) == ["RC871"]
    assert len(contents(tmp_path)) == 2


def test_too_many_rules_in_a_group_are_refused(tmp_path: Path) -> None:
    many = Release(rule_file("group-a.yml", {"a": [rule(n) for n in range(5)]}))
    assert codes(deploy(tmp_path, many, max_rules_per_group=4)) == ["RC872"]
    assert not (tmp_path / TARGET.path).exists()


def test_alerts_that_would_start_over_need_consent(tmp_path: Path) -> None:
    deploy(tmp_path, FIRST)
    renamed = Release(rule_file("group-a.yml", {"z": [rule(1)]}) | rule_file("group-b.yml", {"b": [rule(2)]}))
    assert codes(deploy(tmp_path, renamed)) == ["RC886"]
    gone = Release(rule_file("group-b.yml", {"b": [rule(2)]}))
    assert codes(deploy(tmp_path, gone)) == ["RC888"]
    deploy(tmp_path, FIRST)
    assert codes(deploy(tmp_path, renamed, Consent(alert_reset=True))) == ["RC888"]


@pytest.mark.parametrize(
    ("step", "at"), [("create_all", 1), ("move", 1), ("move", 2), ("remove", 1), ("remove", 2), ("sync", 1)]
)
def test_a_fault_of_the_disk_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, at: int
) -> None:
    deploy(tmp_path, FIRST)
    before = contents(tmp_path)
    deployer = ManifestTarget(TARGET, tmp_path)
    deployer.preflight(SECOND, NO_CONSENT, dry_run=False)
    real, calls = getattr(Folder, step), []

    def fails(*args: Any) -> Any:
        calls.append(args)
        if len(calls) == at:
            raise OSError(28, "No space left on device")
        return real(*args)

    with monkeypatch.context() as patch:
        patch.setattr(Folder, step, fails)
        problems = deployer.apply()
    assert codes(problems) == ["RC842"]
    assert deployer.touched == (step != "create_all")
    assert deployer.revert() == ()
    assert not deployer.touched
    assert contents(tmp_path) == before


def test_a_way_back(tmp_path: Path) -> None:
    deploy(tmp_path, FIRST)
    before = contents(tmp_path)
    deployer = ManifestTarget(TARGET, tmp_path)
    deployer.preflight(SECOND, NO_CONSENT, dry_run=False)
    assert deployer.apply() == ()
    assert deployer.revert() == ()
    assert contents(tmp_path) == before


def test_somebody_else_between_the_look_and_the_first_write(tmp_path: Path) -> None:
    deploy(tmp_path, FIRST)
    loser = ManifestTarget(TARGET, tmp_path)
    loser.preflight(SECOND, NO_CONSENT, dry_run=False)
    deploy(tmp_path, GENERATED)
    theirs = contents(tmp_path)
    assert codes(loser.apply()) == ["RC889"]
    assert not loser.touched
    assert contents(tmp_path) == theirs


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "k8s").mkdir(mode=0o555)
    assert codes(deploy(tmp_path, FIRST)) == ["RC842"]


def test_a_path_that_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "k8s").mkdir()
    (tmp_path / "k8s" / "rules").write_text("")
    assert codes(deploy(tmp_path, FIRST)) == ["RC843"]
