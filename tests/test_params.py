from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from rulecompiler import declarations, params
from rulecompiler.diagnostics import Pointer, Related
from rulecompiler.model import Param

AT = Pointer("g.yaml", ("rules", "R", "params", "p"))
DECLARED = Pointer("t.yaml", ("params", "p"))


def param(**schema: Any) -> Param:
    return Param("p", schema, required=True)


FITS: list[tuple[dict[str, Any], Any]] = [
    ({"type": "number"}, 5),
    ({"type": "number"}, -0.5),
    ({"type": "number", "minimum": 0, "maximum": 5}, 0),
    ({"type": "number", "minimum": 0, "maximum": 5}, 5.0),
    ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, 0.999),
    ({"type": "number", "multipleOf": 0.1}, 0.3),
    ({"type": "number", "multipleOf": 5}, -10),
    ({"type": "number", "multipleOf": 3}, 9e15),
    ({"type": "number", "enum": [1, 2.5]}, 1.0),
    ({"type": "integer"}, 5.0),
    ({"type": "integer"}, -(2**63)),
    ({"type": "string"}, ""),
    ({"type": "string"}, "ä 漢 😀"),
    ({"type": "string", "minLength": 2, "maxLength": 2}, "ab"),
    ({"type": "string", "pattern": "^a+$"}, "aaa"),
    ({"type": "string", "pattern": "b"}, "abc"),
    ({"type": "string", "enum": ["a", "b"]}, "b"),
    ({"type": "string", "format": "duration"}, "1h30m"),
    ({"type": "string", "format": "duration"}, "0"),
    ({"type": "string", "format": "duration"}, "0m"),
    ({"type": "string", "format": "promql"}, 'sum(rate(x{a="b"}[5m]))\n  > 5'),
    ({"type": "string", "format": "regex"}, "(?i)a|b"),
    ({"type": "string", "format": "label"}, "_instance"),
    ({"type": "string", "format": "metric"}, "node:cpu:rate5m"),
    ({"type": "boolean"}, False),
    ({"type": "array"}, []),
    ({"type": "array"}, [1, "a", True]),
    ({"type": "array", "items": {"type": "number", "maximum": 5}}, [1, 5]),
    ({"type": "array", "minItems": 1, "maxItems": 2}, ["a", "b"]),
    ({"type": "array", "uniqueItems": True}, [1, True, "1"]),
    ({"type": "array", "uniqueItems": False}, [1, 1]),
]

DOES_NOT_FIT: list[tuple[dict[str, Any], Any, str, str]] = [
    ({"type": "number", "maximum": 100}, 180, "RC204", "p is 180, above its maximum of 100"),
    ({"type": "number", "minimum": 0}, -1, "RC204", "p is -1, below its minimum of 0"),
    ({"type": "number", "minimum": 0.5}, 0.25, "RC204", "p is 0.25, below its minimum of 0.5"),
    ({"type": "number", "exclusiveMinimum": 0}, 0, "RC204", "p is 0, but must be above 0"),
    ({"type": "number", "exclusiveMaximum": 1}, 1, "RC204", "p is 1, but must be below 1"),
    ({"type": "number", "multipleOf": 0.1}, 0.25, "RC204", "p is 0.25, not a multiple of 0.1"),
    ({"type": "number"}, True, "RC203", "p must be a number, not true"),
    ({"type": "number"}, "5", "RC203", 'p must be a number, not the text "5"'),
    ({"type": "number"}, None, "RC203", "p must be a number, not null"),
    ({"type": "number"}, [1], "RC203", "p must be a number, not a list"),
    ({"type": "number"}, float("nan"), "RC210", "p is .nan, which is not a finite number"),
    ({"type": "number"}, float("-inf"), "RC210", "p is -.inf, which is not a finite number"),
    (
        {"type": "number"},
        10**400,
        "RC210",
        "p is a number of more than 70 digits, which is not a finite number",
    ),
    ({"type": "number", "enum": [1, 2]}, 3, "RC205", "p is 3, not one of 1, 2"),
    ({"type": "integer"}, 1.5, "RC203", "p must be a whole number, not the number 1.5"),
    ({"type": "integer"}, "1", "RC203", 'p must be a whole number, not the text "1"'),
    ({"type": "string"}, 5, "RC203", "p must be text, not the number 5"),
    ({"type": "string"}, "a\nb", "RC210", "p holds a line break"),
    ({"type": "string"}, "a\tb", "RC210", "p holds a tab"),
    ({"type": "string"}, "a\0", "RC210", "p holds the control character U+0000"),
    ({"type": "string"}, "\x85", "RC210", "p holds the control character U+0085"),
    ({"type": "string", "format": "promql"}, "up\0", "RC210", "p holds the control character U+0000"),
    ({"type": "string", "minLength": 2}, "a", "RC207", "p has 1 characters, fewer than 2"),
    ({"type": "string", "maxLength": 2}, "abc", "RC207", "p has 3 characters, more than 2"),
    ({"type": "string", "pattern": "^a$"}, "b", "RC206", 'p is "b", which does not match its pattern ^a$'),
    ({"type": "string", "enum": ["idle"]}, "idel", "RC205", 'p is "idel", not one of "idle"'),
    (
        {"type": "string", "format": "duration"},
        "5 m",
        "RC206",
        'p must be a duration such as 30s, 5m or 1h30m, not "5 m"',
    ),
    (
        {"type": "string", "format": "duration"},
        "999y",
        "RC206",
        'p must be a duration such as 30s, 5m or 1h30m, not "999y"',
    ),
    ({"type": "string", "format": "promql"}, "sum(", "RC206", 'p must be a PromQL expression, not "sum("'),
    ({"type": "string", "format": "regex"}, "(", "RC206", 'p must be a regular expression (RE2), not "("'),
    ({"type": "string", "format": "metric"}, "a b", "RC206", 'p must be a metric name, not "a b"'),
    ({"type": "boolean"}, "no", "RC203", 'p must be true or false, not the text "no"'),
    ({"type": "boolean"}, 0, "RC203", "p must be true or false, not the number 0"),
    ({"type": "array"}, "a", "RC203", 'p must be a list, not the text "a"'),
    ({"type": "array", "minItems": 1}, [], "RC207", "p has 0 values, fewer than 1"),
    ({"type": "array", "maxItems": 1}, [1, 2], "RC207", "p has 2 values, more than 1"),
]

IN_A_LIST = [
    (
        {"type": "array", "items": {"type": "number", "maximum": 5}},
        [1, 6],
        "p[1] is 6, above its maximum of 5",
    ),
    ({"type": "array", "items": {"type": "string", "enum": ["a"]}}, ["b"], 'p[0] is "b", not one of "a"'),
    ({"type": "array"}, ["a", None], "p[1] must be a number, not null"),
    ({"type": "array"}, ["\n"], "p[0] holds a line break"),
    ({"type": "array", "uniqueItems": True}, [1, 2, 1.0], "p[2] is 1.0 a second time"),
]


@pytest.mark.parametrize(("schema", "value"), FITS)
def test_fits(schema: dict[str, Any], value: Any) -> None:
    assert params.accepts(param(**schema), value)
    assert params.fault(param(**schema), value, AT, DECLARED) is None


@pytest.mark.parametrize(("schema", "value", "code", "message"), DOES_NOT_FIT)
def test_does_not_fit(schema: dict[str, Any], value: Any, code: str, message: str) -> None:
    found = params.fault(param(**schema), value, AT, DECLARED)

    assert found is not None
    assert (found.code, found.message) == (code, message)
    assert not params.accepts(param(**schema), value)
    assert found.place == AT
    assert found.related == (Related(DECLARED, "declared here"),)


@pytest.mark.parametrize(("schema", "value", "message"), IN_A_LIST)
def test_one_value_of_a_list_does_not_fit(schema: dict[str, Any], value: list[Any], message: str) -> None:
    found = params.fault(param(**schema), value, AT, DECLARED)

    assert found is not None
    assert found.message == message
    assert isinstance(found.place, Pointer)
    assert found.place.keys[:-1] == AT.keys


@pytest.mark.parametrize(
    ("schema", "value", "label"),
    [
        ({"type": "number", "maximum": 100}, 180, "maximum: 100"),
        ({"type": "string", "pattern": "^a$"}, "b", "pattern: ^a$"),
        ({"type": "string", "enum": ["a", "b"]}, "c", 'enum: ["a", "b"]'),
        ({"type": "array", "uniqueItems": True}, [1, 1], "uniqueItems: true"),
        ({"type": "array", "items": {"type": "number", "maximum": 5}}, [6], "maximum: 5"),
    ],
)
def test_the_label_names_the_constraint(schema: dict[str, Any], value: Any, label: str) -> None:
    found = params.fault(param(**schema), value, AT, DECLARED)

    assert found is not None
    assert found.label == label


@pytest.mark.parametrize(
    ("schema", "value", "help_"),
    [
        ({"type": "number", "maximum": 5}, 6, "lower it, or raise the maximum in the template"),
        ({"type": "number", "minimum": 5}, 4, "raise it, or lower the minimum in the template"),
        ({"type": "string"}, 5, "put it in quotes, just as you wrote it"),
        ({"type": "string"}, None, "give it a value, or leave it out for the default"),
        ({"type": "boolean"}, "no", 'write `true` or `false`: YAML 1.2 reads "no" as text'),
        ({"type": "string", "format": "duration"}, "5", "give it a unit, such as `5s` or `5m`"),
        ({"type": "string", "enum": ["idle"]}, "Idle", "did you mean `idle`?"),
        ({"type": "string", "enum": ["a"]}, "zzz", "choose one of them, or add it in the template"),
    ],
)
def test_help(schema: dict[str, Any], value: Any, help_: str) -> None:
    found = params.fault(param(**schema), value, AT, DECLARED)

    assert found is not None
    assert found.help == help_


def test_a_hostile_pattern_costs_nothing() -> None:
    assert not params.accepts(param(type="string", pattern="^(a+)+$"), "a" * 5000 + "!")


@settings(deadline=None)
@given(
    schema=st.sampled_from([schema for schema, _ in FITS if "format" not in schema]),
    value=st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-10, 10),
        st.text("ab\u00e4", max_size=4),
        st.lists(st.integers(0, 6)),
    ),
)
def test_agrees_with_json_schema(schema: dict[str, Any], value: Any) -> None:
    assert params.accepts(param(**schema), value) is Draft202012Validator(schema).is_valid(value)


CONTRADICTIONS: list[tuple[dict[str, Any], str, tuple[str | int, ...], str]] = [
    (
        {"type": "string", "maximum": 5},
        "RC211",
        ("maximum",),
        "p is of type string, to which `maximum` does not apply",
    ),
    ({"type": "string", "minItems": 5}, "RC211", ("minItems",), "it is for type `array`: remove it"),
    ({"type": "number", "minimum": 5, "maximum": 1}, "RC211", ("minimum",), "no value fits p"),
    (
        {"type": "string", "pattern": "("},
        "RC206",
        ("pattern",),
        "the pattern of p is not a regular expression",
    ),
    ({"type": "number", "maximum": 5, "default": 6}, "RC204", ("default",), "p is 6, above its maximum of 5"),
    ({"type": "number", "examples": ["x"]}, "RC203", ("examples", 0), "p must be a number"),
    ({"type": "number", "enum": [1, "x"]}, "RC203", ("enum", 1), "p must be a number"),
    (
        {"type": "array", "items": {"type": "number", "pattern": "x"}},
        "RC211",
        ("items", "pattern"),
        "p.items is of",
    ),
    (
        {"type": "array", "items": {"type": "string", "enum": [1]}},
        "RC203",
        ("items", "enum", 0),
        "p must be text",
    ),
    (
        {"type": "array", "items": {"type": "number"}, "default": ["x"]},
        "RC203",
        ("default", 0),
        "p[0] must be a",
    ),
]


@pytest.mark.parametrize(("schema", "code", "place", "words"), CONTRADICTIONS)
def test_a_declaration_against_itself(
    schema: dict[str, Any], code: str, place: tuple[str | int, ...], words: str
) -> None:
    (found,) = declarations.contradictions(param(**schema), DECLARED)

    assert found.code == code
    assert isinstance(found.place, Pointer)
    assert found.place.keys == DECLARED.keys + place
    assert words in f"{found.message} {found.help}"


@pytest.mark.parametrize(("schema", "value"), FITS)
def test_a_sound_declaration(schema: dict[str, Any], value: Any) -> None:
    declared = Param("p", {**schema, "default": value, "examples": [value]}, required=False, default=value)

    assert list(declarations.contradictions(declared, DECLARED)) == []
