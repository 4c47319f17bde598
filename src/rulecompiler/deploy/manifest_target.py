"""A folder of Kubernetes manifests, taken from what it holds to what it should hold, or back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rulecompiler.deploy import disk_faults, faults, manifest_faults, ruler_faults
from rulecompiler.deploy.disk import Folder, make_folder
from rulecompiler.deploy.manifest_text import marker
from rulecompiler.deploy.manifests import groups_in, manifests
from rulecompiler.deploy.release import Release
from rulecompiler.deploy.rule_groups import Group, moved_alerts
from rulecompiler.deploy.settings import Target
from rulecompiler.deploy.target import NO_CHANGE, Consent, Preflight, change_between
from rulecompiler.diagnostics import Diagnostic, has_errors

Diagnostics = tuple[Diagnostic, ...]

# No tool that reads manifests takes these for one.
_STAGED = ".rulecompiler.{}.tmp"


class ManifestTarget:
    """A Deployer of the kinds `prometheusrule` and `configmap`.

    It owns the files that begin with its marker, and touches no others. The cluster is not asked.
    """

    uncertain = False

    def __init__(self, target: Target, root: Path = Path()) -> None:
        """The target's path is taken from `root`, the repo's."""
        self.target = target
        self.touched = False
        self._path = root / target.path
        self._marker = marker(target.name).encode()
        self._wanted: Mapping[str, bytes] = {}
        self._before: Mapping[str, bytes] = {}
        self._change = NO_CHANGE

    def preflight(self, release: Release, consent: Consent, *, dry_run: bool) -> Preflight:
        """Makes the manifests, and compares them with the folder's."""
        made = manifests(release, self.target)
        problems = list(made.diagnostics)
        if not has_errors(made.diagnostics) and not made.files and not consent.empty:
            problems.append(faults.empty())
        found = self._read()
        if isinstance(found, Diagnostic):
            problems.append(found)
        if has_errors(problems) or isinstance(found, Diagnostic):
            return Preflight(tuple(problems), self._change, "")
        ours, others = found
        self._wanted = {name: text.encode() for name, text in made.files.items()}
        self._before = ours
        taken = sorted(others & self._wanted.keys())
        problems += [disk_faults.in_the_way(f"{self._path}/{name}") for name in taken]
        self._change = change_between(ours, self._wanted)
        moved = [] if self._change.is_empty else moved_alerts(_groups(ours), _groups(self._wanted))
        if moved:
            problems.append(ruler_faults.alerts_unknown(moved, consented=consent.alert_reset))
        live = release.id if self._change.is_empty else ""
        return Preflight(tuple(problems), self._change, live)

    def apply(self) -> Diagnostics:
        """Writes what is new or changed, then takes away what is gone."""
        found = self._read()
        if isinstance(found, Diagnostic):
            return (found,)
        if found[0] != self._before:
            return (ruler_faults.changed_meanwhile(f"the manifests in `{self._path}`"),)
        return self._make(self._wanted)

    def observe(self, intervals: int) -> Diagnostics:
        """Nothing: no server is asked."""
        return ()

    def revert(self) -> Diagnostics:
        """Every file of ours as it was."""
        problems = self._make(self._before)
        self.touched = has_errors(problems)
        return problems

    def commit(self) -> Diagnostics:
        """Says what is left to do (RC888)."""
        self.touched = False
        added, changed, removed, _ = self._change
        written = len(added) + len(changed)
        if not written and not removed:
            return ()
        return (manifest_faults.not_applied(self._path, self.target, written, removed),)

    def close(self) -> None:
        """Nothing is held."""

    def _make(self, wanted: Mapping[str, bytes]) -> Diagnostics:
        """Makes the folder hold these files of ours; all are staged before the first one is replaced."""
        try:
            if wanted:
                make_folder(self._path)
            found = self._read()
            if isinstance(found, Diagnostic):
                return (found,)
            change = change_between(found[0], wanted)
            if change.is_empty:
                return ()
            added, changed, removed, _ = change
            staged = {_STAGED.format(name): wanted[name] for name in (*changed, *added)}
            with Folder.at(self._path) as folder:
                try:
                    for name in staged:
                        folder.clear(name)
                    folder.create_all(staged)
                    self.touched = True
                    for name in (*changed, *added):
                        folder.move(_STAGED.format(name), folder, name)
                    for name in removed:
                        folder.remove(name)
                    folder.sync()
                finally:
                    for name in staged:
                        folder.remove(name)
        except OSError as error:
            return (disk_faults.not_switched(self._path, error),)
        return ()

    def _read(self) -> tuple[Mapping[str, bytes], frozenset[str]] | Diagnostic:
        """The files of ours, and the names that others have."""
        ours: dict[str, bytes] = {}
        others: set[str] = set()
        try:
            with Folder.at(self._path) as folder:
                for name, kind in folder.kinds().items():
                    is_ours = name.endswith(".yaml") and kind == "file"
                    if is_ours and folder.read(name, len(self._marker)) == self._marker:
                        ours[name] = folder.read(name)
                    else:
                        others.add(name)
        except FileNotFoundError:
            return {}, frozenset()
        except OSError as error:
            return disk_faults.unreadable(self._path, error)
        return ours, frozenset(others)


def _groups(files: Mapping[str, bytes]) -> list[Group]:
    return [group for data in files.values() for group in groups_in(data.decode("utf-8", "replace"))]
