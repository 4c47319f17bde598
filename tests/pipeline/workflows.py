"""The workflows and the action, as data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTION = ROOT / "action.yml"
COMMENT_ACTION = ROOT / ".github" / "actions" / "plan-comment" / "action.yml"
CI = ROOT / ".github" / "workflows" / "ci.yml"
COMMENT = ROOT / ".github" / "workflows" / "plan-comment.yml"
DEPLOY = ROOT / ".github" / "workflows" / "deploy.yml"
DRIFT = ROOT / ".github" / "workflows" / "drift.yml"


def load(path: Path) -> dict[str, Any]:
    return parsed(path.read_text("utf-8"))


def parsed(text: str) -> dict[str, Any]:
    content: dict[Any, Any] = yaml.safe_load(text)
    if True in content:  # YAML 1.1 takes the key `on` for a boolean; GitHub does not
        content["on"] = content.pop(True)
    return content


def steps(path: Path) -> list[dict[str, Any]]:
    content = load(path)
    if path in (ACTION, COMMENT_ACTION):
        return list(content["runs"]["steps"])
    return [step for job in content["jobs"].values() for step in job["steps"]]
