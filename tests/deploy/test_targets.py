"""Several targets in one deployment, by the command itself and to real servers."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from rulecompiler.cli import main
from rulecompiler.deploy.artifact import bundle
from rulecompiler.deploy.release import Release
from rulecompiler.deploy.server_faults import LIFECYCLE_IS_OFF
from tests.deploy.checkout import codes
from tests.deploy.proxies import REJECTED, answers, passed_on, proxy_to
from tests.deploy.test_access_faults import HASHED, MANY, WORD
from tests.deploy.trial import OFTEN
from tests.deploy.world import release, rule_file
from tests.servers import PATIENCE, Server, prometheus_with, within

Capture = pytest.CaptureFixture[str]
_LAST_RELOAD = "prometheus_config_last_reload_success_timestamp_seconds"


class Node:
    """One server and the folder that it reads."""

    def __init__(self, server: Server, rules: Path) -> None:
        self.server = server
        self.rules = rules
        self.url = server.url

    def running(self) -> dict[str, list[str]]:
        """The queries of each file."""
        groups = self.server.groups()
        return {Path(g["file"]).name: [r["query"] for r in g["rules"]] for g in groups}

    def reloaded_at(self) -> float:
        """By its own clock."""
        found = re.search(rf"^{_LAST_RELOAD} (\S+)$", self.server.get("/metrics").text, re.MULTILINE)
        assert found
        return float(found[1])

    def untouched(self) -> tuple[object, ...]:
        """All that a deployment would change, if there is anything deployed."""
        link = self.rules / "current"
        return os.readlink(link), link.lstat().st_mtime_ns, self.running()


class Fleet:
    """Servers, the settings that name them as targets, and the command."""

    def __init__(self, folder: Path, program: Path, stack: ExitStack, capture: Capture) -> None:
        self.folder = folder
        self.nodes: dict[str, Node] = {}
        self._program = program
        self._stack = stack
        self.capture = capture

    def start(self, *names: str, **options: Any) -> list[Node]:
        for name in names:
            home = self.folder / name
            home.mkdir()
            server = self._stack.enter_context(
                prometheus_with(
                    self._program,
                    [f"{home}/rules/current/*.yml"],
                    home,
                    **{"extra_config": OFTEN, **options},
                )
            )
            self.nodes[name] = Node(server, home / "rules")
        return [self.nodes[name] for name in names]

    def settings(self, soak_intervals: int = 1, /, **targets: Mapping[str, object]) -> None:
        """Write them; a target that is a server here gets its URL and folder."""
        said: dict[str, object] = {}
        for name, own in targets.items():
            node = self.nodes.get(name)
            said[name] = ({"url": node.url, "path": str(node.rules)} if node else {}) | dict(own)
        waits = {"ready_timeout": "2s", "reload_timeout": "5s", "evaluation_wait": "5s"}
        content = {"deploy": {**waits, "soak_intervals": soak_intervals, "targets": said}}
        (self.folder / "rulecompiler.yaml").write_text(yaml.safe_dump(content))

    def run(self, *arguments: str, code: int = 0) -> str:
        assert main(list(arguments)) == code, self.capture.readouterr()
        printed = self.capture.readouterr()
        assert printed.err == ""
        return printed.out

    def data(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self.run(*arguments, "--format", "json", code=code))

    def bundled(self, wanted: Release) -> str:
        folder = self.folder / f"bundle-{wanted.id[:12]}"
        if not folder.exists():
            assert bundle(wanted, folder) is None
        return str(folder)

    def deploy(self, wanted: Release, *arguments: str, code: int = 0) -> dict[str, Any]:
        data: dict[str, Any] = self.data("deploy", "--from", self.bundled(wanted), *arguments, code=code)
        assert data["exit_code"] == code
        return data


@pytest.fixture
def fleet(
    prometheus: Path,
    promtool: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> Iterator[Fleet]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROMTOOL_PATH", str(promtool.resolve()))
    with ExitStack() as stack:
        yield Fleet(tmp_path, prometheus, stack, capsys)


def statuses(data: Mapping[str, Any]) -> dict[str, str]:
    return {target["name"]: target["status"] for target in data["targets"]}


EU, US = ({"severity": "warning", "region": region} for region in ("eu", "us"))
SHARED = release(
    web=rule_file("web", labels=EU),
    db=rule_file("db", labels=EU),
    mail=rule_file("mail", labels=US),
    misc=rule_file("misc"),
)
OLD = release(cpu=rule_file("cpu"), mem=rule_file("mem"))
NEW = release(cpu=rule_file("cpu", expr="vector(2) > 0"), mem=rule_file("mem"))


def test_each_shard_gets_its_groups(fleet: Fleet) -> None:
    eu, web, everything = fleet.start("eu", "web", "everything")
    by_label = {"groups": {"labels": {"region": "eu"}}}
    fleet.settings(eu=by_label, web={"groups": {"ids": ["web", "misc"]}}, everything={})
    data = fleet.deploy(SHARED)
    assert statuses(data) == {"eu": "live", "web": "live", "everything": "live"}
    assert eu.running().keys() == {"group-web.yml", "group-db.yml"}
    assert web.running().keys() == {"group-web.yml", "group-misc.yml"}
    assert everything.running().keys() == SHARED.files.keys()
    # What differs in one shard alone is nothing to the others.
    change = Release({**SHARED.files, "group-mail.yml": rule_file("mail", labels=US, expr="vector(2) > 0")})
    before = [(node.untouched(), node.reloaded_at()) for node in (eu, web)]
    assert statuses(fleet.deploy(change)) == {"eu": "unchanged", "web": "unchanged", "everything": "live"}
    assert [(node.untouched(), node.reloaded_at()) for node in (eu, web)] == before
    assert everything.running()["group-mail.yml"] == ["vector(2) > 0"]
    assert fleet.data("drift", "--from", fleet.bundled(change))["drift"] is False
    # Which ids there are is known before any server is asked.
    fleet.settings(eu=by_label, web={"groups": {"ids": ["web", "mist"]}}, everything={})
    for command in ("deploy", "drift"):
        data = fleet.data(command, "--from", fleet.bundled(SHARED), code=2)
        assert codes(data) == {"RC868"}
        assert "asks for the group mist" in data["diagnostics"][0]["message"]
    assert everything.running()["group-mail.yml"] == ["vector(2) > 0"]


def test_the_rest_waits_for_the_canary(fleet: Fleet) -> None:
    first, canary = fleet.start("first", "canary")
    fleet.settings(8, first={}, canary={"canary": True})
    fleet.deploy(OLD)
    # It was watched for eight evaluations, which are 100 ms apart.
    assert first.reloaded_at() - canary.reloaded_at() > 0.5
    before = first.untouched()
    failing = Release({**NEW.files, "group-cpu.yml": rule_file("cpu", expr=MANY)})
    out = fleet.run("deploy", "--from", fleet.bundled(failing), code=3)
    assert out.startswith("canary:\nerror[RC863]: Always in group-cpu.yml, group cpu, cannot be evaluated: ")
    assert f"first: {OLD.id[:12]} → {failing.id[:12]}, untouched\n" in out
    assert f"canary: {OLD.id[:12]} → {failing.id[:12]}, rolled back\n" in out
    assert out.endswith("\nrolled back: what ran before runs again, verified\n")
    assert first.untouched() == before
    assert canary.running() == first.running()
    # Told to, it lets them fail; so that the rest gets them as well.
    fleet.settings(
        first={"on_evaluation_error": "warn"}, canary={"canary": True, "on_evaluation_error": "warn"}
    )
    data = fleet.deploy(failing)
    assert statuses(data) == {"first": "live", "canary": "live"}
    assert data["summary"] == {"errors": 0, "warnings": 2, "infos": 0}
    assert {found["message"].partition(":")[0] for found in data["diagnostics"]} == {"first", "canary"}


def test_a_pair_is_all_or_nothing(fleet: Fleet) -> None:
    (a,) = fleet.start("a")
    (b,) = fleet.start("b", lifecycle=False)
    fleet.settings(a={}, b={})
    data = fleet.deploy(OLD, code=2)
    assert (statuses(data), codes(data)) == ({"a": "untouched", "b": "refused"}, {"RC820"})
    assert (a.running(), b.running()) == ({}, {})
    assert not (a.rules / "current").exists()


def test_a_pair_of_which_one_fails_goes_back(fleet: Fleet) -> None:
    a, b = fleet.start("a", "b")
    with proxy_to(b.server) as proxy:
        b.url = proxy.url
        fleet.settings(a={}, b={})
        fleet.deploy(OLD)
        proxy.on_reloads(passed_on, answers(500, REJECTED))
        out = fleet.run("deploy", "--from", fleet.bundled(NEW), code=3)
        # Whose fault it was, then what became of each, then the end.
        order = r"b:\n.*RC821.*\na: .*, rolled back\n.*\nb: .*, rolled back\n.*\nrolled back: .*\n"
        assert re.fullmatch(order, out, re.DOTALL), out
        for node in (a, b):
            assert node.running() == {"group-cpu.yml": ["vector(1) > 0"], "group-mem.yml": ["vector(1) > 0"]}
            assert os.readlink(node.rules / "current") == f"releases/{OLD.id}"
        # The server can be told, or not; what was deployed runs, or not.
        proxy.on_reloads(answers(403, LIFECYCLE_IS_OFF))
        data = fleet.data("reload", code=2)
        assert [target["status"] for target in data["targets"]] == ["success", "error"]
        assert "what ran before still runs" in _after(proxy, fleet, 2)
        edited = b.rules / "current" / "group-cpu.yml"
        deployed = edited.read_bytes()
        edited.write_bytes(NEW.files["group-cpu.yml"])
        assert b.server.reload().status_code == 200
        edited.write_bytes(deployed)
        assert "b: unknown, what was deployed is not seen to run\n" in _after(proxy, fleet, 4)
        fleet.run("reload")
        assert statuses(fleet.deploy(NEW)) == {"a": "live", "b": "live"}


def _after(proxy: Any, fleet: Fleet, code: int) -> str:
    """What `reload` prints where the lifecycle API of one is off."""
    proxy.on_reloads(answers(403, LIFECYCLE_IS_OFF))
    return fleet.run("reload", code=code)


def test_chosen_targets_alone(fleet: Fleet) -> None:
    a, b = fleet.start("a", "b")
    fleet.settings(a={}, b={}, c={"url": "http://127.0.0.1:9", "path": str(fleet.folder / "c")})
    data = fleet.deploy(OLD, "--dry-run", "--target", "a")
    assert statuses(data) == {"a": "planned"}
    assert not a.rules.exists()
    data = fleet.deploy(OLD, "--target", "b", "--target", "a", "--target", "b")
    assert statuses(data) == {"b": "live", "a": "live"}
    assert not (fleet.folder / "c").exists()
    assert statuses(fleet.deploy(NEW, "--target", "a")) == {"a": "live"}
    assert os.readlink(b.rules / "current") == f"releases/{OLD.id}"

    # Each says how it is; all together are as good as the worst.
    def drift(*names: str) -> tuple[int, bool | None]:
        chosen = [word for name in names for word in ("--target", name)]
        command = ["drift", "--from", fleet.bundled(NEW), "--format", "json", *chosen]
        code = main(command)
        return code, json.loads(fleet.capture.readouterr().out)["drift"]

    assert drift("a") == (0, False)
    assert drift("a", "b") == (1, True)
    data = fleet.data("status", code=1)
    assert "status" not in data
    assert [target["status"] for target in data["targets"]] == ["healthy", "healthy", "unreachable"]
    released = {each["name"]: each["releases"] for each in fleet.data("releases")["targets"]}
    assert {name: len(releases) for name, releases in released.items()} == {"a": 2, "b": 1, "c": 0}
    # One that is dead keeps the others from changing; without it they do, as far as there is something to do.
    data = fleet.deploy(NEW, code=2)
    assert statuses(data) == {"a": "untouched", "b": "untouched", "c": "refused"}
    before = a.untouched(), a.reloaded_at()
    assert statuses(fleet.deploy(NEW, "--target", "a", "--target", "b")) == {"a": "unchanged", "b": "live"}
    assert (a.untouched(), a.reloaded_at()) == before
    assert drift("a", "b") == (0, False)
    # A rollback of both needs an earlier release of both.
    assert statuses(fleet.data("rollback", "--target", "a", "--target", "b")) == {"a": "live", "b": "live"}
    assert a.running() == b.running() == {name: ["vector(1) > 0"] for name in OLD.files}


def test_metrics_say_how_each_target_fared(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "textfiles").mkdir()
    monkeypatch.setenv("RULECOMPILER_TEXTFILE_DIRECTORY", str(tmp_path / "textfiles"))

    def recorded(name: str) -> dict[str, float]:
        text = (tmp_path / "textfiles" / "rulecompiler_deploy.prom").read_text()
        found = re.findall(rf'^rulecompiler_{name}{{target="(\w+)"[^}}]*}} (\S+)$', text, re.MULTILINE)
        return {target: float(value) for target, value in found}

    a, _ = fleet.start("a", "b")
    fleet.settings(a={"canary": True}, b={})
    fleet.deploy(OLD)
    assert (recorded("deploy_success"), recorded("rollback_total")) == ({"a": 1, "b": 1}, {"a": 0, "b": 0})
    failing = Release({**NEW.files, "group-cpu.yml": rule_file("cpu", expr=MANY)})
    fleet.deploy(failing, code=3)
    assert (recorded("deploy_success"), recorded("rollback_total")) == ({"a": 0, "b": 1}, {"a": 1, "b": 0})
    (a.rules / "current" / "group-cpu.yml").write_bytes(NEW.files["group-cpu.yml"])
    fleet.data("drift", "--from", fleet.bundled(OLD), code=1)
    assert recorded("drift") == {"a": 1, "b": 0}
    fleet.deploy(OLD, "--accept-drift")
    assert (recorded("deploy_success"), recorded("drift")) == ({"a": 1, "b": 1}, {"a": 0, "b": 0})


def test_manifests_beside_a_server(fleet: Fleet) -> None:
    (node,) = fleet.start("node")
    manifests = fleet.folder / "manifests"
    cluster = {"kind": "configmap", "namespace": "monitoring", "path": "manifests"}
    with proxy_to(node.server) as proxy:
        node.url = proxy.url
        fleet.settings(cluster=cluster, node={})
        broken = Release({**NEW.files, "group-cpu.yml": rule_file("cpu", expr="vector(")})
        data = fleet.deploy(broken, code=2)
        assert statuses(data) == {"cluster": "untouched", "node": "refused"}
        assert not manifests.exists()

        data = fleet.deploy(OLD)
        assert statuses(data) == {"cluster": "written", "node": "live"}
        assert [found["code"] for found in data["diagnostics"]] == ["RC888"]
        written = {path.name: path.read_text() for path in manifests.iterdir()}
        assert "vector(1)" in "".join(written.values())

        proxy.on_reloads(passed_on, answers(500, REJECTED))
        assert statuses(fleet.deploy(NEW, code=3)) == {"cluster": "rolled back", "node": "rolled back"}
        assert {path.name: path.read_text() for path in manifests.iterdir()} == written

    node.url = node.server.url
    fleet.settings(cluster=cluster, node={})
    assert statuses(fleet.deploy(NEW)) == {"cluster": "written", "node": "live"}
    # Whoever looks only at the servers says so.
    for command, reason in (("status", "not asked"), ("releases", "no releases"), ("reload", "nothing is")):
        assert f"\ncluster: of kind configmap, {reason}" in fleet.run(command)
    fleet.run("drift", "--from", fleet.bundled(NEW))
    for path in manifests.iterdir():
        path.unlink()
    data = fleet.data("drift", "--from", fleet.bundled(NEW), code=1)
    assert [target["drift"] for target in data["targets"]] == [True, False]
    out = fleet.run("drift", "--from", fleet.bundled(NEW), "--target", "cluster", code=1)
    assert "cluster: drift\n" in out
    assert "1 manifest not as in the repo\n  + " in out
    assert "beside which no releases are kept" in fleet.run("rollback", code=2)


def test_each_target_has_its_own_credentials(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    users = {"basic_auth_users": {"deployer": HASHED}}
    with httpx.Client(trust_env=False, auth=("deployer", WORD)) as client:
        a, b = fleet.start("prod-a", "b", web_config=users, client=client)
        fleet.settings(1, **{"prod-a": {}, "b": {}})
        monkeypatch.setenv("PROMETHEUS_USERNAME", "deployer")
        monkeypatch.setenv("PROMETHEUS_PASSWORD", "an0ther-word")
        monkeypatch.setenv("PROMETHEUS_PROD_A_PASSWORD", WORD)
        data = fleet.deploy(OLD, code=2)
        assert (statuses(data), codes(data)) == ({"prod-a": "untouched", "b": "refused"}, {"RC817"})
        # Whatever is asked for, in whatever form: the words are not in it.
        commands = {
            "deploy": ("text", "json", "github", "markdown"),
            "drift": ("text", "json", "github"),
            "status": ("text", "json"),
        }
        for command, formats in commands.items():
            source = [] if command == "status" else ["--from", fleet.bundled(OLD)]
            for fmt in formats:
                for more in ([], ["--dry-run"]) if command == "deploy" else ([],):
                    main([command, *source, "--format", fmt, *more])
                    said = "".join(fleet.capture.readouterr())
                    assert "b" in said
                    assert not [word for word in (WORD, "an0ther-word", HASHED) if word in said]
        monkeypatch.setenv("PROMETHEUS_B_PASSWORD", WORD)
        assert statuses(fleet.deploy(OLD)) == {"prod-a": "live", "b": "live"}
        assert within(PATIENCE, lambda: a.running() == b.running())
        assert len(a.running()) == 2
