"""How the deployer speaks of what is wrong with a rules folder."""

from __future__ import annotations

import errno
import shlex
from collections.abc import Sequence
from pathlib import Path

from rulecompiler.diagnostics import Diagnostic, Severity

_SHOWN = 5
_ID_DIGITS = 12
_NO_PERMISSION = frozenset((errno.EACCES, errno.EPERM))
_FULL = frozenset((errno.ENOSPC, errno.EDQUOT))


def unusable(folder: Path, error: OSError) -> Diagnostic:
    """The rules folder cannot be made or written to (RC830)."""
    return Diagnostic(
        "RC830",
        f"the rules folder {_quoted(folder)} cannot be used: {_why(error)}",
        help=_remedy(folder, error),
    )


def not_ours(path: str, kind: str) -> Diagnostic:
    """A link or a file stands where a folder of the deployer's should be (RC830)."""
    return Diagnostic(
        "RC830",
        f"{_quoted(path)} is a {kind}, and should be a folder",
        help=f"move it away, as in `mv {_argument(path)} {_argument(path)}.old`, then deploy again: "
        "links below the rules folder are not followed",
    )


def inside(folder: Path) -> Diagnostic:
    """The folder is a part of a rules folder (RC830)."""
    return Diagnostic(
        "RC830",
        f"{_quoted(folder)} is a part of the rules folder {_quoted(folder.parent)}",
        help=f"set `path` (PROMETHEUS_RULE_PATH) to {_argument(folder.parent)}",
    )


def other_layout(folder: Path, found: str, wanted: str) -> Diagnostic:
    """The folder is laid out otherwise than the settings say (RC831)."""
    return Diagnostic(
        "RC831",
        f"{_quoted(folder)} holds rule files in the layout `{found}`, and the settings say `{wanted}`",
        help=f"set `layout: {found}` for this target, or give it another `path`, and `rule_files` likewise",
    )


def bad_current(path: str, found: str) -> Diagnostic:
    """`current` is something else than a link to a stored release (RC832)."""
    return Diagnostic(
        "RC832",
        f"{_quoted(path)} is {found}, and should be a link to a release beside it",
        help=f"look at `ls -l {_argument(path)}` and move it away; the next deployment makes the link",
    )


def special(path: str, kind: str) -> Diagnostic:
    """Something that is no file lies where the server reads rule files (RC833)."""
    return Diagnostic(
        "RC833",
        f"{_quoted(path)}, which the server would read as a rule file, is a {kind}",
        help="move it away: with it a reload hangs or fails, the server's next start too",
    )


def link(path: str) -> Diagnostic:
    """A link stands in for a rule file of ours (RC834)."""
    return Diagnostic(
        "RC834",
        f"{_quoted(path)} is a link, where a rule file of ours should be",
        help=f"remove it with `rm {_argument(path)}`: a server prints lines of what it cannot read as rules",
    )


def bad_name(path: str) -> Diagnostic:
    """A rule file has a name that is not safe in paths and logs (RC835)."""
    return Diagnostic(
        "RC835",
        f"{_quoted(path)} has a name that no rule file of ours may have",
        help="rename it: letters, digits, `.`, `_` and `-`, first a letter or digit, last `.yml`, "
        "at most 200 characters",
    )


def not_stored(folder: Path, error: OSError) -> Diagnostic:
    """A release could not be written (RC836)."""
    return Diagnostic(
        "RC836",
        f"the release cannot be stored in {_quoted(folder)}: {_why(error)}; what is live was not touched",
        help=_remedy(folder, error),
    )


def damaged(release: str, names: Sequence[str]) -> Diagnostic:
    """What is stored is not what its manifest says (RC837)."""
    return Diagnostic(
        "RC837",
        f"the stored release {short(release)} is not what it was: {_listed(names)}",
        help="deploy it again from its commit, or choose another one of `rulecompiler releases`",
    )


def unknown_release(folder: Path, release: str) -> Diagnostic:
    """A release is wanted that is not there (RC838)."""
    return Diagnostic(
        "RC838",
        f"no release {short(release)} is stored in {_quoted(folder)}",
        help="choose one of `rulecompiler releases`, or deploy it again from its commit",
    )


def nothing_live(folder: Path) -> Diagnostic:
    """There is nothing of ours in the folder (RC855)."""
    return Diagnostic(
        "RC855",
        f"nothing was deployed to {_quoted(folder)} yet",
        help="run `rulecompiler deploy`; `path` (PROMETHEUS_RULE_PATH) names the folder",
    )


def overtaken(folder: Path, expected: str | None, found: str | None) -> Diagnostic:
    """Another release is live than this run started from (RC899)."""
    return Diagnostic(
        "RC899",
        f"{_live(found)} in {_quoted(folder)}, and this run started when {_live(expected)}",
        help="somebody else deployed meanwhile: look at `rulecompiler status`, then deploy again",
    )


def edited(folder: Path, names: Sequence[str]) -> Diagnostic:
    """Files that are not as they were deployed (RC856)."""
    files = "files are" if len(names) > 1 else "a file is"
    return Diagnostic(
        "RC856",
        f"in {_quoted(folder)}, {files} not as deployed, but changed, added or removed by hand: "
        f"{_listed(names)}",
        help="make the change in alerts/, then say --accept-drift to replace it (what is there now is kept "
        "as a release that a rollback can go to)",
    )


def in_the_way(path: str) -> Diagnostic:
    """A file of somebody else has a name that a release needs (RC841)."""
    return Diagnostic(
        "RC841",
        f"{_quoted(path)} was not deployed by rulecompiler, and a file of the release has its name",
        help="move it away, or rename the group; files of others are never overwritten",
    )


def not_switched(folder: Path, error: OSError) -> Diagnostic:
    """The live files could not be replaced, or not all of them (RC842)."""
    return Diagnostic(
        "RC842",
        f"the live files in {_quoted(folder)} cannot be replaced: {_why(error)}",
        help=_remedy(folder, error),
    )


def unreadable(folder: Path, error: OSError) -> Diagnostic:
    """Something in the rules folder cannot be read (RC843)."""
    return Diagnostic(
        "RC843",
        f"the rules folder {_quoted(folder)} cannot be read: {_why(error)}",
        help=_remedy(folder, error),
    )


def locked(folder: Path) -> Diagnostic:
    """Another run works on this folder (RC844)."""
    return Diagnostic(
        "RC844",
        f"another rulecompiler is deploying to {_quoted(folder)} at this moment",
        help="wait for it to end, then deploy again; the lock ends with its process",
    )


def no_lock(folder: Path, error: OSError) -> Diagnostic:
    """The lock cannot be had, for reasons of the system's (RC845)."""
    return Diagnostic(
        "RC845", f"{_quoted(folder)} cannot be locked: {_why(error)}", help=_remedy(folder, error)
    )


def bad_record(path: str, help: str) -> Diagnostic:
    """What the deployer keeps for itself is not what it writes (RC846)."""
    return Diagnostic("RC846", f"the deployer's record {_quoted(path)} is damaged", help=help)


def not_recorded(path: str, folder: Path, error: OSError) -> Diagnostic:
    """What the deployer keeps for itself cannot be written (RC847)."""
    return Diagnostic(
        "RC847",
        f"the deployer's record {_quoted(path)} cannot be written: {_why(error)}",
        help=_remedy(folder, error),
    )


def not_removed(folder: Path, error: OSError) -> Diagnostic:
    """Old releases, or what an interrupted run left, cannot be taken away (RC848)."""
    return Diagnostic(
        "RC848",
        f"what is no longer needed in {_quoted(folder)} cannot be removed: {_why(error)}",
        help=_remedy(folder, error),
        severity=Severity.WARNING,
    )


def unlisted(path: str) -> Diagnostic:
    """A compiled file runs that no deployment put there (RC849)."""
    return Diagnostic(
        "RC849",
        f"{_quoted(path)} was compiled by rulecompiler, and no deployment knows of it",
        help="its rules go on running: remove it by hand if they should not",
        severity=Severity.WARNING,
    )


def shown(name: str) -> str:
    """A name as one may print it: what a terminal would obey, or cannot show, is written as an escape."""
    return name if name.isprintable() else ascii(name)[1:-1]


def short(release: str) -> str:
    """The first digits of an id, enough to tell releases apart."""
    return shown(release[:_ID_DIGITS])


def _quoted(path: Path | str) -> str:
    return f"`{shown(str(path))}`"


def _argument(path: Path | str) -> str:
    return shlex.quote(shown(str(path)))


def _live(release: str | None) -> str:
    return "nothing is live" if release is None else f"release {short(release)} is live"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(map(_quoted, names[:_SHOWN])) + more


def _why(error: OSError) -> str:
    where = f" ({_quoted(error.filename)})" if isinstance(error.filename, str) else ""
    return f"{error.strerror or error}{where}"


def _remedy(folder: Path, error: OSError) -> str:
    argument = _argument(folder)
    if error.errno in _FULL:
        return f"make room (`df -h {argument}; df -i {argument}` show what is used), then deploy again"
    if error.errno == errno.EROFS:
        return "mount it writable for the deployer, then deploy again"
    if error.errno in _NO_PERMISSION:
        return f'let the deployer\'s user own it, as in `chown -R "$(id -un)" {argument}`, then deploy again'
    if error.errno == errno.EXDEV:
        return f"mount {_quoted(folder)} as a whole: all of it must be on one file system"
    if error.errno == errno.EIO:
        return "look at `dmesg`: the disk may be failing; deploy again when it is sound"
    if error.errno in (errno.ENOTDIR, errno.ELOOP, errno.EEXIST, errno.EISDIR, errno.EINVAL):
        return "see that `path` (PROMETHEUS_RULE_PATH) names a folder, and that no link stands below it"
    return f"look at `ls -la {argument}`, then deploy again"
