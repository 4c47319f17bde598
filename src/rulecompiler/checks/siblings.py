"""RC423: a worse severity that is no harder to reach than a milder one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

from rulecompiler.checks.group_view import GroupView, Member
from rulecompiler.checks.numbers_in_queries import comparison, numbers, strictness
from rulecompiler.diagnostics import Diagnostic, Place, Related, Severity
from rulecompiler.resolve import ResolvedRule


class _Gap(NamedTuple):
    """What divides two queries: which of them is harder to reach, and by what."""

    harder: int  # 1: the worse one, -1: the milder one, 0: neither
    name: str  # of the parameter, if it is one
    numbers: tuple[str, str]
    places: tuple[Place, Place]


def check(view: GroupView) -> Iterator[Diagnostic]:
    """Yields one for each pair that differs in thresholds alone: a critical at 70 and a warning at 80."""
    for family in view.alike:
        for one, other in combinations(family, 2):
            ranked = _ranked(one, other, view.settings.severities)
            found = _judged(view, *ranked) if ranked is not None else None
            if found is not None:
                yield found


def _judged(view: GroupView, worse: Member, milder: Member) -> Diagnostic | None:
    """What is to be said of two rules; of values that groups inherit, it is worked out once for all."""
    one, other = worse.rule, milder.rule
    of = (one.params, other.params, one.entry, other.entry, worse.subject, milder.subject)
    key = ("siblings", *map(id, of))
    known: tuple[object, Diagnostic | None] | None = view.remembered.get(key)
    if known is None:
        gap = _gap(view, worse, milder)
        said = _report(worse, milder, gap) if gap is not None and gap.harder <= 0 else None
        known = view.remembered[key] = (of, said)  # held, so that the ids stay their own
    return known[1]


def _ranked(one: Member, other: Member, severities: tuple[str, ...]) -> tuple[Member, Member] | None:
    """The worse and the milder one, if both look at the same targets and the worse waits no longer."""
    if one.rule.where != other.rule.where or not one.subject.is_alert:
        return None
    first, second = _severity(one), _severity(other)
    if first == second or first not in severities or second not in severities:
        return None
    worse, milder = (one, other) if severities.index(first) < severities.index(second) else (other, one)
    return None if worse.for_ > milder.for_ else (worse, milder)


def _gap(view: GroupView, worse: Member, milder: Member) -> _Gap | None:
    """What divides the two; None where the one is not simply harder to reach than the other."""
    if worse.rule.template is milder.rule.template:
        return _gap_of_values(view, worse, milder)
    entries = (worse.rule.entry.key(), milder.rule.entry.key())
    query, other = view.exact(worse.rule), view.exact(milder.rule)
    if query is None or other is None:
        return None
    pairs = list(zip(numbers(query), numbers(other), strict=True))
    apart = [(path, high, low) for (path, high), (_, low) in pairs if high != low]
    if not apart:
        return _Gap(0, "", ("", ""), entries)
    harder = [_sign(strictness(query, path), high - low) for path, high, low in apart]
    path, high, low = apart[0]
    says = comparison(query, path)
    return _together(harder, "", (f"{says} {high:g}".strip(), f"{says} {low:g}".strip()), entries)


def _gap_of_values(view: GroupView, worse: Member, milder: Member) -> _Gap | None:
    left, right = worse.rule.params, milder.rule.params
    if left.keys() != right.keys():
        return None
    apart = [name for name in left if left[name].value != right[name].value]
    if any(not _is_number(side[name].value) for name in apart for side in (left, right)):
        return None
    harder: list[int | None] = []
    says = ""
    for name in apart or _thresholds(worse):
        direction, how = _direction(view, worse, name)
        if apart:
            harder.append(_sign(direction, left[name].value - right[name].value))
        if direction and not says:
            says = how
            apart = [name, *(other for other in apart if other != name)]
    if not apart:
        return _Gap(0, "", ("", ""), (worse.rule.entry.key(), milder.rule.entry.key()))
    high, low = left[apart[0]], right[apart[0]]
    shown = (f"{says} {high.value}".strip(), f"{says} {low.value}".strip())
    return _together(harder, apart[0], shown, (high.origin, low.origin))


def _thresholds(member: Member) -> list[str]:
    return [name for name, sourced in member.rule.params.items() if _is_number(sourced.value)]


def _direction(view: GroupView, member: Member, name: str) -> tuple[int | None, str]:
    """Whether a larger parameter is harder to reach, and how series are compared with it."""
    key = ("direction", id(member.subject.query), name)
    known: tuple[int | None, str] | None = view.remembered.get(key)
    if known is None:
        known = view.remembered[key] = _work_out(view, member.rule, name)
    return known


def _work_out(view: GroupView, rule: ResolvedRule, name: str) -> tuple[int | None, str]:
    sourced = rule.params[name]
    larger = sourced.value * 2 + 1 if sourced.value >= 0 else sourced.value / 2
    query = view.exact(rule)
    other = view.exact(rule._replace(params={**rule.params, name: sourced._replace(value=larger)}))
    one, two = list(numbers(query)) if query else [], list(numbers(other)) if other else []
    if query is None or [path for path, _ in one] != [path for path, _ in two]:
        return None, ""
    moved = [(path, b - a) for (path, a), (_, b) in zip(one, two, strict=True) if a != b]
    ways = {_sign(strictness(query, path), by) for path, by in moved}
    return (ways.pop(), comparison(query, moved[0][0])) if len(ways) == 1 else (None, "")


def _together(
    harder: list[int | None], name: str, shown: tuple[str, str], places: tuple[Place, Place]
) -> _Gap | None:
    if any(each is None for each in harder):
        return None
    ways = {each for each in harder if each}
    if harder and len(ways) != 1:  # or it does not matter, or partly
        return None
    return _Gap(ways.pop() if ways else 0, name, shown, places)


def _report(worse: Member, milder: Member, gap: _Gap) -> Diagnostic:
    what = f"`{gap.name}`" if gap.name else "threshold"
    if gap.harder < 0:
        says = f"at a looser {what} than `{milder.rule.name}`, which is {_severity(milder)}"
    else:
        says = f"at the same {what} at which `{milder.rule.name}` is {_severity(milder)}"
    first, second = gap.numbers
    return Diagnostic(
        "RC423",
        f"`{worse.rule.name}` is {_severity(worse)} {says}",
        gap.places[0],
        label=first or "no harder to reach",
        help="make it harder to reach, or disable one of the two",
        severity=Severity.WARNING,
        related=(Related(gap.places[1], f"{_severity(milder)}: {second}" if second else _severity(milder)),),
    )


def _sign(direction: int | None, difference: float) -> int | None:
    return None if direction is None else direction * ((difference > 0) - (difference < 0))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _severity(member: Member) -> str:
    sourced = member.rule.labels.get("severity")
    return "" if sourced is None else str(sourced.value)
