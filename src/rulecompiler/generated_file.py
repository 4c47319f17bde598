"""By what a generated file is known: its name, and the comment that it begins with."""

from __future__ import annotations

# Whoever owns the output folder knows its files by this; changing it orphans all that exist.
MARKER = "Compiled by rulecompiler."

_HEAD_LINES = 10  # the marker is the first line's; a licence header may have been put above it


def file_name(group_id: str) -> str:
    """The name of a group's generated file, without a folder."""
    return f"group-{group_id}.yml"


def is_generated(text: str) -> bool:
    """Whether a file with this text was written by the compiler: by its opening comment."""
    for line in text.split("\n", _HEAD_LINES)[:_HEAD_LINES]:
        # A merge conflict in the header leaves the file ours, so that a compile resolves it.
        if not line.startswith(("#", "<<<<<<<", "=======", ">>>>>>>")):
            return False
        if MARKER in line:
            return True
    return False
