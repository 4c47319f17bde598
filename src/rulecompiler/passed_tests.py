"""Which unit tests have passed before, for hooks that have no second to wait; CI never reads it.

A test is known by the very files that promtool would get. Losing the record costs time only.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from rulecompiler import state_folder

_FILE = "unit-tests.json"


def load(root: Path, tool: Path, version: str) -> frozenset[str]:
    """The digests of what passed under this very promtool; none where nothing is known."""
    try:
        known = json.loads(state_folder.read(root, _FILE))
        if known["promtool"] == _identity(tool, version):
            return frozenset(map(str, known["passed"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass
    return frozenset()


def save(root: Path, tool: Path, version: str, passed: Iterable[str]) -> None:
    """Replaces what is known; it is not, where the folder cannot be written or is in use."""
    with contextlib.suppress(OSError):
        data = {"promtool": _identity(tool, version), "passed": sorted(passed)}
        with state_folder.locked(root, 0.0) as locked_out:
            if locked_out is None:
                state_folder.replace(root, _FILE, json.dumps(data).encode())


def _identity(tool: Path, version: str) -> str:
    # Raises OSError. A build of one's own may keep the version; it has another size or time.
    found = tool.stat()
    return hashlib.sha256(
        f"{version}\0{tool.resolve()}\0{found.st_size}\0{found.st_mtime_ns}".encode()
    ).hexdigest()
