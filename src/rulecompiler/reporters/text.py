"""Diagnostics for people, with the lines that they are about."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence

from rulecompiler.diagnostics import Diagnostic, Place, Severity, Span
from rulecompiler.reporters.excerpt import Gutter, Marker, excerpt, source_lines
from rulecompiler.reporters.folding import Folded, counts
from rulecompiler.terminal import Painter, visible

_NO_TERMINAL = 160  # columns for excerpts in a pipe or log: lines are cut there, prose is not wrapped
_NOUNS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def render(folded: Sequence[Folded], sources: Mapping[str, str], *, color: bool, width: int | None) -> str:
    """Every entry with a blank line behind it, then how many there are."""
    if not folded:
        return ""
    paint = Painter(color)
    lines = _Lines(sources)
    blocks = ["\n".join(_block(entry, lines, paint, width)) for entry in folded]
    return "\n\n".join([*blocks, summary(folded, paint)]) + "\n"


def summary(folded: Iterable[Folded], paint: Painter) -> str:
    """`2 errors, 1 warning`, without what there is none of."""
    return ", ".join(
        paint(f"{number:,} {_NOUNS[severity]}{'s' * (number != 1)}", severity.value)
        for severity, number in counts(folded).items()
        if number
    )


class _Lines:
    """Splits a source once however many diagnostics are about it."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._sources = sources
        self._split: dict[str, list[str]] = {}

    def of(self, path: str) -> list[str]:
        if path not in self._split:
            text = self._sources.get(path)
            self._split[path] = [] if text is None else source_lines(text)
        return self._split[path]


def _block(entry: Folded, lines: _Lines, paint: Painter, width: int | None) -> Iterator[str]:
    diagnostic = entry.diagnostic
    style = diagnostic.severity.value
    gutter = Gutter(_highest_line(diagnostic, lines), paint)
    head = paint(f"{_NOUNS[diagnostic.severity]}[{diagnostic.code}]", style)
    suffix = f" {entry.suffix}" if entry.suffix else ""
    yield f"{head}{paint(f': {visible(diagnostic.message)}', 'bold')}{paint(suffix, 'dim')}"
    if diagnostic.place is not None:
        marker = Marker("^", style, diagnostic.label)
        yield from _place("-->", diagnostic.place, marker, lines, gutter, paint, width)
    elif diagnostic.label:
        yield from _note("note", diagnostic.label, gutter, width)
    for item in diagnostic.related:
        yield from _place(":::", item.place, Marker("-", "gutter", item.text), lines, gutter, paint, width)
    if diagnostic.help:
        yield from _note("help", diagnostic.help, gutter, width)


def _place(
    arrow: str,
    place: Place,
    marker: Marker,
    lines: _Lines,
    gutter: Gutter,
    paint: Painter,
    width: int | None,
) -> Iterator[str]:
    path = visible(place.path)
    if not isinstance(place, Span):
        yield gutter.arrow(arrow, path)
        shown = []
    else:
        yield gutter.arrow(arrow, f"{path}:{place.line}:{place.column}")
        shown = excerpt(lines.of(place.path), place, marker, gutter, paint, width or _NO_TERMINAL)
    if shown and arrow == "-->":
        yield gutter.blank()
    yield from shown
    if not shown and marker.label:
        yield from _note("note", marker.label, gutter, width)


def _note(kind: str, text: str, gutter: Gutter, width: int | None) -> Iterator[str]:
    """`= help: …`, its further lines aligned below its first."""
    indent = len(gutter.indent) + len(f"= {kind}: ")
    parts = [visible(line) for line in text.splitlines()]
    if width is not None:
        room = max(width - indent, 20)
        parts = [piece for part in parts for piece in textwrap.wrap(part, room, break_on_hyphens=False)]
    for number, part in enumerate(parts):
        yield gutter.note(kind, part) if number == 0 else " " * indent + part


def _highest_line(diagnostic: Diagnostic, lines: _Lines) -> int:
    places = [diagnostic.place, *(item.place for item in diagnostic.related)]
    spans = [place for place in places if isinstance(place, Span) and lines.of(place.path)]
    return max((span.end_line for span in spans), default=1)
