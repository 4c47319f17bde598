"""What a YAML file's aliases stand for, and which of them are refused: loops and bombs."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from rulecompiler.document.positions import MAX_DEPTH

MAX_EXPANDED = 10_000
"""How many values all aliases of a file may stand for together."""


class Refusal(NamedTuple):
    """Why an alias has no value, and what to do about it."""

    message: str
    help: str


_MOST_SUGGESTED = 100  # anchors that are compared with a misspelt name
_TOO_MANY = Refusal(
    f"the aliases of this file stand for more than {MAX_EXPANDED:,} values",
    "use fewer aliases; in a group, a `parent` shares rules and parameters",
)


@dataclass(slots=True)
class Aliases:
    """The anchors of one file so far, by name, and the count of what aliases have brought in."""

    anchors: dict[str, Any] = field(default_factory=dict)
    _expanded: int = 0

    def value(self, name: str, open_collections: list[Any]) -> Any:
        """What `*name` stands for below these collections, outermost first; or a `Refusal`."""
        shown = name if len(name) <= 40 else name[:37] + "..."
        if name not in self.anchors:
            near = difflib.get_close_matches(name, list(self.anchors)[:_MOST_SUGGESTED], 1)
            help = f"did you mean *{near[0]}?" if near else "quote the text if it just starts with a star"
            return Refusal(f"alias *{shown} has no anchor &{shown} before it", help)
        value = self.anchors[name]
        if any(collection is value for collection in open_collections):
            message = f"alias *{shown} stands inside its own anchor &{shown}, so it would never end"
            return Refusal(message, "write the value out")
        if self._expanded > MAX_EXPANDED:
            return _TOO_MANY
        size, height = _measure(value, MAX_EXPANDED - self._expanded)
        self._expanded += size
        if self._expanded > MAX_EXPANDED:
            return _TOO_MANY
        if len(open_collections) - 1 + height > MAX_DEPTH:  # the first holds the document itself
            return Refusal(f"alias *{shown} nests mappings and lists more than {MAX_DEPTH} deep", "use fewer")
        return value


def _measure(value: Any, budget: int) -> tuple[int, int]:
    """How many values this one holds, itself included, and how deep it is nested.

    The count stops soon after the budget is spent.
    """
    if type(value) not in (dict, list):
        return 1, 0
    size, height = 1, 0
    for child in value.values() if type(value) is dict else value:
        if size > budget:
            break
        child_size, child_height = _measure(child, budget - size)
        size += child_size
        height = max(height, child_height)
    return size, height + 1
