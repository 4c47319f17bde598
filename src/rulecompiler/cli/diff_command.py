"""`rulecompiler diff`: what a change to the repo does to the rules."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rulecompiler.cli.fail_on import fail_on_option, failing
from rulecompiler.cli.output import repo_root, screen, write
from rulecompiler.cli.plan_output import plan_output_options, plan_text, refusal_text
from rulecompiler.cli.progress import on_terminal

if TYPE_CHECKING:
    from rulecompiler.diagnostics import Diagnostic
    from rulecompiler.diff.model import Plan
    from rulecompiler.inputs import Inputs

Texts = dict[str, "Mapping[str, str]"]  # by side
FAIL_ON = ("removed", "reset", "moved", "added", "changed", "incomparable")
_DIFFERENT = 2


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
@fail_on_option(FAIL_ON)
@click.option("--full", is_flag=True, help="Leave nothing out.")
@click.option("--jobs", type=click.IntRange(min=0), default=0, metavar="N", help="Processes; 0: one a core.")
@plan_output_options
def diff(
    base: str | None,
    head: str | None,
    against: str | None,
    exit_code: bool,
    fail_on: tuple[str, ...],
    full: bool,
    jobs: int,
    fmt: str,
    output: str | None,
    link: str,
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
      rulecompiler diff --format html --output plan.html
    """
    from rulecompiler.cli.diff_against import Refused, against_generated, against_running

    root = repo_root()
    if against is not None and head is not None:
        raise click.UsageError("--against compares with the working tree: leave --head out")
    texts: Texts = {}
    try:
        if against is None:
            plan, texts = plan_of_commits(root, base, head, jobs)
        elif against == "generated":
            plan = against_generated(root, base, jobs)
        elif "://" not in against:
            raise click.UsageError(f"--against takes `generated` or a server's URL, not {against!r}")
        elif base is not None:
            raise click.UsageError("a server is compared with the working tree: leave --base out")
        else:
            plan = against_running(root, against, jobs)
    except Refused as refused:
        return _refuse(refused.diagnostics, refused.texts, fmt, output)
    unwritten = _show(plan, texts, fmt, full, output, link)
    return _verdict(plan, exit_code, fail_on, spoken=fmt == "text" or output is not None) or unwritten


def plan_of_commits(root: Path, base: str | None, head: str | None, jobs: int) -> tuple[Plan, Texts]:
    """The plan, and the texts of both sides for excerpts. Raises Refused."""
    from rulecompiler.cli.diff_against import Refused
    from rulecompiler.cli.working_plan import base_of
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
        disk = read_inputs(root, os.environ)
        known = (*disk.templates, *disk.groups)
        new: Inputs | Diagnostic = disk if tip is None else history.read(tip, os.environ, known)
        if isinstance(new, Diagnostic):
            raise Refused((new,), {})
        unknown = tuple(filter(_hides_rules, new.diagnostics))
        if unknown:
            raise Refused(unknown, new.texts)
        old = base_of(history, base, tip, (*known, *new.templates, *new.groups))
        if isinstance(old, Diagnostic):
            raise Refused((old,), {})
    if tip is not None and not any(i.templates or i.groups for i in (old.inputs, new)):
        message = f"neither commit has {new.settings.templates} or {new.settings.groups}"
        raise Refused(
            (Diagnostic("RC102", message, help="commit them, or correct `paths` in the settings"),), {}
        )
    name = SideName("the working tree") if tip is None else SideName(tip.label, tip.hash)
    with on_terminal("comparing") as progress:
        plan = compare(old, Named(name, new), jobs, progress)
    return plan, {"base": old.inputs.texts, "head": new.texts}


def _hides_rules(fault: Diagnostic) -> bool:
    """Whether nobody can tell which rules there are: the settings or a folder cannot be read."""
    from rulecompiler.diagnostics import Severity
    from rulecompiler.inputs import SETTINGS_FILE

    of_settings = fault.place is not None and fault.place.path == SETTINGS_FILE
    return fault.severity is Severity.ERROR and (of_settings or fault.code == "RC102")


def _show(plan: Plan, texts: Texts, fmt: str, full: bool, output: str | None, link: str) -> int:
    """Prints the plan or writes it to a file; 1 where that fails."""
    if output is None:
        if fmt == "text":
            _show_faults(plan, texts)
        write(plan_text(plan, fmt, link, full=full, color=screen().color))
        return 0
    _show_faults(plan, texts)
    failed = _to_file(output, plan_text(plan, fmt, link, full=full, color=False))
    write(f"{plan.summary}\n")
    return failed


def _to_file(path: str, text: str) -> int:
    from rulecompiler.cli.output import show_unplaced
    from rulecompiler.cli.report_file import write_report

    fault = write_report(path, text)
    if fault is None:
        return 0
    show_unplaced((fault,))
    return 1


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


def _verdict(plan: Plan, exit_code: bool, fail_on: tuple[str, ...], *, spoken: bool) -> int:
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
    hit = failing(fail_on, numbers, spoken=spoken)
    broken = any("head" in each.sides for each in plan.incomparable)
    broken = broken or any(d.severity is Severity.ERROR for d in plan.diagnostics.get("head", ()))
    if hit or broken:
        return 1
    return _DIFFERENT if exit_code and not plan.is_empty else 0


def _refuse(diagnostics: tuple[Diagnostic, ...], texts: Any, fmt: str, output: str | None) -> int:
    """Why nothing could be compared; the exit code."""
    from rulecompiler.cli.report_file import write_refusal

    write_refusal(diagnostics, texts, fmt, output, lambda: refusal_text(diagnostics, texts, fmt))
    return 1
