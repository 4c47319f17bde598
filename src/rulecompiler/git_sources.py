"""The files of a repo at one commit, read from git's objects: nothing is checked out or copied.

Folders, endings and limits are those of `sources.scan`. Links and submodules in a commit are not
followed: where a whole folder stands behind one, there is no telling what its rules were, and nothing
is compared. Only objects whose content is not on disk are read at all.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rulecompiler import inputs, settings
from rulecompiler.diagnostics import Diagnostic, Severity
from rulecompiler.git_entries import (
    Entry,
    entries,
    has_ending,
    is_blob,
    is_seen,
    lost,
    no_folder,
    not_followed,
    shallow,
    whole,
    within,
)
from rulecompiler.inputs import SETTINGS_FILE, Inputs, SourceTexts
from rulecompiler.settings import Settings
from rulecompiler.sources import MAX_BYTES, RawFile

if TYPE_CHECKING:
    import git

MAIN_BRANCHES = ("origin/HEAD", "origin/main", "origin/master", "main", "master")
"""Where the main branch is looked for, in this order."""


class Commit(NamedTuple):
    """A commit that was found: its full hash, and how it was called."""

    hash: str
    label: str
    note: str = ""


class History:
    """The git repository that a folder of rules lies in. A context manager: git's helpers end with it."""

    def __init__(self, repo: git.Repo, root: Path) -> None:
        self._repo = repo
        self._git: Any = repo.git
        top = Path(str(repo.working_tree_dir)).resolve()
        inside = root.resolve().relative_to(top).as_posix()
        self.root = root
        self.prefix = "" if inside == "." else f"{inside}/"  # from the checkout's root to the rules

    def __enter__(self) -> History:
        return self

    def __exit__(self, *_: object) -> None:
        self._repo.close()

    def commit(self, ref: str) -> Commit | Diagnostic:
        """The commit that a name, tag, hash or expression such as `HEAD~2` means (RC720, RC721)."""
        found = self._hash(ref)
        if found is not None:
            return Commit(found, ref)
        if self.is_shallow():
            return shallow(f"`{ref}` is not in this shallow clone")
        known = ", ".join(f"`{name}`" for name in MAIN_BRANCHES if self._hash(name))
        known = f", such as {known}" if known else ""
        return Diagnostic(
            "RC720",
            f"git knows no commit `{ref}`",
            help=f"run `git fetch` first, or name a branch, tag or hash{known}",
        )

    def merge_base(self, head: Commit | None) -> Commit | Diagnostic:
        """Where the head (None: HEAD) and the main branch parted (RC720, RC721, RC722)."""
        tip = head or self.commit("HEAD")
        if isinstance(tip, Diagnostic):
            if not self.is_shallow() and self._hash("HEAD") is None:
                return Diagnostic(
                    "RC722",
                    "this repo has no commit to compare with yet",
                    help="commit first, or run `rulecompiler compile` to see what there is",
                )
            return tip
        main = next((name for name in MAIN_BRANCHES if self._hash(name)), None)
        if main is None:
            if self.is_shallow():
                return shallow("the main branch is not in this shallow clone")
            return Diagnostic(
                "RC722",
                f"there is no main branch to compare with: none of {', '.join(MAIN_BRANCHES)} exists",
                help="name the commit with `--base`",
            )
        answer = self._ask("merge-base", tip.hash, self._hash(main) or main)
        found = (answer or "").strip().partition("\n")[0]
        if not found:
            if self.is_shallow():
                return shallow(f"where {tip.label} and {main} parted is not in this shallow clone")
            return Diagnostic(
                "RC722",
                f"{tip.label} and {main} have no commit in common",
                help="name the commit to compare with: `--base`",
            )
        if main == "origin/HEAD":  # which branch that is tells more
            main = (self._ask("rev-parse", "--abbrev-ref", main) or main).strip()
        return Commit(found, main, f"merge base of {tip.label} and {main}")

    def is_shallow(self) -> bool:
        """Whether older commits were left out when this was cloned."""
        return (self._ask("rev-parse", "--is-shallow-repository") or "").strip() == "true"

    def read(
        self, commit: Commit, environ: Mapping[str, str], known: Iterable[RawFile]
    ) -> Inputs | Diagnostic:
        """The inputs as they are in a commit; files of `known` with the same content are not read again.

        A Diagnostic where settings or folders cannot be read: what the commit compiles to is unknown then.
        """
        on_disk = {file.path: file for file in known}
        faults: list[Diagnostic] = []
        tree = self._tree(commit.hash, (SETTINGS_FILE,))
        if isinstance(tree, Diagnostic):
            return tree
        written = raw = None
        if SETTINGS_FILE in tree:
            raw = self._file(SETTINGS_FILE, tree[SETTINGS_FILE], on_disk, faults)
            written = inputs.read_settings(raw, faults) if raw is not None else None
        unsettled = next((fault for fault in faults if fault.severity is Severity.ERROR), None)
        if unsettled is not None:
            return within(commit.label, unsettled)
        chosen, more = settings.overridden(written.settings if written is not None else Settings(), environ)
        faults.extend(more)
        folders = (chosen.templates, chosen.groups)
        tree = self._tree(commit.hash, folders)
        if isinstance(tree, Diagnostic):
            return tree
        seen = {path: entry for path, entry in sorted(tree.items()) if is_seen(path, folders)}
        hidden = next((f for folder in folders if (f := self._no_folder(commit.hash, folder, seen))), None)
        if hidden is not None:
            return within(commit.label, hidden)
        files: list[RawFile] = []
        for path, entry in seen.items():
            if has_ending(path):
                file = self._file(path, entry, on_disk, faults)
                files += [file] if file is not None else []
            elif not entry.is_file and self._is_folder_elsewhere(commit.hash, path, entry):
                if is_seen(path, (chosen.groups,)):
                    return within(commit.label, not_followed(path, entry))
                faults.append(not_followed(path, entry))
        folder = chosen.templates + "/"
        return Inputs(
            self.root,
            chosen,
            tuple(f for f in files if f.path.startswith(folder)),
            tuple(f for f in files if not f.path.startswith(folder)),
            {},
            SourceTexts([*files, *([raw] if raw is not None else [])]),
            written,
            tuple(faults),
        )

    def files(self, commit: Commit, folder: str) -> Mapping[str, bytes] | Diagnostic:
        """The plain files right in one folder of a commit, by name."""
        tree = self._tree(commit.hash, (folder,))
        if isinstance(tree, Diagnostic):
            return tree
        hidden = self._no_folder(commit.hash, folder, tree)
        if hidden is not None:
            return within(commit.label, hidden)
        found: dict[str, bytes] = {}
        for path, entry in tree.items():
            if posixpath.dirname(path) == folder and entry.is_file:
                data = self._bytes(entry)
                if data is None:
                    return lost(f"the content of {path}")
                found[posixpath.basename(path)] = data
        return found

    def _hash(self, ref: str) -> str | None:
        if not ref or ref.startswith("-") or "\0" in ref:  # git would take it for an option
            return None
        found = self._ask("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
        return (found or "").strip() or None

    def _ask(self, *words: str) -> str | None:
        """What git answers; None where it says no."""
        import git

        try:
            return str(self._git.execute(["git", *words], env={"GIT_OPTIONAL_LOCKS": "0"}))
        except (git.exc.GitCommandError, OSError, ValueError):
            return None

    def _tree(self, commit: str, paths: Iterable[str]) -> dict[str, Entry] | Diagnostic:
        """All files of a commit at or below these paths, by their path from the rules' root."""
        wanted = [f"{self.prefix}{path}" if path != "." else self.prefix or "." for path in paths]
        listing = self._ask("ls-tree", "-r", "-l", "-z", "--full-tree", commit, "--", *wanted)
        if listing is None:
            return lost(f"the commit {commit[:12]}")
        cut = len(self.prefix)
        return {path[cut:]: e for path, e in entries(listing).items() if path.startswith(self.prefix)}

    def _entry(self, commit: str, path: str) -> Entry | None:
        """What stands at a path from the checkout's root."""
        return entries(self._ask("ls-tree", "-l", "-z", "--full-tree", commit, "--", path) or "").get(path)

    def _no_folder(self, commit: str, folder: str, seen: Mapping[str, Entry]) -> Diagnostic | None:
        """What takes the place of a folder or of one above it; a folder that is just not there is fine."""
        if any(is_seen(path, (folder,)) for path in seen):
            return None
        parts = posixpath.normpath(self.prefix + folder).split("/")
        for number in range(1, len(parts) + 1):
            path = "/".join(parts[:number])
            entry = self._entry(commit, path)
            if entry is None or not entry.is_folder:
                return no_folder(path.removeprefix(self.prefix), entry, folder) if entry else None
        return None

    def _is_folder_elsewhere(self, commit: str, path: str, entry: Entry) -> bool:
        """Whether a submodule or link stands for a folder, as far as git can tell."""
        target = (self._bytes(entry) or b"") if entry.is_link else b""
        if not target:
            return not entry.is_link
        name = posixpath.join(
            posixpath.dirname(self.prefix + path), target.decode("utf-8", "surrogateescape")
        )
        led = self._entry(commit, posixpath.normpath(name)) if "\0" not in name else None
        return led is not None and not led.is_file

    def _file(
        self, path: str, entry: Entry, on_disk: Mapping[str, RawFile], faults: list[Diagnostic]
    ) -> RawFile | None:
        if not entry.is_file:
            faults.append(not_followed(path, entry))
            return None
        if entry.size > MAX_BYTES:
            message = f"the file has {entry.size:,} bytes, more than the {MAX_BYTES:,} that are read"
            faults.append(
                Diagnostic("RC105", message, whole(path), help="split it: one template or group a file")
            )
            return None
        known = on_disk.get(path)
        if known is not None and len(known.data) == entry.size and is_blob(known.data, entry.object):
            return known
        data = self._bytes(entry)
        if data is None:
            faults.append(replace(lost("this file's content"), place=whole(path)))
            return None
        return RawFile(path, data, hashlib.sha256(data).hexdigest())

    def _bytes(self, entry: Entry) -> bytes | None:
        import git

        try:
            if len(entry.object) != 40:  # GitPython's helper knows no SHA-256
                words = ["git", "cat-file", "blob", entry.object]
                raw: bytes = self._git.execute(words, stdout_as_string=False, strip_newline_in_stdout=False)
                return raw
            data: bytes = self._git.get_object_data(entry.object)[3]  # one process answers all of these
        except (git.exc.GitError, ValueError, OSError):
            return None
        return data


def open_history(root: Path) -> History | Diagnostic:
    """The repository around a folder (RC723, RC724)."""
    try:
        import git  # without a git program, importing it is what fails
    except ImportError:
        return Diagnostic(
            "RC724",
            "there is no git program to read the base with",
            help="install git, or compare with files: `--against generated`",
        )
    try:
        repo = git.Repo(root, search_parent_directories=True)
        if repo.working_tree_dir is None:
            raise git.exc.InvalidGitRepositoryError(str(root))
        # A repository that git refuses looks empty afterwards.
        repo.git.execute(["git", "rev-parse", "--git-dir"])
        return History(repo, root)
    except (git.exc.InvalidGitRepositoryError, git.exc.NoSuchPathError):
        return Diagnostic(
            "RC724",
            "this folder is not in a git repository, so there is no base to compare with",
            help="run `git init` and commit, or compare with files: `--against generated`",
        )
    except (git.exc.GitError, OSError, ValueError) as error:
        said = " ".join(str(getattr(error, "stderr", "") or error).split())
        said = said.removeprefix("stderr: ").strip("'")[:200]
        return Diagnostic("RC723", f"git cannot read this repository: {said}", help="run `git status` here")
