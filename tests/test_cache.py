"""The cache may cost or save time, and nothing else: not a byte, not a warning, not an error."""

from __future__ import annotations

import copy
import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rulecompiler import cache, workspace
from rulecompiler.cache import Cache
from rulecompiler.diagnostics import has_errors
from rulecompiler.document import Locator
from rulecompiler.outcome import Outcome
from rulecompiler.reporters import located, report
from rulecompiler.state_folder import locked

Data = dict[str, Any]

TEMPLATE: Data = {
    "alert": "Busy",
    "category": "cpu",
    "params": {
        "threshold": {"type": "number", "minimum": 0, "maximum": 100, "default": 80},
        "window": {"type": "string", "format": "duration", "default": "5m"},
    },
    "expr": "rate(busy_seconds_total[${window}]) > ${threshold}",
    "labels": {"severity": "warning"},
}
DOWN: Data = {
    "alert": "Down",
    "category": "availability",
    "requires": ["job:up:sum"],
    "expr": "job:up:sum == 0",
    "labels": {"severity": "critical"},
}
RECORD: Data = {"record": "job:up:sum", "category": "availability", "expr": "sum by (job) (up)"}


class Repo:
    """A repo whose files are JSON, which is YAML too, so that a test can edit them as data."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files: dict[str, Data] = {}

    def put(self, path: str, data: Data) -> None:
        self.files[path] = copy.deepcopy(data)

    def template(self, name: str, data: Data) -> None:
        self.put(f"alerts/templates/{name}.yaml", data)

    def group(self, data: Data, folder: str = "") -> None:
        self.put(f"alerts/groups/{folder}{data['group']}.yaml", data)

    def groups(self) -> list[str]:
        return [path for path in self.files if "/groups/" in path]

    def templates(self) -> list[str]:
        return [path for path in self.files if "/templates/" in path]

    def save(self, root: Path | None = None) -> None:
        root = root or self.root
        shutil.rmtree(root / "alerts", ignore_errors=True)
        for folder in ("alerts/templates", "alerts/groups"):
            (root / folder).mkdir(parents=True)
        (root / "rulecompiler.yaml").unlink(missing_ok=True)
        for path, data in self.files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(json.dumps(data))

    def compile(self, only: tuple[str, ...] = ()) -> Outcome:
        """As the command does it."""
        self.save()
        outcome = workspace.compile_repo(self.root, {}, only=only, jobs=1)
        if not has_errors(outcome.diagnostics):
            assert workspace.write(outcome) is None
        return outcome

    def cold(self) -> tuple[Outcome, dict[str, bytes]]:
        """What a fresh checkout without a memory gives."""
        fresh = self.root.with_name("fresh")
        shutil.rmtree(fresh, ignore_errors=True)
        self.save(fresh)
        outcome = workspace.compile_repo(fresh, {}, jobs=1, cached=False)
        if not has_errors(outcome.diagnostics):
            assert workspace.write(outcome) is None
        return outcome, tree(fresh)

    def check(self, outcome: Outcome, before: dict[str, bytes], trail: object) -> bool:
        """Compares an outcome with a cold compile's; whether it was a good one."""
        expected, files = self.cold()
        assert told(outcome) == told(expected), trail
        if has_errors(expected.diagnostics):
            assert tree(self.root) == before, trail
            return False
        assert tree(self.root) == files, trail
        assert outcome.rule_counts == expected.rule_counts, trail
        return True


def tree(root: Path) -> dict[str, bytes]:
    folder = root / "generated"
    return {p.name: p.read_bytes() for p in folder.iterdir()} if folder.exists() else {}


def told(outcome: Outcome) -> str:
    texts = outcome.inputs.texts
    return report(located(outcome.diagnostics, Locator(texts).span), "json", texts)


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    made = Repo(tmp_path / "repo")
    made.template("Busy", TEMPLATE)
    made.template("node/Down", DOWN)
    made.template("node/up", RECORD)
    made.group({"group": "base", "abstract": True, "rules": {"Busy": {}, "Down": {}}})
    made.group({"group": "prod", "parent": "base", "params": {"window": "10m"}})
    made.group({"group": "dev", "parent": "base", "rules": {"Busy": {"params": {"threshold": 95}}}})
    return made


def warm(outcome: Outcome) -> list[str]:
    return sorted(outcome.unchanged)


# ---- what is done again, and what is not


def test_a_second_compile_does_nothing(repo: Repo) -> None:
    first = repo.compile()
    assert sorted(first.files) == ["group-dev.yml", "group-prod.yml"]
    second = repo.compile()
    assert second.files == {}
    assert warm(second) == ["group-dev.yml", "group-prod.yml"]
    assert second.rule_counts == first.rule_counts
    assert second.library is None


@pytest.mark.parametrize(
    ("edit", "again"),
    [
        (lambda r: r.files["alerts/groups/dev.yaml"].update(labels={"team": "a"}), ["dev"]),
        (lambda r: r.files["alerts/groups/base.yaml"].update(labels={"team": "a"}), ["dev", "prod"]),
        (lambda r: r.files["alerts/templates/Busy.yaml"].update({"for": "9m"}), ["dev", "prod"]),
        (lambda r: r.template("Other", {**TEMPLATE, "alert": "Other"}), ["dev", "prod"]),
        (lambda r: r.put("rulecompiler.yaml", {"alert_names": "plain"}), ["dev", "prod"]),
        (lambda r: r.put("rulecompiler.yaml", {"prometheus": {"validate_rules": False}}), []),
        (lambda r: r.group({"group": "new", "parent": "base"}), ["new"]),
        (lambda r: r.files.pop("alerts/groups/dev.yaml"), []),
    ],
)
def test_an_edit_costs_what_depends_on_it(
    repo: Repo, edit: Callable[[Repo], object], again: list[str]
) -> None:
    repo.compile()
    edit(repo)
    before = tree(repo.root)
    outcome = repo.compile()
    assert sorted(outcome.files) == [f"group-{name}.yml" for name in again]
    assert repo.check(outcome, before, "")


# ---- where a rule, a warning or an error could get lost


def test_a_bridge_that_appears_between_two_groups_is_seen(repo: Repo) -> None:
    # `h` does not stand for itself until `k` needs it to be told apart; then it overlaps `a`.
    repo.files = {}
    repo.template("Busy", TEMPLATE)
    repo.group({"group": "w", "scope": {}, "rules": {"Busy": {}}})
    repo.group({"group": "h", "parent": "w", "scope": {"region": "eu"}})
    stricter = {"Busy": {"params": {"threshold": 50}}}
    repo.group({"group": "a", "parent": "w", "scope": {"env": "prod"}, "rules": stricter})
    repo.group({"group": "k", "parent": "h", "scope": {"region": "eu", "env": "dev"}})
    repo.compile()
    before = tree(repo.root)
    repo.files["alerts/groups/k.yaml"]["rules"] = {"Busy": {"params": {"threshold": 60}}}
    outcome = repo.compile()
    assert [d.code for d in outcome.diagnostics] == ["RC335"]
    assert not repo.check(outcome, before, "")


def test_what_a_neighbours_rule_requires_is_seen(repo: Repo) -> None:
    # `i` has the record for itself as soon as its alert differs from that of `w`, by a template's default.
    repo.files = {}
    down = {**DOWN, "expr": "job:up:sum < ${n}", "params": {"n": {"type": "number", "default": 1}}}
    window = {"window": {"type": "string", "format": "duration", "default": "5m"}}
    record = {**RECORD, "expr": "sum by (job) (rate(up[${window}]))", "params": window}
    repo.template("Down", down)
    repo.template("up", record)
    longer = {"job:up:sum": {"params": {"window": "9m"}}}
    repo.group({"group": "root", "abstract": True})
    repo.group({"group": "w", "parent": "root", "scope": {}, "rules": {"Down": {"params": {"n": 1}}}})
    repo.group({"group": "k", "parent": "root", "scope": {"dc": {"matches": "a|b"}}, "rules": longer})
    repo.group({"group": "i", "parent": "root", "scope": {"dc": "a"}, "rules": {"Down": {}, **longer}})
    repo.compile()
    before = tree(repo.root)
    repo.template("Down", {**down, "params": {"n": {"type": "number", "default": 2}}})
    assert repo.check(repo.compile(), before, "")
    assert 'dc!="a"' in (repo.root / "generated/group-k.yml").read_text()


def test_settings_that_swap_the_folders_are_not_confused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "a/Busy.yaml").write_text(json.dumps(TEMPLATE))
    (tmp_path / "b/g.yaml").write_text("group: g\nrules: {Busy: {}}\n")
    (tmp_path / "rulecompiler.yaml").write_text("paths: {templates: a, groups: b}\n")
    assert workspace.write(workspace.compile_repo(tmp_path, {})) is None
    (tmp_path / "rulecompiler.yaml").write_text("paths: {templates: b, groups: a}\n")
    warm, cold = (workspace.compile_repo(tmp_path, {}, cached=cached) for cached in (True, False))
    assert has_errors(warm.diagnostics)
    assert set(warm.diagnostics) == set(cold.diagnostics)


def test_a_warning_of_what_was_not_compiled_again_is_said_again(repo: Repo) -> None:
    repo.files["alerts/templates/Busy.yaml"] = {k: v for k, v in TEMPLATE.items() if k != "labels"}
    repo.group({"group": "other", "scope": {"env": "prod"}, "rules": {"Busy": {}}})
    first = repo.compile()
    assert {d.code for d in first.diagnostics} == {"RC336", "RC341"}
    for edit in ("Down", None):
        if edit:
            repo.files["alerts/groups/dev.yaml"]["rules"][edit] = {"for": "7m"}
        assert told(repo.compile()) == told(repo.cold()[0])


def test_a_parameter_that_no_rule_has_any_more_is_an_error(repo: Repo) -> None:
    repo.compile()
    before = tree(repo.root)
    repo.files["alerts/groups/base.yaml"]["rules"] = {"Down": {}}
    repo.files["alerts/groups/dev.yaml"]["rules"] = {}
    outcome = repo.compile()
    assert [d.code for d in outcome.diagnostics] == ["RC319"]
    assert not repo.check(outcome, before, "")


def test_one_group_alone_is_judged_with_all_others(repo: Repo) -> None:
    repo.compile()
    before = tree(repo.root)
    repo.files["alerts/groups/prod.yaml"]["params"] = {"windw": "10m"}
    assert [d.code for d in repo.compile(("dev",)).diagnostics] == ["RC319"]
    assert [d.code for d in repo.compile(("prod",)).diagnostics] == ["RC319"]
    assert tree(repo.root) == before


def test_one_group_alone_is_written_alone(repo: Repo) -> None:
    repo.compile()
    before = tree(repo.root)
    repo.files["alerts/templates/Busy.yaml"]["for"] = "9m"
    outcome = repo.compile(("prod",))
    assert list(outcome.changed) == ["group-prod.yml"]
    after = tree(repo.root)
    assert after["group-dev.yml"] == before["group-dev.yml"]
    assert after["group-prod.yml"] != before["group-prod.yml"]
    assert repo.check(repo.compile(), after, "")


def test_a_failed_compile_is_not_remembered(repo: Repo) -> None:
    repo.compile()
    good = copy.deepcopy(repo.files)
    repo.files["alerts/groups/dev.yaml"]["rules"]["Busy"]["params"]["threshold"] = 200
    for _ in range(2):
        before = tree(repo.root)
        assert not repo.check(repo.compile(), before, "")
    repo.files = good
    assert repo.check(repo.compile(), {}, "")


@pytest.mark.parametrize("damage", ["edited", "deleted", "emptied"])
def test_a_generated_file_that_was_touched_is_made_again(repo: Repo, damage: str) -> None:
    repo.compile()
    good = tree(repo.root)
    file = repo.root / "generated/group-dev.yml"
    header = good["group-dev.yml"].splitlines(keepends=True)[0]
    if damage == "deleted":
        file.unlink()
    else:
        file.write_bytes(header if damage == "emptied" else good["group-dev.yml"] + b"# more\n")
    outcome = repo.compile()
    assert list(outcome.changed) == ["group-dev.yml"]
    assert tree(repo.root) == good


# ---- losing it


def broken_caches(good: bytes) -> dict[str, bytes]:
    seal, _, body = good.partition(b"\n")
    data = json.loads(body)
    noise = random.Random(1)
    flipped = bytearray(good)
    flipped[len(good) // 2] ^= 1

    def sealed(value: object) -> bytes:
        return cache._seal(json.dumps(value).encode()) + b"\n" + json.dumps(value).encode()

    return {
        "empty": b"",
        "half": good[: len(good) // 2],
        "no seal": body,
        "seal only": seal,
        "noise": noise.randbytes(len(good)),
        "NULs": bytes(len(good)),
        "one bit": bytes(flipped),
        "more": good + b" ",
        "from another version": good.replace(seal, b"0" * 64),
        "a list": sealed([]),
        "null": sealed(None),
        "no groups": sealed({k: v for k, v in data.items() if k != "groups"}),
        "a group of numbers": sealed({**data, "groups": {"dev": [1, 2, 3]}}),
        "a file of text": sealed({**data, "files": {"alerts/groups/dev.yaml": "x"}}),
        "settings of another shape": sealed({**data, "settings": ["x", {"surprise": 1}]}),
        "a deep list": cache._seal(b"[" * 100_000) + b"\n" + b"[" * 100_000,
    }


@pytest.mark.parametrize("damage", sorted(broken_caches(b'x\n{"run": "", "groups": {}, "files": {}}')))
def test_a_damaged_cache_is_no_cache(repo: Repo, damage: str) -> None:
    repo.compile()
    good = tree(repo.root)
    file = repo.root / ".rulecompiler/cache.json"
    file.write_bytes(broken_caches(file.read_bytes())[damage])
    assert cache.load(repo.root) == Cache()
    outcome = repo.compile()
    assert sorted(outcome.files) == ["group-dev.yml", "group-prod.yml"]
    assert outcome.changed == {}
    assert tree(repo.root) == good
    assert repo.compile().files == {}


def test_a_cache_that_cannot_be_written_is_no_fault(repo: Repo) -> None:
    (repo.root / ".rulecompiler/cache.json").mkdir(parents=True)
    assert repo.check(repo.compile(), {}, "")
    assert sorted(os.listdir(repo.root / ".rulecompiler")) == [".gitignore", "cache.json"]


@pytest.mark.parametrize("name", ["cache.json", "cache.json.tmp", ".gitignore"])
@pytest.mark.parametrize("kind", ["link", "dangling link", "pipe", "folder"])
def test_what_a_stranger_put_into_the_state_folder_is_not_followed(repo: Repo, name: str, kind: str) -> None:
    """A branch may hold links there, whatever .gitignore says; a pipe would be waited for."""
    outside = repo.root.parent / "outside"
    if kind == "link":
        outside.write_text("mine")
    state = repo.root / ".rulecompiler"
    state.mkdir(parents=True)
    if kind == "pipe":
        os.mkfifo(state / name)
    elif kind == "folder":
        (state / name).mkdir()
    else:
        (state / name).symlink_to(outside)
    good = repo.compile()
    assert not has_errors(good.diagnostics)
    assert outside.exists() is (kind == "link")
    assert kind != "link" or outside.read_text() == "mine"
    remembers = kind != "folder" or name == ".gitignore"
    assert (repo.compile().files == {}) is remembers


def test_a_state_folder_that_is_a_link_is_not_followed(repo: Repo) -> None:
    outside = repo.root.parent / "outside"
    outside.mkdir()
    repo.root.mkdir()
    (repo.root / ".rulecompiler").symlink_to(outside)
    with locked(repo.root) as fault:
        assert fault is not None
        assert (fault.code, "it is a link" in fault.message) == ("RC710", True)
    repo.compile()
    assert list(outside.iterdir()) == []


def test_git_never_sees_the_state_folder(repo: Repo) -> None:
    repo.compile()
    assert (repo.root / ".rulecompiler/.gitignore").read_text() == "*\n"


def test_an_edited_compiler_forgets(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    repo.compile()
    monkeypatch.setattr(cache, "__version__", "99.0.0")
    assert cache.load(repo.root) == Cache()


# ---- any sequence of edits

SCOPES: list[Any] = [
    None,
    {},
    {"env": "prod"},
    {"region": "eu"},
    {"env": "prod", "region": "eu"},
    {"env": "dev", "region": "eu"},
    {"env": {"matches": "prod|dev"}},
    {"region": {"not": "eu"}},
]
IDS = [f"g{number}" for number in range(8)]


class Editor:
    """One random edit after another, most of them good."""

    def __init__(self, repo: Repo, seed: int) -> None:
        self.repo = repo
        self.random = random.Random(seed)
        self.edits = [
            name for name in dir(self) if name.startswith("edit_") for _ in range(3 if "rule" in name else 1)
        ]

    def step(self) -> str:
        name = self.random.choice(self.edits)
        getattr(self, name)()
        return name

    def a_group(self) -> Data:
        return self.repo.files[self.random.choice(self.repo.groups())]

    def a_template(self) -> Data:
        return self.repo.files[self.random.choice(self.repo.templates())]

    def an_entry(self) -> Data:
        rules = self.a_group().setdefault("rules", {})
        entry: Data = rules.get("Busy") or {}
        rules["Busy"] = entry
        return entry

    def flip(self, data: Data, key: str, *values: Any) -> None:
        """One of the values, or the key taken out."""
        value = self.random.choice([None, *values])
        if value is None:
            data.pop(key, None)
        else:
            data[key] = value

    def edit_rule_param(self) -> None:
        params = self.an_entry().setdefault("params", {})
        self.flip(params, "threshold", 10, 20, 80, 90, 200)

    def edit_rule_option(self) -> None:
        self.flip(self.an_entry(), self.random.choice(["for", "keep_firing_for"]), "1m", "2m")

    def edit_rule_enabled(self) -> None:
        self.flip(self.an_entry(), "enabled", True, False)

    def edit_rule_labels(self) -> None:
        self.flip(self.an_entry(), "labels", {"severity": "critical"}, {"x": "y"})

    def edit_rule_null(self) -> None:
        self.a_group().setdefault("rules", {})["Busy"] = None

    def edit_rule_of_another_template(self) -> None:
        self.flip(
            self.a_group().setdefault("rules", {}), "Down", {}, {"enabled": False}, {"template": "node/Down"}
        )

    def edit_rule_record(self) -> None:
        self.flip(self.a_group().setdefault("rules", {}), "job:up:sum", {}, {"enabled": False})

    def edit_rule_slice(self) -> None:
        part = {"template": "Busy", "where": {"type": "gpu"}, "instead_of": "Busy"}
        self.flip(self.a_group().setdefault("rules", {}), "Slice", part, {**part, "params": {"threshold": 1}})

    def edit_group_params(self) -> None:
        self.flip(self.a_group(), "params", {"window": "1h"}, {"window": None}, {"windw": "1h"})

    def edit_group_labels(self) -> None:
        self.flip(self.a_group(), "labels", {"team": "a"}, {"team": "b", "tier": "1"})

    def edit_group_interval(self) -> None:
        self.flip(self.a_group(), "interval", "30s", "1m")

    def edit_group_scope(self) -> None:
        self.flip(self.a_group(), "scope", *SCOPES)

    def edit_group_abstract(self) -> None:
        self.flip(self.a_group(), "abstract", True)

    def edit_group_parent(self) -> None:
        self.flip(self.a_group(), "parent", *IDS)

    def edit_group_name(self) -> None:
        self.flip(self.a_group(), "name", "One", "Two")

    def edit_groups_add(self) -> None:
        taken = {self.repo.files[path]["group"] for path in self.repo.groups()}
        free = [name for name in IDS if name not in taken]
        if free:
            data: Data = {"group": self.random.choice(free)}
            self.flip(data, "parent", *sorted(taken))
            self.flip(data, "scope", *SCOPES)
            self.flip(data, "rules", {"Busy": {}}, {"Down": {}})
            self.repo.group(data)

    def edit_groups_remove(self) -> None:
        if len(self.repo.groups()) > 2:
            del self.repo.files[self.random.choice(self.repo.groups())]

    def edit_groups_rename(self) -> None:
        path = self.random.choice(self.repo.groups())
        data = self.repo.files.pop(path)
        old, data["group"] = data["group"], self.random.choice(IDS)
        for other in self.repo.groups():
            if self.repo.files[other].get("parent") == old:
                self.repo.files[other]["parent"] = data["group"]
        self.repo.group(data)

    def edit_groups_move(self) -> None:
        path = self.random.choice(self.repo.groups())
        self.repo.group(self.repo.files.pop(path), self.random.choice(["", "a/", "b/"]))

    def edit_template_values(self) -> None:
        params = self.a_template().get("params")
        if params:
            params["threshold"]["default"] = self.random.choice([70, 75, 80])

    def edit_template_text(self) -> None:
        self.flip(self.a_template(), "labels", {"severity": "warning"}, {"severity": "info"})

    def edit_template_category(self) -> None:
        self.a_template()["category"] = self.random.choice(["cpu", "memory"])

    def edit_template_requires(self) -> None:
        self.flip(self.a_template(), "requires", ["job:up:sum"], ["up:count"])

    def edit_templates_add(self) -> None:
        name, data = self.random.choice(
            [
                ("more/Busy", {**TEMPLATE, "for": "3m"}),  # makes the name ambiguous
                ("more/Other", {**TEMPLATE, "alert": "Other"}),
                ("more/count", {"record": "up:count", "category": "cpu", "expr": "count(up)"}),
                ("Down", {**DOWN, "for": "3m"}),  # a path that is the other's rule name
            ]
        )
        self.repo.template(name, copy.deepcopy(data))

    def edit_templates_remove(self) -> None:
        extra = [
            path for path in self.repo.templates() if "more" in path or path.endswith("templates/Down.yaml")
        ]
        if extra:
            del self.repo.files[self.random.choice(extra)]

    def edit_settings(self) -> None:
        self.flip(
            self.repo.files.setdefault("rulecompiler.yaml", {"alert_names": "qualified"}),
            "alert_names",
            "plain",
        )

    def edit_generated_by_hand(self) -> None:
        files = sorted((self.repo.root / "generated").iterdir())
        if files:
            file = self.random.choice(files)
            if self.random.random() < 0.5:
                file.unlink()
            else:
                file.write_bytes(file.read_bytes() + b"# x\n")

    def edit_cache(self) -> None:
        (self.repo.root / ".rulecompiler/cache.json").unlink(missing_ok=True)

    def edit_nothing(self) -> None:
        pass


@pytest.mark.parametrize("seed", range(int(os.environ.get("CACHE_SEEDS", "12"))))
def test_any_edits_give_what_a_cold_compile_gives(repo: Repo, seed: int) -> None:
    for number, scope in enumerate(SCOPES[:5]):
        repo.group({"group": f"g{number}", "parent": "base", **({} if scope is None else {"scope": scope})})
    repo.compile()
    editor = Editor(repo, seed)
    trail: list[str] = []
    good, last_good = 0, copy.deepcopy(repo.files)
    for _ in range(40):
        trail.append(editor.step())
        if editor.random.random() < 0.1:
            repo.save()
            group = repo.files[editor.random.choice(repo.groups())]["group"]
            repo.compile((group,))
            trail.append(f"(only {group})")
        before = tree(repo.root)
        if repo.check(repo.compile(), before, (seed, trail, repo.files)):
            good, last_good = good + 1, copy.deepcopy(repo.files)
        elif editor.random.random() < 0.8:
            repo.files = copy.deepcopy(last_good)
            trail.append("(taken back)")
    assert good >= 5  # else this shows nothing
