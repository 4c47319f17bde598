"""`rulecompiler coverage`: targets without rules, targets with too many, and groups without targets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from rulecompiler.cli.output import format_option, screen, write
from rulecompiler.cli.progress import on_terminal

if TYPE_CHECKING:
    from rulecompiler.effective import Census, Part, Target
    from rulecompiler.terminal import Painter

_FINDINGS = ("uncovered", "twice", "empty")
_SHOWN = 20  # targets or groups that the text names


@click.command()
@click.option(
    "--target-file", "files", multiple=True, metavar="FILE", help="A file_sd file; may be repeated."
)
@click.option(
    "--http-sd", "urls", multiple=True, metavar="URL", help="An HTTP service discovery; may be repeated."
)
@click.option(
    "--from-prometheus",
    "servers",
    multiple=True,
    metavar="URL",
    help="All that a server scrapes; may be repeated.",
)
@click.option(
    "--ignore",
    "ignored",
    multiple=True,
    metavar="GROUP",
    help="Do not count this group, which watches something else than these targets; may be repeated.",
)
@click.option(
    "--fail-on",
    metavar="WHAT,…",
    default="",
    help="Exit with 1 on any of: uncovered, twice, empty.",
)
@format_option("text", "json")
def coverage(
    files: tuple[str, ...],
    urls: tuple[str, ...],
    servers: tuple[str, ...],
    ignored: tuple[str, ...],
    fail_on: str,
    fmt: str,
) -> int:
    """Compare targets with the compiled rules: who is left out, who is covered twice, which group is empty.

    \b
    Exit codes:
      0  whatever was found, without --fail-on
      1  something that --fail-on names was found, or there is no answer

    \b
    Examples:
      rulecompiler coverage --target-file targets/nodes.json
      rulecompiler coverage --from-prometheus http://localhost:9090 --fail-on uncovered,twice
      rulecompiler coverage --http-sd http://inventory.example.com/targets --format json
    """
    from rulecompiler.cli import models as repo
    from rulecompiler.cli import target_sources
    from rulecompiler.diagnostics import Diagnostic, has_errors
    from rulecompiler.effective import take_census
    from rulecompiler.explain import find_group
    from rulecompiler.forest import Forest
    from rulecompiler.terminal import Painter

    wanted = _wanted(fail_on)
    if not (files or urls or servers):
        raise click.UsageError("say where the targets are: --target-file, --http-sd or --from-prometheus")
    models = repo.read_repo()
    if has_errors(models.diagnostics):
        return repo.refuse(models, models.diagnostics, fmt)
    out = [find_group(models.compiler, name) for name in ignored]
    unknown = [group for group in out if isinstance(group, Diagnostic)]
    if unknown:
        return repo.refuse(models, unknown, fmt)
    found = target_sources.gathered(
        (
            *map(target_sources.from_file, files),
            *map(target_sources.from_http_sd, urls),
            *map(target_sources.from_prometheus, servers),
        )
    )
    if has_errors(found.diagnostics):
        return target_sources.refuse(found, fmt)
    with on_terminal("compiling") as progress:
        parts, faults = models.parts(progress)
    if has_errors(faults):
        return repo.refuse(models, faults, fmt)
    forest = models.compiler.resolver.forest
    counted = Forest({group.id: group for group in forest if group not in out})
    census = take_census(counted, parts, found.targets)
    failed = [what for what in wanted if getattr(census, what)]
    if fmt == "json":
        write(_json(census, failed))
    else:
        write(_text(census, Painter(screen().color)))
    return 1 if failed else 0


def _wanted(fail_on: str) -> tuple[str, ...]:
    wanted = tuple(filter(None, (word.strip() for word in fail_on.split(","))))
    unknown = next((word for word in wanted if word not in _FINDINGS), None)
    if unknown is not None:
        raise click.UsageError(f"--fail-on knows {', '.join(_FINDINGS)}, not {unknown!r}")
    return wanted


def _json(census: Census, failed: list[str]) -> str:
    data = {
        "targets": census.targets,
        "rules": census.rules,
        "uncovered": [_target(target) for target in census.uncovered],
        "twice": [
            {"rules": [_part(part) for part in twice.parts], "targets": [_target(t) for t in twice.targets]}
            for twice in census.twice
        ],
        "empty": [{"group_id": g.id, "group_name": g.name, "path": g.path} for g in census.empty],
        "failed_on": failed,
    }
    return json.dumps(data, indent=2) + "\n"


def _target(target: Target) -> dict[str, Any]:
    return {"target_id": target.id, "hostname": target.hostname, "labels": dict(target.labels)}


def _part(part: Part) -> dict[str, Any]:
    return {
        "group_id": part.group_id,
        "rule": part.rule,
        "name": part.name,
        "kind": part.kind,
        "template": part.template,
        "severity": part.severity,
    }


def _text(census: Census, paint: Painter) -> str:
    from rulecompiler.cli.compile_command import plural
    from rulecompiler.explain import show_matcher
    from rulecompiler.terminal import visible

    def labelled(target: Target) -> str:
        labels = ", ".join(f'{k}="{v}"' for k, v in target.labels.items() if k != "instance")
        return visible(f"  {target.shown}  {{{labels}}}")

    lines = []
    if census.uncovered:
        what = plural(len(census.uncovered), "target")
        lines.append(f"{paint('uncovered', 'error')}: no alert covers {what}")
        lines += [*map(labelled, census.uncovered[:_SHOWN]), *_more(len(census.uncovered))]
    for twice in census.twice:
        what = plural(len(twice.targets), "target")
        names = " and ".join(f"{part.name} of {part.group_id}" for part in twice.parts)
        lines.append(f"{paint('twice', 'error')}: {visible(names)} cover the same {what}")
        lines += [*map(labelled, twice.targets[:_SHOWN]), *_more(len(twice.targets))]
    if census.empty:
        what = plural(len(census.empty), "group")
        lines.append(f"{paint('empty', 'warning')}: no target is in {what}")
        for group in census.empty[:_SHOWN]:
            scope = ", ".join(map(show_matcher, group.scope))
            lines.append(visible(f"  {group.id}  {{{scope}}}  {group.path}"))
        lines += _more(len(census.empty))
    found = f"{len(census.uncovered)} uncovered, {len(census.twice)} covered twice, {len(census.empty)} empty"
    asked = f"{plural(census.targets, 'target')}, {plural(census.rules, 'rule')}"
    lines.append(f"{asked}: {found if lines else 'each covered, none twice, no group empty'}")
    return "\n".join(lines) + "\n"


def _more(count: int) -> list[str]:
    return [f"  and {count - _SHOWN} more: --format json has them all"] if count > _SHOWN else []
