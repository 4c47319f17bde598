from __future__ import annotations

from dataclasses import replace

from rulecompiler.checks import CHECKS
from rulecompiler.model import RuleSet
from tests.checks.compiled import a_rule, a_set, found


def test_every_check_is_listed_once() -> None:
    assert [check.__module__ for check in CHECKS] == [
        "rulecompiler.checks.annotations",
        "rulecompiler.checks.duplicates",
        "rulecompiler.checks.server_version",
    ]


def test_good_rules_and_none_at_all() -> None:
    assert found(a_set(a_rule(), a_rule("Other"))) == ()
    assert found(a_set()) == ()
    assert found(RuleSet("g", (), ())) == ()


def test_run_gives_what_all_checks_find() -> None:
    bad = a_rule(annotations={"a": "{{ $x }}"}, expr="histogram_avg(x)")
    assert [d.code for d in found(a_set(bad, bad, replace(bad)))] == ["RC401", "RC402", "RC403"]
