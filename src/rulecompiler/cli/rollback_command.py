"""`rulecompiler rollback`: back to a release that was deployed before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rulecompiler.cli.deploy_command import FORMATS
from rulecompiler.cli.output import format_option

if TYPE_CHECKING:
    from rulecompiler.cli.deploying import Place
    from rulecompiler.deploy.release import Release
    from rulecompiler.diagnostics import Diagnostic


@click.command()
@click.argument("release", required=False)
@click.option("--target", "names", multiple=True, metavar="NAME", help="Only this target; may be repeated.")
@click.option("-n", "--dry-run", is_flag=True, help="Look at everything, print the plan, touch nothing.")
@click.option("--accept-alert-reset", is_flag=True, help="Let pending and firing alerts start over.")
@click.option("--accept-drift", is_flag=True, help="Replace what somebody changed by hand.")
@format_option(*FORMATS)
def rollback(
    release: str | None,
    names: tuple[str, ...],
    dry_run: bool,
    accept_alert_reset: bool,
    accept_drift: bool,
    fmt: str,
) -> int:
    """Deploy a release that is still kept beside the servers: the one before, or RELEASE.

    The next deploy from the repo brings the repo's rules back, so revert the commit as well.
    RELEASE is an id as `rulecompiler releases` lists it, or its first digits. Exit codes as with deploy.

    \b
    Examples:
      rulecompiler rollback
      rulecompiler rollback 3f9c1a
    """
    from rulecompiler.cli.deploying import carry_out
    from rulecompiler.deploy.target import Consent

    def releases(place: Place) -> tuple[dict[str, Release], tuple[Diagnostic, ...]]:
        from rulecompiler.deploy.history import earlier
        from rulecompiler.diagnostics import Diagnostic

        chosen: dict[str, Release] = {}
        faults: list[Diagnostic] = []
        for target in place.targets:
            found = earlier(target, release)
            if isinstance(found, Diagnostic):
                faults.append(found)
            else:
                chosen[target.name] = found
        return chosen, tuple(faults)

    consent = Consent(alert_reset=accept_alert_reset, empty=True, drift=accept_drift)
    return carry_out(releases, names, consent, dry_run=dry_run, fmt=fmt, needs_repo=False)
