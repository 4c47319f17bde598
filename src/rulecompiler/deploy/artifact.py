"""What is to be deployed: the repo's generated/ as committed, or a bundle that was made of it elsewhere."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rulecompiler.deploy.release import MANIFEST, Release, manifest, read_manifest
from rulecompiler.diagnostics import Diagnostic, Span, has_errors

if TYPE_CHECKING:
    from rulecompiler.deploy.settings import Target
    from rulecompiler.outcome import Outcome

_MAX_BYTES = 256 * 1024 * 1024  # of one file; Prometheus takes minutes for less


def from_outcome(
    outcome: Outcome, *, allow_uncommitted: bool
) -> tuple[Release | None, tuple[Diagnostic, ...]]:
    """The release that generated/ is, with the repo's warnings; None with errors.

    Refused where alerts/ compiles to something else (RC706), and where git holds something else
    than the disk does (RC865) unless that is allowed.
    """
    faults = list(outcome.diagnostics)
    folder = outcome.inputs.settings.generated
    if not has_errors(faults):
        faults += [_stale(f"{folder}/{name}") for name in sorted((*outcome.changed, *outcome.gone))]
    if has_errors(faults):
        return None, tuple(faults)
    held = _git(outcome)
    if isinstance(held, Diagnostic):
        if not allow_uncommitted:
            return None, (*faults, held)
        held = "", ()
    commit, uncommitted = held
    if uncommitted and not allow_uncommitted:
        faults.append(_uncommitted(uncommitted))
        return None, tuple(faults)
    root = outcome.inputs.root
    files: dict[str, bytes] = {}
    for name, found in outcome.inputs.generated.items():
        data = _read(root / folder / name)
        if isinstance(data, Diagnostic):
            return None, (*faults, data)
        files[name] = data
        if len(data) != found.size:
            return None, (*faults, _stale(f"{folder}/{name}"))
    release = Release(files, commit=commit if not uncommitted else "")
    if any(release.digests[name] != found.digest for name, found in outcome.inputs.generated.items()):
        return None, (*faults, _stale(folder))  # somebody writes there at this moment
    return release, tuple(faults)


def from_folder(folder: Path) -> Release | Diagnostic:
    """The release in a folder that `bundle` wrote; refused where it is not what its manifest says (RC866)."""
    written = _read(folder / MANIFEST)
    if isinstance(written, Diagnostic):
        return replace(written, help="name a folder that `rulecompiler bundle` wrote")
    expected = read_manifest(written)
    if expected is None:
        return _no_bundle(f"`{folder / MANIFEST}` is no manifest, or contradicts itself")
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        return _no_bundle(f"`{folder}` cannot be read: {error.strerror or error}")
    extra = [name for name in names if name != MANIFEST and name not in expected.digests]
    if extra:
        return _no_bundle(f"`{folder}` holds {extra[0]!r}, of which its manifest knows nothing")
    files: dict[str, bytes] = {}
    for name in expected.digests:
        data = _read(folder / name)
        if isinstance(data, Diagnostic):
            return replace(data, code="RC866")
        files[name] = data
    release = Release(files, commit=expected.commit)
    wrong = sorted(name for name, digest in release.digests.items() if digest != expected.digests[name])
    return _no_bundle(f"`{folder / wrong[0]}` is not what the manifest says") if wrong else release


def bundle(release: Release, folder: Path) -> Diagnostic | None:
    """Writes a release and its manifest to a new or empty folder."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            return Diagnostic(
                "RC867", f"`{folder}` is not empty", help="name a new folder: what is there is not deleted"
            )
        for name, data in release.files.items():
            (folder / name).write_bytes(data)
        # Last, so that half a bundle is none.
        (folder / MANIFEST).write_bytes(manifest(release))
    except OSError as error:
        return Diagnostic(
            "RC867",
            f"the bundle cannot be written to `{folder}`: {error.strerror or error}",
            help="make room or the folder writable, or name another folder",
        )
    return None


def select(release: Release, target: Target) -> Release | tuple[Diagnostic, ...]:
    """The part of a release that goes to a target: by group id, or by labels that all its rules carry."""
    if not target.group_ids and not target.group_labels:
        return release
    files = dict(release.files)
    if target.group_ids:
        wanted = {f"group-{group}.yml" for group in target.group_ids}
        unknown = sorted(wanted - files.keys())
        if unknown:
            name = unknown[0].removeprefix("group-").removesuffix(".yml")
            return (
                Diagnostic(
                    "RC868",
                    f"the target {target.name} asks for the group {name}, which has no generated file",
                    help="correct `deploy.targets` in rulecompiler.yaml; `rulecompiler list` shows all",
                ),
            )
        files = {name: data for name, data in files.items() if name in wanted}
    if target.group_labels:
        from rulecompiler.deploy.intended import read_files

        groups, faults = read_files(files)
        if has_errors(faults):
            return faults
        chosen = {group.file for group in groups}
        for group in groups:
            for rule in group.rules:
                if any(rule.labels.get(label) != value for label, value in target.group_labels.items()):
                    chosen.discard(group.file)
        files = {name: data for name, data in files.items() if name in chosen}
    return replace(release, files=files)


def _git(outcome: Outcome) -> tuple[str, tuple[str, ...]] | Diagnostic:
    """The commit, and what differs from it below alerts/ and generated/; nothing where there is no git.

    A Diagnostic where git holds the repo, and does not say how (RC865).
    """
    from rulecompiler.inputs import SETTINGS_FILE

    try:
        import git  # without a git program, importing it is what fails
    except ImportError:
        return "", ()
    settings = outcome.inputs.settings
    folders = (settings.templates, settings.groups, settings.generated, SETTINGS_FILE)
    try:
        with git.Repo(outcome.inputs.root, search_parent_directories=True) as repo:
            asked = git.Git(outcome.inputs.root)
            asked.update_environment(GIT_OPTIONAL_LOCKS="0")  # looking leaves the index as it is
            status = asked.status(
                "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--", *folders
            )
            commit = repo.head.commit.hexsha if repo.head.is_valid() else ""
    except (git.exc.InvalidGitRepositoryError, git.exc.GitCommandNotFound):
        return "", ()
    except (git.exc.GitError, git.exc.ODBError, ValueError, OSError) as error:
        return _silent(str(getattr(error, "stderr", "")) or str(error))
    return commit, tuple(entry[3:] for entry in status.split("\0") if entry)


def _read(path: Path) -> bytes | Diagnostic:
    """The bytes of a regular file, read once; never of what a link leads to, nor of a pipe."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return _no_bundle(f"`{path}` is not a regular file")
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        return _no_bundle(f"`{path}` cannot be read: {error.strerror or error}")
    return _no_bundle(f"`{path}` is larger than {_MAX_BYTES:,} bytes") if len(data) > _MAX_BYTES else data


def _no_bundle(message: str) -> Diagnostic:
    return Diagnostic("RC866", message, help="make the bundle again with `rulecompiler bundle`")


def _stale(path: str) -> Diagnostic:
    return Diagnostic(
        "RC706",
        f"`{path}` is not what alerts/ compiles to",
        Span(path, 1, 1, 1, 1),
        help="run `rulecompiler compile` and commit the result",
    )


def _silent(said: str) -> Diagnostic:
    words = re.search(r"fatal: (.*)", said)
    reason = words[1].replace("'", "").rstrip(". ") if words else "its answer makes no sense"
    return Diagnostic(
        "RC865",
        f"git does not say whether the rules are as committed: {reason}",
        help="run `git status`, which says what to do, or say --allow-uncommitted",
    )


def _uncommitted(paths: tuple[str, ...]) -> Diagnostic:
    more = f" and {len(paths) - 1} more are" if len(paths) > 1 else " is"
    return Diagnostic(
        "RC865",
        f"`{paths[0]}`{more} not as committed",
        help="commit it first, or say --allow-uncommitted: what runs should be found in git",
    )
