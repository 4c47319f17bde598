"""Sections of a text that may not exceed a length: what does not fit is left out block by block, and counted.

A section has blocks in the order of their weight, each whole by itself, so that a cut leaves nothing open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple


class Block(NamedTuple):
    """Some lines, ended by a line break, that are shown together or not at all."""

    full: str
    brief: str = ""  # what says the same in less; empty where nothing does
    rules: int = 1  # how many rules it is about


class Section(NamedTuple):
    """Blocks between a head and a foot. Not shown at all where there is no block."""

    blocks: Sequence[Block]
    head: str
    foot: str = ""
    prefix: str = ""  # of every line of the blocks
    floor: int = 0  # the length that sections before this one leave to it
    left_out: Callable[[int, int], str] = lambda blocks, rules: ""  # the line for what many blocks and rules


def size(text: str) -> int:
    """Length as the strictest counts it: in units of UTF-16, two for an emoji."""
    return len(text.encode("utf-16-le")) // 2


def fitted(sections: Iterable[Section], room: int) -> str:
    """The sections one after another, at most `room` long; earlier ones are served first.

    A section may use what it likes, but for the floors of those behind it.
    """
    shown = [_prefixed(section) for section in sections if section.blocks]
    needs = [_needs(section) for section in shown]
    floors = [min(section.floor, need) for section, need in zip(shown, needs, strict=True)]
    texts: list[str] = []
    for number, section in enumerate(shown):
        text = _section(section, room - sum(floors[number + 1 :]))
        room -= size(text)
        texts.append(text)
    return "".join(texts)


def _prefixed(section: Section) -> Section:
    if not section.prefix:
        return section
    mark = section.prefix

    def quoted(text: str) -> str:
        lines = text.removesuffix("\n").replace("\n", f"\n{mark}")
        return f"{mark}{lines}\n" if text else ""

    blocks = [block._replace(full=quoted(block.full), brief=quoted(block.brief)) for block in section.blocks]
    return section._replace(blocks=blocks, left_out=lambda n, r: quoted(section.left_out(n, r)))


def _needs(section: Section) -> int:
    return size(section.head) + size(section.foot) + sum(size(block.full) for block in section.blocks)


def _section(section: Section, room: int) -> str:
    if _needs(section) <= room:
        return section.head + "".join(block.full for block in section.blocks) + section.foot
    rules = sum(block.rules for block in section.blocks)
    # The counts only fall as blocks are shown, and the line with them.
    longest = size(section.left_out(len(section.blocks), rules))
    left = room - size(section.head) - size(section.foot) - longest
    if left < 0:
        return ""  # not even the line that says so fits
    briefs = [size(block.brief or block.full) for block in section.blocks]
    behind = sum(briefs)
    kept: list[str] = []
    for block, brief in zip(section.blocks, briefs, strict=True):
        behind -= brief
        is_full = size(block.full) + behind <= left
        text = block.full if is_full else block.brief or block.full
        left -= size(text)
        if left < 0:
            break
        kept.append(text)
        rules -= block.rules
    missing = len(section.blocks) - len(kept)
    tail = section.left_out(missing, rules) if missing else ""
    return section.head + "".join(kept) + tail + section.foot
