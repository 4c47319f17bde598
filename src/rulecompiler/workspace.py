"""A repo compiled and compared with what it holds, before anything is written."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rulecompiler import cache, output
from rulecompiler.cache import Cache
from rulecompiler.diagnostics import Diagnostic, has_errors
from rulecompiler.generated_file import file_name
from rulecompiler.inputs import Inputs, read_inputs
from rulecompiler.outcome import Outcome

if TYPE_CHECKING:
    from rulecompiler.reads import Reads


def compile_repo(
    root: Path,
    environ: Mapping[str, str],
    *,
    only: tuple[str, ...] = (),
    jobs: int = 0,
    cached: bool = True,
    progress: Callable[[int, int], None] | None = None,
    reads: Reads | None = None,
) -> Outcome:
    """Compiles a repo in memory; `only` names the groups to write, all if empty.

    `jobs` is the number of processes, 0 for one a core. Without `cached` nothing is taken from an
    earlier run, which is what a gate wants. `progress` hears how many groups are done, of how many.
    `reads` has what this process parsed before, and gets what it parses now.
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

        outcome = recompile(inputs, old, only, jobs, progress, reads)
    return outcome._replace(seconds=time.perf_counter() - started)


def _unchanged(inputs: Inputs, old: Cache) -> Outcome | None:
    """The last outcome again, where neither inputs nor outputs changed since."""
    if old.run != inputs.key:
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
    fault = output.write(inputs.root, inputs.settings.generated, outcome.changed, outcome.gone)
    if fault is not None:
        return fault
    if outcome.remember is not None:
        cache.save(inputs.root, outcome.remember)
    return None
