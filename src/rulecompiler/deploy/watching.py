"""After a change: whether the new rules can be evaluated, over the data that the server has."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence

from rulecompiler.deploy import faults
from rulecompiler.deploy.compare import new_errors
from rulecompiler.deploy.running import RunningGroup
from rulecompiler.deploy.site import Site
from rulecompiler.diagnostics import Diagnostic

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 2.0


def watch(
    site: Site, before: Sequence[RunningGroup], files: Collection[str], intervals: int
) -> tuple[Diagnostic, ...]:
    """Waits until the groups of these files were evaluated so many times; the rules that failed (RC863).

    A rule that failed `before` is not counted. It waits `evaluation_wait` an interval at most, and
    then names the groups that were not evaluated (RC864). Errors or warnings, as the target's policy has it.
    """
    target = site.target
    fatal = target.on_evaluation_error == "rollback"
    patience = target.evaluation_wait * intervals
    deadline = time.monotonic() + patience
    evaluations: dict[tuple[str, str], set[str]] = {}
    pause = _FIRST_PAUSE_SECONDS
    while True:
        seen = site.look()
        if isinstance(seen, Diagnostic):
            return (seen,)
        failing = new_errors(before, seen.ours)
        waiting = []
        for group in seen.ours:
            if group.file in files:
                times = evaluations.setdefault((group.file, group.name), set())
                if all(rule.health != "unknown" for rule in group.rules):
                    times.add(group.last_evaluation)
                if len(times) < intervals:
                    waiting.append(group.name)
        if (failing and fatal) or not waiting or time.monotonic() >= deadline:
            found = [faults.evaluation_error(error, fatal=fatal) for error in failing]
            return (
                (*found, faults.not_evaluated(waiting, patience)) if waiting and not found else tuple(found)
            )
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)
