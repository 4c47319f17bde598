"""Compiles what must be compiled again, and takes the rest from the last good compile."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from rulecompiler import compiler, output, staleness
from rulecompiler.cache import Cache, CachedFile, CachedGroup
from rulecompiler.compiler import Compiler, GroupResult
from rulecompiler.diagnostics import Diagnostic, has_errors
from rulecompiler.forest import Forest
from rulecompiler.generated_file import file_name
from rulecompiler.inputs import Inputs
from rulecompiler.library import Library
from rulecompiler.model import RuleSet
from rulecompiler.neighbours import Neighbours, neighbours
from rulecompiler.outcome import Outcome, differing
from rulecompiler.parallel import cores, map_parallel
from rulecompiler.reads import GroupRead, Reads, TemplateRead, read_template
from rulecompiler.words import did_you_mean

_PARALLEL_FROM = 24  # groups below which starting processes costs more than it saves


def recompile(
    inputs: Inputs,
    old: Cache,
    only: tuple[str, ...],
    jobs: int,
    progress: Callable[[int, int], None] | None,
    reads: Reads | None = None,
) -> Outcome:
    """The outcome of a compile; `old` may be empty, and `only` names the groups to write if not all.

    The others are judged all the same: what is wrong in a group may be another one's fault.
    `reads` has what was parsed before, and gets what is parsed now.
    """
    jobs = jobs or cores()
    plan = _plan(inputs, old, only, jobs, reads or Reads())
    if isinstance(plan, Diagnostic):
        return Outcome(inputs, (*inputs.diagnostics, plan))
    results = map_parallel(plan.compiler.compile_group, plan.stale, jobs, _PARALLEL_FROM, progress)
    facts = {g: c.facts for g, c in plan.kept.items()} | {r.group_id: r.facts for r in results}
    faults = [*inputs.diagnostics, *plan.diagnostics]
    for group_id in plan.trees.groups:
        kept = plan.kept.get(group_id)
        faults.extend(kept.warnings if kept is not None else ())
    for result in results:
        faults.extend(result.diagnostics)
    found, whole = compiler.conclude(plan.trees, faults, facts)
    if has_errors(found):
        return Outcome(inputs, found, library=plan.library)
    return _outcome(inputs, plan, results, found, whole, only)


class _Plan(NamedTuple):
    """What is to be compiled, and what is known without compiling it."""

    trees: Forest
    compiler: Compiler
    stale: list[str]
    kept: Mapping[str, CachedGroup]
    library: Library
    files: dict[str, CachedFile]
    key: Callable[[str, Iterable[str]], str]
    diagnostics: tuple[Diagnostic, ...]


def _plan(inputs: Inputs, old: Cache, only: tuple[str, ...], jobs: int, reads: Reads) -> _Plan | Diagnostic:
    options = inputs.options
    templates = [reads.template(options, raw, old) for raw in inputs.templates]
    unread = {raw.path: raw for raw in inputs.groups}
    light: list[GroupRead] = []
    for path, raw in list(unread.items()):
        known = old.files.get(path)
        # Other settings may have made a folder of templates one of groups.
        if known is not None and known.digest == raw.digest and "parent" in known.header:
            light.append((path, staleness.group_from_header(path, known.header), known.warnings))
            del unread[path]
    groups = reads.groups(unread.values(), jobs)
    shelf, trees, faults = compiler.assemble([read[1:] for read in templates], [*light, *groups])
    unknown = next((g for g in only if g not in trees.groups), None)
    if unknown is not None and not has_errors(faults):
        return _unknown_group(unknown, trees)
    around = neighbours(trees)
    digests = {raw.path: raw.digest for raw in (*inputs.templates, *inputs.groups)}
    names = staleness.names_key(options, [staleness.template_header(t) for t in shelf])

    def key(group_id: str, used: Iterable[str]) -> str:
        return staleness.group_key(group_id, trees, around, digests, used, names)

    kept: dict[str, CachedGroup] = {}
    for group_id in trees.groups:
        known_group = old.groups.get(group_id)
        if (
            known_group is not None
            and known_group.key == key(group_id, known_group.facts.templates)
            and _on_disk(inputs, group_id) == known_group.output
        ):
            kept[group_id] = known_group
    stale = [g for g in trees.groups if g in only or g not in kept]
    full = _complete(inputs, trees, around, stale, {path for path, _, _ in light}, jobs, reads)
    files = _cached_files(inputs, shelf, trees, templates, groups, old)
    return _Plan(trees, Compiler(shelf, full, options, around), stale, kept, shelf, files, key, tuple(faults))


def _complete(
    inputs: Inputs,
    trees: Forest,
    around: Mapping[str, Neighbours],
    stale: list[str],
    light: set[str],
    jobs: int,
    reads: Reads,
) -> Forest:
    """The forest with every group that the stale ones depend on read in full."""
    needed = {p for g in stale for p in staleness.group_files(g, trees, around)} & light
    if not needed:
        return trees
    raw = [f for f in inputs.groups if f.path in needed]
    read = {path: group for path, group, _ in reads.groups(raw, jobs)}
    return Forest({g.id: read.get(g.path) or g for g in trees})


def _cached_files(
    inputs: Inputs,
    shelf: Library,
    trees: Forest,
    templates: Iterable[TemplateRead],
    groups: Iterable[GroupRead],
    old: Cache,
) -> dict[str, CachedFile]:
    """What to remember of each file; only good ones are."""
    warnings = {path: own for path, _, own in (*templates, *groups)}
    headers = {t.path: staleness.template_header(t) for t in shelf}
    headers |= {g.path: staleness.group_header(g) for g in trees}
    files: dict[str, CachedFile] = {}
    for raw in (*inputs.templates, *inputs.groups):
        if raw.path in warnings:
            files[raw.path] = CachedFile(raw.digest, headers.get(raw.path, {}), warnings[raw.path])
        else:
            files[raw.path] = old.files[raw.path]
    return files


def _outcome(
    inputs: Inputs,
    plan: _Plan,
    results: list[GroupResult],
    faults: tuple[Diagnostic, ...],
    whole: tuple[Diagnostic, ...],
    only: tuple[str, ...],
) -> Outcome:
    compiled = {file_name(r.group_id): r.text for r in results if r.rules is not None}
    asked = {file_name(g) for g in only} if only else {*inputs.generated, *compiled}
    files = {name: text for name, text in compiled.items() if name in asked}
    counts = {g: c.rule_count for g, c in plan.kept.items() if c.output}
    counts |= {r.group_id: r.rules.rule_count for r in results if r.rules is not None}
    unchanged = tuple(file_name(g) for g, c in plan.kept.items() if c.output and file_name(g) not in files)
    orphans = inputs.generated.keys() - compiled.keys() - set(unchanged)
    gone = tuple(sorted(orphans & asked))
    left = tuple(sorted((differing(compiled, inputs).keys() | orphans) - asked))
    remember = None
    if not only:
        fresh = {
            r.group_id: CachedGroup(
                plan.key(r.group_id, r.facts.templates),
                output.digest(r.text) if r.rules is not None else "",
                r.rules.rule_count if r.rules is not None else 0,
                r.facts,
                r.diagnostics,
            )
            for r in results
        }
        remember = Cache(inputs.key, inputs.settings_file, plan.files, {**plan.kept, **fresh}, whole)
    return Outcome(
        inputs,
        faults,
        files,
        unchanged,
        gone,
        left,
        _rule_sets(results),
        dict(sorted(counts.items())),
        tuple(dict.fromkeys(u for r in results for u in r.unproven)),
        plan.library,
        remember,
        groups=plan.trees,
    )


def _rule_sets(results: Iterable[GroupResult]) -> Mapping[str, RuleSet]:
    return {file_name(r.group_id): r.rules for r in results if r.rules is not None}


def _on_disk(inputs: Inputs, group_id: str) -> str:
    file = inputs.generated.get(file_name(group_id))
    return file.digest if file is not None else ""


def _unknown_group(group_id: str, trees: Forest) -> Diagnostic:
    return Diagnostic(
        "RC711",
        f"there is no group `{group_id}`",
        help=did_you_mean(group_id, trees.groups, f"there are {', '.join(trees.groups) or 'none'}"),
    )


def read_models(inputs: Inputs, jobs: int) -> tuple[Library, Forest, tuple[Diagnostic, ...]]:
    """The repo's templates and groups as written, and all faults of their files."""
    reads = Reads()
    templates = [reads.template(inputs.options, raw) for raw in inputs.templates]
    groups = reads.groups(inputs.groups, jobs or cores())
    shelf, trees, faults = compiler.assemble([read[1:] for read in templates], groups)
    return shelf, trees, (*inputs.diagnostics, *faults)


def read_library(inputs: Inputs) -> tuple[Library, tuple[Diagnostic, ...]]:
    """The repo's templates without its groups, and all faults of their files."""
    templates = [read_template(inputs.options, raw) for raw in inputs.templates]
    shelf, _, faults = compiler.assemble([read[1:] for read in templates], ())
    return shelf, (*inputs.diagnostics, *faults)
