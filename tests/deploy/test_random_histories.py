"""Random histories of one target: each exit code is true, and the next deployment arrives.

EVERY_STEP=N goes through N long histories a layout, FIRST_SEED=M from that one on.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from rulecompiler.cli.reload_command import _reload
from rulecompiler.deploy import inspection
from rulecompiler.deploy.history import earlier
from rulecompiler.deploy.journal import Journal, read_journal
from rulecompiler.deploy.opening import layout_of, site_of
from rulecompiler.deploy.release import Release
from rulecompiler.deploy.target import Consent
from tests.deploy.disk_world import EARLIEST, FAILING, NEW, OLD, OTHER, DiskWorld, expected
from tests.deploy.spoilt_runs import DEADLY, KILLED, RELOADS, SLOW, DiskCall, DiskFault, Ended, run
from tests.deploy.world import release, rule_file

_A, _B = OLD.files["group-a.yml"], OLD.files["group-b.yml"]
RELEASES: Mapping[str, Release] = {
    "earliest": EARLIEST,
    "old": OLD,
    "new": NEW,
    "other": OTHER,
    "small": release(a=_A),
    "renamed": release(a=_A, b=_B.replace(b"name: b", b"name: renamed")),
    "labelled": release(a=_A.replace(b"severity: warning", b"severity: page"), b=_B),
    "disjoint": release(z=rule_file("z", alert="AlwaysZ")),
    "empty": Release({}),
}
NAMES = {wanted.id: name for name, wanted in RELEASES.items()}
ALL = Consent(alert_reset=True, empty=True, drift=True)
CONSENTS = (Consent(), Consent(drift=True), Consent(alert_reset=True, empty=True), ALL)
FAULTS: Mapping[str, DiskFault] = {
    "killed": "killed",
    "once": "fails once",
    "for good": "fails from there on",
}
# What says that something is left open, where there is no journal.
SAYS_SO = frozenset(("RC843", "RC846", "RC847", "RC899"))

LONG = int(os.environ.get("EVERY_STEP", "0") or 0)
FIRST = int(os.environ.get("FIRST_SEED", "") or 2)
STEPS = 40 if LONG else 18  # about as many as there are kinds
SEEDS = range(FIRST, FIRST + (LONG or 1))

Running = Mapping[tuple[str, str], list[object]]
Active = Mapping[tuple[tuple[str, str], ...], str]


class History:
    """What happened so far, and what must therefore hold.

    What is on the disk and what runs is looked at; `clean` says whether nobody but the deployer has
    changed either, and it came to an end.
    """

    def __init__(self, w: DiskWorld, chance: random.Random) -> None:
        self.w = w
        self.chance = chance
        self.said: list[str] = []
        self.clean = True
        self.by_hand = False  # since the last deployment that arrived
        self.strangers: dict[Path, tuple[object, ...]] = {}
        self.pending: Journal | None = None  # before the last run, and what it was to put where
        self.open_files: tuple[Mapping[str, bytes], ...] = ()
        self.counted = Ended(0, frozenset(), 60, 30, 50)
        # Each kind of fault comes before any of them comes again.
        self._due: dict[str, list[str]] = {}

    # --- what is there -------------------------------------------------------

    def running(self) -> Running:
        return {key: rules for key, rules in self.w.running().items() if key[0].startswith("group-")}

    def active(self) -> Active:
        found = {}
        for group in self.w.server.groups():
            for rule in group["rules"]:
                for alert in rule.get("alerts", ()):
                    labels = tuple(sorted(alert["labels"].items()))
                    key = (("", group["file"]), (" ", group["name"]), *labels)
                    found[key] = alert["activeAt"]
        return found

    def journal(self) -> Journal | None:
        found = read_journal(self.w.folder)
        assert found is None or isinstance(found, Journal), found
        return found

    def _live(self) -> Path:
        return self.w.folder / "current" if self.w.target.layout == "release" else self.w.folder

    # --- steps ---------------------------------------------------------------

    def step(self, happening: Callable[[], None]) -> None:
        self.said.append(happening.__name__)
        happening()
        self.theirs_are_untouched()
        if self.w.target.layout == "release" and not self.by_hand and self.w.ours():
            link = os.readlink(self.w.folder / "current")
            assert link == f"releases/{Release(self.w.ours()).id}"
        self.drift_tells()
        self.status_tells()

    def all_steps(self) -> list[Callable[[], None]]:
        steps = [
            self.unasked,
            self.deploy,
            self.fails_on_disk,
            self.fails_on_disk,
            self.fails_at_the_server,
            self.fails_at_the_server,
            self.fails_at_both,
            self.blind,
            self.failing_rule,
            self.two_at_once,
            self.rollback,
            self.reload,
            self.edit,
            self.delete,
            self.stranger,
            self.bad_stranger,
            self.down,
            self.restart,
        ]
        return [*steps, self.led_elsewhere] if self.w.target.layout == "release" else steps

    def deploy(self) -> None:
        self._deploy(self._wanted(), self.chance.choice(CONSENTS))

    def unasked(self) -> None:
        """What needs a consent that was not given."""
        name = self._drawn("unasked", ["renamed", "disjoint"])
        consent = Consent(empty=True) if name == "renamed" else Consent(alert_reset=True)
        self._deploy(RELEASES[name], consent)

    def fails_on_disk(self) -> None:
        self._spoilt("")

    def fails_at_the_server(self) -> None:
        self._deploy(self._wanted(changed=True), ALL, reloads=self._reloads())

    def fails_at_both(self) -> None:
        self._spoilt(self._reloads())

    def blind(self) -> None:
        unseen = self.chance.randint(2, 5), self.chance.choice((1, 2, 99))
        self.said.append(f"blind {unseen}")
        self._deploy(self._wanted(changed=True), ALL, blind=unseen)

    def failing_rule(self) -> None:
        self._deploy(FAILING, ALL, wrong="a rule that fails")

    def two_at_once(self) -> None:
        self._deploy(self._wanted(changed=True), ALL, second=self._wanted())

    def rollback(self) -> None:
        wanted = earlier(self.w.target, None)
        if isinstance(wanted, Release):
            self._deploy(wanted, Consent(alert_reset=True, empty=True, drift=self.chance.random() < 0.5))

    def reload(self) -> None:
        before, ran, pending = self.w.ours(), self.running(), self.journal()
        site = site_of(self.w.target, None)
        with site.server:
            code, _ = _reload(site)
        self.said.append(f"reload: {code}")
        assert self.w.ours() == before
        assert self.journal() == pending
        assert code in (0, 2), code
        if code == 0:
            assert self.running() == expected(Release(before))
        else:
            assert self.running() == ran
            assert not (self.clean and before)

    def edit(self) -> None:
        name = self.chance.choice(sorted(self.w.ours()) or [""])
        if name:
            path = self._live() / name
            old, new = self.chance.choice(
                ((b"\n", b"\n# by hand\n"), (b"vector(", b"vector(1 + "), (b"name: ", b"name: x"))
            )
            self.said.append(f"{name} {old!r}")
            path.write_bytes(path.read_bytes().replace(old, new, 1))
            self._touched()

    def delete(self) -> None:
        names = sorted(self.w.ours())
        if len(names) > 1:
            (self._live() / self.chance.choice(names)).unlink()
            self._touched()

    def led_elsewhere(self) -> None:
        """As "Recovery by hand" has it."""
        there = sorted(path.name for path in (self.w.folder / "releases").iterdir())
        chosen = self.chance.choice(there)
        self.said.append(NAMES.get(chosen, chosen))
        (self.w.folder / "next").symlink_to(f"releases/{chosen}")
        (self.w.folder / "next").rename(self.w.folder / "current")
        self._touched()

    def stranger(self) -> None:
        """Somebody adds a rule file, which nobody else may ever touch."""
        number = len(self.strangers)
        path = (self.w.scratch / "foreign", self.w.folder)[number % 2] / f"stranger-{number}.yml"
        path.write_bytes(
            rule_file(f"stranger{number}", alert=f"Theirs{number}").replace(b"rulecompiler", b"x")
        )
        self.strangers[path] = _identity(path)

    def bad_stranger(self) -> None:
        path = self.w.scratch / "foreign" / "bad.yml"
        path.write_text("groups: [")
        before, ran = self.w.ours(), self.running()
        ended = self._run(wanted := self._wanted(), ALL)
        path.unlink()
        if ended.code == 0:
            assert before == wanted.files
            assert ran == expected(wanted)
        self._judge(wanted, ALL, ended, before, ran, self.pending, faulty=True)

    def down(self) -> None:
        before, pending = self.w.ours(), self.journal()
        self.w.server.kill()
        ended = self._run(self._wanted(), ALL, ready_timeout=0.3)
        self.said.append(f"down: {ended.code}")
        assert ended.code == (4 if pending and self.w.ours() != before else ended.code)
        assert ended.code in (2, 4), ended
        if not pending:
            assert ended.code == 2
            assert self.w.ours() == before
        self._restarted()

    def restart(self) -> None:
        self.w.server.kill()
        self._restarted()

    # --- what they are made of -------------------------------------------------

    def _wanted(self, *, changed: bool = False) -> Release:
        now = self.w.ours()
        names = [name for name, each in RELEASES.items() if not changed or each.files != now]
        name = self.chance.choice(names)
        self.said.append(name)
        return RELEASES[name]

    def _drawn(self, what: str, choices: list[str]) -> str:
        if not self._due.get(what):
            self._due[what] = self.chance.sample(choices, len(choices))
        found = self._due[what].pop()
        self.said.append(found)
        return found

    def _reloads(self) -> str:
        return self._drawn("reloads", sorted(RELOADS.keys() - (set() if LONG else SLOW)))

    def _touched(self) -> None:
        if self.chance.random() < 0.5:
            self.said.append("reloaded")
            self.w.server.reload()
        self.clean, self.by_hand = False, True

    def _restarted(self) -> None:
        assert self.w.server.restart(), self.w.server.log
        assert self.running() == expected(Release(self.w.ours()))
        for _ in range(3):  # only then does it take up since when its alerts were active
            self.w.server.wait_for_evaluation()

    def _run(self, wanted: Release, consent: Consent, **options: object) -> Ended:
        self.pending, self.open_files = self.journal(), self._open_files()
        return run(self.w, wanted, consent, **options)  # type: ignore[arg-type]

    def _spoilt(self, reloads: str) -> None:
        wanted = self._wanted(changed=True)
        if reloads not in DEADLY and self.running() == expected(Release(self.w.ours())):
            self.counted = self._count(wanted, reloads)
        counted = self.counted
        first, last = 1, max(counted.calls, 1)
        if self._drawn("where", ["anywhere", "after the switch"]) != "anywhere" and counted.switched:
            # With a failure at the server too, all of the way back.
            first = counted.switched + 1
            last = counted.committing if counted.committing > first and not reloads else counted.calls
        fault = FAULTS[self._drawn("fault", list(FAULTS))]
        disk = DiskCall(fault, self.chance.randint(first, max(first, last)))
        self.said.append(f"at {disk.at} of {counted[2:5]}")
        self._deploy(wanted, ALL, reloads=reloads, disk=disk)

    def _count(self, wanted: Release, reloads: str) -> Ended:
        """The calls of a run in which the disk does what it should; then all is as it was."""
        kept = self.w.scratch / "kept"
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir()
        for path in self._own():
            _copy(path, kept / path.name)
        found = self._run(wanted, ALL, reloads=reloads)
        for path in self._own():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        for path in kept.iterdir():
            _copy(path, self.w.folder / path.name)
        assert self.w.server.reload().status_code == 200
        self.w.server.wait_for_evaluation()
        return found

    def _own(self) -> list[Path]:
        names = (".rulecompiler", "releases", "current")
        return [p for p in self.w.folder.iterdir() if p.name in names or p.name.startswith("group-")]

    def _deploy(self, wanted: Release, consent: Consent, *, wrong: str = "", **options: object) -> None:
        before, ran, active = self.w.ours(), self.running(), self.active()
        dies = options.get("reloads") in DEADLY
        if dies:
            options["ready_timeout"] = 0.3
        if options.get("reloads") == "silent":
            options["reload_timeout"] = 1.0
        ended = self._run(wanted, consent, **options)
        faulty = bool(wrong or {key for key, value in options.items() if value and key != "second"})
        self.said.append(f"{tuple(map(int, consent))}: {ended.code} {sorted(ended.found)}")
        if ended.second is not None:
            assert ended.second == 2
        if dies and self.w.server.process.poll() is not None:
            self._restarted()
            if ended.code != 0:
                ran = expected(Release(before))
            active = {}
        self._judge(wanted, consent, ended, before, ran, self.pending, faulty=faulty)
        versions = [before, wanted.files, *self.open_files]
        self._alerts_live_on(versions, consent, active)

    # --- what must hold ----------------------------------------------------------

    def _judge(
        self,
        wanted: Release,
        consent: Consent,
        ended: Ended,
        before: Mapping[str, bytes],
        ran: Running,
        pending: Journal | None,
        *,
        faulty: bool,
    ) -> None:
        now, code, left = self.w.ours(), ended.code, self.journal()
        runs = self.running()
        sound = self.clean and not pending and ran == expected(Release(before))
        if code == 0:
            assert now == wanted.files
            assert runs == expected(wanted)
            assert left is None or "RC847" in ended.found
            self.clean, self.by_hand = left is None, False
        elif code in (2, 3):
            if pending is None:
                assert left is None or ended.found & SAYS_SO, "a journal is left"
                assert now == before, "the files are not as before"
                # With consent to drift, what lies on the disk is loaded before anything else.
                loaded = expected(Release(before))
                assert runs == ran or (consent.drift and runs == loaded), "what runs is not as before"
                assert runs == loaded or code == 2
            else:
                whole = [before, *self.open_files]
                assert now in whole
                assert code == 2 or runs == expected(Release(now))
                self.clean = code == 3
            self.clean = self.clean and left is None
        elif code == 4:
            assert faulty or (pending and self.by_hand)
            assert left is not None or ended.found & SAYS_SO, "neither a journal nor a word"
            self.clean = False
        else:
            assert code == KILLED, code
            ended_well = now == wanted.files and runs == expected(wanted)
            assert left is not None or now == before or ended_well, "nobody knows that it was half way"
            self.clean = self.clean and left is None and now == before and runs == ran
        if self.w.target.layout == "release":
            assert now in (before, wanted.files, *self.open_files)
        else:
            versions = (before, wanted.files, *self.open_files)
            for name, data in now.items():
                assert data in [files.get(name) for files in versions], name
        if not faulty:
            self._expected_code(wanted, consent, ended, before, sound)

    def _open_files(self) -> tuple[Mapping[str, bytes], ...]:
        """What an open deployment goes from, and to, as it is stored."""
        pending = self.journal()
        ids = {pending.old, pending.new} - {None} if pending else set()
        found = [layout_of(self.w.target).load(each) for each in ids if each]
        nothing = [Release({})] if pending and None in pending[:2] else []
        return tuple(each.files for each in (*nothing, *found) if isinstance(each, Release))

    def _expected_code(
        self, wanted: Release, consent: Consent, ended: Ended, before: Mapping[str, bytes], sound: bool
    ) -> None:
        """What comes of a deployment in which nothing goes wrong."""
        code = ended.code
        if consent == ALL:
            assert code == 0
        if not consent.empty:
            refused = not wanted.files or (sound and before and not before.keys() & wanted.files.keys())
            assert code == 2 or not refused
            if sound and consent.alert_reset:
                assert (ended.found & {"RC869", "RC871"} != set()) is bool(refused)
                assert code == (2 if refused else 0)
        elif sound and consent.alert_reset:
            assert code == 0

    def _alerts_live_on(self, versions: list[Mapping[str, bytes]], consent: Consent, before: Active) -> None:
        """I5: what was active and is in all versions has not started over; without consent, nothing has."""
        now = self.active()
        for key, since in before.items():
            labels = dict(key)
            ours = Path(labels[""]).name.startswith("group-")
            if not ours or all(key in _alerts(each, labels[""]) for each in versions):
                assert now.get(key) == since, labels
            if not consent.alert_reset and now.get(key) != since:
                heirs = [dict(k) for k in now if dict(k)["alertname"] == labels["alertname"]]
                assert not heirs, (labels, heirs)

    def theirs_are_untouched(self) -> None:
        names = {str(path.relative_to(self.w.scratch)) for path in self.strangers}
        found = self.w.foreign()
        assert {name: each for name, each in found.items() if name not in names} == self.w.foreign_before
        assert {path: _identity(path) for path in self.strangers} == self.strangers

    def drift_tells(self) -> None:
        """It says that there is none exactly where there is none."""
        files = self.w.ours()
        for wanted in {Release(files).id: Release(files), OLD.id: OLD}.values():
            site = site_of(self.w.target, None)
            with site.server:
                said = inspection.drift(site, wanted)
            same = files == wanted.files and self.running() == expected(wanted)
            assert said.found is not None, said
            assert said.found is (not same) or (self.by_hand and said.edited), (said, same)

    def status_tells(self) -> None:
        site = site_of(self.w.target, None)
        with site.server:
            said = inspection.status(site)
        files = self.w.ours()
        assert said.in_sync is (self.running() == expected(Release(files))), said
        assert not said.good or (self.journal() is None and said.in_sync)
        if self.clean and said.last_reload_successful:
            assert said.good, said


def _alerts(files: Mapping[str, bytes], path: str) -> set[tuple[tuple[str, str], ...]]:
    """What the alerts of these files are known by; `path` is how the server names one of them."""
    return {
        (
            ("", f"{path.rpartition('/')[0]}/{name}"),
            (" ", group["name"]),
            *sorted({"alertname": rule["alert"], **rule["labels"]}.items()),
        )
        for name, data in files.items()
        for group in yaml.safe_load(data)["groups"]
        for rule in group["rules"]
    }


def _identity(path: Path) -> tuple[object, ...]:
    status = path.lstat()
    return status.st_ino, status.st_mtime_ns, path.read_bytes()


def _copy(source: Path, to: Path) -> None:
    if source.is_dir() and not source.is_symlink():
        shutil.copytree(source, to, symlinks=True)
    else:
        shutil.copy2(source, to, follow_symlinks=False)


def _steps(history: History, chance: random.Random) -> Iterator[Callable[[], None]]:
    """All kinds in random order, again and again; at first what only a sound beginning can tell."""
    yield from (history.unasked, history.unasked, history.fails_at_the_server, history.fails_on_disk)
    while True:
        steps = history.all_steps()
        yield from chance.sample(steps, len(steps))


@pytest.mark.parametrize("seed", SEEDS)
def test_after_any_history_one_deployment_arrives(w: DiskWorld, seed: int) -> None:
    chance = random.Random(f"{w.target.layout} {seed}")
    history = History(w, chance)
    steps = _steps(history, chance)
    try:
        for _ in range(STEPS):
            history.step(next(steps))
        wanted = RELEASES[chance.choice(sorted(RELEASES))]
        history.said.append("at last")
        assert w.deploy(wanted, ALL).exit_code == 0
        w.holds(wanted)
        assert list((w.folder / ".rulecompiler" / "stage").iterdir()) == []
    except AssertionError as error:
        error.add_note(f"seed {seed}: {'; '.join(history.said)}")
        raise
    finally:
        for path in history.strangers:
            path.unlink(missing_ok=True)
        if w.server.process.poll() is not None:
            w.server.restart()
