"""Inline diffs of texts that somebody wrote to cost as much as possible: the work is counted, and bounded."""

from __future__ import annotations

import pytest

from rulecompiler.diff import inline
from rulecompiler.diff.inline import Inline
from rulecompiler.diff.model import Part


def test_a_change_in_a_long_text_is_found() -> None:
    text = " + ".join(f"metric_{n}" for n in range(2_000))
    found = Inline().parts(f"{text} > 80 + x", f"{text} > 85 + x")
    assert [part for part in found if part.op != "="] == [Part("-", "80"), Part("+", "85")]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (".-*+" * 200, "+*-." * 200),
        (("." * 20 + "x") * 38, ("." * 21 + "x") * 36),
        ('"\\' * 50_000, "'" * 100_000),
        ("a " * 50_000, "b " * 50_000),
        ('"' + "a" * 100_000, "'" + "b" * 100_000),
    ],
)
def test_a_hostile_text_costs_no_more_than_its_share(old: str, new: str) -> None:
    differ = Inline()
    found = differ.parts(old, new)
    assert "".join(text for op, text in found if op != "-") == new
    assert differ.room >= inline.MOST_WORK - inline.MOST_WORK_A_TEXT


def test_very_many_hostile_texts_use_up_what_all_may_cost() -> None:
    differ = Inline()
    for _ in range(50):
        found = differ.parts(".-*+" * 200, "+*-." * 200)
    assert differ.room == 0
    assert found == (Part("-", ".-*+" * 200), Part("+", "+*-." * 200))


def test_where_there_is_no_room_texts_are_whole() -> None:
    assert Inline(room=0).parts("a x b", "a z b") == (Part("-", "a x b"), Part("+", "a z b"))
