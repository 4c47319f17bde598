"""The plan from a commit to what lies on disk, for commands that have read the disk already."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rulecompiler.diagnostics import Diagnostic
    from rulecompiler.diff.model import Plan
    from rulecompiler.git_sources import Commit, History
    from rulecompiler.inputs import Inputs
    from rulecompiler.reads import Reads
    from rulecompiler.sources import RawFile
    from rulecompiler.terminal import Painter
    from rulecompiler.two_sides import Named

# What to do instead of what `diff` advises, which has options that others lack.
_HELP = {
    "RC724": "run `git init` and commit to have one",
    "`--base`": "`rulecompiler diff --base REF` compares with any",
}


def base_of(
    history: History, ref: str | None, tip: Commit | None, known: Iterable[RawFile]
) -> Named | Diagnostic:
    """The commit `ref`, by default where the tip (None: HEAD) and the main branch parted, with its files."""
    from rulecompiler.diagnostics import Diagnostic
    from rulecompiler.diff.model import SideName
    from rulecompiler.two_sides import Named

    start = history.commit(ref) if ref is not None else history.merge_base(tip)
    if isinstance(start, Diagnostic):
        return start
    found = history.read(start, os.environ, known)
    if isinstance(found, Diagnostic):
        return found
    return Named(SideName(start.label, start.hash, start.note), found)


def read_base(root: Path, ref: str | None, known: Inputs) -> Named | Diagnostic:
    """The base of the repo at `root`; files that are on disk just so are not read again."""
    from rulecompiler.diagnostics import Diagnostic
    from rulecompiler.git_sources import open_history

    history = open_history(root)
    if isinstance(history, Diagnostic):
        return history
    with history:
        return base_of(history, ref, None, (*known.templates, *known.groups))


def plan_from(
    base: Named,
    inputs: Inputs,
    jobs: int = 0,
    reads: Reads | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Plan:
    """The plan from a base to the working tree."""
    from rulecompiler.diff.model import SideName
    from rulecompiler.two_sides import Named, compare

    head = Named(SideName("the working tree"), inputs)
    return compare(base, head, jobs, progress, reads)


def why_no_plan(fault: Diagnostic) -> str:
    """One line: what is missing for a plan, and what to do."""
    from rulecompiler.terminal import visible

    advice = next((text for key, text in _HELP.items() if key == fault.code or key in fault.help), fault.help)
    return visible(f"No plan: {fault.message}; {advice}")


def plan_lines(plan: Plan, paint: Painter, *, full: bool = False) -> str:
    """The plan as `diff` shows it; one line where nothing changes."""
    from rulecompiler.cli.diff_report import as_text
    from rulecompiler.reporters import plan_words as words
    from rulecompiler.terminal import visible

    if not plan.is_empty:
        return as_text(plan, paint, full=full)
    rules = words.plural(plan.counts.unchanged, "rule")
    text = f"Plan: nothing changes against {visible(plan.base.label)}, {rules} unchanged"
    if plan.untouched_edits:
        names = words.names(plan.untouched_edits, visible, words.MOST_NAMES)
        text += f"; no rule changes by the edits of {names}"
    return paint(text, "bold") + "\n"
