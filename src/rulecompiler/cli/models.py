"""The compiler of the repo that one stands in, for commands that look at single groups."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from rulecompiler.cli.output import repo_root, show

_PARALLEL_FROM = 100  # groups below which starting processes costs more than it saves

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from rulecompiler.compiler import Compiler
    from rulecompiler.diagnostics import Diagnostic
    from rulecompiler.document import Locator
    from rulecompiler.effective import Part
    from rulecompiler.inputs import Inputs


class Models(NamedTuple):
    """The repo's files, read, and a compiler for its groups, which nothing was asked of yet."""

    inputs: Inputs
    compiler: Compiler
    locator: Locator
    diagnostics: tuple[Diagnostic, ...]  # with an error among them, some files are not in the compiler

    def parts(
        self, progress: Callable[[int, int], None] | None = None
    ) -> tuple[Mapping[str, tuple[Part, ...]], tuple[Diagnostic, ...]]:
        """What each group contributes to a census, and all faults; everything is compiled."""
        from rulecompiler.effective import parts_of
        from rulecompiler.parallel import cores, map_parallel

        compiler = self.compiler
        ids = list(compiler.resolver.forest.groups)
        found = map_parallel(partial(parts_of, compiler), ids, cores(), _PARALLEL_FROM, progress)
        faults = dict.fromkeys(fault for _, own in found for fault in own)
        return {group_id: parts for group_id, (parts, _) in zip(ids, found, strict=True)}, tuple(faults)


def read_repo() -> Models:
    """The repo around the working directory, without a cache; a usage error where there is none."""
    from rulecompiler.compiler import Compiler
    from rulecompiler.document import Locator
    from rulecompiler.inputs import read_inputs
    from rulecompiler.recompile import read_models

    inputs = read_inputs(repo_root(), os.environ)
    # Starting processes would cost more than all else that is done here.
    library, forest, faults = read_models(inputs, jobs=1)
    return Models(inputs, Compiler(library, forest, inputs.options), Locator(inputs.texts), faults)


def refuse(models: Models, faults: Iterable[Diagnostic], fmt: str) -> int:
    """Show why there is no answer; the exit code."""
    from rulecompiler.codes import TITLES

    show(faults, fmt, models.inputs.texts, models.locator.span, titles=TITLES, root=models.inputs.root)
    return 1
