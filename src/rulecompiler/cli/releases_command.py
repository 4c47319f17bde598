"""`rulecompiler releases`: what a rollback can go to."""

from __future__ import annotations

import json

import click

from rulecompiler.cli.output import format_option, write


@click.command()
@click.option("--target", "names", multiple=True, metavar="NAME", help="Only this target; may be repeated.")
@format_option("text", "json")
def releases(names: tuple[str, ...], fmt: str) -> int:
    """List the releases that are kept beside each server, the live one first.

    \b
    Examples:
      rulecompiler releases
      rulecompiler rollback 3f9c1a     back to one of them
    """
    from rulecompiler.cli.compile_command import plural
    from rulecompiler.cli.deploy_report import cannot_look
    from rulecompiler.cli.deploying import Place, find_place
    from rulecompiler.deploy.history import kept
    from rulecompiler.diagnostics import Diagnostic

    place = find_place(names, needs_repo=False)
    if not isinstance(place, Place):
        return cannot_look(place.diagnostics, fmt, place.texts)
    found = {target.name: kept(target) for target in place.targets if target.kind == "prometheus"}
    faults = tuple(each for each in found.values() if isinstance(each, Diagnostic))
    if faults:
        return cannot_look(faults, fmt, place.texts)
    listed = {name: each for name, each in found.items() if not isinstance(each, Diagnostic)}
    if fmt == "json":
        data = [
            {"name": name, "releases": [release._asdict() for release in each]}
            for name, each in listed.items()
        ]
        write(json.dumps({"targets": data}, indent=2) + "\n")
        return 0
    for name, each in listed.items():
        write(f"{name}: {plural(len(each), 'release')}\n")
        for release in each:
            mark = "*" if release.live else " "
            commit = f"commit {release.commit[:12]}" if release.commit else ""
            at = release.deployed_at or "never deployed"
            files = plural(release.files, "file")
            write(f"{mark} {release.release[:12]}  {at:<20}  {files:>9}  {commit}".rstrip() + "\n")
    write(place.unasked("no releases are kept beside it"))
    return 0
