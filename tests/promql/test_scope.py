"""What a scope changes in a query, and what it must leave alone."""

from __future__ import annotations

import pytest

from rulecompiler.model import Matcher
from rulecompiler.promql import Query, ScopedQuery, prepare, scope_text

GROUP = (Matcher("group_id", "=", "g"),)


def scoped(expr: str, *matchers: Matcher, unscoped: frozenset[str] = frozenset()) -> ScopedQuery:
    result = scope_text(expr, matchers or GROUP, unscoped=unscoped)
    assert isinstance(result, ScopedQuery), result
    assert result.original == expr
    return result


CHANGES = {
    # names and braces
    "up": 'up{group_id="g"}',
    "up{}": 'up{group_id="g"}',
    "up{ }": 'up{group_id="g" }',
    'up{a="b"}': 'up{a="b",group_id="g"}',
    'up{a="b",}': 'up{a="b",group_id="g",}',
    'up{a="b" , c="d"}': 'up{a="b" , c="d", group_id="g"}',
    'up{a="b", c="d"}': 'up{a="b", c="d", group_id="g"}',
    '{__name__=~"node_.+"}': '{__name__=~"node_.+",group_id="g"}',
    '{"my.metric", "a.b"="c"}': '{"my.metric", "a.b"="c", group_id="g"}',
    '{"my.metric"}': '{"my.metric",group_id="g"}',
    "job:up:sum > :lead": 'job:up:sum{group_id="g"} > :lead{group_id="g"}',
    'up {a="b"}': 'up {a="b",group_id="g"}',
    # metrics named like keywords, beside the keywords
    'sum{a="b"}': 'sum{a="b",group_id="g"}',
    "sum(sum) by (sum)": 'sum(sum{group_id="g"}) by (sum)',
    "by + offset offset 5m": 'by{group_id="g"} + offset{group_id="g"} offset 5m',
    "and and and": 'and{group_id="g"} and and{group_id="g"}',
    "start + end @ end()": 'start{group_id="g"} + end{group_id="g"} @ end()',
    "fill + fill": 'fill{group_id="g"} + fill{group_id="g"}',
    "SUM BY (a) (x)": 'SUM BY (a) (x{group_id="g"})',
    # lists of labels
    "avg by (a, b) (x) / on (a) group_left y": (
        'avg by (a, b) (x{group_id="g"}) / on (a) group_left y{group_id="g"}'
    ),
    "x * ignoring(a) group_right (b) y": 'x{group_id="g"} * ignoring(a) group_right (b) y{group_id="g"}',
    "sum without () (x)": 'sum without () (x{group_id="g"})',
    "sum(x) by (a,)": 'sum(x{group_id="g"}) by (a,)',
    'sum by ("a.b") (x)': 'sum by ("a.b") (x{group_id="g"})',
    "x == bool on (a) y": 'x{group_id="g"} == bool on (a) y{group_id="g"}',
    # ranges, offsets, times
    "rate(x[5m])": 'rate(x{group_id="g"}[5m])',
    "max_over_time(rate(x[5m])[1h:])": 'max_over_time(rate(x{group_id="g"}[5m])[1h:])',
    "x[ 1h30m : 30s ]": 'x{group_id="g"}[ 1h30m : 30s ]',
    "x offset -5m @ 123.5": 'x{group_id="g"} offset -5m @ 123.5',
    "x @ -100": 'x{group_id="g"} @ -100',
    "x @ start()": 'x{group_id="g"} @ start()',
    # numbers, strings, functions
    "holt_winters(x[10m], 0.5, 0.5)": 'holt_winters(x{group_id="g"}[10m], 0.5, 0.5)',
    "holt_winters + x": 'holt_winters{group_id="g"} + x{group_id="g"}',
    "x > 0x1F + .5 + 1e-3 + 1_000 + Inf + nan": 'x{group_id="g"} > 0x1F + .5 + 1e-3 + 1_000 + Inf + nan',
    'label_replace(x, "a", "$1{y}", `b`, \'(.*)\')': (
        'label_replace(x{group_id="g"}, "a", "$1{y}", `b`, \'(.*)\')'
    ),
    "absent(x) or absent_over_time(y[5m])": (
        'absent(x{group_id="g"}) or absent_over_time(y{group_id="g"}[5m])'
    ),
    "topk(scalar(x), y)": 'topk(scalar(x{group_id="g"}), y{group_id="g"})',
    "-x ^ -y atan2 z": '-x{group_id="g"} ^ -y{group_id="g"} atan2 z{group_id="g"}',
    'ALERTS{alertname="A"}': 'ALERTS{alertname="A",group_id="g"}',
    "x > 5m": 'x{group_id="g"} > 5m',
    r"x{a=~`\d+\.\d`}": r'x{a=~`\d+\.\d`,group_id="g"}',
    r'x{a=~"\\d{2}\\Q.\\E"}': r'x{a=~"\\d{2}\\Q.\\E",group_id="g"}',
    # what only Prometheus 3 knows
    "rate(x[5m * 2])": 'rate(x{group_id="g"}[5m * 2])',
    "x offset (1h - 5m)": 'x{group_id="g"} offset (1h - 5m)',
    "x[step() * 2:min(step(), 1s)]": 'x{group_id="g"}[step() * 2:min(step(), 1s)]',
    "rate(x[5m] smoothed) + increase(y[5m] anchored)": (
        'rate(x{group_id="g"}[5m] smoothed) + increase(y{group_id="g"}[5m] anchored)'
    ),
    "x + on (a) fill_left(0) fill_right (-1) y": (
        'x{group_id="g"} + on (a) fill_left(0) fill_right (-1) y{group_id="g"}'
    ),
    # the selector of info() chooses labels, and a scope there would drop those that it adds
    'info(x, {k8s="y"})': 'info(x{group_id="g"}, {k8s="y"})',
    # comments and line breaks
    "x # not {this}\n+ y": 'x{group_id="g"} # not {this}\n+ y{group_id="g"}',
    "x #": 'x{group_id="g"} #',
    'x{ # why\n  a="b" # c\n}': 'x{ # why\n  a="b", group_id="g" # c\n}',
    "x{ # why\n}": 'x{group_id="g" # why\n}',
    'x{\n  a="b",\n  c="d"\n}': 'x{\n  a="b",\n  c="d",\n  group_id="g"\n}',
    'x{\r\n\ta="b",\r\n\tc="d",\r\n}': 'x{\r\n\ta="b",\r\n\tc="d",\r\n\tgroup_id="g",\r\n}',
    'x{\n  a="b",\n  c="d", # why\n}': 'x{\n  a="b",\n  c="d", group_id="g", # why\n}',
    "sum(\n  x\n) > 0\n": 'sum(\n  x{group_id="g"}\n) > 0\n',
    "x % 5 # 100%": 'x{group_id="g"} % 5 # 100%',
}


@pytest.mark.parametrize(("expr", "result"), CHANGES.items())
def test_scope_goes_into_every_selector(expr: str, result: str) -> None:
    assert scoped(expr) == ScopedQuery(result, True, expr)


AGREEING = {
    'up{group_id="g"}': 'up{group_id="g"}',
    "up{group_id='g'} + up": "up{group_id='g'} + up{group_id=\"g\"}",
    'up{group_id=~"g|h"}': 'up{group_id=~"g|h",group_id="g"}',
    'up{group_id!="h"}': 'up{group_id!="h",group_id="g"}',
    'up{group_id!~"h.*"}': 'up{group_id!~"h.*",group_id="g"}',
    'up{group_id!=""}': 'up{group_id!="",group_id="g"}',
}


@pytest.mark.parametrize(("expr", "result"), AGREEING.items())
def test_author_matcher_that_agrees_stays(expr: str, result: str) -> None:
    assert scoped(expr).text == result


def test_unscoped_metrics_are_left_alone() -> None:
    expr = 'up * on (node) kube_node_info{a="b"} + {__name__="kube_node_info"} + {"kube_node_info"}'
    result = scoped(expr, unscoped=frozenset({"kube_node_info"}))
    assert result.text == expr.replace("up ", 'up{group_id="g"} ')
    assert result.proven


def test_unscoped_metric_may_contradict() -> None:
    expr = 'up + kube{group_id="other"}'
    assert scoped(expr, unscoped=frozenset({"kube"})).text == 'up{group_id="g"} + kube{group_id="other"}'


@pytest.mark.parametrize(
    ("matchers", "text"),
    [
        ((), "up"),
        ((Matcher("a", "=", 'x"\\\n\x01é'),), r'up{a="x\"\\\n\x01é"}'),
        ((Matcher("a.b", "=", "c"),), 'up{"a.b"="c"}'),
        ((Matcher("a", "=", ""), Matcher("b", "=~", ".*")), 'up{a="",b=~".*"}'),
        ((Matcher("a", "=", "g"), Matcher("a", "!~", "g|h")), 'up{a="g",a!~"g|h"}'),
        ((Matcher("a", "=", "g"), Matcher("a", "=", "g")), 'up{a="g"}'),
        ((Matcher("a", "!=", "%s"), Matcher("b", "=", "100%")), 'up{a!="%s",b="100%"}'),
    ],
)
def test_scope_may_be_any_matchers(matchers: tuple[Matcher, ...], text: str) -> None:
    assert scope_text("up", matchers) == ScopedQuery(text, True, "up")


def test_several_matchers_follow_the_authors_style() -> None:
    result = scoped('x{\n  a="b"\n}', Matcher("c", "=", "d"), Matcher("e", "=", "f"))
    assert result.text == 'x{\n  a="b",\n  c="d",\n  e="f"\n}'
    assert scoped('x{a="b", c="d"} + y', *GROUP, Matcher("e", "=", "f")).text == (
        'x{a="b", c="d", group_id="g", e="f"} + y{group_id="g", e="f"}'
    )


UNTOUCHED = ["vector(1)", "time() > bool 5", "up{group_id='other'} == 1", "1 + 1", "rate(x[5m] smoothed)"]


@pytest.mark.parametrize("expr", UNTOUCHED)
def test_unscoped_query_is_left_alone(expr: str, render) -> None:  # type: ignore[no-untyped-def]
    query = prepare(render(expr), scoped=False)
    assert isinstance(query, Query)
    assert query.scope(GROUP) == ScopedQuery(expr, True, expr, narrowed=False)


def test_metrics_are_the_names_selected(render) -> None:  # type: ignore[no-untyped-def]
    query = prepare(render('sum(a) + {__name__="b"} + {"c.d"} + {__name__=~"e"} + ${s}_f', "x"))
    assert isinstance(query, Query)
    assert query.metrics == {"a", "b", "c.d", "x_f"}


def test_what_the_library_cannot_read_is_unproven_but_scoped() -> None:
    result = scoped("brand_new_function_of_4_0(x)")
    assert result == ScopedQuery('brand_new_function_of_4_0(x{group_id="g"})', False, result.original)
