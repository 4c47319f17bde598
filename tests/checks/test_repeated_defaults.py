from __future__ import annotations

import pytest

from rulecompiler.checks.subject import LintSettings
from rulecompiler.diagnostics import Severity
from tests.checks.linted import SHELF
from tests.helpers import lint_texts, repo

ASKED = LintSettings(checks={"RC440": Severity.INFO})


def found(*groups: str, settings: LintSettings = ASKED) -> int:
    files = repo(SHELF, dict(zip("gh", groups, strict=False)))
    return [d.code for d in lint_texts(files, settings)].count("RC440")


@pytest.mark.parametrize("entry", ["{params: {t: 80}}", "{for: 5m}", "{params: {w: 5m, t: 81}}"])
def test_what_is_found(entry: str) -> None:
    assert found(f"rules: {{A: {entry}}}") == 1
    assert found(f"rules: {{A: {entry}}}", settings=LintSettings()) == 0
    assert found("rules: {A: {}}", f"parent: g\nrules: {{A: {entry}}}") == 1


@pytest.mark.parametrize("entry", ["{params: {t: 81}}", "{for: 6m}", "{params: {t: null}}", "{}"])
def test_what_is_left_alone(entry: str) -> None:
    assert found(f"rules: {{A: {entry}}}") == 0


def test_what_takes_an_inherited_value_back_says_something() -> None:
    assert found("rules: {A: {params: {t: 9}}}", "parent: g\nrules: {A: {params: {t: 80}}}") == 0
    assert found("rules: {A: {for: 9m}}", "parent: g\nrules: {A: {for: 5m}}") == 0
    assert found("params: {t: 9}\nrules: {A: {params: {t: 80}}}") == 0
    assert found("params: {t: 9}\nrules: {A: {}}", "parent: g\nrules: {A: {params: {t: 80}}}") == 0
