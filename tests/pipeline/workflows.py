"""The workflows and the action, as data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTION = ROOT / "action.yml"
DEPLOY = ROOT / ".github" / "workflows" / "deploy.yml"
DRIFT = ROOT / ".github" / "workflows" / "drift.yml"


def load(path: Path) -> dict[str, Any]:
    content: dict[Any, Any] = yaml.safe_load(path.read_text("utf-8"))
    if True in content:  # YAML 1.1 takes the key `on` for a boolean; GitHub does not
        content["on"] = content.pop(True)
    return content


def steps(path: Path) -> list[dict[str, Any]]:
    content = load(path)
    if path == ACTION:
        return list(content["runs"]["steps"])
    return [step for job in content["jobs"].values() for step in job["steps"]]
