from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import pytest

from rulecompiler import schema
from rulecompiler.diagnostics import Diagnostic, Pointer
from rulecompiler.inputs import read_inputs
from rulecompiler.model import Document
from rulecompiler.settings import Settings, overridden, read

DEFAULTS = Settings()


def from_file(data: Any, **environ: str) -> Settings:
    settings, faults = read(Document("rulecompiler.yaml", data))
    assert faults == ()
    assert settings is not None
    settings, faults = overridden(settings, environ)
    assert faults == ()
    return settings


def fault(data: Any, **environ: str) -> Diagnostic:
    settings, faults = read(Document("rulecompiler.yaml", data))
    if environ:
        assert settings is not None
        _, faults = overridden(settings, environ)
    (found,) = faults
    return found


def test_no_file_gives_the_defaults() -> None:
    assert overridden(DEFAULTS, {}) == (DEFAULTS, ())


@pytest.mark.parametrize("data", [None, {}, {"paths": None, "prometheus": None}, {"paths": {}}])
def test_an_empty_file_gives_the_defaults(data: Any) -> None:
    assert from_file(data) == DEFAULTS


def test_the_schema_and_the_type_have_the_same_defaults() -> None:
    known = schema.load("settings")["properties"]
    data = {
        "paths": {key: value["default"] for key, value in known["paths"]["properties"].items()},
        "alert_names": known["alert_names"]["default"],
        "prometheus": {
            key: value["default"]
            for key, value in known["prometheus"]["properties"].items()
            if "default" in value
        },
    }

    assert from_file(data) == DEFAULTS


@pytest.mark.parametrize(
    ("data", "changes"),
    [
        ({"paths": {"templates": "./a//b/"}}, {"templates": "a/b"}),
        (
            {"paths": {"templates": "alerts", "groups": "alerts-2"}},
            {"templates": "alerts", "groups": "alerts-2"},
        ),
        ({"paths": {"generated": "a..b/..c"}}, {"generated": "a..b/..c"}),
        ({"paths": {"generated": ".github/rules"}}, {"generated": ".github/rules"}),
        ({"alert_names": "plain"}, {"alert_names": "plain"}),
        ({"prometheus": {"version": "3.5.1"}}, {"prometheus_version": (3, 5)}),
        ({"prometheus": {"validate_rules": True}}, {"validate_rules": True}),
        ({"prometheus": {"timeout": "1m30s"}}, {"timeout": 90.0}),
        ({"prometheus": {"timeout": "500ms"}}, {"timeout": 0.5}),
        ({"prometheus": {"timeout": "0h1m"}}, {"timeout": 60.0}),
        ({"metrics": {"textfile_directory": "/a b"}}, {"metrics_directory": "/a b"}),
        ({"metrics": {"push_url": "http://h:9091/p"}}, {"metrics_push_url": "http://h:9091/p"}),
        ({"metrics": None, "deploy": {"url": "http://h"}}, {}),
    ],
)
def test_the_file_overrides_defaults(data: Any, changes: dict[str, Any]) -> None:
    assert from_file(data) == replace(DEFAULTS, **changes)


@pytest.mark.parametrize("value", ["false", "0", "no", "OFF", " False "])
def test_the_environment_overrides_the_file(value: str) -> None:
    data = {"prometheus": {"validate_rules": True}}

    settings = from_file(data, PROMETHEUS_VALIDATE_RULES=value, PATH="/c")

    assert settings == replace(DEFAULTS, validate_rules=False)


@pytest.mark.parametrize("value", ["true", "1", "yes", "on", "TRUE"])
def test_the_environment_switches_on(value: str) -> None:
    data = {"prometheus": {"validate_rules": False}}

    assert from_file(data, PROMETHEUS_VALIDATE_RULES=value).validate_rules


def test_an_empty_variable_overrides_nothing() -> None:
    data = {"prometheus": {"validate_rules": True}}

    settings = from_file(data, PROMETHEUS_VALIDATE_RULES="")

    assert settings == replace(DEFAULTS, validate_rules=True)


@pytest.mark.parametrize("value", ["maybe", "2", "tru"])
def test_a_variable_that_says_nothing_clear_is_a_fault(value: str) -> None:
    found = fault(None, PROMETHEUS_VALIDATE_RULES=value)

    assert found.code == "RC215"
    assert found.place is None
    assert f'"{value}"' in found.message


@pytest.mark.parametrize(
    ("paths", "key"),
    [
        ({"groups": "alerts/templates"}, "groups"),
        ({"groups": "alerts/templates/groups"}, "groups"),
        ({"generated": "alerts/groups/.."}, None),
        ({"templates": "generated/templates"}, "templates"),
        ({"groups": ".git"}, "groups"),
        ({"generated": "x/.GIT/hooks"}, "generated"),
        ({"generated": ".rulecompiler"}, "generated"),
    ],
)
def test_folders_must_lie_apart(paths: dict[str, str], key: str | None) -> None:
    found = fault({"paths": paths})

    assert found.code == ("RC214" if key else "RC206")
    assert found.place == Pointer("rulecompiler.yaml", ("paths", key or "generated"))


@pytest.mark.parametrize("url", ["gateway:9091", "http://u:hunter2@h", "http://h?x", "http:// h", "http://"])
def test_a_push_url_must_be_one(url: str) -> None:
    found = fault({"metrics": {"push_url": url}})

    assert found.code == "RC892"
    assert found.place == Pointer("rulecompiler.yaml", ("metrics", "push_url"))
    assert "hunter2" not in repr(found)


def test_faults_of_the_file_and_of_the_environment_are_told_together(tmp_path: Path) -> None:
    (tmp_path / "rulecompiler.yaml").write_text("x: 1\n")
    for folder in ("templates", "groups"):
        (tmp_path / "alerts" / folder).mkdir(parents=True)

    inputs = read_inputs(tmp_path, {"PROMETHEUS_VALIDATE_RULES": "x"})

    assert inputs.settings == DEFAULTS
    assert [found.code for found in inputs.diagnostics] == ["RC201", "RC215"]


def test_settings_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        DEFAULTS.templates = "x"  # type: ignore[misc]
