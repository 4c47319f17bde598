from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from rulecompiler.diagnostics import Related
from rulecompiler.model import RuleSet
from tests.checks.compiled import a_rule, a_set, entry, found


def test_a_duplicate() -> None:
    first = a_rule("A", entry=entry("first"))
    second = a_rule(
        "A", entry=entry("second"), expr="up == 1", labels=dict(reversed(list(first.labels.items())))
    )
    (diagnostic,) = found(a_set(first, second))
    assert diagnostic.code == "RC402"
    assert diagnostic.message == "two alerts are named `A` and have the same labels"
    assert diagnostic.place == entry("second").key()
    assert diagnostic.related == (Related(entry("first").key(), "the first"),)


def test_duplicates_of_two_groups_of_a_file() -> None:
    one, two = a_set(a_rule()), a_set(a_rule(entry=entry("second")))
    both = RuleSet("g", one.sources, one.groups + two.groups)
    assert [d.code for d in found(both)] == ["RC402"]


def test_each_repetition_is_reported_against_the_first() -> None:
    rules = [a_rule("A", entry=entry(name)) for name in ("one", "two", "three")]
    places = [(d.place, d.related[0].place) for d in found(a_set(*rules))]
    assert places == [(entry("two").key(), entry("one").key()), (entry("three").key(), entry("one").key())]


def test_duplicate_records() -> None:
    record = a_rule("job:up:sum", kind="record", annotations={}, for_=None)
    (diagnostic,) = found(a_set(record, replace(record)))
    assert diagnostic.message == "two recording rules are named `job:up:sum` and have the same labels"


@pytest.mark.parametrize(
    "changes",
    [{"name": "B"}, {"labels": {}}, {"labels": {"severity": "x"}}, {"kind": "record", "annotations": {}}],
)
def test_no_duplicate(changes: Mapping[str, Any]) -> None:
    assert found(a_set(a_rule("A"), replace(a_rule("A"), **changes))) == ()
