"""Parameters' values in a query: they fill their place and cannot steer."""

from __future__ import annotations

from typing import cast

import pytest

from rulecompiler.model import Matcher, Segment
from rulecompiler.promql import Problem, Query, ScopedQuery, prepare

GROUP = (Matcher("group_id", "=", "g"),)

PLACED = [
    # numbers
    ("x > ${n}", ["80"], "x{} > 80"),
    ("x > ${n}", ["-5"], "x{} > -5"),
    ("x > ${n}", ["1e-05"], "x{} > 1e-05"),
    ("x > ${n}", ["+Inf"], "x{} > +Inf"),
    ("x > ${n} ^ 2", ["-5"], "x{} > (-5) ^ 2"),
    ("x > ${n} # why\n ^ 2", ["-5"], "x{} > (-5) # why\n ^ 2"),
    ("x > ${n} ^ 2", ["5"], "x{} > 5 ^ 2"),
    ("x > 2 ^ ${n}", ["-5"], "x{} > 2 ^ -5"),
    ("x - ${n}", ["-5"], "x{} - -5"),
    ("x > 5${n}", ["3"], "x{} > 53"),
    ("x > 1e${n}", ["-3"], "x{} > 1e-3"),
    ("x > 1e${n} ^ 2", ["-3"], "x{} > 1e-3 ^ 2"),
    ("rate(x[${n}m])", ["5"], "rate(x{}[5m])"),
    ("x offset ${n}m", ["5"], "x{} offset 5m"),
    ("x @ ${n}", ["-7"], "x{} @ -7"),
    ('x{a="${n}"}', ["-5"], 'x{a="-5",}'),
    # durations and names
    ("rate(x[${s}])", ["5m"], "rate(x{}[5m])"),
    ("x[${s}:${s}]", ["1h", "30s"], "x{}[1h:30s]"),
    ("x offset ${s}", ["1h30m"], "x{} offset 1h30m"),
    ("x > ${s}", ["0.5"], "x{} > 0.5"),
    ("node_${s}_bytes", ["memory"], "node_memory_bytes{}"),
    ("${s}:${s}", ["job", "up"], "job:up{}"),
    ("${s}_over_time(x[5m])", ["max"], "max_over_time(x{}[5m])"),
    ("${s} by (${s}) (x)", ["sum", "on"], "sum by (on) (x{})"),
    ('x{${s}="b"}', ["a"], 'x{a="b",}'),
    # inside quotes
    ('x{a="${s}"}', ['"} or vector(1) #'], r'x{a="\"} or vector(1) #",}'),
    ("x{a='${s}'}", ['\'} or "1" #'], "x{a='\\'} or \"1\" #',}"),
    ('x{a="${s}"}', ["\\"], r'x{a="\\",}'),
    ('x{a="${s}"}', ["a\nb\r\t\x00"], r'x{a="a\nb\r\t\x00",}'),
    ('x{a="${s}"}', ["é\u2028\ufffd%s"], 'x{a="é\\u2028\\ufffd%s",}'),
    ('x{a="${s}"}', [""], 'x{a="",}'),
    ('x{a="\\\\${s}"}', ["n"], r'x{a="\\n",}'),
    ("x{a=`${s}`}", [r"\d+\n"], r"x{a=`\d+\n`,}"),
    ('x{a=~"^${s}-${s}$"}', ["a|b", "c.d"], 'x{a=~"^a|b-c.d$",}'),
    ('label_replace(x, "${s}", "$1", "b", "(.*)")', ['a"'], r'label_replace(x{}, "a\"", "$1", "b", "(.*)")'),
    ('{"${s}"}', ["my.metric"], '{"my.metric",}'),
    ('x{a="# ${s}", b="${s}"}', ["1", "2"], 'x{a="# 1", b="2", }'),
    # inside comments
    ("x # above ${n}\n > ${n}", ["5", "5"], "x{} # above 5\n > 5"),
    ("x # ${s}", ["a\n or\r\nvector(1)"], "x{} # a  or vector(1)"),
    # expressions
    ("sum(${p})", ["up"], "sum(up{})"),
    ("rate(${p})", ["x[5m]"], "rate(x{}[5m])"),
    ("${p} * 2", ["a + b"], "(a{} + b{}) * 2"),
    ("${p} ^ 2", ["-a"], "(-a{}) ^ 2"),
    ("${p} offset 5m", ["up"], "up{} offset 5m"),
    ("sum(${p})", [" up # all\n"], "sum(up{} # all\n)"),
    ("sum(${p}) > ${n}", ["a or b # or c", "5"], "sum((a{} or b{} # or c\n)) > 5"),
    ('x{a="${p}"}', ['up{b="c"}'], r'x{a="up{b=\"c\"}",}'),
    ("${p} > 5", ["sum by (job) (up)"], "sum by (job) (up{}) > 5"),
]


def expected(short: str, matcher: str) -> str:
    """`{}` and `,}` in the table stand for the places where the scope goes."""
    return (
        short.replace("{}", f"{{{matcher}}}").replace(", }", f", {matcher}}}").replace(",}", f",{matcher}}}")
    )


@pytest.mark.parametrize(("template", "values", "result"), PLACED)
def test_values_fill_their_place(template: str, values: list[str], result: str, render) -> None:  # type: ignore[no-untyped-def]
    query = prepare(render(template, *values))
    assert isinstance(query, Query), query
    scoped = query.scope(GROUP)
    assert isinstance(scoped, ScopedQuery)
    assert scoped.text == expected(result, 'group_id="g"')
    assert scoped.proven


BREAKOUTS = [
    ("x > «${s}»", '"} or vector(1) #'),
    ("x > «${s}»", "5 or y"),
    ("x > «${s}»", "y[5m]"),
    ("x > «${s}»", "-5"),
    ("x > «${s}»", ""),
    ("x > «${s}»", "5\n"),
    ("x > «${s}»", "5 # "),
    ("x > «${s}»", "٥"),
    ("x > «${s}»", "inf"),
    ("x «${s}» y", "or"),
    ("x «${s}» y", "UNLESS"),
    ("x > «${s}» y", "bool"),
    ("x «${s}» 5m", "offset"),
    ("x @ «${s}»()", "end"),
    ("sum «${s}» (a) (x)", "by"),
    ("x + «${s}»(a) y", "on"),
    ("rate(x[«${s}»])", "5m:1m"),
    ("rate(x[«${s}»])", "5m] offset 5m"),
    ("rate(x[${s}«${s}»])", "5", "m:1m"),
    ("node_«${s}»_bytes", "a b"),
    ("x{a=`«${s}»`}", "b` or c=`d"),
    ("x{a=`«${s}»`}", "a\rb"),
    ('x{a="\\«${s}»"}', "n"),
    ('x{a="\\x4«${s}»"}', "1"),
    ('x{a="«${s}»"}', "\ud800"),
    ("x «${n}»", "-5"),
    ("x > 5«${n}»", "-5"),
    ("x > «${n}»", "5 or y"),
    ("x > «${n}»", "0x"),
    ("sum(«${p}»)", "x) or (y"),
    ("sum(«${p}»)", "x, y"),
    ("sum(«${p}»)", "x +"),
    ("sum(«${p}»)", "'x"),
    ("sum(«${p}»)", "# x"),
    ('«${p}»{a="b"}', "up"),
    ("«${p}»(x)", "sum"),
    ("rate«${p}»", "(x[5m])"),
    ("rate_«${p}»", "x"),
    ("«${p}» by (a)", "sum(x)"),
    ("sum «${p}» (a) (x)", "by"),
]


@pytest.mark.parametrize("case", BREAKOUTS, ids=repr)
def test_values_cannot_break_out(case: tuple[str, ...], render) -> None:  # type: ignore[no-untyped-def]
    marked, *values = case
    start, end = marked.index("«"), marked.index("»") - 1
    problems = prepare(render(marked.replace("«", "").replace("»", ""), *values))
    assert isinstance(problems, tuple), problems
    (problem,) = problems
    assert isinstance(problem, Problem)
    assert problem.code == "RC502", problem
    assert (problem.start, problem.end) == (start, end), problem


def test_fault_of_the_text_behind_a_long_value_is_at_its_own_place(render) -> None:  # type: ignore[no-untyped-def]
    template = 'x{a="${s}"} > ${n} + rat(x[5m])'
    problems = prepare(render(template, "v" * 100, "123456"))
    assert isinstance(problems, tuple)
    assert (problems[0].start, problems[0].end) == (template.index("rat"), template.index("rat") + 3)


def test_neighbouring_texts_keep_their_own_places() -> None:
    segments = (Segment("x{a=", 10, 14), Segment('"b"}', 40, 44), Segment(" > rat(y)", 90, 99))
    problems = prepare(segments)
    assert isinstance(problems, tuple)
    assert (problems[0].start, problems[0].end) == (93, 96)


HAND_WRITTEN = 'up{group_id="${s}"} + on (a) down'


def test_scope_written_by_hand_as_a_parameter_agrees_in_every_group(render) -> None:  # type: ignore[no-untyped-def]
    for group in ("one", "two", 'th"ree'):
        query = prepare(render(HAND_WRITTEN, group))
        assert isinstance(query, Query)
        scoped = query.scope((Matcher("group_id", "=", group),))
        assert isinstance(scoped, ScopedQuery)
        written = 'group_id="' + group.replace('"', '\\"') + '"'
        assert scoped.text == f"up{{{written}}} + on (a) down{{{written}}}"


def test_scope_written_by_hand_for_another_group_contradicts(render) -> None:  # type: ignore[no-untyped-def]
    query = prepare(render(HAND_WRITTEN, "other"))
    assert isinstance(query, Query)
    (problem,) = cast(tuple[Problem, ...], query.scope(GROUP))
    assert isinstance(problem, Problem)
    assert (problem.code, problem.start, problem.end) == ("RC505", 3, 18)
