"""`rulecompiler bundle`: generated/ with a manifest, to be deployed elsewhere."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from rulecompiler.cli.output import format_option, repo_root, write
from rulecompiler.cli.progress import on_terminal


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--allow-uncommitted", is_flag=True, help="Bundle what git does not hold yet.")
@format_option("text", "json", "github")
def bundle(directory: Path, allow_uncommitted: bool, fmt: str) -> int:
    """Copy generated/ and a manifest of its hashes to DIR, a new or empty folder, for `deploy --from DIR`.

    Refused where generated/ is not what alerts/ compiles to, or not what git holds. The last line
    of the output is the release's id.

    \b
    Exit codes: 0 bundled, 1 refused.

    \b
    Examples:
      rulecompiler bundle bundle/
      rulecompiler deploy --from bundle/     on the machine that reaches Prometheus
    """
    from rulecompiler.cli.compile_command import plural, show_diagnostics, tally
    from rulecompiler.deploy import artifact
    from rulecompiler.workspace import compile_repo

    with on_terminal("compiling") as progress:
        outcome = compile_repo(repo_root(), os.environ, progress=progress)
    release, faults = artifact.from_outcome(outcome, allow_uncommitted=allow_uncommitted)
    problem = artifact.bundle(release, directory) if release is not None else None
    if problem is not None:
        faults = (*faults, problem)
    if release is None or problem is not None:
        show_diagnostics(faults, outcome, fmt)
        return 1
    if fmt == "json":
        counts = {"files": len(release.files), "rules": sum(outcome.rule_counts.values())}
        write(json.dumps({"release": release.id, **counts, "commit": release.commit}, indent=2) + "\n")
        return 0
    show_diagnostics(faults, outcome, fmt)
    write(f"{tally(outcome)} in {plural(len(release.files), 'file')} bundled in {directory}\n{release.id}\n")
    return 0
