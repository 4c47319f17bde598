"""`rulecompiler diff`: what a change to the repo does to the rules."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rulecompiler.cli.output import format_option, repo_root, screen, write
from rulecompiler.cli.progress import on_terminal

if TYPE_CHECKING:
    from rulecompiler.diagnostics import Diagnostic
    from rulecompiler.diff.model import Plan
    from rulecompiler.inputs import Inputs

Texts = dict[str, "Mapping[str, str]"]  # by side
FAIL_ON = ("removed", "reset", "moved", "added", "changed", "incomparable")
_DIFFERENT = 2


def _fail_on(ctx: click.Context, param: click.Parameter, value: str) -> tuple[str, ...]:
    """Names of `FAIL_ON`, separated by commas; a usage error for others."""
    names = tuple(name.strip() for name in value.split(",") if name.strip())
    for name in names:
        if name not in FAIL_ON:
            raise click.BadParameter(f"{name!r} is none of {', '.join(FAIL_ON)}", ctx, param)
    return names


@click.command()
@click.option(
    "--base", metavar="REF", help="Compare from here. Default: where HEAD and the main branch parted."
)
@click.option("--head", metavar="REF", help="Compare to here. Default: the working tree.")
@click.option(
    "--against",
    nargs=1,
    metavar="generated|URL",
    help="Compare from generated/ (of --base, or on disk), or from what a server runs.",
)
@click.option("--exit-code", is_flag=True, help="Exit with 2 if anything differs, as `git diff` does with 1.")
@click.option(
    "--fail-on",
    callback=_fail_on,
    default="",
    metavar="NAMES",
    help=f"Exit with 1 on any of: {', '.join(FAIL_ON)}; separated by commas.",
)
@click.option("--full", is_flag=True, help="Leave nothing out.")
@click.option("--jobs", type=click.IntRange(min=0), default=0, metavar="N", help="Processes; 0: one a core.")
@format_option("text", "json")
def diff(
    base: str | None,
    head: str | None,
    against: str | None,
    exit_code: bool,
    fail_on: tuple[str, ...],
    full: bool,
    jobs: int,
    fmt: str,
) -> int:
    """Show what a change does to the rules: which alerts change, for whom, how, and what is lost.

    Both sides are compiled from git's objects and compared by meaning: formatting is no change.

    \b
    Signs:
      +    added                   -    removed
      ~    changed                 -/+  replaced: pending and firing alerts start over

    \b
    What --fail-on knows:
      removed   targets lose a rule that nothing else covers them with
      reset     an alert's state starts over        added, changed  any such rule
      moved     coverage changes hands              incomparable    a side does not compile

    \b
    Exit codes:
      0  shown, whatever differs     2  with --exit-code: something differs
      1  the head does not compile, nothing could be compared, or --fail-on

    \b
    Examples:
      rulecompiler diff                              what the branch changes
      rulecompiler diff --base main --head HEAD
      rulecompiler diff --against generated          what `compile` would change
      rulecompiler diff --against http://localhost:9090
    """
    from rulecompiler.cli.diff_against import Refused, against_generated, against_running

    root = repo_root()
    if against is not None and head is not None:
        raise click.UsageError("--against compares with the working tree: leave --head out")
    texts: Texts = {}
    try:
        if against is None:
            plan, texts = _of_commits(root, base, head, jobs)
        elif against == "generated":
            plan = against_generated(root, base, jobs)
        elif "://" not in against:
            raise click.UsageError(f"--against takes `generated` or a server's URL, not {against!r}")
        elif base is not None:
            raise click.UsageError("a server is compared with the working tree: leave --base out")
        else:
            plan = against_running(root, against, jobs)
    except Refused as refused:
        return _refuse(refused.diagnostics, refused.texts, fmt)
    _show(plan, texts, fmt, full)
    return _verdict(plan, exit_code, fail_on, fmt)


def _of_commits(root: Path, base: str | None, head: str | None, jobs: int) -> tuple[Plan, Texts]:
    """The plan, and the texts of both sides for excerpts. Raises Refused."""
    from rulecompiler.cli.diff_against import Refused
    from rulecompiler.diagnostics import Diagnostic
    from rulecompiler.diff.model import SideName
    from rulecompiler.git_sources import open_history
    from rulecompiler.inputs import read_inputs
    from rulecompiler.two_sides import Named, compare

    history = open_history(root)
    if isinstance(history, Diagnostic):
        raise Refused((history,), {})
    with history:
        tip = history.commit(head) if head is not None else None
        if isinstance(tip, Diagnostic):
            raise Refused((tip,), {})
        start = history.commit(base) if base is not None else history.merge_base(tip)
        if isinstance(start, Diagnostic):
            raise Refused((start,), {})
        disk = read_inputs(root, os.environ)
        known = (*disk.templates, *disk.groups)
        new: Inputs | Diagnostic = disk if tip is None else history.read(tip, os.environ, known)
        if isinstance(new, Diagnostic):
            raise Refused((new,), {})
        old = history.read(start, os.environ, (*known, *new.templates, *new.groups))
        if isinstance(old, Diagnostic):
            raise Refused((old,), {})
    name = SideName("the working tree") if tip is None else SideName(tip.label, tip.hash)
    with on_terminal("comparing") as progress:
        plan = compare(
            Named(SideName(start.label, start.hash, start.note), old), Named(name, new), jobs, progress
        )
    return plan, {"base": old.texts, "head": new.texts}


def _show(plan: Plan, texts: Texts, fmt: str, full: bool) -> None:
    if fmt == "json":
        from rulecompiler.diff.as_json import as_data

        write(json.dumps(as_data(plan), indent=2) + "\n")
        return
    from rulecompiler.cli.diff_report import as_text
    from rulecompiler.terminal import Painter

    _show_faults(plan, texts)
    write(as_text(plan, Painter(screen().color), full=full))


def _show_faults(plan: Plan, texts: Texts) -> None:
    """The errors of both sides; the base's are no fault of whoever reads this, and so warnings."""
    from dataclasses import replace

    from rulecompiler.cli.output import show
    from rulecompiler.codes import TITLES
    from rulecompiler.diagnostics import Severity
    from rulecompiler.document import Locator

    found: list[Diagnostic] = []
    heads = [d for d in plan.diagnostics.get("head", ()) if d.severity is Severity.ERROR]
    for fault in plan.diagnostics.get("base", ()):
        if fault.severity is Severity.ERROR and fault not in heads:
            message = f"in the base, {fault.message}"
            found.append(replace(fault, message=message, severity=Severity.WARNING, related=()))
    for side, faults in (("base", found), ("head", heads)):
        show(faults, "text", texts.get(side, {}), Locator({}).span, titles=TITLES)


def _verdict(plan: Plan, exit_code: bool, fail_on: tuple[str, ...], fmt: str) -> int:
    from rulecompiler.diagnostics import Severity
    from rulecompiler.diff.model import Action

    counts = plan.counts
    numbers = {
        "removed": counts.lost,
        "reset": counts.resets,
        "moved": sum(bool(c.covered_by or c.takes_over) for c in plan.changes),
        "added": counts.add,
        "changed": sum(c.action in (Action.CHANGE, Action.REPLACE) for c in plan.changes),
        "incomparable": len(plan.incomparable),
    }
    hit = [name for name in fail_on if numbers[name]]
    if hit and fmt == "text":
        write(f"--fail-on: {', '.join(f'{name} ({numbers[name]:,})' for name in hit)}\n")
    broken = any("head" in each.sides for each in plan.incomparable)
    broken = broken or any(d.severity is Severity.ERROR for d in plan.diagnostics.get("head", ()))
    if hit or broken:
        return 1
    return _DIFFERENT if exit_code and not plan.is_empty else 0


def _refuse(diagnostics: tuple[Diagnostic, ...], texts: Any, fmt: str) -> int:
    """Why nothing could be compared; the exit code."""
    from rulecompiler.cli.output import show
    from rulecompiler.codes import TITLES
    from rulecompiler.document import Locator

    show(diagnostics, fmt, texts, Locator(texts).span, titles=TITLES)
    return 1
