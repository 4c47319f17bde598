"""What is to be played through: the alerts of a plan whose firing may differ, equal ones once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from rulecompiler import promql
from rulecompiler.diff.model import Plan, RuleAt, RuleChange
from rulecompiler.model import Segment
from rulecompiler.promql.durations import milliseconds


class Alert(NamedTuple):
    """An alert on one side, as far as it matters when it fires. Durations are in milliseconds."""

    expr: str
    hold: int  # `for`
    keep: int  # `keep_firing_for`
    interval: int  # of its rule group
    labels: tuple[tuple[str, str], ...]

    @property
    def warm_up(self) -> int:
        """How long before a moment one must look to know its state at that moment."""
        return self.hold + self.keep

    @property
    def metrics(self) -> frozenset[str]:
        """The names of the metrics that its query selects, as far as it names them."""
        query = promql.prepare((Segment(self.expr, 0, len(self.expr)),), scoped=False)
        return query.metrics if isinstance(query, promql.Query) else frozenset()


class Case(NamedTuple):
    """One pair of an old and a new alert, and the changes of the plan that it stands for."""

    old: Alert | None
    new: Alert | None
    changes: tuple[RuleChange, ...]

    @property
    def example(self) -> RuleChange:
        """The first of them, which speaks for all."""
        return self.changes[0]

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """Its sides that are there."""
        return tuple(alert for alert in (self.old, self.new) if alert is not None)


class Cases(NamedTuple):
    """All that a plan has to play through, in the order in which it is worth asking.

    `same` is the number of alerts that change in something else only, and fire as before.
    """

    cases: tuple[Case, ...]
    same: int
    records: Mapping[str, str]
    """Names of recorded series whose rules the plan adds or changes, and how: `add`, `change`, …"""


def cases_of(plan: Plan, default_interval: int) -> Cases:
    """The alerts of the plan; `default_interval` is the server's own, in milliseconds.

    Of each kind of change comes one first, then the second of each: where not all can be asked, each kind
    is there.
    """
    found: dict[tuple[Alert | None, Alert | None], list[RuleChange]] = {}
    ranks: dict[tuple[Alert | None, Alert | None], tuple[int, int]] = {}
    same = 0
    records: dict[str, str] = {}
    for number, fold in enumerate(plan.folds):
        position = 0
        for change in fold.changes:
            if change.rule.kind != "alert":
                if not _records_alike(change):
                    records[change.rule.name] = change.action.value
                continue
            key = (_alert(change.old, default_interval), _alert(change.new, default_interval))
            if _fires_alike(*key):
                same += 1
                continue
            if key not in found:
                ranks[key] = (position, number)
                position += 1
            found.setdefault(key, []).append(change)
    order = sorted(found, key=lambda key: ranks[key])
    return Cases(tuple(Case(*key, tuple(found[key])) for key in order), same, records)


def _alert(rule: RuleAt | None, default_interval: int) -> Alert | None:
    if rule is None or rule.kind != "alert":
        return None
    return Alert(
        rule.expr,
        milliseconds(rule.for_ or "") or 0,
        milliseconds(rule.keep_firing_for or "") or 0,
        milliseconds(rule.interval or "") or default_interval,
        tuple(sorted(rule.labels.items())),
    )


def _records_alike(change: RuleChange) -> bool:
    old, new = change.old, change.new
    if old is None or new is None:
        return False
    return old.labels == new.labels and promql.same_meaning(old.expr, new.expr)


def _fires_alike(old: Alert | None, new: Alert | None) -> bool:
    if old is None or new is None:
        return False
    timing = (old.hold, old.keep, old.interval) == (new.hold, new.keep, new.interval)
    return timing and (old.expr == new.expr or promql.same_meaning(old.expr, new.expr))


def metrics_of(cases: Iterable[Case]) -> tuple[str, ...]:
    """The metrics that the cases' queries select, sorted."""
    return tuple(sorted({name for case in cases for alert in case.alerts for name in alert.metrics}))
