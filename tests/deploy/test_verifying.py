"""Exactly the intended rules run, or it is seen: by tables, and against what real servers say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from rulecompiler.deploy.compare import Difference
from rulecompiler.deploy.running import RunningGroup, RunningRule
from rulecompiler.deploy.verifying import describe, same_query, verify


def unasked(query: str) -> str | None:
    raise AssertionError(f"the server need not be asked about {query}")


def file_of(*rules: Mapping[str, Any]) -> bytes:
    return json.dumps({"groups": [{"name": "g", "rules": rules}]}).encode()


def running_of(file: str, *names: str, query: str = "x") -> RunningGroup:
    rules = tuple(RunningRule("alert", name, query, 0, 0, {}, {}, "ok", "", ()) for name in names)
    return RunningGroup(file, "g", 60, 0, rules, "")


A, B = {"alert": "A", "expr": "x"}, {"alert": "B", "expr": "x"}
FILES = {"a.yml": file_of(A), "b.yml": file_of(A, B)}
RUNNING = (running_of("a.yml", "A"), running_of("b.yml", "A", "B"))
SAME = same_query(unasked)


def test_what_is_proven_is_not_read_again() -> None:
    first = verify(FILES, RUNNING, {}, SAME)
    assert first.exact
    assert len(first.proofs) == 2

    def never(intended: str, running: str) -> bool:
        raise AssertionError("compared again")

    evaluated = [
        group._replace(
            last_evaluation="later", rules=tuple(rule._replace(health="err") for rule in group.rules)
        )
        for group in reversed(RUNNING)
    ]
    assert verify(FILES, evaluated, first.proofs, never) == first


def test_proof_proves_only_what_it_was_made_for() -> None:
    proofs = verify(FILES, RUNNING, {}, SAME).proofs
    changed = verify({**FILES, "b.yml": file_of(B)}, RUNNING, proofs, SAME)
    assert [difference.rule for difference in changed.differences] == ["A"]
    assert list(changed.proofs) == [key for key in proofs if key in changed.proofs]
    assert len(changed.proofs) == 1
    other = running_of("b.yml", "A", "B", query="y")
    assert {
        found.field for found in verify(FILES, (RUNNING[0], other), proofs, same_query(str)).differences
    } == {"expr"}


@pytest.mark.parametrize(
    "running",
    [
        (RUNNING[0],),
        RUNNING[::-1] + RUNNING[:1],
        (*RUNNING, running_of("c.yml", "A")),
        (RUNNING[0], running_of("b.yml", "B", "A")),
        (RUNNING[0], running_of("b.yml", "A", "B")._replace(name="h")),
        (RUNNING[0], running_of("b.yml", "A", "B")._replace(limit=1)),
        (),
    ],
)
def test_old_proofs_hide_no_difference(running: tuple[RunningGroup, ...]) -> None:
    proofs = verify(FILES, RUNNING, {}, SAME).proofs
    assert (
        verify(FILES, running, proofs, SAME).differences == verify(FILES, running, {}, SAME).differences != ()
    )


def test_same_file_under_two_names_needs_both_to_run() -> None:
    files = {"a.yml": file_of(A), "b.yml": file_of(A)}
    both = (running_of("a.yml", "A"), running_of("b.yml", "A"))
    proofs = verify(files, both, {}, SAME).proofs
    assert verify(files, both, proofs, SAME).exact
    assert not verify(files, both[:1], proofs, SAME).exact


def test_nothing_intended_and_nothing_running_is_exact() -> None:
    assert verify({}, (), {}, SAME).exact
    empty = verify({"a.yml": b"groups: []"}, (), {}, SAME)
    assert empty.exact
    assert len(empty.proofs) == 1
    assert not verify({"a.yml": b"groups: []"}, RUNNING[:1], empty.proofs, SAME).exact


def test_file_that_cannot_be_read_is_a_fault_not_a_lot_of_differences() -> None:
    found = verify({**FILES, "b.yml": b"groups: {}"}, RUNNING, {}, SAME)
    assert (found.differences, [fault.code for fault in found.faults]) == ((), ["RC850"])
    assert not found.exact
    assert len(found.proofs) == 1


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("x", "x"),
        ("not PromQL at all", "not PromQL at all"),
        ("rate(x[60m])", "rate(x[1h])"),
        ('x{b="1",a="2"} # "', 'x{a="2",b="1"}'),
        ('x{a!="", a!="POD", c="1"}', 'x{a!="",a!="POD",c="1"}'),
        ("x{a='b\"'}", 'x{a="b\\""}'),
        ('x{a="same"} or y{b="same"}', 'x{a="same"}\n  or\ny{b="same"}'),
        ("0x10 * x", "16 * x"),
        ("x @ 5 offset 5m", "x offset 5m @ 5"),
        ("sum(x) by (a)", "sum by (a) (x)"),
    ],
)
def test_same_without_a_server(left: str, right: str) -> None:
    assert same_query(unasked)(left, right)


OTHERS = [
    ("x", "y"),
    ('x{a="1"}', 'x{a="2"}'),
    ('x{a="1",b="2"}', 'x{a="2",b="1"}'),
    ('x{a="1"} or x{a="2"}', 'x{a="2"} or x{a="1"}'),
    ('x{a="1"} or x{a="1"}', 'x{a="1"} or x{a="2"}'),
    ('x{a="0"}', 'x{a="1"}'),
    ('x{a=""}', 'x{a="1"}'),
    ('x{a!="", b="1"}', 'x{a!="", b="2"}'),
    ('x{a!="", b="1"}', 'x{b!="", a="1"}'),
    ('x{a="b c"}', 'x{a="bc"}'),
    ("x{a='1'}", "x{a='2'}"),
    ('x{a="1#"}', 'x{a="2#"}'),
    ('x{a="\\\\n"}', 'x{a="\\n"}'),
    ('x{a=~"b"}', 'x{a="b"}'),
    ('x{a=~"b"}', 'x{a!~"b"}'),
    ("rate(x[5m])", "rate(x[6m])"),
    ("x offset 5m", "x"),
    ("x offset 5m", "x offset -5m"),
    ("x @ 1", "x @ 2"),
    ("x @ start()", "x @ end()"),
    ("x == bool 1", "x == 1"),
    ("x * on (a) group_left (b) y", "x * on (a) group_right (b) y"),
    ("x * on (a) group_left (b) y", "x * on (a) group_left () y"),
    ("x * on (a) y", "x * ignoring (a) y"),
    ("x - y - z", "x - (y - z)"),
    ("-x", "x"),
    ("x and y", "x unless y"),
    ("sum by (a) (x)", "sum without (a) (x)"),
    ("010", "10"),
    ("topk(1, x)", "bottomk(1, x)"),
    ("max_over_time(x[5m:1m])", "max_over_time(x[5m:])"),
]


@pytest.mark.parametrize(("left", "right"), OTHERS)
def test_others_are_not_the_same(left: str, right: str) -> None:
    assert not same_query(lambda query: None)(left, right)
    assert not same_query(str)(left, right)


def test_the_server_has_the_last_word_and_is_asked_once() -> None:
    asked: list[str] = []

    def canonical(query: str) -> str | None:
        asked.append(query)
        return None if query == "broken(" else "canonical"

    same = same_query(canonical)
    assert same("sum by () (x)", "sum(x)")
    assert same("sum(x)", "sum by () (x)")
    assert asked == ["sum by () (x)", "sum(x)"]
    assert not same("broken(", "sum(x)")


def difference(
    kind: Any, rule: str = "", field: str = "", intended: str = "", running: str = ""
) -> Difference:
    return Difference("f.yml", "g", rule, kind, field, intended, running)


@pytest.mark.parametrize(
    ("found", "code", "message"),
    [
        (difference("missing"), "RC851", "group g in f.yml does not run"),
        (difference("missing", "A"), "RC851", "`A` in f.yml, group g, does not run"),
        (difference("unexpected"), "RC852", "group g in f.yml runs, and no file states it"),
        (difference("unexpected", "A"), "RC852", "`A` in f.yml, group g, runs, and no file states it"),
        (
            difference("differs", "A", "for", "5m", "0s"),
            "RC853",
            "`A` in f.yml, group g, runs with for `0s` instead of `5m`",
        ),
        (
            difference("differs", "", "interval", "5m", "1m"),
            "RC853",
            "group g in f.yml runs with interval `1m` instead of `5m`",
        ),
        (
            difference("differs", "A", "expr", "x\n  > 5\n", "x > 6"),
            "RC853",
            "`A` in f.yml, group g, runs with expr `x > 6` instead of `x > 5`",
        ),
        (
            difference("differs", "A", "expr", "x" * 300 + " > 5", "x" * 300 + " > 6"),
            "RC853",
            f"`A` in f.yml, group g, runs with expr `…{'x' * 37} > 6` instead of `…{'x' * 37} > 5`",
        ),
        (
            difference("differs", "A", "expr", "x" * 300, "y"),
            "RC853",
            f"`A` in f.yml, group g, runs with expr `y` instead of `{'x' * 200}…`",
        ),
    ],
)
def test_difference_in_words(found: Difference, code: str, message: str) -> None:
    (diagnostic,) = describe([found])
    assert (diagnostic.code, diagnostic.message) == (code, message)
    assert "rulecompiler deploy" in diagnostic.help


def test_many_differences_are_folded() -> None:
    many = [Difference(f"{number}.yml", "g", "", "missing") for number in range(1234)]
    shown = describe([*many, difference("unexpected")])
    assert len(shown) == 12
    assert shown[10].message == "1,224 more groups or rules do not run, in 1,224 files"
    assert [diagnostic.code for diagnostic in shown] == ["RC851"] * 11 + ["RC852"]
