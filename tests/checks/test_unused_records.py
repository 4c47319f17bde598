from __future__ import annotations

from tests.checks.linted import found

GROUP = "rules: {F: {}, plain: {}, A: {enabled: false}}"


def test_records_that_nobody_asks_for() -> None:
    assert [d.message for d in found("RC428", GROUP)] == ["no rule asks for the record `plain`"]
