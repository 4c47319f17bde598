from __future__ import annotations

import pytest

from tests.checks.linted import found


@pytest.mark.parametrize(("above", "here"), [("30s", "5m"), ("10m", "1m"), ("15s", "1h")])
def test_what_is_found(above: str, here: str) -> None:
    base = f"interval: {above}\nabstract: true\nrules: {{A: {{}}}}"
    assert len(found("RC439", base, f"parent: g\ninterval: {here}")) == 1


@pytest.mark.parametrize(("above", "here"), [("30s", "1m"), ("1m", "30s"), ("5m", "1m"), ("1m", "9m")])
def test_what_is_left_alone(above: str, here: str) -> None:
    base = f"interval: {above}\nabstract: true\nrules: {{A: {{}}}}"
    assert found("RC439", base, f"parent: g\ninterval: {here}") == []


def test_what_is_not_written_is_not_known() -> None:
    assert found("RC439", "rules: {A: {}}", "parent: g\ninterval: 1h") == []
    assert found("RC439", "interval: 10s\nrules: {A: {}}", "parent: g\nrules: {L: {}}") == []
