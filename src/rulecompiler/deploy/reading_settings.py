"""What rulecompiler.yaml and the environment say of the places to deploy to, read from the disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from rulecompiler import settings as repo_settings
from rulecompiler import sources
from rulecompiler.deploy import settings as deploy_settings
from rulecompiler.deploy.settings import DeploySettings
from rulecompiler.diagnostics import Diagnostic, has_errors
from rulecompiler.inputs import SETTINGS_FILE
from rulecompiler.settings import Settings


class Chosen(NamedTuple):
    """What rulecompiler.yaml and the environment say, the warnings, and the file's text for them."""

    settings: Settings
    deploy: DeploySettings
    diagnostics: tuple[Diagnostic, ...]
    texts: Mapping[str, str]


class Refused(NamedTuple):
    """Why the settings cannot be used."""

    diagnostics: tuple[Diagnostic, ...]
    texts: Mapping[str, str]


def read_settings(root: Path, environ: Mapping[str, str]) -> Chosen | Refused:
    """The settings of the repo at `root`; those of the environment where it has no rulecompiler.yaml."""
    from rulecompiler import document

    settings: Settings | None = Settings()
    parsed = None
    texts: Mapping[str, str] = {}
    faults: list[Diagnostic] = []
    if (root / SETTINGS_FILE).exists() or (root / SETTINGS_FILE).is_symlink():
        raw = sources.read(root, SETTINGS_FILE)
        source = raw if isinstance(raw, Diagnostic) else sources.decode(raw)
        if isinstance(source, Diagnostic):
            return Refused((source,), texts)
        texts = {SETTINGS_FILE: source.text}
        parsed, found = document.parse(source)
        faults += found
        if parsed is None:
            return Refused(tuple(faults), texts)
        settings, found = repo_settings.read(parsed)
        faults += found
    if settings is None or has_errors(faults):
        return Refused(tuple(faults), texts)
    settings, found = repo_settings.overridden(settings, environ)
    faults += found
    deploy, found = deploy_settings.read(parsed, environ)
    faults += found
    if deploy is None or has_errors(faults):
        return Refused(tuple(faults), texts)
    return Chosen(settings, deploy, tuple(faults), texts)
