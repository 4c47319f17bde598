"""A repo compiled and compared with what it holds, before anything is written."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rulecompiler import cache, output
from rulecompiler.cache import Cache
from rulecompiler.diagnostics import Diagnostic, has_errors
from rulecompiler.emit import file_name
from rulecompiler.inputs import Inputs, read_inputs
from rulecompiler.model import RuleSet, Unproven

if TYPE_CHECKING:
    from rulecompiler.library import Library


@dataclass(frozen=True, slots=True)
class Outcome:
    """A compile of a repo: what its files should be, against what they are.

    `files` are the texts of the groups that were compiled this time, `unchanged` the names of the
    files that needed no compile, `gone` those whose group has none any more. `remember` is what a
    cache may keep once the files are as they should be.
    """

    inputs: Inputs
    diagnostics: tuple[Diagnostic, ...]
    files: Mapping[str, str] = field(default_factory=dict)
    unchanged: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    rule_sets: Mapping[str, RuleSet] = field(default_factory=dict)
    rule_counts: Mapping[str, int] = field(default_factory=dict)  # by group id, of all groups with rules
    unproven: tuple[Unproven, ...] = ()
    library: Library | None = None  # None where no template had to be read
    remember: Cache | None = None
    seconds: float = 0.0

    @property
    def changed(self) -> Mapping[str, str]:
        """The compiled files whose bytes differ from the disk's."""
        generated = self.inputs.generated
        return {
            name: text
            for name, text in self.files.items()
            if name not in generated or generated[name].digest != output.digest(text)
        }


def compile_repo(
    root: Path,
    environ: Mapping[str, str],
    *,
    only: tuple[str, ...] = (),
    jobs: int = 0,
    cached: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> Outcome:
    """Compiles a repo in memory; `only` names the groups to compile, all if empty.

    `jobs` is the number of processes, 0 for one a core. Without `cached` nothing is taken from an
    earlier run, which is what a gate wants. `progress` hears how many groups are done, of how many.
    """
    started = time.perf_counter()
    old = cache.load(root) if cached else Cache()
    inputs = read_inputs(root, environ, old.settings)
    outcome = None
    if has_errors(inputs.diagnostics):
        # The rest is still judged, so that one run tells all faults.
        old = Cache()
    elif not only:
        outcome = _unchanged(inputs, old)
    if outcome is None:
        # The compiler takes 100 ms to import, which an unchanged repo need not pay.
        from rulecompiler.recompile import recompile

        outcome = recompile(inputs, old, only, jobs, progress)
    return replace(outcome, seconds=time.perf_counter() - started)


def run_key(inputs: Inputs) -> str:
    """A key of everything that a compile depends on."""
    parts = [repr(inputs.options)]
    for file in (*inputs.templates, *inputs.groups):
        parts += (file.path, file.digest)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _unchanged(inputs: Inputs, old: Cache) -> Outcome | None:
    """The last outcome again, where neither inputs nor outputs changed since."""
    if old.run != run_key(inputs):
        return None
    expected = {file_name(g): c.output for g, c in old.groups.items() if c.output}
    if expected != {name: file.digest for name, file in inputs.generated.items()}:
        return None
    warnings = [w for f in old.files.values() for w in f.warnings]
    warnings += [w for g in old.groups.values() for w in g.warnings]
    return Outcome(
        inputs,
        tuple(dict.fromkeys([*inputs.diagnostics, *warnings, *old.warnings])),
        unchanged=tuple(expected),
        rule_counts={g: c.rule_count for g, c in old.groups.items() if c.output},
    )


def write(outcome: Outcome) -> Diagnostic | None:
    """Makes the output folder what the outcome says, and remembers it; the caller holds the lock."""
    inputs = outcome.inputs
    if outcome.changed or outcome.gone:
        fault = output.write(inputs.root, inputs.settings.generated, outcome.changed, outcome.gone)
        if fault is not None:
            return fault
    if outcome.remember is not None:
        cache.save(inputs.root, outcome.remember)
    return None
