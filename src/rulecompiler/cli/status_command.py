"""`rulecompiler status`: whether each server is there, and runs what it should."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from rulecompiler.cli.output import format_option, screen, show_unplaced, write

if TYPE_CHECKING:
    from rulecompiler.deploy.inspection import Status


@click.command()
@click.option("--target", "names", multiple=True, metavar="NAME", help="Only this target; may be repeated.")
@format_option("text", "json")
def status(names: tuple[str, ...], fmt: str) -> int:
    """Ask each server whether it is ready, and compare what it runs with the files it was given.

    \b
    Exit codes:
      0  all is well                 2  the settings are wrong
      1  something is not

    \b
    Examples:
      rulecompiler status
      rulecompiler status --format json
    """
    from rulecompiler.cli.deploy_report import cannot_look
    from rulecompiler.cli.deploying import Place, find_place
    from rulecompiler.deploy import inspection
    from rulecompiler.deploy.opening import site_of

    place = find_place(names, needs_repo=False)
    if not isinstance(place, Place):
        return cannot_look(place.diagnostics, fmt, place.texts)
    found = []
    for target in place.targets:
        if target.kind == "prometheus":
            site = site_of(target, None)
            with site.server:
                found.append(inspection.status(site))
    if fmt == "json":
        write(_json(found))
    else:
        show_unplaced(place.warnings)
        for each in found:
            show_unplaced(each.diagnostics)
            write(_text(each))
        write(place.unasked("not asked: `rulecompiler drift` compares it"))
    return 0 if all(each.good for each in found) else 1


def _json(found: list[Status]) -> str:
    """The replaced server's answer at the top where there is one server, and all of them below."""
    targets = [
        {
            "name": each.target,
            **{key: value for key, value in each._asdict().items() if key not in ("target", "diagnostics")},
            "status": _word(each),
            "errors": [f"{d.code}: {d.message}" for d in each.diagnostics],
        }
        for each in found
    ]
    first = (
        {key: targets[0][key] for key in ("status", "url", "ready", "healthy")} if len(targets) == 1 else {}
    )
    return json.dumps({**first, "targets": targets}, indent=2) + "\n"


def _word(each: Status) -> str:
    if not each.reachable:
        return "unreachable"
    return "healthy" if each.good else "unhealthy"


def _text(each: Status) -> str:
    from rulecompiler.cli.compile_command import plural
    from rulecompiler.terminal import Painter

    paint = Painter(screen().color)
    lines = [f"{paint(each.target, 'bold')}: {_word(each)}  {each.url}"]
    if each.reachable:
        ready = "ready" if each.ready else "not ready"
        lines.append(f"  server    Prometheus {each.version or 'of unknown version'}, {ready}")
    if each.last_reload_timestamp is not None:
        at = datetime.fromtimestamp(each.last_reload_timestamp, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        failed = "" if each.last_reload_successful else ", and a later one failed"
        lines.append(f"  reloaded  {at}{failed}")
    since = f", deployed {each.deployed_at}" if each.deployed_at else ""
    edited = ", changed by hand since" if each.edited else ""
    lines.append(
        f"  on disk   {f'release {each.release[:12]}{since}{edited}' if each.release else 'nothing deployed'}"
    )
    if each.rules is not None and each.groups is not None:
        same = "exactly that" if each.in_sync else "something else than what is on disk"
        failing = f", {plural(each.failing or 0, 'rule')} failing" if each.failing else ""
        lines.append(
            f"  runs      {same}: {plural(each.rules, 'rule')} in {plural(each.groups, 'group')}{failing}; "
            f"alerts: {each.firing} firing, {each.pending} pending"
        )
    return "\n".join(lines) + "\n"
