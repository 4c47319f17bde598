"""Strings as YAML scalars that every reader takes back as the same string.

The readers that count are Prometheus' and promtool's (go-yaml) and PyYAML, under YAML 1.1 and
1.2 alike. Nothing is ever folded or wrapped, so that one edit is one line of a diff.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

# What some reader refuses raw, or reads as a line break, or what a reviewer cannot see although
# it reorders or hides the text around it (the bidirectional controls and Unicode's tag letters).
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
    "\ud800-\udfff\ufeff\ufffe\uffff\U000e0000-\U000e007f]"
)
_ESCAPED = re.compile(_HIDDEN.pattern[:-1] + '\\t\\n"\\\\]')
_SHORT = {"\t": "\\t", "\n": "\\n", '"': '\\"', "\\": "\\\\", "\r": "\\r", "\0": "\\0"}

# A plain scalar starts with nothing that YAML gives a meaning to, and holds neither the end of a
# key (": ") nor the start of a comment (" #").
_PLAIN = re.compile(
    r"(?![-?:,\[\]{}#&*!|>'\"%@`\s])"
    r"(?:[^:#\s]|:(?=[^\s])|(?<![\s])\#|\ (?=[^\s#]))+"
)

# Plain text that at least one reader would resolve to something that is no string.
_RESOLVED = re.compile(
    r"""(?ix)
    ~ | null | true | false | yes | no | on | off | y | n | = | << |
    [-+]? \.? (?: inf | nan ) |
    [-+]? [0-9_]* (?: \. [0-9_]* )? (?: e [-+]? [0-9_]* )? |
    [-+]? [0-9_]+ (?: : [0-9]{1,2} )+ (?: \. [0-9_]* )? |
    [-+]? 0 [xob] [0-9a-f_]* |
    [0-9]{4} - [0-9]{1,2} - [0-9]{1,2} (?: [t\ ] .* )?
    """
)


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    short = _SHORT.get(character)
    if short is not None:
        return short
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02X}"
    return f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"


def double_quoted(text: str) -> str:
    """`text` between double quotes: holds every string exactly, on one line."""
    return f'"{_ESCAPED.sub(_escape, text)}"'


def is_plain(text: str) -> bool:
    """Whether `text` can stand without quotes as a value or key of a block mapping."""
    return (
        _PLAIN.fullmatch(text) is not None
        and _RESOLVED.fullmatch(text) is None
        and _HIDDEN.search(text) is None
    )


def write_inline(text: str) -> str:
    """`text` on one line: plain where that is safe, else in single quotes, else in double ones."""
    if is_plain(text):
        return text
    if "\n" in text or "\t" in text or _HIDDEN.search(text) is not None:
        return double_quoted(text)
    return "'" + text.replace("'", "''") + "'"


# Names and short values recur in thousands of rules; 16,384 of them take a few megabytes.
inline = lru_cache(maxsize=16_384)(write_inline)


def block(text: str, indent: str) -> str:
    """`text` as the value of a mapping whose keys stand at `indent`, line breaks kept.

    A literal block where `text` has several lines and a block holds them exactly; otherwise as
    `write_inline` does it. The block's lines stand two spaces deeper than `indent`.
    """
    if "\n" not in text or not _fits_block(text):
        return write_inline(text)
    chomping = "" if text[-1] == "\n" else "-"
    body = text[:-1] if text[-1] == "\n" else text
    # A reader takes the depth from the first line, unless that begins with blanks of its own.
    depth = "2" if text[0] in " \t\n" else ""
    pad = indent + "  "
    lines = [pad + line if line else "" for line in body.split("\n")]
    return f"|{depth}{chomping}\n" + "\n".join(lines)


def _fits_block(text: str) -> bool:
    if _HIDDEN.search(text) is not None:
        return False
    # Several final line breaks would need "|+", which swallows the blank line that follows the
    # rule; a last line of nothing but blanks is invisible, and readers disagree about it.
    body = text.removesuffix("\n")
    return body[body.rfind("\n") + 1 :].strip(" \t") != ""


def flow(value: object) -> str:
    """Plain data (mappings, lists, strings, numbers, booleans, None) as one line of flow YAML.

    Every string is double-quoted, so that nothing is taken for another type. Raises TypeError
    for anything that is not plain data.
    """
    if isinstance(value, str):
        return double_quoted(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{double_quoted(str(k))}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(flow, value)) + "]"
    raise TypeError(f"not plain data: {type(value).__name__}")
