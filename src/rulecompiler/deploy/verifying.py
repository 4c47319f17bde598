"""Whether exactly the intended rules run, without reading again what was proven before."""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from rulecompiler.deploy.compare import Difference, SameQuery, compare
from rulecompiler.deploy.intended import IntendedGroup, as_intended, read_file
from rulecompiler.deploy.running import RunningGroup
from rulecompiler.diagnostics import Diagnostic
from rulecompiler.promql import same_meaning

# A part of every proof: raised when what is compared changes, so that older proofs prove nothing.
_PROVES = 1
_SHOWN = 10  # differences of one kind
_LONGEST = 200  # characters of a text, from _LEAD before the first that differs
_LEAD = 40


class Verified(NamedTuple):
    """What runs otherwise than intended, what is wrong with the files, and the proofs for next time."""

    differences: tuple[Difference, ...]
    faults: tuple[Diagnostic, ...]
    proofs: Mapping[str, str]

    @property
    def exact(self) -> bool:
        """Whether exactly the intended rules run."""
        return not self.differences and not self.faults


def verify(
    files: Mapping[str, bytes], running: Iterable[RunningGroup], proofs: Mapping[str, str], same: SameQuery
) -> Verified:
    """Compare what runs with the files that should run.

    `running` are the groups that are ours, their `file` the plain name. A proof says, of a file's SHA-256,
    the digest of what ran when the two were found equal; where both are as they were, the file is not read
    again. The proofs returned are those of these files.
    """
    found: defaultdict[str, list[RunningGroup]] = defaultdict(list)
    for group in running:
        found[group.file].append(group)
    proven: dict[str, str] = {}
    intended: list[IntendedGroup] = []
    faults: list[Diagnostic] = []
    unproven: dict[str, tuple[str, str]] = {}
    unread: list[RunningGroup] = []
    for name, data in files.items():
        groups = found.pop(name, [])
        key, digest = hashlib.sha256(data).hexdigest(), _digest(groups)
        if proofs.get(key) == digest:
            proven[key] = digest
            continue
        wanted, wrong = read_file(name, data)
        faults.extend(wrong)
        if not wrong:
            unproven[name] = key, digest
            intended.extend(wanted)
            unread.extend(groups)
    unread.extend(group for groups in found.values() for group in groups)
    differences = compare(intended, unread, same)
    differing = {difference.file for difference in differences}
    proven.update(proof for name, proof in unproven.items() if name not in differing)
    return Verified(differences, tuple(faults), proven)


def same_query(canonical: Callable[[str], str | None]) -> SameQuery:
    """How queries are compared: by text, by syntax tree, and last by the server's canonical form of both.

    `canonical` asks the server; None where it does not say, and then two queries are not the same.
    """
    forms: dict[str, str] = {}

    def form(text: str) -> str | None:
        if text not in forms:
            answer = canonical(text)
            if answer is None:
                return None
            forms[text] = answer
        return forms[text]

    def same(intended: str, running: str) -> bool:
        if intended == running or _alike(*_without_strings(intended, running)):
            return True
        left = form(intended)
        return left is not None and left == form(running)

    return same


_alike = lru_cache(maxsize=4096)(same_meaning)
_QUOTED = re.compile(r'"([^"]*)"')


def _without_strings(left: str, right: str) -> tuple[str, str]:
    """Two queries with each of their strings replaced by a short one, in both alike.

    The groups of one template differ in strings alone, so this leaves few pairs to compare. Strings are
    opaque to PromQL: what is the same with these is the same with those.
    """
    if any(mark in text for text in (left, right) for mark in "\\'`#"):
        return left, right  # a quote may be escaped, or stand in another kind of string or a comment
    names: dict[str, str] = {}

    def name(match: re.Match[str]) -> str:
        return names.setdefault(match[1], f'"{len(names)}"')

    return _QUOTED.sub(name, left), _QUOTED.sub(name, right)


def describe(differences: Sequence[Difference]) -> tuple[Diagnostic, ...]:
    """The differences in words; of many of one kind the first, and how many more there are."""
    found: list[Diagnostic] = []
    for kind, (code, many, help) in _KINDS.items():
        those = [difference for difference in differences if difference.kind == kind]
        found.extend(Diagnostic(code, _sentence(difference), help=help) for difference in those[:_SHOWN])
        if rest := those[_SHOWN:]:
            files = len({difference.file for difference in rest})
            message = f"{len(rest):,} more {many}, in {files:,} file{'s' if files > 1 else ''}"
            found.append(Diagnostic(code, message, help=help))
    return tuple(found)


_KINDS = {
    "missing": (
        "RC851",
        "groups or rules do not run",
        "run `rulecompiler deploy`; if that has just failed, look for the reason in the server's log",
    ),
    "unexpected": (
        "RC852",
        "groups or rules run that no file states",
        "run `rulecompiler deploy`, which takes away what alerts/ does not state; "
        "if it is to stay, write it into alerts/ first",
    ),
    "differs": (
        "RC853",
        "groups or rules run otherwise than their files state",
        "run `rulecompiler deploy`; what is changed on the server itself does not last, so change alerts/",
    ),
}


def _sentence(found: Difference) -> str:
    what = f"`{found.rule}` in {found.file}, group {found.group}," if found.rule else ""
    what = what or f"group {found.group} in {found.file}"
    if found.kind == "missing":
        return f"{what} does not run"
    if found.kind == "unexpected":
        return f"{what} runs, and no file states it"
    running, intended = _excerpts(found.running, found.intended)
    return f"{what} runs with {found.field} {running} instead of {intended}"


def _excerpts(left: str, right: str) -> tuple[str, str]:
    """Both texts in one line each, from a little before they part where they are long."""
    left, right = (" ".join(text.split()) for text in (left, right))
    parting = next((at for at, pair in enumerate(zip(left, right, strict=False)) if len(set(pair)) > 1), 0)
    start = max(0, parting - _LEAD) if max(len(left), len(right)) > _LONGEST else 0
    return _excerpt(left, start), _excerpt(right, start)


def _excerpt(text: str, start: int) -> str:
    before, after = "…" if start else "", "…" if len(text) > start + _LONGEST else ""
    return f"`{before}{text[start : start + _LONGEST]}{after}`"


def _digest(groups: Sequence[RunningGroup]) -> str:
    """Of all that is compared; what an evaluation changes is not in it."""
    content = [
        (group.name, group.interval_seconds, group.limit, as_intended(group).rules)
        for group in sorted(groups, key=lambda group: group.name)
    ]
    return hashlib.sha256(json.dumps([_PROVES, content], sort_keys=True).encode()).hexdigest()
