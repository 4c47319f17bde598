"""The tokens of one action, `{{ … }}`, of a Go template."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple


class Fault(NamedTuple):
    """What is wrong, what to do, and where: character offsets in the text, the end exclusive."""

    message: str
    help: str
    start: int
    end: int


class Token(NamedTuple):
    """A piece of an action; the names in `_TOKEN` are its kinds, and `broken`, the last of its action."""

    kind: str
    text: str
    start: int
    end: int


class Action(NamedTuple):
    """The tokens from `start` to the closing braces, or as far as they can be told apart."""

    opener: Token  # all of its text, for messages
    tokens: list[Token]
    fault: Fault | None = None  # why the last token is `broken`


class Unsure(Exception):
    """The text holds something that another Unicode version may read otherwise."""


_LONGEST = 40  # characters of a text that a message repeats
_SPACE = " \t\r\n"
_TRIM = re.compile(rf"-[{_SPACE}]")
_COMMENT = re.compile(rf"(?:-[{_SPACE}])?/\*")
_COMMENT_END = re.compile(rf"(?:[{_SPACE}]-)?\}}\}}")
_NUMBER = (
    r"[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?"
    r"|0[oO][0-7_]*(?:\.[0-7_]*)?|0[bB][01_]*(?:\.[01_]*)?"
    r"|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)"
)
# Quantifiers are possessive where a failure could otherwise try every shorter match.
_TOKEN = re.compile(
    rf"(?P<end>[{_SPACE}]-\}}\}}|\}}\}})"
    rf"|(?P<space>[{_SPACE}]+?(?=[{_SPACE}]-\}}\}})|[{_SPACE}]+)"
    r"|(?P<set>:=|=)|(?P<pipe>\|)|(?P<open>\()|(?P<close>\))|(?P<comma>,)"
    r'|(?P<string>"[^"\\\n]*+(?:\\[^\n][^"\\\n]*+)*"|`[^`]*+`)'
    r"|(?P<char>'[^'\\\n]*+(?:\\[^\n][^'\\\n]*+)*')"
    r"|(?P<variable>\$\w*)|(?P<field>\.(?![0-9])\w+)|(?P<dot>\.(?![0-9]))"
    rf"|(?P<number>(?=[-+.0-9])(?:{_NUMBER}[+-]{_NUMBER}i|{_NUMBER}i?))"
    r"|(?P<word>\w+)|(?P<other>[!#%&*/;<>?@\[\\\]^{}~])"
)
_WORD_ENDS = re.compile(rf"[{_SPACE}.,|:()]|\}}\}}|\Z")
_NO_NUMBER = re.compile(r"[+-]?\.?(?:[eE][+-]?[0-9_]*)?i?|[^xX]*[eE][+-]?i?")
_ESCAPE = (
    r"\\(?:[abfnrtv\\]|[0-3][0-7]{2}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}"
    r"|U(?:0010|000[0-9a-fA-F])[0-9a-fA-F]{4}|%s)"
)
_STRING = re.compile(rf'"(?:[^"\\]|{_ESCAPE % chr(34)})*"')
_CHAR = re.compile(rf"'(?:[^'\\]|{_ESCAPE % chr(39)})'")
_QUOTES = "write strings in double quotes or between backticks"


def short(text: str) -> str:
    """A piece of the text as a message repeats it: on one line, shortened, between backticks."""
    line = " ".join(text[: 4 * _LONGEST].split())
    return f"`{line if len(line) <= _LONGEST else line[: _LONGEST - 1] + '…'}`"


def skip_comment(text: str, start: int) -> int | Fault | None:
    """Where the comment that opens at `start` ends; None if the braces there open no comment."""
    opens = _COMMENT.match(text, start + 2)
    if opens is None:
        return None
    stop = text.find("*/", opens.end())
    if stop < 0:
        return Fault("the comment is not closed", "close it with `*/}}`", start, opens.end())
    closes = _COMMENT_END.match(text, stop + 2)
    if closes is None:
        return Fault(
            "the comment ends before its action does",
            "write `*/}}` or `*/ -}}`, and nothing in between",
            stop,
            stop + 2,
        )
    return closes.end()


def read_action(text: str, start: int) -> Action:
    """The action whose braces open at `start`.

    Raises `Unsure` at a character whose kind depends on the version of Unicode.
    """
    tokens: list[Token] = []
    pos = _TRIM.match(text, start + 2)
    at, size = (pos.end() if pos else start + 2), len(text)
    fault: Fault | None = None
    parens: list[int] = []
    while fault is None:
        match = _TOKEN.match(text, at)
        if match is None:
            fault = _unreadable(text, start, at) if at < size else unclosed(text, start, size)
            break
        kind = match.lastgroup or ""
        token = Token(kind, match[0], at, match.end())
        fault = _malformed(token, text)
        if kind == "open":
            parens.append(at)
        elif kind == "close":
            if not parens:
                fault = Fault("`)` closes nothing", "remove it, or open it with `(`", at, at + 1)
            else:
                parens.pop()
        elif kind == "other" and text.startswith("{{", at):
            fault = unclosed(text, start, at)
        elif kind == "end" and parens:
            fault = Fault("`(` is not closed", "close it with `)`", parens[-1], parens[-1] + 1)
        if fault is None:
            tokens.append(token)
            at = token.end
            if kind == "end":
                break
    if fault is not None:
        tokens.append(Token("broken", "", at, at))
    return Action(Token("action", text[start:at], start, at), tokens, fault)


def unclosed(text: str, start: int, end: int) -> Fault:
    """The fault of an action that another one, or the end of the text, cuts off at `end`."""
    return Fault(f"the action {short(text[start:end])} is not closed", "close it with `}}`", start, end)


def _unreadable(text: str, start: int, at: int) -> Fault:
    """The fault at a character that no token starts with."""
    char = text[at]
    if char in "\"'`":
        line_end = text.find("\n", at) if char != "`" else -1
        end = line_end if line_end >= 0 else len(text)
        help = f"close it with {char}, and double each backslash before a quote"
        return Fault(f"the string {short(text[at:end])} is not closed", help, at, end)
    if char == ":":
        return Fault("`:` has no meaning here", "write `:=` to declare a variable", at, at + 1)
    if unicodedata.category(char) in ("Cn", "Co"):
        raise Unsure
    help = "remove it, or put it inside quotes"
    if char.isspace() or char in "\u200b\ufeff":
        help = "replace it by an ordinary space"
    elif char in "\u201c\u201d\u2018\u2019":
        help = 'use straight quotes: "'
    return Fault(f"the character {_shown(char)} cannot stand inside an action", help, at, at + 1)


def _shown(char: str) -> str:
    return f"`{char}`" if char.isprintable() and not char.isspace() else f"U+{ord(char):04X}"


def _malformed(token: Token, text: str) -> Fault | None:
    """What is wrong with a token by itself, or with the character right behind it."""
    kind, piece, start, end = token
    after = text[end : end + 1]
    if kind in ("word", "variable", "field", "dot"):
        if _WORD_ENDS.match(text, end):
            return None
        if unicodedata.category(after) in ("Cn", "Co"):
            raise Unsure
        help = "put a space between them"
        if kind == "word" and after == "-":
            help = "a name has letters, digits and underscores only"
        elif after.isspace():
            help = "replace it by an ordinary space"
        elif kind == "field":
            help = 'such a label is read with `index $labels "name"`'
        elif after == "}":
            help = "close the action with `}}`"
        return Fault(f"{_shown(after)} cannot follow the name {short(piece)}", help, start, end + 1)
    if kind == "number":
        if after == "_" or after.isalnum() or (after and after in "+-") or _NO_NUMBER.fullmatch(piece):
            help = 'write a number such as 0.5, or a string such as "5m"'
            if piece in ("+", "-"):
                help = "a template cannot calculate: do it in `expr`"
            return Fault(f"{short(piece + after)} is not a number", help, start, end)
    elif kind == "string" and piece[0] == '"' and not _STRING.fullmatch(piece):
        help = "double the backslashes, or put the string between backticks"
        return Fault(f"{short(piece)} holds an escape that Go does not know", help, start, end)
    elif kind == "char" and not _CHAR.fullmatch(piece):
        return Fault(f"{short(piece)} is not a string: single quotes hold one character", _QUOTES, start, end)
    return None
