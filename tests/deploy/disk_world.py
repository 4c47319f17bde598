"""A real Prometheus whose rules folder goes wrong, and what must hold of both whatever went wrong."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from rulecompiler.deploy.history import earlier
from rulecompiler.deploy.opening import layout_of
from rulecompiler.deploy.release import Release
from rulecompiler.deploy.settings import LayoutName
from rulecompiler.deploy.target import Consent
from rulecompiler.deploy.transaction import Result
from tests.deploy.world import World, codes, release, rule_file, world
from tests.servers import within

# Of all the releases, `a` stays, `b` gets another expression; both have an active alert, which must
# live through everything. `c` goes, `d` and `e` come.
_A = rule_file("a", alert="StaysA")
_B = rule_file("b", alert="StaysB")
EARLIEST = release(a=_A, b=rule_file("b", alert="StaysB", expr="vector(9) > 0"))
OLD = release(a=_A, b=_B, c=rule_file("c", alert="NeverC", expr="vector(0) > 1"))
NEW = release(
    a=_A,
    b=rule_file("b", alert="StaysB", expr="vector(2) > 0"),
    d=rule_file("d", alert="NeverD", expr="vector(0) > 2"),
)
OTHER = release(a=_A, b=_B, e=rule_file("e", alert="NeverE", expr="vector(0) > 3"))
# It loads, and fails as soon as it is evaluated.
FAILING = release(
    a=_A,
    b=_B,
    f=rule_file(
        "f",
        alert="FailsF",
        expr='label_replace(vector(1), "x", "1", "", "") * on () (label_replace(vector(1), "y", "1", "", "") '
        'or label_replace(vector(1), "y", "2", "", ""))',
    ),
)

_CALL = re.compile(r"^(\w+)\((.*)$", re.MULTILINE)
NO_CONSENT = Consent()
OFTEN = {"global": {"evaluation_interval": "100ms"}}


class Step(NamedTuple):
    """A system call of a deployment below its rules folder, the `number`-th of its name."""

    call: str
    number: int
    arguments: str
    before: str  # the arguments of the call of its name before it


class DiskWorld(World):
    """One server for many faults: `reset` puts its folder back to where the old release is live."""

    template: Path
    started_at: Mapping[str, str]

    def settle(self) -> None:
        """Deploys what is there before each fault, and remembers it."""
        self.layout = layout_of(self.target)
        settings = {
            "url": self.target.url,
            "path": self.target.path,
            "layout": self.target.layout,
            "reload_timeout": "5s",
            "ready_timeout": "5s",
            "evaluation_wait": "5s",
            "keep": self.target.keep,
        }
        file = {"deploy": {"targets": {"prometheus": settings}}}
        (self.scratch / "rulecompiler.yaml").write_text(json.dumps(file))
        foreign = self.scratch / "foreign"
        (foreign / "theirs.yml").write_bytes(rule_file("theirs", alert="Theirs"))
        self.folder.mkdir(exist_ok=True)
        for name in ("notes.txt", "sub/group-a.yml", "theirs.yml"):
            path = self.folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(rule_file("beside", alert="Beside").replace(b"rulecompiler", b"somebody"))
        for wanted in (EARLIEST, OLD):
            assert self.deploy(wanted).exit_code == 0
        self.template = self.scratch / "template"
        shutil.copytree(self.folder, self.template, symlinks=True)
        within(5, lambda: len(self.active()) >= 3)
        self.started_at = self.active()
        assert {"StaysA", "StaysB", "Theirs"} <= self.started_at.keys()

    @property
    def scratch(self) -> Path:
        return self._scratch

    def reset(self) -> None:
        """Back to the old release, on disk and in memory; the alerts do not notice."""
        self.folder.mkdir(exist_ok=True)
        copy(self.template, self.folder)
        assert self.server.reload().status_code == 200
        self.foreign_before = self.foreign()
        self.holds(OLD)
        if self.active() != self.started_at:  # a test has emptied the folder
            assert within(5, lambda: self.active().keys() == self.started_at.keys())
            self.started_at = self.active()

    def empty(self) -> None:
        """Back to where nothing was ever deployed."""
        shutil.rmtree(self.folder)
        assert self.server.reload().status_code == 200

    # --- processes ----------------------------------------------------------

    def process_environ(self, **more: str) -> dict[str, str]:
        """The settings come from rulecompiler.yaml, as only that knows layouts."""
        found = super().process_environ(**more)
        kept = {name: value for name, value in found.items() if not name.startswith("PROMETHEUS_")}
        return kept

    def start(self, command: list[str], url: str) -> subprocess.Popen[bytes]:
        """Runs a command of ours in the background, which asks the server at another address."""
        environ = self.process_environ() | {"PROMETHEUS_PROMETHEUS_URL": url}
        return subprocess.Popen(
            command, env=environ, cwd=self.scratch, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def traced(
        self, strace: str, command: list[str], calls: str, *options: str
    ) -> tuple[subprocess.CompletedProcess[str], str]:
        """Runs a command of ours under strace; how it ended, and the trace of its first thread."""
        log = self.scratch / "strace.log"
        # The first thread alone, as it does all of the deployer's work on disk.
        traced = [strace, "-y", "-s", "256", "-o", str(log), "-e", f"trace={calls}"]
        done = subprocess.run(
            [*traced, *options, *command],
            env=self.process_environ(),
            cwd=self.scratch,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return done, log.read_text()

    def steps(self, strace: str, command: list[str], calls: tuple[str, ...]) -> list[Step]:
        """All calls that a command makes below the rules folder, when nothing goes wrong."""
        subprocess.run(  # so that none of Python's compiling is counted
            [*command, "--dry-run"], env=self.process_environ(), cwd=self.scratch, stdout=subprocess.DEVNULL
        )
        _, trace = self.traced(strace, command, ",".join(f"?{call}" for call in calls))
        made: dict[str, list[str]] = {}
        found = []
        for match in re.finditer(_CALL, trace):
            arguments = self._short(match[2])
            earlier = made.setdefault(match[1], [""])
            if "R" in re.split(r"[</\">]", arguments):
                found.append(Step(match[1], len(earlier), arguments, earlier[-1]))
            earlier.append(arguments)
        return found

    def inject(
        self, strace: str, command: list[str], step: Step, wrong: str
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command in which one system call goes wrong."""
        done, trace = self.traced(
            strace, command, step.call, "-e", f"inject={step.call}:{wrong}:when={step.number}"
        )
        made = ["", *(self._short(match[2]) for match in re.finditer(_CALL, trace))]
        # Of the one that it was killed in, nothing may have been written down.
        assert len(made) > step.number - ("KILL" in wrong), (made[-3:], step)
        assert made[step.number - 1] == step.before, (made[step.number - 1], step)
        return done

    def _short(self, arguments: str) -> str:
        """Arguments of a call without what differs from run to run."""
        found = arguments.replace(str(self.folder), "R").partition(" = ")[0]
        found = re.sub(r"\)? *(<unfinished \.\.\.>)?$", "", found)
        found = re.sub(r"\d+(?=<)", "", found)
        found = re.sub(r"/rulecompiler-\w+|0x[0-9a-f]+", "", found)
        return re.sub(r"\d{4}-\d\d-\d\dT[\d:]+Z|(?<=\", )\d+$", "", found)

    # --- what must hold ------------------------------------------------------

    def foreign(self) -> dict[str, tuple[object, ...]]:
        """All of what is not ours."""
        found: dict[str, tuple[object, ...]] = {}
        for path in (*(self.scratch / "foreign").rglob("*"), *self.folder.rglob("*")):
            name = str(path.relative_to(self.scratch))
            if name.startswith("foreign/") or path.name in ("notes.txt", "theirs.yml", "sub"):
                status = path.lstat()
                content = path.read_bytes() if path.is_file() else b""
                found[name] = (status.st_ino, status.st_mode, status.st_mtime_ns, content)
        return found

    def ours(self) -> dict[str, bytes]:
        """The rule files of ours that the server would read."""
        return {name: data for name, data in self.on_disk().items() if name.startswith("group-")}

    def intact(self, *allowed: Release, mixed: bool = False) -> None:
        """What lies on disk is one of these releases, whole; alerts and the files of others are as before.

        With `mixed`, a shared folder may hold files of two of them, each of them whole.
        """
        assert self.foreign() == self.foreign_before
        files = self.ours()
        if self.target.layout == "release":
            link = os.readlink(self.folder / "current")
            assert link.startswith("releases/")
            assert Release(files).id == link.removeprefix("releases/")
        if mixed and self.target.layout == "flat":
            for name, data in files.items():
                assert data in [each.files.get(name) for each in allowed], name
            assert files.keys() >= {"group-a.yml", "group-b.yml"}
        else:
            assert files in [each.files for each in allowed], sorted(files)
        self.alerts_live_on()

    def alerts_live_on(self) -> None:
        """I5: nothing that was active has started over."""
        now = self.active()
        assert {name: now.get(name) for name in self.started_at} == self.started_at

    def holds(self, wanted: Release) -> None:
        """Exactly this release is on disk, and runs; nothing is under way."""
        assert self.ours() == wanted.files
        assert self.runs(wanted)
        assert not (self.folder / ".rulecompiler" / "journal.json").exists()

    def runs(self, wanted: Release) -> bool:
        """Whether exactly these rules of ours run."""
        running = {key: rules for key, rules in self.running().items() if key[0].startswith("group-")}
        return running == expected(wanted)

    def survives_a_restart(self, wanted: Release) -> None:
        """The server starts on what is on disk, and runs it."""
        assert self.server.restart(), self.server.log
        assert self.runs(wanted)
        for _ in range(3):  # only then does it take up since when its alerts were active
            self.server.wait_for_evaluation()
        self.started_at = self.active()

    def arrives(self, wanted: Release, consent: Consent = NO_CONSENT) -> Result:
        """A run comes to its end, and one more has nothing to do."""
        result = self.deploy(wanted, consent)
        assert result.exit_code == 0, result
        self.holds(wanted)
        self.intact(wanted)
        stage = self.folder / ".rulecompiler" / "stage"
        assert list(stage.iterdir()) == []
        seen, reloads = self.snapshot(), self.reloads()
        again = self.deploy(wanted)
        assert again.exit_code == 0, again
        assert (self.snapshot(), self.reloads()) == (seen, reloads)
        return result

    def refuses(self, wanted: Release, code: str, consent: Consent = NO_CONSENT) -> None:
        """Nothing is touched, and the server is not even told to reload."""
        before, reloads = self.snapshot(), self.reloads()
        result = self.deploy(wanted, consent)
        assert result.exit_code == 2, result
        assert code in codes(result), codes(result)
        assert (self.snapshot(), self.reloads()) == (before, reloads)

    def rolls_back(self) -> None:
        """A rollback arrives at the release that was deployed before."""
        wanted = earlier(self.target, None)
        assert isinstance(wanted, Release), wanted
        self.arrives(wanted)

    def active(self) -> dict[str, str]:
        """Since when each of the alerts is active that must live through everything."""
        names = ("StaysA", "StaysB", "Theirs")
        alerts = self.server.ask("alerts")["alerts"]
        return {a["labels"]["alertname"]: a["activeAt"] for a in alerts if a["labels"]["alertname"] in names}


def expected(wanted: Release) -> dict[tuple[str, str], list[object]]:
    """What a server says when it runs these files, which are written as it writes them."""
    found: dict[tuple[str, str], list[object]] = {}
    for name, data in wanted.files.items():
        for group in yaml.safe_load(data)["groups"]:
            found[name, group["name"]] = [
                (rule["alert"], rule["expr"], 3600, rule["labels"]) for rule in group["rules"]
            ]
    return found


def copy(source: Path, folder: Path) -> None:
    """Has a folder hold what another one holds; the folder itself stays."""
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    shutil.copytree(source, folder, symlinks=True, dirs_exist_ok=True)


@contextmanager
def disk_world(
    program: Path, promtool: Path, folder: Path, layout: LayoutName, **options: Any
) -> Iterator[DiskWorld]:
    """Runs a Prometheus in whose rules folder the old release is live, among files of others."""
    (folder / "foreign").mkdir()
    root = folder / "rules"
    pattern = f"{root}/current/*.yml" if layout == "release" else f"{root}/*.yml"
    rules = (pattern, f"{folder}/foreign/*.yml")
    with world(program, promtool, folder, layout, rules=rules, extra_config=OFTEN, **options) as found:
        wide = DiskWorld(found.server, replace(found.target, keep=1), promtool, folder)
        wide.settle()
        wide.reset()
        yield wide
