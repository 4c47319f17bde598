"""`rulecompiler effective`: which rules cover a target."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rulecompiler.cli.output import format_option, screen, write

if TYPE_CHECKING:
    from rulecompiler.cli.target_sources import Found
    from rulecompiler.diagnostics import Diagnostic


@click.command()
@click.option(
    "--label", "labels", multiple=True, metavar="K=V", help="A label of the target; repeat it for more."
)
@click.option("--target-file", "files", multiple=True, metavar="FILE", help="The targets of a file_sd file.")
@click.option(
    "--from-prometheus",
    "server",
    nargs=2,
    metavar="URL INSTANCE",
    help="A target that this server scrapes, by its instance or host name.",
)
@format_option("text", "json")
def effective(
    labels: tuple[str, ...], files: tuple[str, ...], server: tuple[str, str] | None, fmt: str
) -> int:
    """Show which rules cover a target and with what values, read off the compiled rules.

    What counts are the labels that the target's series carry: those after relabelling. A file does not
    say them; its labels are taken as they are.

    \b
    Examples:
      rulecompiler effective --label group_id=grp-123
      rulecompiler effective --target-file targets/nodes.json
      rulecompiler effective --from-prometheus http://localhost:9090 gpu-node-01:9100
    """
    from rulecompiler.cli import models as repo
    from rulecompiler.cli import target_sources
    from rulecompiler.cli.effective_report import as_json, as_text
    from rulecompiler.diagnostics import has_errors
    from rulecompiler.effective import Effective
    from rulecompiler.terminal import Painter

    if sum(map(bool, (labels, files, server))) != 1:
        raise click.UsageError("name the target in one way: --label, --target-file or --from-prometheus")
    models = repo.read_repo()
    if has_errors(models.diagnostics):
        return repo.refuse(models, models.diagnostics, fmt)
    if labels:
        found = _labelled(labels)
    elif server:
        found = _at_server(*server)
    else:
        found = target_sources.gathered(map(target_sources.from_file, files))
    if has_errors(found.diagnostics):
        return target_sources.refuse(found, fmt)
    asked = Effective(models.compiler)
    answers = [asked.answer(target) for target in found.targets]
    if has_errors(asked.diagnostics):
        return repo.refuse(models, dict.fromkeys(asked.diagnostics), fmt)
    forest, locate = models.compiler.resolver.forest, models.locator.span
    if fmt == "json":
        write(as_json(answers, forest, locate))
    else:
        write(as_text(answers, locate, Painter(screen().color)))
    return 0


def _labelled(texts: tuple[str, ...]) -> Found:
    from rulecompiler.cli.target_sources import Found
    from rulecompiler.diagnostics import Diagnostic
    from rulecompiler.effective import from_labels, parse_label

    labels: dict[str, str] = {}
    faults: list[Diagnostic] = []
    for text in texts:
        parsed = parse_label(text)
        if isinstance(parsed, Diagnostic):
            faults.append(parsed)
        elif labels.get(parsed[0], parsed[1]) != parsed[1]:
            message = f"the label `{parsed[0]}` is given twice, with different values"
            faults.append(
                Diagnostic("RC742", message, help="a target has one value for a label: drop the other")
            )
        else:
            labels[parsed[0]] = parsed[1]
    return Found((from_labels(labels),), tuple(faults))


def _at_server(url: str, instance: str) -> Found:
    from rulecompiler.cli.target_sources import Found, from_prometheus
    from rulecompiler.diagnostics import Diagnostic
    from rulecompiler.words import did_you_mean

    found = from_prometheus(url)
    if found.diagnostics:
        return found
    for called in ("instance", "hostname"):
        named = tuple(
            t
            for t in found.targets
            if instance in (t.labels.get("instance"), t.hostname)[called == "hostname" :]
        )
        if named:
            return Found(named)
    names = sorted({t.shown for t in found.targets})
    listed = f"it scrapes {', '.join(names[:5])}{' and more' if len(names) > 5 else ''}"
    return Found(
        (),
        (
            Diagnostic(
                "RC746",
                f"the server scrapes no target `{instance}`",
                help=did_you_mean(instance, names, listed if names else "it scrapes nothing at all"),
            ),
        ),
    )
