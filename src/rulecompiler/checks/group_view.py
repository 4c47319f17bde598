"""What a lint check sees of a group, and of the repo."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from rulecompiler.checks.subject import LintSettings, Repo, Subject
from rulecompiler.diagnostics import Pointer
from rulecompiler.model import Group, Template
from rulecompiler.resolve import ResolvedGroup, ResolvedRule


class Member(NamedTuple):
    """A rule that a group has, and what the rule's own checks saw of it; `for_` is in seconds."""

    rule: ResolvedRule
    subject: Subject
    for_: float


class GroupView(NamedTuple):
    """A group with its enabled rules; an abstract one has none to look at."""

    resolved: ResolvedGroup
    parent: ResolvedGroup | None
    members: tuple[Member, ...]
    interval: float | None  # seconds, where it is written
    settings: LintSettings
    repo: Repo

    @property
    def group(self) -> Group:
        """The group as written."""
        return self.resolved.group


class RepoView(NamedTuple):
    """All templates, and what the groups make of them."""

    templates: tuple[Template, ...]
    used: frozenset[str]  # names of the templates that some group has a rule of, enabled or not
    metrics: frozenset[str]  # that some rule asks for
    sizes: Mapping[Pointer, int]  # of the compiled files in bytes, by their group's place
