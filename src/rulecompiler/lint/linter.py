"""Asks every check about every rule, group and repo."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

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
from rulecompiler.model import Options, Template
from rulecompiler.promql.durations import milliseconds
from rulecompiler.resolve import ResolvedGroup, ResolvedRule, Resolver


class GroupFindings(NamedTuple):
    """What was found in one group, and what the repo must know of it."""

    diagnostics: tuple[Diagnostic, ...]
    used: frozenset[str]  # names of templates
    metrics: frozenset[str]  # that its queries ask for


class Linter:
    """Looks at the groups of one repo, one at a time; what they share is looked at once."""

    def __init__(self, library: Library, groups: Forest, options: Options, settings: LintSettings) -> None:
        self._resolver = Resolver(library, groups)
        self._settings = settings
        self._repo = _repo(library, groups, options)
        self._subjects = Subjects(settings, self._repo)
        self._findings: dict[int, tuple[Finding, ...]] = {}

    def lint_group(self, group_id: str) -> GroupFindings:
        """All findings in a group that has no faults; those of a template once for all its rules."""
        resolved = self._resolver.resolve(group_id)
        parent = resolved.group.parent
        view = GroupView(
            resolved,
            None if parent is None else self._resolver.resolve(parent),
            tuple(self._members(resolved)),
            _seconds(resolved.interval),
            self._settings,
            self._repo,
        )
        found: dict[Diagnostic, None] = {}
        for member in view.members:
            for finding in self._of(member.subject):
                found[_placed(finding, member.rule)] = None
        for check in GROUP_CHECKS:
            found.update(dict.fromkeys(check(view)))
        subjects = {id(member.subject): member.subject for member in view.members}
        return GroupFindings(
            tuple(found),
            frozenset(rule.template.name for rule in resolved.rules.values()),
            frozenset(name for subject in subjects.values() for name in _metrics(subject)),
        )

    def _members(self, resolved: ResolvedGroup) -> Iterator[Member]:
        group = resolved.group
        if group.abstract:
            return
        facts = GroupFacts(
            group.id,
            group.name,
            {k: str(s.value) for k, s in resolved.labels.items() if s.value is not None},
        )
        scope = canonical(group.scope)
        for rule in resolved.rules.values():
            if rule.enabled and rule.sound:  # what is not sound is told by the compiler
                slice_ = (*scope, *canonical(rule.where)) if rule.where else scope
                subject = self._subjects.of(rule, facts, slice_)
                if subject is not None:
                    yield Member(rule, subject, self._subjects.seconds(rule, facts))

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
) -> tuple[Diagnostic, ...]:
    """All that is to be said, after settings and comments were heard; each once.

    `sizes` are the bytes of the compiled files by group.
    """
    parts = list(findings)
    view = RepoView(
        tuple(library),
        frozenset().union(*(part.used for part in parts)),
        frozenset().union(*(part.metrics for part in parts)),
        {group.pointer("group"): sizes[group.id] for group in groups if group.id in sizes},
    )
    found = dict.fromkeys(d for part in parts for d in part.diagnostics)
    for check in REPO_CHECKS:
        found.update(dict.fromkeys(check(view)))
    said = tuple(silence(found, suppressions, settings.checks, _changed))
    return (*said, *suppressions.faults, *suppressions.leftovers())


def _changed(finding: Diagnostic, severity: Severity) -> Diagnostic:
    return replace(finding, severity=severity)


def _metrics(subject: Subject) -> Iterator[str]:
    return (s.metric for s in subject.selectors() if s.metric is not None)


def _seconds(duration: Sourced | None) -> float | None:
    length = None if duration is None else milliseconds(str(duration.value))
    return None if length is None else length / 1000


def _placed(finding: Finding, rule: ResolvedRule) -> Diagnostic:
    """A finding at its place in this rule: in the template, unless a group wrote what is at fault."""
    place = _place(finding.at, rule)
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
