"""Whole changes as folders: from `base/` to `head/`, `plan.txt` is what the terminal shows, without colour.

To add a case, add a folder with both repos, run the tests once with UPDATE_CASES=1, and read what that wrote
in `git diff` as a reviewer would who knows neither the templates nor the compiler.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import jsonschema
import pytest

from rulecompiler.cli.diff_report import as_text
from rulecompiler.diff.as_json import as_data
from rulecompiler.terminal import Painter
from tests.diff.repos import Files, plan_of

CASES = Path(__file__).parent / "cases"
SCHEMA = json.loads((Path(__file__).parents[2] / "schemas/plan.schema.json").read_text("utf-8"))
UPDATE = os.environ.get("UPDATE_CASES", "") not in ("", "0")
NAMES = sorted(folder.name for folder in CASES.iterdir())


def side(name: str, which: str) -> Files:
    folder = CASES / name / which
    found = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert found, f"{name} has no {which}/"
    return found


@pytest.mark.parametrize("name", NAMES)
def test_case(name: str) -> None:
    expected = CASES / name / "plan.txt"

    plan = plan_of(side(name, "base"), side(name, "head"))
    text = as_text(plan, Painter(False))

    jsonschema.validate(as_data(plan), SCHEMA)
    if UPDATE:
        expected.write_text(text, encoding="utf-8", newline="\n")
    assert text == expected.read_text("utf-8")
