"""Durations as Prometheus counts them."""

from __future__ import annotations

import re

_UNITS = {  # in milliseconds
    "y": 31_536_000_000,
    "w": 604_800_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1_000,
    "ms": 1,
}
_DURATION = re.compile("".join(rf"(?:(?P<{unit}>[0-9]+){unit}(?![a-z]))?" for unit in _UNITS))
LONGEST = (2**63 - 1) // 1_000_000  # milliseconds: Prometheus counts nanoseconds in 64 bits, 292 years


def milliseconds(text: str) -> int | None:
    """The length of a duration such as `1h30m`, or None if its units are out of order.

    More than `LONGEST` is some number above it: a hostile number of digits is not calculated.
    """
    if len(text) > 200:
        return LONGEST + 1
    match = _DURATION.fullmatch(text)
    return sum(int(match[unit] or 0) * size for unit, size in _UNITS.items()) if match and text else None


def seconds_of_number(text: str) -> float:
    """The value of a number token, which may stand for a duration in seconds."""
    plain = text.replace("_", "")
    if plain[:2] not in ("0x", "0X"):
        return float(plain)
    return float(int(plain, 16)) if len(plain) < 200 else float("inf")
