"""What the commands that talk to servers share: the targets, the run, and how it ends."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

import click

from rulecompiler.cli.output import here, repo_root

if TYPE_CHECKING:
    from rulecompiler.deploy.reading_settings import Refused
    from rulecompiler.deploy.release import Release
    from rulecompiler.deploy.settings import DeploySettings, Target
    from rulecompiler.deploy.target import Consent
    from rulecompiler.deploy.transaction import Result
    from rulecompiler.diagnostics import Diagnostic
    from rulecompiler.settings import Settings

UNKNOWN = 4  # also for a bug of ours: nobody may take that for "rolled back"


class Place:
    """Where a command works: the repo or the working directory, its settings, and the chosen targets."""

    def __init__(
        self,
        root: Path,
        settings: Settings,
        deploy: DeploySettings,
        targets: tuple[Target, ...],
        warnings: tuple[Diagnostic, ...],
    ) -> None:
        self.root = root
        self.warnings = warnings  # about the settings
        self.settings = settings
        self.deploy = deploy
        self.targets = targets
        self.texts: Mapping[str, str] = {}  # of files that diagnostics are about

    def unasked(self, reason: str) -> str:
        """Lines about the chosen targets that a command has nothing to do with."""
        others = [target for target in self.targets if target.kind != "prometheus"]
        return "".join(f"{target.name}: of kind {target.kind}, {reason}\n" for target in others)


Releases = Callable[[Place], tuple[Mapping[str, "Release"], tuple["Diagnostic", ...]]]
"""The release of each target, by its name, and what speaks against them."""


def find_place(names: tuple[str, ...], *, needs_repo: bool) -> Place | Refused:
    """The targets that were asked for, all if none were; the faults of the settings otherwise.

    A name that no target has is wrong usage.
    """
    from rulecompiler.deploy.reading_settings import Refused, read_settings
    from rulecompiler.inputs import find_root

    root = repo_root() if needs_repo else find_root(here()) or here()
    found = read_settings(root, os.environ)
    if isinstance(found, Refused):
        return found
    known = {target.name: target for target in found.deploy.targets}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise click.UsageError(f"there is no target {unknown[0]!r}; there are: {', '.join(known)}")
    targets = tuple(known[name] for name in dict.fromkeys(names)) if names else found.deploy.targets
    place = Place(root, found.settings, found.deploy, targets, found.diagnostics)
    place.texts = found.texts
    return place


def carry_out(
    releases: Releases,
    names: tuple[str, ...],
    consent: Consent,
    *,
    dry_run: bool,
    fmt: str,
    needs_repo: bool,
) -> int:
    """Takes the chosen targets to their releases and reports how it went; the exit code of deploy.

    A bug of ours ends with 4, as nobody can say then what runs.
    """
    from rulecompiler.cli.errors import report_bug

    try:
        with _interruptible():
            return _carry_out(releases, names, consent, dry_run=dry_run, fmt=fmt, needs_repo=needs_repo)
    except (click.ClickException, BrokenPipeError):
        raise
    except Exception as error:
        report_bug(error)
        return UNKNOWN


def _carry_out(
    releases: Releases,
    names: tuple[str, ...],
    consent: Consent,
    *,
    dry_run: bool,
    fmt: str,
    needs_repo: bool,
) -> int:
    from rulecompiler.cli.deploy_report import report_faults, report_result
    from rulecompiler.deploy import transaction
    from rulecompiler.deploy.opening import deployers
    from rulecompiler.diagnostics import Diagnostic, has_errors

    place = find_place(names, needs_repo=needs_repo)
    if not isinstance(place, Place):
        return report_faults(place.diagnostics, fmt, place.texts)
    shares, faults = releases(place)
    faults = (*place.warnings, *faults)
    if has_errors(faults):
        _record_refusal(place, dry_run)
        return report_faults(faults, fmt, place.texts)
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    opened = deployers(place.targets, place.root, place.settings, os.environ, now=now)
    if isinstance(opened, Diagnostic):
        _record_refusal(place, dry_run)
        return report_faults((*faults, opened), fmt, place.texts)
    result = transaction.run(
        [(each, shares[each.target.name]) for each in opened],
        consent,
        soak_intervals=place.deploy.soak_intervals,
        dry_run=dry_run,
        say=_say,
    )
    problems = () if dry_run else _record(place, result)
    report_result(result, (*faults, *problems), fmt, place.texts, dry_run=dry_run)
    return int(result.exit_code)


def _record(place: Place, result: Result) -> tuple[Diagnostic, ...]:
    from rulecompiler.deploy.transaction import Status
    from rulecompiler.self_metrics import record_deploy

    problems: list[Diagnostic] = []
    for target in result.targets:
        if target.status is Status.UNTOUCHED:
            continue  # another one's failure is not its own
        problems += record_deploy(
            place.settings,
            os.environ,
            target.name,
            success=target.status in (Status.LIVE, Status.WRITTEN, Status.UNCHANGED),
            release=target.release,
            rolled_back=target.status is Status.ROLLED_BACK,
            now=time.time(),
            known=_names(place),
        )
    return tuple(dict.fromkeys(problems))


def _record_refusal(place: Place, dry_run: bool) -> None:
    """A deployment that did not even begin has failed as well."""
    from rulecompiler.self_metrics import record_deploy

    for target in () if dry_run else place.targets:
        record_deploy(
            place.settings,
            os.environ,
            target.name,
            success=False,
            release="",
            rolled_back=False,
            now=time.time(),
            known=_names(place),
        )


def _names(place: Place) -> tuple[str, ...]:
    """All targets that there are, chosen or not: what is known of others is forgotten."""
    return tuple(target.name for target in place.deploy.targets)


def _say(text: str) -> None:
    """One step, for whoever waits for it; stderr, so that no format is disturbed."""
    if sys.stderr is not None and sys.stderr.isatty():
        click.echo(text, err=True)


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """A polite request to end (SIGTERM, as CI sends it) is an interrupt: what was touched goes back."""

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    numbers = (signal.SIGTERM, signal.SIGHUP)
    # What is ignored stays so: that is what nohup is for.
    heard = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, interrupt) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
