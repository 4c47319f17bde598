"""Unpack Debian packages into a folder: without root, without installing, without starting anything.

`apt-get download` runs with sources, lists, cache and state of its own, and
`dpkg-deb` unpacks the files. The mirror, the proxy and the signing keys are
the machine's: this module names no host and trusts no key of its own.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

KEYRINGS = (
    Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
    Path("/usr/share/keyrings/debian-archive-keyring.pgp"),
)
_ONE_LINE = re.compile(
    r"^deb\s+(?:\[(?P<options>[^]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s+(?P<components>.+)$"
)


class AptError(Exception):
    """What apt or dpkg could not do, in a sentence for the user."""


@dataclass(frozen=True)
class AptSource:
    """One line of apt's sources: a mirror, a suite of it, and the keys that sign it."""

    uri: str
    suite: str
    components: str
    signed_by: str | None = None

    def line(self) -> str:
        """Return the source in apt's one-line format."""
        options = f" [signed-by={self.signed_by}]" if self.signed_by else ""
        return f"deb{options} {self.uri} {self.suite} {self.components}"


def is_available() -> bool:
    """Say whether this machine has apt and dpkg at all."""
    return all(shutil.which(tool) for tool in ("apt-get", "apt-config", "dpkg-deb"))


def machine_sources(etc: Path = Path("/etc/apt")) -> tuple[AptSource, ...]:
    """Read the binary sources that this machine uses, from both of apt's formats, in apt's order."""
    files = [etc / "sources.list"]
    parts = etc / "sources.list.d"
    if parts.is_dir():
        files += sorted(path for path in parts.iterdir() if path.suffix in {".list", ".sources"})
    found: list[AptSource] = []
    for path in files:
        if path.is_file():
            read = _read_deb822 if path.suffix == ".sources" else _read_one_line
            found += read(path.read_text(encoding="utf-8", errors="replace"))
    return tuple(found)


def debian_suite(sources: tuple[AptSource, ...], suite: str) -> AptSource | None:
    """Aim this machine's Debian mirror at another suite; None where the machine does not use Debian."""
    for source in sources:
        # A mirror's main archive is the source with a plain suite: "bookworm-updates"
        # shares it, "bookworm-security" usually lives elsewhere.
        plain = "-" not in source.suite and "/" not in source.suite
        if plain and "main" in source.components.split() and _is_debian():
            keyring = next((str(path) for path in KEYRINGS if path.is_file()), source.signed_by)
            return AptSource(source.uri, suite, "main", keyring)
    return None


def unpack(packages: tuple[str, ...], sources: tuple[AptSource, ...], target: Path) -> dict[str, str]:
    """Unpack `packages` from `sources` into the folder `target`; return each package's version.

    Raises AptError with apt's own last words where a step fails.
    """
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="apt-", dir=target.parent) as name:
        work = Path(name)
        environment = _private_apt(work, sources)
        # A list that cannot be had may not be the one that matters: the download decides. apt
        # takes nothing from a suite that no trusted key has signed.
        _, complaints = _run(["apt-get", "update"], environment, work)
        code, more = _run(["apt-get", "download", *packages], environment, work)
        if code != 0:
            raise AptError(f"apt could not download {', '.join(packages)}: {_explain(complaints + more)}")
        versions: dict[str, str] = {}
        for deb in sorted(work.glob("*.deb")):
            code, complaints = _run(
                ["dpkg-deb", "--extract", deb.name, str(target.resolve())], environment, work
            )
            if code != 0:
                raise AptError(f"dpkg could not unpack {deb.name}: {_explain(complaints)}")
            # apt writes NAME_VERSION_ARCH.deb, with the version's colon encoded.
            package, version, _ = deb.name.split("_", 2)
            versions[package] = version.replace("%3a", ":")
        return versions


def _private_apt(work: Path, sources: tuple[AptSource, ...]) -> dict[str, str]:
    """Lay out an apt of our own below `work` and return the environment that selects it."""
    for folder in ("lists/partial", "cache/archives/partial", "etc"):
        (work / folder).mkdir(parents=True)
    (work / "status").touch()
    lines = "".join(source.line() + "\n" for source in sources)
    (work / "etc/sources.list").write_text(lines, encoding="utf-8")
    # The machine's way to the network (proxies, certificates) counts; its
    # hooks, pins and cleaners do not: they are for the system's own packages.
    network = [line for line in _machine_settings() if line.startswith("Acquire::")]
    settings = {
        "Dir::Etc::main": "/dev/null",
        "Dir::Etc::parts": "/dev/null",
        "Dir::Etc::sourcelist": work / "etc/sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "Dir::State": work,
        "Dir::State::lists": work / "lists",
        "Dir::State::status": work / "status",
        "Dir::Cache": work / "cache",
        "Acquire::Languages": "none",
        "Acquire::Retries": "2",
        # As root apt would hand the download to a user who may not enter a private folder.
        "APT::Sandbox::User": "root",
    }
    own = [f'{key} "{value}";' for key, value in settings.items()]
    (work / "apt.conf").write_text("\n".join([*network, *own, ""]), encoding="utf-8")
    return {
        **os.environ,
        "APT_CONFIG": str(work / "apt.conf"),
        "LC_ALL": "C",
        "DEBIAN_FRONTEND": "noninteractive",
    }


def _machine_settings() -> list[str]:
    done = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=False)
    return done.stdout.splitlines()


def _run(command: list[str], environment: dict[str, str], folder: Path) -> tuple[int, list[str]]:
    """Run one step; return its exit code and what it complained of."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    return done.returncode, [
        line for line in done.stderr.splitlines() if line.startswith(("E:", "W:", "dpkg"))
    ]


def _explain(complaints: list[str]) -> str:
    for line in complaints:
        if "NO_PUBKEY" in line or "is not signed" in line or "Missing key" in line:
            return f"this machine's debian-archive-keyring lacks the keys of that suite; update it ({line})"
    return " ".join(complaints[:3]) or "it gave no reason"


def _is_debian() -> bool:
    try:
        text = Path("/etc/os-release").read_text(encoding="utf-8")
    except OSError:
        return False
    return re.search(r'^ID="?debian"?$', text, re.MULTILINE) is not None


def _read_one_line(text: str) -> list[AptSource]:
    found = []
    for line in text.splitlines():
        if match := _ONE_LINE.match(line.split("#")[0].strip()):
            options = dict(item.split("=", 1) for item in (match["options"] or "").split() if "=" in item)
            found.append(
                AptSource(match["uri"], match["suite"], match["components"], options.get("signed-by"))
            )
    return found


def _read_deb822(text: str) -> list[AptSource]:
    found = []
    kept = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for stanza in re.split(r"\n\s*\n", kept):
        unfolded = re.sub(r"\n[ \t]+", " ", stanza)
        fields = {
            key.strip().lower(): value.strip()
            for key, _, value in (line.partition(":") for line in unfolded.splitlines())
        }
        if fields.get("enabled", "yes").lower() in {"no", "false", "off", "0"}:
            continue
        if "deb" not in fields.get("types", "").split():
            continue
        # A key pasted into the stanza has no name to give: apt's own trusted keys serve then.
        key = fields.get("signed-by", "")
        signed_by = key if key.startswith("/") and " " not in key else None
        found += [
            AptSource(uri, suite, fields.get("components", "main"), signed_by)
            for uri in fields.get("uris", "").split()
            for suite in fields.get("suites", "").split()
        ]
    return found
