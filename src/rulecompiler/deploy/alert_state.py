"""Which pending and firing alerts a change would make start over, or end.

Prometheus hands an alert's state on at a reload if file, group, alert name and labels stay; of several such
rules in one group the first inherits from the first, and so on.
Source: prometheus/prometheus, rules/group.go, CopyState. Query, `for`, annotations, interval and order may
change, as long as the query still selects what the alert is about.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import chain
from typing import NamedTuple

from rulecompiler.deploy.compare import SameQuery
from rulecompiler.deploy.intended import IntendedGroup, IntendedRule
from rulecompiler.deploy.running import ActiveAlert, RunningGroup, RunningRule
from rulecompiler.promql import regex_matches
from rulecompiler.promql.grammar import structure
from rulecompiler.promql.problems import Fault
from rulecompiler.promql.structure import FUNCTION, AuthorMatcher


class LostAlert(NamedTuple):
    """A pending or firing alert that would not survive; `heir` is the rule that would raise it anew."""

    file: str
    group: str
    rule: str
    state: str
    active_at: str  # RFC 3339
    labels: Mapping[str, str]
    heir: str = ""


class Resets(NamedTuple):
    """Alerts that would be pending all over again, and alerts that nothing would raise any more."""

    start_over: tuple[LostAlert, ...]
    end: tuple[LostAlert, ...]


def resets(running: Iterable[RunningGroup], intended: Iterable[IntendedGroup], same: SameQuery) -> Resets:
    """What becomes of the active alerts of these groups, all of them ours, once the intended ones run.

    An alert starts over if its rule is gone, or no longer selects it, and another one that is new or changed
    takes over: one of the same name, or one that reads the same metrics with the same functions. A rule whose
    matchers rule out the alert's own labels takes nothing over: it watches other targets.

    The groups of files that stay as they are may be left out on both sides: nothing happens to them.
    """
    active = [group for group in running if any(rule.active for rule in group.rules)]
    if not active:
        return Resets((), ())
    future = _Future(running, intended, same)
    start_over: list[LostAlert] = []
    end: list[LostAlert] = []
    for group in active:
        for rule, successor in zip(group.rules, future.successors(group), strict=True):
            for alert in rule.active:
                if successor and not future.loses(successor, rule, alert):
                    continue
                heir = future.heir(rule, alert, group.file)
                lost = LostAlert(
                    group.file, group.name, rule.name, alert.state, alert.active_at, alert.labels, heir
                )
                (start_over if heir else end).append(lost)
    return Resets(tuple(start_over), tuple(end))


class _Successor(NamedTuple):
    """An alerting rule that will run; `before` is the query of the rule whose state it inherits."""

    file: str
    group: str
    rule: IntendedRule
    before: str | None


class _Future:
    """All alerting rules that will run, and whose state each of them inherits."""

    def __init__(
        self, running: Iterable[RunningGroup], intended: Iterable[IntendedGroup], same: SameQuery
    ) -> None:
        self._same = same
        before = {(group.file, group.name): group for group in running}
        self._successors: dict[tuple[str, str], dict[int, _Successor]] = {}
        self._named: defaultdict[str, list[_Successor]] = defaultdict(list)
        for group in intended:
            old = before.get((group.file, group.name))
            rules = old.rules if old else ()
            found: dict[int, _Successor] = {}
            for rule, number in zip(group.rules, _inherited(rules, group.rules), strict=True):
                if rule.kind == "alert":
                    query = None if number is None else rules[number].query
                    successor = _Successor(group.file, group.name, rule, query)
                    self._named[rule.name].append(successor)
                    if number is not None:
                        found[number] = successor
            self._successors[group.file, group.name] = found

    def successors(self, group: RunningGroup) -> Iterator[_Successor | None]:
        """For each rule of a running group the one that inherits its state."""
        found = self._successors.get((group.file, group.name), {})
        return (found.get(number) for number in range(len(group.rules)))

    def loses(self, successor: _Successor, rule: RunningRule, alert: ActiveAlert) -> bool:
        """Whether a rule that inherits this alert does not go on with it."""
        twins = [
            other
            for other in self._named[rule.name]
            if other[:2] == successor[:2] and other.rule.labels == successor.rule.labels
        ]
        if len(twins) == 1 and not _excludes(successor.rule, rule, alert):
            return False
        # Of several rules with one name and the same labels, one may ask what another one did.
        moved = any(self._same(twin.rule.expr, rule.query) for twin in twins)
        return self._differs(successor) and (moved or _excludes(successor.rule, rule, alert))

    def _differs(self, successor: _Successor) -> bool:
        """Whether it is a new rule, or asks something else than before."""
        return successor.before is None or not self._same(successor.rule.expr, successor.before)

    def heir(self, rule: RunningRule, alert: ActiveAlert, file: str) -> str:
        """The rule that would raise a lost alert of a file anew; empty if none would."""
        for other in chain(self._named[rule.name], self._alike(rule.query, file)):
            if not _excludes(other.rule, rule, alert) and self._differs(other):
                return f"{other.rule.name} in {other.file}, group {other.group}"
        return ""

    def _alike(self, query: str, file: str) -> Iterator[_Successor]:
        """The rules that read the same metrics with the same functions; first those of the same file."""
        reading = _reading(query)
        files = self._read.get(reading[:2], {}) if reading else {}
        yield from files.get(file, ())
        for other, rules in files.items():
            if other != file:
                yield from rules

    @cached_property
    def _read(self) -> dict[_What, dict[str, list[_Successor]]]:
        found: dict[_What, dict[str, list[_Successor]]] = {}
        for successor in chain.from_iterable(self._named.values()):
            reading = _reading(successor.rule.expr)
            if reading:
                found.setdefault(reading[:2], {}).setdefault(successor.file, []).append(successor)
        return found


def _inherited(old: Sequence[RunningRule], new: Sequence[IntendedRule]) -> list[int | None]:
    """For each new rule the number of the old one whose state it inherits.

    Records take part: a record of an alert's name and labels takes its turn among several.
    """
    waiting: defaultdict[Hashable, deque[int]] = defaultdict(deque)
    for number, rule in enumerate(old):
        waiting[rule.name, frozenset(rule.labels.items())].append(number)
    found: list[int | None] = []
    for successor in new:
        those = waiting.get((successor.name, frozenset(successor.labels.items())))
        inherited = those.popleft() if those else None
        fits = inherited is not None and old[inherited].kind == successor.kind
        found.append(inherited if fits else None)
    return found


_What = tuple[frozenset[str], frozenset[str]]


class _Reading(NamedTuple):
    """What a query reads: `asked` has, of each label, the matchers of each selector that has any."""

    metrics: frozenset[str]
    functions: frozenset[str]
    asked: Mapping[str, Sequence[Sequence[AuthorMatcher]]]


@lru_cache(maxsize=65_536)
def _reading(query: str) -> _Reading | None:
    try:
        found = structure(query)
    except Fault:
        return None
    asked: defaultdict[str, list[list[AuthorMatcher]]] = defaultdict(list)
    for selector in found.selectors:
        for label in {matcher.label for matcher in selector.matchers}:
            asked[label].append([matcher for matcher in selector.matchers if matcher.label == label])
    roles = zip(found.tokens, found.roles, strict=True)
    return _Reading(
        frozenset(selector.metric for selector in found.selectors if selector.metric),
        frozenset(token.text.lower() for token, role in roles if role == FUNCTION),
        asked,
    )


def _excludes(successor: IntendedRule, rule: RunningRule, alert: ActiveAlert) -> bool:
    """Whether a rule cannot be about the series of this alert, which `rule` raised.

    Where labels are rewritten, or a query cannot be read, it is not known to be excluded.
    """
    before, after = _reading(rule.query), _reading(successor.expr)
    if before is None or after is None or not _REWRITING.isdisjoint(before.functions | after.functions):
        return False
    for label, selectors in after.asked.items():
        value = alert.labels.get(label)
        if value is None or label == "alertname":
            continue  # the series may have any value
        if label in rule.labels and not any(
            _demand(matchers, value) for matchers in before.asked.get(label, ())
        ):
            continue  # the rule's own label hides that of the series
        if not any(all(_matches(matcher, value) for matcher in matchers) for matchers in selectors):
            return True
    return False


_REWRITING = frozenset({"label_replace", "label_join", "count_values"})


def _demand(matchers: Sequence[AuthorMatcher], value: str) -> bool:
    return any(matcher.op == "=" and matcher.value == value for matcher in matchers)


def _matches(matcher: AuthorMatcher, value: str) -> bool:
    if matcher.op in ("=", "!="):
        return (matcher.value == value) == (matcher.op == "=")
    return regex_matches(matcher.value, value) == (matcher.op == "=~")
