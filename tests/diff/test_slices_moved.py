"""A slice that another group takes or disables, and that lies elsewhere now, is another slice."""

from __future__ import annotations

from tests.diff.repos import DOWN, plan_of
from tests.helpers import repo


def test_a_rule_that_is_disabled_for_other_targets_than_before_is_lost_for_these() -> None:
    def side(cluster: str) -> dict[str, str]:
        scope = f"{{group_id: web, cluster: {cluster}}}"
        inner = f"parent: web\nscope: {scope}\nrules: {{NodeDown: {{enabled: false}}}}"
        return repo({"NodeDown": DOWN}, {"web": "rules: {NodeDown: {}}", "inner": inner})

    (change,) = plan_of(side("a"), side("b")).changes
    assert change.is_lost
    assert [cover.slice for cover in change.uncovered] == ['cluster="b"']
    assert [cover.slice for cover in change.regained] == ['cluster="a"']
