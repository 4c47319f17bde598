"""The groups of a repo as trees: who inherits from whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from rulecompiler.diagnostics import Diagnostic, Pointer, Related
from rulecompiler.model import Group
from rulecompiler.words import did_you_mean


class Forest:
    """Groups by id, with their ancestors; every parent exists and there is no circle."""

    def __init__(self, groups: Mapping[str, Group]) -> None:
        self.groups = groups

    def __iter__(self) -> Iterator[Group]:
        return iter(self.groups.values())

    def chain(self, group_id: str) -> tuple[Group, ...]:
        """The group and its ancestors, root first."""
        current: Group | None = self.groups[group_id]
        chain: list[Group] = []
        while current is not None:
            chain.append(current)
            current = self.groups[current.parent] if current.parent is not None else None
        return tuple(reversed(chain))

    def root(self, group_id: str) -> str:
        """The id of the tree's root, which names the tree."""
        return self.chain(group_id)[0].id


def plant(groups: Iterable[Group], broken: Iterable[str] = ()) -> tuple[Forest, tuple[Diagnostic, ...]]:
    """The forest of all groups that have one, and what is wrong with the rest (RC310 to RC312).

    A group whose parent is missing or that stands in a circle is left out, with its children.
    `broken` are ids of groups that could not be read: their children are left out in silence.
    """
    faults: list[Diagnostic] = []
    unique: dict[str, Group] = {}
    for group in sorted(groups, key=lambda g: g.path):
        first = unique.setdefault(group.id, group)
        if first is not group:
            faults.append(
                Diagnostic(
                    "RC310",
                    f"the group id `{group.id}` is used twice",
                    group.pointer("group"),
                    label="used again",
                    help="give each group an id of its own",
                    related=(Related(first.pointer("group"), "used here first"),),
                )
            )
    planted: dict[str, Group] = {}
    refused = set(broken) - unique.keys()
    for group in unique.values():
        _plant_one(group, unique, planted, refused, faults)
    return Forest(planted), tuple(faults)


def _plant_one(
    group: Group,
    unique: Mapping[str, Group],
    planted: dict[str, Group],
    refused: set[str],
    faults: list[Diagnostic],
) -> None:
    path: dict[str, Group] = {}
    current = group
    while current.id not in planted and current.id not in refused:
        if current.id in path:
            ids = list(path)
            faults.append(_circle([path[i] for i in ids[ids.index(current.id) :]]))
            refused.update(path)
            return
        path[current.id] = current
        if current.parent is None:
            break
        if current.parent in refused:
            break
        parent = unique.get(current.parent)
        if parent is None:
            faults.append(_orphan(current, unique))
            refused.update(path)
            return
        current = parent
    if current.id in refused or current.parent in refused:
        refused.update(path)
        return
    for member in reversed(path.values()):
        planted[member.id] = member


def _circle(members: list[Group]) -> Diagnostic:
    ring = " → ".join(g.id for g in [*members, members[0]])
    return Diagnostic(
        "RC312",
        f"the groups inherit from each other in a circle: {ring}",
        Pointer(members[0].path, ("parent",)),
        label="leads back here",
        help="take one `parent:` out",
        related=tuple(Related(Pointer(g.path, ("parent",)), "then this") for g in members[1:]),
    )


def _orphan(group: Group, groups: Mapping[str, Group]) -> Diagnostic:
    return Diagnostic(
        "RC311",
        f"the parent `{group.parent}` does not exist",
        group.pointer("parent"),
        label="no such group",
        help=did_you_mean(str(group.parent), groups, "add the group, or take `parent:` out"),
    )
