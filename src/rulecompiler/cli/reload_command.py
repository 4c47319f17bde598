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
_WORDS = {
    RELOADED: "reloaded, and what was deployed runs",
    REFUSED: "refused, nothing was reloaded, what ran before still runs",
    UNKNOWN: "unknown, what was deployed is not seen to run",
}


@click.command()
@click.option("--target", "names", multiple=True, metavar="NAME", help="Only this target; may be repeated.")
@format_option("text", "json")
def reload(names: tuple[str, ...], fmt: str) -> int:
    """Make each server load the files that were deployed to it, and compare what runs afterwards.

    No file is changed. Pending and firing alerts stay as they are, if what runs is what was deployed.

    \b
    Exit codes:
      0  reloaded: what was deployed runs
      2  refused: nothing was reloaded, what ran before still runs
      4  unknown: what was deployed is not seen to run

    \b
    Examples:
      rulecompiler reload
      rulecompiler reload --target staging
    """
    from rulecompiler.cli.deploy_report import cannot_look
    from rulecompiler.cli.deploying import Place, find_place
    from rulecompiler.deploy.opening import site_of
    from rulecompiler.deploy.site import Promtool
    from rulecompiler.diagnostics import Diagnostic
    from rulecompiler.promtool import find

    place = find_place(names, needs_repo=False)
    if not isinstance(place, Place):
        return cannot_look(place.diagnostics, fmt, place.texts)
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
        message = _WORDS[own] if own == RELOADED else faults[0].message
        answers.append(
            {"name": target.name, "status": "success" if own == RELOADED else "error", "message": message}
        )
        if fmt == "text":
            show_unplaced(faults)
            write(f"{target.name}: {_WORDS[own]}\n")
    if fmt == "text":
        show_unplaced(place.warnings)
        write(place.unasked("nothing is reloaded"))
    if fmt == "json":
        first = {key: answers[0][key] for key in ("status", "message")} if len(answers) == 1 else {}
        write(json.dumps({**first, "targets": answers}, indent=2) + "\n")
    return code


def _reload(site: Site) -> tuple[int, tuple[Diagnostic, ...]]:
    from rulecompiler.deploy import disk_faults
    from rulecompiler.deploy.journal import lock
    from rulecompiler.deploy.recovery import unfinished
    from rulecompiler.deploy.site import Seen
    from rulecompiler.diagnostics import has_errors

    layout = site.layout
    with lock(layout.folder) as locked_out:
        live = layout.live()  # not before: a deployment may just have ended
        if live.release is None:
            return REFUSED, (disk_faults.nothing_live(layout.folder),)
        interrupted = unfinished(layout.folder)
        stop = (locked_out,) if locked_out is not None else layout.faults()
        if not has_errors(stop):
            stop = (disk_faults.edited(layout.folder, live.edited),) if live.edited else ()
        if not stop and interrupted is not None:
            stop = (interrupted,)
        if not stop:
            fault = site.server.wait_ready(site.target.ready_timeout)
            stop = () if fault is None else (fault,)
        if stop:
            return REFUSED, stop
        found = site.bring(live.files)
        if isinstance(found, Seen):
            return RELOADED, ()
        seen = site.look()
        unchanged = isinstance(seen, Seen) and site.runs(live.files, seen)
        return (REFUSED if unchanged else UNKNOWN), found
