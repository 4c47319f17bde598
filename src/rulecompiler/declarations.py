"""A parameter's declaration against itself: what in it cannot be meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rulecompiler.diagnostics import Diagnostic, Pointer
from rulecompiler.model import Param
from rulecompiler.params import fault, is_pattern
from rulecompiler.words import one_of, show

_NUMERIC = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_TEXTUAL = ("minLength", "maxLength", "pattern", "format")
_LISTED = ("items", "minItems", "maxItems", "uniqueItems")
_APPLIES = {
    "number": _NUMERIC,
    "integer": _NUMERIC,
    "string": _TEXTUAL,
    "boolean": (),
    "array": _LISTED,
}
_RANGES = (("minimum", "maximum"), ("minLength", "maxLength"), ("minItems", "maxItems"))


def contradictions(param: Param, declared: Pointer) -> Iterator[Diagnostic]:
    """What in a declaration cannot be meant, such as bounds that no value fits or bounds of a text.

    Its default, examples and allowed values are checked like any other value.
    """
    broken = list(_broken(param.name, param.schema, declared))
    if "items" in param.schema:
        broken += _broken(f"{param.name}.items", param.schema["items"], declared.at("items"))
    yield from broken
    if broken:
        return
    yield from _own_values(param, declared)


def _own_values(param: Param, declared: Pointer) -> Iterator[Diagnostic]:
    schema = param.schema
    places = [("default",)] if "default" in schema else []
    values: list[tuple[tuple[str | int, ...], Any]] = [(place, schema["default"]) for place in places]
    for keyword in ("enum", "examples"):
        values += [((keyword, index), value) for index, value in enumerate(schema.get(keyword, []))]
    items = schema.get("items", {})
    values_of_items = [(("items", "enum", i), value) for i, value in enumerate(items.get("enum", []))]
    for path, value in values:
        found = fault(param, value, declared.at(*path), declared)
        if found:
            yield found
    item = Param(param.name, items, required=True)
    for path, value in values_of_items:
        found = fault(item, value, declared.at(*path), declared)
        if found:
            yield found


def _broken(name: str, schema: Mapping[str, Any], at: Pointer) -> Iterator[Diagnostic]:
    kind = schema["type"]
    useless = set(_NUMERIC + _TEXTUAL + _LISTED) & schema.keys() - set(_APPLIES[kind])
    for keyword in sorted(useless):
        applies = [other for other, keywords in _APPLIES.items() if keyword in keywords]
        yield Diagnostic(
            "RC211",
            f"{name} is of type {kind}, to which `{keyword}` does not apply",
            at.at(keyword).key(),
            help=f"it is for type {one_of(applies)}: remove it",
        )
    for low, high in _RANGES:
        if low in schema and high in schema and schema[low] > schema[high]:
            yield Diagnostic(
                "RC211",
                f"no value fits {name}: its {low} is {show(schema[low])}, its {high} {show(schema[high])}",
                at.at(low),
                help="swap or change them",
            )
    if "pattern" in schema and not useless and not is_pattern(schema["pattern"]):
        yield Diagnostic(
            "RC206",
            f"the pattern of {name} is not a regular expression that RE2 can read",
            at.at("pattern"),
            help="RE2 has no look-around and no back-references",
        )
