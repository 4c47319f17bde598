"""`rulecompiler watch`: compile on save, and show at once what that does."""

from __future__ import annotations

import contextlib
import signal
import sys
from typing import TYPE_CHECKING

import click

from rulecompiler.cli.output import repo_root

if TYPE_CHECKING:
    from types import FrameType


class Ending:
    """Ends what runs by a KeyboardInterrupt, and knows that it is to end should that be lost."""

    def __init__(self) -> None:
        self.is_wanted = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """A signal's handler. Where Python is just tidying up, what it raises is dropped."""
        self.is_wanted = True
        raise KeyboardInterrupt


def _unless_interrupted(dropped: sys.UnraisableHookArgs) -> None:
    """Says what was dropped, but for an interrupt, which `Ending` remembers."""
    if not issubclass(dropped.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(dropped)


@click.command()
@click.option(
    "--base",
    metavar="REF",
    help="Plan from here. Default: where HEAD and the main branch parted, as in `diff`.",
)
@click.option("-n", "--dry-run", is_flag=True, help="Write nothing.")
@click.option("--jobs", type=click.IntRange(min=0), default=0, metavar="N", help="Processes; 0: one a core.")
def watch(base: str | None, dry_run: bool, jobs: int) -> int:
    """Compile alerts/ whenever something there is saved, and show the plan, or what is wrong.

    Writes generated/ as `rulecompiler compile` does; with any error, nothing. Ctrl-C ends it.

    \b
    Examples:
      rulecompiler watch
      rulecompiler watch --dry-run --base HEAD   what is not committed yet
    """
    from rulecompiler.cli.watching import Watching

    root = repo_root()
    ending = Ending()
    sys.unraisablehook = _unless_interrupted
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:  # whoever ignores it does so for us
            signal.signal(number, ending)
    with contextlib.suppress(KeyboardInterrupt):  # the way to end it, and so no fault
        Watching(root, base, dry_run, jobs, ending).run()
    return 0
