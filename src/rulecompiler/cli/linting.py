"""A repo's lint findings, for the commands that show them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rulecompiler.checks.subject import LintSettings
    from rulecompiler.diagnostics import Diagnostic
    from rulecompiler.effective import Target
    from rulecompiler.forest import Forest
    from rulecompiler.inputs import Inputs
    from rulecompiler.library import Library
    from rulecompiler.model import Group

_PARALLEL_FROM = 100  # groups below which starting processes costs more than it saves


def lint_repo(
    inputs: Inputs,
    library: Library,
    groups: Forest,
    jobs: int = 0,
    progress: Callable[[int, int], None] | None = None,
    today: date | None = None,
    targets: Iterable[Target] | None = None,
) -> tuple[Diagnostic, ...]:
    """What lint says of a repo that was read; `today` (UTC) decides which comments have ended.

    With `targets`, it is told which groups none of them is in.
    """
    from rulecompiler.diagnostics import has_errors
    from rulecompiler.lint import GroupFindings, Linter, Suppressions, conclude
    from rulecompiler.parallel import cores, map_parallel

    settings, faults = _settings(inputs)
    if has_errors(faults):
        return faults
    linter = Linter(library, groups, inputs.options, settings)
    told: dict[int, Diagnostic] = {}

    def lint_group(group_id: str) -> GroupFindings:
        # What was said of another group, such as of their template, need not be sent twice.
        part = linter.lint_group(group_id)
        new = tuple([found for found in part.diagnostics if id(found) not in told])
        told.update((id(found), found) for found in new)
        return part._replace(diagnostics=new)

    findings = map_parallel(lint_group, list(groups.groups), jobs or cores(), _PARALLEL_FROM, progress)
    suppressions = Suppressions(_marked(inputs), today or datetime.now(UTC).date())
    empty: tuple[Group, ...] | None = None
    if targets is not None:
        from rulecompiler.effective import take_census

        empty = take_census(groups, {}, targets).empty
    return conclude(library, groups, settings, findings, _sizes(inputs), suppressions, empty)


def _settings(inputs: Inputs) -> tuple[LintSettings, tuple[Diagnostic, ...]]:
    from rulecompiler import document
    from rulecompiler.inputs import SETTINGS_FILE
    from rulecompiler.lint import read_settings
    from rulecompiler.model import Source

    if SETTINGS_FILE not in inputs.texts:
        return read_settings(None)
    parsed, _ = document.parse(Source(SETTINGS_FILE, inputs.texts[SETTINGS_FILE]))
    return read_settings(parsed)


def _marked(inputs: Inputs) -> list[tuple[str, str]]:
    """The texts of the files that hold a comment for lint."""
    from rulecompiler.lint.suppressions import MARK

    mark = MARK.encode()
    files = (*inputs.templates, *inputs.groups)
    return [(file.path, inputs.texts[file.path]) for file in files if mark in file.data]


def _sizes(inputs: Inputs) -> dict[str, int]:
    return {
        name.removeprefix("group-").removesuffix(".yml"): file.size for name, file in inputs.generated.items()
    }
