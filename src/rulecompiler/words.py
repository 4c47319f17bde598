"""How diagnostics speak of YAML values and of names that nearly fit."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

_MANY = 200  # names that each misspelt one is compared with
_LONGEST = 60  # characters of a value that a message repeats


def show(value: Any) -> str:
    """A value as a message repeats it: on one line, shortened, YAML's own spelling."""
    if isinstance(value, str):
        short = value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…"
        return json.dumps(short, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, float) and not value.is_integer():
        return {"inf": ".inf", "-inf": "-.inf", "nan": ".nan"}.get(repr(value), repr(value))
    if isinstance(value, int) and value.bit_length() > 256:
        return "a number of more than 70 digits"
    return str(value)


def describe(value: Any) -> str:
    """A value with its type: `the text "no"`, `the number 5`, `a list`."""
    if isinstance(value, str):
        return f"the text {show(value)}" if value else "empty text"
    if isinstance(value, int | float) and not isinstance(value, bool):
        shown = show(value)
        return shown if shown.startswith("a ") else f"the number {shown}"
    return show(value)


def did_you_mean(name: str, known: Iterable[str], otherwise: str) -> str:
    """A help that suggests the nearest known name, or `otherwise`."""
    near = nearest(name, known)
    return otherwise if near is None else f"did you mean `{near}`?"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` was probably meant to be, if there is one."""
    from difflib import get_close_matches  # for faults only

    wanted = _plain(name)
    plain = {_plain(candidate): candidate for candidate in sorted(known, reverse=True)}
    # Comparing is slow, and a hostile repo can misspell thousands of names: of many, those that begin alike.
    few = plain if len(plain) <= _MANY else [c for c in plain if c[:2] == wanted[:2]][:_MANY]
    close = get_close_matches(wanted, few, n=1)
    return plain[close[0]] if close else None


def _plain(name: str) -> str:
    return name.casefold().replace("-", "_").replace(" ", "_")


def one_of(names: Iterable[str]) -> str:
    """`a`, `b` or `c`."""
    quoted = [f"`{name}`" for name in names]
    return " or ".join(filter(None, [", ".join(quoted[:-1]), *quoted[-1:]]))
