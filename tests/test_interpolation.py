from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rulecompiler.interpolation import (
    MAX_OUTPUT,
    MAX_SOURCE,
    GroupFacts,
    Promql,
    TextFault,
    compile_text,
)
from rulecompiler.model import Segment, SegmentKind

GROUP = GroupFacts("grp-1", "production", {"team": "sre", "odd-name": "x"})
VALUES: Mapping[str, Any] = {
    "word": "up",
    "n": 3,
    "f": 2.5,
    "whole": 5.0,
    "yes": True,
    "no": False,
    "list": ["a", "b"],
    "numbers": [1, 2.0, 3.5],
    "empty": [],
    "query": Promql("up > 1"),
    "long": "y" * 1_000,
    "huge": "ab" * 500_000,
    "many": ["a"] * 200_000,
}


def render(text: str, values: Mapping[str, Any] = VALUES) -> tuple[Segment, ...] | TextFault:
    program = compile_text(text)
    return program if isinstance(program, TextFault) else program.render(values, GROUP)


def shown(text: str) -> str:
    segments = render(text)
    assert not isinstance(segments, TextFault), segments
    return "".join(segment.text for segment in segments)


def fault(text: str) -> TextFault:
    found = render(text)
    assert isinstance(found, TextFault), found
    return found


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("", ""),
        ("plain", "plain"),
        ("${word}", "up"),
        ("${ word }", "up"),
        ("a${word}b${n}c", "aup" + "b3c"),
        ("${f} ${whole} ${yes} ${no}", "2.5 5 true false"),
        ("${query}", "up > 1"),
        ("${group.id} ${group.name} ${group.labels.team}", "grp-1 production sre"),
        ('${group.labels["odd-name"]}', "x"),
        # operators
        ("${n + 1} ${n - 1} ${n * 2} ${n / 2} ${n // 2} ${n % 2}", "4 2 6 1.5 1 1"),
        ("${ -n } ${ +n } ${100 - n} ${2 * (n + 1)}", "-3 3 97 8"),
        ("${word ~ '-' ~ n ~ yes ~ whole}", "up-3true5"),
        ("${n > 2} ${n == 3 and not no} ${n < 1 or yes} ${1 < n < 5}", "true true true true"),
        ("${'a' in list} ${'z' not in list}", "true true"),
        ("${word if yes else n} ${word if no else n}", "up 3"),
        ("${word is defined} ${n is number} ${gone is undefined} ${n is odd}", "true true true true"),
        ("${list[0]}${list[1]} ${list[9] | default('z')}", "ab z"),
        # filters
        ("${list | join('|')} ${list | join} ${numbers | join(',')}", "a|b ab 1,2,3.5"),
        ("${[yes, whole] | join(' ')}", "true 5"),
        ("${gone | default('x')} ${word | default('x')}", "x up"),
        ("${word | upper} ${'UP' | lower} ${word | title} ${' x ' | trim}", "UP up Up x"),
        ("${f | round} ${2.345 | round(2)} ${f | int} ${'7' | int + 1} ${n | float}", "2 2.35 2 8 3"),
        ("${list | length} ${list | first}${list | last} ${numbers | max} ${numbers | min}", "2 ab 3.5 1"),
        ("${['b', 'a', 'b'] | unique | sort | join}", "ab"),
        ("${word | replace('u', 'st')} ${-3 | abs}".replace("${-3", "${ -3"), "stp 3"),
        ("${'a.b|c' | regex_quote} ${['a.b', 'c'] | regex_quote | join('|')}", r"a\.b\|c a\.b|c"),
        # statements
        ("{% if yes %}a{% elif n %}b{% else %}c{% endif %}", "a"),
        ("{% if no %}a{% elif n == 4 %}b{% else %}c{% endif %}", "c"),
        ("{% for x in list %}${x}${loop.index}${', ' if not loop.last}{% endfor %}", None),
        ("{% for x in list %}{% if not loop.first %}|{% endif %}${x}{% endfor %}", "a|b"),
        ("{% for x in list if x != 'a' %}${x}{% endfor %}", "b"),
        ("{% for x in empty %}${x}{% else %}none{% endfor %}", "none"),
        ("{% for x in list %}${loop.index0}/${loop.length} {% endfor %}", "0/2 1/2 "),
        ("a{# a comment with ${word} #}b", "ab"),
        ("{% raw %}${word} {% x %}{% endraw %}", "${word} {% x %}"),
    ],
)
def test_what_is_allowed(text: str, result: str | None) -> None:
    if result is None:  # an `if` without `else` has no text
        assert "nothing" in fault(text).message
    else:
        assert shown(text) == result


@pytest.mark.parametrize(
    "text",
    [
        "{{ $labels.instance }}",
        "${{ $value }}",
        "$1 ${1} ${12}",
        "$word",
        "100 %} }}",
        "a { b } c",
        "{{ if eq $value 1.0 }}x{{ end }}",
        "{ % if %}",
    ],
)
def test_what_stays_literal(text: str) -> None:
    assert shown(text) == text
    # beside Jinja2 proper, too
    assert shown(text + "{% if yes %}!{% endif %}") == text + "!"


def test_a_number_alone_is_a_capture_but_arithmetic_is_not() -> None:
    assert shown("${1}") == "${1}"
    assert shown("${1 + n}") == "4"
    assert shown("${100 - n}%") == "97%"
    assert shown("${0.5}") == "0.5"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("${-n}", "`${-` strips"),
        ("${+n}", "`${+` strips"),
        ("a ${- n }", "`${-` strips"),
        ("${n -}", "`-}` strips"),
        ("${-1}", "`${-` strips"),
    ],
)
def test_a_minus_is_never_lost(text: str, what: str) -> None:
    found = fault(text)

    assert what in found.message
    assert text[found.start : found.end] == what.split("`")[1]


def test_white_space_control_of_statements_is_no_such_case() -> None:
    assert shown("a {%- if yes -%} b {%- endif -%} {#- c -#} d") == "abd"
    assert shown("{% raw %}${-n}{% endraw %}") == "${-n}"


HOSTILE = [
    # Python's internals
    "${word.__class__}",
    "${word['__class__']}",
    "${''.__class__.__mro__[1].__subclasses__()}",
    "${list.__len__}",
    "${word.upper}",
    "${word.upper()}",
    "${group.__init__}",
    "${group.labels.__class__}",
    "${group.labels.items}",
    "${group.labels.items()}",
    "${group['labels']}",
    "${loop}",
    "${self}",
    "${self.__init__.__globals__}",
    "${word | attr('__class__')}",
    "${list | map('upper') | join}",
    "${list | map(attribute='__class__') | join}",
    "${list | join(attribute='__class__')}",
    "${list | join('', '__class__')}",
    "${list | sort(attribute='__class__') | join}",
    "${list | sort(false, false, '__class__') | join}",
    "${list | max(attribute='__class__')}",
    "${list | unique(false, '__class__') | join}",
    "{% for x in list %}${loop.previtem}{% endfor %}",
    "{% for x in list %}${loop.cycle('a')}{% endfor %}",
    "{% for x in list %}${loop.__class__}{% endfor %}",
    # functions and globals
    "${range(10)}",
    "${lipsum()}",
    "${cycler}",
    "${namespace()}",
    "${dict()}",
    "${open('/etc/passwd')}",
    "${config}",
    # statements
    "{% set x = 1 %}",
    "{% macro m() %}x{% endmacro %}",
    "{% include 'x' %}",
    "{% import 'x' as y %}",
    "{% from 'x' import y %}",
    "{% extends 'x' %}",
    "{% block b %}x{% endblock %}",
    "{% call f() %}{% endcall %}",
    "{% filter upper %}x{% endfilter %}",
    "{% with x = 1 %}x{% endwith %}",
    "{% autoescape true %}{% endautoescape %}",
    "{% do x %}",
    "{% debug %}",
    "{% for x in list %}{% for y in list %}x{% endfor %}{% endfor %}",
    "{% for x in list recursive %}${loop(list)}{% endfor %}",
    "{% for a, b in list %}x{% endfor %}",
    # growth
    "${n ** 99}",
    "${9**9**9**9**9}",
    "${'a' * 1000000000}",
    "${list * 1000000000}",
    "${1e308 * 10}",
    "${ 1e999 }",
    "${'inf' | float}",
    "${'nan' | float}",
    "${n" + " * 99999999999999999999" * 20 + "}",
    "${long | replace('y', long) | replace('y', long)}",
    "${long | replace('', long) | replace('', long)}",
    "${[long, long, long] | join(long) | replace('y', long)}",
    "${many | join(long)}",
    "${ 1.5 | round(1000000000, 'ceil') }",
    "${ 5 | round(-1000000000) }",
    "${ 5 | round('1') }",
    "${ " + "9" * 5_000 + " }",
    "${ " + "9" * 400 + " }",
    "${ 0x" + "f" * 6_000 + " }",
    "${ ('0x" + "f" * 6_000 + "' | int(0, 16)) }",
    "{% if 0x" + "f" * 6_000 + " > n %}{% endif %}",
    "${'%1000000000d' % 1}",
    "${'%s' | format(word)}",
    "${word | center(1000000000)}",
    "${word | indent(1000000000)}",
    "${" + " ~ ".join(["long"] * 1_100) + "}",
    "{% for x in long %}" + "${long}" * 300 + "{% endfor %}",
    "{% for x in long %}" + "${n * n}" * 2_000 + "{% endfor %}",
    # steps that write nothing
    "{% for x in huge %}{% if n + n + n %}{% endif %}{% endfor %}",
    "{% for x in huge %}" + "{% if n == n == n %}{% endif %}" * 1_000 + "{% endfor %}",
    "{% for x in huge %}" + "{% if n %}{% endif %}" * 2_000 + "{% endfor %}",
    "{% if 'abc' in huge %}{% endif %}" * 1_500,
    "{% if word is in(huge) %}{% endif %}" * 1_500,
    # depth and size
    "${" + "(" * 500 + "1" + ")" * 500 + "}",
    "${" + "not " * 5_000 + "n}",
    "${" + "1 + " * 3_000 + "1}",
    "${" + "[" * 2_000 + "]" * 2_000 + "}",
    "{% if n %}" * 500 + "{% endif %}" * 500,
    "x" * (MAX_SOURCE + 1),
    # characters that carry structure
    "${'\\x01'}",
    "${'\\x010\\x02'}",
    "${'\\x0e'}",
    "${'\\x0f'}",
    "${'a\\x00b'}",
    "${'\\ud800'}",
    "${'\\u2028'}",
    "a\x010\x02{% if yes %}b{% endif %}",
    # no text
    "${list}",
    "${group}",
    "${group.labels}",
    "${none}",
    "${word if no}",
    "${(word if no) ~ 'x'}",
    "${word ~ none}",
    "${word ~ list}",
    "${[none] | join}",
    "${[gone] | join}",
    # types
    "${word + n}",
    "${word + word}",
    "${yes + 1}",
    "${n / 0}",
    "${n // 0}",
    "${n % 0}",
    "${n | join}",
    "${list | replace('a', 'b')}",
    "${word | replace('a')}",
    "${word | replace('a', 'b', 'c', 'd')}",
    "${list | first(1, 2)}",
    "${list < n}",
    "${list[n]}",
    "${list[0:1]}",
    "${list[9]}",
    "${ {'a': 1} }",
    "{% for x in n %}x{% endfor %}",
    # names
    "${gone}",
    "${gone == 1}",
    "${gone | upper}",
    "{% if gone %}x{% endif %}",
    "{% for x in gone %}x{% endfor %}",
    "${group.nope}",
    "${group.labels.nope}",
    "${group.labels[word]}",
    "${word | nope}",
    "${word is nope}",
    # syntax
    "${}",
    "${ }",
    "${",
    "${word",
    "${word word}",
    "${word |}",
    "{% if %}",
    "{% if yes",
    "{% if yes %}",
    "{% endif %}",
    "{% nope %}",
    "{# open",
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:60])
def test_what_is_refused(text: str) -> None:
    started = time.process_time()
    found = fault(text)

    assert time.process_time() - started < 15  # of CPU time: it ends, whatever else the machine does
    assert 0 <= found.start <= found.end <= len(text)
    assert found.message
    assert found.help
    assert "_metered" not in found.message
    assert found.message[0] == "`" or not found.message[0].isupper()
    assert not found.message.endswith(".")


def test_output_is_bounded() -> None:
    text = "{% for x in long %}" + "z" * 1_000 + "{% endfor %}"

    assert len(shown("{% for x in list %}" + "z" * 1_000 + "{% endfor %}")) < MAX_OUTPUT
    assert "too large" in fault(text).message


def test_one_rendering_does_not_spend_anothers_budget() -> None:
    for _ in range(20):
        assert shown("${long | replace('y', list | join)}") == "ab" * 1_000


@pytest.mark.parametrize(
    ("text", "names", "uses_group"),
    [
        ("x", set(), False),
        ("${word}${n}", {"word", "n"}, False),
        ("${group.id}", set(), True),
        ("${group.labels.team ~ n}", {"n"}, True),
        ("{% for x in list %}${x ~ loop.index ~ n}{% endfor %}", {"list", "n"}, False),
        ("{% for x in list %}{% endfor %}${x}", {"list", "x"}, False),
        ("{% for x in x %}${x}{% endfor %}", {"x"}, False),
        ("{% if yes %}${word}{% endif %}", {"yes", "word"}, False),
    ],
)
def test_names(text: str, names: set[str], uses_group: bool) -> None:
    program = compile_text(text)

    assert not isinstance(program, TextFault)
    assert program.names == names
    assert program.uses_group is uses_group


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (3, SegmentKind.NUMBER, "3"),
        (-3, SegmentKind.NUMBER, "-3"),
        (5.0, SegmentKind.NUMBER, "5"),
        (0.1, SegmentKind.NUMBER, "0.1"),
        (1e20, SegmentKind.NUMBER, "1e+20"),
        (True, SegmentKind.STRING, "true"),
        ("x", SegmentKind.STRING, "x"),
        ('"} or vector(1) #', SegmentKind.STRING, '"} or vector(1) #'),
        ("${n}", SegmentKind.STRING, "${n}"),  # a value is never a template
        ("{{ x }}", SegmentKind.STRING, "{{ x }}"),
        (Promql("a or b"), SegmentKind.PROMQL, "a or b"),
    ],
)
@pytest.mark.parametrize("template", ["a ${v} b", "a ${v}{# #} b"])
def test_a_values_kind_decides_what_it_may_be(
    template: str, value: object, kind: SegmentKind, text: str
) -> None:
    segments = render(template, {"v": value})

    assert not isinstance(segments, TextFault)
    assert [(s.text, s.kind) for s in segments if s.kind is not SegmentKind.TEXT] == [(text, kind)]


def test_what_is_computed_from_promql_is_text() -> None:
    segments = render("${query ~ ''} ${query | upper}")

    assert not isinstance(segments, TextFault)
    assert {s.kind for s in segments if s.text.strip()} == {SegmentKind.STRING}


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("ab${n}cd", ["ab", "${n}", "cd"]),
        ("${ n }${word}", ["${ n }", "${word}"]),
        ("a${1}b${n + 1}${{c", ["a${1}b", "${n + 1}", "${{c"]),
        ("a {% if yes %} b ${n} {% endif %} c", ["a ", " b ", "${n}", " ", " c"]),
        ("a {%- if yes -%} b ${n} {%- endif %} c", ["a", "b ", "${n}", " c"]),
        ("a {# x #} ${n + 0} b", ["a ", " ", "${n + 0}", " b"]),
        ("a\n{% if yes %}\nb\n{% endif %}\nc\n", ["a\n", "b\n", "c\n"]),
        ("ä{# #}ö${n + 1}ü", ["ä", "ö", "${n + 1}", "ü"]),
        ("{% for x in list %}<${x}>{% endfor %}", ["<", "${x}", ">", "<", "${x}", ">"]),
        ("{% raw %}${x}{% endraw %}${n}", ["${x}", "${n}"]),
    ],
)
def test_segments_say_where_they_came_from(text: str, pieces: list[str]) -> None:
    segments = render(text)

    assert not isinstance(segments, TextFault)
    assert [text[s.start : s.end] for s in segments] == pieces
    for segment in segments:
        if segment.kind is SegmentKind.TEXT:
            assert segment.text == text[segment.start : segment.end]


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("ab ${gone} c", "${gone}"),
        ("ab ${n} ${n / 0} c", "${n / 0}"),
        ("ab\n${list}\nc", "${list}"),
        ("{% if yes %}${n}${list ~ 1}{% endif %}", "${list ~ 1}"),
        ("one\ntwo ${word.x}\nthree", "${word.x}"),
        ("one\n{% nope %}\nthree", "{% nope %}"),
    ],
)
def test_faults_say_where_they_are(text: str, at: str) -> None:
    found = fault(text)

    assert text[found.start : found.end] == at


class TestLinesOfTags:
    """A line that holds nothing but tags leaves nothing behind, not even a blank line."""

    @pytest.mark.parametrize(
        ("text", "result"),
        [
            ("a\n{% if yes %}\nb\n{% endif %}\nc", "a\nb\nc"),
            ("a\n{% if no %}\nb\n{% endif %}\nc", "a\nc"),
            ("a\n  {% if yes %}  \n  b\n\t{% endif %}\t\nc", "a\n  b\nc"),
            ("{% if yes %}\nb\n{% endif %}", "b\n"),
            ("{% if yes %}\nb\n{% endif %}\n", "b\n"),
            ("a\n{% for x in list %}\n  or ${x}\n{% endfor %}\nb", "a\n  or a\n  or b\nb"),
            ("a\n{# why #}\nb", "a\nb"),
            ("a\n{# why\n not #}\nb", "a\nb"),
            ("a\n{% if yes %}{# why #} {% if n %}\nb\n{% endif %}{% endif %}\nc", "a\nb\nc"),
            ("a\n\n{% if yes %}\n\nb\n{% endif %}\n\nc", "a\n\n\nb\n\nc"),  # blank lines of the author's stay
            # a line with anything else stays as it is
            ("a {% if yes %}\nb {% endif %}\nc", "a \nb \nc"),
            ("a {% if yes %}and b{% endif %}\nc", "a and b\nc"),
            ("a\n{% if yes %} b\n{% endif %} c", "a\n b\n c"),
            ("a\n${n}{% if yes %}\nb\n{% endif %}${n}\nc", "a\n3\nb\n3\nc"),
            ("a\n{# why #} b\nc", "a\n b\nc"),
            # white space control does what it does in Jinja2
            ("a\n{%- if yes %}\nb\n{%- endif %}\nc", "a\nb\nc"),
            ("a\n{%- if yes -%}\nb\n{%- endif -%}\nc", "abc"),
        ],
    )
    def test_text(self, text: str, result: str) -> None:
        assert shown(text) == result

    def test_many_of_them_take_no_time(self) -> None:
        text = "{% if yes %}\nx\n{% endif %}\n" * 2_000
        started = time.process_time()

        assert shown(text) == "x\n" * 2_000
        assert time.process_time() - started < 50


TEXTS = st.lists(
    st.one_of(
        st.text("ab \n\t${}%#-{[(1'\"|~.", max_size=6),
        st.sampled_from(
            [
                "${n}",
                "${ n + 1 }",
                "${word}",
                "{% if yes %}",
                "{% if no %}",
                "{% else %}",
                "{% endif %}",
                "{%- if yes -%}",
                "\n",
                "  ",
                "{%- endif -%}",
                "{% for x in list %}",
                "${x}",
                "{% endfor %}",
                "{# c #}",
                "${1}",
                "${{",
                "{{ $x }}",
                "${-n}",
                "{% raw %}",
                "{% endraw %}",
                "${group.id}",
            ]
        ),
    ),
    max_size=12,
).map("".join)


@settings(max_examples=100, deadline=None)
@given(TEXTS)
def test_any_text_gives_segments_or_a_fault(text: str) -> None:
    found = render(text)

    if isinstance(found, TextFault):
        assert 0 <= found.start <= found.end <= len(text)
        return
    for segment in found:
        written = text[segment.start : segment.end]
        if segment.kind is SegmentKind.TEXT:
            assert segment.text == written
        else:
            assert written.startswith("${")
            assert written.endswith("}")


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=30))
def test_a_value_is_never_changed_nor_read(value: str) -> None:
    for template in ("<${v}>", "<${v}>{# #}"):
        segments = render(template, {"v": value})
        if isinstance(segments, TextFault):
            assert "control character" in segments.message
        else:
            assert [s.text for s in segments] == ["<", value, ">"]
