"""A parameter's value against its declaration."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from rulecompiler.diagnostics import Diagnostic, Pointer, Related
from rulecompiler.model import Param
from rulecompiler.words import describe, nearest, show

_LARGEST = 1.7976931348623157e308  # beyond it a number is no float64, which is all that PromQL knows
_TYPE_WORDS = {
    "number": "a number",
    "integer": "a whole number",
    "string": "text",
    "boolean": "true or false",
    "array": "a list",
}
# No duration of a query, which is what the promql package speaks of, but one that `for` may have.
_NOUGHT = re.compile("0|(?=.)(?:0+y)?(?:0+w)?(?:0+d)?(?:0+h)?(?:0+m)?(?:0+s)?(?:0+ms)?")
_FORMAT_WORDS = {
    "duration": "a duration such as 30s, 5m or 1h30m",
    "promql": "a PromQL expression",
    "regex": "a regular expression (RE2)",
    "label": "a label name: letters, digits and `_`, not starting with a digit",
    "metric": "a metric name",
}


class _Misfit(NamedTuple):
    """Why a value does not fit; `says` goes on after the parameter's name."""

    code: str
    keyword: str
    says: str
    help: str
    item: int = -1  # the index, where one value of a list is at fault


def accepts(param: Param, value: Any) -> bool:
    """Whether a value fits the parameter; fast, for the usual case that it does."""
    return _misfit(param.schema, value) is None


def fault(param: Param, value: Any, at: Pointer, declared: Pointer) -> Diagnostic | None:
    """What is wrong with a value that stands at `at`, or None if it fits.

    `declared` is where the template declares the parameter; it is shown beside the value.
    """
    misfit = _misfit(param.schema, value)
    if misfit is None:
        return None
    schema = param.schema
    place, name = at, param.name
    if misfit.item >= 0:
        place, name = at.at(misfit.item), f"{param.name}[{misfit.item}]"
        schema = schema if misfit.keyword in schema else schema.get("items", {})
    constraint = schema.get(misfit.keyword)
    label = "" if constraint is None else f"{misfit.keyword}: {_constraint(constraint)}"
    return Diagnostic(
        misfit.code,
        f"{name} {misfit.says}",
        place,
        label=label,
        help=misfit.help,
        related=(Related(declared, "declared here"),),
    )


def _misfit(schema: Mapping[str, Any], value: Any) -> _Misfit | None:
    kind = schema["type"]
    found = _CHECKS[kind](schema, value)
    if found is None and "enum" in schema and not _among(value, schema["enum"]):
        allowed = schema["enum"]
        match = nearest(value, map(str, allowed)) if isinstance(value, str) else None
        help_ = f"did you mean `{match}`?" if match else "choose one of them, or add it in the template"
        return _Misfit("RC205", "enum", f"is {show(value)}, not one of {_list(allowed)}", help_)
    return found


def _among(value: Any, allowed: list[Any]) -> bool:
    """Membership as JSON sees it: true is not 1."""
    if isinstance(value, list):
        return False
    return any(value == item and isinstance(value, bool) == isinstance(item, bool) for item in allowed)


def _constraint(value: Any) -> str:
    if isinstance(value, list):
        return f"[{_list(value)}]"
    if isinstance(value, bool) or not isinstance(value, str):
        return show(value)
    return value


def _list(values: list[Any]) -> str:
    shown = ", ".join(show(value) for value in values[:10])
    return f"{shown}, …" if len(values) > 10 else shown


def _wrong_type(kind: str, value: Any) -> _Misfit:
    help_ = ""
    if kind == "string" and isinstance(value, bool | int | float):
        help_ = "put it in quotes, just as you wrote it"
    elif kind == "boolean" and isinstance(value, str):
        help_ = f"write `true` or `false`: YAML 1.2 reads {show(value)} as text"
    elif kind in ("number", "integer") and isinstance(value, str):
        help_ = "write the number without quotes or unit"
    elif kind == "integer":
        help_ = "write a number without a fraction"
    elif kind == "array":
        help_ = "write a list: `[…]`"
    elif value is None:
        help_ = "give it a value, or leave it out for the default"
    return _Misfit("RC203", "type", f"must be {_TYPE_WORDS[kind]}, not {describe(value)}", help_)


def _number(schema: Mapping[str, Any], value: Any) -> _Misfit | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _wrong_type(schema["type"], value)
    if not -_LARGEST <= value <= _LARGEST:  # NaN too: it compares to nothing
        return _Misfit("RC210", "type", f"is {show(value)}, which is not a finite number", "write a number")
    if schema["type"] == "integer" and isinstance(value, float) and not value.is_integer():
        return _wrong_type("integer", value)
    if "minimum" in schema and value < schema["minimum"]:
        return _bound("minimum", f"below its minimum of {show(schema['minimum'])}", value)
    if "maximum" in schema and value > schema["maximum"]:
        return _bound("maximum", f"above its maximum of {show(schema['maximum'])}", value)
    if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"]:
        return _bound("exclusiveMinimum", f"but must be above {show(schema['exclusiveMinimum'])}", value)
    if "exclusiveMaximum" in schema and value >= schema["exclusiveMaximum"]:
        return _bound("exclusiveMaximum", f"but must be below {show(schema['exclusiveMaximum'])}", value)
    if "multipleOf" in schema and Decimal(str(value)) % Decimal(str(schema["multipleOf"])):
        says = f"is {show(value)}, not a multiple of {show(schema['multipleOf'])}"
        return _Misfit("RC204", "multipleOf", says, "round it, or change the template")
    return None


def _bound(keyword: str, says: str, value: Any) -> _Misfit:
    raises = keyword in ("minimum", "exclusiveMinimum")
    help_ = "raise it, or lower the minimum in the template"
    if not raises:
        help_ = "lower it, or raise the maximum in the template"
    return _Misfit("RC204", keyword, f"is {show(value)}, {says}", help_)


def _string(schema: Mapping[str, Any], value: Any) -> _Misfit | None:
    if not isinstance(value, str):
        return _wrong_type("string", value)
    format_ = schema.get("format", "")
    if not value.isprintable() and (bad := _control(value, multiline=format_ == "promql")):
        return _Misfit("RC210", "type", f"holds {bad}", "remove it")
    size = len(value)
    if size < schema.get("minLength", 0):
        return _length("minLength", size, f"fewer than {schema['minLength']}", "characters")
    if "maxLength" in schema and size > schema["maxLength"]:
        return _length("maxLength", size, f"more than {schema['maxLength']}", "characters")
    if "pattern" in schema and not _matches(schema["pattern"], value):
        says = f"is {show(value)}, which does not match its pattern {schema['pattern']}"
        return _Misfit("RC206", "pattern", says, "write what the template's pattern allows")
    if format_ and not _has_format(format_, value):
        says = f"must be {_FORMAT_WORDS[format_]}, not {show(value)}"
        return _Misfit("RC206", "format", says, _format_help(format_, value))
    return None


def _format_help(format_: str, value: str) -> str:
    if format_ == "duration":
        return (
            f"give it a unit, such as `{value}s` or `{value}m`"
            if value.isdigit()
            else "write it without spaces"
        )
    return ""


def _control(value: str, *, multiline: bool) -> str:
    """What the first control character of a text is, if it has one."""
    allowed = "\n\r\t" if multiline else ""
    for character in value:
        if unicodedata.category(character) in ("Cc", "Cs") and character not in allowed:
            number = f"the control character U+{ord(character):04X}"
            return {"\n": "a line break", "\t": "a tab"}.get(character, number)
    return ""


def _length(keyword: str, size: int, limit: str, what: str) -> _Misfit:
    help_ = "shorten it" if keyword.startswith("max") else "lengthen it"
    return _Misfit("RC207", keyword, f"has {size} {what}, {limit}", f"{help_}, or change the template")


def _boolean(_: Mapping[str, Any], value: Any) -> _Misfit | None:
    return None if isinstance(value, bool) else _wrong_type("boolean", value)


def _array(schema: Mapping[str, Any], value: Any) -> _Misfit | None:
    if not isinstance(value, list):
        return _wrong_type("array", value)
    size = len(value)
    if size < schema.get("minItems", 0):
        return _length("minItems", size, f"fewer than {schema['minItems']}", "values")
    if "maxItems" in schema and size > schema["maxItems"]:
        return _length("maxItems", size, f"more than {schema['maxItems']}", "values")
    for index, item in enumerate(value):
        found = _misfit(schema["items"], item) if "items" in schema else _scalar(item)
        if found:
            return found._replace(item=index)
        if schema.get("uniqueItems") and _among(item, value[:index]):
            return _Misfit("RC207", "uniqueItems", f"is {show(item)} a second time", "remove it", index)
    return None


def _scalar(value: Any) -> _Misfit | None:
    """What every value of a list without `items` must be."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return _string({"type": "string"}, value)
    return _number({"type": "number"}, value)


_CHECKS: Mapping[str, Callable[[Mapping[str, Any], Any], _Misfit | None]] = {
    "number": _number,
    "integer": _number,
    "string": _string,
    "boolean": _boolean,
    "array": _array,
}


def is_pattern(pattern: str) -> bool:
    """Whether RE2 can read a parameter's `pattern`."""
    return _search(pattern) is not None


@lru_cache(maxsize=256)
def _search(pattern: str) -> Any:
    """The compiled pattern, or None where RE2 cannot read it. RE2, as a pattern comes from a stranger."""
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError):
        return None


@lru_cache(maxsize=4096)
def _matches(pattern: str, value: str) -> bool:
    compiled = _search(pattern)
    return compiled is None or compiled.search(value) is not None


def is_duration(value: str) -> bool:
    """Whether this is a duration that Prometheus can count, such as 1h30m or 0s."""
    return _has_format("duration", value)


def is_regex(value: str) -> bool:
    """Whether this is a regular expression of RE2, which is what Prometheus knows."""
    return _has_format("regex", value)


@lru_cache(maxsize=4096)
def _has_format(format_: str, value: str) -> bool:
    from rulecompiler import promql

    tests: Mapping[str, Callable[[str], bool]] = {
        "duration": lambda text: promql.is_duration(text) or _NOUGHT.fullmatch(text) is not None,
        "promql": promql.parses,
        "regex": promql.is_regex,
        "label": promql.is_label,
        "metric": promql.is_metric,
    }
    return tests[format_](value)
