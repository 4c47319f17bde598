"""Many targets as one: all of them run the new rules, or all of them what they ran before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import IntEnum, StrEnum
from typing import NamedTuple

from rulecompiler.deploy.release import Release
from rulecompiler.deploy.settings import MANIFESTS
from rulecompiler.deploy.target import NO_CHANGE, Change, Consent, Deployer
from rulecompiler.diagnostics import Diagnostic, Severity, has_errors


class ExitCode(IntEnum):
    """What a deployment came to, as the process says it."""

    LIVE = 0  # exactly these rules run
    REFUSED = 2  # nothing was touched
    ROLLED_BACK = 3  # what ran before runs again, verified
    UNKNOWN = 4  # what runs could not be verified


class Status(StrEnum):
    """What became of one target."""

    LIVE = "live"
    WRITTEN = "written"  # manifests, which somebody else applies
    UNCHANGED = "unchanged"
    PLANNED = "planned"
    REFUSED = "refused"
    UNTOUCHED = "untouched"
    ROLLED_BACK = "rolled back"
    UNKNOWN = "unknown"


class TargetResult(NamedTuple):
    """What became of one target, which release it was to run, and what ran before ("" if not known)."""

    name: str
    status: Status
    release: str
    before: str
    change: Change
    diagnostics: tuple[Diagnostic, ...]


class Result(NamedTuple):
    """What a deployment came to."""

    exit_code: ExitCode
    targets: tuple[TargetResult, ...]


_INTERRUPTED = Diagnostic(
    "RC870",
    "the deployment was interrupted",
    help="what was touched is put back; run it again when you are ready",
)


class _Run:
    """One target on its way."""

    def __init__(self, deployer: Deployer, release: Release) -> None:
        self.deployer = deployer
        self.release = release
        self.change: Change = NO_CHANGE
        self.before = ""
        self.diagnostics: list[Diagnostic] = []
        self.status = Status.UNTOUCHED

    @property
    def has_changes(self) -> bool:
        return not self.change.is_empty

    def result(self) -> TargetResult:
        return TargetResult(
            self.deployer.target.name,
            self.status,
            self.release.id,
            self.before,
            self.change,
            tuple(self.diagnostics),
        )


def run(
    work: Sequence[tuple[Deployer, Release]],
    consent: Consent,
    *,
    soak_intervals: int,
    dry_run: bool = False,
    say: Callable[[str], None] = lambda text: None,
) -> Result:
    """Takes each target to its release: canaries first, the rest after they were watched.

    Every target is judged before the first one is touched; if one fails, all that were touched go
    back. `say` hears one line a step. An interrupt or a bug on the way takes the targets back too,
    and is raised again only if it is a bug.
    """
    runs = [_Run(deployer, release) for deployer, release in work]
    try:
        for each in runs:
            say(f"{each.deployer.target.name}: looking")
            try:
                found = each.deployer.preflight(each.release, consent, dry_run=dry_run)
            except KeyboardInterrupt:
                each.diagnostics.append(_INTERRUPTED)
                return _take_back(runs, say)
            each.change, each.before = found.change, found.live
            each.diagnostics += found.diagnostics
        if any(has_errors(each.diagnostics) for each in runs):
            return _refused(runs, say)
        if dry_run:
            return _planned(runs)
        return _carry_out(runs, soak_intervals, say)
    finally:
        for each in runs:
            each.deployer.close()


def _refused(runs: list[_Run], say: Callable[[str], None]) -> Result:
    code = ExitCode.REFUSED
    for each in runs:
        if each.deployer.uncertain:
            each.status, code = Status.UNKNOWN, ExitCode.UNKNOWN
        elif has_errors(each.diagnostics):
            each.status = Status.REFUSED
        elif each.deployer.touched:
            # It took up what an interrupted run had begun, which nobody is going to bring to an end now.
            code = max(code, _revert(each, say))
    return Result(code, tuple(each.result() for each in runs))


def _planned(runs: list[_Run]) -> Result:
    for each in runs:
        each.status = Status.PLANNED if each.has_changes else Status.UNCHANGED
    return Result(ExitCode.LIVE, tuple(each.result() for each in runs))


def _carry_out(runs: list[_Run], soak_intervals: int, say: Callable[[str], None]) -> Result:
    due = [each for each in runs if each.has_changes]
    canaries = [each for each in due if each.deployer.target.canary]
    rest = [each for each in due if not each.deployer.target.canary]
    try:
        for wave, intervals in ((canaries, soak_intervals if rest else 1), (rest, 1)):
            for each in wave:
                say(f"{each.deployer.target.name}: deploying {each.release.id[:12]}")
                each.diagnostics += each.deployer.apply()
                if has_errors(each.diagnostics):
                    return _take_back(runs, say)
            for each in wave:
                say(f"{each.deployer.target.name}: watching the first evaluations")
                each.diagnostics += each.deployer.observe(max(1, intervals))
                if has_errors(each.diagnostics):
                    return _take_back(runs, say)
    except KeyboardInterrupt:
        for each in due:
            if each.deployer.touched:
                each.diagnostics.append(_INTERRUPTED)
        return _take_back(runs, say)
    except BaseException:
        _take_back(runs, say)
        raise
    for each in runs:
        try:
            each.diagnostics += each.deployer.commit()
        except KeyboardInterrupt:  # too late: what was intended runs, and the next run writes that down
            each.diagnostics.append(replace(_INTERRUPTED, severity=Severity.WARNING))
        done = Status.WRITTEN if each.deployer.target.kind in MANIFESTS else Status.LIVE
        each.status = done if each.has_changes else Status.UNCHANGED
    return Result(ExitCode.LIVE, tuple(each.result() for each in runs))


def _take_back(runs: list[_Run], say: Callable[[str], None]) -> Result:
    """Reverts what was touched, the last one first."""
    code = ExitCode.REFUSED
    for each in reversed(runs):
        if not each.deployer.touched:
            each.status = Status.REFUSED if has_errors(each.diagnostics) else Status.UNTOUCHED
            continue
        code = max(code, _revert(each, say))
    return Result(code, tuple(each.result() for each in runs))


def _revert(each: _Run, say: Callable[[str], None]) -> ExitCode:
    say(f"{each.deployer.target.name}: rolling back")
    try:
        problems = each.deployer.revert()
    except KeyboardInterrupt:
        problems = (_INTERRUPTED,)
    each.diagnostics += problems
    if has_errors(problems):
        each.status = Status.UNKNOWN
        return ExitCode.UNKNOWN
    each.status = Status.ROLLED_BACK
    return ExitCode.ROLLED_BACK
