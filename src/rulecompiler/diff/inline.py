"""Two texts as one, with what was taken out and what was put in: by words of PromQL, not by letters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher

from rulecompiler.diff.model import Part

_TOKEN = re.compile(
    r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|[A-Za-z_:][\w:]*|[0-9][\w.]*|\s+|=~|!~|[=!<>]=|.', re.DOTALL
)
_MOST_TOKENS = 800  # beyond, comparing every token with every other takes too long


def parts(old: str, new: str) -> tuple[Part, ...]:
    """The inline diff; what only differs in white space is kept, as the new text has it."""
    before, after = _TOKEN.findall(old), _TOKEN.findall(new)
    if max(len(before), len(after)) > _MOST_TOKENS:
        return Part("-", old), Part("+", new)
    return tuple(_joined(_pieces(before, after)))


def _pieces(before: list[str], after: list[str]) -> Iterator[Part]:
    plain = [[" " if token.isspace() else token for token in side] for side in (before, after)]
    matcher = SequenceMatcher(None, plain[0], plain[1], autojunk=False)
    for op, a, a_end, b, b_end in matcher.get_opcodes():
        if op == "equal":
            yield Part("=", "".join(after[b:b_end]))
            continue
        if a < a_end:
            yield Part("-", "".join(before[a:a_end]))
        if b < b_end:
            yield Part("+", "".join(after[b:b_end]))


def _joined(pieces: Iterator[Part]) -> Iterator[Part]:
    """A blank that is kept between two changes joins them, so that a phrase reads as one."""
    removed = added = kept = ""
    for op, text in pieces:
        if op == "=" and text.isspace() and (removed or added) and not kept:
            kept = text
        elif op == "=":
            yield from _changed(removed, added)
            yield Part("=", kept + text)
            removed = added = kept = ""
        else:
            removed += kept + (text if op == "-" else "")
            added += kept + (text if op == "+" else "")
            kept = ""
    yield from _changed(removed, added)
    if kept:
        yield Part("=", kept)


def _changed(removed: str, added: str) -> Iterator[Part]:
    if removed:
        yield Part("-", removed)
    if added:
        yield Part("+", added)
