"""What `watch` prints: on a terminal one block, which fits; elsewhere one after the other."""

from __future__ import annotations

import os
import re
import shutil
import sys
import time

from rulecompiler.cli.output import screen, write
from rulecompiler.terminal import Painter

_CLEAR = "\x1b[H\x1b[2J\x1b[3J"
_COLOR = re.compile(r"\x1b\[[0-9;]*m")


def paint() -> Painter:
    """Colours as they are wanted here."""
    return Painter(screen().color)


def print_block(what: str, body: str, foot: str, rest: str) -> None:
    """Prints what was saved, what came of it, and the lines that sum it up.

    `rest` is the command that shows what has no room on a terminal.
    """
    head = f"{time.strftime('%H:%M:%S')}  {what}"
    if not _is_terminal():
        write(f"---- {head}\n{body}{foot}")
    else:
        size = shutil.get_terminal_size()
        room = size.lines - 2 - _rows(head, size.columns) - _rows(foot, size.columns)
        write(f"{_CLEAR}{paint()(head, 'bold')}\n\n{_fitting(body, room, size.columns, rest)}{foot}")
    sys.stdout.flush()


def say(text: str) -> None:
    """A line between two blocks."""
    write(paint()(text, "dim") + "\n")
    sys.stdout.flush()


def _is_terminal() -> bool:
    return screen().width is not None and os.environ.get("TERM") != "dumb"


def _fitting(body: str, room: int, columns: int, rest: str) -> str:
    """The lines for which there is room, and how many more there are."""
    lines = body.splitlines()
    taken = 0
    for number, line in enumerate(lines):
        taken += _rows(line, columns)
        if taken > room:
            shown = lines[: max(0, number - 1)]
            left = len(lines) - len(shown)
            return "\n".join([*shown, paint()(f"… {left:,} more lines: {rest}", "dim")]) + "\n"
    return body


def _rows(text: str, columns: int) -> int:
    """How many rows of a terminal the lines take; one that is empty takes one."""
    lines = text.removesuffix("\n").split("\n")
    return sum(max(1, -(-len(_COLOR.sub("", line)) // max(1, columns))) for line in lines)
