from __future__ import annotations

import pytest

from rulecompiler.checks.subject import LintSettings
from rulecompiler.diagnostics import Severity
from tests.checks.linted import RATE, severities

BAD = [
    f"expr: {RATE}\nannotations: {{description: d, summary: s}}\n",
]
GOOD = [
    RATE,
    "record: r:x:y\nexpr: x\n",
]


@pytest.mark.parametrize("text", BAD)
def test_what_is_found(text: str) -> None:
    assert len(severities(text, "RC418")) == 1


@pytest.mark.parametrize("text", GOOD)
def test_what_is_left_alone(text: str) -> None:
    assert severities(text, "RC418") == []


def test_it_is_never_an_error() -> None:
    assert Severity.ERROR not in [s for text in BAD for s in severities(text, "RC418")]


def test_what_the_settings_ask_for() -> None:
    asks = LintSettings(severities=("page",), annotations=("summary",), labels=("team",))
    assert severities(f"expr: {RATE}\nannotations: {{summary: s}}\n", "RC418", asks) == [Severity.INFO]
    assert severities(f"expr: {RATE}\nlabels: {{severity: page, team: a}}\n", "RC418", asks) == []
