from __future__ import annotations

import pytest

from rulecompiler.labelflow import Analysis, Flow, describe
from rulecompiler.model import Matcher
from rulecompiler.promql.tree import Aggregate, Binary, Call, Node, Selector, tree, walk

SCOPE = (Matcher("team", "=", "sre"),)


def read(query: str) -> Node:
    node = tree(query)
    assert node is not None, query
    return node


def flow(query: str) -> Flow:
    return Analysis(
        SCOPE, frozenset({"free"}), {"r:x": Flow(frozenset({"team"}), frozenset({"team", "job"}))}
    ).of(read(query))


def shown(found: Flow) -> str:
    """`sure; others that may be`, or `...` for anything; `-x` is certainly not there."""
    rest = "..." if found.only is None else " ".join(sorted(found.only - found.sure))
    return "; ".join(
        [" ".join(sorted(found.sure)), " ".join([rest, *(f"-{n}" for n in sorted(found.never))])]
    )


@pytest.mark.parametrize(
    ("query", "labels"),
    [
        ("x", "__name__ team; ..."),
        ("free", "__name__; ..."),
        ("{a='1'}", "a team; ..."),
        ("x{a='1', b=~'2|3', c!='', d!~'', e=''}", "__name__ a b c d team; ... -e"),
        ("x{a!='1', b=~'.*', c!~'z'}", "__name__ team; ..."),
        ("r:x", "__name__ team; job"),
        ("-x", "team; ... -__name__"),
        ("rate(x[5m])", "team; ... -__name__"),
        ("last_over_time(x[5m])", "__name__ team; ..."),
        ("sort(x)", "__name__ team; ..."),
        ("max_over_time(rate(x[5m])[1h:])", "team; ... -__name__"),
        ("sum(x)", "; "),
        ("sum by (a) (x)", "; a"),
        ("sum by (team, a) (x)", "team; a"),
        ("sum by (a, b) (sum by (b, c) (x))", "; b"),
        ("sum without (a) (x)", "team; ... -__name__ -a"),
        ("sum without (a) (sum by (a, b) (x))", "; b"),
        ("topk(3, x)", "__name__ team; ..."),
        ("bottomk by (a) (3, sum by (a, b) (x))", "; a b"),
        ("count_values('v', x)", "v; "),
        ("count_values by (a) ('v', x)", "v; a"),
        ("absent(x{a='1', b=~'2'})", "a team; "),
        ("absent(x{a='1', a='2'})", "team; "),
        ("absent(sum(x))", "; "),
        ("absent_over_time(x[5m])", "team; "),
        ("vector(1)", "; "),
        ("time()", "; "),
        ("hour()", "; "),
        ("hour(x)", "team; ... -__name__"),
        ("histogram_quantile(0.9, sum by (le, a) (x))", "; a"),
        ("histogram_quantile(0.9, x)", "team; ... -__name__ -le"),
        ("label_replace(sum(x), 'a', '$1', 'b', '(.*)')", "; a"),
        ("label_replace(x{a='1'}, 'a', '2', 'b', 'c')", "__name__ a team; ..."),
        ("label_replace(x{a='1'}, 'a', '$1', 'b', 'c')", "__name__ team; ..."),
        ("label_join(sum by (a) (x), 'b', '-', 'a')", "; a b"),
        ("info(x)", "; ..."),
        ("x > 1", "__name__ team; ..."),
        ("x > bool 1", "team; ... -__name__"),
        ("1 < x", "__name__ team; ..."),
        ("x * 2", "team; ... -__name__"),
        ("1 > bool 2", "; "),
        ("x + y", "team; ... -__name__"),
        ("x + y{a='1'}", "a team; ... -__name__"),
        ("x{a=''} + y", "team; ... -__name__ -a"),
        ("x + sum by (team, a) (y)", "team; a"),
        ("x + ignoring (b) sum by (team, a) (y)", "team; a"),
        ("x > ignoring (b) y", "__name__ team; ... -b"),
        ("x + on (a) y", "; a"),
        ("x > on (a) y", "; a"),
        ("x + on (a, team) y", "team; a"),
        ("x > y", "__name__ team; ..."),
        ("x * on (a) group_left (b) y", "team; ... -__name__"),
        ("x * on (a) group_left (b) y{b!=''}", "b team; ... -__name__"),
        ("x * on (a) group_left (b) sum by (a) (y)", "team; ... -__name__ -b"),
        ("x > on (a) group_left () y", "__name__ team; ..."),
        ("sum by (a) (x) * on (a) group_right (b) y{c='1'}", "c team; ... -__name__ -b"),
        ("sum by (a, c) (x) * on (a) group_left (b) y", "; a b c"),
        ("sum by (a) (x) * on (a) group_left sum by (a, c) (y)", "; a"),
        ("x and y{a='1'}", "__name__ a team; ..."),
        ("x and on (b) y{a='1'}", "__name__ team; ..."),
        ("x and on (b) y{b='1'}", "__name__ b team; ..."),
        ("x and on () sum(y)", "__name__ team; ..."),
        ("x and on (a, b) sum by (a) (y)", "__name__ team; ... -b"),
        ("sum by (a) (x) unless sum by (a) (y)", "; a"),
        ("x or y{a='1'}", "__name__ team; ..."),
        ("sum by (a) (x) or sum by (b) (x)", "; a b"),
        ("x{a=''} or sum by (b) (x)", "; ... -a"),
        ("x{a=''} or sum by (a) (x)", "; ..."),
    ],
)
def test_labels(query: str, labels: str) -> None:
    assert shown(flow(query)).strip() == labels.strip()


@pytest.mark.parametrize(
    ("query", "filters"),
    [
        ("x", False),
        ("x > 1", True),
        ("x > bool 1", False),
        ("x > y", True),
        ("x == bool y", False),
        ("x and y", True),
        ("x unless y", True),
        ("x or y", False),
        ("x > 1 or y", False),
        ("x > 1 or y > 1", True),
        ("sum(x > 1)", True),
        ("(x > 1) * 2", True),
        ("rate(x[5m])", False),
        ("absent(x)", True),
        ("absent(sum(x))", True),
        ("ALERTS{alertname='A'}", True),
        ("count(ALERTS)", True),
        ("vector(1)", False),
        ("2 > bool 1", False),
        ("info(x > 1)", True),
        ("topk(3, x)", False),
    ],
)
def test_whether_a_query_tells_good_from_bad(query: str, filters: bool) -> None:
    assert flow(query).filters is filters


MEETS = [
    "x / y",
    "x{a='1'} / y",
    "x{a='1'} / y{a=~'2'}",
    "x{a='1'} / ignoring (a) y{a='2'}",
    "x{a='1'} / on (b) y{a='2'}",
    "x{a='1'} or y{a='2'}",
    "sum by (a) (x) / sum by (a) (y)",
    "sum by (a) (x) / on (a) group_left sum by (a, b) (y)",
    "sum by (a) (x) / on (b) sum by (a) (y)",
    "sum(x) / sum(y)",
    "sum(x) / 2",
    "label_replace(x{a='1'}, 'a', '2', '', '') / y{a='2'}",
    "x unless on (b) y{a='1'}",
    "x + fill (0) sum(y)",
]


@pytest.mark.parametrize("query", MEETS)
def test_sides_that_may_meet(query: str) -> None:
    node = read(query)
    assert not isinstance(node, Binary) or Analysis().clash(node) is None
    assert not Analysis().of(node).empty


@pytest.mark.parametrize(
    ("query", "label", "certain"),
    [
        ("x{a='1'} / y{a='2'}", "a", True),
        ("rate(x{a='1'}[5m]) > rate(y{a='2'}[5m])", "a", True),
        ("x{a='1'} / on (a) y{a='2'}", "a", True),
        ("x{a='1'} and y{a='2'}", "a", True),
        ("x{a='1'} unless y{a='2'}", "a", True),
        ("x{a='1'} / sum(y)", "a", True),
        ("sum(x) / y{a='1'}", "a", True),
        ("x{a='1'} / on (a) sum by (b) (y)", "a", True),
        ("x / on (a) sum by (b) (y{b='1'})", "a", None),
        ("sum by (a) (x) / sum by (a, b) (y)", "b", False),
        ("sum by (a, b) (x) / sum by (a) (y)", "b", False),
        ("sum by (a) (x) / on (a, b) sum by (a, b) (y)", "b", False),
        ("sum by (a) (x) > sum(y)", "a", False),
    ],
)
def test_sides_that_cannot_meet(query: str, label: str, certain: bool | None) -> None:
    node = read(query)
    assert isinstance(node, Binary)
    found = Analysis().clash(node)
    assert (found and (found.label, found.certain)) == (None if certain is None else (label, certain))
    assert Analysis().of(node).empty == (certain is True and node.op != "unless")


@pytest.mark.parametrize(
    ("query", "empty"),
    [
        ("sum(x{a='1'} / y{a='2'}) > 1", True),
        ("x{a='1'} / y{a='2'} or x", False),
        ("absent(x{a='1'} / y{a='2'})", False),
        ("x unless (x{a='1'} / y{a='2'})", False),
        ("x and (x{a='1'} / y{a='2'})", True),
    ],
)
def test_what_never_has_a_result(query: str, empty: bool) -> None:
    assert flow(query).empty is empty


@pytest.mark.parametrize(
    ("query", "label", "part"),
    [
        ("sum by (job) (rate(x[5m])) > 1", "pod", "sum by (job)"),
        ("sum(x) / sum without (b) (y)", "pod", "sum"),
        ("x > on (a) y", "pod", "> on (a)"),
        ("x > ignoring (a) y", "a", "> ignoring (a)"),
        ("absent(x)", "pod", "absent"),
        ("x{a=''} > 1", "a", "x"),
        ("{a='', b='1'} > 1", "a", "{…}"),
        ("vector(1)", "a", "vector"),
        ("-vector(1)", "a", "vector"),
        ("rate(x[5m]) > 1", "__name__", "rate"),
        ("x + y", "__name__", "+"),
        ("-x", "__name__", "the expression"),
    ],
)
def test_who_loses_a_label(query: str, label: str, part: str) -> None:
    node = read(query)
    analysis = Analysis()
    assert not analysis.of(node).may(label)
    assert describe(analysis.loser(node, label)) == part


def test_the_tree() -> None:
    assert tree("sum(") is None
    binary = read('count_values("v", x) == bool on (a) group_right (b) (rate(y[5m:1m]))')
    assert isinstance(binary, Binary)
    assert (binary.bool_, binary.on, binary.cardinality, binary.include) == (
        True,
        ("a",),
        "one to many",
        ("b",),
    )
    aggregate = read("quantile without (a) (0.9, x)")
    assert isinstance(aggregate, Aggregate)
    assert (aggregate.by, aggregate.without) == (None, ("a",))
    call = read('label_replace({"m.x"}, "l-b", "$1", "", "")')
    assert isinstance(call, Call)
    assert call.labels == ("l-b", "$1", "", "")
    assert [type(part).__name__ for part in walk(read("-max_over_time(x[5m:1m]) and +y @ 3"))] == [
        "Binary",
        "Negation",
        "Call",
        "Subquery",
        "Selector",
        "Selector",
    ]
    windows = [
        part
        for part in walk(read("rate(x[5m]) + rate(x[5m + 1m]) + x offset 1h"))
        if isinstance(part, Selector)
    ]
    assert [(part.window, part.shifted) for part in windows] == [(300, False), (-1, False), (None, True)]
