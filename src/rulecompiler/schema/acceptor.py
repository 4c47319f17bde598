"""A JSON Schema compiled to one Python predicate: says in microseconds that a document is valid.

Only the keywords that this project's own schemas use; any other is a bug and raises. Why a document
is *not* valid is jsonschema's business, which takes 100 ms to import and ten times as long to run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sized
from typing import Any

Accepts = Callable[[Any], bool]

_ANNOTATIONS = frozenset(
    ["$schema", "$defs", "title", "description", "default", "examples", "errorMessage", "patternErrorMessage"]
)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_integer(value: Any) -> bool:
    if isinstance(value, float):
        return value.is_integer()
    return isinstance(value, int) and not isinstance(value, bool)


_TYPES: Mapping[str, Accepts] = {
    "string": lambda value: isinstance(value, str),
    "number": _is_number,
    "integer": _is_integer,
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
}


def regex(pattern: str) -> re.Pattern[str]:
    """The pattern with JSON Schema's meaning of `$`: the end, and not before a last line break too."""
    return re.compile(re.sub(r"(?<!\\)\$", r"\\Z", pattern))


def compile_schema(schema: Mapping[str, Any] | bool, root: Mapping[str, Any] | None = None) -> Accepts:
    """The predicate of a schema; `root` is where `$ref: "#/$defs/…"` looks, by default the schema.

    Keys of mappings are text, as every document's are. Raises ValueError for a keyword that is
    not known here.
    """
    if isinstance(schema, bool):
        return lambda _: schema
    root = schema if root is None else root
    tests: list[Accepts] = []
    for keyword, argument in schema.items():
        if keyword in _ANNOTATIONS or keyword == "additionalProperties":
            continue
        if keyword == "$ref":
            tests.append(compile_schema(root["$defs"][argument.removeprefix("#/$defs/")], root))
        elif keyword in _SIMPLE:
            tests.append(_SIMPLE[keyword](argument))
        elif keyword in _NESTED:
            tests.append(_NESTED[keyword](argument, root))
        elif keyword != "properties":
            raise ValueError(f"the schema keyword {keyword} is not supported")
    if "properties" in schema or "additionalProperties" in schema:
        tests.append(_members(schema, root))
    return _every(tests)


def _every(tests: list[Accepts]) -> Accepts:
    """All of these, unrolled for the usual few."""
    if not tests:
        return lambda _: True
    if len(tests) == 1:
        return tests[0]
    if len(tests) == 2:
        first, second = tests
        return lambda value: first(value) and second(value)
    frozen = tuple(tests)

    def accepts(value: Any) -> bool:
        for test in frozen:  # noqa: SIM110  # a generator costs twice as much here
            if not test(value):
                return False
        return True

    return accepts


def _type(argument: str | list[str]) -> Accepts:
    if isinstance(argument, str):
        return _TYPES[argument]
    tests = tuple(_TYPES[name] for name in argument)
    exact = {"string": str, "boolean": bool, "null": type(None), "object": dict, "array": list, "number": int}
    usual = frozenset(exact[name] for name in argument if name in exact)
    return lambda value: type(value) in usual or any(test(value) for test in tests)


def _pattern(argument: str) -> Accepts:
    search = regex(argument).search
    return lambda value: not isinstance(value, str) or search(value) is not None


def _enum(argument: list[Any]) -> Accepts:
    # JSON knows true from 1; Python's `in` does not.
    texts = frozenset(item for item in argument if isinstance(item, str))
    if len(texts) != len(argument):
        raise ValueError("only an enum of texts is supported")
    return lambda value: isinstance(value, str) and value in texts


def _unique(argument: bool) -> Accepts:
    def accepts(value: Any) -> bool:
        if not argument or not isinstance(value, list):
            return True
        return len({(isinstance(item, bool), repr(item)) for item in value}) == len(value)

    return accepts


def _required(argument: list[str]) -> Accepts:
    needed = frozenset(argument)
    return lambda value: not isinstance(value, dict) or needed <= value.keys()


def _dependent_required(argument: Mapping[str, list[str]]) -> Accepts:
    items = tuple(argument.items())
    return lambda value: (
        not isinstance(value, dict)
        or all(key not in value or all(other in value for other in others) for key, others in items)
    )


def _sized(kind: type[Sized], fits: Callable[[int], bool]) -> Accepts:
    return lambda value: not isinstance(value, kind) or fits(len(value))


_SIMPLE: Mapping[str, Callable[[Any], Accepts]] = {
    "type": _type,
    "enum": _enum,
    "pattern": _pattern,
    "required": _required,
    "dependentRequired": _dependent_required,
    "uniqueItems": _unique,
    "minLength": lambda n: _sized(str, lambda size: size >= n),
    "maxLength": lambda n: _sized(str, lambda size: size <= n),
    "minItems": lambda n: _sized(list, lambda size: size >= n),
    "minProperties": lambda n: _sized(dict, lambda size: size >= n),
    "maxProperties": lambda n: _sized(dict, lambda size: size <= n),
    "minimum": lambda n: lambda value: not _is_number(value) or value >= n,
    "maximum": lambda n: lambda value: not _is_number(value) or value <= n,
    "exclusiveMinimum": lambda n: lambda value: not _is_number(value) or value > n,
}


def _items(argument: Mapping[str, Any], root: Mapping[str, Any]) -> Accepts:
    test = compile_schema(argument, root)
    return lambda value: not isinstance(value, list) or all(test(item) for item in value)


def _names(argument: Mapping[str, Any], root: Mapping[str, Any]) -> Accepts:
    test = compile_schema(argument, root)
    return lambda value: not isinstance(value, dict) or all(test(key) for key in value)


def _one_of(argument: list[Mapping[str, Any]], root: Mapping[str, Any]) -> Accepts:
    tests = tuple(compile_schema(item, root) for item in argument)
    return lambda value: sum(test(value) for test in tests) == 1


def _not(argument: Mapping[str, Any], root: Mapping[str, Any]) -> Accepts:
    test = compile_schema(argument, root)
    return lambda value: not test(value)


def _dependent_schemas(argument: Mapping[str, Mapping[str, Any]], root: Mapping[str, Any]) -> Accepts:
    tests = tuple((key, compile_schema(schema, root)) for key, schema in argument.items())
    return lambda value: (
        not isinstance(value, dict) or all(key not in value or test(value) for key, test in tests)
    )


_NESTED: Mapping[str, Callable[[Any, Mapping[str, Any]], Accepts]] = {
    "items": _items,
    "propertyNames": _names,
    "oneOf": _one_of,
    "not": _not,
    "dependentSchemas": _dependent_schemas,
}


def _members(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Accepts:
    """`properties` and `additionalProperties` in one walk over the mapping."""
    known = {key: compile_schema(value, root) for key, value in schema.get("properties", {}).items()}
    other = compile_schema(schema.get("additionalProperties", True), root)
    get = known.get

    def accepts(value: Any) -> bool:
        if isinstance(value, dict):
            for key, item in value.items():
                if not get(key, other)(item):
                    return False
        return True

    return accepts
