"""The image and the compose file: nothing is root, nothing is fetched unverified, and the paths agree."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
USER = "10001:10001"


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions, with continued lines joined and comments left out."""
    lines = [line for line in DOCKERFILE.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n", " ", "\n".join(lines))
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in joined.splitlines()]


def ignored(path: str) -> bool:
    """What .dockerignore says of a path: the last line that fits it, or a folder above it, decides."""
    answer = False
    for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            pattern = line.removeprefix("!")
            candidates = [PurePosixPath(path), *PurePosixPath(path).parents][:-1]
            if pattern == "*" or any(str(part) == pattern for part in candidates):
                answer = not line.startswith("!")
            elif pattern.startswith("**/") and any(part.name == pattern[3:] for part in candidates):
                answer = True
    return answer


# --- the image ------------------------------------------------------------------


def test_image_runs_as_a_user_of_its_own() -> None:
    stages = re.findall(r"^FROM (\S+)(?: AS (\S+))?$", DOCKERFILE, re.MULTILINE)
    assert stages[-1] == ("tool", "")  # what `docker build .` gives
    assert ("tool", "alerts") in stages
    users = [argument for name, argument in instructions() if name == "USER"]
    assert users == [USER]
    tool = DOCKERFILE[DOCKERFILE.index(" AS tool") :]
    assert "USER" in tool[: tool.index(" AS alerts")]


def test_image_is_made_of_named_suites_and_verified_wheels() -> None:
    bases = [argument for name, argument in instructions() if name == "FROM"]
    assert [base for base in bases if "python" in base] == [
        "python:${PYTHON} AS build",
        "python:${PYTHON} AS tool",
    ]
    assert "ARG PYTHON=3.13-slim-trixie\n" in DOCKERFILE
    assert {name for name, _ in instructions()} <= {
        "ARG", "FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "ENTRYPOINT", "CMD",
    }  # fmt: skip
    runs = " ".join(argument for name, argument in instructions() if name == "RUN")
    assert not re.search(r"curl|wget|pip |https?:", runs)
    assert "--no-install-recommends 'promtool=" in runs
    assert "rm -rf /var/lib/apt/lists/*" in runs


def test_install_script_takes_nothing_without_its_hash() -> None:
    script = (ROOT / "scripts" / "install.sh").read_text("utf-8")
    calls = re.findall(r"^pip (.*?[^\\])$", script, re.MULTILINE | re.DOTALL)
    assert len(calls) == 3
    for call in calls:
        assert "--no-index" in call or ("--require-hashes" in call and "--only-binary :all:" in call)
        assert "--no-cache-dir" in call


def test_image_gets_what_it_copies_and_nothing_that_is_secret_or_large() -> None:
    for name, argument in instructions():
        if name == "COPY" and "--from" not in argument:
            for source in argument.split()[:-1]:
                assert (ROOT / source).exists(), source
                assert not ignored(source.rstrip("/")), source
    for path in (".git/config", ".env", "deploy/secrets/token", ".venv/bin/python", ".tools/bin", "tests/x"):
        assert ignored(path), path
    assert ignored("src/rulecompiler/__pycache__/x.pyc")
    assert ignored("scripts/make_venv.py")


# --- compose --------------------------------------------------------------------


@pytest.mark.parametrize("name", SERVICES)
def test_service_is_confined(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "pid", "ipc", "devices", "env_file"} & service.keys()
    assert not any("docker.sock" in volume for volume in service["volumes"])
    for port in service.get("ports", []):
        assert port.startswith("127.0.0.1:"), port
    if name == "rules-owner":  # root for one chown, and cut off
        assert (service["cap_add"], service["network_mode"]) == (["CHOWN"], "none")
        assert service["entrypoint"][1] == USER
    else:
        assert "cap_add" not in service
        assert service.get("user") == "65534:65534" or service["image"] == "rulecompiler"


def test_images_have_versions_and_servers_are_watched() -> None:
    for name, service in SERVICES.items():
        assert service["image"] == "rulecompiler" or re.search(r":v\d+\.\d+\.\d+$", service["image"]), name
        assert ("healthcheck" in service) is (name in {"prometheus", "alertmanager"})
    promtool = re.search(r"promtool=(\d+\.\d+)\.", DOCKERFILE)
    assert promtool
    assert f":v{promtool[1]}." in SERVICES["prometheus"]["image"]  # promtool must not be older


def test_deployer_runs_once_and_reaches_prometheus_alone() -> None:
    deployer = SERVICES["deployer"]
    assert deployer["restart"] == "no"
    assert deployer["profiles"] == ["deploy"]
    assert deployer["depends_on"] == {"prometheus": {"condition": "service_healthy"}}
    assert deployer["environment"]["PROMETHEUS_URL"] == "http://prometheus:9090"
    (network,) = deployer["networks"]
    assert COMPOSE["networks"][network] == {"internal": True}
    assert [name for name in SERVICES if network in SERVICES[name].get("networks", [])] == [
        "prometheus",
        "deployer",
    ]


def mounts(name: str) -> dict[str, tuple[str, str]]:
    """Where a service has something mounted: what it is, and its options."""
    found = (volume.split(":") for volume in SERVICES[name]["volumes"])
    return {where: (what, options[0] if options else "") for what, where, *options in found}


def test_what_the_deployer_writes_is_what_prometheus_reads() -> None:
    config = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text("utf-8"))
    path = SERVICES["deployer"]["environment"]["PROMETHEUS_RULE_PATH"]
    assert config["rule_files"] == [f"{path}/current/*.yml"]
    # The same volume at the same place, no deeper than the folder that `current` is in.
    assert mounts("deployer")["/etc/prometheus/rules"] == ("rules", "")
    assert mounts("prometheus")["/etc/prometheus/rules"] == ("rules", "ro")
    assert PurePosixPath(path).is_relative_to("/etc/prometheus/rules")
    assert "--web.enable-lifecycle" in SERVICES["prometheus"]["command"]


def test_mounted_files_are_here_and_every_volume_is_declared() -> None:
    for name in SERVICES:
        for what, options in mounts(name).values():
            if what.startswith("."):
                assert (ROOT / "deploy" / what).exists(), what
                assert options == "ro", what
            else:
                assert what in COMPOSE["volumes"]
