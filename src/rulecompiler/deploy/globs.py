"""What a server's `rule_files` match: as it judges by name, and as the deployer sees it on disk."""

from __future__ import annotations

import fnmatch
import os
import posixpath
import re
import stat
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from rulecompiler.deploy.settings import Target

_MAX_BYTES = 16 * 1024 * 1024  # of a foreign file that is read to find what is wrong with it
_KINDS = (
    (stat.S_ISFIFO, "named pipe"),
    (stat.S_ISSOCK, "socket"),
    (stat.S_ISDIR, "folder"),
    (stat.S_ISCHR, "device"),
    (stat.S_ISBLK, "device"),
)


def unmatched(patterns: Sequence[str], files: Sequence[str]) -> tuple[str, ...]:
    """Those of the files, as paths of the server's, that no pattern matches.

    As Go's filepath.Match does it: `*` and `?` do not match a slash.
    """
    return tuple(file for file in files if not any(_matches(pattern, file) for pattern in patterns))


def on_disk(patterns: Sequence[str], target: Target) -> Iterator[Path]:
    """What the patterns match, as far as the deployer can see the server's folders.

    That is the target's own folder, and everything where both see it under one path.
    """
    server_path = posixpath.normpath(target.server_path or target.path)
    same_view = server_path == posixpath.normpath(target.path)
    for pattern in patterns:
        folder, _, last = posixpath.normpath(pattern).rpartition("/")
        if folder == server_path or folder.startswith(server_path + "/"):
            here = Path(target.path, folder[len(server_path) :].lstrip("/"))
        elif same_view and posixpath.isabs(folder):
            here = Path(folder)
        else:
            continue
        expression = _segment(last)
        try:
            names = sorted(os.listdir(here))
        except OSError:
            continue
        yield from (here / name for name in names if expression.fullmatch(name))


def special(paths: Iterator[Path]) -> tuple[tuple[Path, str], ...]:
    """Those that are neither a file nor a link to one, and what they are."""
    found = []
    for path in paths:
        try:
            mode = path.stat().st_mode
        except OSError:
            found.append((path, "link that leads nowhere"))
            continue
        found += [(path, what) for is_kind, what in _KINDS if is_kind(mode)]
    return tuple(found)


def text_of(path: Path) -> str | None:
    """A rule file's text; None where it is no file, too large, or cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return None
            data = file.read(_MAX_BYTES + 1)
    except OSError:
        return None
    return None if len(data) > _MAX_BYTES else data.decode("utf-8", "replace")


def _matches(pattern: str, path: str) -> bool:
    pattern_parts, parts = posixpath.normpath(pattern).split("/"), posixpath.normpath(path).split("/")
    return len(pattern_parts) == len(parts) and all(
        _segment(p).fullmatch(part) for p, part in zip(pattern_parts, parts, strict=True)
    )


@lru_cache(maxsize=256)
def _segment(pattern: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(pattern))
