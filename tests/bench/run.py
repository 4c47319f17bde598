"""`make bench`: how fast the compiler is, as ratios within one run.

Every number is the median of at least five runs. Ratios against promtool, and of the compiler
against itself, hold on any machine; seconds are shown for the curious only.
"""

from __future__ import annotations

import os
import re
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
from rulecompiler.diagnostics import Diagnostic
from tests.bench.synthetic import build, leaf

RUNS = 5
SMALL, LARGE = 200, 1000


def main() -> int:
    """Run all measurements; the exit code is 1 if a bound of the project is missed."""
    tool = promtool.find(os.environ, Path(__file__).parents[2])
    if isinstance(tool, Diagnostic):
        print(f"{tool.message}: {tool.help}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="rulecompiler-bench-") as folder:
        root = Path(folder)
        small, large = root / "small", root / "large"
        build(small, SMALL)
        build(large, LARGE)
        print(f"{SMALL} groups x 100 rules, 60 templates, three levels; medians of {RUNS} runs\n")
        cold = _median(lambda: _compile(small), before=lambda: _clean(small))
        check = _median(lambda: _promtool(tool, small))
        unchanged = _median(lambda: _compile(small))
        edited = _median(lambda: _compile(small), before=_Edits(small))
        same = _equals_cold(small)
        cold_large = _median(lambda: _compile(large), before=lambda: _clean(large))
        edited_large = _median(lambda: _compile(large), before=_Edits(large))
        unchanged_large = _median(lambda: _compile(large))
        lint_large = _median(lambda: _lint(large))
        _commit(large)
        diff_large = _median(lambda: _diff(large), before=_Edits(large, 70))
        sample = _sample(root / "sample")
        cold_sample = _median(lambda: _compile(sample), before=lambda: _clean(sample))
        check_sample = _median(lambda: _check(sample))
        _check(sample, "--remember")
        checked_again = _median(lambda: _check(sample, "--remember"))
        with _Watched(sample) as watched:
            saved = _median(watched.save, before=lambda: time.sleep(0.5))  # it has printed
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    rows = [
        ("cold compile / promtool check rules", cold / check, 0.5, f"{cold:.2f} s / {check:.2f} s"),
        ("nothing changed / cold", unchanged / cold, 0.15, f"{unchanged:.2f} s / {cold:.2f} s"),
        ("one group edited / cold", edited / cold, 0.15, f"{edited:.2f} s / {cold:.2f} s"),
        (
            f"{LARGE} groups / {SMALL} groups, cold",
            cold_large / cold,
            5.5,
            f"{cold_large:.2f} s / {cold:.2f} s",
        ),
        (
            f"nothing changed / cold, {LARGE} groups",
            unchanged_large / cold_large,
            0.15,
            f"{unchanged_large:.2f} s / {cold_large:.2f} s",
        ),
        (
            f"one group edited / cold, {LARGE} groups",
            edited_large / cold_large,
            0.15,
            f"{edited_large:.2f} s / {cold_large:.2f} s",
        ),
        (
            f"lint / cold, {LARGE} groups",
            lint_large / cold_large,
            0.5,
            f"{lint_large:.2f} s / {cold_large:.2f} s",
        ),
        # The bound is for what comes on top of what both sides share; this is all of it.
        (
            f"diff of one line / cold, {LARGE} groups",
            diff_large / cold_large,
            0.3,
            f"{diff_large:.2f} s / {cold_large:.2f} s",
        ),
        (
            "check --remember / check, sample repo",
            checked_again / check_sample,
            0.6,
            f"{checked_again:.2f} s / {check_sample:.2f} s",
        ),
        (
            "watch, save to plan / cold, sample repo",
            saved / cold_sample,
            0.75,
            f"{saved:.2f} s / {cold_sample:.2f} s",
        ),
    ]
    for what, ratio, bound, seconds in rows:
        verdict = "ok" if ratio <= bound else "MISSED"
        print(f"{what:<44} {ratio:6.3f}   at most {bound:<5} {verdict:<7} {seconds}")
    print(f"{'peak memory of one process, MiB':<44} {peak:6.0f}   at most 1024  {_word(peak <= 1024)}")
    print(f"{'edited output byte-equal to a cold one':<44} {'yes' if same else 'NO':>6}")
    return 0 if same and peak <= 1024 and all(ratio <= bound for _, ratio, bound, _ in rows) else 1


class _Edits:
    """Gives one leaf group another threshold, each time another one."""

    def __init__(self, root: Path, threshold: int = 50) -> None:
        self._root = root
        self._threshold = threshold

    def __call__(self) -> None:
        self._threshold += 1
        leaves = len(list((self._root / "alerts/groups").glob("leaf-*")))
        text = leaf(7, 7 % max(1, leaves // 25), self._threshold)
        (self._root / "alerts/groups/leaf-0007.yaml").write_text(text)


class _Watched:
    """A `watch` of a repo, to save a group of it and wait for the plan."""

    def __init__(self, root: Path) -> None:
        self._group = root / "alerts/groups/grp-123.yaml"
        self._text = self._group.read_text()
        self._threshold = 40
        self._process = subprocess.Popen(
            [sys.executable, "-m", "rulecompiler", "-C", str(root), "watch"],
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> _Watched:
        self._await_summary()
        return self

    def __exit__(self, *_: object) -> None:
        self._group.write_text(self._text)
        self._process.terminate()
        self._process.communicate()

    def save(self) -> None:
        """Saves the group with another threshold, and returns when the plan is there."""
        self._threshold += 1
        self._group.write_text(
            re.sub(r"threshold: \d+", f"threshold: {self._threshold}", self._text, count=1)
        )
        self._await_summary()

    def _await_summary(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if re.search(r"rules: .* in [\d.]+ s$", line.rstrip()):
                return
        raise SystemExit("watch ended by itself")


def _median(run: Callable[[], None], before: Callable[[], None] = lambda: None) -> float:
    seconds = []
    for _ in range(RUNS):
        before()
        started = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def _compile(root: Path) -> None:
    _run([sys.executable, "-m", "rulecompiler", "-C", str(root), "compile", "--no-validate"])


def _lint(root: Path) -> None:
    _run([sys.executable, "-m", "rulecompiler", "-C", str(root), "lint", "--format", "json"])


def _check(root: Path, *options: str) -> None:
    _run([sys.executable, "-m", "rulecompiler", "-C", str(root), "check", *options])


def _sample(root: Path) -> Path:
    """A copy of this repo's alerts, committed."""
    source = Path(__file__).parents[2]
    for name in ("alerts", "generated"):
        shutil.copytree(source / name, root / name)
    shutil.copy(source / "rulecompiler.yaml", root)
    for words in ("init -qb main", "add -A", "-c user.name=a -c user.email=a@example.com commit -qm first"):
        _run(["git", "-C", str(root), *words.split()])
    return root


def _diff(root: Path) -> None:
    """Against git objects: the base of a commit, the head on disk."""
    said = _run([sys.executable, "-m", "rulecompiler", "-C", str(root), "diff", "--base", "HEAD"])
    if "1 to change" not in said:
        raise SystemExit(f"diff found another plan:\n{said[-2000:]}")


def _commit(root: Path) -> None:
    """Makes a git repo of the sources."""
    (root / ".gitignore").write_text("generated/\n.rulecompiler/\n")
    who = ("-c", "user.name=bench", "-c", "user.email=bench@example.com", "-c", "commit.gpgsign=false")
    for command in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "all")):
        _run(["git", "-C", str(root), *who, *command])


def _promtool(tool: Path, root: Path) -> None:
    files = sorted(str(p) for p in (root / "generated").glob("*.yml"))
    _run([str(tool), "check", "rules", "--lint=none", *files])


def _run(command: list[str]) -> str:
    """Runs a program; what it wrote."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{command[:4]} failed:\n{done.stdout.decode()[-2000:]}")
    return done.stdout.decode()


def _clean(root: Path) -> None:
    shutil.rmtree(root / "generated", ignore_errors=True)
    shutil.rmtree(root / ".rulecompiler", ignore_errors=True)


def _equals_cold(root: Path) -> bool:
    """Whether incremental compiles left what a cold one makes."""
    before = {p.name: p.read_bytes() for p in (root / "generated").iterdir()}
    _clean(root)
    _compile(root)
    after = {p.name: p.read_bytes() for p in (root / "generated").iterdir()}
    _compile(root)
    return before == after


def _word(good: bool) -> str:
    return "ok" if good else "MISSED"


if __name__ == "__main__":
    raise SystemExit(main())
