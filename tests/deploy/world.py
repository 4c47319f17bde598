"""A real Prometheus with a rules folder of its own, and deployments to it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from rulecompiler.deploy import transaction
from rulecompiler.deploy.artifact import bundle
from rulecompiler.deploy.opening import deployers, layout_of
from rulecompiler.deploy.release import Release
from rulecompiler.deploy.settings import LayoutName, Target
from rulecompiler.deploy.target import Consent
from rulecompiler.deploy.transaction import Result
from rulecompiler.diagnostics import Diagnostic
from rulecompiler.generated_file import MARKER
from rulecompiler.settings import Settings
from tests.servers import Server, prometheus_with

ROOT = Path(__file__).resolve().parents[2]
NONE = Consent()  # to nothing
NOW = "2026-11-21T12:00:00Z"
SETTINGS = Settings()
QUICK = Target(
    reload_timeout=5.0, ready_timeout=5.0, evaluation_wait=5.0
)  # what takes longer on loopback has gone wrong


def rule_file(
    name: str = "cpu",
    *,
    expr: str = "vector(1) > 0",
    alert: str = "Always",
    labels: Mapping[str, str] | None = None,
    for_: str = "1h",
    comment: str = "",
) -> bytes:
    """A generated file of one group with one alert."""
    rule = {"alert": alert, "expr": expr, "for": for_, "labels": dict(labels or {"severity": "warning"})}
    content = yaml.safe_dump({"groups": [{"name": name, "rules": [rule]}]}, sort_keys=False)
    return f"# {MARKER} {comment}\n{content}".encode()


def release(**files: bytes) -> Release:
    """A release of `group-<key>.yml` files."""
    return Release({f"group-{key.replace('_', '-')}.yml": data for key, data in files.items()})


def codes(result: Result) -> set[str]:
    """The codes of all that was found."""
    return {each.code for target in result.targets for each in target.diagnostics}


class World:
    """One target: a folder and the server that loads it."""

    def __init__(self, server: Server, target: Target, promtool: Path, scratch: Path) -> None:
        self.server = server
        self.target = target
        self.folder = Path(target.path)
        self.environ = {"PROMTOOL_PATH": str(promtool), "PATH": os.environ["PATH"]}
        self.settings = Settings()
        self._scratch = scratch

    def deploy(
        self, wanted: Release, consent: Consent = NONE, *, dry_run: bool = False, **changes: Any
    ) -> Result:
        """Deploy in this process; `changes` are of the target's settings."""
        work = [(replace(self.target, **changes), wanted)]
        return deploy_all(work, self.environ, consent, dry_run=dry_run, settings=self.settings)

    def command(self, wanted: Release, *arguments: str) -> list[str]:
        """The command line of a process that deploys a bundle of this release."""
        folder = self._scratch / f"bundle-{wanted.id[:12]}"
        if not folder.exists():
            assert bundle(wanted, folder) is None
        options = ["deploy", "--from", str(folder), "--format", "json", *arguments]
        return [sys.executable, "-m", "rulecompiler", *options]

    def process_environ(self, **more: str) -> dict[str, str]:
        """The environment of such a process."""
        settings = {
            "PROMETHEUS_URL": self.target.url,
            "PROMETHEUS_RULE_PATH": self.target.path,
            "PROMETHEUS_RELOAD_TIMEOUT": f"{self.target.reload_timeout:g}s",
            "PYTHONPATH": str(ROOT / "src"),
        }
        return {**self.environ, **settings, **more}

    def run(self, wanted: Release, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Deploy in a process of its own and wait for its end."""
        return subprocess.run(
            self.command(wanted, *arguments),
            env=self.process_environ(**more),
            cwd=self._scratch,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def on_disk(self) -> dict[str, bytes]:
        """The rule files that the server would read of ours."""
        folder = self.folder / "current" if self.target.layout == "release" else self.folder
        return {path.name: path.read_bytes() for path in folder.glob("*.yml")} if folder.is_dir() else {}

    def running(self) -> dict[tuple[str, str], list[object]]:
        """What the server says that it runs."""
        return {
            (Path(group["file"]).name, group["name"]): [
                (rule["name"], rule["query"], rule.get("duration"), rule.get("labels", {}))
                for rule in group["rules"]
            ]
            for group in self.server.groups()
        }

    def reloads(self) -> int:
        """How many requests to reload the server has answered since it started."""
        counted = 0
        for line in self.server.get("/metrics").text.splitlines():
            if line.startswith("prometheus_http_requests_total") and 'handler="/-/reload"' in line:
                counted += int(float(line.rpartition(" ")[2]))
        return counted

    def snapshot(self) -> dict[str, tuple[int, int]]:
        """Inode and time of change of everything in the folder, which an idle run may not touch."""
        found = {}
        for path in sorted(self.folder.rglob("*")):
            stat = path.lstat()
            found[str(path.relative_to(self.folder))] = (stat.st_ino, stat.st_mtime_ns)
        return found


def deploy_all(
    work: Sequence[tuple[Target, Release]],
    environ: Mapping[str, str],
    consent: Consent = NONE,
    *,
    dry_run: bool = False,
    soak_intervals: int = 1,
    settings: Settings = SETTINGS,
) -> Result:
    """Deploy to several targets in this process."""
    opened = deployers([target for target, _ in work], ROOT, settings, environ, now=NOW)
    assert not isinstance(opened, Diagnostic), opened
    pairs = [(deployer, wanted) for deployer, (_, wanted) in zip(opened, work, strict=True)]
    return transaction.run(pairs, consent, soak_intervals=soak_intervals, dry_run=dry_run)


@contextmanager
def world(
    program: Path,
    promtool: Path,
    folder: Path,
    layout: LayoutName = "release",
    *,
    rules: Sequence[str] | None = None,
    **options: Any,
) -> Iterator[World]:
    """Run a Prometheus that loads `folder`/rules in this layout; `options` are those of prometheus_with."""
    root = folder / "rules"
    target = replace(QUICK, path=str(root), layout=layout)
    pattern = layout_of(target).pattern
    # For processes of their own, which have no other way to hear of these.
    waits = f"evaluation_wait: {target.evaluation_wait:g}s, ready_timeout: {target.ready_timeout:g}s"
    (folder / "rulecompiler.yaml").write_text(f"deploy: {{layout: {layout}, {waits}}}\n")
    with prometheus_with(program, rules or [pattern], folder, **options) as server:
        yield World(server, replace(target, url=server.url), promtool, folder)
