from __future__ import annotations

from rulecompiler.checks.file_size import LARGEST, check
from rulecompiler.checks.group_view import RepoView
from rulecompiler.diagnostics import Pointer, Severity


def test_a_file_that_no_config_map_holds() -> None:
    places = {Pointer("a"): LARGEST, Pointer("b"): LARGEST + 1}
    (finding,) = check(RepoView((), sizes=places))
    assert (finding.place, finding.severity) == (Pointer("b"), Severity.INFO)
