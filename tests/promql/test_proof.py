"""The proof itself: it must not hold for anything but the scope."""

from __future__ import annotations

from typing import cast

import pytest

from rulecompiler.model import Matcher
from rulecompiler.promql import Problem, scope_text
from rulecompiler.promql.grammar import structure
from rulecompiler.promql.proof import Unparsed, prove

GROUP = Matcher("group_id", "=", "g")
ORIGINAL = (
    'sum by (a) (rate(x{a="b"}[5m] offset 1m)) / on (a) group_left (c) y @ 5 > bool 1'
    ' or label_replace(z, "a", "$1", "b", "(.*)")'
)
SCOPED = (
    ORIGINAL.replace('"b"}', '"b",group_id="g"}')
    .replace("y @", 'y{group_id="g"} @')
    .replace("z,", 'z{group_id="g"},')
)


def holds(result: str, count: int = 3) -> object:
    return prove(structure(ORIGINAL), structure(result), [(GROUP,)] * count)


def test_scoped_query_is_proven() -> None:
    assert holds(SCOPED) is True
    assert holds(SCOPED.replace("sum by (a)", "sum\n by(a) # all\n")) is True


TAMPERED = [
    ('y{group_id="g"}', "y"),
    ('y{group_id="g"}', 'y{group_id="h"}'),
    ('y{group_id="g"}', 'y{group_id!="g"}'),
    ('y{group_id="g"}', 'y{group_id=~"g"}'),
    ('y{group_id="g"}', 'y{group="g"}'),
    ('y{group_id="g"}', 'y{group_id="g",group_id="g"}'),
    ('y{group_id="g"}', 'w{group_id="g"}'),
    ('a="b",', ""),
    ('a="b",', 'a="c",'),
    ('a="b",', 'a="",'),
    ('a="b",', 'a=~"b",'),
    ("[5m]", "[6m]"),
    ("[5m]", "[5m:]"),
    (" offset 1m", " offset -1m"),
    (" offset 1m", ""),
    ("@ 5", "@ 6"),
    ("@ 5", "@ end()"),
    ("rate(", "irate("),
    ("sum by", "avg by"),
    ("sum by", "sum without"),
    ("by (a)", "by (a, b)"),
    ("on (a)", "ignoring (a)"),
    ("on (a)", "on (b)"),
    ("group_left (c)", "group_right (c)"),
    ("group_left (c)", "group_left (d)"),
    ("group_left (c)", ""),
    (" / ", " * "),
    ("bool ", ""),
    ("> bool 1", "> bool 2"),
    (" or ", " and "),
    ('"$1"', '"$2"'),
    ("label_replace(", "(label_replace("),
    (" or ", " or x or "),
]


@pytest.mark.parametrize(("part", "other"), TAMPERED)
def test_anything_else_is_not_proven(part: str, other: str) -> None:
    assert part in SCOPED
    result = SCOPED.replace(part, other, 1)
    assert holds(result + ")" if result.count("(") > result.count(")") else result) is False


def test_number_of_selectors_must_agree() -> None:
    assert holds(SCOPED, count=2) is False
    assert holds(SCOPED, count=4) is False


NEWER = [
    ("x[5m * 2]", "x[5m * 3]"),
    ("x offset (1h - 5m)", "x offset (1h - 6m)"),
    ("x @ -5", "x @ -6"),
    ("x > 1_000", "x > 1_001"),
    ("x + fill(0) y", "x + fill(1) y"),
    ("x + fill_left(0) y", "x + fill_right(0) y"),
    ("x{a=~`\\d`}", "x{a=~`\\w`}"),
    ('{"a.b"}', '{"a.c"}'),
    ('{"a.b"="c"}', '{"a.c"="c"}'),
]


@pytest.mark.parametrize(("one", "other"), NEWER)
def test_placeholders_keep_differences(one: str, other: str) -> None:
    count = len(structure(one).selectors)
    assert prove(structure(one), structure(one), [()] * count) is True
    assert prove(structure(one), structure(other), [()] * count) is False


def test_query_without_its_proof_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rulecompiler.promql.shapes.prove", lambda *_: False)
    (problem,) = cast(tuple[Problem, ...], scope_text("never_seen_before > 5", (GROUP,)))
    assert isinstance(problem, Problem)
    assert (problem.code, problem.start, problem.end) == ("RC507", 0, 21)


class PanicException(BaseException):
    """What the library raises when its Rust breaks down."""


def test_panic_of_the_library_is_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    def panic(*_: object) -> None:
        raise PanicException

    query = structure("up")
    monkeypatch.setattr("rulecompiler.promql.proof._same_but_selectors", panic)
    assert prove(query, query, [()]) is False
    monkeypatch.setattr("promql_parser.parse", panic)
    assert isinstance(prove(query, query, [()]), Unparsed)


def test_interrupt_is_not_taken_for_a_panic(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    query = structure("up")
    monkeypatch.setattr("promql_parser.parse", interrupt)
    with pytest.raises(KeyboardInterrupt):
        prove(query, query, [()])
