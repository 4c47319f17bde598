"""The compiler's story: sources in, rule files and diagnostics out; no I/O anywhere below.

    sources → document → schema → decode → resolve → cover → render → scope → checks → emit

`read_templates` and `read_groups` take files to decoded models; a `Compiler` takes one group at a
time to its rule file, so that whoever calls it may do so in any order, in several processes, or
just for the groups whose inputs changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import NamedTuple

from rulecompiler import checks, decode, document, emit, forest, library, schema
from rulecompiler.coverage import Assignment, Coverage
from rulecompiler.diagnostics import Diagnostic, Related, Severity, has_errors
from rulecompiler.forest import Forest
from rulecompiler.generated_file import file_name
from rulecompiler.interpolation import GroupFacts
from rulecompiler.library import Library
from rulecompiler.model import (
    Document,
    Facts,
    Group,
    Options,
    Rule,
    RuleGroup,
    RuleSet,
    Source,
    Template,
    Unproven,
)
from rulecompiler.neighbours import Neighbours, meeting_pairs, neighbours
from rulecompiler.render import check_template, render
from rulecompiler.resolve import ResolvedGroup, Resolver
from rulecompiler.scopes import Relation, relation
from rulecompiler.words import did_you_mean

_MOST_PAIRS = 100
"""How many pairs of unrelated groups one run warns of: n groups may make n² / 2."""

# Good enough to keep references to a broken file from being faults of their own.
_RULE_NAME = re.compile(r"^(?:alert|record):[ \t]*['\"]?([^\s'\"#]+)", re.MULTILINE)


class GroupResult(NamedTuple):
    """What one group compiles to. `rules` is None for an abstract, empty or faulty group."""

    group_id: str
    rules: RuleSet | None
    text: str
    diagnostics: tuple[Diagnostic, ...]
    unproven: tuple[Unproven, ...]
    facts: Facts


class Compilation(NamedTuple):
    """A whole compile: the files by name, and all faults. With an error, no file is to be written."""

    results: tuple[GroupResult, ...]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def files(self) -> Mapping[str, str]:
        """Each generated file's text by its name, sorted."""
        return {file_name(r.group_id): r.text for r in self.results if r.rules is not None}


def template_name(path: str, options: Options) -> str:
    """What a template is called: its path under the templates' folder, without the ending."""
    return str(PurePosixPath(path).relative_to(options.templates).with_suffix(""))


class Broken(NamedTuple):
    """A template file that is at fault: the names by which groups may refer to it all the same."""

    names: frozenset[str]


def read_template(source: Source, options: Options) -> tuple[Template | Broken, tuple[Diagnostic, ...]]:
    """The template of a file, with all that can be wrong with it alone."""
    name = template_name(source.path, options)
    parsed, faults = _document("template", source)
    if parsed is not None:
        template, more = decode.template(parsed, name)
        faults = (*faults, *more)
        if template is not None and not has_errors(more):
            faults = (*faults, *check_template(template))
            if not has_errors(faults):
                return template, faults
    return Broken(frozenset((name, PurePosixPath(name).name, *_RULE_NAME.findall(source.text)))), faults


def reread_template(source: Source, options: Options) -> Template | None:
    """The template of a file whose text `read_template` found no fault in before; None if it has one."""
    parsed, _ = document.parse(source)
    return None if parsed is None else decode.sound_template(parsed, template_name(source.path, options))


def read_group(source: Source) -> tuple[Group | None, tuple[Diagnostic, ...]]:
    """The group of a file, with all that can be wrong with it alone."""
    parsed, faults = _document("group", source)
    if parsed is None:
        return None, faults
    group, more = decode.group(parsed)
    return group, (*faults, *more)


def _document(kind: schema.Kind, source: Source) -> tuple[Document | None, tuple[Diagnostic, ...]]:
    parsed, faults = document.parse(source)
    if parsed is None or has_errors(faults):
        return None, faults
    faults = (*faults, *schema.validate(kind, parsed))
    return (None if has_errors(faults) else parsed), faults


class Compiler:
    """Compiles the groups of one repo, one at a time; what groups share is worked out once."""

    def __init__(
        self,
        templates: Library,
        groups: Forest,
        options: Options,
        around: Mapping[str, Neighbours] | None = None,
    ) -> None:
        self._options = options
        self._resolver = Resolver(templates, groups)
        self._coverage = Coverage(self._resolver, neighbours(groups) if around is None else around)
        self._checks = checks.Options(options.prometheus_version)

    @property
    def resolver(self) -> Resolver:
        """What each rule of a group is, with the place that every value comes from."""
        return self._resolver

    @property
    def coverage(self) -> Coverage:
        """Which group emits which rule, and for whom."""
        return self._coverage

    def compile_group(self, group_id: str) -> GroupResult:
        """The group's rule file, or why there is none."""
        resolved = self._resolver.resolve(group_id)
        assignments, faults = self._coverage.assignments(group_id)
        diagnostics = [*resolved.diagnostics, *faults]
        facts = GroupFacts(
            group_id,
            resolved.group.name,
            {k: str(s.value) for k, s in resolved.labels.items() if s.value is not None},
        )
        rules: list[tuple[Assignment, Rule]] = []
        unproven: list[Unproven] = []
        for assignment in assignments:
            if not assignment.rule.sound:
                continue  # what a bad value does to the text would be a fault of its own
            rendered = render(assignment, facts, self._options.alert_names)
            diagnostics.extend(rendered.diagnostics)
            if rendered.unproven is not None:
                unproven.append(rendered.unproven)
            if rendered.rule is not None:
                rules.append((assignment, rendered.rule))
        rule_set = self._rule_set(resolved, rules) if rules else None
        if rule_set is not None:
            diagnostics.extend(checks.run(rule_set, self._checks))
        failed = has_errors(diagnostics)
        return GroupResult(
            group_id,
            None if failed else rule_set,
            emit.emit(rule_set) if rule_set is not None and not failed else "",
            tuple(dict.fromkeys(diagnostics)),
            tuple(unproven),
            _facts(resolved, assignments, self._coverage.consulted(group_id)),
        )

    def _rule_set(self, resolved: ResolvedGroup, rules: Iterable[tuple[Assignment, Rule]]) -> RuleSet:
        """Prometheus groups by category; records first, in the order in which they need each other."""
        by_category: dict[str, list[tuple[Assignment, Rule]]] = {}
        for assignment, rule in rules:
            by_category.setdefault(assignment.rule.template.category, []).append((assignment, rule))
        depth = self._depths(resolved)
        groups = []
        for category, members in by_category.items():
            members.sort(key=lambda m: (depth[m[0].rule.template.name], m[1].name, m[0].rule.name))
            groups.append(
                RuleGroup(
                    f"{resolved.group.name}_{category}",
                    str(resolved.interval.value) if resolved.interval else None,
                    resolved.limit.value if resolved.limit else None,
                    str(resolved.query_offset.value) if resolved.query_offset else None,
                    tuple(rule for _, rule in members),
                )
            )
        groups.sort(key=lambda g: (all(r.kind == "alert" for r in g.rules), g.name))
        sources = tuple(g.path for g in self._resolver.forest.chain(resolved.group.id))
        return RuleSet(resolved.group.id, sources, tuple(groups))

    def _depths(self, resolved: ResolvedGroup) -> Mapping[str, int]:
        """How far down each template stands: records by what they require, alerts last."""
        depths: dict[str, int] = {}
        for rule in resolved.rules.values():
            template = rule.template
            below = len(list(library.required(self._resolver.library, template))) if template.requires else 0
            depths[template.name] = below if template.kind == "record" else 1_000_000
        return depths


def judge_whole(groups: Forest, facts: Mapping[str, Facts]) -> Iterator[Diagnostic]:
    """Faults that only show over all groups: unused group-wide parameters, unrelated overlaps."""
    declared: dict[str, set[str]] = {}
    for group in groups:
        for member in groups.chain(group.id):
            declared.setdefault(member.id, set()).update(facts[group.id].declared)
    for group in groups:
        for name in group.params:
            if name not in declared[group.id]:
                yield Diagnostic(
                    "RC319",
                    f"no rule here has a parameter `{name}`",
                    group.pointer("params", name).key(),
                    label="declared by no template in use",
                    help=did_you_mean(name, declared[group.id], "take it out"),
                )
    yield from _namesakes(g for g in groups if facts[g.id].covered)
    pairs = 0
    for first, second in meeting_pairs(g for g in groups if facts[g.id].covered):
        if groups.root(first.id) == groups.root(second.id):
            continue
        shared = sorted({*facts[first.id].covered} & {*facts[second.id].covered})
        if shared and relation(first.scope, second.scope) is not Relation.DISJOINT:
            pairs += 1
            if pairs > _MOST_PAIRS:
                yield Diagnostic(
                    "RC336",
                    f"more than {_MOST_PAIRS} pairs of unrelated groups may cover the same targets",
                    help="make the scopes of those named above exclude each other first",
                    severity=Severity.WARNING,
                )
                return
            names = ", ".join(f"`{n}`" for n in shared[:3])
            more = f" and {len(shared) - 3} more" if len(shared) > 3 else ""
            yield Diagnostic(
                "RC336",
                f"the groups `{first.id}` and `{second.id}` are not related, but may cover the same targets "
                f"with {names}{more}",
                first.pointer("scope"),
                label="may share targets",
                help="make the scopes exclude each other, or make one group the other's parent",
                severity=Severity.WARNING,
                related=(Related(second.pointer("scope"), "with this scope"),),
            )


def _namesakes(groups: Iterable[Group]) -> Iterator[Diagnostic]:
    """Groups of one name, whose alerts nobody can tell apart by name (RC337)."""
    first: dict[str, Group] = {}
    for group in groups:
        other = first.setdefault(group.name, group)
        if other is not group:
            yield Diagnostic(
                "RC337",
                f"the groups `{other.id}` and `{group.id}` are both named `{group.name}`",
                group.pointer("name"),
                label="used again",
                help="alerts carry the group's name: give each group one of its own",
                severity=Severity.WARNING,
                related=(Related(other.pointer("name"), "used here first"),),
            )


def compile_sources(templates: Iterable[Source], groups: Iterable[Source], options: Options) -> Compilation:
    """The whole story in one process, for a repo that is in memory. All faults are reported."""
    shelf, trees, faults = assemble(
        [read_template(source, options) for source in templates],
        [(source.path, *read_group(source)) for source in groups],
    )
    compiler = Compiler(shelf, trees, options)
    results = tuple(compiler.compile_group(group.id) for group in trees)
    faults.extend(d for r in results for d in r.diagnostics)
    found, _ = conclude(trees, faults, {r.group_id: r.facts for r in results})
    return Compilation(results, found)


def assemble(
    templates: Iterable[tuple[Template | Broken, tuple[Diagnostic, ...]]],
    groups: Iterable[tuple[str, Group | None, tuple[Diagnostic, ...]]],
) -> tuple[Library, Forest, list[Diagnostic]]:
    """Library and forest of what could be read, with the faults of all files.

    What refers to a faulty file is left alone: its fault is told already.
    """
    faults: list[Diagnostic] = []
    good_templates: list[Template] = []
    good_groups: list[Group] = []
    broken_templates: set[str] = set()
    broken_groups: set[str] = set()
    for template, own in templates:
        faults.extend(own)
        if isinstance(template, Template):
            good_templates.append(template)
        else:
            broken_templates |= template.names
    for path, group, own in groups:
        faults.extend(own)
        if group is not None:
            good_groups.append(group)
        else:
            broken_groups.add(PurePosixPath(path).stem)
    shelf, more = library.build(good_templates, broken_templates)
    trees, still_more = forest.plant(good_groups, broken_groups)
    return shelf, trees, [*faults, *more, *still_more]


def conclude(
    groups: Forest, faults: Iterable[Diagnostic], facts: Mapping[str, Facts]
) -> tuple[tuple[Diagnostic, ...], tuple[Diagnostic, ...]]:
    """All faults, each once, with those of the whole repo; and the latter by themselves.

    The whole is judged only if its parts are good: half of it would be accused for the other half.
    """
    found = list(faults)
    whole = () if has_errors(found) else tuple(judge_whole(groups, facts))
    return tuple(dict.fromkeys([*found, *whole])), whole


def _facts(resolved: ResolvedGroup, assignments: Iterable[Assignment], consulted: set[str]) -> Facts:
    used = [rule.template for rule in resolved.rules.values()]
    return Facts(
        tuple(sorted({t.path for t in used} | consulted)),
        tuple(sorted({name for t in used for name in t.params})),
        tuple(sorted({a.rule.name for a in assignments})),
    )
