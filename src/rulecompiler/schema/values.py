"""Words for a value that its schema refuses: of a wrong type, form, size, or none of those allowed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from rulecompiler.diagnostics import Diagnostic, Pointer
from rulecompiler.words import describe, nearest, one_of, show

_TYPE_NAMES = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "object": "a mapping",
    "array": "a list",
}
_YAML_1_1_BOOLEANS = frozenset({"yes", "no", "on", "off", "y", "n", "true", "false"})
_DURATION = "a duration"  # how the words of every duration begin, after "must be"


class SchemaError(NamedTuple):
    """What jsonschema found: the keyword with its argument, the schema around it, the value and its place.

    With `in_name` the value is a mapping's key, and `at` the mapping.
    """

    keyword: str
    argument: Any
    schema: Mapping[str, Any]
    value: Any
    at: Pointer
    kind: str
    in_name: bool

    @property
    def name(self) -> str:
        """What a message calls the value."""
        keys = self.at.keys
        if not keys:
            return "a settings file" if self.kind == "settings" else f"a {self.kind}"
        if isinstance(keys[-1], str):
            return f"`{show(keys[-1])[1:-1]}`"
        return f"`{keys[-2]}[{keys[-1]}]`"

    @property
    def words(self) -> str:
        """What the schema says about the right form, if it does."""
        return str(self.schema.get("patternErrorMessage", ""))

    @property
    def known(self) -> Mapping[str, Any]:
        """The keys that the schema knows, with their schemas."""
        properties: Mapping[str, Any] = self.schema.get("properties", {})
        return properties


def _forbidden(error: SchemaError) -> Diagnostic:
    help_ = f"remove `{error.at.keys[-1]}`, or make it an alert"
    return Diagnostic("RC208", error.schema["errorMessage"], error.at.key(), help=help_)


def _wrong_form(error: SchemaError) -> Diagnostic:
    examples = error.schema.get("examples")
    if error.value.isdigit() and _DURATION in error.words:
        help_ = f"give it a unit, such as `{error.value}s` or `{error.value}m`"
    else:
        help_ = f"for example {one_of(map(str, examples))}" if examples else ""
    return Diagnostic("RC206", f"{error.name} {error.words}, not {show(error.value)}", error.at, help=help_)


def _wrong_type(error: SchemaError) -> Diagnostic:
    expected: list[str] = error.argument if isinstance(error.argument, list) else [error.argument]
    if _DURATION in error.words and _is_number(error.value):
        return _no_unit(error)
    names = [_TYPE_NAMES[name] for name in expected if name != "null"]
    comma = "," if len(names) > 2 else ""
    wanted = f"{', '.join(names[:-1])}{comma} or {names[-1]}" if names[1:] else names[0]
    wanted = error.words if _DURATION in error.words else f"must be {wanted}"
    message = f"{error.name} {wanted}, not {describe(error.value)}"
    return Diagnostic("RC203", message, error.at, help=_type_help(error.value, expected, error.at))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _no_unit(error: SchemaError) -> Diagnostic:
    value = show(error.value)
    message = f"{error.name} {error.words}, not the number {value}"
    return Diagnostic("RC203", message, error.at, help=f"give it a unit, such as `{value}s` or `{value}m`")


def _type_help(value: Any, expected: list[str], at: Pointer) -> str:
    """What to do about a value of another type, guessed from both."""
    if "boolean" in expected and isinstance(value, str) and value.casefold() in _YAML_1_1_BOOLEANS:
        return f"write `true` or `false`: YAML 1.2 reads {show(value)} as text"
    if "object" in expected and "string" not in expected and value is None:
        return "write `{}` for an empty one, or leave the key out" if at.keys else "the file is empty"
    if value is None:
        return "give it a value, or leave the key out"
    if "string" in expected and (isinstance(value, bool) or _is_number(value)):
        return "put it in quotes, just as you wrote it"
    if isinstance(value, str) and {"number", "integer"} & set(expected) and _reads_as_number(value):
        return f"remove the quotes: `{value}`"
    if "object" in expected:
        return _mapping_help(value, at)
    if "array" in expected and not isinstance(value, dict):
        return "write a list: `[…]`, or lines that start with `- `"
    return ""


def _mapping_help(value: Any, at: Pointer) -> str:
    if not isinstance(value, list):
        return "write lines of `key: value`"
    entry = value[0] if value else None
    if not at.keys and isinstance(entry, dict) and {"alert", "record"} & entry.keys():
        return "a file holds one template: remove the `- ` and indent its lines less"
    return "write lines of `key: value`, without `- `"


def _reads_as_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _not_allowed(error: SchemaError) -> Diagnostic:
    match = nearest(error.value, error.argument) if isinstance(error.value, str) else None
    message = f"{error.name} must be {one_of(error.argument)}, not {describe(error.value)}"
    return Diagnostic("RC205", message, error.at, help=f"did you mean `{match}`?" if match else "")


def _out_of_bounds(error: SchemaError) -> Diagnostic:
    if _DURATION in error.words:
        return _no_unit(error)
    bound = show(error.argument)
    says, help_ = {
        "minimum": (f"below its minimum of {bound}", f"raise it to {bound} or more"),
        "exclusiveMinimum": (f"but must be above {bound}", f"raise it above {bound}"),
    }[error.keyword]
    message = f"{error.name} is {show(error.value)}, {says}"
    return Diagnostic("RC204", message, error.at, label=f"{error.keyword}: {bound}", help=help_)


def too_long(error: SchemaError) -> Diagnostic:
    """A text, or a mapping's key, of too many characters."""
    what = "the name" if error.in_name else error.name
    message = f"{what} has {len(error.value)} characters, more than {error.argument}"
    return Diagnostic("RC207", message, error.at, help="shorten it")


def _empty(error: SchemaError) -> Diagnostic:
    if isinstance(error.value, dict) and error.known:
        help_ = f"write {one_of(error.known)} into it"
    else:
        help_ = "leave it out, or write something into it"
    return Diagnostic("RC207", f"{error.name} must not be empty", error.at, help=help_)


def _too_many(error: SchemaError) -> Diagnostic:
    keys = ", ".join(f"`{key}`" for key in error.value)
    return Diagnostic(
        "RC207", f"{error.name} takes one key, but has {keys}", error.at, help="keep one of them"
    )


def _twice(error: SchemaError) -> Diagnostic:
    items = error.value
    index = next(index for index, item in enumerate(items) if item in items[:index])
    message = f"{error.name} holds {show(items[index])} twice"
    return Diagnostic("RC207", message, error.at.at(index), help="remove one of the two")


VALUE_FAULTS: Mapping[str, Callable[[SchemaError], Diagnostic]] = {
    "type": _wrong_type,
    "enum": _not_allowed,
    "pattern": _wrong_form,
    "minimum": _out_of_bounds,
    "maximum": _out_of_bounds,
    "exclusiveMinimum": _out_of_bounds,
    "minLength": _empty,
    "maxLength": too_long,
    "minItems": _empty,
    "minProperties": _empty,
    "maxProperties": _too_many,
    "uniqueItems": _twice,
    "not": _forbidden,
}
