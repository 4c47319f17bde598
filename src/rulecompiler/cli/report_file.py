"""`--output`: a report as a file, whole or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from rulecompiler.cli.output import show, show_unplaced, write
from rulecompiler.diagnostics import Diagnostic

_STANDARD_OUTPUT = frozenset({"/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"})


def output_option() -> Callable[[Any], Any]:
    """`--output FILE`, passed as `output`; None where that is standard output, which needs no option."""

    def read(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
        return None if value in _STANDARD_OUTPUT else value

    help_ = "Write the report there, and print just the summary."
    return click.option("--output", callback=read, metavar="FILE", help=help_)


def write_refusal(
    diagnostics: tuple[Diagnostic, ...],
    texts: Mapping[str, str],
    fmt: str,
    output: str | None,
    text: Callable[[], str],
) -> None:
    """Says why there is no report, on standard output and in the file; `text` makes that in the format.

    A report is made of this too: where it is read, silence would look like "nothing changed".
    """
    from rulecompiler.codes import TITLES
    from rulecompiler.document import Locator

    if output is not None:
        fault = write_report(output, text())
        show_unplaced(() if fault is None else (fault,))
    if output is not None or fmt == "text":
        show(diagnostics, "text", texts, Locator(texts).span, titles=TITLES)
    else:
        write(text())


def make_folder(path: Path) -> Diagnostic | None:
    """Makes a folder for files of a report, and those above it; a fault (RC735) where that fails."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return _unwritten(str(path), error)
    return None


def write_report(path: str, text: str) -> Diagnostic | None:
    """Puts the text in place of what is there; a fault (RC735) leaves that as it was.

    Through a link the file behind it is replaced, with its mode; what is no file, such as a pipe, is
    written to.
    """
    data = text.encode("utf-8", "backslashreplace")
    try:
        try:
            mode = os.stat(path).st_mode
        except FileNotFoundError:
            mode = None
        if mode is None or stat.S_ISREG(mode):
            _replace(Path(os.path.realpath(path)), data, mode)
        else:
            # By the name that was given: a pipe behind /dev/stdout has none of its own.
            with open(path, "wb") as stream:
                stream.write(data)
    except OSError as error:
        return _unwritten(path, error)
    return None


def _unwritten(path: str, error: OSError) -> Diagnostic:
    return Diagnostic(
        "RC735",
        f"the report cannot be written to `{path}`: {error.strerror or error}",
        help="name a file in a folder that is there and can be written",
    )


def _replace(target: Path, data: bytes, mode: int | None) -> None:
    """Writes beside the file and renames, so that nobody ever finds half of it. Raises OSError."""
    temporary = target.parent / f".rulecompiler-report.{os.getpid()}.tmp"
    try:
        with temporary.open("xb") as file:
            file.write(data)
        if mode is not None:
            temporary.chmod(stat.S_IMODE(mode))
        temporary.replace(target)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
