"""The rules that hold for one target."""

from __future__ import annotations

from typing import NamedTuple

from rulecompiler.compiler import Compiler
from rulecompiler.diagnostics import Diagnostic
from rulecompiler.effective.emission import Emitted, covers, emission
from rulecompiler.effective.targets import Target
from rulecompiler.scopes import accepts


class Answer(NamedTuple):
    """The rules for one target.

    `rules` see all its series that they ask for. `partial` see only those that bring a label of
    their own, such as a mount point: the target itself has no such label. `unscoped` belong to a
    group that the target is in, but see everybody's series.
    """

    target: Target
    rules: tuple[Emitted, ...]
    partial: tuple[Emitted, ...]
    unscoped: tuple[Emitted, ...]


class Effective:
    """Answers for one target after the other; a group is compiled when the first one needs it."""

    def __init__(self, compiler: Compiler) -> None:
        self._compiler = compiler
        self._emitted: dict[str, tuple[Emitted, ...]] = {}
        self.diagnostics: list[Diagnostic] = []  # of the groups that were compiled so far

    def answer(self, target: Target) -> Answer:
        """The rules for a target; right only while `diagnostics` holds no error."""
        rules: list[Emitted] = []
        partial: list[Emitted] = []
        unscoped: list[Emitted] = []
        for group in self._compiler.resolver.forest:
            # A rule's scope is its group's and perhaps more: outside of it nothing can cover.
            if group.abstract or not covers(group.scope, target.labels):
                continue
            for emitted in self._of(group.id):
                if not emitted.rule.narrowed:
                    unscoped.append(emitted)
                elif covers(emitted.matchers, target.labels):
                    rules.append(emitted)
                elif _depends_on_series(emitted, target):
                    partial.append(emitted)
        return Answer(target, tuple(rules), tuple(partial), tuple(unscoped))

    def _of(self, group_id: str) -> tuple[Emitted, ...]:
        known = self._emitted.get(group_id)
        if known is None:
            known, faults = emission(self._compiler, group_id)
            self._emitted[group_id] = known
            self.diagnostics.extend(faults)
        return known


def _depends_on_series(emitted: Emitted, target: Target) -> bool:
    """Whether only labels that the target does not have speak against the rule."""
    labels = target.labels
    return all(m.label not in labels or accepts(m, labels[m.label]) for m in emitted.matchers)
