"""generated/ in a real vmalert, and what docs/other-servers.md says of it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import yaml

from tests.servers import Program, started, within

GENERATED = Path(__file__).resolve().parent.parent / "generated"
NOBODY = "http://127.0.0.1:1"  # what it queries and tells is another matter than what it loads


class Vmalert:
    """A running vmalert."""

    def __init__(self, client: httpx.Client, program: Program) -> None:
        self.client = client
        self.program = program

    def rules(self) -> dict[tuple[str, str], list[str]]:
        """The names of each group's rules, by file and group."""
        groups = self.client.get("/api/v1/rules").json()["data"]["groups"] or []  # null for none
        return {
            (Path(group["file"]).name, group["name"]): [rule["name"] for rule in group["rules"]]
            for group in groups
        }

    def metric(self, name: str) -> float:
        lines = self.client.get("/metrics").text.splitlines()
        (value,) = (line.split()[1] for line in lines if line.startswith(f"{name} "))
        return float(value)


def expected(folder: Path) -> dict[tuple[str, str], list[str]]:
    return {
        (path.name, group["name"]): [rule.get("alert") or rule["record"] for rule in group["rules"]]
        for path in folder.glob("*.yml")
        for group in yaml.safe_load(path.read_text("utf-8"))["groups"]
    }


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A folder as `deploy` lays it out: releases, and a link to the live one."""
    for release in ("all", "few"):
        shutil.copytree(GENERATED, tmp_path / "rules" / "releases" / release)
    for path in sorted((tmp_path / "rules" / "releases" / "few").glob("*.yml"))[1:]:
        path.unlink()
    (tmp_path / "rules" / "current").symlink_to("releases/all")
    return tmp_path / "rules"


def switch(rules: Path, release: str) -> None:
    (rules / "next").symlink_to(f"releases/{release}")
    os.replace(rules / "next", rules / "current")


@contextmanager
def running(program: Path, rules: Path, log: Path) -> Iterator[Vmalert]:
    def command(address: str) -> list[str]:
        return [
            str(program),
            f"-rule={rules}/current/*.yml",
            f"-datasource.url={NOBODY}",
            f"-notifier.url={NOBODY}",
            f"-remoteWrite.url={NOBODY}",
            f"-httpListenAddr={address}",
        ]

    with (
        started(command, "/health", log) as (address, process),
        httpx.Client(base_url=f"http://{address}", trust_env=False, timeout=10) as client,
    ):
        yield Vmalert(client, process)


def dry_run(program: Path, pattern: str) -> subprocess.CompletedProcess[str]:
    command = [str(program), "-dryRun", f"-rule={pattern}"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_vmalert_takes_what_is_compiled(vmalert: Path) -> None:
    done = dry_run(vmalert, f"{GENERATED}/*.yml")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "rule",
    ["{alert: A, expr: up ==}", "{alert: A, expr: up, keep_firing_for: 5m}"],
    ids=["PromQL", "newer field"],
)
def test_vmalert_refuses_what_it_does_not_know(vmalert: Path, tmp_path: Path, rule: str) -> None:
    """Debian's is 1.79 of 2022: what is newer is an unknown field to it."""
    (tmp_path / "bad.yml").write_text(f"groups: [{{name: x, rules: [{rule}]}}]")
    done = dry_run(vmalert, f"{tmp_path}/*.yml")
    if "keep_firing_for" in rule and done.returncode == 0:
        pytest.skip("this vmalert is new enough to know the field")
    assert done.returncode != 0
    assert 'invalid rule "x"."A"' in done.stderr or 'invalid expression for rule "x"."A"' in done.stderr


def test_vmalert_loads_every_rule_and_follows_the_link(vmalert: Path, rules: Path, tmp_path: Path) -> None:
    with running(vmalert, rules, tmp_path / "log") as server:
        assert server.rules() == expected(GENERATED)
        switch(rules, "few")
        assert server.rules() == expected(GENERATED)  # it is asked to look, or it does not
        assert server.client.post("/-/reload").status_code == 200
        assert within(10, lambda: server.rules() == expected(rules / "current"))
        switch(rules, "all")
        server.program.signal(signal.SIGHUP)
        assert within(10, lambda: server.rules() == expected(GENERATED))


def test_vmalert_says_200_to_a_reload_that_fails_and_keeps_its_rules(
    vmalert: Path, rules: Path, tmp_path: Path
) -> None:
    with running(vmalert, rules, tmp_path / "log") as server:
        (rules / "releases" / "few" / "bad.yml").write_text(
            "groups: [{name: x, rules: [{alert: A, expr: up ==}]}]"
        )
        switch(rules, "few")
        assert server.client.post("/-/reload").status_code == 200
        assert within(10, lambda: server.metric("vmalert_config_last_reload_successful") == 0)
        assert server.rules() == expected(GENERATED)


def test_vmalert_with_nothing_to_load_loses_all_and_calls_it_success(
    vmalert: Path, rules: Path, tmp_path: Path
) -> None:
    with running(vmalert, rules, tmp_path / "log") as server:
        before = server.metric("vmalert_config_last_reload_total")
        (rules / "current").unlink()
        server.client.post("/-/reload")
        assert within(10, lambda: server.metric("vmalert_config_last_reload_total") > before)
        assert within(10, lambda: server.rules() == {})
        assert server.metric("vmalert_config_last_reload_successful") == 1
