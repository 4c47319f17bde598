"""What is left of a run that did not come to its end: whether its journal still says what to do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rulecompiler.deploy import faults
from rulecompiler.deploy.journal import Journal, read_journal
from rulecompiler.deploy.layout import Layout
from rulecompiler.deploy.release import Release
from rulecompiler.diagnostics import Diagnostic


def unfinished(folder: Path) -> Diagnostic | None:
    """What speaks against all but a deployment: an interrupted one comes first (also RC843, RC846)."""
    journal = read_journal(folder)
    return faults.unfinished() if isinstance(journal, Journal) else journal


def overtaken_by(layout: Layout, journal: Journal) -> str | None:
    """The release that somebody else has made live since, from a host that does not see the lock."""
    live = layout.live()
    return live.release if not live.edited and live.release not in (None, journal.old, journal.new) else None


def no_way_back(layout: Layout, journal: Journal) -> bool:
    """Whether somebody changed what the journal would go back to, or what it would go back from."""
    old = _files(layout, journal.old)
    if old is None:
        return True
    live, new = layout.live(), _files(layout, journal.new) or {}
    if live.edited and live.release == journal.old and not live.moving:
        return True  # also where what is gone would be so in the other release too
    if live.release not in (None, journal.old, journal.new):
        return True
    found = live.files
    return any(found.get(name) not in (old.get(name), new.get(name)) for name in {*found, *old, *new})


def _files(layout: Layout, release: str | None) -> Mapping[str, bytes] | None:
    stored = Release({}) if release is None else layout.load(release)
    return None if isinstance(stored, Diagnostic) else stored.files
