"""The same files give the same bytes, whatever is around them."""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
SRC = HERE.parent / "src"


def tree(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (root / "generated").iterdir()}


def compiled(
    root: Path,
    *args: str,
    cwd: Path | None = None,
    umask: int = -1,
    environ: Mapping[str, str] | None = None,
) -> dict[str, bytes]:
    """What a compile by the command gives, in an environment of its own."""
    where = [] if cwd else ["-C", str(root)]
    done = subprocess.run(
        [sys.executable, "-m", "rulecompiler", *where, "compile", "--no-validate", *args],
        capture_output=True,
        text=True,
        cwd=cwd,
        umask=umask,
        env={**os.environ, "PYTHONPATH": str(SRC), **(environ or {})},
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    return tree(root)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty groups, enough for several processes, and some that use more of the language."""
    root = tmp_path_factory.mktemp("source") / "repo"
    runpy.run_path(str(HERE / "bench/synthetic.py"))["build"](root, 28)
    shutil.copytree(
        HERE / "cases/good-slices-and-exclusions/input/alerts", root / "alerts", dirs_exist_ok=True
    )
    utf8 = HERE / "cases/good-utf8/input/alerts"
    shutil.copytree(utf8 / "templates/Ünïcode", root / "alerts/templates/Ünïcode")
    text = (utf8 / "groups/grp-1.yaml").read_text("utf-8").replace("grp-1", "utf-8")
    (root / "alerts/groups/utf-8.yaml").write_text(text, "utf-8")
    return root


@pytest.fixture(scope="module")
def expected(source: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    root = tmp_path_factory.mktemp("expected") / "repo"
    shutil.copytree(source, root)
    return compiled(root, "--jobs", "1", environ={"PYTHONHASHSEED": "0"})


@pytest.fixture
def root(source: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(source, tmp_path / "repo"))


@pytest.mark.parametrize(
    "environ",
    [
        {"PYTHONHASHSEED": "1"},
        {"PYTHONHASHSEED": "4242"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"},
        {"LC_ALL": "de_DE.ISO-8859-1", "PYTHONUTF8": "0"},
        {"TZ": "Pacific/Kiritimati"},
        {"PYTHONOPTIMIZE": "2"},
        {"HOME": "/nonexistent", "USER": "nobody", "COLUMNS": "20", "TERM": "dumb"},
    ],
)
def test_the_environment_has_no_say(
    root: Path, expected: Mapping[str, bytes], environ: Mapping[str, str]
) -> None:
    assert compiled(root, environ=environ) == expected


@pytest.mark.parametrize("jobs", ["0", "1", "2", "4"])
def test_nor_has_the_number_of_jobs(root: Path, expected: Mapping[str, bytes], jobs: str) -> None:
    assert compiled(root, "--jobs", jobs) == expected


def test_nor_has_the_working_directory(root: Path, expected: Mapping[str, bytes]) -> None:
    assert compiled(root, cwd=root / "alerts/groups") == expected


def test_nor_has_the_cache(root: Path, expected: Mapping[str, bytes]) -> None:
    assert compiled(root) == expected
    (root / "generated/group-leaf-0003.yml").unlink()
    assert compiled(root) == expected
    shutil.rmtree(root / "generated")
    assert compiled(root) == expected
    shutil.rmtree(root / ".rulecompiler")
    assert compiled(root) == expected


def test_nor_have_the_order_of_creation_and_the_place_of_the_checkout(
    source: Path, tmp_path: Path, expected: Mapping[str, bytes]
) -> None:
    root = tmp_path / "somewhere else" / "with ünïcode" / "repo"
    for path in sorted(source.rglob("*"), reverse=True):
        if path.is_file():
            (root / path.relative_to(source)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, root / path.relative_to(source))
    assert compiled(root) == expected


def test_nor_have_umask_and_times(root: Path, expected: Mapping[str, bytes]) -> None:
    for path in root.rglob("*.yaml"):
        os.utime(path, (0, 0))
    assert compiled(root, umask=0o077) == expected


def test_the_output_names_no_machine_and_no_moment(root: Path, expected: Mapping[str, bytes]) -> None:
    for data in expected.values():
        for word in (str(root.parent), os.uname().nodename, tempfile.gettempdir()):
            assert word.encode() not in data
