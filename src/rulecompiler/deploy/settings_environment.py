"""What the environment says of the places to deploy to, over what the file says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from rulecompiler.deploy.settings import Target
from rulecompiler.deploy.settings_file import KEYS, Draft
from rulecompiler.diagnostics import Diagnostic, Pointer, Severity
from rulecompiler.settings import seconds, switch
from rulecompiler.words import nearest, show

# Which key of a target a variable overrides.
_KEYS = {
    "URL": "url",
    "RULE_PATH": "path",
    "RELOAD_ENABLED": "reload",
    "RELOAD_TIMEOUT": "reload_timeout",
    "BACKUP_ENABLED": "keep",
}
_ONE_PLACE = frozenset({"URL", "RULE_PATH"})  # what several targets cannot share
_CREDENTIALS = (
    "USERNAME", "PASSWORD", "PASSWORD_FILE", "TOKEN", "TOKEN_FILE", "CA_FILE", "CERT_FILE", "KEY_FILE",
)  # fmt: skip

_OF_ONE = re.compile(f"PROMETHEUS_([A-Z0-9_]+?)_({'|'.join([*_KEYS, *_CREDENTIALS])})")


class Variable(NamedTuple):
    """A variable that is set and not empty, and whether it is this target's alone."""

    name: str
    value: str
    own: bool


def variable(environ: Mapping[str, str], target: str, what: str) -> Variable | None:
    """The variable that says `what` of a target: its own, else the one for all."""
    for name in (own_name(target, what), f"PROMETHEUS_{what}"):
        if environ.get(name):
            return Variable(name, environ[name], name != f"PROMETHEUS_{what}")
    return None


def own_name(target: str, what: str) -> str:
    """What a variable for one target is called: `PROMETHEUS_PROD_A_TOKEN`."""
    return f"PROMETHEUS_{target.upper().replace('-', '_')}_{what}"


def overridden(draft: Draft, environ: Mapping[str, str], faults: list[Diagnostic]) -> Draft:
    """The target with what the environment overrides; variables that say nothing clear are RC804."""
    target = draft.target
    used = KEYS[target.kind]
    values: dict[str, Any] = {}
    origins: dict[str, Pointer | str] = dict(draft.origins)
    for what, key in _KEYS.items():
        found = variable(environ, target.name, what)
        if found is None or (what in _ONE_PLACE and draft.place is not None and not found.own):
            continue
        if key not in used:
            if found.own:
                faults.append(_no_use(found.name, target))
            continue
        value = _value(what, found, target, faults)
        if value is not None:
            values[key] = value
            origins[key] = found.name
    if "url" not in used:
        own = (own_name(target.name, what) for what in _CREDENTIALS)
        faults.extend(_no_use(name, target) for name in own if environ.get(name))
    return Draft(replace(target, **values), draft.place, origins)


def ambiguous(drafts: tuple[Draft, ...], environ: Mapping[str, str]) -> list[Diagnostic]:
    """Variables that name one place for all of several targets (RC805)."""
    if all(draft.place is None for draft in drafts):
        return []
    faults = []
    for what in sorted(_ONE_PLACE):
        if environ.get(f"PROMETHEUS_{what}"):
            able = [d.target.name for d in drafts if _KEYS[what] in KEYS[d.target.kind]]
            names = ", ".join(own_name(name, what) for name in able[:5]) + (", …" if able[5:] else "")
            help_ = f"unset it, and say it for the target that you mean: {names}" if able else "unset it"
            faults.append(
                Diagnostic(
                    "RC805",
                    f"the variable PROMETHEUS_{what} is set, but `deploy.targets` names its targets",
                    help=help_,
                )
            )
    return faults


def misspelt(drafts: tuple[Draft, ...], environ: Mapping[str, str]) -> list[Diagnostic]:
    """Variables for one target whose name none has, but one nearly (RC804).

    Without them a deploy goes to the default server. Only a warning: the likeness may be chance.
    """
    names = {draft.target.name.replace("-", "_"): draft.target.name for draft in drafts}
    faults = []
    for name in sorted(environ):
        found = _OF_ONE.fullmatch(name)
        meant = None if found is None or not environ[name] else nearest(found[1], names)
        if found is not None and meant is not None and found[1].lower() not in names:
            faults.append(
                Diagnostic(
                    "RC804",
                    f"the variable {name} is for no target",
                    help=f"did you mean {own_name(names[meant], found[2])}?",
                    severity=Severity.WARNING,
                )
            )
    return faults


def _value(what: str, found: Variable, target: Target, faults: list[Diagnostic]) -> Any:
    if what == "RULE_PATH":
        return str(PurePosixPath(found.value))
    if what == "RELOAD_TIMEOUT":
        timeout = seconds(found.value.strip())
        if not timeout:
            faults.append(_unclear(found, "a duration above zero such as 30s, 5m or 1h30m"))
        return timeout or None
    if what == "URL":
        return found.value.strip()
    on = switch(found.value)
    if on is None:
        faults.append(_unclear(found, "true or false"))
        return None
    if what == "RELOAD_ENABLED":
        return on
    return (target.keep or Target().keep) if on else 0


def _unclear(found: Variable, wanted: str) -> Diagnostic:
    message = f"the variable {found.name} must be {wanted}, not {show(found.value)}"
    return Diagnostic("RC804", message, help="correct it, or unset it")


def _no_use(name: str, target: Target) -> Diagnostic:
    return Diagnostic(
        "RC804",
        f"the variable {name} is set, but a target of kind `{target.kind}` has no use for it",
        help="unset it",
    )
