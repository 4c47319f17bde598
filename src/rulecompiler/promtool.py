"""Runs promtool, which has the last word on every generated file.

Whatever it does not clearly call good is a diagnostic.
"""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from rulecompiler.diagnostics import Diagnostic
from rulecompiler.promtool_output import Complaint, Unexpected, UnitResult, read_check, read_test

_TOOLS = Path(".tools/bin/promtool")
_INSTALL = (
    "install it (Debian: the package `promtool`, or `prometheus` up to Debian 12), put one at "
    ".tools/bin/promtool, as `make setup` does in rulecompiler's own repo, or name one in PROMTOOL_PATH"
)

# Two processes use both cores of a small machine; more gain nothing, as promtool is itself
# multi-threaded. Below this much, starting the second one costs more than it saves.
_PROCESSES = 2
_WORTH_SPLITTING_BYTES = 256 * 1024
_WORTH_SPLITTING_TESTS = 8
# The operating system bounds a command line; this stays far below every system's bound.
_MAX_ARGUMENT_BYTES = 96 * 1024
# A promtool that prints more than this is out of order; reading it all would fill the memory.
_MAX_OUTPUT_BYTES = 64 * 1024 * 1024
# How far promtool's heap may grow between collections, in per cent: four times Go's default takes
# a quarter off its processor time, for some tens of megabytes.
_COLLECT_PERCENT = "400"
_VERSION_TIMEOUT_SECONDS = 10.0


def find(environ: Mapping[str, str], root: Path) -> Path | Diagnostic:
    """The promtool to use.

    PROMTOOL_PATH, else the one on PATH, else `.tools/bin/promtool` under `root`. None at all is
    RC601; one that was named but is not there (RC601) or cannot be run (RC602) is never passed
    over silently. The settings have no say: a stranger's pull request must not name a program.
    """
    search_path = environ.get("PATH", "")
    named = environ.get("PROMTOOL_PATH")
    if named:
        return _named(named, "PROMTOOL_PATH", root, search_path)
    found = shutil.which("promtool", path=search_path)
    if found is not None:
        return Path(found).absolute()
    own = root / _TOOLS
    if own.exists():
        return _executable(own, "the project's tools folder")
    return Diagnostic(
        "RC601",
        f"promtool was not found: not in PROMTOOL_PATH, PATH or {_TOOLS.as_posix()}",
        help=_INSTALL,
    )


def _named(named: str, by: str, root: Path, search_path: str) -> Path | Diagnostic:
    if os.sep not in named:
        found = shutil.which(named, path=search_path)
        if found is not None:
            return Path(found).absolute()
    path = root / named  # an absolute path stays as it is
    if not path.exists():
        return Diagnostic("RC601", f"there is no promtool at {named}, which {by} names", help=_INSTALL)
    return _executable(path, by)


def _executable(path: Path, by: str) -> Path | Diagnostic:
    if path.is_file() and os.access(path, os.X_OK):
        return path.absolute()
    kind = "is not a file" if not path.is_file() else "may not be executed"
    return Diagnostic(
        "RC602",
        f"promtool at {path}, from {by}, {kind}",
        help=f"make it an executable file (`chmod +x {path}`), or name another one in PROMTOOL_PATH",
    )


def version(promtool: Path) -> str | Diagnostic:
    """The version of `promtool`, such as `2.42.0`, without build marks; RC602 to RC605 if it will not say."""
    with tempfile.TemporaryDirectory(prefix="rulecompiler-") as folder:
        run = _run_all(promtool, [["--version"]], Path(folder), _VERSION_TIMEOUT_SECONDS)
    if isinstance(run, Diagnostic):
        return run
    match = re.match(r"promtool, version v?(\d+(?:\.\d+)+)", run[0].output)
    if run[0].exit_code != 0 or match is None:
        return _unexpected(promtool, run[0], "does not say that it is promtool")
    return match.group(1)


def check_rules(
    promtool: Path, files: Mapping[str, str], timeout_seconds: float
) -> tuple[Complaint, ...] | Diagnostic:
    """What promtool holds against rule files, in the order of `files`; nothing if all are good.

    `files` maps plain file names to texts. They are written to a private folder that is gone
    afterwards. RC602 to RC605 if promtool does not run, is not done in time, crashes, or says
    anything but its own words.
    """
    parts = _PROCESSES if sum(map(len, files.values())) > _WORTH_SPLITTING_BYTES else 1
    command = ["check", "rules", "--lint=none"]
    runs = _over_files(promtool, command, files, {}, timeout_seconds, parts)
    if isinstance(runs, Diagnostic):
        return runs
    complaints: list[Complaint] = []
    for batch, run in runs:
        try:
            for result in read_check(run.output, run.exit_code, batch):
                complaints += result.complaints
        except Unexpected as error:
            return _unexpected(promtool, run, str(error))
    return tuple(complaints)


def run_tests(
    promtool: Path,
    tests: Mapping[str, str],
    rule_files: Mapping[str, str],
    timeout_seconds: float,
) -> tuple[UnitResult, ...] | Diagnostic:
    """Runs promtool unit tests: one result per entry of `tests`, in its order.

    `tests` maps plain file names to test files' texts, `rule_files` to those of the rule files
    that they name. Diagnostics as with `check_rules`.
    """
    # Each test has a database made for it, however short it is.
    parts = _PROCESSES if len(tests) > _WORTH_SPLITTING_TESTS else 1
    runs = _over_files(promtool, ["test", "rules"], tests, rule_files, timeout_seconds, parts)
    if isinstance(runs, Diagnostic):
        return runs
    results: list[UnitResult] = []
    for batch, run in runs:
        try:
            results += read_test(run.output, run.exit_code, batch)
        except Unexpected as error:
            return _unexpected(promtool, run, str(error))
    return tuple(results)


# --- running ----------------------------------------------------------------


class _Run(NamedTuple):
    """How one process ended; `exit_code` is negative for a signal, as in `subprocess`."""

    exit_code: int
    output: str


class _NotStarted(Exception):
    """The operating system refused to start promtool, and why."""


class _Process(NamedTuple):
    process: subprocess.Popen[bytes]
    output: Path


def _over_files(
    promtool: Path,
    command: Sequence[str],
    files: Mapping[str, str],
    beside: Mapping[str, str],
    timeout_seconds: float,
    parts: int,
) -> list[tuple[list[str], _Run]] | Diagnostic:
    """Runs `command` over `files`, in `parts` or more: each batch of names with how its process ended."""
    if not files:
        return []  # without a file, promtool 3 would wait for one on standard input
    batches = _batches(files, parts)
    try:
        with tempfile.TemporaryDirectory(prefix="rulecompiler-") as name:
            folder = Path(name)
            for file, text in (*files.items(), *beside.items()):
                if Path(file).name != file or file.startswith(("-", ".")):
                    raise ValueError(f"not a plain file name: {file!r}")
                (folder / file).write_bytes(text.encode())
            runs = _run_all(promtool, [[*command, *batch] for batch in batches], folder, timeout_seconds)
    except OSError as error:
        return Diagnostic(
            "RC606",
            f"the files for promtool could not be written to a temporary folder: {error.strerror or error}",
            help="make room or rights in the temporary folder, or name another one in TMPDIR",
        )
    return runs if isinstance(runs, Diagnostic) else list(zip(batches, runs, strict=True))


def _batches(files: Mapping[str, str], parts: int) -> list[list[str]]:
    """The files' names in order, in `parts` runs of about equal size, or more, for one process each."""
    total = sum(map(len, files.values()))
    batches: list[list[str]] = [[]]
    size = arguments = 0
    for name, text in files.items():
        if batches[-1] and (size * parts >= total * len(batches) or arguments > _MAX_ARGUMENT_BYTES):
            batches.append([])
            arguments = 0
        batches[-1].append(name)
        size += len(text)
        arguments += len(name.encode()) + 1
    return batches


def _run_all(
    promtool: Path, commands: Sequence[Sequence[str]], folder: Path, timeout_seconds: float
) -> list[_Run] | Diagnostic:
    """Runs the commands, `_PROCESSES` at a time, all within the one time-out."""
    deadline = time.monotonic() + timeout_seconds
    runs: list[_Run] = []
    running: list[_Process] = []
    waiting = list(enumerate(commands))
    try:
        while waiting or running:
            while waiting and len(running) < _PROCESSES:
                number, arguments = waiting.pop(0)
                running.append(_start(promtool, arguments, folder, folder / f".output-{number}"))
            first = running[0]
            code = _wait(first.process, max(0.0, deadline - time.monotonic()))
            running.pop(0)
            run = _Run(code, _read(first.output))
            if code < 0 or code >= 128:  # a shell that runs promtool adds 128 to its signal
                return _crashed(promtool, run)
            runs.append(run)
    except subprocess.TimeoutExpired:
        return Diagnostic(
            "RC603",
            f"promtool was not done after {timeout_seconds:g} seconds and was stopped",
            help=f"see whether `{promtool} --version` answers; if it does, allow more time",
        )
    except _NotStarted as error:
        return Diagnostic(
            "RC602",
            f"promtool at {promtool} could not be started: {error}",
            help="name a promtool made for this machine in PROMTOOL_PATH, or run `make setup`",
        )
    finally:
        _end(running)
    return runs


def _start(promtool: Path, arguments: Sequence[str], folder: Path, output: Path) -> _Process:
    # Both streams go to one file: promtool writes "Checking x" to one and the complaints about x
    # to the other, and only their common order tells them apart. A file also cannot fill up and
    # block, as a pipe would. A session of its own, so that all its children can be stopped.
    with output.open("wb") as stream:
        try:
            process = subprocess.Popen(
                [str(promtool), *arguments],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={"GOGC": _COLLECT_PERCENT, **os.environ},
            )
        except OSError as error:
            raise _NotStarted(error.strerror or str(error)) from error
    return _Process(process, output)


def _wait(process: subprocess.Popen[bytes], seconds: float) -> int:
    """As `process.wait`, which looks just every 50 ms, but awake at once where the system can tell."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except (AttributeError, OSError):  # not Linux, an old one, or no descriptor to be had
        return process.wait(seconds)
    try:
        ended = select.poll()
        ended.register(descriptor, select.POLLIN)
        ended.poll(seconds * 1000)
    finally:
        os.close(descriptor)
    return process.wait(0)


def _end(running: Iterable[_Process]) -> None:
    for each in running:
        # The group's number is the process' own, and nobody else's until it has been waited for.
        with suppress(ProcessLookupError):
            os.killpg(each.process.pid, signal.SIGKILL)
        each.process.wait()


def _read(output: Path) -> str:
    with output.open("rb") as stream:
        return stream.read(_MAX_OUTPUT_BYTES).decode("utf-8", "replace")


# --- what went wrong with promtool itself -----------------------------------


def _crashed(promtool: Path, run: _Run) -> Diagnostic:
    number = -run.exit_code if run.exit_code < 0 else run.exit_code - 128
    try:
        how = f"signal {number}, {signal.Signals(number).name}"
    except ValueError:
        how = f"exit code {run.exit_code}"
    return Diagnostic(
        "RC604",
        f"promtool crashed ({how})",
        label=_excerpt(run.output),
        help=f"see whether `{promtool} --version` works, and report the crash to Prometheus if it does",
    )


def _unexpected(promtool: Path, run: _Run, why: str) -> Diagnostic:
    return Diagnostic(
        "RC605",
        f"promtool's answer was not understood: it {why} (exit code {run.exit_code})",
        label=_excerpt(run.output),
        help=f"make sure that {promtool} is Prometheus' promtool, version 2.42 or newer",
    )


def _excerpt(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return "it printed: " + " / ".join(lines[:3])[:300] if lines else "it printed nothing"
