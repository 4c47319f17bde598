"""`--fail-on`: which of some numbers make a command fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from rulecompiler.cli.output import write


def fail_on_option(known: Sequence[str]) -> Callable[[Any], Any]:
    """The option, passed as a tuple `fail_on` of names out of `known`."""

    def read(ctx: click.Context, param: click.Parameter, value: str) -> tuple[str, ...]:
        names = tuple(name.strip() for name in value.split(",") if name.strip())
        for name in names:
            if name not in known:
                raise click.BadParameter(f"{name!r} is none of {', '.join(known)}", ctx, param)
        return names

    help_ = f"Exit with 1 on any of: {', '.join(known)}; separated by commas."
    return click.option("--fail-on", callback=read, default="", metavar="NAMES", help=help_)


def failing(fail_on: Sequence[str], numbers: Mapping[str, int], *, spoken: bool) -> bool:
    """Whether any of these is not nought; said on standard output with `spoken`."""
    hit = [name for name in fail_on if numbers[name]]
    if hit and spoken:
        write(f"--fail-on: {', '.join(f'{name} ({numbers[name]:,})' for name in hit)}\n")
    return bool(hit)
