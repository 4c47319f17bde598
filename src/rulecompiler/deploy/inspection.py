"""What a server is like, and how the repo, the disk and the server differ; nothing is changed by looking."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from rulecompiler.deploy import disk_faults
from rulecompiler.deploy.journal import lock, read_state
from rulecompiler.deploy.layout import Live
from rulecompiler.deploy.recovery import unfinished
from rulecompiler.deploy.release import Release
from rulecompiler.deploy.settings import TargetKind
from rulecompiler.deploy.site import Seen, Site
from rulecompiler.deploy.target import Change, Consent, Deployer, change_between
from rulecompiler.diagnostics import Diagnostic, Severity, has_errors

_CONSENT_TO_ALL = Consent(alert_reset=True, empty=True, drift=True)


class Status(NamedTuple):
    """One server and what it runs of ours. None where that could not be found out."""

    target: str
    url: str
    reachable: bool
    ready: bool
    healthy: bool
    version: str | None
    last_reload_successful: bool | None
    last_reload_timestamp: float | None  # seconds since 1970, by the server's clock
    release: str | None  # what the disk says
    deployed_at: str | None
    edited: tuple[str, ...]  # files that are not as they were deployed
    in_sync: bool | None  # whether exactly the files on disk run
    groups: int | None
    rules: int | None
    failing: int | None  # rules that cannot be evaluated
    pending: int | None  # alerts
    firing: int | None
    diagnostics: tuple[Diagnostic, ...]

    @property
    def good(self) -> bool:
        """Whether there is nothing to do."""
        well = self.ready and self.healthy and self.in_sync and not self.edited
        return bool(well and self.last_reload_successful is not False and not has_errors(self.diagnostics))


class Drift(NamedTuple):
    """Three ways of saying what the rules are, compared. None where that could not be found out."""

    target: str
    kind: TargetKind
    repo: str  # release ids
    disk: str | None
    edited: tuple[str, ...]  # files that are not as they were deployed
    undeployed: Change  # from the disk to the repo
    running: bool | None  # whether exactly the files on disk run; of other kinds, whether all could be seen
    diagnostics: tuple[Diagnostic, ...]

    @property
    def found(self) -> bool | None:
        """Whether there is any; None if it cannot be told."""
        if self.edited or not self.undeployed.is_empty or self.running is False:
            return True
        return None if self.running is None else False


def status(site: Site) -> Status:
    """Asks the server, and compares what it runs with what is on disk."""
    server, layout = site.server, site.layout
    readiness = server.readiness()
    reached = readiness.state in ("ready", "starting")
    known = read_state(layout.folder)
    live = layout.live()
    release = live.release
    at = None
    found = list(layout.faults())
    if isinstance(known, Diagnostic):
        found.append(known)
    else:
        site.proofs = known.proofs
        halfway = unfinished(layout.folder)
        if halfway is not None:
            found.append(_at_work(layout.folder) or halfway)
        at = next((entry.at for entry in known.history if entry.release == release), None)
    version = server.version() if reached else None
    reload = server.reload_state() if reached else None
    seen = _seen(site) if reached else None
    if readiness.fault is not None:
        found.append(readiness.fault)
    in_sync = None
    if isinstance(seen, Seen):
        differences = site.differences(live.files, seen)
        in_sync = not differences
        found += differences
    elif seen is not None:
        found.append(seen)
    found += _edited(site, live)
    rules = [rule for group in seen.ours for rule in group.rules] if isinstance(seen, Seen) else None
    alerts = [alert.state for rule in rules or () for alert in rule.active]
    return Status(
        site.target.name,
        server.url,
        reached,
        readiness.state == "ready",
        reached and server.healthy(),
        version if isinstance(version, str) else None,
        reload.successful if reload else None,
        reload.success_timestamp if reload else None,
        release,
        at,
        live.edited,
        in_sync,
        len(seen.ours) if isinstance(seen, Seen) else None,
        None if rules is None else len(rules),
        None if rules is None else sum(rule.health == "err" for rule in rules),
        None if rules is None else alerts.count("pending"),
        None if rules is None else alerts.count("firing"),
        tuple(dict.fromkeys(found)),
    )


def _at_work(folder: Path) -> Diagnostic | None:
    """Whether a deployment is half way because it is running (RC844), and not because it was killed."""
    with lock(folder) as taken:
        return taken if taken is not None and taken.code == "RC844" else None


def drift(site: Site, release: Release) -> Drift:
    """What runs, what is on disk and what the repo says."""
    layout = site.layout
    known = read_state(layout.folder)
    if not isinstance(known, Diagnostic):
        site.proofs = known.proofs
    layout.claim(release.files)
    found: list[Diagnostic] = list(layout.faults())
    live = layout.live()
    seen = _seen(site)
    running = None
    if isinstance(seen, Seen):
        differences = site.differences(live.files, seen)
        running = not differences
        found += differences
    else:
        found.append(seen)
    found += _edited(site, live)
    return Drift(
        site.target.name,
        site.target.kind,
        release.id,
        live.release,
        live.edited,
        change_between(live.files, release.files),
        running,
        tuple(found),
    )


def drift_elsewhere(deployer: Deployer, release: Release) -> Drift:
    """The same of a target without a rules folder: what a deployment would change there."""
    target = deployer.target
    try:
        found = deployer.preflight(release, _CONSENT_TO_ALL, dry_run=True)
    finally:
        deployer.close()
    errors = tuple(each for each in found.diagnostics if each.severity is Severity.ERROR)
    return Drift(
        target.name, target.kind, release.id, None, (), found.change, None if errors else True, errors
    )


def _edited(site: Site, live: Live) -> list[Diagnostic]:
    return [disk_faults.edited(site.layout.folder, live.edited)] if live.edited else []


def _seen(site: Site) -> Seen | Diagnostic:
    readiness = site.server.readiness()
    return readiness.fault if readiness.fault is not None else site.look()
