"""`rulecompiler backtest`: what the changed alerts would have done in the past."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rulecompiler.cli.fail_on import fail_on_option, failing
from rulecompiler.cli.output import format_option, repo_root, screen, show_unplaced, write
from rulecompiler.cli.report_file import output_option

if TYPE_CHECKING:
    from rulecompiler.backtest.model import Backtest
    from rulecompiler.diagnostics import Diagnostic
    from rulecompiler.diff.model import Plan

FAIL_ON = ("more", "gone", "unknown")
_LONGEST = 366 * 86_400_000


def _duration(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """A duration of Prometheus' in milliseconds; a usage error for anything else."""
    from rulecompiler.promql.durations import milliseconds

    if value is None:
        return None
    length = milliseconds(value)
    if not length:
        raise click.BadParameter(f"{value!r} is no duration such as 30s, 5m or 7d", ctx, param)
    if length > _LONGEST:
        raise click.BadParameter(f"{value!r} is longer than a year", ctx, param)
    return length


def _moment(ctx: click.Context, param: click.Parameter, value: str | None) -> int:
    """A time in milliseconds since 1970, now by default; a usage error where it cannot be read."""
    if value is None:
        return int(time.time() * 1000)
    try:
        if value.isdecimal() and len(value) <= 11:
            return int(value) * 1000
        when = datetime.fromisoformat(value)
        moment = int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() * 1000)
        if moment < 0:
            raise ValueError
        return moment
    except (ValueError, OverflowError):
        message = f"{value!r} is no time such as 2026-11-20T06:00:00Z, and no seconds since 1970"
        raise click.BadParameter(message, ctx, param) from None


@click.command()
@click.option(
    "--base", metavar="REF", help="Compare from here. Default: where HEAD and the main branch parted."
)
@click.option("--head", metavar="REF", help="Compare to here. Default: the working tree.")
@click.option(
    "--prometheus",
    "given",
    metavar="URL",
    help="The server to ask. Default: the settings' or PROMETHEUS_URL.",
)
@click.option(
    "--since", callback=_duration, default="7d", show_default=True, metavar="TIME", help="How far back."
)
@click.option(
    "--until", callback=_moment, metavar="WHEN", help="Until when, as 2026-11-20T06:00:00Z. Default: now."
)
@click.option(
    "--step", callback=_duration, metavar="TIME", help="Evaluate so often. Default: as the rule's group does."
)
@click.option(
    "--max-queries", type=click.IntRange(min=1), default=200, show_default=True, help="Ask no more than that."
)
@click.option(
    "--max-series",
    type=click.IntRange(min=1),
    default=10_000,
    show_default=True,
    help="Of one query's result.",
)
@click.option(
    "--timeout", callback=_duration, default="30s", show_default=True, metavar="TIME", help="For a query."
)
@click.option(
    "--max-time", callback=_duration, default="10m", show_default=True, metavar="TIME", help="For all."
)
@click.option(
    "--images",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="With markdown: write a picture an alert to DIR, and show those.",
)
@fail_on_option(FAIL_ON)
@click.option("--full", is_flag=True, help="Leave nothing out.")
@click.option("--jobs", type=click.IntRange(min=0), default=0, metavar="N", help="Processes; 0: one a core.")
@output_option()
@format_option("text", "json", "markdown", "html")
def backtest(
    base: str | None,
    head: str | None,
    given: str | None,
    since: int,
    until: int,
    step: int | None,
    max_queries: int,
    max_series: int,
    timeout: int,
    max_time: int,
    images: Path | None,
    fail_on: tuple[str, ...],
    full: bool,
    jobs: int,
    fmt: str,
    output: str | None,
) -> int:
    """Show what the changed alerts would have done in the past, before the change and after it.

    Of the alerts that `diff` finds changed, the old and the new query are put to a server for the last
    days, and Prometheus' alert states are played through with `for` and `keep_firing_for`.

    \b
    What --fail-on knows:
      more      an alert fires more often, or nearly all the time
      gone      an alert that fired no longer would, and nothing covers it
      unknown   of some alert nobody can say

    \b
    Exit codes:
      0  shown, whatever it is
      1  no server could be asked, the head does not compile, or --fail-on

    \b
    Examples:
      rulecompiler backtest --prometheus http://localhost:9090
      rulecompiler backtest --since 30d --base main --head HEAD
      rulecompiler backtest --format html --output backtest.html
    """
    from rulecompiler.backtest.grid import Window
    from rulecompiler.cli import backtesting
    from rulecompiler.cli.diff_against import Refused
    from rulecompiler.cli.diff_command import plan_of_commits
    from rulecompiler.diagnostics import Diagnostic

    if images is not None and fmt != "markdown":
        raise click.UsageError("--images goes with --format markdown: html has its pictures inside")
    root = repo_root()
    try:
        url = backtesting.server_url(given)
        plan, _ = plan_of_commits(root, base, head, jobs)
    except Refused as refused:
        return _refuse(refused.diagnostics, refused.texts, fmt, output)
    window = Window(until - since, until)
    wish = backtesting.Wish(window, step, max_queries, max_series, timeout / 1000, max_time / 1000)
    found = backtesting.backtest(plan, url, wish)
    if isinstance(found, Diagnostic):
        return _refuse((found,), {}, fmt, output)
    fault = _write_out(found, fmt, full, images, output)
    if fault is not None:
        show_unplaced((fault,))
        return 1
    return _verdict(plan, found, fail_on, spoken=fmt == "text" or output is not None)


def _write_out(
    found: Backtest, fmt: str, full: bool, images: Path | None, output: str | None
) -> Diagnostic | None:
    """Prints the report, or writes it with its pictures; what could not be written (RC735)."""
    from rulecompiler.backtest.words import summary
    from rulecompiler.cli.report_file import make_folder, write_report

    if images is not None:
        from rulecompiler.reporters.backtest_markdown import pictures

        fault = make_folder(images)
        for name, picture in pictures(found).items():
            fault = fault or write_report(str(images / name), picture)
        if fault is not None:
            return fault
    if fmt == "text":
        _show_faults(found)
    text = _report(found, fmt, full, images, color=output is None and screen().color)
    if output is None:
        write(text)
        return None
    fault = write_report(output, text)
    if fault is None:
        write(f"{summary(found)}\n")
    return fault


def _report(found: Backtest, fmt: str, full: bool, images: Path | None, *, color: bool) -> str:
    if fmt == "json":
        from rulecompiler.backtest.as_json import as_data

        return json.dumps(as_data(found), indent=2) + "\n"
    if fmt == "html":
        from rulecompiler.reporters.backtest_html import as_html

        return as_html(found)
    if fmt == "markdown":
        from rulecompiler.reporters.backtest_markdown import as_markdown

        return as_markdown(found, images.as_posix() if images is not None else None)
    from rulecompiler.cli.backtest_report import as_text
    from rulecompiler.terminal import Painter

    return as_text(found, Painter(color), screen().width, full=full)


def _show_faults(found: Backtest) -> None:
    from rulecompiler.cli.output import show
    from rulecompiler.codes import TITLES
    from rulecompiler.document import Locator

    show(found.diagnostics, "text", {}, Locator({}).span, titles=TITLES)


def _verdict(plan: Plan, found: Backtest, fail_on: tuple[str, ...], *, spoken: bool) -> int:
    verdicts = [result.verdict for result in found.results]
    numbers = {
        "more": sum(verdict in ("more", "constant") for verdict in verdicts),
        "gone": verdicts.count("silenced"),
        "unknown": found.unknown,
    }
    hit = failing(fail_on, numbers, spoken=spoken)
    broken = any("head" in each.sides for each in plan.incomparable)
    return 1 if hit or broken or found.is_in_vain else 0


def _refuse(
    diagnostics: tuple[Diagnostic, ...], texts: Mapping[str, str], fmt: str, output: str | None
) -> int:
    """Why there is nothing to show; the exit code."""
    from rulecompiler.cli.report_file import write_refusal
    from rulecompiler.codes import TITLES
    from rulecompiler.document import Locator
    from rulecompiler.reporters import located, report

    placed = located(diagnostics, Locator(texts).span)

    def text() -> str:
        if fmt == "markdown":
            from rulecompiler.reporters.backtest_markdown import refusal

            return refusal(placed)
        if fmt == "html":
            from rulecompiler.reporters import backtest_html

            return backtest_html.refusal(placed)
        return report(placed, fmt, texts, titles=TITLES)

    write_refusal(diagnostics, texts, fmt, output, text)
    return 1
