"""Where a value, a key or a part of a string stands in its file."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rulecompiler.diagnostics import Pointer, Span
from rulecompiler.document import Locator, parse
from rulecompiler.document.offsets import raw_offsets
from rulecompiler.model import Source

PATH = "t.yaml"
TEXT = """\
# a comment
alert: HighCPU   # another
params:
  threshold: {type: number, "default": 80}
  é𝄞: {x: 1}
empty:
expr: |
  sum(a)
    > 80

  or b

labels: &l
  severity: 'it''s'
copy: *l
list:
- one
-   - two
    - {three: 3}
for: 5m
"""


def span(
    text: str, *keys: str | int, on_key: bool = False, start: int = -1, end: int = -1
) -> tuple[int, ...]:
    """Line, column, end line, end column of a place."""
    found = Locator({PATH: text}).span(Pointer(PATH, keys, on_key, start, end))
    assert found.path == PATH
    return found[1:]


@pytest.mark.parametrize(
    ("keys", "value", "key"),
    [
        (("alert",), (2, 8, 2, 15), (2, 1, 2, 6)),
        (("params",), (4, 3, 5, 13), (3, 1, 3, 7)),
        (("params", "threshold"), (4, 14, 4, 43), (4, 3, 4, 12)),
        (("params", "threshold", "type"), (4, 21, 4, 27), (4, 15, 4, 19)),
        (("params", "threshold", "default"), (4, 40, 4, 42), (4, 29, 4, 38)),
        (("params", "é𝄞"), (5, 7, 5, 13), (5, 3, 5, 5)),
        (("params", "é𝄞", "x"), (5, 11, 5, 12), (5, 8, 5, 9)),
        (("empty",), (6, 7, 6, 7), (6, 1, 6, 6)),
        (("expr",), (7, 7, 11, 7), (7, 1, 7, 5)),
        (("labels",), (13, 9, 14, 20), (13, 1, 13, 7)),
        (("labels", "severity"), (14, 13, 14, 20), (14, 3, 14, 11)),
        # An aliased value stands where the alias is, its inside where the anchor is.
        (("copy",), (15, 7, 15, 9), (15, 1, 15, 5)),
        (("copy", "severity"), (14, 13, 14, 20), (14, 3, 14, 11)),
        (("list",), (17, 1, 19, 17), (16, 1, 16, 5)),
        (("list", 0), (17, 3, 17, 6), (17, 3, 17, 6)),
        (("list", 1), (18, 5, 19, 17), (18, 5, 19, 17)),
        (("list", 1, 1, "three"), (19, 15, 19, 16), (19, 8, 19, 13)),
        (("for",), (20, 6, 20, 8), (20, 1, 20, 4)),
        ((), (2, 1, 20, 8), (2, 1, 20, 8)),
        # What is not there is answered with the nearest parent: its key, if it has one.
        (("nope",), (2, 1, 20, 8), (2, 1, 20, 8)),
        (("params", "nope", "deeper"), (3, 1, 3, 7), (3, 1, 3, 7)),
        (("alert", "deeper", 3), (2, 1, 2, 6), (2, 1, 2, 6)),
        (("list", 7), (16, 1, 16, 5), (16, 1, 16, 5)),
        (("list", 1, 9), (18, 5, 19, 17), (18, 5, 19, 17)),
        (("list", "0"), (16, 1, 16, 5), (16, 1, 16, 5)),
        (("copy", "nope"), (15, 1, 15, 5), (15, 1, 15, 5)),
    ],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_values_and_keys(keys: tuple[str | int, ...], value: Any, key: Any, line_end: str) -> None:
    text = "\ufeff" + TEXT.replace("\n", line_end)

    assert span(text, *keys) == value
    assert span(text, *keys, on_key=True) == key


# In each text the value of `a` holds the marker <>, and is to be found where the text has it.
@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("plain", "a: x <> y # c\n", (1, 6)),
        ("plain, wide characters", "a: é𝄞 <>\n", (1, 7)),
        ("plain with properties", "a: &anchor !!str x <>\n", (1, 20)),
        ("plain over lines", "a: x\n  y\n\n   <> z\n", (4, 4)),
        ("single quotes", "a: 'it''s <>'\n", (1, 11)),
        ("single quotes over lines", "a: 'x ''\n\n\n   y  z <>'\n", (4, 9)),
        ("double quotes", 'a: "\\x41\\u00e9\\U0001d11e\\" \\\\ <>"\n', (1, 31)),
        ("double quotes over lines", 'a: "x \\\n   \\  y\n  z\n\n  <>"\n', (5, 3)),
        ("double quotes, tagged, spaces", 'a: !!str   "b  <>"\n', (1, 16)),
        ("literal", "a: |\n    x\n      <>\n", (3, 7)),
        ("literal, stripped", "a: |-\n  x\n\n\n  y <>", (5, 5)),
        ("literal, kept", "a: |+\n\n  x\n   \n  <>\n\n\nb: 1\n", (5, 3)),
        ("literal, stated indentation", "a: |2\n    x\n   <>\n", (3, 4)),
        ("literal, comment and anchor", "a: &b |- # why\n  x\n  <>\n# end\n", (3, 3)),
        ("literal with trailing spaces", "a: |\n  x <>   \n", (2, 5)),
        ("folded", "a: >\n  x\n  y <>\n", (3, 5)),
        ("folded, blank lines", "a: >-\n\n  x\n\n\n  y\n  <>\n", (7, 3)),
        ("folded, more indented", "a: >\n  x\n\n    more\n    <>\n\n  z\n", (5, 5)),
        ("folded, stated indentation", "a: >1\n   x\n <> y\n", (3, 2)),
        ("folded, tab", "a: >\n  x\n  \ty\n  z <>\n", (4, 5)),
    ],
)
def test_parts_of_strings(name: str, text: str, place: tuple[int, int]) -> None:
    document, faults = parse(Source(PATH, text))
    assert not faults
    assert document is not None
    at = document.data["a"].index("<>")
    line, column = place

    assert span(text, "a", start=at, end=at + 2) == (line, column, line, column + 2)
    assert span(text.replace("\n", "\r\n"), "a", start=at, end=at + 2) == (line, column, line, column + 2)
    assert span(text, "a", start=at, end=at) == (line, column, line, column)


def test_every_character_of_an_escaped_string() -> None:
    text = 'a: "b\\x41\\"c"\n'

    assert [span(text, "a", start=i, end=i + 1)[1::2] for i in range(4)] == [
        (5, 6),
        (6, 10),
        (10, 12),
        (12, 13),
    ]


def test_a_part_over_two_lines_of_a_literal() -> None:
    assert span(TEXT, "expr", start=4, end=12) == (8, 7, 9, 8)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (7, 99, (2, 15, 2, 15)),
        (5, 99, (2, 13, 2, 15)),
        (99, 100, (2, 15, 2, 15)),
        (3, 1, (2, 11, 2, 11)),
    ],
)
def test_offsets_beyond_the_value_stop_at_its_end(start: int, end: int, expected: tuple[int, ...]) -> None:
    assert span(TEXT, "alert", start=start, end=end) == expected


def test_offsets_through_an_alias_stand_at_the_anchor() -> None:
    assert span("a: &x 'b c'\nd: *x\n", "d", start=2, end=3) == (1, 10, 1, 11)


def test_offsets_in_what_is_no_string_give_all_of_it() -> None:
    assert span(TEXT, "list", start=0, end=1) == (17, 1, 19, 17)
    assert span("a: ''\n", "a", start=0, end=0) == (1, 4, 1, 6)


def test_of_a_duplicate_key_the_first_is_meant() -> None:
    assert span("a: 1\nb: 2\na: 3\n", "a") == (1, 4, 1, 5)


def test_in_a_broken_file_what_is_before_the_fault_is_found() -> None:
    text = "a: 1\nb: {c: 2,\nd: ]\n"

    assert span(text, "a") == (1, 4, 1, 5)
    assert span(text, "b", "c") == (2, 8, 2, 9)
    assert span("", "a") == (1, 1, 1, 1)
    assert span("[" * 100_000, 0, 0) == (1, 3, 1, 65)


def test_a_span_passes_through_and_an_unknown_file_has_a_first_character() -> None:
    locator = Locator({PATH: TEXT})
    there = Span("elsewhere", 3, 4, 5, 6)

    assert locator.span(there) is there
    assert locator.span(Pointer("unknown.yaml", ("a",))) == Span("unknown.yaml", 1, 1, 1, 1)


def test_a_file_is_read_once() -> None:
    asked: list[str] = []

    class Sources(dict[str, str]):
        def get(self, key: str, default: Any = None) -> Any:
            asked.append(key)
            return super().get(key, default)

    locator = Locator(Sources({PATH: TEXT}))
    for _ in range(3):
        locator.span(Pointer(PATH, ("alert",)))

    assert asked == [PATH]


STRINGS = st.text(st.sampled_from("ab  \n\n\t'\"\\:#-é𝄞\xa0"), max_size=30)


@pytest.mark.parametrize("style", ["", "'", '"', "|", ">"])
@settings(deadline=None)
@given(STRINGS, st.integers(2, 6), st.sampled_from([12, 80]))
def test_what_any_style_writes_is_followed_to_its_characters(
    style: str, value: str, indent: int, width: int
) -> None:
    text = yaml.dump({"k": {"a": value}}, default_style=style, indent=indent, width=width, allow_unicode=True)
    event = [e for e in yaml.parse(text, yaml.SafeLoader) if isinstance(e, yaml.ScalarEvent)][-1]
    assert event.start_mark is not None
    assert event.end_mark is not None
    raw = text[event.start_mark.index : event.end_mark.index]

    offsets = raw_offsets(raw, event.style or "", event.value)

    assert offsets is not None
    assert len(offsets) == len(event.value)
    for (start, end), char in zip(offsets, event.value, strict=True):
        if start < end and raw[start] not in "\\'":
            assert raw[start:end] == char
        if start == end:
            assert char in " \n"
            assert start == len(raw) or raw[start] == "\n"
    assert offsets == sorted(offsets)


@settings(deadline=None)
@given(st.dictionaries(st.text("abc", min_size=1), STRINGS | st.integers() | st.booleans(), min_size=1))
def test_a_values_text_reads_as_the_value_again(data: dict[str, Any]) -> None:
    text = yaml.safe_dump(data, allow_unicode=True)
    lines = text.split("\n")
    locator = Locator({PATH: text})
    for key, value in data.items():
        place = locator.span(Pointer(PATH, (key,)))
        if place.line == place.end_line:
            found = lines[place.line - 1][place.column - 1 : place.end_column - 1]
            assert yaml.safe_load(found) == value
