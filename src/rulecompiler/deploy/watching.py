"""After a change: whether the new rules can be evaluated, over the data that the server has."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Sequence

from rulecompiler.deploy import faults
from rulecompiler.deploy.compare import new_errors
from rulecompiler.deploy.running import RunningGroup
from rulecompiler.deploy.site import Site
from rulecompiler.diagnostics import Diagnostic

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 2.0
_PAUSES_A_LOOK = 3
# The first evaluation after a reload may fail for once: its time can be that of the last one before,
# and the server refuses a second sample for one time ("out of order sample").
_CERTAIN_FAILURES = 2


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
    evaluations: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    failures: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
    pause = _FIRST_PAUSE_SECONDS
    while True:
        asked = time.monotonic()
        seen = site.look()
        if isinstance(seen, Diagnostic):
            return (seen,)
        # A look at many rules is work for both sides.
        pause = max(pause, _PAUSES_A_LOOK * (time.monotonic() - asked))
        over = time.monotonic() >= deadline
        last = {(group.file, group.name): group.last_evaluation for group in seen.ours}
        failing = new_errors(before, seen.ours)
        for error in failing:
            failures[error[:3]].add(last[error.file, error.group])
        certain = [error for error in failing if over or len(failures[error[:3]]) >= _CERTAIN_FAILURES]
        waiting = []
        for group in seen.ours:
            if group.file in files:
                times = evaluations[group.file, group.name]
                if all(rule.health != "unknown" for rule in group.rules):
                    times.add(group.last_evaluation)
                if len(times) < intervals:
                    waiting.append(group.name)
        settled = not waiting and len(certain) == len(failing)
        if settled or over or (certain and fatal):
            found = [faults.evaluation_error(error, fatal=fatal) for error in certain]
            if waiting and not found:
                found.append(faults.not_evaluated(waiting, patience))
            return tuple(found)
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)
