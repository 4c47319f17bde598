"""`rulecompiler explain`: one rule of one group, and where its values come from."""

from __future__ import annotations

import click

from rulecompiler.cli.output import format_option, screen, write


@click.command()
@click.argument("group")
@click.argument("rule")
@format_option("text", "json")
def explain(group: str, rule: str, fmt: str) -> int:
    """Show a rule as it is compiled, and for each value in it where that comes from and what it overrode.

    GROUP is a group's id or name; RULE is the key of an entry, the name of a template, or the name that the
    compiled alert has.

    \b
    Examples:
      rulecompiler explain grp-123 HighCPUUsage
      rulecompiler explain production HighCPUUsage_Production
      rulecompiler explain grp-123 node/HighCPUUsage --format json
    """
    from rulecompiler.cli.explain_report import as_json, as_text
    from rulecompiler.cli.models import read_repo, refuse
    from rulecompiler.diagnostics import Diagnostic, has_errors
    from rulecompiler.explain import explain, find_group, find_rule
    from rulecompiler.terminal import Painter

    models = read_repo()
    if has_errors(models.diagnostics):
        return refuse(models, models.diagnostics, fmt)
    options = models.inputs.options
    known = find_group(models.compiler, group)
    if isinstance(known, Diagnostic):
        return refuse(models, (known,), fmt)
    found = find_rule(models.compiler, known.id, rule, options.alert_names)
    if isinstance(found, Diagnostic):
        return refuse(models, (found,), fmt)
    explanation = explain(models.compiler, found, options.alert_names, models.locator.span)
    if has_errors(explanation.diagnostics):
        return refuse(models, explanation.diagnostics, fmt)
    folder = models.inputs.settings.generated
    if fmt == "json":
        write(as_json(explanation, models.locator.span, models.inputs.texts, folder))
    else:
        paint = Painter(screen().color)
        write(as_text(explanation, models.locator.span, models.inputs.texts, folder, paint, screen().width))
    return 0
