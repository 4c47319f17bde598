"""`rulecompiler compile`: write generated/ and show what changed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rulecompiler.cli.output import format_option, repo_root, screen, write
from rulecompiler.cli.progress import on_terminal

if TYPE_CHECKING:
    from rulecompiler.diagnostics import Diagnostic
    from rulecompiler.outcome import Outcome
    from rulecompiler.reads import Reads
    from rulecompiler.textdiff import FileChange

_METRICS = frozenset({"RULECOMPILER_TEXTFILE_DIRECTORY", "RULECOMPILER_PUSH_URL"})
_NOTHING = "Nothing was written.\n"


@click.command("compile")
@click.option("--group", "groups", multiple=True, metavar="ID", help="Only this group; may be repeated.")
@click.option("-n", "--dry-run", is_flag=True, help="Show what would change and write nothing.")
@click.option("--jobs", type=click.IntRange(min=0), default=0, metavar="N", help="Processes; 0: one a core.")
@click.option("--full-diff", is_flag=True, help="Show every line of long diffs; with --plan, show the diff.")
@click.option(
    "--plan",
    "planned",
    is_flag=True,
    help="End with what `rulecompiler diff` says, in place of the diff of generated/.",
)
@click.option(
    "--validate/--no-validate",
    default=None,
    help="Let promtool check what changes before it is written. Default: prometheus.validate_rules.",
)
@format_option("text", "json")
def compile_(
    groups: tuple[str, ...],
    dry_run: bool,
    jobs: int,
    full_diff: bool,
    planned: bool,
    validate: bool | None,
    fmt: str,
) -> int:
    """Compile alerts/ to generated/, one rule file a group, and show what changed.

    All or nothing: with any error, not one file changes.

    \b
    Examples:
      rulecompiler compile
      rulecompiler compile --dry-run            look before you leap
      rulecompiler compile --plan               what the reviewer will see
      rulecompiler compile --group grp-123      just this group's file
      rulecompiler compile --format json        for scripts
    """
    if planned and fmt != "text":
        raise click.UsageError("--plan is for people: `rulecompiler diff --format json` has it for programs")
    root = repo_root()
    return _run(root, groups, dry_run, jobs, full_diff, planned, validate, fmt)


def _run(
    root: Path,
    groups: tuple[str, ...],
    dry_run: bool,
    jobs: int,
    full_diff: bool,
    planned: bool,
    validate: bool | None,
    fmt: str,
) -> int:
    import contextlib

    from rulecompiler.diagnostics import has_errors
    from rulecompiler.state_folder import locked
    from rulecompiler.workspace import compile_repo
    from rulecompiler.workspace import write as write_files

    reads = None
    if planned:
        from rulecompiler.reads import Reads

        reads = Reads()
    with contextlib.nullcontext() if dry_run else locked(root) as locked_out:
        if locked_out is not None:
            return _fail(None, (locked_out,), fmt)
        with on_terminal("compiling") as progress:
            outcome = compile_repo(root, os.environ, only=groups, jobs=jobs, progress=progress, reads=reads)
        diagnostics = outcome.diagnostics
        if not has_errors(diagnostics):
            diagnostics = (*diagnostics, *judge(outcome, validate))
        fault = None
        if not has_errors(diagnostics):
            changes = file_changes(outcome)
            fault = None if dry_run else write_files(outcome)
            diagnostics = diagnostics if fault is None else (*diagnostics, fault)
    if not dry_run:
        diagnostics = (*diagnostics, *_record(outcome, diagnostics))
    if has_errors(diagnostics):
        return _fail(outcome, diagnostics, fmt, closing=_NOTHING if fault is None else "")
    if fmt == "json":
        write(_json(outcome, diagnostics, changes))
        return 0
    show_diagnostics(diagnostics, outcome, "text")
    text, is_plan = _plan(outcome, jobs, reads) if reads is not None else ("", False)
    if full_diff or not is_plan:
        show_changes(changes, full_diff)
    write(summary(outcome, changes, dry_run))
    write(text)
    return 0


def _plan(outcome: Outcome, jobs: int, reads: Reads) -> tuple[str, bool]:
    """The plan, and that it is one; or the line that says why there is none."""
    from rulecompiler.cli.working_plan import plan_from, plan_lines, read_base, why_no_plan
    from rulecompiler.diagnostics import Diagnostic
    from rulecompiler.terminal import Painter

    paint = Painter(screen().color)
    inputs = outcome.inputs
    base = read_base(inputs.root, None, inputs)
    if isinstance(base, Diagnostic):
        return paint(why_no_plan(base), "dim") + "\n", False
    with on_terminal("comparing") as progress:
        plan = plan_from(base, inputs, jobs, reads, progress)
    apart = "" if plan.is_empty else "\n"
    return apart + plan_lines(plan, paint), True


def judge(outcome: Outcome, validate: bool | None) -> tuple[Diagnostic, ...]:
    """promtool's word on the changed files, where it is asked for or cannot be done without."""
    from rulecompiler.diagnostics import Diagnostic

    wanted = outcome.inputs.settings.validate_rules if validate is None else validate
    changed = outcome.changed if wanted else {}
    if not changed and not outcome.unproven:
        return ()
    from rulecompiler import gate, promtool

    tool = promtool.find(os.environ, outcome.inputs.root)
    if isinstance(tool, Diagnostic):
        return (tool,)
    faults = gate.judge_unproven(tool, outcome.unproven, outcome.inputs.settings.timeout)
    if outcome.library is None:
        return faults
    return (*faults, *gate.check_files(tool, changed, outcome.rule_sets, outcome.inputs, outcome.library))


def _record(outcome: Outcome, diagnostics: tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
    """Tells Prometheus how it went, where the settings say so; what went wrong with that."""
    inputs = outcome.inputs
    settings = inputs.settings
    if inputs.settings_file is None and inputs.diagnostics:
        # They cannot be read: this compile is to be seen failing where the last good one was seen.
        from rulecompiler import cache

        known = cache.load(inputs.root).settings
        settings = settings if known is None else known.settings
    if not (settings.metrics_directory or settings.metrics_push_url or _METRICS & os.environ.keys()):
        return ()
    import time

    from rulecompiler.diagnostics import Severity
    from rulecompiler.self_metrics import record_compile

    errors = sum(d.severity is Severity.ERROR for d in diagnostics)
    return record_compile(settings, os.environ, errors=errors, rules=outcome.rule_counts, now=time.time())


def file_changes(outcome: Outcome) -> list[FileChange]:
    """What differs between the compiled files and the disk's, sorted by path."""
    from rulecompiler import output
    from rulecompiler.textdiff import FileChange

    inputs = outcome.inputs
    folder = inputs.settings.generated
    new: Mapping[str, str | None] = {**outcome.changed, **dict.fromkeys(outcome.gone)}
    return [
        FileChange(
            f"{folder}/{name}",
            output.read(inputs.root, folder, name) if name in inputs.generated else None,
            new[name],
        )
        for name in sorted(new)
    ]


def show_changes(changes: list[FileChange], full: bool) -> None:
    """Print the changes as a diff."""
    from rulecompiler.textdiff import render

    if changes:
        write(render(changes, color=screen().color, full=full) + "\n")


def show_diagnostics(diagnostics: tuple[Diagnostic, ...], outcome: Outcome | None, fmt: str) -> None:
    """Print diagnostics with excerpts of the files that were read."""
    if not diagnostics and fmt == "text":
        return
    from rulecompiler.cli.output import show
    from rulecompiler.codes import TITLES
    from rulecompiler.document import Locator

    sources: Mapping[str, str] = outcome.inputs.texts if outcome is not None else {}
    root = outcome.inputs.root if outcome is not None else None
    show(diagnostics, fmt, sources, Locator(sources).span, titles=TITLES, root=root)


def _fail(
    outcome: Outcome | None,
    diagnostics: tuple[Diagnostic, ...],
    fmt: str,
    closing: str = _NOTHING,
) -> int:
    if fmt == "json":
        write(_json(outcome, diagnostics, []))
        return 1
    show_diagnostics(diagnostics, outcome, "text")
    write(closing)
    return 1


def summary(outcome: Outcome, changes: list[FileChange], dry_run: bool) -> str:
    """How much there is, and what was done."""
    summary = f"{tally(outcome)}: {_changed(changes, dry_run)} in {outcome.seconds:.2f} s\n"
    if outcome.left:
        names = ", ".join(outcome.left[:5]) + (", …" if len(outcome.left) > 5 else "")
        summary += (
            f"{plural(len(outcome.left), 'other file')} out of date: {names}; compile without --group\n"
        )
    return summary


def tally(outcome: Outcome) -> str:
    """How much there is: `9 groups, 87 rules`."""
    counts = outcome.rule_counts
    return f"{plural(len(counts), 'group')}, {plural(sum(counts.values()), 'rule')}"


def plural(number: int, noun: str) -> str:
    """`1 rule`, `2 rules`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _changed(changes: list[FileChange], dry_run: bool) -> str:
    counts = (
        ("add", "added", sum(c.old is None for c in changes)),
        ("change", "changed", sum(c.old is not None and c.new is not None for c in changes)),
        ("remove", "removed", sum(c.new is None for c in changes)),
    )
    if not changes:
        return "nothing changed"
    if dry_run:
        return "would " + ", ".join(f"{verb} {plural(n, 'file')}" for verb, _, n in counts if n)
    return ", ".join(f"{plural(n, 'file')} {done}" for _, done, n in counts if n)


def error_lines(diagnostics: tuple[Diagnostic, ...]) -> list[str]:
    """The errors as the replaced server told them: a text each."""
    from rulecompiler.diagnostics import Severity

    return [f"{d.code}: {d.message}" for d in diagnostics if d.severity is Severity.ERROR]


def _json(outcome: Outcome | None, diagnostics: tuple[Diagnostic, ...], changes: list[FileChange]) -> str:
    """The replaced server's answer to "regenerate", with the changed files beside it."""
    from rulecompiler.diagnostics import Severity

    errors = error_lines(diagnostics)
    counts = outcome.rule_counts if outcome is not None else {}
    data = {
        "groups_affected": len(changes),
        "files_generated": 0 if errors else len(counts),
        "rules": sum(counts.values()),
        "files_changed": [c.path for c in changes],
        "files_out_of_date": list(outcome.left) if outcome is not None else [],
        "errors": errors,
        "warnings": [f"{d.code}: {d.message}" for d in diagnostics if d.severity is Severity.WARNING],
        "duration": f"{outcome.seconds if outcome is not None else 0.0:.3f}s",
    }
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
