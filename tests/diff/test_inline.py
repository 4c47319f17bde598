"""Inline diffs: what is taken out, what is put in, and nothing lost of either text."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulecompiler.diff.inline import Inline
from rulecompiler.reporters.plan_words import trimmed

WORDS = st.lists(
    st.sampled_from(["up", "rate(", "x", ")", "[5m]", "=~", '"a b"', " ", "  \n", "> 80", "é"])
).map("".join)


def wdiff(old: str, new: str) -> str:
    marks = {"=": "{}", "-": "[-{}-]", "+": "{{+{}+}}"}
    return "".join(marks[part.op].format(part.text) for part in Inline().parts(old, new))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("up == 0", "up == 0", "up == 0"),
        ("up == 0", "up != 0", "up [-==-]{+!=+} 0"),
        ("up == 0", "up   ==\n0", "up   ==\n0"),
        ("rate(x[5m]) > 80", "rate(x[10m]) > 85", "rate(x[[-5m-]{+10m+}]) > [-80-]{+85+}"),
        ('x{a="b c"}', 'x{a="b d"}', 'x{a=[-"b c"-]{+"b d"+}}'),
        ("a:b:c > 1", "a:b:d > 1", "[-a:b:c-]{+a:b:d+} > 1"),
        ("busy above", "much busier than", "[-busy above-]{+much busier than+}"),
        ("", "up", "{+up+}"),
        ("up", "", "[-up-]"),
        ("", "", ""),
        (" ".join(f"a{n}" for n in range(500)), "b", None),
    ],
)
def test_parts(old: str, new: str, expected: str | None) -> None:
    if expected is None:  # too long to be compared word by word
        expected = f"[-{old}-]{{+{new}+}}"
    assert wdiff(old, new) == expected


@given(WORDS, WORDS)
def test_both_texts_are_in_it(old: str, new: str) -> None:
    found = Inline().parts(old, new)

    assert "".join(p.text for p in found if p.op != "+").split() == old.split() or _blanks(old, found, "+")
    assert "".join(p.text for p in found if p.op != "-").split() == new.split() or _blanks(new, found, "-")
    assert all(p.text for p in found)
    assert all(one.op != two.op for one, two in itertools.pairwise(found))
    if old == new:
        assert {p.op for p in found} <= {"="}


def _blanks(text: str, found: tuple[object, ...], other: str) -> bool:
    whole = "".join(p.text for p in found if p.op != other)  # type: ignore[attr-defined]
    return "".join(whole.split()) == "".join(text.split())


def test_trimmed_parts_keep_what_is_near_a_change_and_join_to_a_text() -> None:
    old = f"sum(rate({'x' * 60}[5m])) /\n   sum(y) > 1"

    found = list(trimmed(Inline().parts(old, old.replace("> 1", "> 2")), blanks=True))

    assert [p.op for p in found] == ["=", "-", "+"]
    assert len(found[0].text) < 40
    assert found[0].text.endswith("/ sum(y) > ")
