"""What a terminal may be sent: colour when asked for, and nothing that a file's author smuggled in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Literal

ColorChoice = Literal["auto", "always", "never"]

# GitHub's runner obeys these wherever they stand in a log, and the `::` ones at a line's start,
# white space before it or not.
_LEADING_COMMAND = re.compile(r"\A(\s*):(?=:)")
LEGACY_COMMAND = "##["

_PLAIN = re.compile(r"[\x20-\x7e]*\Z")
_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def wants_color(choice: ColorChoice, environ: Mapping[str, str], is_terminal: bool) -> bool:
    """Whether to colour; an explicit choice wins, then `NO_COLOR`, then the forcing variables."""
    if choice != "auto":
        return choice == "always"
    if environ.get("NO_COLOR"):
        return False
    if any(environ.get(name, "0") not in ("", "0") for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    return is_terminal and environ.get("TERM") != "dumb" and environ.get("CLICOLOR") != "0"


def is_unsafe(char: str) -> bool:
    """Whether a terminal would act on this character, or hide it, instead of showing it."""
    return unicodedata.category(char) in _UNSAFE_CATEGORIES


def escaped(char: str) -> str:
    r"""A character as it might be written in source: `\t`, `\x1b`, `\u202e`."""
    if char.isascii() and char.isprintable():
        return f"\\x{ord(char):02x}"
    return char.encode("unicode_escape").decode("ascii")


def visible(text: str) -> str:
    """One line of somebody else's text, safe to print: what a terminal or a CI log would obey is shown."""
    if not _PLAIN.match(text):
        text = "".join(escaped(char) if is_unsafe(char) else char for char in text)
    text = text.replace(LEGACY_COMMAND, r"##\x5b")
    return _LEADING_COMMAND.sub(r"\1\\x3a", text)


def width(char: str) -> int:
    """How many columns a printable character takes: 0, 1 or 2."""
    if char < "\u0300":
        return 1
    if unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


class Painter:
    """Wraps text in ANSI colours, or leaves it alone."""

    _CODES: Mapping[str, str] = {
        "bold": "1",
        "dim": "2",
        "red": "31",
        "green": "32",
        "cyan": "36",
        "error": "1;31",
        "warning": "1;33",
        "info": "1;36",
        "gutter": "1;34",
    }

    def __init__(self, color: bool) -> None:
        self._color = color

    def __call__(self, text: str, style: str) -> str:
        """The text in a style, reset behind it; empty text stays empty."""
        if not self._color or not text:
            return text
        return f"\x1b[{self._CODES[style]}m{text}\x1b[0m"
