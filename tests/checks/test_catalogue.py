from __future__ import annotations

from pathlib import Path

import pytest

from rulecompiler import checks
from rulecompiler.checks import CHECKS
from rulecompiler.checks.catalogue import CODES, GROUP_CHECKS, REPO_CHECKS, RULE_CHECKS
from rulecompiler.codes import TITLES

LISTED = (*RULE_CHECKS, *GROUP_CHECKS, *REPO_CHECKS)
MODULES = sorted(check.__module__.rpartition(".")[2] for check in (*LISTED, *CHECKS))


def test_each_check_has_its_code_and_its_file() -> None:
    assert len(CODES) == len(LISTED) == len(set(LISTED))
    assert set(TITLES) >= CODES
    codes = [str(check.__globals__["__doc__"])[:5] for check in LISTED]
    assert sorted(codes) == sorted(CODES)


def test_each_file_with_a_check_is_listed() -> None:
    folder = Path(checks.__file__).parent
    files = {path.stem for path in folder.glob("*.py") if "\ndef check(" in path.read_text("utf-8")}
    assert files == set(MODULES)


@pytest.mark.parametrize("module", MODULES)
def test_each_check_has_a_test_file(module: str) -> None:
    assert (Path(__file__).parent / f"test_{module}.py").is_file()
