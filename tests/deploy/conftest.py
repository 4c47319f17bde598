"""Fixtures of the tests that deploy."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.disk_world import DiskWorld, disk_world


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


@pytest.fixture(scope="module", params=["release", "flat"])
def disk(
    request: pytest.FixtureRequest, prometheus: Path, promtool: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DiskWorld]:
    """A server for all faults of a module, once for each layout; `w` is what a test wants."""
    with disk_world(prometheus, promtool, tmp_path_factory.mktemp("disk"), request.param) as found:
        yield found


@pytest.fixture
def w(disk: DiskWorld) -> DiskWorld:
    """The same, where the old release is live and nothing has gone wrong."""
    disk.reset()
    return disk
