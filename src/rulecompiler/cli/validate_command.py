"""`rulecompiler validate`: every fault that can be found without promtool."""

from __future__ import annotations

import os

import click

from rulecompiler.cli.compile_command import show_diagnostics, tally
from rulecompiler.cli.output import format_option, repo_root, write


@click.command()
@format_option()
def validate(fmt: str) -> int:
    """Read and compile everything in memory, without promtool and without looking at generated/.

    \b
    Examples:
      rulecompiler validate
      rulecompiler validate --format json
    """
    from rulecompiler.diagnostics import has_errors
    from rulecompiler.workspace import compile_repo

    outcome = compile_repo(repo_root(), os.environ, cached=False)
    show_diagnostics(outcome.diagnostics, outcome, fmt)
    failed = has_errors(outcome.diagnostics)
    if fmt == "text" and not failed:
        write(f"ok: {tally(outcome)} in {outcome.seconds:.2f} s\n")
    return 1 if failed else 0
