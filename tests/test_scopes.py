from __future__ import annotations

import re
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rulecompiler import scopes
from rulecompiler.model import Matcher, MatchOp
from rulecompiler.scopes import Relation, Scope

OPERATORS: tuple[MatchOp, ...] = ("=", "!=", "=~", "!~")


def matcher(text: str) -> Matcher:
    match = re.fullmatch(r"(\w+)(=~|!~|!=|=)(.*)", text)
    assert match is not None
    label, op, value = match.groups()
    return Matcher(label, next(o for o in OPERATORS if o == op), value)


def scope(text: str) -> Scope:
    return tuple(sorted(matcher(one) for one in text.split()))


IMPLIES = [
    ("a=x", "a=x"),
    ("a=x", "a!=y"),
    ("a=x", "a=~x|y"),
    ("a=x", "a=~x.*"),
    ("a=xyz", "a=~x.*"),
    ("a=x", "a!~y|z"),
    ("a=~x|y", "a=~x|y|z"),
    ("a=~x|y", "a!=z"),
    ("a=~x|y", "a!="),
    ("a=~x", "a=x"),
    ("a=~x.*", "a=~x.*"),
    ("a=~x.*", "a!=y"),
    ("a=~x.+", "a!="),
    ("a!~x|y", "a!=x"),
    ("a!~x.*", "a!=xyz"),
    ("a!~x|y|z", "a!~x|y"),
    ("a!=x", "a!~x"),
    ("a=", "a!=x"),
]
IMPLIES_NOT = [
    ("a=x", "b=x"),
    ("a=x", "a=y"),
    ("a=x", "a!=x"),
    ("a=x", "a=~xy"),  # a regex matches the whole value
    ("a=~x|y", "a=x"),
    ("a=~x|y", "a!=x"),
    ("a!=x", "a=y"),
    ("a!=x", "a!=y"),
    ("a!=x", "a!="),
    ("a!=x", "a!~x|y"),
    ("a=~x.*", "a=x"),
    ("a=~x.*", "a=~x.+"),  # true of no value but "x" itself, and too deep for us either way
    ("a=~.*", "a!=x"),
    ("a!~x.*", "a!=y"),
]


@pytest.mark.parametrize(("narrow", "wide"), IMPLIES)
def test_implies(narrow: str, wide: str) -> None:
    assert scopes.implies(matcher(narrow), matcher(wide))


@pytest.mark.parametrize(("narrow", "wide"), IMPLIES_NOT)
def test_implies_does_not_claim(narrow: str, wide: str) -> None:
    assert not scopes.implies(matcher(narrow), matcher(wide))


CONTRADICT = [
    ("a=x", "a=y"),
    ("a=x", "a!=x"),
    ("a=", "a!="),
    ("a=x", "a=~y|z"),
    ("a=x", "a!~x.*"),
    ("a=~x|y", "a=~z|w"),
    ("a=~x|y", "a!~x|y|z"),
    ("a=~x|y", "a=z"),
    ("a=~x.*", "a!~x.*"),
]
CONTRADICT_NOT = [
    ("a=x", "a=x"),
    ("a=x", "a!=y"),
    ("a!=x", "a!=y"),
    ("a=~x|y", "a=~y|z"),
    ("a=~x|y", "a!=x"),
    ("a=~x.*", "a=~y.*"),  # nothing satisfies both, but two open regexes are not compared
    ("a=~x.*", "a=xyz"),
    ("a!~x|y", "a=~x.*"),
]


@pytest.mark.parametrize(("one", "other"), CONTRADICT)
def test_contradict(one: str, other: str) -> None:
    assert scopes.contradict(matcher(one), matcher(other))
    assert scopes.contradict(matcher(other), matcher(one))


@pytest.mark.parametrize(("one", "other"), CONTRADICT_NOT)
def test_contradict_does_not_claim(one: str, other: str) -> None:
    assert not scopes.contradict(matcher(one), matcher(other))
    assert not scopes.contradict(matcher(other), matcher(one))


@pytest.mark.parametrize(
    ("first", "second", "how"),
    [
        ("", "", Relation.EQUAL),
        ("", "a=x", Relation.HOLDS),
        ("a=x", "a=x b=y", Relation.HOLDS),
        ("a=x", "a=y", Relation.DISJOINT),
        ("a=x", "a=y b=z", Relation.DISJOINT),
        ("a=x b=y", "a=x b=z", Relation.DISJOINT),
        ("a=x", "b=y", Relation.OVERLAP),
        ("a=x b=y", "a=x c=z", Relation.OVERLAP),
        ("a=~x|y", "a=x", Relation.HOLDS),
        ("a=~x|y", "a=~y|z", Relation.OVERLAP),
        ("a=~x|y", "a=~y|x", Relation.EQUAL),
        ("a=~x", "a=x", Relation.EQUAL),
        ("a!=x", "a=y", Relation.HOLDS),
        ("a!=x", "a=x", Relation.DISJOINT),
        ("a!=x", "a!=y", Relation.OVERLAP),
        ("a!=x", "a!~x|y", Relation.HOLDS),
        ("a=~x.*", "a=~y.*", Relation.OVERLAP),
        ("a=~x.*", "a=x1 b=z", Relation.HOLDS),
        ("a=", "a!=", Relation.DISJOINT),
    ],
)
def test_relation(first: str, second: str, how: Relation) -> None:
    mirror = {Relation.HOLDS: Relation.INSIDE, Relation.INSIDE: Relation.HOLDS}

    assert scopes.relation(scope(first), scope(second)) is how
    assert scopes.relation(scope(second), scope(first)) is mirror.get(how, how)


@pytest.mark.parametrize(
    ("wide", "narrow", "apart"),
    [
        ("a=x", "a=x b=y", "b=y"),
        ("a=~x|y", "a=x b=y", "a=x b=y"),
        ("", "a=x", "a=x"),
        ("a=x", "a!=z", ""),
        ("a=x b=y", "a=x b=y", ""),
    ],
)
def test_beyond(wide: str, narrow: str, apart: str) -> None:
    assert scopes.beyond(scope(wide), scope(narrow)) == scope(apart)


@pytest.mark.parametrize(
    ("slices", "shut_out"),
    [
        ("", ""),
        ("a=x", "a!=x"),
        ("a=y a=x", "a!~x|y"),
        ("a=x a=x", "a!=x"),
        ("a=x b=y", "a!=x b!=y"),
        ("a=a.b a=c+d a=e", r"a!~a\.b|c\+d|e"),
        ("a!=x", "a=x"),
        ("a=~x.*", "a!~x.*"),
        ("a!~x|y", "a=~x|y"),
        ("a=z a=~x.* a=y", "a!~x.* a!~y|z"),
    ],
)
def test_exclude(slices: str, shut_out: str) -> None:
    found = scopes.exclude(tuple(matcher(one) for one in slices.split()))

    assert sorted(found) == sorted(scope(shut_out))
    assert list(found) == sorted(found)


@pytest.mark.parametrize("text", ["", "plain", "a.b", "a|b", "\\", "^$", "(x)[y]{z}*+?", "ä–…", "a b\tc"])
def test_a_quoted_regex_matches_its_text_alone(text: str) -> None:
    quoted = Matcher("a", "=~", scopes.quote_regex(text))

    assert scopes.accepts(quoted, text)
    assert not scopes.accepts(quoted, text + "x")
    assert not scopes.accepts(quoted, "aXb")


@pytest.mark.parametrize(
    ("one", "value", "answer"),
    [
        ("a=x", "x", True),
        ("a=", "", True),
        ("a=x", "", False),
        ("a!=x", "", True),
        ("a=~x", "xy", False),
        ("a=~x|y", "y", True),
        ("a=~.*", "", True),
        ("a=~.+", "", False),
        ("a=~x.y", "x\ny", True),
        ("a!~x.*", "y", True),
        ("a=~(?i)x", "X", True),
        ("a=~X", "x", False),
        (r"a=~\pL+", "äß", True),
    ],
)
def test_accepts_as_prometheus_does(one: str, value: str, answer: bool) -> None:
    assert scopes.accepts(matcher(one), value) is answer


VALUES = ("", "x", "y", "z", "xy")
MATCHERS = st.builds(
    lambda label, op, value: Matcher(label, op, value),
    st.sampled_from("ab"),
    st.sampled_from(OPERATORS),
    st.sampled_from(["x", "y", "x|y", "x|y|z", "xy", "x.*", ".+", ".*", "", "x|"]),
)
SCOPES = st.dictionaries(st.sampled_from("ab"), MATCHERS, max_size=2).map(
    lambda found: tuple(sorted(m._replace(label=label) for label, m in found.items()))
)


def region(of: Scope) -> frozenset[tuple[str, str]]:
    targets = product(VALUES, VALUES)
    return frozenset(
        (a, b) for a, b in targets if all(scopes.accepts(m, a if m.label == "a" else b) for m in of)
    )


@settings(max_examples=100, deadline=None)
@given(SCOPES, SCOPES)
def test_no_relation_claims_what_is_not_so(first: Scope, second: Scope) -> None:
    one, other = region(first), region(second)
    how = scopes.relation(first, second)

    assert how is not Relation.DISJOINT or not one & other
    assert how not in (Relation.HOLDS, Relation.EQUAL) or other <= one
    assert how not in (Relation.INSIDE, Relation.EQUAL) or one <= other


@settings(max_examples=100, deadline=None)
@given(st.lists(MATCHERS, min_size=1, max_size=4).map(tuple))
def test_an_exclusion_shuts_out_each_slice_and_nothing_else(slices: Scope) -> None:
    left = region(scopes.exclude(slices))

    assert left == region(()) - frozenset().union(*(region((one,)) for one in slices))
