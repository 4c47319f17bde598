"""Asks every check about every rule, group and repo."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from rulecompiler.checks.catalogue import GROUP_CHECKS, REPO_CHECKS, RULE_CHECKS
from rulecompiler.checks.group_view import GroupView, Member, RepoView
from rulecompiler.checks.subject import At, Finding, LintSettings, Repo, Subject
from rulecompiler.diagnostics import Diagnostic, Pointer, Related, Severity
from rulecompiler.forest import Forest
from rulecompiler.inheritance import Sourced
from rulecompiler.interpolation import GroupFacts
from rulecompiler.library import Library
from rulecompiler.lint.records import written_by
from rulecompiler.lint.subjects import Subjects, canonical
from rulecompiler.lint.suppressions import Suppressions, silence
from rulecompiler.model import Group, Options, Template
from rulecompiler.promql.durations import milliseconds
from rulecompiler.resolve import ResolvedGroup, ResolvedRule, Resolver


class GroupFindings(NamedTuple):
    """What was found in one group, and what the repo must know of it."""

    diagnostics: tuple[Diagnostic, ...]
    used: frozenset[str]  # names of templates
    asked: frozenset[tuple[str, str]] = frozenset()  # templates, and the metrics that their rules ask for
    written: frozenset[str] = frozenset()  # its records
    group_id: str = ""
    scoped: bool = False  # whether some rule looks at this group's targets alone
    owned: bool | None = None  # whether each alert names its owner; None without alerts


class Linter:
    """Looks at the groups of one repo, one at a time; what they share is looked at once."""

    def __init__(self, library: Library, groups: Forest, options: Options, settings: LintSettings) -> None:
        self._resolver = Resolver(library, groups)
        self._settings = settings
        self._repo = _repo(library, groups, options)
        self._subjects = Subjects(settings, self._repo)
        self._findings: dict[int, tuple[Finding, ...]] = {}
        self._remembered: dict[object, Any] = {}
        self._placed: dict[tuple[int, Pointer], Diagnostic] = {}
        self._asked: dict[int, frozenset[tuple[str, str]]] = {}

    def lint_group(self, group_id: str) -> GroupFindings:
        """All findings in a group that has no faults; those of a template once for all its rules."""
        resolved = self._resolver.resolve(group_id)
        parent = resolved.group.parent
        members = tuple(self._members(resolved))
        facts = _facts(resolved)
        view = GroupView(
            resolved,
            None if parent is None else self._resolver.resolve(parent),
            members,
            _alike(members),
            lambda rule: self._subjects.exact(rule, facts),
            _seconds(resolved.interval),
            self._settings,
            self._repo,
            self._remembered,
        )
        found: dict[int, Diagnostic] = {}  # by identity: each is made once, and to hash them takes long
        for member in members:
            for finding in self._of(member.subject):
                placed = self._at(finding, member.rule)
                found[id(placed)] = placed
        for check in GROUP_CHECKS:
            found.update((id(said), said) for said in check(view))
        subjects = {id(member.subject): member.subject for member in members}
        owner = self._settings.owner
        owned = [owner in member.rule.labels for member in members if member.subject.is_alert]
        return GroupFindings(
            tuple(found.values()),
            frozenset([rule.template.name for rule in resolved.rules.values()]),
            frozenset().union(*map(self._asks, subjects.values())),
            frozenset([member.rule.title for member in members if not member.subject.is_alert]),
            group_id,
            any(member.rule.template.scope for member in members),
            all(owned) if owned else None,
        )

    def _members(self, resolved: ResolvedGroup) -> Iterator[Member]:
        group = resolved.group
        if group.abstract:
            return
        facts = _facts(resolved)
        scope = canonical(group.scope)
        for rule in resolved.rules.values():
            if rule.enabled and rule.sound:  # what is not sound is told by the compiler
                slice_ = (*scope, *canonical(rule.where)) if rule.where else scope
                subject = self._subjects.of(rule, facts, slice_)
                if subject is not None:
                    yield Member(rule, subject, self._subjects.seconds(rule, facts))

    def _at(self, finding: Finding, rule: ResolvedRule) -> Diagnostic:
        """A finding at its place in this rule; the same object for the same place."""
        key = (id(finding), _place(finding.at, rule))  # `_findings` holds it, so that its id stays its own
        known = self._placed.get(key)
        if known is None:
            known = self._placed[key] = _placed(finding, key[1], rule)
        return known

    def _asks(self, subject: Subject) -> frozenset[tuple[str, str]]:
        """The template's name with each metric that the query asks for."""
        known = self._asked.get(id(subject))
        if known is None:
            name = subject.template.name
            metrics = {s.metric for s in subject.selectors()}
            known = frozenset((name, metric) for metric in metrics if metric is not None)
            self._asked[id(subject)] = known
        return known

    def _of(self, subject: Subject) -> tuple[Finding, ...]:
        found = self._findings.get(id(subject))
        if found is None:
            found = tuple(finding for check in RULE_CHECKS for finding in check(subject))
            self._findings[id(subject)] = found
        return found


def conclude(
    library: Library,
    groups: Forest,
    settings: LintSettings,
    findings: Iterable[GroupFindings],
    sizes: Mapping[str, int],
    suppressions: Suppressions,
    empty: Iterable[Group] | None = None,
) -> tuple[Diagnostic, ...]:
    """All that is to be said, after settings and comments were heard; each once.

    `sizes` are the bytes of the compiled files by group; `empty` are the groups that no target is in,
    None where nobody gave targets.
    """
    parts = list(findings)
    scoped = {part.group_id for part in parts if part.scoped}
    view = RepoView(
        tuple(library),
        frozenset().union(*(part.used for part in parts)),
        frozenset().union(*(part.asked for part in parts)),
        frozenset().union(*(part.written for part in parts)),
        {part.group_id: part.owned for part in parts if part.owned is not None},
        {group.id: group for group in groups},
        tuple(group for group in empty or () if group.id in scoped),
        {group.pointer("group"): sizes[group.id] for group in groups if group.id in sizes},
        settings,
    )
    found = dict.fromkeys(d for part in parts for d in part.diagnostics)
    for check in REPO_CHECKS:
        found.update(dict.fromkeys(check(view)))
    said = tuple(silence(found, suppressions, settings.checks, _changed))
    unasked = {"RC437"} if empty is None else set()
    if settings.checks.get("RC440") is None:
        unasked.add("RC440")
    return (*said, *suppressions.faults, *suppressions.leftovers(unasked))


def _changed(finding: Diagnostic, severity: Severity) -> Diagnostic:
    return replace(finding, severity=severity)


def _facts(resolved: ResolvedGroup) -> GroupFacts:
    labels = {k: str(s.value) for k, s in resolved.labels.items() if s.value is not None}
    return GroupFacts(resolved.group.id, resolved.group.name, labels)


def _alike(members: tuple[Member, ...]) -> tuple[tuple[Member, ...], ...]:
    by_shape: dict[int, list[Member]] = {}
    for member in members:
        by_shape.setdefault(member.subject.shape, []).append(member)
    return tuple(tuple(family) for family in by_shape.values() if len(family) > 1)


def _seconds(duration: Sourced | None) -> float | None:
    length = None if duration is None else milliseconds(str(duration.value))
    return None if length is None else length / 1000


def _placed(finding: Finding, place: Pointer, rule: ResolvedRule) -> Diagnostic:
    """A finding at its place in this rule: in the template, unless a group wrote what is at fault."""
    related: tuple[Related, ...] = ()
    if place.path != rule.template.path:
        related = (Related(Pointer(rule.template.path, ("expr",)).key(), "the template's query"),)
    return Diagnostic(
        finding.code, finding.message, place, finding.label, finding.help, finding.severity, related
    )


def _place(at: At, rule: ResolvedRule) -> Pointer:
    sourced: Sourced | None = None
    if len(at.keys) == 2:
        fields = {"params": rule.params, "labels": rule.labels, "annotations": rule.annotations}
        sourced = fields[at.keys[0]].get(at.keys[1])
    if sourced is not None:
        return sourced.origin
    return Pointer(rule.template.path, at.keys, at.on_key, at.start, at.end)


def _repo(library: Library, groups: Forest, options: Options) -> Repo:
    records: dict[str, list[Template]] = {}
    for template in library:
        if template.kind == "record":
            records.setdefault(template.rule, []).append(template)
    given = _labels_given(groups)
    flows = {name: written_by(one[0], given) for name, one in records.items() if len(one) == 1}
    return Repo(
        {name: found[0] for name, found in records.items()},
        {name: flow for name, flow in flows.items() if flow is not None},
        frozenset(template.rule for template in library if template.kind == "alert"),
        options.alert_names,
    )


def _labels_given(groups: Forest) -> frozenset[str]:
    """All labels that groups may give to the series of a record."""
    found = {"group"}
    for group in groups:
        found.update(group.labels, (matcher.label for matcher in group.scope))
        for entry in group.rules.values():
            for key in ("labels", "where"):
                found.update((entry or {}).get(key) or {})
    return frozenset(found)
