"""Two states of a repo, parsed with as little work as they differ, and the plan from one to the other."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from rulecompiler.compiler import Broken
from rulecompiler.diagnostics import has_errors
from rulecompiler.diff.edits import Edit, FileKind, edits
from rulecompiler.diff.model import Plan, SideName
from rulecompiler.diff.planning import plan
from rulecompiler.diff.sides import Side, make_side
from rulecompiler.document import Locator
from rulecompiler.inputs import SETTINGS_FILE, Inputs
from rulecompiler.parallel import cores, map_parallel
from rulecompiler.reads import GroupRead, Reads, TemplateRead

_PARALLEL_FROM = 24  # groups below which starting processes costs more than it saves
_OF_THE_OUTPUT = frozenset({"RC701", "RC702", "RC703"})  # what lies in generated/ is not compared


class Named(NamedTuple):
    """The inputs of one side, and what they are called."""

    name: SideName
    inputs: Inputs


def compare(
    base: Named,
    head: Named,
    jobs: int = 0,
    progress: Callable[[int, int], None] | None = None,
    reads: Reads | None = None,
) -> Plan:
    """The plan from base to head. `jobs` is the number of processes, 0 for one a core.

    `reads` has what was parsed before, and gets what is parsed now.
    """
    jobs = jobs or cores()
    old, new, edited = _read(base, head, jobs, reads or Reads())

    def mapper(function: Callable[[Any], Any], items: Any) -> list[Any]:
        return map_parallel(function, list(items), jobs, _PARALLEL_FROM, progress)

    return plan(old, new, edited, mapper)


def _read(base: Named, head: Named, jobs: int, reads: Reads) -> tuple[Side, Side, tuple[Edit, ...]]:
    old, new = base.inputs, head.inputs
    templates = [{raw.path: reads.template(i.options, raw) for raw in i.templates} for i in (old, new)]
    # Both sides at once, so that all processes have work.
    reads.groups((*old.groups, *new.groups), jobs)
    groups = [
        {raw.path: read for raw, read in zip(i.groups, reads.groups(i.groups, jobs), strict=True)}
        for i in (old, new)
    ]
    contents = [{raw.path: raw.digest for raw in (*i.templates, *i.groups)} for i in (old, new)]
    edited = _edits(old, new)
    for edit in edited:
        if edit.status == "changed" and edit.kind != "settings":
            read = templates if edit.kind == "template" else groups
            if _same_model(read[0].get(edit.path), read[1].get(edit.path)):
                contents[1][edit.path] = contents[0][edit.path]
    sides = [
        make_side(
            side.name,
            side.inputs.options,
            templates[number].values(),
            groups[number].values(),
            contents[number],
            [d for d in side.inputs.diagnostics if d.code not in _OF_THE_OUTPUT],
            side.inputs.settings.groups,
            cache(Locator(side.inputs.texts).span),
        )
        for number, side in enumerate((base, head))
    ]
    return sides[0], sides[1], edited


def _edits(old: Inputs, new: Inputs) -> tuple[Edit, ...]:
    kinds: dict[str, FileKind] = {}
    digests: list[dict[str, str]] = []
    for inputs in (old, new):
        found = {raw.path: raw.digest for raw in (*inputs.templates, *inputs.groups)}
        kinds |= {raw.path: "template" for raw in inputs.templates}
        kinds |= {raw.path: "group" for raw in inputs.groups}
        if inputs.settings_file is not None:
            found[SETTINGS_FILE] = inputs.settings_file.digest
            kinds[SETTINGS_FILE] = "settings"
        digests.append(found)
    return edits(digests[0], digests[1], kinds)


def _same_model(old: TemplateRead | GroupRead | None, new: TemplateRead | GroupRead | None) -> bool:
    """Whether two texts of a file say the same, faultlessly; where they do, only the form was edited."""
    if old is None or new is None or old[1] is None or isinstance(old[1], Broken):
        return False
    # The words count too: 80 and 80.0 are equal, and two texts in a rule.
    return old[1] == new[1] and repr(old[1]) == repr(new[1]) and not has_errors((*old[2], *new[2]))
