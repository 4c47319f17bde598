"""What a plain YAML scalar means by YAML 1.2's core schema."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Any

_CONSTANTS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
MAY_START_OTHER_THAN_STRING = frozenset("-+.0123456789~tTfFnN")
"""The first characters of all plain scalars that are not strings, but for the empty one."""

LEADING_ZERO = re.compile(r"[-+]?0[0-9]")
"""How an integer begins that YAML 1.1 reads in base eight and YAML 1.2 in base ten."""
_INT = re.compile(r"[-+]?[0-9]+")
_RADIX = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
# Longer ones are above the largest float, as far as they do not merely begin with zeros; int()
# itself refuses some thousand digits. A hexadecimal digit is worth 1.2 decimal ones.
_LONGEST_NUMBER = 300


@lru_cache(maxsize=4096)
def plain_value(text: str) -> str | int | float | bool | None:
    """A plain scalar by YAML 1.2's core schema; a number that no float holds is infinite."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INT.fullmatch(text):
        return int(text) if len(text) <= _LONGEST_NUMBER else math.inf
    if _FLOAT.fullmatch(text):
        return float(text)
    if _RADIX.fullmatch(text):
        return int(text, 0) if len(text) <= _LONGEST_NUMBER / 1.25 else math.inf
    return math.inf if _NOT_FINITE.fullmatch(text) else text


class WrittenInt(int):
    """An integer whose text Python would write otherwise, such as `+5` or `0x1F`."""

    text: str


class WrittenFloat(float):
    """A number whose text Python would write otherwise, such as `0.50` or `1e3`."""

    text: str


def as_written(value: Any, text: str) -> Any:
    """The value; a number remembers its text, which is what Prometheus reads where text is due."""
    if type(value) is int and str(value) != text:
        value = WrittenInt(value)
        value.text = text
    elif type(value) is float and repr(value) != text:
        value = WrittenFloat(value)
        value.text = text
    return value


def type_name(value: Any) -> str:
    """A value's type in words, with its article."""
    names = {bool: "a boolean", int: "a number", float: "a number", dict: "a mapping", list: "a list"}
    return names.get(type(value), "null")


def tag_of(value: Any) -> str:
    """The name of a scalar's core tag."""
    return {bool: "bool", int: "int", float: "float", str: "str"}.get(type(value), "null")
