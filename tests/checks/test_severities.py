from __future__ import annotations

import pytest

from rulecompiler.checks.subject import LintSettings
from rulecompiler.diagnostics import Severity
from tests.checks.linted import RATE, severities

BAD = [
    f"expr: {RATE}\nlabels: {{severity: page}}\n",
    f"expr: {RATE}\nlabels: {{severity: Critical}}\n",
]
GOOD = [
    RATE,
    f"expr: {RATE}\nlabels: {{severity: critical}}\n",
    f"expr: {RATE}\nlabels: {{severity: '{{{{ $labels.a }}}}'}}\n",
]


@pytest.mark.parametrize("text", BAD)
def test_what_is_found(text: str) -> None:
    assert len(severities(text, "RC419")) == 1


@pytest.mark.parametrize("text", GOOD)
def test_what_is_left_alone(text: str) -> None:
    assert severities(text, "RC419") == []


def test_it_is_never_an_error() -> None:
    assert Severity.ERROR not in [s for text in BAD for s in severities(text, "RC419")]


def test_what_the_settings_ask_for() -> None:
    asks = LintSettings(severities=("page",), annotations=("summary",), labels=("team",))
    assert severities(f"expr: {RATE}\nlabels: {{severity: page}}\n", "RC419", asks) == []
    assert severities(RATE, "RC419", asks) == [Severity.WARNING]
