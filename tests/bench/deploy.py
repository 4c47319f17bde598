"""`make bench`, second half: what a deployment costs next to Prometheus' own reload.

A thousand files of ten rules go to a real Prometheus, in both layouts. The deployer's own time is
the processor time of its process: it waits for the server the rest of the time.
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rulecompiler import promtool
from rulecompiler.deploy.release import Release
from rulecompiler.deploy.settings import LayoutName
from rulecompiler.diagnostics import Diagnostic
from tests.deploy.world import ROOT, World, world

RUNS = 5
FILES = 1000
RULES = 10


def main() -> int:
    """Run all measurements; the exit code is 1 if something was written in vain, or a bound is missed."""
    tool = promtool.find(os.environ, ROOT)
    server = shutil.which("prometheus") or shutil.which("prometheus", path=str(ROOT / ".tools/bin"))
    if isinstance(tool, Diagnostic) or server is None:
        print("promtool and prometheus are needed: `make setup` gets them", file=sys.stderr)
        return 1
    print(f"\n{FILES:,} files of {RULES} rules, Prometheus beside it; medians of {RUNS} runs\n")
    layouts: tuple[LayoutName, ...] = ("release", "flat")
    good = [_measure(layout, Path(server), tool) for layout in layouts]
    good.append(_chain(Path(server), tool))
    return 0 if all(good) else 1


def _measure(layout: LayoutName, server: Path, tool: Path) -> bool:
    with tempfile.TemporaryDirectory(prefix="rulecompiler-bench-") as name:
        folder = Path(name)
        with world(server, tool, folder, layout) as here:
            files = {f"group-{n:04}.yml": _file(n, 80) for n in range(FILES)}
            _deploy(here, Release(files))
            before, posts = here.snapshot(), here.reloads()
            unchanged, _ = _median(lambda _: _deploy(here, Release(files)))
            idle = here.snapshot() == before and here.reloads() == posts
            wall, own = _median(lambda n: _deploy(here, Release({**files, "group-0007.yml": _file(7, n)})))
            written = _written(here, before)
            reload_seconds = _median(lambda _: _post(here))[0]
    ratio = own / reload_seconds
    _row(
        f"{layout}: nothing changed",
        f"{unchanged:.2f} s, {'no POST, no write' if idle else 'WROTE OR POSTED'}",
    )
    _row(f"{layout}: one file changed", f"{wall:.2f} s with the wait for the first evaluation; {written}")
    verdict = "ok" if ratio <= 1 else "MISSED"
    _row(
        f"{layout}: own time / reload",
        f"{ratio:.2f}   aim 1   {verdict}   {own:.2f} s / {reload_seconds:.2f} s",
    )
    return idle


def _file(number: int, threshold: int) -> bytes:
    rules = "".join(
        f'  - alert: A{number}x{rule}\n    expr: some_metric_{rule}{{group_id="g{number}"}} > {threshold}\n'
        f"    for: 5m\n    labels: {{severity: warning}}\n"
        for rule in range(RULES)
    )
    return b"# Compiled by rulecompiler.\n" + f"groups:\n- name: g{number}\n  rules:\n{rules}".encode()


def _deploy(here: World, wanted: Release) -> float:
    """Deploys in a process of its own; its processor seconds."""
    command = here.command(wanted)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        command,
        env=here.process_environ(),
        cwd=here.folder.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise SystemExit(f"deploy failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _post(here: World) -> float:
    assert here.server.reload().status_code == 200
    return 0.0


def _median(run: Callable[[int], float]) -> tuple[float, float]:
    """Median seconds on the clock, and of what `run` gives."""
    clock, own = [], []
    for number in range(RUNS):
        started = time.perf_counter()
        own.append(run(number))
        clock.append(time.perf_counter() - started)
    return statistics.median(clock), statistics.median(own)


def _written(here: World, before: dict[str, tuple[int, int]]) -> str:
    """What files of the server's the changes touched."""
    inside = "current/" if here.target.layout == "release" else ""
    after = here.snapshot()
    changed = [
        name
        for name, stat in after.items()
        if name.endswith(".yml")
        and not name.startswith((".rulecompiler", "releases"))
        and before.get(name) != stat
    ]
    return "one rename of the link" if inside else f"wrote {len(changed)} of {FILES:,} files"


def _chain(server: Path, tool: Path) -> bool:
    """From an edit of a threshold to the running rule, for 100 rules: compile, deploy."""
    from tests.bench.synthetic import build, leaf

    with tempfile.TemporaryDirectory(prefix="rulecompiler-bench-") as name:
        folder = Path(name)
        repo = folder / "repo"
        repo.mkdir()
        build(repo, 1)
        run = [sys.executable, "-m", "rulecompiler", "-C", str(repo)]
        with world(server, tool, folder) as here:
            environ = here.process_environ(PROMETHEUS_RELOAD_TIMEOUT="60s")

            def step(*arguments: str) -> None:
                done = subprocess.run(
                    [*run, *arguments], env=environ, capture_output=True, text=True, check=False
                )
                if done.returncode != 0:
                    raise SystemExit(f"{arguments} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")

            step("compile")
            step("deploy")

            def chain(number: int) -> float:
                (repo / "alerts/groups/leaf-0000.yaml").write_text(leaf(0, 0, 50 + number))
                started = time.perf_counter()
                step("compile", "--validate")
                step("deploy")
                return time.perf_counter() - started

            seconds = _median(chain)[0]
    _row(
        "edit to verified, 100 rules", f"{seconds:.2f} s   at most 30   {'ok' if seconds <= 30 else 'MISSED'}"
    )
    return seconds <= 30


def _row(what: str, text: str) -> None:
    print(f"{what:<36} {text}")


if __name__ == "__main__":
    raise SystemExit(main())
