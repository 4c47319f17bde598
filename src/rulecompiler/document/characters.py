"""Characters that stand in no YAML file of ours."""

from __future__ import annotations

import re
from functools import lru_cache

from rulecompiler.diagnostics import Diagnostic, Span

# What a text may hold: no controls but tab and line ends, no lone surrogates, none of the three
# other characters that YAML 1.1 and `str.splitlines` take for line ends, no byte order mark
# within. Later stages rely on it: they mark places in strings with control characters.
_ODD_ASCII = re.compile("[\x00-\x08\x0b-\x1f\x7f]")


@lru_cache(maxsize=1)
def _odd() -> re.Pattern[str]:
    # Its tables take 5 ms to make, which texts in ASCII need not pay.
    return re.compile("[^\t\n -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


def odd_in(text: str) -> re.Pattern[str]:
    """The pattern of one such character, as far as this text can hold any."""
    return _ODD_ASCII if text.isascii() else _odd()


def odd_characters(path: str, text: str, limit: int) -> list[Diagnostic]:
    """A fault for the first such character of each line, for `limit` lines at most."""
    faults: list[Diagnostic] = []
    odd = odd_in(text)
    match = odd.search(text)
    while match and len(faults) < limit:
        at = match.start()
        line = text.count("\n", 0, at) + 1
        column = at - text.rfind("\n", 0, at)
        faults.append(
            Diagnostic(
                "RC118",
                f"the file holds {character(match.group())}, which YAML does not allow",
                Span(path, line, column, line, column + 1),
                help="remove it; it may have come with a copy and paste",
            )
        )
        line_end = text.find("\n", at)
        match = odd.search(text, line_end) if line_end >= 0 else None
    return faults


_NAMES = {
    "\0": "a NUL byte",
    "\r": "a carriage return that ends no line",
    "\x1b": "an escape character",
    "\x85": "the line end U+0085",
    "\u2028": "the line separator U+2028",
    "\u2029": "the paragraph separator U+2029",
    "\ufeff": "a byte order mark that is not at the start",
}


def character(char: str) -> str:
    """A character that cannot be shown, by name."""
    if char in _NAMES:
        return _NAMES[char]
    kind = "half a surrogate pair" if "\ud800" <= char <= "\udfff" else "the control character"
    return f"{kind} U+{ord(char):04X}"
