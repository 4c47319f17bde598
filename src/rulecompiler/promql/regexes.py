"""Regular expressions as Prometheus reads them: RE2, anchored at both ends."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

SPECIAL = frozenset("\\.+*?()|[]{}^$")


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> Any:
    """The compiled pattern, or None where RE2 refuses it."""
    import re2

    options = re2.Options()
    options.log_errors = False
    options.max_mem = 64 << 20
    try:
        return re2.compile(f"^(?s:{pattern})$", options) if re2.compile(pattern, options) else None
    except (re2.error, UnicodeEncodeError):
        return None


def is_regex(pattern: str) -> bool:
    """Whether RE2 accepts this pattern."""
    return _compiled(pattern) is not None


def matches(pattern: str, value: str) -> bool:
    """Whether the whole of `value` matches; `pattern` must be valid."""
    try:
        return _compiled(pattern).search(value) is not None
    except UnicodeEncodeError:
        return False


def accepts(op: str, pattern: str, value: str) -> bool:
    """Whether a matcher with this operator and value lets a label's value through.

    A missing label has the empty value, as everywhere in Prometheus.
    """
    if op in ("=", "!="):
        return (pattern == value) is (op == "=")
    return matches(pattern, value) is (op == "=~")


def alternatives(pattern: str) -> tuple[str, ...] | None:
    """The values of a pattern that is a plain list such as `a|b`, or None for any other."""
    values = tuple(pattern.split("|"))
    return values if not any(char in SPECIAL for value in values for char in value) else None
