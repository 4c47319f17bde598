"""Plans from what is generated, or from what runs, to what the repo compiles to."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rulecompiler.cli.progress import on_terminal

if TYPE_CHECKING:
    from rulecompiler.deploy.intended import IntendedGroup
    from rulecompiler.diagnostics import Diagnostic
    from rulecompiler.diff.items import Item
    from rulecompiler.diff.model import Plan, SideName
    from rulecompiler.outcome import Outcome

_OURS = re.compile(r"group-([a-z0-9][a-z0-9-]{0,62})\.yml")
_SECONDS = 20.0
_UNITS = ((3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms"))


class Refused(Exception):
    """There is nothing to compare; holds why, and the texts that the places are in."""

    def __init__(self, diagnostics: Iterable[Diagnostic], texts: Mapping[str, str]) -> None:
        super().__init__()
        self.diagnostics = tuple(diagnostics)
        self.texts = texts


def against_generated(root: Path, base: str | None, jobs: int) -> Plan:
    """From the generated files, on disk or of a commit, to what the repo compiles to. Raises Refused."""
    from rulecompiler import output
    from rulecompiler.diff.model import SideName
    from rulecompiler.generated_file import file_name

    outcome = _compiled(root, jobs, cached=base is None)
    folder = outcome.inputs.settings.generated
    name = SideName(f"{folder}/")
    if base is None:
        # What is byte for byte as compiled needs no comparison.
        wanted = {*outcome.changed, *outcome.gone}
        texts = {n: output.read(root, folder, n) for n in sorted(wanted) if n in outcome.inputs.generated}
        old: Mapping[str, bytes] = {n: text.encode() for n, text in texts.items() if text is not None}
        known = outcome.inputs.generated
    else:
        name, old = _committed(root, base, folder)
        wanted = {file_name(s.group_id) for s in outcome.rule_sets.values()} | set(old)
        known = {}
    same = {
        g: n for g, n in outcome.rule_counts.items() if file_name(g) not in wanted and file_name(g) in known
    }
    return _plan(outcome, name, old, wanted, sum(same.values()))


def against_running(root: Path, url: str, jobs: int) -> Plan:
    """From what a server runs of our files to what the repo compiles to. Raises Refused."""
    from rulecompiler.cli.target_sources import credentials_for
    from rulecompiler.deploy.intended import as_intended
    from rulecompiler.deploy.server import Server
    from rulecompiler.diagnostics import Diagnostic
    from rulecompiler.diff.model import SideName

    # Somebody sits and waits: what fails now is told now.
    with Server(url, credentials_for(url), _SECONDS, sleep=lambda _: None) as server:
        groups = server.groups()
        shown = server.url
    if isinstance(groups, Diagnostic):
        raise Refused((groups,), {})
    outcome = _compiled(root, jobs, cached=False)
    stated = {
        (file, group.name): group for file, rules in outcome.rule_sets.items() for group in rules.groups
    }
    found: list[IntendedGroup] = []
    for group in groups:
        file = posixpath.basename(group.file.replace("\\", "/"))
        ours = stated.get((file, group.name))
        intended = as_intended(group)._replace(file=file)
        if ours is not None and ours.interval is None:
            # The server tells its own default where the file leaves the interval to it.
            intended = intended._replace(interval_seconds=None)
        if _OURS.fullmatch(file):
            found.append(intended)
    return _compare(outcome, SideName(shown, note="what runs"), _items(found), set(outcome.rule_sets), 0)


def _compiled(root: Path, jobs: int, *, cached: bool) -> Outcome:
    from rulecompiler.diagnostics import has_errors
    from rulecompiler.workspace import compile_repo

    with on_terminal("compiling") as progress:
        outcome = compile_repo(root, os.environ, jobs=jobs, cached=cached, progress=progress)
    if has_errors(outcome.diagnostics):
        raise Refused(outcome.diagnostics, outcome.inputs.texts)
    return outcome


def _committed(root: Path, base: str, folder: str) -> tuple[SideName, Mapping[str, bytes]]:
    from rulecompiler.diagnostics import Diagnostic
    from rulecompiler.diff.model import SideName
    from rulecompiler.git_sources import open_history

    history = open_history(root)
    if isinstance(history, Diagnostic):
        raise Refused((history,), {})
    with history:
        commit = history.commit(base)
        files = commit if isinstance(commit, Diagnostic) else history.files(commit, folder)
    if isinstance(commit, Diagnostic) or isinstance(files, Diagnostic):
        raise Refused((commit if isinstance(commit, Diagnostic) else files,), {})  # type: ignore[arg-type]
    ours = {name: data for name, data in files.items() if _OURS.fullmatch(name)}
    return SideName(f"{folder}/ of {base}", commit.hash), ours


def _plan(
    outcome: Outcome, base: SideName, old: Mapping[str, bytes], wanted: set[str], unchanged: int
) -> Plan:
    from rulecompiler.deploy.intended import read_files

    groups, faults = read_files(old)
    plan = _compare(outcome, base, _items(groups), wanted, unchanged)
    if not faults:
        return plan
    return _without_damaged(plan, faults, old)


def _compare(
    outcome: Outcome, base: SideName, old: Mapping[str, tuple[Item, ...]], wanted: set[str], unchanged: int
) -> Plan:
    from rulecompiler.diff.fields import Sight
    from rulecompiler.diff.flat import flat_plan, items_of
    from rulecompiler.diff.model import SideName
    from rulecompiler.document import Locator

    new = {rules.group_id: items_of(rules) for file, rules in outcome.rule_sets.items() if file in wanted}
    locate = Locator(outcome.inputs.texts).span
    sight = Sight(locate, locate, outcome.inputs.options.alert_names)
    head = SideName("the working tree")
    return flat_plan(base, head, old, new, sight, unchanged=unchanged)


def _without_damaged(plan: Plan, faults: tuple[Diagnostic, ...], old: Mapping[str, bytes]) -> Plan:
    """The plan without groups whose file cannot be read: of these nothing is known."""
    from dataclasses import replace

    from rulecompiler.diff.comparing import incomparable, located
    from rulecompiler.diff.folding import count, fold
    from rulecompiler.document import Locator

    locate = Locator({name: data.decode("utf-8", "replace") for name, data in old.items()}).span
    damaged: dict[str, Diagnostic] = {}
    for fault in faults:
        match = _OURS.fullmatch(fault.place.path) if fault.place is not None else None
        if match is not None:
            damaged.setdefault(match[1], located(fault, locate))
    changes = tuple(change for change in plan.changes if change.rule.group_id not in damaged)
    folds = fold(changes)
    # Every change is in exactly one fold, and the same object there.
    shown = {(id(c.old), id(c.new)): c for each in folds for c in each.changes}
    return replace(
        plan,
        changes=tuple(shown[id(change.old), id(change.new)] for change in changes),
        folds=folds,
        counts=count(changes, plan.counts.unchanged),
        incomparable=tuple(
            incomparable(group_id, fault, None) for group_id, fault in sorted(damaged.items())
        ),
        diagnostics={"base": tuple(damaged.values())},
    )


def _items(groups: Iterable[IntendedGroup]) -> Mapping[str, tuple[Item, ...]]:
    from rulecompiler.diagnostics import Pointer
    from rulecompiler.diff.flat import item_of
    from rulecompiler.model import Rule, RuleGroup

    found: dict[str, list[Item]] = {}
    for group in groups:
        match = _OURS.fullmatch(group.file)
        assert match is not None, group.file
        shown = RuleGroup(group.name, _duration(group.interval_seconds), group.limit or None, None, ())
        for rule in group.rules:
            plain = Rule(
                rule.kind,
                rule.name,
                rule.expr,
                _duration(rule.for_seconds),
                _duration(rule.keep_firing_seconds),
                rule.labels,
                rule.annotations,
                "",
                Pointer(group.file),
            )
            found.setdefault(match[1], []).append(item_of(match[1], group.file, shown, plain))
    return {group_id: tuple(items) for group_id, items in found.items()}


def _duration(seconds: float | None) -> str | None:
    """Seconds as one writes them: `5m`, `1h30m`; None for nought."""
    left = round((seconds or 0) * 1000)
    words = []
    for size, unit in _UNITS:
        if left >= size:
            words.append(f"{left // size}{unit}")
            left %= size
    return "".join(words) or None
