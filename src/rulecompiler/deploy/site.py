"""One Prometheus together with its rules folder: what runs there, and how to make it run something."""

from __future__ import annotations

import posixpath
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from rulecompiler import promtool
from rulecompiler.deploy import faults
from rulecompiler.deploy.globs import on_disk, text_of
from rulecompiler.deploy.layout import Layout
from rulecompiler.deploy.reloading import Reloaded, barrier, reload
from rulecompiler.deploy.running import RunningGroup
from rulecompiler.deploy.server import Server
from rulecompiler.deploy.settings import Target
from rulecompiler.deploy.verifying import describe, same_query, verify
from rulecompiler.diagnostics import Diagnostic
from rulecompiler.promtool_output import Complaint

_POLL_SECONDS = 0.5
_NOTHING: Mapping[str, bytes] = {}


class Promtool(NamedTuple):
    """The promtool to ask, and how long one run of it may take."""

    path: Path
    timeout_seconds: float

    def complaints(self, files: Mapping[str, str]) -> tuple[Complaint, ...] | Diagnostic:
        """What it holds against rule files."""
        return promtool.check_rules(self.path, files, self.timeout_seconds)

    def version(self) -> str | Diagnostic:
        """Such as `2.42.0`."""
        return promtool.version(self.path)


class Seen(NamedTuple):
    """What runs: our groups, with plain file names, and everybody else's."""

    ours: tuple[RunningGroup, ...]
    foreign: tuple[RunningGroup, ...]


class Site:
    """A server and its folder. `proofs` remembers which file was seen to run as what."""

    def __init__(self, target: Target, layout: Layout, server: Server, promtool: Promtool | None) -> None:
        self.target = target
        self.promtool = promtool
        self.layout = layout
        self.server = server
        self.proofs: Mapping[str, str] = {}
        self.same = same_query(server.canonical)

    def look(self) -> Seen | Diagnostic:
        """What runs now."""
        groups = self.server.groups()
        if isinstance(groups, Diagnostic):
            return groups
        ours: list[RunningGroup] = []
        foreign: list[RunningGroup] = []
        for group in groups:
            name = self.layout.owned(group.file)
            if name is None:
                foreign.append(group)
            else:
                ours.append(group._replace(file=name))
        return Seen(tuple(ours), tuple(foreign))

    def runs(self, files: Mapping[str, bytes], seen: Seen) -> bool:
        """Whether exactly these files run."""
        return not self.differences(files, seen)

    def differences(self, files: Mapping[str, bytes], seen: Seen) -> tuple[Diagnostic, ...]:
        """Between what these files say and what runs, in words; nothing if exactly they run."""
        verified = verify(files, seen.ours, self.proofs, self.same)
        if verified.exact:
            self.proofs = verified.proofs
        return (*verified.faults, *describe(verified.differences))

    def bring(
        self, files: Mapping[str, bytes], before: Mapping[str, bytes] = _NOTHING
    ) -> Seen | tuple[Diagnostic, ...]:
        """Makes the server read its folder, which holds these files, until exactly they run; else why not.

        `before` is what the folder held earlier, by which a stale mount is known.
        """
        if not self.target.reload:
            return self._wait_for(files)
        # Twice: somebody else's reload may have read the folder while it changed, and come out last.
        for _ in range(2):
            refused = self._reload()
            if refused:
                return refused
            seen = self.look()
            if isinstance(seen, Diagnostic):
                return (seen,)
            found = self.differences(files, seen)
            if not found:
                return seen
            why = self._why(files, before, seen)
        return (*why, *found)

    def _reload(self) -> tuple[Diagnostic, ...]:
        """Tells the server to reload and waits until that is over; nothing if it says that it did."""
        target = self.target
        state = self.server.reload_state()
        told = reload(self.server, target.reload_timeout, target.pid_file)
        if told.kind == "unknown":
            # It may still be at it, or have died of it. Reloads are served one after the other, so
            # the answer to a second one says that the first is over.
            fault = self.server.wait_ready(target.ready_timeout)
            if fault is not None:
                return (fault,)
            told = barrier(self.server, target.reload_timeout, target.pid_file)
        if told.kind != "done":
            return self._refused(told)
        after = self.server.reload_state()
        if state is not None and after is not None and after.success_timestamp == state.success_timestamp:
            return (faults.did_not_reload(),)
        return ()

    def _refused(self, told: Reloaded) -> tuple[Diagnostic, ...]:
        assert told.fault is not None, told.kind
        return (told.fault, *self.causes()) if told.kind == "rejected" else (told.fault,)

    def causes(self) -> tuple[Diagnostic, ...]:
        """What promtool holds against the files under the server's globs: the server names no cause."""
        patterns = self.server.rule_patterns()
        if isinstance(patterns, Diagnostic) or self.promtool is None:
            return ()
        paths = list(on_disk(patterns, self.target))
        texts = {f"{number}.yml": text_of(path) for number, path in enumerate(paths)}
        found = self.promtool.complaints({name: text for name, text in texts.items() if text is not None})
        if isinstance(found, Diagnostic):
            return ()
        return tuple(self._cause(paths[int(c.file_name.partition(".")[0])], c.message) for c in found)

    def _cause(self, path: Path, message: str) -> Diagnostic:
        here, there = self.target.path, self.target.server_path or self.target.path
        seen = posixpath.join(there, path.relative_to(here)) if path.is_relative_to(here) else str(path)
        own = self.layout.owned(seen)
        if own is None:
            return faults.foreign_refused(str(path), message)
        return faults.refused_by_promtool(own, message)

    def _wait_for(self, files: Mapping[str, bytes]) -> Seen | tuple[Diagnostic, ...]:
        """Until somebody else made the server reload."""
        deadline = time.monotonic() + self.target.reload_timeout
        while True:
            seen = self.look()
            if isinstance(seen, Seen) and self.runs(files, seen):
                return seen
            if time.monotonic() >= deadline:
                fault = faults.nobody_reloaded(self.target.reload_timeout)
                return (fault,) if isinstance(seen, Seen) else (fault, seen)
            time.sleep(_POLL_SECONDS)

    def _why(
        self, files: Mapping[str, bytes], before: Mapping[str, bytes], seen: Seen
    ) -> tuple[Diagnostic, ...]:
        """The reason that the differences as a whole suggest, if any."""
        if files and not seen.ours:
            return (faults.nothing_runs(self.layout.pattern),)
        if before and self.runs(before, seen):
            return (faults.stale_mount(self.layout.pattern),)
        return ()
