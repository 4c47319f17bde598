"""`rulecompiler lint`: what works, but probably not as it was meant."""

from __future__ import annotations

import os

import click

from rulecompiler.cli.compile_command import plural
from rulecompiler.cli.output import format_option, repo_root, show, write
from rulecompiler.cli.progress import on_terminal


@click.command()
@click.option("--jobs", type=click.IntRange(min=0), default=0, metavar="N", help="Processes; 0: one a core.")
@click.option(
    "--targets",
    "target_files",
    multiple=True,
    metavar="FILE",
    help="A file_sd file; tells which groups no target is in. May be repeated.",
)
@format_option()
def lint(jobs: int, target_files: tuple[str, ...], fmt: str) -> int:
    """Find what works, but probably not as it was meant; nothing is compiled or written.

    \b
    Examples:
      rulecompiler lint
      rulecompiler lint --format github             annotations on the pull request
      rulecompiler lint --targets targets/nodes.json

    Settings and comments silence a check, with a reason: docs/format.md, "Lint".
    """
    from rulecompiler.cli.linting import lint_repo
    from rulecompiler.codes import TITLES
    from rulecompiler.diagnostics import has_errors
    from rulecompiler.document import Locator
    from rulecompiler.inputs import read_inputs
    from rulecompiler.recompile import read_models

    targets = None
    if target_files:
        from rulecompiler.cli import target_sources

        given = target_sources.gathered(map(target_sources.from_file, target_files))
        if has_errors(given.diagnostics):
            return target_sources.refuse(given, fmt)
        targets = given.targets
    with on_terminal("looking") as progress:
        inputs = read_inputs(repo_root(), os.environ)
        library, groups, faults = read_models(inputs, jobs)
        found = faults
        if not has_errors(faults):
            found += lint_repo(inputs, library, groups, jobs, progress, targets=targets)
    show(found, fmt, inputs.texts, Locator(inputs.texts).span, titles=TITLES, root=inputs.root)
    if fmt == "text":
        if has_errors(faults):
            write("Nothing was linted: correct these first.\n")
        elif not found:
            there = f"{plural(len(groups.groups), 'group')}, {plural(len(library.templates), 'template')}"
            write(f"ok: nothing found in {there}\n")
    return 1 if has_errors(found) else 0
