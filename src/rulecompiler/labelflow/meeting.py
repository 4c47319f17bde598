"""Whether the two sides of an operation can have series of the same labels."""

from __future__ import annotations

from typing import NamedTuple

from rulecompiler.labelflow.flow import NAME, Flow
from rulecompiler.promql.tree import Binary


class Clash(NamedTuple):
    """Why two sides do not meet: `label` stands in their way.

    `certain` is False where it takes a series without the label on the side that may have it;
    nobody writes such a label into an aggregation, but it is not against the rules.
    """

    label: str
    reason: str
    certain: bool


def clash(node: Binary, left: Flow, right: Flow) -> Clash | None:
    """What keeps the sides of an operation between vectors from meeting, if anything is known to."""
    if node.filled:
        return None
    ignored = frozenset((*(node.ignoring or ()), NAME))

    def counts(label: str) -> bool:
        return label in node.on if node.on is not None else label not in ignored

    for label in sorted(left.fixed.keys() & right.fixed.keys()):
        if counts(label) and left.fixed[label] != right.fixed[label]:
            reason = f'it is "{left.fixed[label]}" on the left and "{right.fixed[label]}" on the right'
            return Clash(label, reason, True)
    for one, other, where in ((left, right, "left"), (right, left, "right")):
        for label in sorted(one.sure):
            if counts(label) and not other.may(label):
                return Clash(label, f"only the series on the {where} have it", True)
    for one, other, where in ((left, right, "left"), (right, left, "right")):
        for label in sorted(one.only or ()):
            if counts(label) and not other.may(label):
                return Clash(label, f"only the series on the {where} can have it", False)
    return None
