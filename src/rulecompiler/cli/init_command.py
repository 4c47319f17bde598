"""`rulecompiler init`: a small working repo to start from."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import get_args

import click

from rulecompiler import __version__

_DOT = "dot-"  # so that a dot file's name is kept from taking effect inside this package


@click.command()
@click.argument("directory", metavar="[DIR]", default=".", type=click.Path(file_okay=False, path_type=Path))
def init(directory: Path) -> int:
    """Make a small working repo in DIR (default: here): a template, two groups, CI, pre-commit, Makefile.

    Nothing that exists is overwritten.

    \b
    Examples:
      rulecompiler init my-alerts
      cd my-alerts && rulecompiler check
    """
    planned = scaffold()
    taken = _taken(directory, planned)
    if taken:
        listed = "".join(f"\n  {path}" for path in taken)
        raise click.ClickException(
            f"nothing was written: these exist already{listed}\n"
            "Move them away, or name another folder: rulecompiler init my-alerts"
        )
    _write(directory, planned)
    code = _compile(directory)
    if code == 0:
        _tell(directory, planned)
    return code


def scaffold() -> Mapping[str, str]:
    """The files of a new repo: path to text."""
    from rulecompiler import schema

    found = dict(_walk(files("rulecompiler") / "scaffold", ""))
    found |= {f"schemas/{kind}.schema.json": schema.text(kind) for kind in get_args(schema.Kind)}
    return dict(sorted(found.items()))


def _walk(folder: Traversable, prefix: str) -> Iterator[tuple[str, str]]:
    for item in folder.iterdir():
        name = f".{item.name.removeprefix(_DOT)}" if item.name.startswith(_DOT) else item.name
        if item.is_dir():
            yield from _walk(item, f"{prefix}{name}/")
        else:
            yield f"{prefix}{name}", item.read_text("utf-8").replace("@VERSION@", __version__)


def _taken(directory: Path, planned: Mapping[str, str]) -> list[str]:
    """What stands in the way: files of ours that exist, and folders of ours that are something else."""
    found = set()
    for path in planned:
        if os.path.lexists(directory / path):
            found.add(path)
        for parent in Path(path).parents[:-1]:
            place = directory / parent
            # A link is in the way even if it leads to a folder: that folder may be anywhere.
            if place.is_symlink() or (place.exists() and not place.is_dir()):
                found.add(parent.as_posix())
    generated = directory / "generated"
    is_folder = generated.is_dir() and not generated.is_symlink()
    if any(generated.iterdir()) if is_folder else os.path.lexists(generated):
        found.add("generated")
    return sorted(found)


def _write(directory: Path, planned: Mapping[str, str]) -> None:
    written: list[Path] = []
    try:
        for path, text in planned.items():
            target = directory / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("x", encoding="utf-8", newline="\n") as file:
                written.append(target)
                file.write(text)
    except OSError:
        for target in written:
            target.unlink(missing_ok=True)
        raise


def _compile(root: Path) -> int:
    from rulecompiler import workspace
    from rulecompiler.diagnostics import has_errors
    from rulecompiler.state_folder import locked

    root = root.resolve()
    with locked(root) as busy:
        outcome = workspace.compile_repo(root, os.environ)
        faults = [*outcome.diagnostics, *([busy] if busy else [])]
        if not has_errors(faults) and (unwritten := workspace.write(outcome)):
            faults.append(unwritten)
    if faults:
        from rulecompiler.cli.output import show
        from rulecompiler.document import Locator

        texts = outcome.inputs.texts
        show(faults, "text", texts, Locator(texts).span)
    return 1 if has_errors(faults) else 0


def _tell(directory: Path, planned: Mapping[str, str]) -> None:
    for path in planned:
        click.echo(f"  {path}")
    where = "" if directory == Path() else f"cd {shlex.quote(str(directory))} && "
    click.echo(
        "\nNext: change the threshold in alerts/groups/production.yaml, then\n"
        f"  {where}rulecompiler compile    writes generated/ and shows what changed\n"
        f"  {where}rulecompiler check      what CI runs"
    )
