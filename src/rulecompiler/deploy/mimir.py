"""One namespace of a ruler of Grafana Mimir or Cortex, taken from the groups it has to those it should have.

The API knows no transaction: each group is a request. So the order is chosen (what is new or changed
first, what goes last), a rerun writes only what still differs, and nothing counts before it was read back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping

from rulecompiler import promql
from rulecompiler.deploy import faults, ruler_faults
from rulecompiler.deploy.alert_state import resets
from rulecompiler.deploy.compare import new_errors
from rulecompiler.deploy.intended import as_intended, read_files
from rulecompiler.deploy.release import Release
from rulecompiler.deploy.rule_groups import Group, differences, moved_alerts, read_groups, too_large
from rulecompiler.deploy.ruler_api import RulerApi, is_usable
from rulecompiler.deploy.running import RunningGroup
from rulecompiler.deploy.settings import Target
from rulecompiler.deploy.target import NO_CHANGE, Change, Consent, Preflight
from rulecompiler.diagnostics import Diagnostic, has_errors

Diagnostics = tuple[Diagnostic, ...]
Groups = Mapping[str, Group]

_POLL_SECONDS = 1.0
_READINGS = 3  # of what was written, where the store behind the ruler takes a moment


class MimirTarget:
    """A Deployer of the kind `mimir`. The namespace is owned by its name; no other is ever touched."""

    uncertain = False

    def __init__(
        self,
        target: Target,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.target = target
        self._sleep = sleep
        self._clock = clock
        self._api: RulerApi | None = None
        self._wanted: Groups = {}
        self._before: Groups = {}
        self._change = NO_CHANGE
        self._ran: tuple[RunningGroup, ...] | None = None
        self._touched: set[str] = set()

    @property
    def touched(self) -> bool:
        """Whether a group was written or deleted."""
        return bool(self._touched)

    def preflight(self, release: Release, consent: Consent, *, dry_run: bool) -> Preflight:
        """Looks at the namespace and at what would change; only reads, dry run or not."""
        groups, found = read_groups(release.files)
        problems = [*found, *_unfit(groups, self.target)]
        problems += too_large(groups, self.target)
        if not groups and not found and not consent.empty:
            problems.append(faults.empty())
        if problems:
            return Preflight(tuple(problems), NO_CHANGE, "")
        self._api = RulerApi(self.target, self._sleep)
        before = self._api.groups()
        if isinstance(before, Diagnostic):
            return Preflight((before,), NO_CHANGE, "")
        self._wanted = {group.name: group for group in groups}
        self._before = before
        self._change = _change(before, self._wanted)
        if self._change.is_empty:
            return Preflight((), self._change, release.id)
        self._ran = self._api.running()
        if not consent.drift:
            going = (*self._change.changed, *self._change.removed)
            strange = [name for name in going if not _bears_our_mark(before[name])]
            if strange:
                problems.append(ruler_faults.foreign(self.target.namespace, strange))
        problems += self._lost_alerts(release, consent)
        return Preflight(tuple(problems), self._change, "")

    def _lost_alerts(self, release: Release, consent: Consent) -> list[Diagnostic]:
        """What the change does to alerts that are pending or firing."""
        namespace = self.target.namespace  # to a ruler, this is the file
        if self._ran is None:
            wanted = [group._replace(file=namespace) for group in self._wanted.values()]
            moved = moved_alerts(self._before.values(), wanted)
            return [ruler_faults.alerts_unknown(moved, consented=consent.alert_reset)] if moved else []
        intended = [group._replace(file=namespace) for group in read_files(release.files)[0]]
        lost = resets(self._ran, intended, promql.same_meaning)
        problems = [faults.ends(lost.end)] if lost.end else []
        if lost.start_over and not consent.alert_reset:
            problems.append(faults.starts_over(lost.start_over))
        return problems

    def apply(self) -> Diagnostics:
        """Writes what is new or changed, deletes the rest, and reads it all back."""
        found = self._opened.groups()
        if isinstance(found, Diagnostic):
            return (found,)
        if not _change(self._before, found).is_empty:
            return (ruler_faults.changed_meanwhile(f"the namespace {self.target.namespace}"),)
        # What changes comes before what is new: Mimir counts a group that it replaces as one more, and
        # would refuse it once the tenant's limit is reached.
        names = (*self._change.changed, *self._change.added, *self._change.removed)
        fault = self._write(names, self._wanted)
        return (fault,) if fault else self._verify(self._wanted, None)

    def observe(self, intervals: int) -> Diagnostics:
        """Waits until what changed was evaluated so often; the ruler takes new groups up by itself."""
        names = (*self._change.added, *self._change.changed)
        before = {group.name: group for group in self._ran or ()}
        evaluations: dict[str, set[str]] = {name: set() for name in names}
        deadline = self._clock() + self.target.evaluation_wait * intervals
        while (running := self._opened.running()) is not None:
            for group in running:
                if group.name in evaluations and _is_evaluated(group, before.get(group.name)):
                    evaluations[group.name].add(group.last_evaluation)
            late = [name for name, times in evaluations.items() if len(times) < intervals]
            if not late or self._clock() >= deadline:
                return self._judged(running, late, intervals)
            self._sleep(_POLL_SECONDS)
        return (ruler_faults.unwatched(self._opened.url),) if names else ()

    def _judged(self, running: tuple[RunningGroup, ...], late: list[str], intervals: int) -> Diagnostics:
        fatal = self.target.on_evaluation_error == "rollback"
        failing = new_errors(self._ran or (), running)
        problems = [faults.evaluation_error(error, fatal=fatal) for error in failing]
        if late:
            problems.append(faults.not_evaluated(late, self.target.evaluation_wait * intervals))
        return tuple(problems)

    def revert(self) -> Diagnostics:
        """Gives each group that was touched back what it had, which is all that it had."""
        found = self._opened.groups()
        if isinstance(found, Diagnostic):
            return (found,)
        away = _change(found, self._before)
        names = [n for n in (*away.added, *away.removed, *away.changed) if n in self._touched]
        fault = self._write(names, self._before)
        problems = (fault,) if fault else self._verify(self._before, self._touched)
        if not has_errors(problems):
            self._touched = set()
        return problems

    def commit(self) -> Diagnostics:
        """Forgets what the groups were."""
        self._touched = set()
        return ()

    def close(self) -> None:
        """Ends the connections."""
        if self._api is not None:
            self._api.close()
            self._api = None

    @property
    def _opened(self) -> RulerApi:
        assert self._api is not None, "preflight comes first"
        return self._api

    def _write(self, names: Iterable[str], wanted: Groups) -> Diagnostic | None:
        """Makes these groups what is wanted, in this order, up to the first fault."""
        for name in names:
            self._touched.add(name)
            fault = self._opened.put(wanted[name]) if name in wanted else self._opened.delete(name)
            if fault is not None:
                return fault
        return None

    def _verify(self, wanted: Groups, names: Iterable[str] | None) -> Diagnostics:
        """Whether the namespace has what is wanted, or just those of these names."""
        chosen = None if names is None else frozenset(names)
        left = _READINGS
        while True:
            found = self._opened.groups()
            if isinstance(found, Diagnostic):
                return (found,)
            wrong = list(_wrong(found, wanted, chosen))
            left -= 1
            if not wrong or not left:
                return (ruler_faults.differs(self.target.namespace, wrong),) if wrong else ()
            self._sleep(_POLL_SECONDS)


def _change(before: Groups, after: Groups) -> Change:
    both = sorted(before.keys() & after.keys())
    changed = tuple(name for name in both if any(_differences(before[name], after[name])))
    return Change(
        tuple(sorted(after.keys() - before.keys())),
        changed,
        tuple(sorted(before.keys() - after.keys())),
        len(both) - len(changed),
    )


def _is_evaluated(group: RunningGroup, before: RunningGroup | None) -> bool:
    """Whether a ruler has taken up what was written, and evaluated it since it ran what was `before`."""
    if any(rule.health not in ("ok", "err") for rule in group.rules):
        return False
    if before is None:
        return True
    return as_intended(group) != as_intended(before) and group.last_evaluation != before.last_evaluation


def _wrong(found: Groups, wanted: Groups, names: frozenset[str] | None) -> Iterable[str]:
    for name in sorted(found.keys() | wanted.keys() if names is None else names):
        if name not in found:
            if name in wanted:
                yield f"{name} is missing"
        elif name not in wanted:
            yield f"{name} is still there"
        else:
            fields = list(_differences(wanted[name], found[name]))
            if fields:
                yield f"{name} differs in {', '.join(fields[:3])}"


def _differences(left: Group, right: Group) -> Iterable[str]:
    return differences(left, right, promql.same_meaning)


def _unfit(groups: Iterable[Group], target: Target) -> list[Diagnostic]:
    """Why these groups cannot live in the one namespace."""
    problems = [] if is_usable(target.namespace) else [ruler_faults.bad_namespace(target.namespace)]
    seen: dict[str, str] = {}
    for group in groups:
        if not is_usable(group.name):
            problems.append(ruler_faults.bad_group_name(group.file, group.name))
        elif group.name in seen:
            problems.append(ruler_faults.two_of_a_name(group.name, seen[group.name], group.file))
        elif group.fields.get("labels"):
            problems.append(ruler_faults.group_labels(group.file, group.name))
        seen.setdefault(group.name, group.file)
    return problems


def _bears_our_mark(group: Group) -> bool:
    """Whether each rule has the label `group`, which the compiler gives to every rule that it makes."""
    return all(isinstance(rule.get("labels"), dict) and "group" in rule["labels"] for rule in group.rules)
