"""A plan, or why there is none, as the text of a format; and the options that say which and where to."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from rulecompiler.cli.output import format_option
from rulecompiler.cli.report_file import output_option

if TYPE_CHECKING:
    from rulecompiler.diagnostics import Diagnostic
    from rulecompiler.diff.model import Plan

_ADDRESS = re.compile(r"https?://[!#-;=?-\[\]_a-z{|}~]{1,2000}")  # ASCII that no markup can be broken with


def _address(ctx: click.Context, param: click.Parameter, value: str) -> str:
    if value and not _ADDRESS.fullmatch(value):
        raise click.BadParameter(f"{value!r} is no plain http address", ctx, param)
    return value


def plan_output_options(command: Callable[..., Any]) -> Any:
    """`--format`, `--output` and `--link`, passed as `fmt`, `output` and `link`."""
    for option in (
        click.option(
            "--link",
            callback=_address,
            default="",
            metavar="URL",
            help="Where the whole report will lie: markdown and html point there.",
        ),
        output_option(),
        format_option("text", "json", "markdown", "html"),
    ):
        command = option(command)
    return command


def plan_text(plan: Plan, fmt: str, link: str, *, full: bool, color: bool) -> str:
    """The plan in a format."""
    if fmt == "json":
        from rulecompiler.diff.as_json import as_data

        return json.dumps(as_data(plan), indent=2) + "\n"
    if fmt == "markdown":
        from rulecompiler.reporters.plan_markdown import as_markdown

        return as_markdown(plan, link)
    if fmt == "html":
        from rulecompiler.reporters.plan_html import as_html

        return as_html(plan, link)
    from rulecompiler.cli.diff_report import as_text
    from rulecompiler.terminal import Painter

    return as_text(plan, Painter(color), full=full)


def refusal_text(diagnostics: tuple[Diagnostic, ...], texts: Mapping[str, str], fmt: str) -> str:
    """Why nothing could be compared, in a format."""
    from rulecompiler.codes import TITLES
    from rulecompiler.document import Locator
    from rulecompiler.reporters import located, report

    placed = located(diagnostics, Locator(texts).span)
    if fmt == "markdown":
        from rulecompiler.reporters.plan_markdown import refusal

        return refusal(placed)
    if fmt == "html":
        from rulecompiler.reporters import plan_html

        return plan_html.refusal(placed)
    return report(placed, fmt, texts, titles=TITLES)
