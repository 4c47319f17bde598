"""Real git repositories of small alert repos, for `rulecompiler diff` to read."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

TEMPLATE = "alert: Down\nexpr: up == 0\nfor: 5m\nlabels: {severity: warning}\nannotations: {summary: down}\n"
GROUP = "group: web\nrules: {Down: {}}\n"
FILES: Mapping[str, str | bytes] = {
    "alerts/templates/Down.yaml": TEMPLATE,
    "alerts/groups/web.yaml": GROUP,
    "alerts/groups/db.yaml": "group: db\nrules: {Down: {for: 10m}}\n",
}
_ENV = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.com",
    "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z",
    "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z",
}


class Checkout:
    """A repository with a working tree below `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def git(self, *words: str) -> str:
        """What git answers; its failure is the test's."""
        done = subprocess.run(
            ["git", *words], cwd=self.root, env={**os.environ, **_ENV}, check=True, capture_output=True
        )
        return done.stdout.decode().strip()

    def put(self, files: Mapping[str, str | bytes | None]) -> None:
        """Writes files; None takes one away."""
        for path, content in files.items():
            file = self.root / path
            if content is None:
                file.unlink()
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content if isinstance(content, bytes) else content.encode())

    def commit(self, files: Mapping[str, str | bytes | None], message: str = "edit") -> str:
        """Writes and commits all; the commit's hash."""
        self.put(files)
        self.git("add", "-A")
        self.git("commit", "-qm", message, "--allow-empty")
        return self.git("rev-parse", "HEAD")

    def snapshot(self) -> dict[str, tuple[int, bytes]]:
        """All files, those of git too, with their times and contents."""
        found = {}
        for folder, _, names in os.walk(self.root):
            for name in names:
                path = Path(folder, name)
                if not path.is_symlink():
                    found[str(path.relative_to(self.root))] = (path.stat().st_mtime_ns, path.read_bytes())
        return found


def checkout(root: Path, files: Mapping[str, str | bytes] = FILES, branch: str = "main") -> Checkout:
    """A new repository with these files in its first commit, on this branch."""
    root.mkdir(parents=True)
    made = Checkout(root)
    made.git("init", "-q", "-b", branch)
    if files:
        made.commit(files, "first")
    return made
