"""A repo at one moment, read and ready to compile, and which groups cannot have changed since another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath

from rulecompiler.compiler import Broken, Compiler, assemble
from rulecompiler.diagnostics import Diagnostic, Place, Severity, Span
from rulecompiler.diff.model import SideName
from rulecompiler.forest import Forest
from rulecompiler.library import Library
from rulecompiler.model import Group, Options, Template
from rulecompiler.neighbours import Neighbours, neighbours, whose_word_counts

TemplateRead = tuple[str, Template | Broken, tuple[Diagnostic, ...]]
GroupRead = tuple[str, Group | None, tuple[Diagnostic, ...]]


@dataclass(frozen=True)
class Side:
    """One of the two repos that are compared. `contents` tells versions of a file apart, by its path."""

    name: SideName
    options: Options
    library: Library
    forest: Forest
    around: Mapping[str, Neighbours]
    contents: Mapping[str, str]
    broken_templates: frozenset[str]  # names by which groups may refer to what could not be read
    broken_groups: frozenset[str]  # ids
    locate: Callable[[Place], Span]
    diagnostics: tuple[Diagnostic, ...]
    _needs: dict[str, tuple[str, bool]] = field(default_factory=dict, compare=False)

    @cached_property
    def compiler(self) -> Compiler:
        """The compiler of this side's groups."""
        return Compiler(self.library, self.forest, self.options, self.around)

    def members(self, group_id: str) -> set[str]:
        """The groups, itself among them, whose rules may change what it emits."""
        return whose_word_counts(group_id, self.around) if group_id in self.forest.groups else set()

    def files(self, group_id: str) -> tuple[str, ...]:
        """The group files that a group's output depends on: its own, its ancestors', then the others'."""
        if group_id not in self.forest.groups:
            return ()
        own = [g.path for g in reversed(self.forest.chain(group_id))]
        others = sorted({g.path for m in self.members(group_id) for g in self.forest.chain(m)} - set(own))
        return (*own, *others)

    def templates_of(self, group_id: str) -> frozenset[str]:
        """The files of all templates that the group's rules may use."""
        found: set[str] = set()
        for reference in self._references(group_id):
            found.update(t.path for t in self._closure(reference))
        return frozenset(found)

    def is_doubtful(self, group_id: str) -> bool:
        """Whether the group has a rule whose template could not be read: it would compile without it."""
        return bool(self.broken_templates) and any(
            self._need(reference)[1] for reference in self._references(group_id)
        )

    def key(self, group_id: str) -> tuple[object, ...]:
        """All that the group's output depends on: two equal ones give equal files.

        As `staleness.group_key`, but of the template names only those count that the group may mean,
        so that a new template costs nothing.
        """
        files = self.files(group_id)
        references = frozenset().union(*(self._references(m) for m in self.members(group_id)))
        return (
            self.options,
            tuple(sorted((path, self.contents.get(path, "")) for path in files)),
            tuple(sorted((reference, self._need(reference)[0]) for reference in references)),
        )

    def _references(self, group_id: str) -> frozenset[str]:
        """What the group and its ancestors call templates."""
        return frozenset(
            str((entry or {}).get("template", key))
            for group in self.forest.chain(group_id)
            for key, entry in group.rules.items()
        )

    def _need(self, reference: str) -> tuple[str, bool]:
        """The templates behind a reference as a key, and whether one of them could not be read."""
        known = self._needs.get(reference)
        if known is None:
            parts = [f"{t.path} {self.contents.get(t.path, '')}" for t in self._closure(reference)]
            names = {reference, *(r for t in self._closure(reference) for r in t.requires)}
            broken = any(not self.library.candidates(n) and n in self.broken_templates for n in names)
            known = self._needs[reference] = ("\n".join(sorted(parts)), broken)
        return known

    def _closure(self, reference: str) -> list[Template]:
        found: dict[str, Template] = {}
        todo = [reference]
        while todo:
            for template in self.library.candidates(todo.pop()):
                if template.name not in found:
                    found[template.name] = template
                    todo.extend(template.requires)
        return list(found.values())


def make_side(
    name: SideName,
    options: Options,
    templates: Iterable[TemplateRead],
    groups: Iterable[GroupRead],
    contents: Mapping[str, str],
    faults: Iterable[Diagnostic],
    group_folder: str,
    locate: Callable[[Place], Span],
) -> Side:
    """A side from what its files say; `faults` are those found before the files were parsed."""
    templates, groups, faults = list(templates), list(groups), list(faults)
    library, forest, more = assemble([read[1:] for read in templates], groups)
    planted = {group.path for group in forest}
    unreadable = {
        fault.place.path for fault in faults if fault.place is not None and fault.severity is Severity.ERROR
    }
    stems = {PurePosixPath(path).stem for path in unreadable if path.startswith(f"{group_folder}/")}
    stems |= {PurePosixPath(path).stem for path, group, _ in groups if group is None}
    stems |= {group.id for path, group, _ in groups if group is not None and path not in planted}
    names = {name for _, read, _ in templates if isinstance(read, Broken) for name in read.names}
    names |= {PurePosixPath(path).stem for path in unreadable if not path.startswith(f"{group_folder}/")}
    return Side(
        name,
        options,
        library,
        forest,
        neighbours(forest),
        contents,
        frozenset(names),
        frozenset(stems - forest.groups.keys()),
        locate,
        (*faults, *more),
    )
