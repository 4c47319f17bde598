"""A git repo of rules as a user has it, and the commands as a user types them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_IDENTITY = ("-c", "user.name=tester", "-c", "user.email=tester@example.com")


class Checkout:
    """The repo's folder, and a shell in it."""

    def __init__(self, root: Path, promtool: Path) -> None:
        self.root = root
        self.environ = {
            "PATH": os.environ["PATH"],
            "PROMTOOL_PATH": str(promtool),
            "PYTHONPATH": str(ROOT / "src"),
            "PYTHONWARNINGS": "error",
            "GIT_CONFIG_GLOBAL": os.devnull,
        }
        root.mkdir()
        self.git("init", "--quiet")

    def git(self, *arguments: str) -> str:
        command = ["git", *_IDENTITY, *arguments]
        return subprocess.run(
            command, cwd=self.root, env=self.environ, check=True, capture_output=True, text=True
        ).stdout

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "rules")

    def put(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace what must stand there exactly once."""
        text = (self.root / path).read_text("utf-8")
        assert text.count(old) == 1, text
        (self.root / path).write_text(text.replace(old, new), "utf-8")

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "rulecompiler", *arguments]

    def run(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """A command of ours, however it ends."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.root,
            env=self.environ | environ,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def out(self, *arguments: str, code: int = 0, **environ: str) -> str:
        """What a command of ours prints that ends so."""
        done = self.run(*arguments, **environ)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def data(self, *arguments: str, code: int = 0, **environ: str) -> Any:
        """The same of one that prints JSON, and nothing else."""
        return json.loads(self.out(*arguments, "--format", "json", code=code, **environ))

    def compile_and_commit(self) -> None:
        self.out("compile")
        self.commit()


def codes(data: Mapping[str, Any]) -> set[str]:
    """Of the errors in what a command has printed as JSON."""
    return {found["code"] for found in data["diagnostics"] if found["severity"] == "error"}
