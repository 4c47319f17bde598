"""One list of diagnostics, many ways to say it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from rulecompiler.diagnostics import Diagnostic, Place, Span

FORMATS = ("text", "json", "github", "sarif")


def report(
    diagnostics: Iterable[Diagnostic],
    fmt: str,
    sources: Mapping[str, str],
    *,
    color: bool = False,
    width: int | None = None,
    titles: Mapping[str, str] | None = None,
    prefix: str = "",
) -> str:
    """All diagnostics in one of `FORMATS`, ready to print; empty where a format has nothing to say.

    `sources` maps paths to their text, for excerpts and fingerprints; a path that is missing
    costs its excerpt. `width` is the terminal's in columns, None where there is none. `titles`
    maps codes to what they mean. `prefix` leads from the root of the git checkout to the root
    of the rules (`"monitoring/"`), for GitHub, which only knows the former.

    Places must be `Span`s by now (see `located`); of a `Pointer` only the path is shown.
    """
    # Only what is asked for is imported: most runs have nothing to report.
    from rulecompiler.reporters.folding import fold

    folded = fold(diagnostics)
    titles = titles or {}
    if fmt == "json":
        from rulecompiler.reporters import json_report

        return json_report.render(folded)
    if fmt == "github":
        from rulecompiler.reporters import github

        return github.render(folded, titles, prefix)
    if fmt == "sarif":
        from rulecompiler.reporters import sarif

        return sarif.render(folded, sources, titles, prefix)
    if fmt == "text":
        from rulecompiler.reporters import text

        return text.render(folded, sources, color=color, width=width)
    raise ValueError(f"no such format: {fmt}")


def located(diagnostics: Iterable[Diagnostic], locate: Callable[[Place], Span]) -> tuple[Diagnostic, ...]:
    """The same diagnostics with every place turned into a `Span` (by `document.Locator.span`)."""
    return tuple(
        replace(
            diagnostic,
            place=None if diagnostic.place is None else locate(diagnostic.place),
            related=tuple(item._replace(place=locate(item.place)) for item in diagnostic.related),
        )
        for diagnostic in diagnostics
    )
