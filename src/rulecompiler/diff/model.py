"""The plan: what changes for Prometheus between two sides, in the reviewer's terms; plain data, all of it.

A `Plan` is complete by itself: places are located, values are text as it is to be shown, and everything is
sorted. Reports are made from it alone. Texts come from strangers' files: whoever prints them escapes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Literal, NamedTuple

from rulecompiler.diagnostics import Diagnostic
from rulecompiler.diff.pieces import Cover, Field, FieldChange, Part, Reset, RuleAt

__all__ = [
    "Action", "Cause", "Counts", "Cover", "Field", "FieldChange", "Fold", "Incomparable", "Part", "Plan",
    "Reset", "RuleAt", "RuleChange", "SideKey", "SideName", "Why",
]  # fmt: skip


class Action(StrEnum):
    """What becomes of a rule; the value is stable and stands in JSON."""

    ADD = "add"
    CHANGE = "change"
    REMOVE = "remove"
    REPLACE = "replace"  # it goes on, but under another identity: its alerts' state starts over

    @property
    def symbol(self) -> str:
        """`+`, `~`, `-` or `-/+`."""
        return {"add": "+", "change": "~", "remove": "-", "replace": "-/+"}[self.value]


Why = Literal[
    "group added", "group removed", "entry added", "entry removed", "disabled", "enabled", "abstract",
    "covered", "kind changed", "",
]  # fmt: skip
"""`abstract`: the group became abstract, or is so no more. `covered`: the group has the rule on both sides,
but on one of them another group's rule says the same for its targets."""


@dataclass(frozen=True, slots=True)
class RuleChange:
    """What becomes of one rule. At least one side is there; both are for a change or a replacement."""

    action: Action
    old: RuleAt | None
    new: RuleAt | None
    fields: tuple[FieldChange, ...] = ()
    resets: tuple[Reset, ...] = ()
    """Why the state starts over (`-/+` of an alert); empty otherwise."""
    why: Why = ""
    """Why it comes or goes, for `+` and `-`; empty where that is not known."""
    covered_by: tuple[Cover, ...] = ()
    """Who covers now what this rule gives up. Where one of them covers all of a `-`, nothing is lost, and
    `fields` say how the covering rule differs for these targets (old: this rule, new: the covering one)."""
    takes_over: tuple[Cover, ...] = ()
    """Whose targets this rule covers from now on: rules that covered them before. Where one of them held all
    targets of a `+`, `fields` say how this rule differs from that one for these targets."""
    uncovered: tuple[Cover, ...] = ()
    """Slices that this rule gives up and nobody covers: another group disables the rule there, or, where it
    is the rule's own group, they are no longer among its targets."""
    regained: tuple[Cover, ...] = ()
    """Slices that this rule covers from now on and nobody did before, as a group disabled it there."""
    causes: tuple[str, ...] = ()
    """The files whose edits bring this about (paths from the repo's root), most important first."""
    direct: bool = True
    """Whether the group's own file is among the causes, or all causes are templates and other groups."""

    @property
    def rule(self) -> RuleAt:
        """The new side, or the old one where there is no new."""
        found = self.new or self.old
        assert found is not None
        return found

    @property
    def is_lost(self) -> bool:
        """Whether some targets lose the alert or record, and nothing covers them."""
        return bool(self.uncovered) or (self.action is Action.REMOVE and not self.is_covered)

    @property
    def is_covered(self) -> bool:
        """Whether a removed rule's targets are all covered by another one now: no loss."""
        return any(not cover.slice for cover in self.covered_by)

    @property
    def is_reset(self) -> bool:
        """Whether pending and firing alerts start over."""
        return bool(self.resets)


@dataclass(frozen=True, slots=True)
class Fold:
    """Rules that change alike for the same cause; to be shown once. Order: dangers first, then size.

    Alike means: action, fields with their values, reasons and causes are the same; queries may differ in
    the groups' scopes, and are then shown for the first member, the example.
    """

    changes: tuple[RuleChange, ...]  # by group and rule

    @property
    def example(self) -> RuleChange:
        """The first of them, which speaks for all."""
        return self.changes[0]

    @property
    def group_ids(self) -> tuple[str, ...]:
        """The groups that are touched, sorted, each once."""
        return tuple(sorted({change.rule.group_id for change in self.changes}))

    @property
    def keys(self) -> tuple[str, ...]:
        """The rules' keys, sorted, each once."""
        return tuple(sorted({change.rule.key for change in self.changes}))


class Cause(NamedTuple):
    """An edited file and how far it reaches."""

    path: str  # as it is called on the head side, or on the base side where it is gone
    kind: Literal["template", "group", "settings"]
    status: Literal["added", "changed", "removed", "renamed"]
    old_path: str  # of a renamed one; empty otherwise
    groups: int  # how many groups change by it
    rules: int  # how many rules change by it
    direct: int  # how many of these rules are of the group whose own file it is

    @property
    def sentence(self) -> str:
        """`one edit of alerts/templates/x.yaml → 200 groups, 400 rules`."""
        return self.told(str)

    def told(self, show: Callable[[str], str]) -> str:
        """The sentence with its paths made harmless by `show`."""
        verb = {"added": "new file", "changed": "edit of", "removed": "removed file", "renamed": "rename of"}
        name = show(self.path)
        if self.status == "renamed":
            name = f"{show(self.old_path)} to {name}"
        groups = f"{self.groups:,} group{'s' * (self.groups != 1)}"
        return f"{verb[self.status]} {name} → {groups}, {self.rules:,} rule{'s' * (self.rules != 1)}"


SideKey = Literal["base", "head"]


class Incomparable(NamedTuple):
    """A group that could not be compared: it is in no count, and may or may not change."""

    group_id: str
    sides: tuple[SideKey, ...]  # the sides that do not compile
    diagnostic: Diagnostic | None  # the first fault, the head's before the base's


class SideName(NamedTuple):
    """What was compared, as a person knows it."""

    label: str  # `main`, `HEAD~2`, `the working tree`, `generated/`, `http://prometheus:9090`
    commit: str = ""  # the full hash, where it is one
    note: str = ""  # such as `merge base of HEAD and origin/main`


class Counts(NamedTuple):
    """Rules by what becomes of them. `covered` are of `remove`, and lose nothing."""

    add: int = 0
    change: int = 0
    remove: int = 0
    replace: int = 0
    unchanged: int = 0
    covered: int = 0
    resets: int = 0  # of `replace`: alerts whose state starts over (a record has none)
    lost: int = 0  # rules that some targets lose: of `remove` without `covered`, and of `change`


@dataclass(frozen=True, slots=True)
class Plan:
    """All that changes between two sides."""

    base: SideName
    head: SideName
    changes: tuple[RuleChange, ...]
    """By group id (the head's, else the base's), then rule; each rule once."""
    folds: tuple[Fold, ...]
    """The same changes, those that are alike together; every change is in exactly one."""
    causes: tuple[Cause, ...]
    """Edited files by reach, the widest first; formatting-only edits are not here."""
    counts: Counts
    incomparable: tuple[Incomparable, ...] = ()
    diagnostics: Mapping[SideKey, tuple[Diagnostic, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    """All faults by side, `base` and `head`, with located places."""
    untouched_edits: tuple[str, ...] = ()
    """Edited files that change no rule: formatting, comments, templates nobody uses."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing changes, and that is certain."""
        return not self.changes and not self.incomparable

    @property
    def summary(self) -> str:
        """One line, such as `Plan: 2 to add, 5 to change, 1 to remove, 3 replaced, 120 unchanged`."""
        c = self.counts
        text = (
            f"Plan: {c.add:,} to add, {c.change:,} to change, {c.remove:,} to remove, "
            f"{c.replace:,} replaced, {c.unchanged:,} unchanged."
        )
        if not self.incomparable:
            return text
        number = len(self.incomparable)
        return f"{text[:-1]}; {number:,} group{'s' * (number != 1)} could not be compared."

    def by_group(self) -> Iterator[tuple[str, tuple[RuleChange, ...]]]:
        """The changes of each group that has any, by its id."""
        groups: dict[str, list[RuleChange]] = {}
        for change in self.changes:
            groups.setdefault(change.rule.group_id, []).append(change)
        for group_id in sorted(groups):
            yield group_id, tuple(groups[group_id])
