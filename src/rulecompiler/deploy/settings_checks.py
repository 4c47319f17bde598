"""What is wrong with targets that look right each on their own line: places, and who else writes there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from rulecompiler.deploy.settings import MANIFESTS, Target
from rulecompiler.deploy.settings_file import KEYS, Draft
from rulecompiler.diagnostics import Diagnostic, Related
from rulecompiler.model import Document
from rulecompiler.settings import Settings, why_not_url
from rulecompiler.words import show

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names
_DNS_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_TAKEN = frozenset({".git", ".rulecompiler"})


def check(drafts: tuple[Draft, ...], document: Document | None) -> list[Diagnostic]:
    """The faults of targets and of their neighbourhood: RC800 to RC803 and RC809."""
    faults: list[Diagnostic] = []
    for draft in drafts:
        missing = list(_missing(draft))
        faults.extend(missing)
        used = KEYS[draft.target.kind]
        if "url" in used and not missing:
            faults.extend(_bad_url(draft))
        if "path" in used and not missing:
            faults.extend(_bad_paths(draft, document))
        if draft.target.kind in MANIFESTS and "namespace" in draft.origins:
            faults.extend(_bad_namespace(draft))
    if not faults:
        faults.extend(_conflicts(drafts))
    return faults


def _missing(draft: Draft) -> Iterable[Diagnostic]:
    """What has no default that could be right: the defaults are those of a Prometheus on this machine."""
    kind = draft.target.kind
    needed = {"prometheus": (), "mimir": ("url",)}.get(kind, ("path", "namespace"))
    examples = {"url": "http://mimir:8080/prometheus", "path": "k8s/rules", "namespace": "monitoring"}
    for key in needed:
        if key not in draft.origins:
            yield Diagnostic(
                "RC809",
                f"the target `{draft.target.name}` of kind `{kind}` has no `{key}`",
                draft.place,
                help=f"add it, such as `{key}: {examples[key]}`",
            )


def _bad_url(draft: Draft) -> Iterable[Diagnostic]:
    reason = why_not_url(draft.target.url)
    if reason == "holds credentials":
        help_ = (
            "remove them, and give PROMETHEUS_USERNAME and PROMETHEUS_PASSWORD_FILE"
            "; if git has seen the password, change it"
        )
    else:
        help_ = "write it as http://prometheus:9090, with the server's path prefix if it has one"
    if reason:
        yield Diagnostic("RC801", f"the URL in {draft.says('url')} {reason}", draft.at("url"), help=help_)


def _bad_paths(draft: Draft, document: Document | None) -> Iterable[Diagnostic]:
    if draft.target.kind in MANIFESTS:
        yield from _bad_manifest_folder(draft, document)
        return
    for key in ("path", "pid_file"):
        path = getattr(draft.target, key)
        wrong = _not_absolute(path) if path else ""
        if wrong:
            yield Diagnostic(
                "RC802",
                f"the path {show(path)} in {draft.says(key)} {wrong}",
                draft.at(key),
                help="write the whole path, as it is where the deployer runs",
            )


def _not_absolute(path: str) -> str:
    if _CONTROL.search(path):
        return "holds a control character"
    if not path.startswith("/"):
        return "is not absolute"
    if ".." in PurePosixPath(path).parts:
        return "holds `..`"
    return "is the root of the file system" if not path.strip("/") else ""


def _bad_manifest_folder(draft: Draft, document: Document | None) -> Iterable[Diagnostic]:
    path = PurePosixPath(draft.target.path)
    written = ((document.data if document is not None else None) or {}).get("paths") or {}
    keys = ("templates", "groups", "generated")
    ours = [PurePosixPath(written.get(key, getattr(Settings(), key))) for key in keys]
    overlaps = any(path.is_relative_to(other) or other.is_relative_to(path) for other in ours)
    taken = any(part.casefold() in _TAKEN for part in path.parts)
    if overlaps or taken or path == PurePosixPath("/"):
        yield Diagnostic(
            "RC802",
            f"the path {show(str(path))} in {draft.says('path')} is not the manifests' own",
            draft.at("path"),
            help="choose a folder that nobody else writes to, such as k8s/rules",
        )


def _bad_namespace(draft: Draft) -> Iterable[Diagnostic]:
    if not _DNS_LABEL.fullmatch(draft.target.namespace):
        yield Diagnostic(
            "RC800",
            f"{show(draft.target.namespace)} cannot be the name of a Kubernetes namespace",
            draft.at("namespace"),
            help="write 1 to 63 of a-z, 0-9 and -, with neither end a -",
        )


def _conflicts(drafts: tuple[Draft, ...]) -> Iterable[Diagnostic]:
    """Targets that would take away what another one wrote."""
    first: dict[tuple[str, ...], Draft] = {}
    for draft in drafts:
        for key, what, place in _places(draft.target):
            other = first.setdefault(place, draft)
            if other is not draft:
                where = other.at(key) or other.place
                names = f"`{other.target.name}` and `{draft.target.name}`"
                yield Diagnostic(
                    "RC803",
                    f"the targets {names} write to one place, the {what} {show(place[-1])}",
                    draft.at(key) or draft.place,
                    help=f"give each of them {'a folder' if key == 'path' else 'a namespace'} of its own",
                    related=() if where is None else (Related(where, "the other one"),),
                )


def _places(target: Target) -> Iterable[tuple[str, str, tuple[str, ...]]]:
    """The places that a target writes to, with the key that can change it and what such a place is."""
    if target.kind == "mimir":
        url = target.url.rstrip("/").casefold()
        yield "namespace", "namespace", ("mimir", url, target.tenant, target.namespace)
    else:
        yield "path", "folder", (target.path,)
