"""Make .venv: exactly what requirements.lock names, and this package, editable.

Called by scripts/setup.sh, which knows when it is needed. A bare Debian has
python3 without pip and without ensurepip; pip then comes from Debian's
python3-pip-whl, unpacked and not installed.

Needs Python 3.11 and nothing else.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import apt_unpack

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"


class Failure(Exception):
    """The step that failed and what to do about it."""


def main() -> int:
    """Build the environment; return the exit code: 0 done, 1 failed, said on stderr."""
    with (ROOT / ".venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _is_ready():  # made by another run while this one waited
            return 0
        shutil.rmtree(VENV, ignore_errors=True)
        try:
            with tempfile.TemporaryDirectory(prefix="rulecompiler-pip-") as name:
                print(f"making .venv with Python {sys.version.split()[0]} ...", file=sys.stderr, flush=True)
                pip = _create(Path(name))
                print("installing what requirements.lock names ...", file=sys.stderr, flush=True)
                _install(pip)
            (VENV / "ready.new").write_bytes(_inputs())
            (VENV / "ready.new").replace(VENV / "ready")  # last: a killed run leaves no such file
        except Failure as failure:
            shutil.rmtree(VENV, ignore_errors=True)
            print(f"error: {failure}", file=sys.stderr)
            return 1
    return 0


def _inputs() -> bytes:
    """Everything that .venv depends on, as scripts/setup.sh puts it together."""
    names = ("pyproject.toml", "requirements.lock")
    return os.fsencode(ROOT) + b"\n" + b"".join((ROOT / name).read_bytes() for name in names)


def _is_ready() -> bool:
    try:
        alive = subprocess.run([str(PYTHON), "-c", ""], capture_output=True, check=False).returncode == 0
        return alive and (VENV / "ready").read_bytes() == _inputs()
    except OSError:
        return False


def _create(work: Path) -> list[str]:
    """Make the empty environment; return the command that runs a pip in it."""
    if importlib.util.find_spec("ensurepip") is not None:
        command = [sys.executable, "-m", "venv", str(VENV)]
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            return [str(PYTHON), "-m", "pip"]
        shutil.rmtree(VENV, ignore_errors=True)
    command = [sys.executable, "-m", "venv", "--without-pip", str(VENV)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        words = done.stderr.strip()
        raise Failure(f"`{sys.executable} -m venv` failed: {words}\nInstall Python's venv module.")
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    return [str(PYTHON), str(_debian_pip(work))]


def _debian_pip(work: Path) -> Path:
    """Unpack Debian's wheel of pip; return the path at which Python runs it without installing it."""
    remedy = "Install one of them: `apt-get install python3-venv` (Debian, Ubuntu) or `python3 -m ensurepip`."
    if not apt_unpack.is_available():
        raise Failure(f"this Python has neither pip nor ensurepip, and this machine has no apt.\n{remedy}")
    print("this Python has no pip; getting Debian's python3-pip-whl ...", file=sys.stderr, flush=True)
    try:
        apt_unpack.unpack(("python3-pip-whl",), apt_unpack.machine_sources(), work / "files")
    except apt_unpack.AptError as error:
        raise Failure(f"getting pip from Debian's packages failed: {error}.\n{remedy}") from error
    wheels = sorted((work / "files").rglob("pip-*.whl"))
    if not wheels:
        raise Failure(f"Debian's python3-pip-whl holds no pip.\n{remedy}")
    return wheels[-1] / "pip"


def _install(pip: list[str]) -> None:
    install = [*pip, "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    # The lock's hashes decide what may be installed; where it comes from is the machine's own setting.
    _pip(
        [*install, "--require-hashes", "--only-binary", ":all:", "--requirement", "requirements.lock"],
        "installing the packages of requirements.lock failed",
        "pip needs a package index: check the network, and the proxy or index that pip is configured with.",
    )
    _pip(
        [*install, "--no-index", "--no-deps", "--no-build-isolation", "--editable", "."],
        "installing rulecompiler itself failed",
        "This is a fault of the project: please report it with the lines above.",
    )


def _pip(command: list[str], failure: str, remedy: str) -> None:
    # A user-wide or required-virtualenv setting must not redirect what goes into .venv.
    settings = {"PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0"}
    path = os.pathsep.join([str(PYTHON.parent), os.environ.get("PATH", os.defpath)])
    environment = {**os.environ, **settings, "PATH": path}
    if subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, check=False).returncode:
        raise Failure(f"{failure} (pip's words are above).\n{remedy}")


if __name__ == "__main__":
    sys.exit(main())
