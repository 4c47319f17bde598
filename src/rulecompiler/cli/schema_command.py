"""`rulecompiler schema`: the JSON Schemas, for editors and other tools."""

from __future__ import annotations

import os
from typing import cast

import click

from rulecompiler.cli.output import repo_root

_KINDS = ("template", "group", "settings")


@click.command()
@click.argument("kind", type=click.Choice(_KINDS), required=False)
@click.option("--repo", is_flag=True, help="Know this repo's templates and their parameters (group only).")
def schema(kind: str | None, repo: bool) -> int:
    """Print the JSON Schema of a template, a group or the settings; without KIND all three as one object.

    \b
    Examples:
      rulecompiler schema template
      rulecompiler schema group --repo > schemas/repo-group.schema.json
          an editor that group files point to this then completes and checks `params:`
    """
    from rulecompiler.schema import Kind, text

    if repo and kind != "group":
        raise click.UsageError("--repo goes with a group: rulecompiler schema group --repo")
    if repo:
        click.echo(_of_repo(), nl=False)
    elif kind is not None:
        click.echo(text(cast(Kind, kind)), nl=False)
    else:
        # The texts themselves, so that nothing is reordered or respelt.
        parts = ",\n".join(f'"{name}": {text(cast(Kind, name)).rstrip()}' for name in _KINDS)
        click.echo(f"{{\n{parts}\n}}")
    return 0


def _of_repo() -> str:
    from rulecompiler import compiler, editor, inputs, sources
    from rulecompiler.diagnostics import Diagnostic

    repo = inputs.read_inputs(repo_root(), os.environ)
    templates, groups, unread = [], [], 0
    for raw in (*repo.templates, *repo.groups):
        source = sources.decode(raw)
        if isinstance(source, Diagnostic):
            unread += 1
        elif raw in repo.templates:
            template, _ = compiler.read_template(source, repo.options)
            if isinstance(template, compiler.Broken):
                unread += 1
            else:
                templates.append(template)
        else:
            group, _ = compiler.read_group(source)
            if group is None:
                unread += 1
            else:
                groups.append(group)
    if unread:
        click.echo(
            f"rulecompiler: {unread} faulty file{'s are' if unread > 1 else ' is'} left out;"
            " `rulecompiler validate` says why",
            err=True,
        )
    return editor.text(editor.group_schema(templates, groups))
