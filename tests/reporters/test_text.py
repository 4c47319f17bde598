from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rulecompiler.diagnostics import Diagnostic, Place, Pointer, Related, Severity, Span
from rulecompiler.reporters import located, report

GROUP = "alerts/groups/production.yaml"
TEMPLATE = "alerts/templates/node/high-cpu-usage.yaml"


def one_line(text: str, start: int, end: int, label: str = "here", width: int | None = 80) -> list[str]:
    """The excerpt of a one-line file, without the head."""
    fault = Diagnostic("RC1", "wrong", Span("f", 1, start, 1, end), label)
    return report([fault], "text", {"f": text}, width=width).splitlines()[3:5]


def test_a_fault_and_what_explains_it() -> None:
    group = "\n" * 8 + "    params: {threshold: 180}\n"
    template = "\n" * 5 + "  threshold: {type: number, maximum: 100}\n"
    fault = Diagnostic(
        "RC204",
        "threshold is 180, above its maximum of 100",
        Span(GROUP, 9, 25, 9, 28),
        "maximum: 100",
        "lower it, or raise the maximum in the template",
        related=(Related(Span(TEMPLATE, 6, 14, 6, 42), "declared here"),),
    )
    assert report([fault], "text", {GROUP: group, TEMPLATE: template}, width=80) == (
        "error[RC204]: threshold is 180, above its maximum of 100\n"
        "  --> alerts/groups/production.yaml:9:25\n"
        "   |\n"
        " 9 |     params: {threshold: 180}\n"
        "   |                         ^^^ maximum: 100\n"
        "  ::: alerts/templates/node/high-cpu-usage.yaml:6:14\n"
        " 6 |   threshold: {type: number, maximum: 100}\n"
        "   |              ---------------------------- declared here\n"
        "  = help: lower it, or raise the maximum in the template\n"
        "\n"
        "1 error\n"
    )


def test_gutters_align_where_line_numbers_differ_in_length() -> None:
    fault = Diagnostic(
        "RC1", "m", Span("a", 9, 1, 9, 2), "x", "h", related=(Related(Span("b", 100, 1, 100, 2), "y"),)
    )
    lines = report([fault], "text", {"a": "x\n" * 9, "b": "y\n" * 100}).splitlines()
    assert lines[1:] == [
        "    --> a:9:1",
        "     |",
        "   9 | x",
        "     | ^ x",
        "    ::: b:100:1",
        " 100 | y",
        "     | - y",
        "    = help: h",
        "",
        "1 error",
    ]


@pytest.mark.parametrize(
    ("text", "start", "end", "shown"),
    [
        ("abc", 2, 3, [" 1 | abc", "   |  ^ here"]),
        ("abc", 2, 2, [" 1 | abc", "   |  ^ here"]),
        ("abc", 4, 4, [" 1 | abc", "   |    ^ here"]),
        ("abc", 90, 95, [" 1 | abc", "   |    ^ here"]),
        ("", 1, 1, [" 1 |", "   | ^ here"]),
        ("\tab", 2, 3, [" 1 |     ab", "   |     ^ here"]),
        ("a\tb", 3, 4, [" 1 | a   b", "   |     ^ here"]),
        ("数据 x", 4, 5, [" 1 | 数据 x", "   |      ^ here"]),
        ("数据", 1, 3, [" 1 | 数据", "   | ^^^^ here"]),
        ("e\u0301x", 3, 4, [" 1 | e\u0301x", "   |  ^ here"]),
        ("\x1b[2Jx", 5, 6, [r" 1 | \x1b[2Jx", "   |        ^ here"]),
        ("\u202ex", 2, 3, [r" 1 | \u202ex", "   |       ^ here"]),
        ("##[error]x", 10, 11, [r" 1 | ##\x5berror]x", "   |             ^ here"]),
        ("[##]", 1, 2, [" 1 | [##]", "   | ^ here"]),
        ("ab\r", 1, 3, [" 1 | ab", "   | ^^ here"]),
    ],
)
def test_the_marks_stand_under_what_they_mean(text: str, start: int, end: int, shown: list[str]) -> None:
    assert one_line(text, start, end) == shown


def test_a_long_line_is_cut_around_its_span() -> None:
    line = "a" * 300 + "XYZ" + "b" * 300
    source, marks = one_line(line, 301, 304, width=60)
    assert len(source) <= 60
    assert source.startswith(" 1 | ...aaa")
    assert source.endswith("bbb...")
    assert source.index("XYZ") == marks.index("^^^")


def test_a_long_line_is_not_cut_before_a_span_that_fits_at_its_head() -> None:
    source, _ = one_line("ab" + "c" * 300, 1, 3, width=60)
    assert source.startswith(" 1 | abccc")
    assert source.endswith("ccc...")


def test_a_label_without_room_goes_below() -> None:
    fault = Diagnostic("RC1", "m", Span("f", 1, 1, 1, 71), "too long a label")
    lines = report([fault], "text", {"f": "x" * 70}, width=80).splitlines()
    assert lines[4:6] == ["   | " + "^" * 70, "   | too long a label"]


def test_a_span_of_many_lines_shows_both_ends() -> None:
    text = "rules:\n  X:\n    a: 1\n    b: 2\n    c: 3\n    d: 4\n\n  # not part of it\n  Y: {}\n"
    fault = Diagnostic("RC1", "m", Span("f", 3, 5, 9, 3), "all of this")
    assert report([fault], "text", {"f": text}).splitlines()[2:8] == [
        "   |",
        " 3 | /     a: 1",
        " 4 | |     b: 2",
        " 5 | |     c: 3",
        " 6 | |     d: 4",
        "   | |________^ all of this",
    ]


def test_the_middle_of_a_very_long_span_is_left_out() -> None:
    fault = Diagnostic("RC1", "m", Span("f", 1, 1, 50, 3))
    lines = report([fault], "text", {"f": "ab\n" * 50}).splitlines()
    assert lines[3:8] == ["  1 | / ab", "  2 | | ab", "...   |", " 50 | | ab", "    | |__^"]


def test_a_span_that_begins_inside_a_line_says_where() -> None:
    fault = Diagnostic("RC1", "m", Span("f", 1, 4, 2, 8))
    lines = report([fault], "text", {"f": "Z: {a: 1,\n  b: 2}\n"}).splitlines()
    assert lines[3:7] == [" 1 |   Z: {a: 1,", "   |  ____^", " 2 | |   b: 2}", "   | |_______^"]


@pytest.mark.parametrize(
    ("place", "at"),
    [
        (Span("gone.yaml", 3, 7, 3, 9), "  --> gone.yaml:3:7"),
        (Span("short.yaml", 30, 7, 30, 9), "  --> short.yaml:30:7"),
        (Pointer("short.yaml", ("a",)), "  --> short.yaml"),
    ],
)
def test_without_an_excerpt_the_label_is_a_note(place: Place, at: str) -> None:
    fault = Diagnostic("RC1", "m", place, "the label", "the help")
    lines = report([fault], "text", {"short.yaml": "a: 1\n"}).splitlines()
    assert [line.lstrip() for line in lines] == [
        "error[RC1]: m",
        at.lstrip(),
        "= note: the label",
        "= help: the help",
        "",
        "1 error",
    ]


def test_without_a_place_there_is_no_arrow() -> None:
    lines = report([Diagnostic("RC601", "promtool was not found", help="get it")], "text", {}).splitlines()
    assert lines == ["error[RC601]: promtool was not found", "  = help: get it", "", "1 error"]


def test_help_is_wrapped_for_a_terminal_only() -> None:
    fault = Diagnostic("RC1", "m", help="word " * 30)
    wrapped = report([fault], "text", {}, width=60).splitlines()
    assert max(map(len, wrapped)) <= 60
    assert wrapped[2].startswith(" " * 10 + "word")
    assert report([fault], "text", {}).count("\n") == 4


def test_what_a_hostile_file_says_cannot_reach_the_terminal_or_the_runner() -> None:
    evil = "\x1b]0;pwned\x07 \r\n::error::x ##[add-mask]y \x9b \u2066"
    fault = Diagnostic(
        "RC1",
        evil,
        Span(evil, 1, 1, 1, 2),
        evil,
        evil,
        related=(Related(Span("other" + evil, 9, 1, 9, 2), evil),),
    )
    for sources in ({}, {evil: evil}):
        for width in (None, 40):
            text = report([fault], "text", sources, width=width)
            assert re.search(r"[^\x20-\x7e\n]", text) is None
            assert "##[" not in text
            assert not any(line.strip().startswith("::error") for line in text.splitlines())


def test_folding_counts_the_groups_that_reach_one_fault() -> None:
    faults = [
        Diagnostic("RC5", "bad", Span("t", 1, 1, 1, 2), related=(Related(Span(f"g{n}", 1, 1, 1, 2), "used"),))
        for n in range(38)
    ]
    text = report(faults, "text", {})
    assert text.startswith("error[RC5]: bad [+37 more groups]\n")
    assert text.endswith("\n1 error\n")
    same_file = [f for n in (1, 2) for f in [Diagnostic("RC5", "bad", Span("t", 1, 1, 1, 2), f"label {n}")]]
    assert "bad [+1 more place]\n" in report(same_file, "text", {})


@pytest.mark.parametrize(
    "other",
    [
        Diagnostic("RC2", "m", Span("a", 1, 1, 1, 2)),
        Diagnostic("RC1", "n", Span("a", 1, 1, 1, 2)),
        Diagnostic("RC1", "m", Span("a", 1, 2, 1, 3)),
        Diagnostic("RC1", "m", Span("b", 1, 1, 1, 2)),
        Diagnostic("RC1", "m", Span("a", 1, 1, 1, 2), severity=Severity.WARNING),
    ],
)
def test_what_is_not_the_same_fault_is_not_folded(other: Diagnostic) -> None:
    text = report([Diagnostic("RC1", "m", Span("a", 1, 1, 1, 2)), other], "text", {})
    assert text.count("-->") == 2
    assert "more" not in text


def test_order_is_by_place_then_code_whatever_came_first() -> None:
    faults = [
        Diagnostic("RC9", "nowhere"),
        Diagnostic("RC1", "z", Span("b", 1, 1, 1, 1)),
        Diagnostic("RC2", "y", Span("a", 10, 1, 10, 1)),
        Diagnostic("RC3", "x", Span("a", 9, 2, 9, 2)),
        Diagnostic("RC2", "w", Span("a", 9, 2, 9, 2)),
        Diagnostic("RC2", "w", Span("a", 9, 2, 9, 2)),
    ]
    heads = [line for line in report(faults, "text", {}).splitlines() if line.startswith("error")]
    assert [head[-1] for head in heads] == ["w", "x", "y", "z", "e"]
    assert report(faults[::-1], "text", {}) == report(faults, "text", {})


def test_the_summary_counts_each_severity() -> None:
    severities = [Severity.ERROR] * 2 + [Severity.WARNING] + [Severity.INFO] * 3
    faults = [Diagnostic("RC1", str(n), severity=s) for n, s in enumerate(severities)]
    assert report(faults, "text", {}).splitlines()[-1] == "2 errors, 1 warning, 3 notes"


def test_nothing_wrong_is_nothing_said() -> None:
    assert report([], "text", {}) == ""
    assert report([], "github", {}) == ""


def test_colour_only_adds_colour() -> None:
    fault = Diagnostic("RC1", "m", Span("f", 1, 1, 2, 2), "l", "h", Severity.WARNING)
    plain = report([fault], "text", {"f": "ab\ncd\n"})
    colored = report([fault], "text", {"f": "ab\ncd\n"}, color=True)
    assert colored != plain
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == plain


def test_located_turns_every_place_into_a_span() -> None:
    fault = Diagnostic("RC1", "m", Pointer("a"), related=(Related(Pointer("b"), "t"),))
    (result,) = located([fault], lambda place: Span(place.path, 1, 2, 3, 4))
    assert result.place == Span("a", 1, 2, 3, 4)
    assert result.related == (Related(Span("b", 1, 2, 3, 4), "t"),)
    nowhere = Diagnostic("RC1", "m")
    assert located([nowhere], lambda place: Span(place.path, 1, 2, 3, 4)) == (nowhere,)


def test_an_unknown_format_is_a_bug() -> None:
    with pytest.raises(ValueError, match="xml"):
        report([], "xml", {})


@settings(deadline=None)
@given(
    st.text(st.characters(codec=None), max_size=400),
    st.tuples(*[st.integers(1, 12), st.integers(1, 420)] * 2),
    st.text(max_size=30),
    st.integers(1, 120),
)
def test_no_text_and_no_span_breaks_the_layout(
    text: str, at: tuple[int, int, int, int], label: str, width: int
) -> None:
    line, column, end_line, end_column = at
    fault = Diagnostic("RC1", "m", Span("f", line, column, line + end_line - 1, end_column), label, label)
    shown = report([fault], "text", {"f": text}, width=width)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]", shown)
    assert shown.endswith("\n1 error\n")


def test_credentials_in_a_url_are_not_shown() -> None:
    text = "deploy: {url: 'https://user:hunter2@prometheus:9090', keep: -1}\n"
    fault = Diagnostic("RC1", "wrong", Span("f", 1, 61, 1, 63))

    shown = report([fault], "text", {"f": text})

    assert "url: 'https://************@prometheus:9090'" in shown
    assert report([fault], "sarif", {"f": text}).count("hunter2") == 0
