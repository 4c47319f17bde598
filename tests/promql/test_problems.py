"""What is refused, why, and at which characters."""

from __future__ import annotations

from typing import cast

import pytest

from rulecompiler.model import Matcher
from rulecompiler.promql import Problem, scope_text

GROUP = (Matcher("group_id", "=", "g"),)

# The part of the query that is marked, between « and ».
SYNTAX = [
    ("«»", "the query is empty"),
    ("up «==»", "ends after `==`"),
    ("sum«(»rate(x[5m])", "`(` is never closed"),
    ("sum(x)«)»", "closes nothing"),
    ("rate(x[5m«)» == 0", "`]`"),
    ("x«[»5m", "`[` is never closed"),
    ("x[5m * «)»]", "a duration"),
    ("x offset min(1m«)»", "`)` stands"),
    ("x offset («-»", "a duration should follow"),
    ("x[step«]»", "`(`"),
    ('foo«{»a="b"', "`{` is never closed"),
    ("foo{a=«b»}", "a value in quotes"),
    ('foo{a="b" «c»="d"}', "`,` or `}`"),
    ("foo{«,»}", "a label or `}`"),
    ("foo{a«:»b}", "between braces"),
    ("foo «bar»", "an operator"),
    ("foo «=» 5", "cannot stand here|an operator"),
    ("foo and «on»", "an expression"),
    ("(«)»", "an expression"),
    ("sum by («5») (x)", "a label"),
    ("sum(x) by «a»", "`(`"),
    ("sum(x, «)»", "an expression"),
    ("x > «5mm»", "neither a number nor a duration"),
    ("x > «1.2.3»", "neither a number nor a duration"),
    ("x[«$»5m]", "between brackets"),
    ("x[«]»", "a duration"),
    ("x[«foo»]", "a duration"),
    ('x{a=«"b}»', "not closed"),
    ("x{a=«'b»\n'}", "not closed"),
    ("x{a=«`b}»", "not closed"),
    (r'x{a="«\d»"}', "not an escape"),
    (r"x{a='«\"»'}", "not an escape"),
    ("x >«\u00a0»5", "U+00A0"),
    ("x{a=«“»b”}", "cannot stand here"),
    ("x{a=«b»”}", "a value in quotes"),
    ("x«\x00»", "U+0000"),
    ('x{a="«\ud800»"}', "U+D800"),
    ('x{a="«\ufffd»"}', "U+FFFD"),
    ("x «;» y", "cannot stand here"),
    ("x «offset»", "a duration should follow"),
    ("x @ «foo»", "a timestamp"),
]


def split(marked: str) -> tuple[str, int, int]:
    start, end = marked.index("«"), marked.index("»") - 1
    return marked.replace("«", "").replace("»", ""), start, end


def only(expr: str, **kwargs: frozenset[str]) -> Problem:
    result = scope_text(expr, GROUP, **kwargs)
    assert len(result) == 1, result
    (problem,) = result
    assert isinstance(problem, Problem)
    return problem


@pytest.mark.parametrize(("marked", "message"), SYNTAX)
def test_broken_syntax(marked: str, message: str) -> None:
    expr, start, end = split(marked)
    problem = only(expr)
    assert problem.code == "RC501", problem
    assert any(part in problem.message for part in message.split("|")), problem
    assert (problem.start, problem.end) == (start, end), problem


MEANING = [
    ("sum(«rate(x)») > 5", "expected type matrix"),
    ("1 + «rat»(x[5m])", "no function rat"),
    ("abs(«round(x, 1, 2)»)", "argument"),
    ("«topk(x)»", "wrong number of arguments"),
    ("x + «{}»", "non-empty matcher"),
    ('x + «{a=~".*"}»', "non-empty matcher"),
    ("rate(x[«1m5h»])", "not a valid duration"),
    ("rate(x[«0s»])", "greater than 0"),
    ("rate(x[«293y»])", "longer than"),
    ("x offset -«1e300»", "longer than"),
    ("x[«0xFFFFFFFFFFFF»]", "longer than"),
    ("x[5m + «9999999999999y»]", "longer than"),
    ("x > «" + "9" * 300 + "y»", "longer than"),
    ('x{a=~«"("»}', "regular expression"),
    ('x{a!~«"(?=a)"»}', "regular expression"),
    ('abs(«x{__name__="y"}»)', "must not be set"),
    ("«1 == 1»", "must use BOOL"),
    ("«x and 1»", "set operator"),
    ('«-"a"»', "unary expression"),
]


@pytest.mark.parametrize(("marked", "message"), MEANING)
def test_well_formed_nonsense(marked: str, message: str) -> None:
    expr, start, end = split(marked)
    problem = only(expr)
    assert problem.code == "RC503", problem
    assert message in problem.message
    assert (problem.start, problem.end) == (start, end), problem


@pytest.mark.parametrize(
    ("marked", "help"),
    [
        ("up «&»& down", "`and`"),
        ("up «&»gt; 5", "&gt;"),
        ('{job="x"} «|»= "error"', "LogQL"),
        ("rate(x[«$»__rate_interval])", "${name}"),
        ("up > «$»threshold", "${name}"),
    ],
)
def test_other_languages(marked: str, help: str) -> None:
    expr, start, end = split(marked)
    problem = only(expr)
    assert (problem.code, problem.start, problem.end) == ("RC501", start, end)
    assert help in problem.help


@pytest.mark.parametrize("expr", ["vector(1)", "time() > bool 5", "1", '"a"'])
def test_nothing_to_scope(expr: str) -> None:
    problem = only(expr)
    assert (problem.code, problem.start, problem.end) == ("RC504", 0, len(expr))
    assert "scope: false" in problem.help


CONTRADICTIONS = [
    ('up{«group_id="h"»}', GROUP),
    ('up{a="b", «group_id=""»}', GROUP),
    ('up{«group_id=~"h|i"»}', GROUP),
    ('up{«group_id!="g"»}', GROUP),
    ('up{«group_id!~"[a-z]"»}', GROUP),
    ('up{«group_id=~"h.*"»}', GROUP),
    ('up{«group_id="h"»}', (Matcher("group_id", "!~", "h|i"),)),
    ('up{«group_id="h"»}', (Matcher("group_id", "!=", "h"),)),
    ('up{«group_id=~"h|i"»}', (Matcher("group_id", "!~", "h|i|j"),)),
    ('up{«group_id!~"h|i|j"»}', (Matcher("group_id", "=~", "h|i"),)),
    ('up{«group_id!=""»}', (Matcher("group_id", "=", ""),)),
    ('up{«group_id="i"»}', (Matcher("group_id", "=~", "g|h"), Matcher("group_id", "!=", "h"))),
]


@pytest.mark.parametrize(("marked", "scope"), CONTRADICTIONS)
def test_author_matcher_that_cannot_agree(marked: str, scope: tuple[Matcher, ...]) -> None:
    expr, start, end = split(marked)
    (problem,) = cast(tuple[Problem, ...], scope_text(expr, scope))
    assert isinstance(problem, Problem)
    assert (problem.code, problem.start, problem.end) == ("RC505", start, end)


def test_every_contradiction_is_reported() -> None:
    problems = scope_text('a{group_id="h"} + b{group_id="g"} + c{group_id="i"}', GROUP)
    assert [p.start for p in problems if isinstance(p, Problem)] == [2, 38]


def test_unscoped_name_that_is_not_there() -> None:
    problem = only("kube_node_info + up", unscoped=frozenset({"kube_node_inf"}))
    assert problem.code == "RC506"
    assert "did you mean kube_node_info?" in problem.help


@pytest.mark.parametrize(
    "matcher", [Matcher("a", "=~", "("), Matcher("", "=", "b"), Matcher("a", "=", "\ud800")]
)
def test_scope_that_cannot_be_written(matcher: Matcher) -> None:
    (problem,) = cast(tuple[Problem, ...], scope_text("up", (matcher,)))
    assert isinstance(problem, Problem)
    assert problem.code == "RC509"


HOSTILE = [
    "(" * 10_000 + "x" + ")" * 10_000,
    "x" + " + x" * 10_000,
    "-" * 60_000 + "x",
    "x" + "^2" * 10_000,
    "abs(" * 10_000 + "x" + ")" * 10_000,
    "x" + "[5m:]" * 10_000,
    "x offset (" + "(" * 20_000 + "1m" + ")" * 20_000 + ")",
    "x" * 70_000,
]


@pytest.mark.parametrize("expr", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_sizes_are_refused_before_the_library_sees_them(expr: str) -> None:
    assert only(expr).code == "RC508"


LARGE = [
    "x{" + 'a="b",' * 10_000 + "}",
    'x{a="' + "y" * 65_000 + '"}',
    "sum by (" + "a," * 20_000 + ") (x)",
    "x # " + "y" * 60_000,
]


@pytest.mark.parametrize("expr", LARGE, ids=range(len(LARGE)))
def test_large_but_flat_queries_are_scoped(expr: str) -> None:
    assert 'group_id="g"' in getattr(scope_text(expr, GROUP), "text", "")
