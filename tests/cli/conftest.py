"""A small repo that compiles, for the commands to work on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

TEMPLATE = """\
alert: NodeDown
category: availability
params: {wait: {type: string, format: duration, default: 5m}}
expr: up{job="node"} == 0
for: ${wait}
labels: {severity: critical}
annotations: {summary: "{{ $labels.instance }} is down"}
tests:
  - interval: 1m
    input_series:
      - {series: 'up{job="node", instance="a"}', values: '0x10'}
    alert_rule_test:
      - eval_time: 4m
        alertname: NodeDown
        exp_alerts: []
      - eval_time: 6m
        alertname: NodeDown
        exp_alerts:
          - exp_labels: {job: node, instance: a}
            exp_annotations: {summary: a is down}
"""

UNTESTED = """\
alert: ServiceDown
category: availability
expr: up{job="service"} == 0
labels: {severity: warning}
annotations: {summary: down}
"""


class Repo:
    """Where the repo lies, and short ways to look at and change it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, path: str, text: str) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def generated(self) -> dict[str, str]:
        folder = self.root / "generated"
        return {p.name: p.read_text() for p in folder.iterdir()} if folder.is_dir() else {}

    def state(self) -> dict[str, tuple[int, int]]:
        """Everything in the repo as it is on disk; the state folder does not count."""
        paths = [p for p in self.root.rglob("*") if ".rulecompiler" not in p.parts]
        return {str(p): (p.lstat().st_ino, p.lstat().st_mtime_ns) for p in paths}


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    """Two groups and two templates; the working directory is the repo, and promtool is not to be had."""
    made = Repo(tmp_path / "repo")
    made.put("alerts/templates/NodeDown.yaml", TEMPLATE)
    made.put("alerts/templates/ServiceDown.yaml", UNTESTED)
    made.put(
        "alerts/groups/prod.yaml", "group: prod\nname: production\nrules: {NodeDown: {}, ServiceDown: {}}\n"
    )
    made.put("alerts/groups/dev.yaml", "group: dev\nrules:\n  NodeDown:\n    params: {wait: 10m}\n")
    monkeypatch.chdir(made.root)
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.delenv("PROMTOOL_PATH", raising=False)
    monkeypatch.setenv("PROMETHEUS_VALIDATE_RULES", "false")
    return made


@pytest.fixture
def checked(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> Repo:
    """The same with its output, and a promtool that finds no fault, whatever it is given."""
    from rulecompiler.cli import main

    stub = repo.root.parent / "promtool"
    stub.write_text(
        "#!/bin/sh\n"
        'case "$1 $2" in\n'
        '"--version ") echo "promtool, version 2.42.0 (branch: none)";;\n'
        '"check rules") shift 2; for f; do case $f in -*) ;; *)\n'
        '  printf "Checking %s\\n  SUCCESS: 1 rules found\\n\\n" "$f";; esac; done;;\n'
        '"test rules") shift 2; for f; do case $f in -*) ;; *)\n'
        '  printf "Unit Testing:  %s\\n  SUCCESS\\n\\n" "$f";; esac; done;;\n'
        "esac\n"
    )
    stub.chmod(0o755)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("PROMTOOL_PATH", str(stub))
    assert main(["compile", "--no-validate"]) == 0
    return repo


@pytest.fixture
def real_promtool(promtool: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The real one, put where the commands look."""
    found = shutil.which(str(promtool)) or str(promtool)
    monkeypatch.setenv("PROMTOOL_PATH", str(Path(found).resolve()))
    return Path(found)
