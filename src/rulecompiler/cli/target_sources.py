"""Where commands get targets from: files, an HTTP service discovery, or a server that scrapes them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rulecompiler.cli.output import show

if TYPE_CHECKING:
    from rulecompiler.deploy.settings import Credentials
    from rulecompiler.diagnostics import Diagnostic
    from rulecompiler.effective import Target

_SECONDS = 20.0
_MOST_BYTES = 256 * 2**20


class Found(NamedTuple):
    """Targets, what is wrong with where they come from, and its text."""

    targets: tuple[Target, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    texts: dict[str, str] = {}  # noqa: RUF012 – a NamedTuple's default, never changed


def from_file(path: str) -> Found:
    """The targets of a file for `file_sd_configs` (RC743, RC744)."""
    from rulecompiler.diagnostics import Diagnostic
    from rulecompiler.effective import read_target_list

    try:
        with Path(path).open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name cannot be one"
        help_ = "name a JSON or YAML file for Prometheus' file_sd_configs"
        return Found((), (Diagnostic("RC744", f"`{path}` cannot be read: {reason}", help=help_),))
    if len(data) > _MOST_BYTES:
        help_ = "split it, as Prometheus would have to hold it as well"
        return Found((), (Diagnostic("RC744", f"`{path}` is larger than 256 MiB", help=help_),))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        help_ = "name a JSON or YAML file for Prometheus' file_sd_configs"
        return Found((), (Diagnostic("RC743", f"`{path}` is not UTF-8 text", help=help_),))
    targets, faults = read_target_list(path, text)
    return Found(targets, faults, {path: text})


def from_http_sd(url: str) -> Found:
    """The targets that an HTTP service discovery answers with (RC743, RC745, RC81x)."""
    from rulecompiler.deploy.http_sd import fetch
    from rulecompiler.diagnostics import Diagnostic
    from rulecompiler.effective import read_target_list

    answer = fetch(url, _SECONDS)
    if isinstance(answer, Diagnostic):
        return Found((), (answer,))
    text, shown = answer
    targets, faults = read_target_list(f"{shown}#", text)
    # A server's answer is no file that somebody could open at a line.
    return Found(targets, tuple(_unplaced(fault, shown) for fault in faults))


def _unplaced(fault: Diagnostic, url: str) -> Diagnostic:
    from dataclasses import replace

    return replace(fault, place=None, message=f"{url}: {fault.message.replace(f'{url}#', 'the answer')}")


def from_prometheus(url: str) -> Found:
    """What a server scrapes, with the labels after relabelling (RC81x)."""
    from rulecompiler.deploy.server import Server
    from rulecompiler.diagnostics import Diagnostic
    from rulecompiler.effective import from_labels

    # Somebody sits and waits: what fails now is told now.
    with Server(url, credentials_for(url), _SECONDS, sleep=lambda _: None) as server:
        answer = server.targets()
    if isinstance(answer, Diagnostic):
        return Found((), (answer,))
    return Found(tuple(map(from_labels, answer)))


def credentials_for(url: str) -> Credentials:
    """Those that the settings have for this very URL: a token is not for whoever a command line names."""
    from rulecompiler.cli.output import repo_root
    from rulecompiler.deploy.reading_settings import Chosen, read_settings
    from rulecompiler.deploy.settings import Credentials

    chosen = read_settings(repo_root(), os.environ)
    for target in chosen.deploy.targets if isinstance(chosen, Chosen) else ():
        if target.kind == "prometheus" and target.url.rstrip("/") == url.rstrip("/"):
            return target.credentials
    return Credentials()


def gathered(found: Iterable[Found]) -> Found:
    """All of them together; no target at all is a fault of its own (RC747)."""
    from rulecompiler.diagnostics import Diagnostic, has_errors

    targets: list[Target] = []
    faults: list[Diagnostic] = []
    texts: dict[str, str] = {}
    for each in found:
        targets += each.targets
        faults += each.diagnostics
        texts |= each.texts
    if not targets and not has_errors(faults):
        help_ = "see that the file, service discovery or server is the right one"
        faults.append(Diagnostic("RC747", "there is not one target in what was given", help=help_))
    return Found(tuple(targets), tuple(faults), texts)


def refuse(found: Found, fmt: str) -> int:
    """Show why there are no targets; the exit code."""
    from rulecompiler.codes import TITLES
    from rulecompiler.document import Locator

    show(found.diagnostics, fmt, found.texts, Locator(found.texts).span, titles=TITLES)
    return 1
