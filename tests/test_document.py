"""What YAML text gives, which faults it has and where, and where its values stand."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from rulecompiler.diagnostics import Diagnostic, Pointer, Span
from rulecompiler.document import MAX_DEPTH, Locator, parse, positions
from rulecompiler.document.aliases import MAX_EXPANDED
from rulecompiler.encoding import normalise
from rulecompiler.model import Source

PATH = "alerts/groups/g.yaml"


@pytest.fixture(params=["libyaml", "pure"])
def _both_parsers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "pure":
        monkeypatch.setattr(positions, "_LOADER", yaml.SafeLoader)


both_parsers = pytest.mark.usefixtures("_both_parsers")


def read(text: str) -> Any:
    """The data of a text without faults."""
    document, faults = parse(Source(PATH, text))
    assert not faults
    assert document is not None
    assert document.path == PATH
    return document.data


def faults_of(text: str) -> tuple[Diagnostic, ...]:
    document, faults = parse(Source(PATH, text))
    assert document is None
    assert faults
    assert all(isinstance(fault.place, Span) and fault.help for fault in faults)
    return faults


def codes(text: str) -> list[tuple[str, int, int]]:
    """Each fault's code, line and column."""
    return [(fault.code, fault.place.line, fault.place.column) for fault in faults_of(text)]  # type: ignore[union-attr]


@both_parsers
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("TRUE", True),
        ("~", None),
        ("null", None),
        ("Null", None),
        ("", None),
        ("0", 0),
        ("-7", -7),
        ("+7", 7),
        ("0o17", 15),
        ("0x1F", 31),
        ("1.5", 1.5),
        ("1.", 1.0),
        (".5", 0.5),
        ("-1.5e-3", -0.0015),
        ("1e3", 1000.0),
        # Strings, whatever YAML 1.1 says.
        ("no", "no"),
        ("Yes", "Yes"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("tRUE", "tRUE"),
        ("nULL", "nULL"),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("-0x1F", "-0x1F"),
        ("0o8", "0o8"),
        ("2024-01-01", "2024-01-01"),
        ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"),
        ("=", "="),
        ("5m", "5m"),
        ("1.2.3", "1.2.3"),
        (".", "."),
        ("-", None),
        ("'true'", "true"),
        ('"5"', "5"),
        ("! 5", "5"),
        ("!!str 5", "5"),
        ("!!int '5'", 5),
        ("!!float 5", 5.0),
        ("!!bool 'true'", True),
        ("!!null ''", None),
        ('"a\\tb\\n"', "a\tb\n"),
        ("[]", []),
        ("{}", {}),
        ("!!map {}", {}),
        ("!!seq []", []),
        ("é𝄞", "é𝄞"),
    ],
)
def test_scalars_are_read_as_yaml_1_2(text: str, value: object) -> None:
    got = read(f"a: {text}\n")["a"] if text != "-" else read("a:\n  -\n")["a"][0]

    assert got == value
    assert isinstance(got, type(value))
    assert isinstance(got, bool) is isinstance(value, bool)


@both_parsers
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on: 1", {"on": 1}),
        ("no: 1", {"no": 1}),
        ("'1': 1", {"1": 1}),
        ("'<<': 1", {"<<": 1}),
        ("'': 1", {"": 1}),
        ("? a\n: 1", {"a": 1}),
        ("a: &x {b: 1}\nc: *x", {"a": {"b": 1}, "c": {"b": 1}}),
        ("a: &x 1\nb: &x 2\nc: *x", {"a": 1, "b": 2, "c": 2}),
        ("&k a: 1\nb: {*k : 2}", {"a": 1, "b": {"a": 2}}),
        ("a: &x '<<'\n*x : 2", {"a": "<<", "<<": 2}),
        ("--- {a: 1}\n...\n", {"a": 1}),
        ("%YAML 1.1\n---\na: 1", {"a": 1}),
        ("\ufeffa: 1\r\nb: |\r\n  x\r\n  y\r\n", {"a": 1, "b": "x\ny\n"}),
        ("- 1\n- a\n", [1, "a"]),
        ("5", 5),
    ],
)
def test_what_is_allowed(text: str, value: object) -> None:
    assert read(text) == value


NESTED = "a: " + "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1)
BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12)
)
HALF = MAX_DEPTH // 2 + 1
DEEP_BY_ALIAS = f"a: &a {'[' * HALF}{']' * HALF}\nb: {'[' * HALF}*a{']' * HALF}\n"


@both_parsers
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [("RC110", 1, 1)]),
        ("\n# only a comment\n", [("RC110", 1, 1)]),
        ("---\n", [("RC110", 1, 1)]),
        ("~", [("RC110", 1, 1)]),
        ("a: b: c\n", [("RC111", 1, 5)]),
        ("a: [1, 2\nb: 3\n", [("RC111", 2, 2)]),
        ("a: 'x\n", [("RC111", 1, 6)]),
        ("a: @x\n", [("RC111", 1, 4)]),
        ('a: "\\q"\n', [("RC111", 1, 5)]),
        ("a:\n  b: 1\n c: 2\n", [("RC111", 3, 2)]),
        ("a:\n\tb: 1\n", [("RC112", 2, 1)]),
        ("a: 1\n  \tb: 1\n", [("RC112", 2, 3)]),
        ("a:\n  b: 1\n\tc: 1\n", [("RC112", 3, 1)]),
        ("a: |\n\tx\n", [("RC112", 2, 1)]),
        ('a: "x\n\t\\q"\n', [("RC111", 2, 2)]),
        ("a: 1\nb: 2\na: 3\n", [("RC113", 3, 1)]),
        ("a: {b: 1, b: 2}\nc: 1\nc: 2\n'c': 3\n", [("RC113", 1, 11), ("RC113", 3, 1), ("RC113", 4, 1)]),
        ("1: x\n", [("RC114", 1, 1)]),
        ("true: x\n", [("RC114", 1, 1)]),
        ("a:\n  ~: x\n", [("RC114", 2, 3)]),
        ("? [a]\n: x\n? {b: 1}\n: y\n", [("RC114", 1, 3), ("RC114", 3, 3)]),
        ("a: &x 1\n*x : 2\n", [("RC114", 2, 1)]),
        ("a: &x {c: 1}\nb:\n  <<: *x\n", [("RC115", 3, 3)]),
        ("a: !!python/name:os.system x\n", [("RC116", 1, 4)]),
        ("a: !foo x\nb: !!binary aGk=\n", [("RC116", 1, 4), ("RC116", 2, 4)]),
        ("a: !!set {x}\n", [("RC116", 1, 4)]),
        ("a: !!timestamp 2024-01-01\n", [("RC116", 1, 4)]),
        ("a: !!int x\n", [("RC116", 1, 4)]),
        ("a: !!str [x]\n", [("RC116", 1, 4)]),
        ("a: !!map x\n", [("RC116", 1, 4)]),
        ("a: .inf\nb: -.Inf\nc: .NaN\nd: 1e999\n", [("RC117", line, 4) for line in range(1, 5)]),
        ("a: 010\nb: [-007, 0, 0.5, 0o17]\n", [("RC122", 1, 4), ("RC122", 2, 5)]),
        (f"a: {'9' * 400}\nb: {'9' * 5000}\n", [("RC117", 1, 4), ("RC117", 2, 4)]),
        (f"a: 0x{'f' * 5000}\nb: !!float .inf\n", [("RC117", 1, 4), ("RC117", 2, 4)]),
        ("a: x\0y\nb: \x1b[0m\x07\n", [("RC118", 1, 5), ("RC118", 2, 4)]),
        ("a: \x7f\nb: \x85\nc: \u2028\n", [("RC118", 1, 4), ("RC118", 2, 4), ("RC118", 3, 4)]),
        ("a: \ud800\nb: \ufeff\nc: \r d\n", [("RC118", 1, 4), ("RC118", 2, 4), ("RC118", 3, 4)]),
        ('a: "\\x00"\nb: ["\\e", "\\r"]\n', [("RC118", 1, 4), ("RC118", 2, 5), ("RC118", 2, 11)]),
        ('"\\0": 1\nb: !!str "\\N"\n', [("RC118", 1, 1), ("RC118", 2, 4)]),
        ("a: *nope\n", [("RC119", 1, 4)]),
        ("a: &a [*a]\n", [("RC119", 1, 8)]),
        ("a: &a {b: {c: *a}}\n", [("RC119", 1, 15)]),
        (NESTED.replace("[]", "[[]]"), [("RC120", 1, MAX_DEPTH + 3)]),
        (DEEP_BY_ALIAS, [("RC119", 2, HALF + 4)]),
        ("a: 1\n---\nb: 2\n", [("RC121", 2, 1)]),
        ("a: 1\na: 2\n1: 3\nb: [\n", [("RC113", 2, 1), ("RC114", 3, 1), ("RC111", 4, 5)]),
    ],
)
def test_faults_stand_where_they_are(text: str, expected: list[tuple[str, int, int]]) -> None:
    assert codes(text) == expected


@both_parsers
@pytest.mark.parametrize(
    ("text", "message", "help"),
    [
        ("a: b: c\n", "a ': ' stands where no key can be", "quotes"),
        ("a: @x\n", "a value cannot start with '@'", "quotes"),
        ("a: %x\n", "a value cannot start with '%'", "quotes"),
        ("a: 'x\n", "the quoted text is never closed", "closing quote"),
        ('a: "\\q"\n', "this escape sequence does not exist in double quotes", "single quotes"),
        ('a: "\\xq"\n', "this escape sequence lacks hexadecimal digits", "single quotes"),
        ('a: "\\U00110000"\n', "this escape sequence is no Unicode character", "number"),
        ("a: {b: 1\n", "a ',' or '}' is missing in this mapping", "close"),
        ("a: [b\n", "a ',' or ']' is missing in this list", "close"),
        ("a:\n  b: 1\n c: 2\n", "this line does not fit the mapping that it stands in", "same column"),
        ("a:\n  - b\n  c: 2\n", "this line does not fit the list that it stands in", "'- '"),
        ("a: 1\nb\nc: 1\n", "there is no ':' after this key", "key: value"),
        ("a: - b\n", "a list item ('- ') stands where none can be", "line of its own"),
        ("a: |0\n  x\n", "the number after | or > must be from 1 to 9", "remove"),
        ("a: | x\n", "nothing but a comment may follow | or > on its line", "next line"),
        ("a: & x\n", "& or * stands before something that is no anchor's name", "quotes"),
        ("a: !x!y z\n", "this tag is not supported", "remove"),
        ("%YAML 3.0\n---\na: 1\n", "only YAML 1.1 and 1.2 can be read", "%YAML"),
        ("a: ]\n", "a value is missing here", "quotes"),
        ("1: x\n", "a key must be a string, this one is a number", 'quote it: "1"'),
        ("a: {{ $labels.x }}\n", "a key must be a string, this one is a mapping", "whole value in quotes"),
        ('a: {b="c"} == 0\n', "text follows the value that starts with `{`", "whole value in quotes"),
        ("a: [x] y\n", "text follows the value that starts with `[`", "whole value in quotes"),
        ("a:\n  b: {{ c }}% d\n", "a key must be a string, this one is a mapping", "whole value in quotes"),
        ("a: &common 1\nb: *comon\n", "alias *comon has no anchor &comon before it", "*common"),
        ("b: *x\n", "alias *x has no anchor &x before it", "quote"),
        ("a: &x 1\nb: *.json\n", "& or * stands before something that is no anchor's name", "quotes"),
    ],
)
def test_faults_in_words(text: str, message: str, help: str) -> None:
    fault = faults_of(text)[0]

    assert fault.message == message
    assert help in fault.help


@pytest.mark.skipif(not yaml.__with_libyaml__, reason="the pure parser refuses every tab at a line's start")
def test_tabs_between_brackets_are_not_blamed() -> None:
    assert read("a: {\n\tb: 1}\n") == {"a": {"b": 1}}
    assert codes("a: {\n\tb: 'x' 'y'}\n") == [("RC111", 2, 9)]


@both_parsers
def test_a_duplicate_key_shows_both_places() -> None:
    (fault,) = faults_of("rules:\n  NodeDown: {}\n  'NodeDown': {}\n")

    assert fault.message == "key 'NodeDown' stands twice in one mapping"
    assert fault.place == Span(PATH, 3, 3, 3, 13)
    assert [related.place for related in fault.related] == [Span(PATH, 2, 3, 2, 11)]


@both_parsers
def test_an_unclosed_bracket_shows_where_it_opens() -> None:
    (fault,) = faults_of("a: 1\nb: [1,\nc: 2\n")

    assert [related.place for related in fault.related] == [Span(PATH, 2, 4, 2, 5)]


def test_nesting_up_to_the_limit_is_fine() -> None:
    assert read(NESTED) is not None


def test_as_many_aliases_as_the_limit_are_fine() -> None:
    data = read("a: &a x\nb:\n" + "- *a\n" * MAX_EXPANDED)

    assert data["b"] == ["x"] * MAX_EXPANDED
    assert [fault.code for fault in faults_of("a: &a x\nb:\n" + "- *a\n" * (MAX_EXPANDED + 1))] == ["RC119"]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("alias bomb", BOMB, "RC119"),
        ("flow nesting", "[" * 1_000_000, "RC120"),
        ("flow mapping nesting", "{a: " * 250_000, "RC120"),
        ("block nesting", "- " * 500_000, "RC120"),
        ("key nesting", "? " * 500_000, "RC114"),
        (
            "undefined aliases",
            "&a x\n" and "".join(f"- &a{i} *b{i}\n- *c{i}\n" for i in range(20_000)),
            "RC111",
        ),
        ("unknown aliases", "".join(f"- &a{i} x\n- *b{i}\n" for i in range(40_000)), "RC119"),
        ("duplicates", "a: 1\n" * 200_000, "RC113"),
        ("NULs", "\0\n" * 500_000, "RC118"),
        ("long key", "? " + "k" * 900_000 + "\n: 1\n? " + "k" * 100_000 + "\n: &a [*a]", "RC119"),
        ("long digits", "a: " + "1" * 1_000_000, "RC117"),
        ("an open quote", "a: '" + "x\n " * 300_000, "RC111"),
    ],
)
def test_hostile_files_are_answered_soon(name: str, text: str, expected: str) -> None:
    started = time.process_time()
    faults = faults_of(text)

    assert faults[0].code == expected
    assert len(faults) <= 100
    assert all(len(fault.message) + len(fault.help) < 400 for fault in faults)
    assert time.process_time() - started < 5  # seconds; each takes well under one


# What a value may hold: no controls, no surrogates, no exotic line ends, no byte order mark.
TEXT = st.text(
    st.sampled_from("\n\t ")
    | st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp", "Cn"), exclude_characters="\ufeff"),
    max_size=20,
)
JSON = st.recursive(
    st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: (
        st.lists(inner | st.none(), max_size=4) | st.dictionaries(TEXT, inner | st.none(), max_size=4)
    ),
    max_leaves=12,
)


class _Dumper(yaml.SafeDumper):
    """Writes shared values out, and quotes texts that only YAML 1.2 takes for numbers."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"(?:[-+]?[0-9.]+[eE][-+]?[0-9]+|0o[0-7]+)$"),
    list("-+.0123456789"),
)


@both_parsers
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(JSON, st.booleans())
@example("0E0", False)
def test_what_is_dumped_is_read_again(value: Any, flow: bool) -> None:
    text = yaml.dump(value, Dumper=_Dumper, allow_unicode=True, default_flow_style=flow, sort_keys=False)

    got = read(text)

    assert got == value
    assert repr(got) == repr(value)  # 1, 1.0 and True differ


@both_parsers
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.text(
        st.sampled_from("ab01 \n\t:-?,[]{}&*!|>'\"%@`#\\xuU.~<=\r\0\ufeff\x85\u2028\ud800é𝄞"), max_size=60
    )
)
@example("a: !<%ED%A0%80> x")
@example("a: !%FF x")
@example("%TAG ! tag:x,2000:\n---\n!a b")
@example("%YAML 99999999999999999999.1\n---\na")
@example('"\\UFFFFFFFF"')
@example('"\\ud800"')
@example("? ? ? : : :")
@example("- - - ? - : - ? -")
@example("{? , : , ?}")
@example("a: |9\n x")
@example("a\n\n\n: b")
@example("!!float ''")
@example("&a")
@example("*a : *a")
@example("...\n---\n...\n")
def test_no_text_makes_it_raise(text: str) -> None:
    document, faults = parse(Source(PATH, text))

    assert (document is None) == bool(faults)
    locator = Locator({PATH: text})
    lines = normalise(text).split("\n")
    for fault in faults:
        for place in (fault.place, *(related.place for related in fault.related)):
            assert isinstance(place, Span)
            assert_inside(place, lines)
    for keys in ((), ("a",), (0, 0), ("a", 0, "b"), (0, "b")):
        for on_key in (False, True):
            for start, end in ((-1, -1), (0, 1), (2, 9), (7, 3)):
                assert_inside(locator.span(Pointer(PATH, keys, on_key, start, end)), lines)


def assert_inside(span: Span, lines: list[str]) -> None:
    """A fault at a line's end may stand on the character behind it."""
    assert 1 <= span.line <= span.end_line <= len(lines)
    assert 1 <= span.column <= len(lines[span.line - 1]) + 1
    assert 1 <= span.end_column <= len(lines[span.end_line - 1]) + 2
    assert (span.line, span.column) <= (span.end_line, span.end_column)


@settings(deadline=None)
@given(st.binary(max_size=40))
def test_no_bytes_make_it_raise(data: bytes) -> None:
    parse(Source(PATH, data.decode("utf-8", "surrogateescape")))
    parse(Source(PATH, data.decode("latin-1")))
