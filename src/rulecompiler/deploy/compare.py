"""What runs against what should run, and what changed between two looks at a server."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from operator import eq
from typing import Literal, NamedTuple

from rulecompiler.deploy.intended import IntendedGroup, IntendedRule, as_intended
from rulecompiler.deploy.running import Kind, RunningGroup, RunningRule

SameQuery = Callable[[str, str], bool]
"""Whether an intended query and a running one mean the same."""


class Difference(NamedTuple):
    """One thing that runs otherwise than intended.

    An empty `rule` is the whole group. `field` is what differs: a key of the rule or group as a rule file
    calls it, or `order` for the rules of a group. Of labels and annotations, only what differs is shown.
    """

    file: str
    group: str
    rule: str
    kind: Literal["missing", "unexpected", "differs"]
    field: str = ""
    intended: str = ""
    running: str = ""


class FailingRule(NamedTuple):
    """A rule whose last evaluation failed, in the server's own words."""

    file: str
    group: str
    rule: str
    error: str


def compare(
    intended: Iterable[IntendedGroup], running: Iterable[RunningGroup], same: SameQuery
) -> tuple[Difference, ...]:
    """Every difference; none exactly if the same groups run the same rules in the same order.

    `file` must mean the same on both sides. An interval is compared only where the file states one.
    """
    expected = {(group.file, group.name): group for group in intended}
    found: dict[tuple[str, str], RunningGroup] = {}
    differences: list[Difference] = []
    for group in running:
        key = group.file, group.name
        if key not in expected or key in found:
            differences.append(Difference(*key, "", "unexpected"))
        else:
            found[key] = group
    for key, wanted in expected.items():
        if key in found:
            differences.extend(_group(wanted, as_intended(found[key]), same))
        elif wanted.rules:
            differences.append(Difference(*key, "", "missing"))
    return tuple(sorted(differences))


def foreign_changes(before: Iterable[RunningGroup], after: Iterable[RunningGroup]) -> tuple[Difference, ...]:
    """How groups that are not ours changed between two looks; `intended` is what was before."""
    return compare(map(as_intended, before), after, eq)


def new_errors(before: Iterable[RunningGroup], after: Iterable[RunningGroup]) -> tuple[FailingRule, ...]:
    """The rules that fail now and did not before, as far as they ran before.

    A rule is the same if its file, group, name and labels are, and its place among several such.
    """
    failed = {key for key, rule in _health(before) if rule.health == "err"}
    return tuple(
        FailingRule(key[0], key[1], rule.name, rule.last_error)
        for key, rule in _health(after)
        if rule.health == "err" and key not in failed
    )


_Key = tuple[str, str, Kind, str, frozenset[tuple[str, str]], int]


def _health(groups: Iterable[RunningGroup]) -> Iterator[tuple[_Key, RunningRule]]:
    for group in groups:
        seen: Counter[Hashable] = Counter()
        for rule in group.rules:
            own = rule.kind, rule.name, frozenset(rule.labels.items())
            seen[own] += 1
            yield (group.file, group.name, rule.kind, rule.name, own[2], seen[own]), rule


def _group(wanted: IntendedGroup, found: IntendedGroup, same: SameQuery) -> Iterator[Difference]:
    at = wanted.file, wanted.name
    if wanted.interval_seconds is not None and found.interval_seconds is not None:
        interval = _milliseconds(wanted.interval_seconds), _milliseconds(found.interval_seconds)
        if interval[0] != interval[1]:
            yield Difference(*at, "", "differs", "interval", *map(_duration, interval))
    if wanted.limit != found.limit:
        yield Difference(*at, "", "differs", "limit", str(wanted.limit), str(found.limit))
    partners = _partners(wanted.rules, found.rules)
    taken = [partner for partner in partners if partner is not None]
    for rule, partner in zip(wanted.rules, partners, strict=True):
        if partner is None:
            yield Difference(*at, rule.name, "missing")
        else:
            for field, left, right in _fields(rule, found.rules[partner], same):
                yield Difference(*at, rule.name, "differs", field, left, right)
    left_over = sorted(set(range(len(found.rules))) - set(taken))
    yield from (Difference(*at, found.rules[number].name, "unexpected") for number in left_over)
    for first, second in pairwise(taken):
        if first > second:
            one, other = _told_apart(found.rules[first], found.rules[second])
            order = f"{one} before {other}", f"{other} before {one}"
            yield Difference(*at, "", "differs", "order", *order)
            break


def _partners(wanted: Sequence[IntendedRule], found: Sequence[IntendedRule]) -> list[int | None]:
    """For each rule that should run the number of the running one to compare it with.

    Equal rules come first; then those of one name, so that a changed label is not a lost rule and a new one.
    """
    partners: list[int | None] = [None] * len(wanted)
    free = set(range(len(found)))
    keys: tuple[Callable[[IntendedRule], Hashable], ...] = (
        lambda rule: (rule.kind, rule.name, frozenset(rule.labels.items())),
        lambda rule: (rule.kind, rule.name),
    )
    for key in keys:
        waiting: dict[Hashable, deque[int]] = defaultdict(deque)
        for number in sorted(free):
            waiting[key(found[number])].append(number)
        for number, rule in enumerate(wanted):
            if partners[number] is None and (those := waiting.get(key(rule))):
                partner = those.popleft()
                partners[number] = partner
                free.remove(partner)
        if not free:
            break
    return partners


def _fields(wanted: IntendedRule, found: IntendedRule, same: SameQuery) -> Iterator[tuple[str, str, str]]:
    durations = (
        ("for", wanted.for_seconds, found.for_seconds),
        ("keep_firing_for", wanted.keep_firing_seconds, found.keep_firing_seconds),
    )
    for field, *seconds in durations:
        left, right = map(_milliseconds, seconds)
        if left != right:
            yield field, _duration(left), _duration(right)
    texts = (
        ("labels", wanted.labels, found.labels),
        ("annotations", wanted.annotations, found.annotations),
    )
    for field, *mappings in texts:
        if mappings[0] != mappings[1]:
            yield field, _only(*mappings), _only(*reversed(mappings))
    if not same(wanted.expr, found.expr):
        yield "expr", wanted.expr.strip(), found.expr


def _told_apart(one: IntendedRule, other: IntendedRule) -> tuple[str, str]:
    if one.name != other.name:
        return one.name, other.name
    labels = _only(one.labels, other.labels), _only(other.labels, one.labels)
    return f"{one.name} ({labels[0]})", f"{one.name} ({labels[1]})"


def _only(own: Mapping[str, str], other: Mapping[str, str]) -> str:
    """What the one has otherwise than the other."""
    differing = sorted(name for name in own if own[name] != other.get(name))
    return ", ".join(f"{name}: {own[name]}" for name in differing) or "none"


def _milliseconds(seconds: float) -> int:
    # Prometheus counts whole milliseconds; a server's answer is a binary fraction.
    return round(seconds * 1000)


def _duration(milliseconds: int) -> str:
    units = (("h", 3_600_000), ("m", 60_000), ("s", 1_000))
    for unit, size in units:
        if milliseconds % size == 0 and (milliseconds or unit == "s"):
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms"
