"""Fixtures that find the real programs; everything else a test makes for itself."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def _program(name: str, variable: str | None = None) -> Path:
    named = os.environ.get(variable) if variable else None
    found = named or shutil.which(name) or shutil.which(name, path=str(ROOT / ".tools" / "bin"))
    if found:
        return Path(found)
    reason = f"{name} is not here: run `make setup`"
    if os.environ.get("CI"):
        pytest.fail(reason)  # CI that skips what it is for would be green for nothing
    pytest.skip(reason)


@pytest.fixture(scope="session")
def promtool() -> Path:
    """Path of promtool, found as the compiler finds it."""
    return _program("promtool", "PROMTOOL_PATH")


@pytest.fixture(scope="session")
def prometheus() -> Path:
    """Path of a Prometheus server, to be started on loopback only."""
    return _program("prometheus")
