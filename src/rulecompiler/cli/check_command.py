"""`rulecompiler check`: the gate for CI."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from rulecompiler.cli.compile_command import file_changes, plural, show_changes, show_diagnostics, tally
from rulecompiler.cli.output import format_option, repo_root, write
from rulecompiler.cli.progress import on_terminal

_MAY_COME_FROM_ENVIRONMENT = "RC809"

if TYPE_CHECKING:
    from pathlib import Path

    from rulecompiler.diagnostics import Diagnostic
    from rulecompiler.gate import UnitTests
    from rulecompiler.outcome import Outcome
    from rulecompiler.textdiff import FileChange


@click.command()
@click.option("--jobs", type=click.IntRange(min=0), default=0, metavar="N", help="Processes; 0: one a core.")
@click.option("--full-diff", is_flag=True, help="Show every line of long diffs.")
@click.option(
    "--remember",
    is_flag=True,
    help="Trust unit tests that passed before, just as they are now: for a hook; not where CI is set.",
)
@format_option()
def check(jobs: int, full_diff: bool, remember: bool, fmt: str) -> int:
    """Validate, compile in memory, compare with generated/, and let promtool check and test it all.

    What `rulecompiler lint` warns of is shown too; its notes are counted only.

    Nothing is written, and nothing remembered from earlier runs is trusted, but for --remember.

    \b
    Examples:
      rulecompiler check
      rulecompiler check --format github     annotations on the pull request
      rulecompiler check --format sarif > rulecompiler.sarif
    """
    from rulecompiler.diagnostics import has_errors
    from rulecompiler.workspace import compile_repo

    with on_terminal("checking") as progress:
        root = repo_root()
        outcome = compile_repo(root, os.environ, jobs=jobs, cached=False, progress=progress)
    diagnostics = outcome.diagnostics
    changes: list[FileChange] = []
    tests: UnitTests | None = None
    version = ""
    quiet = 0
    if not has_errors(diagnostics):
        diagnostics += _targets(root)
        changes = file_changes(outcome)
        diagnostics += tuple(_stale(change) for change in changes)
        tests, version, more = _promtool(outcome, remember)
        diagnostics += more
        more, quiet = _lint(outcome, jobs)
        diagnostics += more
    show_diagnostics(diagnostics, outcome, fmt)
    failed = has_errors(diagnostics)
    if fmt == "text":
        show_changes(changes, full_diff)
        if tests is not None:
            write(coverage(tests))
        if quiet:
            write(f"{plural(quiet, 'note')} not shown: `rulecompiler lint`\n")
    if fmt in ("text", "github") and not failed:  # the others are read by programs
        passed = plural(tests.passed if tests is not None else 0, "unit test")
        agreed = f"generated/ up to date, promtool {version} agrees, {passed} passed"
        write(f"ok: {tally(outcome)}, {agreed}\n")
    return 1 if failed else 0


def _stale(change: FileChange) -> Diagnostic:
    from rulecompiler.diagnostics import Diagnostic, Span
    from rulecompiler.textdiff import count

    if change.old is None:
        message = f"`{change.path}` is missing"
    elif change.new is None:
        message = f"`{change.path}` belongs to no group any more"
    else:
        added, removed = count(change.old, change.new)
        message = f"`{change.path}` is not what alerts/ compiles to (+{added} -{removed})"
    help_text = "run `rulecompiler compile` and commit the result"
    return Diagnostic("RC706", message, Span(change.path, 1, 1, 1, 1), help=help_text)


def _targets(root: Path) -> tuple[Diagnostic, ...]:
    """What is wrong with the places to deploy to, as far as the file alone tells."""
    from rulecompiler.deploy.reading_settings import read_settings
    from rulecompiler.inputs import SETTINGS_FILE

    if not (root / SETTINGS_FILE).exists():
        return ()
    found = read_settings(root, {}).diagnostics
    return tuple(d for d in found if d.code != _MAY_COME_FROM_ENVIRONMENT)


def _lint(outcome: Outcome, jobs: int) -> tuple[tuple[Diagnostic, ...], int]:
    """What lint warns of, and how many infos it has beside that."""
    from rulecompiler.cli.linting import lint_repo
    from rulecompiler.diagnostics import Severity

    assert outcome.library is not None, "without a cache every template is read"
    assert outcome.groups is not None, "without a cache every group is read"
    found = lint_repo(outcome.inputs, outcome.library, outcome.groups, jobs)
    loud = tuple(d for d in found if d.severity is not Severity.INFO)
    return loud, len(found) - len(loud)


def _promtool(outcome: Outcome, remember: bool) -> tuple[UnitTests | None, str, tuple[Diagnostic, ...]]:
    from rulecompiler import gate, passed_tests, promtool
    from rulecompiler.diagnostics import Diagnostic

    inputs, library = outcome.inputs, outcome.library
    assert library is not None, "without a cache every template is read"
    tool = promtool.find(os.environ, inputs.root)
    version = tool if isinstance(tool, Diagnostic) else promtool.version(tool)
    if isinstance(tool, Diagnostic) or isinstance(version, Diagnostic):
        return None, "", (version,) if isinstance(version, Diagnostic) else ()
    # A record that a branch brings along must not decide what CI runs.
    remember = remember and not os.environ.get("CI")
    passed = passed_tests.load(inputs.root, tool, version) if remember else frozenset()
    tests = gate.run_unit_tests(tool, library, inputs, passed=passed)
    if remember and tests.good != passed:
        passed_tests.save(inputs.root, tool, version, tests.good)
    return (
        tests,
        version,
        (
            *gate.judge_unproven(tool, outcome.unproven, inputs.settings.timeout),
            *gate.check_files(tool, outcome.files, outcome.rule_sets, inputs, library),
            *tests.diagnostics,
        ),
    )


def coverage(tests: UnitTests) -> str:
    """The line that names templates without tests; empty if there are none."""
    if not tests.untested:
        return ""
    names = ", ".join(tests.untested[:5])
    more = f" and {len(tests.untested) - 5} more" if len(tests.untested) > 5 else ""
    total = plural(tests.templates, "template")
    return f"{len(tests.untested)} of {total} without unit tests: {names}{more}\n"
