"""One Prometheus and its rules folder, taken from what runs to what should run, or back.

The order of the steps is the protocol; what each of them guards against stands beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack

from rulecompiler.deploy import faults, preflight
from rulecompiler.deploy.compare import foreign_changes
from rulecompiler.deploy.history import recorded, taken_over
from rulecompiler.deploy.journal import (
    Journal,
    State,
    clear_journal,
    lock,
    read_journal,
    read_state,
    write_journal,
    write_state,
)
from rulecompiler.deploy.layout import NOTHING, is_prepared
from rulecompiler.deploy.recovery import no_way_back, overtaken_by, unfinished
from rulecompiler.deploy.release import Release
from rulecompiler.deploy.settings import Target
from rulecompiler.deploy.site import Promtool, Seen, Site
from rulecompiler.deploy.target import NO_CHANGE, Consent, Preflight, change_between
from rulecompiler.deploy.watching import watch
from rulecompiler.diagnostics import Diagnostic, has_errors

Diagnostics = tuple[Diagnostic, ...]


class PrometheusTarget:
    """One run of the protocol: `preflight`, then `apply` and `observe`, then `commit` or `revert`."""

    def __init__(self, site: Site, promtool: Promtool, *, oldest_version: tuple[int, int], now: str) -> None:
        """`now` is the time of the deployment for the history, in RFC 3339; nothing is decided by it."""
        self.target: Target = site.target
        self.uncertain = False
        self._site = site
        self._promtool = promtool
        self._layout = site.layout
        self._oldest_version = oldest_version
        self._now = now
        self._stack = ExitStack()
        self._release = Release({})
        self._consent = Consent()
        self._state = State(None, (), {})
        self._journal: Journal | None = None  # of what is on its way, be it this run's or an earlier one's
        self._old: str | None = None
        self._old_files: Mapping[str, bytes] = {}
        self._change = NO_CHANGE
        self._live = NOTHING
        self._seen = Seen((), ())

    @property
    def touched(self) -> bool:
        """Whether something is on its way that `revert` would have to take back."""
        return self._journal is not None

    # --- before anything is touched ---------------------------------------

    def preflight(self, release: Release, consent: Consent, *, dry_run: bool) -> Preflight:
        """Finds out all that can be known beforehand, and stages; after an error nothing has changed."""
        self._release, self._consent = release, consent
        looks = (
            self._judge_contents,
            self._read_disk,
            lambda: _one(unfinished(self._layout.folder)),  # what its end leaves, nobody can tell
            self._ask_server,
            self._compare,
            self._judge,
            self._site.causes,  # of what only a reload would show
        )
        # No folder is made for a server that does not load from it.
        asked_first = () if is_prepared(self._layout.folder) else (self._ask_server,)
        steps = (
            self._judge_contents,
            *asked_first,
            self._take_lock,
            self._read_disk,
            self._read_journal,
            self._ask_server,
            self._recover,
            self._compare,
            self._judge,
            self._settle,
            self._stage,
        )
        found: list[Diagnostic] = []
        for step in looks if dry_run else steps:
            found += step()
            if has_errors(found):
                break
        if has_errors(found) and self._journal is not None and not self.uncertain:
            # An earlier run left its files on their way, which nobody is going to bring to an end now.
            found += self.revert()
        return Preflight(tuple(found), self._change, self._old or "")

    def _judge_contents(self) -> Diagnostics:
        return preflight.contents(self._release, self._consent) or preflight.place(self._layout.folder)

    def _take_lock(self) -> Diagnostics:
        layout = self._layout
        return _one(layout.prepare()) or _one(self._stack.enter_context(lock(layout.folder)))

    def _read_disk(self) -> Diagnostics:
        state = read_state(self._layout.folder)
        if isinstance(state, Diagnostic):
            return (state,)
        self._state = state
        self._site.proofs = state.proofs
        self._layout.claim(self._release.files)
        return self._layout.faults()

    def _read_journal(self) -> Diagnostics:
        journal = read_journal(self._layout.folder)
        if isinstance(journal, Diagnostic):
            return (journal,)
        self._journal = journal
        swept = _one(self._layout.sweep())
        return swept if journal is None else (*swept, faults.interrupted(journal.direction))

    def _ask_server(self) -> Diagnostics:
        fault = self._site.server.wait_ready(self.target.ready_timeout)
        return _one(fault) or preflight.server(self._site, self._release, self._oldest_version)

    def _recover(self) -> Diagnostics:
        """Ends what an earlier run began: done if it runs, taken up if it is this release, else undone."""
        journal, layout = self._journal, self._layout
        if journal is None:
            return ()
        if overtaken_by(layout, journal) or (self._consent.drift and no_way_back(layout, journal)):
            self._journal = None
            return _one(clear_journal(layout.folder))
        new = self._stored(journal.new)
        if journal.direction == "forward" and isinstance(new, Release):
            seen = self._site.look()
            if isinstance(seen, Diagnostic):
                return (seen,)
            if layout.live().files == new.files and self._site.runs(new.files, seen):
                self._old = journal.old
                return self.commit()
            if journal.new == self._release.id:
                return ()
        return self.revert()

    def _compare(self) -> Diagnostics:
        """What lies on disk and what runs: both must be what was deployed last, or somebody else was here."""
        layout, site = self._layout, self._site
        seen = site.look()
        if isinstance(seen, Diagnostic):
            return (seen,)
        self._live, self._seen = layout.live(), seen
        if self._journal is not None:
            old = self._stored(self._journal.old)
            if isinstance(old, Diagnostic):
                return (old,)
            self._old, self._old_files = self._journal.old, old.files
        else:
            self._old, self._old_files = self._live.release, self._live.files
        self._change = change_between(self._old_files, self._release.files)
        if self._consent.drift or self._journal is not None:
            return ()
        return preflight.drift(site, self._live, self._stored(self._old), seen)

    def _judge(self) -> Diagnostics:
        if self._is_live():
            return ()
        site, tool = self._site, self._promtool
        release, seen, consent = self._release, self._seen, self._consent
        found = preflight.judge(site, tool, release, self._old_files, seen, consent)
        if has_errors(found) or not consent.drift or self._journal is not None:
            return found
        return (*found, *preflight.baseline(site, tool, release, self._live.files, seen, consent))

    def _settle(self) -> Diagnostics:
        """The files that are there now, loaded once more: that this works is what a rollback rests on."""
        if self._journal is not None or self._is_live():
            return ()
        if self._live.edited or isinstance(self._stored(self._old), Diagnostic):
            adopted = self._layout.adopt()
            if isinstance(adopted, Diagnostic):
                return (adopted,)
            self._old, self._old_files = adopted, self._layout.live().files
            self._state = taken_over(self._state, self._layout, adopted, self._now)
        if not self.target.reload and not self._change.is_empty:
            return ()  # whoever reloads the server does so once the files have changed
        seen = self._site.bring(self._old_files)
        if not isinstance(seen, Seen):
            if not self.target.reload:
                return seen
            if self._layout.live().release != self._old:
                return (faults.other_deployment(self._layout.folder),)
            now = self._site.look()
            if isinstance(now, Diagnostic) or not self._site.runs(self._old_files, now):
                # Loading what was there has changed what runs: to be put right, now or by the next run.
                self._journal = Journal(self._old, self._old, "back")
            return seen
        self._seen = seen
        return ()

    def _stage(self) -> Diagnostics:
        return () if self._is_live() else _one(self._layout.stage(self._release))

    def _is_live(self) -> bool:
        """Whether there is nothing to do at all."""
        same = self._live.files == self._release.files and not self._live.edited
        return same and self._site.runs(self._release.files, self._seen)

    def _stored(self, release: str | None) -> Release | Diagnostic:
        return Release({}) if release is None else self._layout.load(release)

    # --- the change itself ---------------------------------------------------

    def apply(self) -> Diagnostics:
        """Switches the files, makes the server load them and compares what runs."""
        layout, new = self._layout, self._release.id
        live = layout.live()
        # An earlier run may have moved all files in, and come no further.
        arrived = live.files == self._release.files
        earlier = self._journal
        if earlier is None and (live.release != self._old or read_journal(layout.folder) is not None):
            return (faults.other_deployment(self._layout.folder),)  # from a host that does not see the lock
        journal = Journal(self._old, new, "forward")
        fault = write_journal(layout.folder, journal)
        if fault is not None:
            return (fault,)
        self._journal = journal  # before the first file moves: an interrupt may come in the middle
        switched = layout.switch(live.release if arrived else self._old, new)
        if switched.fault is not None:
            if switched.moved == "none" and earlier is None and not arrived:
                self._journal = None
                return (switched.fault, *_one(clear_journal(layout.folder)))
            return (switched.fault,)
        seen = self._site.bring(self._release.files, self._old_files)
        if not isinstance(seen, Seen):
            return seen
        changed = foreign_changes(self._seen.foreign, seen.foreign)
        return (faults.foreign_changed(changed),) if changed else ()

    def observe(self, intervals: int) -> Diagnostics:
        """Watches the changed groups for so many evaluations; rules that fail now and did not before."""
        found = watch(self._site, self._seen.ours, {*self._change.added, *self._change.changed}, intervals)
        if has_errors(found):
            return found
        seen = self._site.look()  # others may have reloaded or written meanwhile
        if isinstance(seen, Diagnostic):
            return (*found, seen)
        return (*found, *self._site.differences(self._release.files, seen))

    # --- its end: for good, or back ------------------------------------------

    def commit(self) -> Diagnostics:
        """Remembers what runs, and forgets the way back and the oldest releases."""
        layout, state = self._layout, self._state
        live = layout.live().release
        ran = self._release if live in (None, self._release.id) else self._stored(live)  # an earlier run's
        commit = ran.commit if isinstance(ran, Release) else ""
        history, keep = recorded(state, layout.stored(), live, self._now, commit, self.target.keep)
        new = State(live, history, self._site.proofs)
        fault = write_state(layout.folder, new) if new != state else None
        if fault is None:
            self._state = new
            fault = clear_journal(layout.folder) if self._journal is not None else None
        self._journal = None
        # What runs is what should; that it is not written down is put right by the next run.
        return tuple(faults.afterwards(found) for found in (fault, layout.prune(keep)) if found is not None)

    def revert(self) -> Diagnostics:
        """Puts back what was there and makes the server load it; errors if it cannot be seen to run."""
        assert self._journal is not None, "nothing is on its way"
        self.uncertain = True
        problems = self._go_back(self._journal)
        if not has_errors(problems):
            self._journal = None
            self.uncertain = False
        return problems

    def _go_back(self, journal: Journal) -> Diagnostics:
        layout, site = self._layout, self._site
        old = self._stored(journal.old)
        if isinstance(old, Diagnostic):
            return (old,)
        if overtaken_by(layout, journal):
            return (faults.other_deployment(layout.folder),)
        fault = write_journal(layout.folder, journal._replace(direction="back"))
        # Where there is no room for a journal, the way back is open all the same.
        problems = [faults.afterwards(fault)] if fault is not None else []
        live = layout.live()
        ours = live.release in journal[:2]  # or somebody else's, which the switch refuses to replace
        switched = layout.switch(live.release if ours else journal.new, journal.old)
        if switched.fault is not None:
            return (*problems, switched.fault)
        fault = site.server.wait_ready(self.target.ready_timeout)
        if fault is not None:
            return (*problems, fault)
        seen = site.bring(old.files)
        if not isinstance(seen, Seen):
            return (*problems, *seen)
        return (*problems, *_one(clear_journal(layout.folder)))

    def close(self) -> None:
        """Gives the lock and the connection back."""
        self._stack.close()
        self._site.server.close()


def _one(fault: Diagnostic | None) -> Diagnostics:
    return () if fault is None else (fault,)
