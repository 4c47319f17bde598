"""Example files: each positive one is accepted, each negative one says what its `.txt` says.

To add a case, add a file; for a negative one, beside it, what the user is told.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from rulecompiler import decode, schema, settings
from rulecompiler.diagnostics import Diagnostic, Span
from rulecompiler.document import Locator, parse
from rulecompiler.model import Source

EXAMPLES = Path(__file__).parent / "schema"


def files(folder: str) -> list[str]:
    return sorted(str(path.relative_to(EXAMPLES)) for path in (EXAMPLES / folder).rglob("*.yaml"))


def faults(name: str) -> tuple[Diagnostic, ...]:
    """What all stages up to decoding say about an example."""
    kind = name.split("/")[1]
    document, found = parse(Source(name, (EXAMPLES / name).read_text("utf-8")))
    if document is None:
        return found
    if kind == "settings":
        return settings.read(document)[1]
    assert kind in ("template", "group")
    found = schema.validate("template" if kind == "template" else "group", document)
    if not found:
        _, found = decode.template(document, "node/x") if kind == "template" else decode.group(document)
    return found


def told(name: str, found: tuple[Diagnostic, ...]) -> str:
    """The diagnostics as lines of `line:column code message | label | help`, in the file's order."""
    locator = Locator({name: (EXAMPLES / name).read_text("utf-8")})
    lines = []
    for diagnostic in found:
        assert diagnostic.place is not None
        span: Span = locator.span(diagnostic.place)
        words = [diagnostic.message, diagnostic.label, diagnostic.help]
        text = " | ".join(filter(None, words))
        lines.append((span.line, span.column, f"{span.line}:{span.column} {diagnostic.code} {text}\n"))
    return "".join(line for *_, line in sorted(lines))


@pytest.mark.parametrize("name", files("positive"))
def test_accepts(name: str) -> None:
    found = faults(name)

    assert told(name, found) == ""


@pytest.mark.parametrize("name", files("negative"))
def test_refuses(name: str) -> None:
    found = faults(name)

    assert told(name, found) == (EXAMPLES / name).with_suffix(".txt").read_text("utf-8")
