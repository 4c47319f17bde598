"""A deployment that meets a fault, and what must hold afterwards whatever the fault was.

Nothing here asks the deployer what it thinks: the disk is read, the server asked, the bytes hashed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from rulecompiler.deploy.opening import layout_of
from rulecompiler.deploy.release import Release
from rulecompiler.deploy.settings import LayoutName
from rulecompiler.deploy.target import Consent
from rulecompiler.deploy.transaction import ExitCode, Result
from rulecompiler.diagnostics import Diagnostic, Severity
from tests.deploy.proxies import Proxy, after, proxy_to
from tests.deploy.world import QUICK, World, codes, release, rule_file
from tests.servers import prometheus_with, within

# One file changes, one stays, one comes. Of the alerts one is pending and one fires, and both must go on.
OLD = release(cpu=rule_file("cpu"), mem=rule_file("mem", alert="Firing", for_="0s"))
NEW = release(
    cpu=rule_file("cpu", expr="vector(2) > 0"),
    mem=rule_file("mem", alert="Firing", for_="0s"),
    disk=rule_file("disk", alert="Full"),
)
OFTEN: Mapping[str, object] = {
    "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "100ms"}
}
# Each version and each layout once; `program` is a fixture's name.
EACH = pytest.mark.parametrize(
    ("program", "layout"), [("prometheus", "flat"), ("prometheus_3", "release")], indirect=["program"]
)
BOTH = pytest.mark.parametrize("layout", ["release", "flat"])
NO_CONSENT = Consent()
_JOURNAL = ".rulecompiler/journal.json"

Says = dict[tuple[str, str], list[tuple[str, str, float, dict[str, str]]]]


class Trial:
    """One target that runs OLD, with files of others beside, and perhaps a proxy before its server."""

    def __init__(
        self, world: World, foreign: Sequence[Path], proxy: Proxy | None, mirror: Mirror | None
    ) -> None:
        self.world = world
        self.server = world.server
        self.old = OLD  # what runs, and what must run after a deployment that comes to nothing
        self._proxy = proxy
        self._mirror = mirror
        self._reloads = 0
        self._foreign = {path: _identity(path) for path in foreign}
        self._active: Mapping[str, str] = {}
        self._live: Mapping[str, tuple[object, ...]] = {}

    @property
    def proxy(self) -> Proxy:
        assert self._proxy is not None
        return self._proxy

    @property
    def mirror(self) -> Mirror:
        assert self._mirror is not None
        return self._mirror

    def begin(self, wanted: Release = OLD, consent: Consent = NO_CONSENT) -> None:
        """Bring the target to what runs before the fault."""
        result = self.world.deploy(wanted, consent)
        assert result.exit_code == ExitCode.LIVE, result
        self.old = wanted
        self.remember()

    def remember(self) -> None:
        """From now on this is how it was."""
        expected = {
            name
            for rules in self._expected(self.old).values()
            for name, expr, *_ in rules
            if expr.startswith("vector")
        }
        assert within(5, lambda: self.active().keys() >= expected)
        self._active = self.active()
        self._live = self._live_files()
        self._reloads = self.world.reloads()

    def deploy(self, wanted: Release = NEW, consent: Consent = NO_CONSENT, **changes: Any) -> Result:
        return self.world.deploy(wanted, consent, **changes)

    def told(self) -> int:
        """How often the server was told to reload since `remember`."""
        return self.world.reloads() - self._reloads

    def put_foreign(self, path: Path) -> None:
        """Somebody else puts a rule file there."""
        path.write_text(foreign_rules(path.stem))
        self._foreign[path] = _identity(path)

    # --- what must have come of it ---------------------------------------------

    def refused(self, result: Result, code: str, message: str = "", help: str = "", *, told: int = 0) -> None:
        """2: nothing at all has happened; `told` is how often the server was told to reload what it has."""
        assert result.exit_code == ExitCode.REFUSED, result
        found(result, code, message, help)
        assert self._live_files() == self._live
        self.stands(self.old)
        assert not (self.world.folder / _JOURNAL).exists()
        assert self.told() == told

    def rolled_back(self, result: Result, code: str, message: str = "", help: str = "") -> None:
        """3: what ran before is on disk and runs."""
        assert result.exit_code == ExitCode.ROLLED_BACK, result
        found(result, code, message, help)
        self.stands(self.old)
        assert not (self.world.folder / _JOURNAL).exists()

    def unknown(self, result: Result, code: str, message: str = "", help: str = "") -> None:
        """4: what ran before is on disk at least, and the next run knows that there is something to do."""
        assert result.exit_code == ExitCode.UNKNOWN, result
        found(result, code, message, help)
        self.lies(self.old)
        assert (self.world.folder / _JOURNAL).exists()

    def live(self, result: Result, *warnings: str, wanted: Release = NEW, restarted: bool = False) -> None:
        """0: what was intended is on disk and runs."""
        assert result.exit_code == ExitCode.LIVE, result
        assert codes(result) - {"RC878"} == set(warnings)  # promtool may be older than the server
        self.stands(wanted, restarted=restarted)
        assert not (self.world.folder / _JOURNAL).exists()

    def converges(self, wanted: Release = NEW, *, restarted: bool = False, **changes: Any) -> None:
        """The same once more, now that nothing is in the way; after that there is nothing to do."""
        result = self.deploy(wanted, **changes)
        assert result.exit_code == ExitCode.LIVE, result
        self.stands(wanted, restarted=restarted)
        before = self.world.snapshot(), self.world.reloads()
        result = self.deploy(wanted, **changes)
        assert result.exit_code == ExitCode.LIVE, result
        assert (self.world.snapshot(), self.world.reloads()) == before

    def survives_a_restart(self, wanted: Release | None = None) -> None:
        """The server comes back with the same rules."""
        assert self.server.restart()
        self.stands(wanted or self.old, restarted=True)
        self._reloads = self.world.reloads()

    def stands(self, wanted: Release, *, restarted: bool = False) -> None:
        """Disk and memory are this release, and neither the alerts nor the files of others were disturbed."""
        self.lies(wanted)
        assert _said(self.world.running()) == self._expected(wanted)
        if not restarted:
            active = self.active()
            assert {name: active.get(name) for name in self._active} == self._active

    def lies(self, wanted: Release) -> None:
        """The disk is this release, complete and true to its hash."""
        foreign = {path.name for path in self._foreign}
        assert {
            name: data for name, data in self.world.on_disk().items() if name not in foreign
        } == wanted.files
        if self.world.target.layout == "release":
            assert os.readlink(self.world.folder / "current") == f"releases/{wanted.id}"
        assert {path: _identity(path) for path in self._foreign} == self._foreign

    def active(self) -> dict[str, str]:
        """Since when each alert is active."""
        return {
            rule["name"]: alert["activeAt"]
            for group in self.server.groups()
            for rule in group["rules"]
            for alert in rule.get("alerts") or ()
        }

    def _expected(self, wanted: Release) -> Says:
        texts = {name: data.decode() for name, data in wanted.files.items()}
        texts |= {path.name: path.read_text() for path in self._foreign}
        return _stated(texts)

    def _live_files(self) -> dict[str, tuple[object, ...]]:
        folder = self.world.folder
        paths = (
            [folder / "current"] if self.world.target.layout == "release" else [*folder.glob("group-*.yml")]
        )
        return {path.name: _identity(path) for path in paths}


class Mirror:
    """What lies between the deployer's folder and the server's, such as a mount or a sidecar that copies."""

    def __init__(self, source: Path, folder: Path, below: str) -> None:
        self.folder = folder / below
        self.folder.mkdir(parents=True)
        self._source = source / below

    def copy(self, only: Collection[str] | None = None, cut: Mapping[str, bytes] | None = None) -> None:
        """Let the server see what is on disk; or only these files of it, or these contents instead."""
        for path in self.folder.glob("group-*.yml"):
            path.unlink()
        for path in self._source.glob("*.yml"):
            if only is None or path.name in only:
                (self.folder / path.name).write_bytes((cut or {}).get(path.name, path.read_bytes()))


def found(result: Result, code: str, message: str = "", help: str = "") -> Diagnostic:
    """The error of this code, which says so and names the next step."""
    errors = [
        each for target in result.targets for each in target.diagnostics if each.severity is Severity.ERROR
    ]
    assert errors, result
    assert all(each.help for each in errors), errors
    fitting = [
        each
        for each in errors
        if each.code == code and re.search(message, each.message) and re.search(help, each.help)
    ]
    assert fitting, errors
    return fitting[0]


def foreign_rules(name: str) -> str:
    """A rule file of somebody else's, with one alert."""
    rule = {"alert": name.title(), "expr": "vector(3) > 0", "for": "1h"}
    return yaml.safe_dump({"groups": [{"name": name, "rules": [rule]}]}, sort_keys=False)


@contextmanager
def trial(
    program: Path,
    promtool: Path,
    folder: Path,
    layout: LayoutName = "release",
    *,
    proxied: bool = False,
    mirrored: bool = False,
    begin: bool = True,
    **options: Any,
) -> Iterator[Trial]:
    """Run a Prometheus that others give rules to as well; OLD is deployed to it.

    With `mirrored`, its rules folder is a copy of the deployer's, brought up to date by each reload.
    """
    folder.mkdir(exist_ok=True)
    root, others = folder / "rules", folder / "others"
    foreign = [others / "foreign.yml"]
    if layout == "flat" and not mirrored:
        foreign.append(root / "neighbour.yml")
    for path in foreign:
        path.parent.mkdir()
        path.write_text(foreign_rules(path.stem))
    server_path = str(folder / "mirror") if mirrored else ""
    target = replace(QUICK, path=str(root), server_path=server_path, layout=layout)
    patterns = [layout_of(target).pattern, f"{others}/*.yml"]
    with ExitStack() as stack:
        server = stack.enter_context(
            prometheus_with(program, patterns, folder, **{"extra_config": OFTEN, **options})
        )
        proxy = stack.enter_context(proxy_to(server)) if proxied or mirrored else None
        target = replace(target, url=proxy.url if proxy else server.url)
        mirror = None
        if proxy and mirrored:
            mirror = Mirror(root, folder / "mirror", "current" if layout == "release" else "")
            proxy.usual = after(mirror.copy)
        made = Trial(World(server, target, promtool, folder), foreign, proxy, mirror)
        if begin:
            made.begin()
        yield made


def _said(running: Mapping[tuple[str, str], Sequence[Any]]) -> Says:
    return {
        key: [(name, expr, float(seconds or 0), dict(labels)) for name, expr, seconds, labels in rules]
        for key, rules in running.items()
    }


def _stated(texts: Mapping[str, str]) -> Says:
    seconds = {"1h": 3600.0, "0s": 0.0}
    return {
        (file, group["name"]): [
            (rule["alert"], rule["expr"], seconds[rule["for"]], rule.get("labels", {}))
            for rule in group["rules"]
        ]
        for file, text in texts.items()
        for group in yaml.safe_load(text)["groups"]
    }


def _identity(path: Path) -> tuple[object, ...]:
    status = path.lstat()
    content = os.readlink(path) if path.is_symlink() else path.read_bytes()
    return status.st_ino, status.st_mtime_ns, content
