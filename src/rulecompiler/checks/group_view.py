"""What a lint check sees of a group, and of the repo."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from rulecompiler.checks.subject import LintSettings, Repo, Subject
from rulecompiler.diagnostics import Pointer
from rulecompiler.model import Group, Template
from rulecompiler.promql.tree import Node
from rulecompiler.resolve import ResolvedGroup, ResolvedRule

_NONE: Mapping[Any, Any] = MappingProxyType({})


class Member(NamedTuple):
    """A rule that a group has, and what the rule's own checks saw of it; `for_` is in seconds."""

    rule: ResolvedRule
    subject: Subject
    for_: float


class GroupView(NamedTuple):
    """A group with its enabled rules; an abstract one has none to look at.

    `alike` are those members, two or more together, whose queries differ in numbers alone; `exact`
    is the query of a rule with these numbers.
    """

    resolved: ResolvedGroup
    parent: ResolvedGroup | None
    members: tuple[Member, ...]
    alike: tuple[tuple[Member, ...], ...]
    exact: Callable[[ResolvedRule], Node | None]
    interval: float | None  # seconds, where it is written
    settings: LintSettings
    repo: Repo
    remembered: dict[object, Any]  # by checks, from one group to the next

    @property
    def group(self) -> Group:
        """The group as written."""
        return self.resolved.group


class RepoView(NamedTuple):
    """All templates, and what the groups make of them."""

    templates: tuple[Template, ...]
    used: frozenset[str] = frozenset()  # names of the templates that some group has a rule of
    asked: frozenset[tuple[str, str]] = frozenset()  # templates, and the metrics that their rules ask for
    written: frozenset[str] = frozenset()  # records that some group compiles
    owned: Mapping[str, bool] = _NONE  # groups with alerts, and whether each names its owner
    groups: Mapping[str, Group] = _NONE
    empty: tuple[Group, ...] = ()  # those that no target is in, where targets were given
    sizes: Mapping[Pointer, int] = _NONE  # of the compiled files in bytes, by their group's place
    settings: LintSettings = LintSettings()

    @property
    def metrics(self) -> frozenset[str]:
        """What some rule asks for."""
        return frozenset(metric for _, metric in self.asked)
