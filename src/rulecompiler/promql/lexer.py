"""PromQL text as tokens with positions; every character of the text belongs to one token."""

from __future__ import annotations

import re
from typing import NamedTuple

from rulecompiler.promql.problems import SYNTAX, Fault

SPACE, COMMENT, NUMBER, DURATION, IDENT, STRING, PUNCT = range(7)
TRIVIA = (SPACE, COMMENT)


class Token(NamedTuple):
    """A token: one of the kinds above, its text, and where it stands."""

    kind: int
    text: str
    start: int
    end: int


DURATION_PATTERN = r"(?:[0-9]+(?:ms|[smhdwy]))+"
NUMBER_PATTERN = (
    r"(?:0[xX]_?[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*"
    r"|(?:[0-9]+(?:_[0-9]+)*(?:\.(?:[0-9]+(?:_[0-9]+)*)?)?|\.[0-9]+(?:_[0-9]+)*)"
    r"(?:[eE][+-]?[0-9]+(?:_[0-9]+)*)?)"
)
# Strings end at their quote; a double- or single-quoted one must not hold a line break.
_STRINGS = r"""(?P<s>"(?:[^"\\\n]|\\[^\n])*"|'(?:[^'\\\n]|\\[^\n])*'|`[^`]*`)"""
_TRIVIA = r"(?P<w>[ \t\r\n]+)|(?P<c>\#[^\r\n]*)"
_ENDS = r"(?![0-9A-Za-z_.])"
_NUMBERS = rf"(?P<d>{DURATION_PATTERN}){_ENDS}|(?P<n>{NUMBER_PATTERN}){_ENDS}"
_OUTSIDE = re.compile(
    rf"{_TRIVIA}|(?P<i>[A-Za-z_:][A-Za-z0-9_:]*)|{_NUMBERS}|{_STRINGS}"
    r"|(?P<p>==|!=|<=|>=|</|>/|[-+*/%^<>=(){}\[\],@])"
)
_IN_BRACES = re.compile(
    rf"{_TRIVIA}|(?P<i>[A-Za-z_][A-Za-z0-9_]*)|{_STRINGS}|{_NUMBERS}|(?P<p>=~|!~|!=|[={{}},])"
)
_IN_BRACKETS = re.compile(rf"{_TRIVIA}|(?P<i>[A-Za-z_][A-Za-z0-9_]*)|{_NUMBERS}|(?P<p>[-+*/%^(),:\]])")
_KINDS = {"w": SPACE, "c": COMMENT, "n": NUMBER, "d": DURATION, "i": IDENT, "s": STRING, "p": PUNCT}
_ESCAPE = re.compile(
    r"\\(?:(?P<simple>[abfnrtv\\'\"])|(?P<octal>[0-3][0-7]{2})|x(?P<hex>[0-9a-fA-F]{2})"
    r"|u(?P<u4>[0-9a-fA-F]{4})|U(?P<u8>[0-9a-fA-F]{8}))"
)
_SIMPLE = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92, "'": 39, '"': 34}
_UNSAFE = re.compile("[\\\\\"'\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffd]")
UNWRITABLE = re.compile("[\x00\ud800-\udfff]")  # what no file of rules can hold
# Characters of the languages next door, and what PromQL has in their place.
_NEXT_DOOR = {
    "&": "PromQL writes `and`, and `>` itself rather than `&gt;`",
    "|": "PromQL writes `or`; a filter behind `|` is LogQL, which Loki evaluates and Prometheus does not",
    "$": "write a parameter as `${name}`; Grafana's variables exist in Grafana only",
}
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\"}


def lex(text: str) -> tuple[list[Token], Fault | None]:
    """All tokens of a query, white space and comments included, up to the first that is none.

    The fault says why there are no more; there may be an earlier one that only grammar sees.
    """
    tokens: list[Token] = []
    pos, size, pattern = 0, len(text), _OUTSIDE
    while pos < size:
        match = pattern.match(text, pos)
        if match is None:
            return tokens, _unlexable(text, pos, pattern)
        group = match.lastgroup or ""
        token = Token(_KINDS[group], match[0], pos, match.end())
        if group == "s" and (fault := _bad_string(token)):
            return tokens, fault
        if group == "p":
            if token.text == "{":
                pattern = _IN_BRACES
            elif token.text == "[":
                pattern = _IN_BRACKETS
            elif token.text in "}]":
                pattern = _OUTSIDE
        tokens.append(token)
        pos = token.end
    return tokens, None


def _unlexable(text: str, pos: int, pattern: re.Pattern[str]) -> Fault:
    char = text[pos]
    if char in "\"'`" and pattern is not _IN_BRACKETS:
        end = text.find("\n", pos) if char != "`" else -1
        return Fault(
            SYNTAX, "the string is not closed", f"close it with {char}", pos, len(text) if end < 0 else end
        )
    if char.isascii() and (char.isdigit() or char == "."):
        run = re.compile(r"[0-9A-Za-z_.]+").match(text, pos)
        end = run.end() if run else pos + 1
        return Fault(
            SYNTAX,
            f"`{text[pos:end]}` is neither a number nor a duration",
            "write a number such as 0.5 or 1e3, or a duration such as 5m or 1h30m",
            pos,
            end,
        )
    where = {_IN_BRACES: " between braces", _IN_BRACKETS: " between brackets"}.get(pattern, "")
    shown = f"`{char}`" if char.isprintable() and not char.isspace() else f"U+{ord(char):04X}"
    help = "remove it, or put it inside quotes"
    if char.isspace() or char in "\u200b\ufeff":
        help = "replace it by an ordinary space"
    elif char in "\u201c\u201d\u2018\u2019":
        help = 'use straight quotes: "'
    elif char in _NEXT_DOOR:
        help = _NEXT_DOOR[char]
    return Fault(SYNTAX, f"the character {shown} cannot stand here{where}", help, pos, pos + 1)


def _bad_string(token: Token) -> Fault | None:
    where = token.text.find("\ufffd")
    if where >= 0:
        return Fault(
            SYNTAX,
            "a string holds U+FFFD, which Prometheus refuses",
            "write \\ufffd inside double quotes",
            token.start + where,
            token.start + where + 1,
        )
    if token.text[0] == "`" or "\\" not in token.text:
        return None
    pos = 1
    while (pos := token.text.find("\\", pos)) >= 0:
        match = _ESCAPE.match(token.text, pos)
        foreign = match is not None and match["simple"] in ("'", '"') and match["simple"] != token.text[0]
        if match is None or foreign or not _is_code_point(match):
            start = token.start + pos
            return Fault(
                SYNTAX,
                f"`{token.text[pos : pos + 2]}` is not an escape that PromQL knows",
                "double the backslash, or put the string between backticks",
                start,
                start + 2,
            )
        pos = match.end()
    return None


def _is_code_point(match: re.Match[str]) -> bool:
    digits = match["u4"] or match["u8"]
    return digits is None or not (0xD800 <= int(digits, 16) < 0xE000 or int(digits, 16) > 0x10FFFF)


def unquote(text: str) -> str:
    """The value of a string token; bytes that are not UTF-8 become lone surrogates."""
    body = text[1:-1]
    if text[0] == "`" or "\\" not in body:
        return body

    def byte(match: re.Match[str]) -> bytes:
        if match["simple"]:
            return bytes((_SIMPLE[match["simple"]],))
        if match["octal"]:
            return bytes((int(match["octal"], 8),))
        if match["hex"]:
            return bytes((int(match["hex"], 16),))
        return chr(int(match["u4"] or match["u8"], 16)).encode()

    parts: list[bytes] = []
    pos = 0
    for match in _ESCAPE.finditer(body):
        parts += (body[pos : match.start()].encode(), byte(match))
        pos = match.end()
    parts.append(body[pos:].encode())
    return b"".join(parts).decode("utf-8", "surrogateescape")


def escape(value: str, quote: str = '"') -> str:
    """`value` as it stands between a pair of `quote`, a double or a single one."""

    def one(match: re.Match[str]) -> str:
        char = match[0]
        if char in "\"'":
            return "\\" + char if char == quote else char
        if char in _NAMED:
            return _NAMED[char]
        return f"\\x{ord(char):02x}" if ord(char) < 0x80 else f"\\u{ord(char):04x}"

    return _UNSAFE.sub(one, value)


def quote(value: str) -> str:
    """`value` as a PromQL string in double quotes."""
    return f'"{escape(value)}"'
