from __future__ import annotations

from collections.abc import Iterable

import pytest

from rulecompiler.reporters.plan_sections import Block, Section, fitted, size


def section(texts: Iterable[str], floor: int = 0, brief: str = "", prefix: str = "") -> Section:
    blocks = [Block(f"{text}\n", f"{brief}\n" if brief else "") for text in texts]
    return Section(blocks, "head\n", "foot\n", prefix, floor, lambda n, r: f"{n} left\n")


def test_what_fits_is_whole() -> None:
    assert fitted([section("ab"), section("c")], 100) == "head\na\nb\nfoot\nhead\nc\nfoot\n"


def test_a_section_without_blocks_is_nothing() -> None:
    assert fitted([section([]), section("c")], 100) == "head\nc\nfoot\n"


@pytest.mark.parametrize("room", range(60))
def test_no_room_is_exceeded_and_head_and_foot_come_together(room: int) -> None:
    text = fitted([section("abcdefghijklmnop"), section("qrstuvwxyz", prefix="> ")], room)
    assert size(text) <= room
    assert text.count("head") == text.count("foot")


def test_what_is_left_out_is_counted() -> None:
    assert fitted([section("abcdefghijkl")], 23) == "head\na\nb\n10 left\nfoot\n"


def test_blocks_are_shown_briefly_before_any_is_left_out() -> None:
    texts = ["x" * 20, "y" * 20]
    assert fitted([section(texts, brief="b")], 45) == f"head\n{'x' * 20}\nb\nfoot\n"
    assert fitted([section(texts, brief="b")], 21) == "head\nb\nb\nfoot\n"


def test_a_floor_is_kept_for_what_comes_later() -> None:
    hungry, later = section("a" * 100), section("later", floor=30)
    text = fitted([hungry, later], 60)
    assert text.endswith("head\nl\na\nt\ne\nr\nfoot\n")
    assert "left\nfoot\nhead" in text


def test_every_line_is_prefixed() -> None:
    assert fitted([section(["a\nb"], prefix="> ")], 99) == "head\n> a\n> b\nfoot\n"


def test_size_counts_as_utf_16_does() -> None:
    assert size("a→\U0001f642") == 4
