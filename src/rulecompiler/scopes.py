"""Sets of targets as label matchers: do two meet, does one hold the other, what lies between.

A scope is a tuple of matchers that a target's labels must all satisfy; a label that a target
lacks equals the empty string, as in Prometheus. Answers are safe, not clever: two regular
expressions that cannot be compared count as "may overlap".
"""

from __future__ import annotations

from enum import Enum

from rulecompiler.model import Matcher, MatchOp
from rulecompiler.promql import regexes

Scope = tuple[Matcher, ...]

_NEGATION: dict[MatchOp, MatchOp] = {"=": "!=", "!=": "=", "=~": "!~", "!~": "=~"}


class Relation(Enum):
    """How two scopes lie to each other."""

    DISJOINT = "disjoint"
    EQUAL = "equal"
    HOLDS = "holds"  # the first holds the second
    INSIDE = "inside"  # the first lies inside the second
    OVERLAP = "overlap"  # they may share targets, and neither provably holds the other


def relation(first: Scope, second: Scope) -> Relation:
    """How the first scope lies to the second."""
    if any(contradict(a, b) for a in first for b in second if a.label == b.label):
        return Relation.DISJOINT
    holds = not beyond(second, first)
    inside = not beyond(first, second)
    if holds and inside:
        return Relation.EQUAL
    if holds:
        return Relation.HOLDS
    return Relation.INSIDE if inside else Relation.OVERLAP


def beyond(wide: Scope, narrow: Scope) -> Scope:
    """The matchers of `narrow` that `wide` does not imply: what sets the slice apart."""
    return tuple(m for m in narrow if not any(implies(w, m) for w in wide))


def union(first: Scope, second: Scope) -> Scope:
    """Both scopes' matchers, sorted, each once."""
    return tuple(sorted({*first, *second}))


def negate(matcher: Matcher) -> Matcher:
    """The matcher that holds exactly where this one does not."""
    return matcher._replace(op=_NEGATION[matcher.op])


def exclude(matchers: Scope) -> Scope:
    """Matchers that shut out each of these slices; equalities on one label share one regex."""
    by_label: dict[str, set[str]] = {}
    others: set[Matcher] = set()
    for matcher in matchers:
        if matcher.op == "=":
            by_label.setdefault(matcher.label, set()).add(matcher.value)
        else:
            others.add(negate(matcher))
    for label, values in by_label.items():
        if len(values) == 1:
            others.add(Matcher(label, "!=", next(iter(values))))
        else:
            others.add(Matcher(label, "!~", "|".join(quote_regex(v) for v in sorted(values))))
    return tuple(sorted(others))


def show_scope(scope: Scope) -> str:
    """A scope as a person reads it: `{group_id="grp-123"}`."""
    return "{" + ", ".join(f'{m.label}{m.op}"{m.value}"' for m in scope) + "}"


def quote_regex(text: str) -> str:
    """The text as an RE2 expression that matches just it."""
    return "".join("\\" + c if c in regexes.SPECIAL else c for c in text)


def implies(narrow: Matcher, wide: Matcher) -> bool:
    """Whether each label value that satisfies `narrow` surely satisfies `wide`."""
    if narrow.label != wide.label:
        return False
    if narrow == wide:
        return True
    values = _finite(narrow)
    if values is not None:
        return all(accepts(wide, value) for value in values)
    excluded = _finite(negate(wide))
    # `narrow` is a negation or an open regex: it implies "not v" when it refuses v itself.
    return excluded is not None and all(not accepts(narrow, value) for value in excluded)


def contradict(first: Matcher, second: Matcher) -> bool:
    """Whether surely no label value satisfies both; the labels are the same."""
    for one, other in ((first, second), (second, first)):
        values = _finite(one)
        if values is not None:
            return not any(accepts(other, value) for value in values)
    return first == negate(second)


def accepts(matcher: Matcher, value: str) -> bool:
    """Whether a label with this value satisfies the matcher, as Prometheus decides it."""
    return regexes.accepts(matcher.op, matcher.value, value)


def _finite(matcher: Matcher) -> frozenset[str] | None:
    """All values that satisfy the matcher, where they can be listed."""
    if matcher.op == "=":
        return frozenset((matcher.value,))
    if matcher.op == "=~":
        words = regexes.alternatives(matcher.value)
        return None if words is None else frozenset(words)
    return None
