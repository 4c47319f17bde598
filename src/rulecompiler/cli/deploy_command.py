"""`rulecompiler deploy`: generated/ to the servers, verified, or rolled back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rulecompiler.cli.output import format_option
from rulecompiler.cli.progress import on_terminal

if TYPE_CHECKING:
    from rulecompiler.cli.deploying import Place
    from rulecompiler.deploy.release import Release
    from rulecompiler.deploy.settings import Target
    from rulecompiler.diagnostics import Diagnostic

FORMATS = ("text", "json", "github", "markdown")


@click.command()
@click.option(
    "--from",
    "folder",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Deploy a bundle that was made elsewhere (see `bundle`) instead of this repo's generated/.",
)
@click.option("--target", "names", multiple=True, metavar="NAME", help="Only this target; may be repeated.")
@click.option("-n", "--dry-run", is_flag=True, help="Look at everything, print the plan, touch nothing.")
@click.option("--accept-alert-reset", is_flag=True, help="Let pending and firing alerts start over.")
@click.option("--accept-drift", is_flag=True, help="Replace what somebody changed by hand.")
@click.option("--allow-empty", is_flag=True, help="Let all that was deployed end, even if nothing follows.")
@click.option("--allow-uncommitted", is_flag=True, help="Deploy what git does not hold yet.")
@format_option(*FORMATS)
def deploy(
    folder: Path | None,
    names: tuple[str, ...],
    dry_run: bool,
    accept_alert_reset: bool,
    accept_drift: bool,
    allow_empty: bool,
    allow_uncommitted: bool,
    fmt: str,
) -> int:
    """Make the servers run exactly what generated/ says, or leave them as they are.

    Everything is checked before anything is touched; what runs afterwards is compared with the
    files, and put back if it differs. Where to deploy: `deploy:` in rulecompiler.yaml, or
    PROMETHEUS_URL and PROMETHEUS_RULE_PATH.

    \b
    Examples:
      rulecompiler deploy --dry-run          what would change, and whether it could
      rulecompiler deploy
      rulecompiler deploy --target staging
      rulecompiler deploy --from bundle/     what CI built

    \b
    Exit codes:
      0  live: exactly these rules run
      2  refused: nothing was touched
      3  rolled back: what ran before runs again, verified
      4  unknown: what runs could not be verified; see `rulecompiler status`
    """
    from rulecompiler.cli.deploying import carry_out
    from rulecompiler.deploy.target import Consent

    consent = Consent(alert_reset=accept_alert_reset, empty=allow_empty, drift=accept_drift)

    def releases(place: Place) -> tuple[dict[str, Release], tuple[Diagnostic, ...]]:
        release, faults = _intended(place, folder, allow_uncommitted)
        return ({}, faults) if release is None else _shares(release, place.targets, faults)

    return carry_out(releases, names, consent, dry_run=dry_run, fmt=fmt, needs_repo=folder is None)


def _intended(
    place: Place, folder: Path | None, allow_uncommitted: bool
) -> tuple[Release | None, tuple[Diagnostic, ...]]:
    from rulecompiler.deploy import artifact
    from rulecompiler.diagnostics import Diagnostic

    if folder is not None:
        release = artifact.from_folder(folder)
        return (None, (release,)) if isinstance(release, Diagnostic) else (release, ())
    from rulecompiler.workspace import compile_repo

    with on_terminal("compiling") as progress:
        outcome = compile_repo(place.root, os.environ, progress=progress)
    place.texts = outcome.inputs.texts
    return artifact.from_outcome(outcome, allow_uncommitted=allow_uncommitted)


def _shares(
    release: Release, targets: tuple[Target, ...], faults: tuple[Diagnostic, ...]
) -> tuple[dict[str, Release], tuple[Diagnostic, ...]]:
    """What goes to each target."""
    from rulecompiler.deploy.artifact import select

    shares = {}
    for target in targets:
        share = select(release, target)
        if isinstance(share, tuple):
            return {}, (*faults, *share)
        shares[target.name] = share
    return shares, faults
