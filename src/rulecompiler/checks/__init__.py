"""Checks of rendered rules: a check a file, all listed in `CHECKS`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from rulecompiler.checks.annotations import check as annotations_check
from rulecompiler.checks.duplicates import check as duplicates_check
from rulecompiler.checks.options import Options
from rulecompiler.checks.server_version import check as server_version_check
from rulecompiler.diagnostics import Diagnostic
from rulecompiler.model import RuleSet

__all__ = ["CHECKS", "Check", "Options", "run"]

Check = Callable[[RuleSet, Options], Iterator[Diagnostic]]

CHECKS: Final[tuple[Check, ...]] = (annotations_check, duplicates_check, server_version_check)


def run(rules: RuleSet, options: Options) -> tuple[Diagnostic, ...]:
    """What every check finds in the rules of one group file, check by check."""
    return tuple(diagnostic for check in CHECKS for diagnostic in check(rules, options))
