"""`rulecompiler drift`: whether the repo, the disk and the server say the same."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rulecompiler.cli.output import format_option, screen, show, write
from rulecompiler.cli.progress import on_terminal

if TYPE_CHECKING:
    from rulecompiler.deploy.inspection import Drift
    from rulecompiler.deploy.release import Release
    from rulecompiler.diagnostics import Diagnostic

SAME, DRIFT, UNKNOWN = 0, 1, 2


@click.command()
@click.option(
    "--from",
    "folder",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Compare with a bundle instead of this repo's generated/.",
)
@click.option("--target", "names", multiple=True, metavar="NAME", help="Only this target; may be repeated.")
@format_option("text", "json", "github")
def drift(folder: Path | None, names: tuple[str, ...], fmt: str) -> int:
    """Compare what runs, what is on disk and what the repo says, and change nothing.

    \b
    Exit codes:
      0  all three are the same      2  it cannot be told
      1  there is a drift

    \b
    Examples:
      rulecompiler drift
      rulecompiler drift --format github     in a scheduled workflow
    """
    from rulecompiler.cli.deploy_report import cannot_look
    from rulecompiler.cli.deploying import Place, find_place
    from rulecompiler.deploy import inspection
    from rulecompiler.deploy.artifact import select
    from rulecompiler.deploy.opening import deployers, site_of
    from rulecompiler.diagnostics import Diagnostic
    from rulecompiler.self_metrics import record_drift

    place = find_place(names, needs_repo=folder is None)
    if not isinstance(place, Place):
        return cannot_look(place.diagnostics, fmt, place.texts)
    release, faults = _wanted(place.root, folder)
    if release is None:
        return cannot_look(faults, fmt, {})
    found: list[Drift] = []
    for target in place.targets:
        share = select(release, target)
        if isinstance(share, tuple):
            return cannot_look(share, fmt, {})
        if target.kind == "prometheus":
            site = site_of(target, None)
            with site.server:
                each = inspection.drift(site, share)
        else:
            opened = deployers((target,), place.root, place.settings, os.environ, now="")
            assert not isinstance(opened, Diagnostic), opened  # only a Prometheus needs promtool
            each = inspection.drift_elsewhere(opened[0], share)
        found.append(each)
        if each.found is not None:
            faults += record_drift(place.settings, os.environ, target.name, drifted=each.found)
    _show(found, (*place.warnings, *faults), fmt)
    if any(each.found for each in found):
        return DRIFT
    return UNKNOWN if any(each.found is None for each in found) else SAME


def _wanted(root: Path, folder: Path | None) -> tuple[Release | None, tuple[Diagnostic, ...]]:
    from rulecompiler.deploy import artifact
    from rulecompiler.diagnostics import Diagnostic

    if folder is not None:
        bundled = artifact.from_folder(folder)
        return (None, (bundled,)) if isinstance(bundled, Diagnostic) else (bundled, ())
    from rulecompiler.workspace import compile_repo

    with on_terminal("compiling") as progress:
        outcome = compile_repo(root, os.environ, progress=progress)
    # What the committed files are compared with the servers for has nothing to do with warnings.
    release, faults = artifact.from_outcome(outcome, allow_uncommitted=True)
    return release, () if release is not None else faults


def _show(found: list[Drift], faults: tuple[Diagnostic, ...], fmt: str) -> None:
    from rulecompiler.codes import TITLES
    from rulecompiler.document import Locator

    if fmt == "json":
        write(_json(found))
        return
    locate = Locator({}).span
    everything = (*faults, *(d for each in found for d in each.diagnostics))
    show(everything, fmt, {}, locate, titles=TITLES)
    for each in found:
        write(_text(each))


def _json(found: list[Drift]) -> str:
    data = [
        {
            "name": each.target,
            "drift": each.found,
            "repo": each.repo,
            "disk": each.disk,
            "edited": list(each.edited),
            "undeployed": {
                "added": list(each.undeployed.added),
                "changed": list(each.undeployed.changed),
                "removed": list(each.undeployed.removed),
            },
            "running_matches_disk": each.running if each.kind == "prometheus" else None,
            "errors": [f"{d.code}: {d.message}" for d in each.diagnostics],
        }
        for each in found
    ]
    drifted = True if any(each.found for each in found) else None
    if drifted is None and all(each.found is False for each in found):
        drifted = False
    return json.dumps({"drift": drifted, "targets": data}, indent=2) + "\n"


def _text(each: Drift) -> str:
    from rulecompiler.cli.compile_command import plural
    from rulecompiler.cli.deploy_report import changed_names
    from rulecompiler.terminal import Painter

    paint = Painter(screen().color)
    word = {True: "drift", False: "no drift", None: "cannot be told"}[each.found]
    change = each.undeployed
    differing = len(change.added) + len(change.changed) + len(change.removed)
    lines = [f"{paint(each.target, 'bold')}: {word}", f"  repo  {each.repo[:12]}"]
    if each.kind == "prometheus":
        disk = f"{plural(differing, 'file')} not as in the repo" if differing else "as in the repo"
        if each.edited:
            disk += f", {plural(len(each.edited), 'file')} changed by hand"
        runs = {True: "what is on disk", False: "not what is on disk", None: "unknown"}[each.running]
        lines += [f"  disk  {(each.disk or 'nothing')[:12]}  {disk}", f"  runs  {runs}"]
    elif each.running:
        noun = "group" if each.kind == "mimir" else "manifest"
        lines.append(f"  there {f'{plural(differing, noun)} not' if differing else 'all'} as in the repo")
    return "".join(f"{line}\n" for line in (*lines, *changed_names(change, paint)))
