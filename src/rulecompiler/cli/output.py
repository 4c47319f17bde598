"""What every command needs to print: the terminal's width and colour, and one way out."""

from __future__ import annotations

import os
import posixpath
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

import click

from rulecompiler.diagnostics import Diagnostic, Place, Span
from rulecompiler.reporters import FORMATS
from rulecompiler.terminal import ColorChoice, wants_color


class Screen(NamedTuple):
    """Where output goes: `width` in columns, None where it is no terminal."""

    color: bool
    width: int | None


def screen() -> Screen:
    """What standard output is, and what the user asked for with `--color`."""
    context = click.get_current_context(silent=True)
    choice = cast(ColorChoice, (context and context.find_root().obj) or "auto")
    is_terminal = sys.stdout is not None and sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if is_terminal else None
    return Screen(wants_color(choice, os.environ, is_terminal), width)


def write(text: str) -> None:
    """Text to standard output as it is: colours were decided when it was made."""
    if sys.stdout is not None:
        sys.stdout.write(text)


def here() -> Path:
    """The working directory; a usage error where it is gone."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise click.UsageError("this folder does not exist any more: `cd` to one that does") from None


def repo_root() -> Path:
    """The repo that the working directory is in; a usage error where there is none."""
    from rulecompiler.inputs import find_root

    root = find_root(here())
    if root is None:
        raise click.UsageError(
            "there is no rulecompiler.yaml and no alerts/ here or above: "
            "`rulecompiler init` makes a repo, -C DIR names one"
        )
    return root


def format_option(*formats: str) -> Callable[[Any], Any]:
    """The `--format` option, passed to the command as `fmt`."""
    return click.option(
        "--format",
        "fmt",
        type=click.Choice(formats or FORMATS),
        default="text",
        show_default=True,
        help="How to print the result.",
    )


def show(
    diagnostics: Iterable[Diagnostic],
    fmt: str,
    sources: Mapping[str, str],
    locate: Callable[[Place], Span],
    *,
    titles: Mapping[str, str] | None = None,
    root: Path | None = None,
) -> None:
    """Print diagnostics in a format; `root` is the repo of the rules, for GitHub's paths."""
    from rulecompiler.reporters import located, report

    color, width = screen()
    prefix = checkout_prefix(root, os.environ) if root is not None else ""
    placed = located(diagnostics, locate)
    write(report(placed, fmt, sources, color=color, width=width, titles=titles, prefix=prefix))


def show_unplaced(diagnostics: Iterable[Diagnostic]) -> None:
    """Print diagnostics that are about no file, such as what a server says."""
    found = tuple(diagnostics)
    if found:
        from rulecompiler.document import Locator

        show(found, "text", {}, Locator({}).span)


def checkout_prefix(root: Path, environ: Mapping[str, str]) -> str:
    """From the root of GitHub's checkout to the rules (`monitoring/`); empty outside of a workflow."""
    workspace = environ.get("GITHUB_WORKSPACE")
    if not workspace:
        return ""
    try:
        inside = root.resolve().relative_to(Path(workspace).resolve()).as_posix()
    except ValueError:
        return ""
    return "" if inside == "." else posixpath.join(inside, "")
