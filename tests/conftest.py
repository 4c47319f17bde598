"""Fixtures that find the real programs; everything else a test makes for itself."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).resolve().parent.parent

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts background jobs so; what the tests start would inherit it, and be deaf to an interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def promtool() -> Path:
    """Path of promtool, found as the compiler finds it."""
    return _program("promtool", os.environ.get("PROMTOOL_PATH"))


@pytest.fixture(scope="session")
def prometheus() -> Path:
    """Path of a Prometheus server, to be started on loopback only."""
    return _program("prometheus")


@pytest.fixture(scope="session")
def prometheus_3() -> Path:
    """Path of a Prometheus 3 server. Not even CI must have one: only some Debian suites carry it."""
    homes = sorted((ROOT / ".tools").glob("prometheus-3.*/prometheus"))
    if not homes:
        pytest.skip("no Prometheus 3 is here: `python3 scripts/get_prometheus.py --version 3` gets one")
    return homes[-1]


@pytest.fixture(scope="session")
def node_exporter() -> Path:
    """Path of node_exporter, to be started on loopback only; got from Debian where it is missing."""
    return _got("node_exporter", "prometheus-node-exporter")


@pytest.fixture(scope="session")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Path of Alertmanager, to be started on loopback only; got from Debian where it is missing."""
    program = _got("alertmanager", "prometheus-alertmanager")
    home = program.resolve().parent
    if not (home / "default.tmpl").is_file() or Path(_DEBIAN_TEMPLATES, "default.tmpl").exists():
        return program
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode:
        pytest.skip(f"Debian's Alertmanager needs {_DEBIAN_TEMPLATES}: install prometheus-alertmanager")
    wrapper = tmp_path_factory.mktemp("alertmanager") / "alertmanager"
    wrapper.write_text(_SHOW_TEMPLATES.format(home=home, folder=_DEBIAN_TEMPLATES))
    wrapper.chmod(0o755)
    return wrapper


_DEBIAN_TEMPLATES = "/usr/share/prometheus/alertmanager"
# Where this program alone sees them: a mount in a name space of its own.
_SHOW_TEMPLATES = """\
#!/bin/sh
exec unshare -rm sh -ec '
  mount -t tmpfs none /usr/share
  mkdir -p {folder}
  cp {home}/*.tmpl {folder}
  exec {home}/alertmanager "$@"
' alertmanager "$@"
"""


@pytest.fixture(scope="session")
def vmalert() -> Path:
    """Path of vmalert, to be started on loopback only; got from Debian where it is missing."""
    return _got("vmalert")


def _got(name: str, in_debian: str = "") -> Path:
    # Installed from Debian's package, it may have the package's name.
    found = _find(name) or (_find(in_debian) if in_debian else None)
    if not found and (problem := _get(name)):
        _missing(problem)
    return found or _program(name)


def _program(name: str, named: str | None = None) -> Path:
    found = Path(named) if named else _find(name)
    return found or _missing(f"{name} is not here: run `make setup`")


def _find(name: str) -> Path | None:
    found = shutil.which(name) or shutil.which(name, path=str(ROOT / ".tools" / "bin"))
    return Path(found) if found else None


def _missing(reason: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(reason)  # CI that skips what it is for would be green for nothing
    pytest.skip(reason)


def _get(name: str, seconds: float = 120) -> str | None:
    """Let the project's own script get a program; return what it complains of."""
    command = [sys.executable, str(ROOT / "scripts" / "get_prometheus.py"), name]
    # A session of its own: where the network swallows packets, apt must end together with the script.
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            _, complaint = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return f"{name} is not here, and getting it took longer than {seconds:g} s"
    return complaint.strip() if process.returncode else None
