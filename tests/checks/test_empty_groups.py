from __future__ import annotations

from rulecompiler.checks.empty_groups import check
from rulecompiler.checks.group_view import RepoView
from rulecompiler.diagnostics import Pointer, Severity
from tests.helpers import make_group


def test_each_is_told_of_at_its_name() -> None:
    (finding,) = check(RepoView((), empty=(make_group("g"),)))
    place = Pointer("alerts/groups/g.yaml", ("group",))
    assert (finding.code, finding.place, finding.severity) == ("RC437", place, Severity.WARNING)


def test_without_targets_nothing_is_known() -> None:
    assert list(check(RepoView(()))) == []
