"""`rulecompiler list`: the generated files."""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from rulecompiler.cli.compile_command import error_lines, plural
from rulecompiler.cli.output import format_option, repo_root, write

if TYPE_CHECKING:
    from rulecompiler.inputs import Inputs

# A rule's first line, which nothing else in our own layout can look like.
_RULE = re.compile(r"^  - (?:alert|record): ", re.MULTILINE)


@click.command("list")
@format_option("text", "json")
def list_(fmt: str) -> int:
    """List the generated files with their groups, rules and sizes.

    \b
    Examples:
      rulecompiler list
      rulecompiler list --format json
    """
    from rulecompiler.diagnostics import has_errors
    from rulecompiler.document import Locator
    from rulecompiler.inputs import read_inputs

    inputs = read_inputs(repo_root(), os.environ)
    files = _files(inputs)
    failed = has_errors(inputs.diagnostics)
    if fmt == "json":
        data: dict[str, Any] = {"files": files, "total": len(files)}
        if failed:
            data["errors"] = error_lines(inputs.diagnostics)
        write(json.dumps(data, indent=2, ensure_ascii=False) + "\n")
        return 1 if failed else 0
    if inputs.diagnostics:
        from rulecompiler.cli.output import show

        show(inputs.diagnostics, "text", inputs.texts, Locator(inputs.texts).span)
    widest = max((len(f["file_name"]) for f in files), default=0)
    for file in files:
        rules = plural(file["rule_count"], "rule")
        write(f"{file['file_name']:<{widest}}  {rules:>12}  {file['size_bytes']:>12,} bytes\n")
    write(f"{plural(len(files), 'file')}, {plural(sum(f['rule_count'] for f in files), 'rule')}\n")
    return 1 if failed else 0


def _files(inputs: Inputs) -> list[dict[str, Any]]:
    """The files under the replaced server's field names."""
    from rulecompiler import output

    folder = inputs.settings.generated
    found = []
    for name, file in inputs.generated.items():
        text = output.read(inputs.root, folder, name)
        if text is None:
            continue
        modified = (inputs.root / folder / name).stat().st_mtime
        found.append(
            {
                "group_id": name.removeprefix("group-").removesuffix(".yml"),
                "file_name": name,
                "rule_count": len(_RULE.findall(text)),
                "size_bytes": file.size,
                "modified_at": datetime.fromtimestamp(modified, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
        )
    return found
