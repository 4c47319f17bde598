"""What speaks against a deployment before anything is touched."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rulecompiler.deploy import disk_faults, faults
from rulecompiler.deploy.alert_state import LostAlert, resets
from rulecompiler.deploy.globs import on_disk, special, unmatched
from rulecompiler.deploy.intended import read_files
from rulecompiler.deploy.layout import CURRENT, RELEASES, Live, bad_names, is_prepared
from rulecompiler.deploy.release import Release
from rulecompiler.deploy.server_faults import lifecycle_is_off
from rulecompiler.deploy.site import Promtool, Seen, Site
from rulecompiler.deploy.target import Consent
from rulecompiler.diagnostics import Diagnostic

Diagnostics = tuple[Diagnostic, ...]


def contents(release: Release, consent: Consent) -> Diagnostics:
    """The release by itself: names, and whether there is anything in it."""
    bad = bad_names(release)
    if bad is not None:
        return (bad,)
    if not release.files and not consent.empty:
        return (faults.empty(),)
    return ()


def place(folder: Path) -> Diagnostics:
    """Refuses a folder inside of a rules folder, such as the one that `current` leads to."""
    within = folder.name in (CURRENT, RELEASES) and is_prepared(folder.parent)
    return (disk_faults.inside(folder),) if within else ()


def server(site: Site, release: Release, oldest: tuple[int, int]) -> Diagnostics:
    """Whether the server is one that can load the release, and would find it."""
    version = site.server.version()
    if isinstance(version, Diagnostic):
        return (version,)
    if _numbers(version) < oldest:
        return (faults.server_too_old(version, ".".join(map(str, oldest))),)
    patterns = site.server.rule_patterns()
    if isinstance(patterns, Diagnostic):
        return (patterns,)
    if site.target.reload and not site.target.pid_file and site.server.lifecycle() is False:
        return (lifecycle_is_off(site.server.url),)
    missing = unmatched(patterns, [site.layout.server_file(name) for name in sorted(release.files)])
    if missing:
        return (faults.not_loaded(site.layout.pattern, missing, patterns),)
    found = special(on_disk(patterns, site.target))
    return tuple(disk_faults.special(str(path), kind) for path, kind in found)


def drift(site: Site, live: Live, stored: Release | Diagnostic, seen: Seen) -> Diagnostics:
    """How what runs, or lies on disk, differs from what was deployed; also if that could not be put back."""
    if live.edited:
        return (disk_faults.edited(site.layout.folder, live.edited),)
    found = site.differences(live.files, seen)
    if found:
        return (faults.drifted(), *found)
    return (faults.no_way_back(stored),) if isinstance(stored, Diagnostic) else ()


def judge(
    site: Site,
    promtool: Promtool,
    release: Release,
    old: Mapping[str, bytes],
    seen: Seen,
    consent: Consent,
) -> Diagnostics:
    """What only the contents tell: too large, refused by promtool, or a reset of alerts."""
    new = {name: data for name, data in release.files.items() if old.get(name) != data}
    # The server runs what the other files say, which was compared: they can neither be at fault nor
    # reset an alert. After a drift that is not known.
    changed = release.files if consent.drift else new
    kept = release.files.keys() - changed.keys()
    groups, problems = read_files(changed)
    if problems:
        return problems
    found = [
        faults.too_many_rules(group.file, group.name, len(group.rules), site.target)
        for group in groups
        if len(group.rules) > site.target.max_rules_per_group
    ]
    if not groups and not any(group.file in kept for group in seen.ours) and not consent.empty:
        found.append(faults.empty())
    elif old and not old.keys() & release.files.keys() and not consent.empty:
        found.append(faults.nothing_stays(len(old)))
    if found:
        return tuple(found)
    complaints = promtool.complaints({name: data.decode() for name, data in new.items()})
    if isinstance(complaints, Diagnostic):
        return (complaints,)
    found += [faults.refused_by_promtool(c.file_name, c.message) for c in complaints]
    found += _versions(site, promtool)
    lost = resets([group for group in seen.ours if group.file not in kept], groups, site.same)
    if lost.start_over and not consent.alert_reset:
        found.append(faults.starts_over(lost.start_over))
    if lost.end:
        found.append(faults.ends(lost.end))
    return tuple(found)


def baseline(
    site: Site,
    promtool: Promtool,
    release: Release,
    live: Mapping[str, bytes],
    seen: Seen,
    consent: Consent,
) -> Diagnostics:
    """What speaks against loading the files that lie there, which somebody changed since they were loaded.

    They are loaded before the release, as a rollback would load them: that has to work, and an alert that the
    release keeps must not be lost between the two.
    """
    if site.runs(live, seen):
        return ()
    complaints = promtool.complaints({name: data.decode("utf-8", "replace") for name, data in live.items()})
    if isinstance(complaints, Diagnostic):
        return (complaints,)
    if complaints:
        return tuple(faults.found_refused(c.file_name, c.message) for c in complaints)
    between, problems = read_files(live)
    if problems:
        return problems
    if consent.alert_reset:
        return ()
    groups, _ = read_files(release.files)
    at_last, first = resets(seen.ours, groups, site.same), resets(seen.ours, between, site.same)
    gone = {_identity(alert) for alert in (*at_last.start_over, *at_last.end)}
    lost = [alert for alert in (*first.start_over, *first.end) if _identity(alert) not in gone]
    return (faults.lost_between(lost),) if lost else ()


def _identity(alert: LostAlert) -> tuple[object, ...]:
    return alert.file, alert.group, alert.rule, frozenset(alert.labels.items())


def _versions(site: Site, promtool: Promtool) -> Diagnostics:
    tool, version = promtool.version(), site.server.version()
    if isinstance(tool, Diagnostic):
        return (tool,)
    if isinstance(version, Diagnostic):
        return (version,)
    return (faults.promtool_older(tool, version),) if _numbers(tool) < _numbers(version) else ()


def _numbers(version: str) -> tuple[int, int]:
    major, minor = version.split(".")[:2]
    return int(major), int(minor)
