"""Comments that silence a check where it is wrong, with a reason and perhaps until a day.

    # rulecompiler: disable=RC412 until=2027-01-01 reason=the exporter is being replaced

In a template it holds for the whole file. In a group too where it begins its line without any
indentation, and otherwise for the rule that it stands at, in, or right before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from rulecompiler.checks.catalogue import CODES
from rulecompiler.diagnostics import Diagnostic, Pointer, Severity, Span
from rulecompiler.words import did_you_mean

MARK = "rulecompiler:"
_COMMENT = re.compile(r"(?:^|(?<=\s))#[ \t]*rulecompiler:[ \t]*(.*?)[ \t\r]*$", re.MULTILINE)
_WORDS = re.compile(r"disable=(\S+)(?:\s+until=(\S+))?(?:\s+reason=(.+))?")
_HELP = "write `# rulecompiler: disable=RC405 until=2027-01-01 reason=why` (`until` may be left out)"
_ENTRY = re.compile(r"""^( +)(?:"([^"]+)"|'([^']+)'|([^\s#'"][^:#]*?))\s*:(?=\s|$)""")


@dataclass(slots=True)
class _Suppression:
    span: Span
    code: str
    until: date | None
    rule: str  # the entry in a group's `rules`, or empty for the whole file
    used: bool = False


class Suppressions:
    """The comments of all files; `today` decides which have ended."""

    def __init__(self, texts: Iterable[tuple[str, str]], today: date) -> None:
        """`texts` are paths and texts of templates and groups; those without the mark may be left out."""
        self.faults: list[Diagnostic] = []
        self._today = today
        self._found: dict[str, list[_Suppression]] = {}
        for path, text in texts:
            if MARK in text:
                self._found[path] = list(self._read(path, text))

    def silences(self, finding: Diagnostic) -> bool:
        """Whether a comment says to say nothing of this; that comment has then been of use."""
        silent = False
        for place in (finding.place, *(related.place for related in finding.related)):
            if place is None or place.path not in self._found:
                continue
            keys = place.keys if isinstance(place, Pointer) else ()
            for one in self._found[place.path]:
                fits = not one.rule or (len(keys) > 1 and keys[0] == "rules" and keys[1] == one.rule)
                if one.code == finding.code and fits:
                    one.used = True
                    silent = silent or one.until is None or one.until >= self._today
        return silent

    def leftovers(self, unasked: Collection[str] = ()) -> Iterator[Diagnostic]:
        """What is to be said of the comments themselves, when all findings have been asked about.

        Checks that were not asked this time leave it open whether their comments are of use.
        """
        for one in (one for found in self._found.values() for one in found):
            if one.code in unasked:
                continue
            if not one.used:
                yield Diagnostic(
                    "RC451",
                    f"{one.code} is disabled here, but finds nothing",
                    one.span,
                    help="delete the comment",
                    severity=Severity.INFO,
                )
            elif one.until is not None and one.until < self._today:
                yield Diagnostic(
                    "RC450",
                    f"{one.code} was disabled until {one.until}, which is over",
                    one.span,
                    help="correct what it finds, or give it another day and the reason",
                    severity=Severity.WARNING,
                )

    def _read(self, path: str, text: str) -> Iterator[_Suppression]:
        for comment in _COMMENT.finditer(text):
            line = text.count("\n", 0, comment.start()) + 1
            column = comment.start() - (text.rfind("\n", 0, comment.start()) + 1) + 1
            span = Span(path, line, column, line, column + len(comment[0]))
            words = _WORDS.fullmatch(comment[1])
            if words is None or not words[3]:
                missing = "has no reason" if words is not None else "cannot be read"
                self._refuse(span, f"a comment to `rulecompiler` {missing}", _HELP)
                continue
            until = _date(words[2]) if words[2] else None
            if words[2] and until is None:
                self._refuse(span, f"`{words[2]}` is not a day", "write it as 2027-01-01")
                continue
            rule = _entry(text, line, column)
            for code in words[1].split(","):
                if code in CODES:
                    yield _Suppression(span, code, until, rule)
                else:
                    self._refuse(
                        span,
                        f"`{code}` is no check that a comment can disable",
                        did_you_mean(code, CODES, "docs/diagnostics.md lists them"),
                    )

    def _refuse(self, span: Span, message: str, help: str) -> None:
        self.faults.append(Diagnostic("RC452", message, span, help=help, severity=Severity.WARNING))


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _entry(text: str, line: int, column: int) -> str:
    """The entry of a group's `rules` that a comment belongs to; empty for the whole file."""
    lines = text.split("\n")
    alone = not lines[line - 1][: column - 1].strip()
    if alone and column == 1:
        return ""
    start = next((n for n, one in enumerate(lines) if one.startswith("rules:")), len(lines))
    target = line - 1
    if alone:  # it is about what comes next
        target = next(
            (
                n
                for n in range(line, len(lines))
                if lines[n].strip() and not lines[n].lstrip().startswith("#")
            ),
            line - 1,
        )
    if target <= start:
        return ""
    indents: int | None = None
    name = ""
    for one in lines[start + 1 : target + 1]:
        found = _ENTRY.match(one)
        if one[:1] not in ("", " ", "#"):
            return ""  # another key of the file
        if found and (indents is None or len(found[1]) == indents):
            indents = len(found[1])
            name = found[2] or found[3] or found[4]
    return name


def silence(
    findings: Iterable[Diagnostic],
    suppressions: Suppressions,
    severities: Mapping[str, Severity | None],
    changed: Callable[[Diagnostic, Severity], Diagnostic],
) -> Iterator[Diagnostic]:
    """Those findings that neither settings nor comments silence, with the severities of the settings."""
    for finding in findings:
        severity = severities.get(finding.code, finding.severity)
        if severity is not None and not suppressions.silences(finding):
            yield finding if severity is finding.severity else changed(finding, severity)
