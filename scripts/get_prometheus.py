"""Get promtool and prometheus, which the compiler's checks and tests run.

    python3 scripts/get_prometheus.py                    promtool and prometheus 2.42
    python3 scripts/get_prometheus.py --version 3        a second pair, of Prometheus 3
    python3 scripts/get_prometheus.py alertmanager node_exporter vmalert
    python3 scripts/get_prometheus.py --archive FILE_OR_URL --sha256 HEX

A program on PATH (or promtool at PROMTOOL_PATH) is used as it is. Everything
else goes below .tools/ of this repo, with .tools/bin/ as the stable place to
look; nothing is installed, no root is needed and no service starts. It comes
from Debian's packages where the machine has apt, or from a release archive
that you name together with its checksum. A second run finds everything there
and fetches nothing.

Needs Python 3.11 and nothing else.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import apt_unpack

TOOLS = Path(__file__).resolve().parent.parent / ".tools"


class Failure(Exception):
    """Why a program could not be had, in a sentence for the user."""


@dataclass(frozen=True)
class Product:
    """A set of programs that are released, packaged and kept together."""

    name: str
    programs: tuple[str, ...]
    debian: tuple[str, ...]  # the packages that carry the programs
    suites: tuple[str, ...]  # Debian suites to try, best first
    renamed: tuple[tuple[str, str], ...] = ()  # (name in Debian, upstream's name)
    any_version: bool = True  # whether the machine's own suites will do as well
    data: tuple[str, ...] = ()  # files that are kept beside the programs where a package has them


PROMETHEUS_2 = Product("prometheus", ("promtool", "prometheus"), ("prometheus",), ("bookworm",))
# From trixie on promtool is a package of its own.
PROMETHEUS_3 = Product(
    "prometheus",
    ("promtool", "prometheus"),
    ("prometheus", "promtool"),
    ("sid", "forky"),
    any_version=False,
)
ALERTMANAGER = Product(
    "alertmanager",
    ("alertmanager",),
    ("prometheus-alertmanager",),
    ("bookworm",),
    (("prometheus-alertmanager", "alertmanager"),),
    # Upstream's has them inside; Debian's opens them below /usr/share, where it must be shown them.
    data=("default.tmpl", "email.tmpl"),
)
NODE_EXPORTER = Product(
    "node_exporter",
    ("node_exporter",),
    ("prometheus-node-exporter",),
    ("bookworm",),
    (("prometheus-node-exporter", "node_exporter"),),
)
VMALERT = Product("vmalert", ("vmalert",), ("victoria-metrics",), ("bookworm",))
BY_PROGRAM = {
    "promtool": PROMETHEUS_2,
    "prometheus": PROMETHEUS_2,
    "alertmanager": ALERTMANAGER,
    "node_exporter": NODE_EXPORTER,
    "vmalert": VMALERT,
}


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code: 0 when every program is there, 1 when one is not."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n")[0],
        epilog=(__doc__ or "").partition("\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("programs", nargs="*", metavar="PROGRAM", help=f"any of: {', '.join(BY_PROGRAM)}")
    parser.add_argument("--version", choices=["2", "3"], default="2", help="which Prometheus (default: 2)")
    parser.add_argument("--archive", metavar="FILE_OR_URL", help="unpack this release archive (.tar.gz)")
    parser.add_argument("--sha256", metavar="HEX", help="the checksum that --archive must have")
    parser.add_argument("--quiet", action="store_true", help="print only what was fetched")
    options = parser.parse_args(arguments)
    programs: list[str] = options.programs or ["promtool", "prometheus"]
    unknown = [name for name in programs if name not in BY_PROGRAM]
    if unknown:
        parser.error(f"unknown program {unknown[0]!r}; there are: {', '.join(BY_PROGRAM)}")
    if (options.archive is None) != (options.sha256 is None):
        parser.error("--archive and --sha256 go together: what is not verified is not run")
    try:
        if options.archive:
            print(from_archive(options.archive, options.sha256.lower(), tuple(programs)))
        elif options.version == "3":
            print(second_version(PROMETHEUS_3))
        else:
            for name in programs:
                there = find(name)
                where = there or get(BY_PROGRAM[name], name)
                if not (there and options.quiet):
                    print(f"{name} {version_of(where)}: {where}")
    except Failure as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
    return 0


def find(program: str) -> Path | None:
    """Find a program that is there already: by PROMTOOL_PATH, on PATH, or below .tools/bin."""
    if program == "promtool" and (named := os.environ.get("PROMTOOL_PATH")):
        return Path(named)
    if on_path := shutil.which(program):
        return Path(on_path)
    kept = TOOLS / "bin" / program
    return kept if os.access(kept, os.X_OK) else None


def get(product: Product, program: str) -> Path:
    """Fetch a product from Debian, link its programs into .tools/bin, return the path of `program`."""
    with _lock():
        if there := find(program):  # another run was faster
            return there
        home = _kept(product, "2.42") if product is PROMETHEUS_2 else _kept(product, "")
        _link(home or _from_debian(product), product.programs)
    return TOOLS / "bin" / program


def second_version(product: Product) -> Path:
    """Fetch a version that stands beside the one in .tools/bin; return its folder."""
    with _lock():
        return _kept(product, "3.") or _from_debian(product)


def from_archive(place: str, sha256: str, programs: tuple[str, ...]) -> Path:
    """Unpack an official release archive whose checksum is `sha256`; return the folder it went to.

    Raises Failure where the bytes have another checksum, before anything is unpacked.
    """
    import urllib.request  # costs more than everything else that a run with nothing to do needs

    url = place if re.match(r"[a-z]+://", place) else Path(place).resolve().as_uri()
    with _lock(), _workspace() as work:
        archive = work / "archive.tar.gz"
        digest = hashlib.sha256()
        try:
            with urllib.request.urlopen(url, timeout=60) as source, archive.open("wb") as target:
                while chunk := source.read(1 << 20):
                    digest.update(chunk)
                    target.write(chunk)
        except OSError as error:  # urllib's own errors are among them
            raise Failure(f"cannot read {place}: {error}") from error
        if digest.hexdigest() != sha256:
            raise Failure(
                f"{place} has the checksum {digest.hexdigest()}, not {sha256}; nothing was unpacked"
            )
        try:
            _unpack(archive, work / "files")
        except (tarfile.TarError, OSError) as error:
            raise Failure(f"{place} is not a release archive: {error}") from error
        product = BY_PROGRAM[programs[0]]
        home = _keep(product, work, "release archive")
        _link(home, product.programs)
        return home


def version_of(program: Path) -> str:
    """Ask a program for its version; raises Failure where it does not run on this machine."""
    try:
        done = subprocess.run(
            [str(program), "--version"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failure(f"{program} does not run here: {error}") from error
    # vmalert says vmalert-20230407-010101-tags-v1.90.0-0-gb5d18c0 and, in Debian's build, nothing at all.
    match = re.search(r"(?:version |-tags-v)(\d+\.\d+\.\d+[^\s-]*)", done.stdout + done.stderr)
    if match is None and done.returncode == 0:
        match = re.search(r"Debian package \S+ (\d+\.\d+\.\d+[^\s,-]*)", _origin(program))
    if match is None:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise Failure(f"{program} does not run here: {said[0] if said else f'exit code {done.returncode}'}")
    # Debian appends its own suffix to upstream's version: 2.42.0+ds.
    return match[1].partition("+")[0].rstrip(",")


def _origin(program: Path) -> str:
    try:
        return (program.resolve().parent / "ORIGIN").read_text(encoding="utf-8")
    except OSError:
        return ""


def _from_debian(product: Product) -> Path:
    if not apt_unpack.is_available():
        raise Failure(
            f"{product.name} is not on PATH, and this machine has no apt to get it with. {_way_out(product)}"
        )
    machine = apt_unpack.machine_sources()
    attempts = [
        (source,)
        for suite in product.suites
        if (source := apt_unpack.debian_suite(machine, suite)) is not None
    ]
    problems = [] if attempts or product.any_version else ["this machine's apt has no Debian mirror"]
    for sources in [*attempts, machine] if product.any_version else attempts:
        label = sources[0].suite if len(sources) == 1 else "this machine's own suites"
        print(f"getting {product.name} from {label} ...", file=sys.stderr, flush=True)
        with _workspace() as work:
            try:
                versions = apt_unpack.unpack(product.debian, sources, work / "files")
                origin = ", ".join(
                    f"Debian package {name} {version}" for name, version in sorted(versions.items())
                )
                return _keep(product, work, origin)
            except (apt_unpack.AptError, Failure) as error:
                problems.append(f"{label}: {error}")
    raise Failure(f"cannot get {product.name}.\n  " + "\n  ".join(problems) + f"\n{_way_out(product)}")


def _way_out(product: Product) -> str:
    return (
        f"Install {' and '.join(product.programs)} so that PATH finds it, or download the release archive of "
        f"{product.name} for this machine from the Prometheus project and run this script with "
        f"--archive FILE --sha256 CHECKSUM {product.programs[0]}"
    )


def _unpack(archive: Path, folder: Path) -> None:
    """Write an archive's plain executable files into one folder, by their last names.

    Neither its folders nor its links are followed; `extractall` can do so safely from Python 3.11.4 on only.
    """
    folder.mkdir()
    with tarfile.open(archive) as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isreg() and member.mode & 0o100 else None
            if content is not None:
                target = folder / PurePosixPath(member.name).name
                with content, target.open("wb") as file:
                    shutil.copyfileobj(content, file)
                target.chmod(0o755)


def _keep(product: Product, work: Path, origin: str) -> Path:
    """Move the programs found below `work` to their own folder in .tools, in one step."""
    names = dict(product.renamed)
    ready = work / "ready"
    ready.mkdir()
    for path in sorted((work / "files").rglob("*")):
        name = names.get(path.name, path.name)
        is_program = path.is_file() and not path.is_symlink() and os.access(path, os.X_OK)
        if name in product.programs:
            wanted = is_program and "etc" not in path.parts  # init scripts share the name
        else:
            wanted = name in product.data and path.is_file()
        if wanted:
            shutil.copy2(path, ready / name)
    missing = [name for name in product.programs if not (ready / name).is_file()]
    if missing:
        raise Failure(f"{', '.join(missing)} not found in what was unpacked")
    (ready / "ORIGIN").write_text(origin + "\n", encoding="utf-8")
    version = {version_of(ready / name) for name in product.programs}
    home = TOOLS / f"{product.name}-{version.pop()}"
    if home.exists():  # a folder that lacked a program, or came from elsewhere
        home.rename(work / "replaced")
    ready.rename(home)
    return home


def _kept(product: Product, version: str) -> Path | None:
    """Find a complete folder of the product whose version starts so."""
    for home in sorted(TOOLS.glob(f"{product.name}-{version}*"), reverse=True):
        if all(os.access(home / name, os.X_OK) for name in product.programs):
            return home
    return None


def _link(home: Path, programs: tuple[str, ...]) -> None:
    folder = TOOLS / "bin"
    folder.mkdir(exist_ok=True)
    for name in programs:
        fresh = folder / f".{name}.new"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(Path("..") / home.name / name)
        fresh.replace(folder / name)


@contextmanager
def _lock() -> Iterator[None]:
    """Let one run at a time write below .tools; the system frees the lock of a killed one."""
    TOOLS.mkdir(parents=True, exist_ok=True)
    with (TOOLS / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for left_over in TOOLS.glob(".work-*"):  # of a run that was killed: we hold its lock
            shutil.rmtree(left_over, ignore_errors=True)
        yield


@contextmanager
def _workspace() -> Iterator[Path]:
    """Give a folder on the same disk as .tools, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix=".work-", dir=TOOLS) as name:
        yield Path(name)


if __name__ == "__main__":
    sys.exit(main())
