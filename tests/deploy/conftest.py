"""Fixtures of the tests that deploy."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def strace(tmp_path_factory: pytest.TempPathFactory) -> str:
    """strace, where it may trace."""
    program = shutil.which("strace")
    if program is None:
        pytest.skip("strace is not here: install the package of this name")
    log: Path = tmp_path_factory.mktemp("strace") / "log"
    command = [program, "-o", str(log), "-e", "inject=read:error=EIO:when=9999", "true"]
    tried = subprocess.run(command, capture_output=True, text=True, check=False)
    if tried.returncode:
        reason = f"strace may not trace here: {tried.stderr.strip()}"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    return program
