"""`rulecompiler reload`: have the servers read their folders again, and see that they did."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import click

from rulecompiler.cli.output import format_option, show_unplaced, write

if TYPE_CHECKING:
    from rulecompiler.deploy.site import Site
    from rulecompiler.diagnostics import Diagnostic

RELOADED, REFUSED, UNKNOWN = 0, 2, 4


@click.command()
@click.option("--target", "names", multiple=True, metavar="NAME", help="Only this target; may be repeated.")
@format_option("text", "json")
def reload(names: tuple[str, ...], fmt: str) -> int:
    """Make each server load the files that were deployed to it, and compare what runs afterwards.

    No file is changed. Pending and firing alerts stay as they are, if what runs is what was deployed.

    \b
    Exit codes:
      0  what was deployed runs
      2  refused: a deployment is under way, or the server cannot be told to reload
      4  unknown: what was deployed is not seen to run
    """
    from rulecompiler.cli.deploy_report import report_faults
    from rulecompiler.cli.deploying import Place, find_place
    from rulecompiler.deploy.opening import site_of
    from rulecompiler.deploy.site import Promtool
    from rulecompiler.diagnostics import Diagnostic
    from rulecompiler.promtool import find

    place = find_place(names, needs_repo=False)
    if not isinstance(place, Place):
        return report_faults(place.diagnostics, fmt, place.texts)
    tool = find(os.environ, place.root)
    promtool = None if isinstance(tool, Diagnostic) else Promtool(tool, place.settings.timeout)
    code = RELOADED
    answers = []
    for target in place.targets:
        if target.kind != "prometheus":
            continue
        site = site_of(target, promtool)
        with site.server:
            own, faults = _reload(site)
        code = max(code, own)
        message = "the deployed rules run" if own == RELOADED else faults[0].message
        answers.append(
            {"name": target.name, "status": "success" if own == RELOADED else "error", "message": message}
        )
        if fmt == "text":
            show_unplaced(faults)
            write(f"{target.name}: {message}\n")
    if fmt == "json":
        first = {key: answers[0][key] for key in ("status", "message")} if len(answers) == 1 else {}
        write(json.dumps({**first, "targets": answers}, indent=2) + "\n")
    return code


def _reload(site: Site) -> tuple[int, tuple[Diagnostic, ...]]:
    from rulecompiler.deploy.journal import lock, read_journal
    from rulecompiler.deploy.site import Seen

    layout = site.layout
    live = layout.live()
    if live.release is None:
        return REFUSED, (_nothing(site),)
    with lock(layout.folder) as locked_out:
        journal = read_journal(layout.folder)
        stop = (locked_out,) if locked_out is not None else layout.faults()
        if not stop and journal is not None:
            stop = (_under_way(),)
        if stop:
            return REFUSED, stop
        fault = site.server.wait_ready(site.target.ready_timeout)
        found = (fault,) if fault is not None else site.bring(live.files)
    return (RELOADED, ()) if isinstance(found, Seen) else (UNKNOWN, found)


def _nothing(site: Site) -> Diagnostic:
    from rulecompiler.diagnostics import Diagnostic

    return Diagnostic(
        "RC855",
        f"nothing was deployed to `{site.target.path}` yet",
        help="run `rulecompiler deploy`; `path` (PROMETHEUS_RULE_PATH) names the folder",
    )


def _under_way() -> Diagnostic:
    from rulecompiler.diagnostics import Diagnostic

    return Diagnostic(
        "RC854",
        "an interrupted deployment has to be brought to an end first",
        help="run `rulecompiler deploy`, which does that",
    )
