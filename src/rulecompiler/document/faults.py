"""PyYAML's complaints about syntax, in words for somebody who has never seen a YAML grammar."""

from __future__ import annotations

import re
from typing import Any

from rulecompiler.diagnostics import Diagnostic, Related, Span

_QUOTE = "put the value in quotes"
_INDENT = "keys of one mapping start in the same column, and deeper than the key above them"

# (what "context: problem" says, our sentence, what to do); the first that matches. libyaml and the
# pure parser word some of them differently.
_PROBLEMS: tuple[tuple[str, str, str], ...] = (
    (r"cannot start any token", "a value cannot start with {char}", _QUOTE),
    (
        r"mapping values are not allowed",
        "a ': ' stands where no key can be",
        "put the value in quotes if the colon belongs to it; otherwise check the indentation",
    ),
    (
        r"sequence entries are not allowed",
        "a list item ('- ') stands where none can be",
        "start the list on a line of its own, and its items in one column",
    ),
    (r"mapping keys are not allowed", "a '? ' stands where no key can be", _QUOTE),
    (
        r"could not find expected ':'",
        "there is no ':' after this key",
        "write `key: value`; a text over several lines needs `|` after its key, and indentation",
    ),
    (r"found unexpected end of stream", "the quoted text is never closed", "add the closing quote"),
    (
        r"unknown escape",
        "this escape sequence does not exist in double quotes",
        "use single quotes, where a backslash is just a backslash, or double it",
    ),
    (
        r"hexdecimal|hexadecimal",
        "this escape sequence lacks hexadecimal digits",
        "use single quotes, where a backslash is just a backslash, or double it",
    ),
    (
        r"escape code|chr\(\)|too large to convert",
        "this escape sequence is no Unicode character",
        "correct its number",
    ),
    (r"document indicator", "a line starts with --- or ... inside a quoted text", "indent the line"),
    (
        r"indentation indicator",
        "the number after | or > must be from 1 to 9",
        "remove it, unless the text's first line starts with spaces",
    ),
    (
        r"chomping or indentation|comment or line break|comment or a line break",
        "nothing but a comment may follow | or > on its line",
        "start the text on the next line, indented",
    ),
    (r"',' or '\}'", "a ',' or '}' is missing in this mapping", "put commas between entries and close it"),
    (r"',' or '\]'", "a ',' or ']' is missing in this list", "put commas between items and close it"),
    (
        r"block (?:collection|sequence): (?:did not find expected '-'|expected <block end>)",
        "this line does not fit the list that it stands in",
        "items of one list start with '- ' in the same column",
    ),
    (
        r"did not find expected key|expected <block end>",
        "this line does not fit the mapping that it stands in",
        _INDENT + "; an item of a list starts with '- '",
    ),
    (r"node content", "a value is missing here", _QUOTE + " if it starts with a special character"),
    (r"alphabetic or numeric", "& or * stands before something that is no anchor's name", _QUOTE),
    (r"undefined tag handle", "this tag is not supported", "remove it; quote a text that starts with !"),
    (r"document start", "this line does not belong to the document above it", "check the indentation"),
    (r"incompatible YAML|version number", "only YAML 1.1 and 1.2 can be read", "remove the %YAML line"),
    (r"directive", "a line starts with %, which makes it a directive", "remove it, or indent it"),
    (r"URI|tag|\"<\"|'<'|'!'|octet|decode", "this tag is not written well", "remove it, or " + _QUOTE),
)
_COMPILED = tuple((re.compile(pattern), message, help) for pattern, message, help in _PROBLEMS)
_INDENTED_BY_TAB = re.compile(r"[ ]*(\t)\s*\S")
_BRACKET_FIRST = re.compile(r"\s*(?:- )*[^\s:{\[]+:\s+([{\[])")
_TABS_ARE_FINE = re.compile(r"quoted|flow")  # the places where a line may start with one


def explain(fault: Exception, path: str, text: str, last_event: Any) -> Diagnostic:
    """The diagnostic for an exception of PyYAML's parser.

    `last_event` is the last that it gave, which stands in where the exception has no place.
    """
    problem = str(getattr(fault, "problem", None) or fault)
    context = str(getattr(fault, "context", None) or "")
    mark = getattr(fault, "problem_mark", None) or getattr(last_event, "end_mark", None)
    line, column = (mark.line, mark.column) if mark is not None else (0, 0)
    lines = text.split("\n")
    line = min(line, len(lines) - 1)
    tab = _INDENTED_BY_TAB.match(lines[line])
    if tab and not _TABS_ARE_FINE.search(context):
        return _tab_fault(path, line, tab.start(1))
    column = min(column, len(lines[line]))
    if column == len(lines[line]) and not lines[line].strip():
        # The parser noticed at the end of the file; the reader looks at the last line with text.
        while line > 0 and not lines[line].strip():
            line -= 1
        column = len(lines[line])
    if lines[line][:column].endswith("\\"):  # the pure parser points behind it
        column -= 1
    char = repr(lines[line][column]) if column < len(lines[line]) else "this character"
    message, help = _words(context, problem, char)
    value = _BRACKET_FIRST.match(lines[line])
    if value and value.end() < column and (_INDENT in help or char == repr("%")):
        message = f"text follows the value that starts with `{value[1]}`"
        help = "put the whole value in quotes"
    related: tuple[Related, ...] = ()
    opening = getattr(fault, "context_mark", None)
    if opening is not None and opening.line < line:
        at = Span(path, opening.line + 1, opening.column + 1, opening.line + 1, opening.column + 2)
        related = (Related(at, "it starts here"),)
    place = Span(path, line + 1, column + 1, line + 1, min(column + 1, len(lines[line])) + 1)
    return Diagnostic("RC111", message, place, help=help, related=related)


def _tab_fault(path: str, line: int, column: int) -> Diagnostic:
    """The diagnostic for a tab that indents; line and column count from 0."""
    return Diagnostic(
        "RC112",
        "a tab indents this line, and YAML allows spaces only",
        Span(path, line + 1, column + 1, line + 1, column + 2),
        help="replace it by spaces, and have the editor insert spaces in YAML files",
    )


def _words(context: str, problem: str, char: str) -> tuple[str, str]:
    for pattern, message, help in _COMPILED:
        if pattern.search(f"{context}: {problem}"):
            return message.replace("{char}", char), help
    return f"this is not YAML: {problem}", "check the indentation, quotes and brackets around it"
