"""What holds for any query: generated ones, and values of every kind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rulecompiler.model import Matcher
from rulecompiler.promql import Query, ScopedQuery, prepare, same_meaning, scope_text
from rulecompiler.promql.holes import Value
from rulecompiler.promql.lexer import escape, lex, quote, unquote

SCOPE = (Matcher("zz_scope", "=", "g"), Matcher("zz_other", "!~", "a|b"))
INSERTED = re.compile(r'zz_scope="g",\s*zz_other!~"a\|b"')


def gives_back(result: str, expr: str) -> bool:
    """Whether taking the matchers out of `result`, with their comma or their braces, leaves `expr`."""
    first, *rest = INSERTED.split(result)
    states = {(0, first)}
    for piece in rest:
        states = {
            (at + lead.start(), piece[1:] if lead[0] == "{" else piece)
            for at, body in states
            for lead in re.finditer(r"(\{|,\s*|)\Z", body)
            if expr.startswith(body[: lead.start()], at) and (lead[0] != "{" or piece.startswith("}"))
        } | {(at + len(body), piece) for at, body in states if expr.startswith(body, at)}
    return any(expr[at:] == body for at, body in states)


names = st.sampled_from(
    ["up", "sum", "by", "offset", "start", "a:b", ":c", "and", "on_x", "fill", "rate", "x_1"]
)
labels = st.sampled_from(["a", "by", "le", "on", "__x", "offset"])
spaces = st.sampled_from(["", "", "", " ", "\n  ", ' # {x} "\n', "\t", "\r\n"])
gaps = st.sampled_from([" ", " ", "\n", " # or y\n "])
strings = st.text(max_size=8).map(quote) | st.from_regex(r"`[^`\r\x00\ufffd]{0,6}`", fullmatch=True).filter(
    lambda text: text.isprintable()
)
durations = st.sampled_from(["5m", "1h30m", "30s", "100ms", "1d", "2w", "1y"])
numbers = st.sampled_from(["1", "0.5", ".5", "1e3", "0x1F", "1_000", "5", "1E-3", "Inf", "nan"])


@st.composite
def selectors(draw: st.DrawFn) -> str:
    """A vector selector with anything that a selector may have."""
    name = draw(names)
    if draw(st.booleans()):
        return name
    matchers = []
    for label in draw(st.lists(labels, max_size=3, unique=True)):
        op = draw(st.sampled_from(["=", "!=", "=~", "!~"]))
        value = draw(strings) if "~" not in op else draw(st.sampled_from(['"a|b.+"', r"`\d+`", "'x.*'"]))
        space = draw(spaces)
        matchers.append(f"{space}{label}{draw(spaces)}{op}{draw(spaces)}{value}{draw(spaces)}")
    comma = draw(st.sampled_from([",", ""])) if matchers else ""
    return f"{name}{draw(spaces)}{{{','.join(matchers)}{comma}{draw(spaces)}}}"


timed = st.builds(
    "{}{}{}".format,
    selectors(),
    st.sampled_from(["", "", " offset 5m", " offset -1h30m", " @ 5", " @ start()", " offset 5m @ end()"]),
    st.just(""),
)
grouping = st.sampled_from(["", " by (a, on)", " without ()", " by(le,)"])
matching = st.sampled_from(["", " on (a)", " ignoring ()", " on (a) group_left ()", " on(a) group_right (b)"])


def _bigger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    aggregate = st.sampled_from(["sum", "avg", "COUNT", "group", "stddev"])
    arithmetic = st.sampled_from(["+", "-", "*", "/", "%", "^", ">", "==", "!=", "atan2"])
    return st.one_of(
        st.builds("({}{}{})".format, spaces, inner, spaces),
        st.builds("-{}".format, inner),
        st.builds("{}{} ({})".format, aggregate, grouping, inner),
        st.builds("{}({}){}".format, aggregate, inner, grouping),
        st.builds("topk(3, {})".format, inner),
        st.builds("{}({}[{}])".format, st.sampled_from(["rate", "max_over_time"]), selectors(), durations),
        st.builds("max_over_time(({})[{}:{}])".format, inner, durations, durations | st.just("")),
        st.builds("({}){}{}{} ({})".format, inner, gaps, arithmetic, matching, inner),
        st.builds("{}{}{} {}".format, timed, gaps, st.sampled_from(["+", "> bool", "^"]), numbers),
        st.builds("({}) {} ({})".format, inner, st.sampled_from(["and", "or", "unless on (a)"]), inner),
        st.builds("absent({})".format, inner),
        st.builds("({}) / on (a) group_left {}".format, inner, timed),
        st.builds('label_replace({}, "a", "$1", {}, "(.*)")'.format, inner, strings),
    )


queries = st.recursive(timed, _bigger, max_leaves=8)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(queries)
def test_any_query_is_scoped_proven_and_otherwise_unchanged(expr: str) -> None:
    result = scope_text(expr, SCOPE)
    assert isinstance(result, ScopedQuery), result
    assert result.proven
    assert gives_back(result.text, expr)
    assert len(INSERTED.findall(result.text)) > 0
    assert scope_text(result.text, SCOPE) == ScopedQuery(result.text, True, result.text)
    assert same_meaning(expr, expr)
    assert not same_meaning(expr, result.text)


@settings(max_examples=300, deadline=None)
@given(queries)
def test_tokens_are_the_whole_text(expr: str) -> None:
    tokens, fault = lex(expr)
    assert fault is None
    assert "".join(token.text for token in tokens) == expr
    assert all(expr[token.start : token.end] == token.text for token in tokens)


@given(st.text(alphabet=st.characters(codec="utf-8")), st.sampled_from("\"'"))
def test_escaped_text_reads_back(value: str, mark: str) -> None:
    written = f"{mark}{escape(value, mark)}{mark}"
    ((token,), fault) = lex(written)
    assert fault is None
    assert token.text == written
    assert unquote(written) == value


@settings(max_examples=500)
@given(st.text(max_size=40) | st.text(alphabet="x{}[]()\"'`#\\,=~! \n5mor", max_size=40))
def test_no_text_is_too_strange_for_an_answer(expr: str) -> None:
    result = scope_text(expr, SCOPE)
    if isinstance(result, ScopedQuery):
        assert result.text != expr
    else:
        assert all(0 <= p.start <= p.end <= len(expr) for p in result)


TEMPLATES = [
    "x[${n}]",
    "x[${s}]",
    "x[5m:${s}]",
    "x offset ${n}",
    "x @ ${n}",
    "x > ${n}",
    "x ${n}",
    "x > ${s}",
    "x > ${n} ^ 2",
    "x > 1e-${n}",
    "x:${n}",
    '{a="${s}"}',
    '{a!="${s}"}',
    '{a=~"${s}"}',
    '{a!~"${s}"}',
    '{a=~"x${s}"}',
    '{__name__="${s}"}',
    "x_${s}",
    "x:${s} + ${s}:y",
    '{__name__=~"${s}"}',
    'x{__name__="${s}"}',
    '{"${s}"}',
    '{"a.b"="${s}"}',
    "x{a=`${s}`}",
    'x{zz_scope="${s}"}',
    'x{zz_scope=~"${s}"}',
    'x{zz_scope="${s}"} + y{zz_scope="v"}',
    'x{zz_other="${s}"}',
    'sum by ("${s}") (x)',
    "sum by (${s}) (x)",
    "x # ${s}",
    "sum by (job) (rate(x{a=\"${s}\", b!='${s}'}[${s}])) > ${n}",
    'x{a=~"${s}"} offset ${s} > ${n} ^ 2 # ${s}',
    'x{zz_scope="${s}"} * ${n} + y{zz_other!="${s}"} > 1e${n}',
    "x_${s} + ${s} > ${n}${n}",
    'x[${s}:${s}] @ ${n} > 2${s} * label_replace(y, "${s}", `${s}`, "a", "")',
    'x{a="${s}${s}",__name__="${s}"} / ${s}_total',
    '{__name__=~"${s}", a="x", ${s}="${s}"} - ${n}',
    'sum(${p}) > ${n} or x{a="${s}"}',
    'x{a=~"(${s})", b=~"${s}"}[${n}s:] == ${n}',
]
texts = st.one_of(
    st.sampled_from(
        ["", "g", "a", "v", "7", "7m", "v|", "5m", "1h30m", "0s", "0.5", "0.0", "-3", "inf", "or", "up"]
    ),
    st.sampled_from(
        ["a.*", "(", "a|b", "`", '"', "\\", "\\d", "%s", "%", "a\nb", "#", "x y", "}", "é", "\ufffd"]
    ),
    st.from_regex(r"[1-9][0-9]{0,10}(ms|[smhdwy])?", fullmatch=True),
    st.text(max_size=6),
)
figures = st.one_of(
    st.integers().map(str),
    st.floats(allow_nan=False).map(repr),
    st.sampled_from(["0", "0.0001", "-0", "7", "-7", "7.5", "0.0", "+Inf", "-inf", "nan", "1e-05", "0x1F"]),
)
expressions = st.sampled_from(
    ["up", "x + y", "-up", "rate(x[5m])", "x # y", "sum by (a) (x)", "x[5m]", "x +"]
)


def _caches(*modules: str) -> Iterator[Any]:
    for name in modules:
        module = import_module(f"rulecompiler.promql.{name}")
        yield from (value for value in vars(module).values() if hasattr(value, "cache_clear"))


@pytest.mark.parametrize("template", TEMPLATES)
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_remembered_shape_gives_what_a_fresh_look_gives(template: str, data: st.DataObject, render) -> None:  # type: ignore[no-untyped-def]
    kinds = {"s": texts, "n": figures, "p": expressions}
    values = [data.draw(kinds[kind]) for kind in re.findall(r"\$\{([nsp])\}", template)]
    scope = (Matcher("zz_scope", "=", data.draw(texts)), Matcher("zz_other", "!~", "a|b"))
    segments = render(template, *values)
    remembered = _scoped(segments, scope)
    metrics: frozenset[str] = getattr(prepare(segments), "metrics", frozenset())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rulecompiler.promql.query.classify", lambda hole, value: Value(value, None))
        for cache in _caches("query"):
            cache.cache_clear()
        assert _scoped(segments, scope) == remembered
        if isinstance(query := prepare(segments), Query):
            assert query.metrics == metrics
    for cache in _caches("query"):
        cache.cache_clear()
    if isinstance(remembered, ScopedQuery):
        assert scope_text(remembered.original, scope) == remembered


def _scoped(segments: Any, scope: tuple[Matcher, ...]) -> Any:
    query = prepare(segments)
    return query if isinstance(query, tuple) else query.scope(scope)


def test_caches_do_not_grow_with_the_number_of_groups(render) -> None:  # type: ignore[no-untyped-def]
    bounds = [cache.cache_parameters()["maxsize"] for cache in _caches("holes", "query", "regexes")]
    assert all(bounds)
    plans = import_module("rulecompiler.promql.query")._plan
    before = plans.cache_info().currsize
    segments = render('only_here{a="${s}"} > ${n}', "b", "5")
    for number in range(50):
        _scoped(segments, (Matcher("group_id", "=", f"g{number}"),))
    assert plans.cache_info().currsize - before <= 1
