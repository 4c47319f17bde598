"""Whole repos as folders: `input/` compiles to `expected/` and to what `diagnostics.txt` says.

To add a case, add a folder with an `input/`, run the tests once with UPDATE_CASES=1, and read what
that wrote in `git diff`. Without `expected/` nothing may be written; without `diagnostics.txt`
nothing may be said. In `diagnostics.txt` a line is `severity[CODE] path:line:column message`.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from rulecompiler import workspace
from rulecompiler.codes import TITLES
from rulecompiler.diagnostics import Diagnostic, Severity, Span, has_errors
from rulecompiler.document import Locator
from rulecompiler.reporters import located
from rulecompiler.reporters.folding import fold

CASES = Path(__file__).parent / "cases"
UPDATE = os.environ.get("UPDATE_CASES", "") not in ("", "0")


def names() -> list[str]:
    return sorted(folder.name for folder in CASES.iterdir() if (folder / "input").is_dir())


def tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def told(diagnostics: tuple[Diagnostic, ...]) -> str:
    lines = []
    for entry in fold(diagnostics):
        found = entry.diagnostic
        where = ""
        if found.place is not None:
            assert isinstance(found.place, Span)
            where = f" {found.place.path}:{found.place.line}:{found.place.column}"
        suffix = f" {entry.suffix}" if entry.suffix else ""
        lines.append(f"{found.severity.value}[{found.code}]{where} {found.message}{suffix}\n")
    return "".join(lines)


def update(case: Path, generated: dict[str, bytes], said: str) -> None:
    shutil.rmtree(case / "expected", ignore_errors=True)
    for name, data in generated.items():
        (case / "expected").mkdir(exist_ok=True)
        (case / "expected" / name).write_bytes(data)
    if said:
        (case / "diagnostics.txt").write_text(said, encoding="utf-8", newline="\n")
    else:
        (case / "diagnostics.txt").unlink(missing_ok=True)


@pytest.mark.parametrize("name", names())
def test_case(name: str, tmp_path: Path) -> None:
    case = CASES / name
    root = tmp_path / "repo"
    shutil.copytree(case / "input", root)
    before = tree(root)

    outcome = workspace.compile_repo(root, {}, cached=False)
    if not has_errors(outcome.diagnostics):
        assert workspace.write(outcome) is None
    texts = outcome.inputs.texts
    diagnostics = located(outcome.diagnostics, Locator(texts).span)
    said = told(diagnostics)
    generated = tree(root / "generated")

    if UPDATE:
        update(case, generated, said)
    expected = case / "diagnostics.txt"
    assert said == (expected.read_text("utf-8") if expected.exists() else "")
    assert generated == tree(case / "expected")
    if has_errors(diagnostics):
        assert tree(root) == before
    for found in diagnostics:
        check_for_its_reader(found)


def check_for_its_reader(found: Diagnostic) -> None:
    """What holds for every diagnostic, whatever it is about."""
    assert found.code in TITLES or not TITLES, found
    assert found.message
    assert "\n" not in found.message, found
    assert not found.message.endswith("."), found
    if found.severity is not Severity.INFO:
        # A way out: in the help, unless the message says what must be.
        assert found.help or " must be " in found.message, found


def test_the_names_say_what_comes_out() -> None:
    for name in names():
        case = CASES / name
        diagnostics = case / "diagnostics.txt"
        said = diagnostics.read_text("utf-8") if diagnostics.exists() else ""
        kind = "bad" if "error[" in said else "warn" if said else "good"
        assert name.partition("-")[0] == kind, name
        if kind == "bad":
            assert tree(case / "expected") == tree(case / "input" / "generated"), name
