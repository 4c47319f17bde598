from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rulecompiler.cli import main

Capture = pytest.CaptureFixture[str]


def test_says_what_it_found_good(checked: Any, real_promtool: Path, capsys: Capture) -> None:
    capsys.readouterr()
    before = checked.state()
    assert main(["check"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "ok: 2 groups, 3 rules, generated/ up to date, promtool " in out
    assert "1 unit test passed" in out
    assert "1 of 2 templates without unit tests: ServiceDown" in out
    assert checked.state() == before


def stale(repo: Any) -> None:
    repo.put("alerts/groups/dev.yaml", "group: dev\nrules: {NodeDown: {params: {wait: 15m}}}\n")


def edited(repo: Any) -> None:
    with (repo.root / "generated/group-dev.yml").open("a") as file:
        file.write("# by hand\n")


def missing(repo: Any) -> None:
    (repo.root / "generated/group-dev.yml").unlink()


def all_missing(repo: Any) -> None:
    shutil.rmtree(repo.root / "generated")


def orphan(repo: Any) -> None:
    (repo.root / "alerts/groups/dev.yaml").unlink()


def foreign(repo: Any) -> None:
    repo.put("generated/mine.yml", "groups: []\n")


def faulty(repo: Any) -> None:
    repo.put("alerts/groups/dev.yaml", "group: dev\nrules: {NodeDwn: {}}\n")


@pytest.mark.parametrize(
    ("spoil", "code", "path", "words"),
    [
        (stale, "RC706", "generated/group-dev.yml", "is not what"),
        (edited, "RC706", "generated/group-dev.yml", "is not what"),
        (missing, "RC706", "generated/group-dev.yml", "is missing"),
        (all_missing, "RC706", "generated/group-prod.yml", "is missing"),
        (orphan, "RC706", "generated/group-dev.yml", "belongs to no group"),
        (foreign, "RC703", "generated/mine.yml", "was not written by the compiler"),
        (faulty, "RC301", "alerts/groups/dev.yaml", "there is no template"),
    ],
)
def test_fails(
    checked: Any, spoil: Callable[[Any], None], code: str, path: str, words: str, capsys: Capture
) -> None:
    assert main(["check"]) == 0
    spoil(checked)
    before = checked.state()
    capsys.readouterr()
    assert main(["check"]) == 1
    out = capsys.readouterr().out
    assert f"error[{code}]" in out
    assert f"--> {path}:" in out
    assert words in out
    assert "ok:" not in out
    assert checked.state() == before


def test_shows_how_a_stale_file_differs(checked: Any, capsys: Capture) -> None:
    stale(checked)
    assert main(["check"]) == 1
    out = capsys.readouterr().out
    assert "-    for: 10m" in out
    assert "+    for: 15m" in out
    assert "run `rulecompiler compile` and commit the result" in out


def test_a_unit_test_that_fails(checked: Any, real_promtool: Path, capsys: Capture) -> None:
    file = checked.root / "alerts/templates/NodeDown.yaml"
    file.write_text(file.read_text().replace("eval_time: 6m", "eval_time: 3m"))
    assert main(["compile", "--no-validate"]) == 0
    capsys.readouterr()
    assert main(["check"]) == 1
    out = capsys.readouterr().out
    assert "error[RC620]" in out or "error[RC621]" in out
    assert "--> alerts/templates/NodeDown.yaml:" in out


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (None, "RC601"),
        ("", "RC60"),  # says nothing at all
        ("echo hello", "RC60"),
        ("kill -SEGV $$", "RC60"),
        ("exit 7", "RC60"),
    ],
)
def test_a_promtool_that_is_missing_or_broken(
    checked: Any, script: str | None, code: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    tool = checked.root.parent / "broken"
    if script is not None:
        tool.write_text(f"#!/bin/sh\n{script}\n")
        tool.chmod(0o755)
    monkeypatch.setenv("PROMTOOL_PATH", str(tool))
    capsys.readouterr()
    assert main(["check"]) == 1
    out, err = capsys.readouterr()
    assert f"error[{code}" in out
    assert "= help: " in out
    assert err == ""


def test_a_promtool_that_hangs(checked: Any, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    checked.put("rulecompiler.yaml", "prometheus: {timeout: 1s}\n")
    stub = Path(checked.root.parent / "promtool")
    stub.write_text(stub.read_text().replace('"check rules")', '"check rules") sleep 600;;\n"never")'))
    capsys.readouterr()
    assert main(["check"]) == 1
    out = capsys.readouterr().out
    assert "error[RC60" in out
    assert "1 s" in out or "1 second" in out


@pytest.mark.parametrize("spoil", [None, stale, faulty])
@pytest.mark.parametrize("fmt", ["json", "sarif", "github", "text"])
def test_every_format_can_be_read(
    checked: Any, fmt: str, spoil: Callable[[Any], None] | None, capsys: Capture
) -> None:
    if spoil is not None:
        spoil(checked)
    capsys.readouterr()
    assert main(["check", "--format", fmt]) == (0 if spoil is None else 1)
    out = capsys.readouterr().out
    if fmt == "json":
        data = json.loads(out)
        assert data["summary"]["errors"] == len(data["diagnostics"]) == (0 if spoil is None else 1)
    elif fmt == "sarif":
        (run,) = json.loads(out)["runs"]
        assert len(run["results"]) == (0 if spoil is None else 1)
    elif fmt == "github":
        (line,) = out.splitlines()
        assert line.startswith("ok: " if spoil is None else "::error ")
    else:
        assert ("error[" in out) == (spoil is not None)


def test_trusts_no_cache(checked: Any, capsys: Capture) -> None:
    # A pull request could bring a cache that says that everything is as it should be.
    edited(checked)
    cache = checked.root / ".rulecompiler/cache.json"
    assert cache.exists()
    forged = cache.read_bytes()
    assert main(["check"]) == 1
    assert cache.read_bytes() == forged


@pytest.mark.parametrize("args", [["--format", "xml"], ["--jobs", "x"], ["more"]])
def test_wrong_usage(checked: Any, args: list[str], capsys: Capture) -> None:
    assert main(["check", *args]) == 2
    assert "Usage: rulecompiler check" in capsys.readouterr().err
