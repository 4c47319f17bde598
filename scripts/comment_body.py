"""A stranger's artifact as the body of a comment: unpacked in memory, and with nothing active left in it.

Whoever opens a pull request can make the artifact say anything, so nothing is assumed of it but what is
checked here. What GitHub would act upon is broken by an invisible word joiner (U+2060), in code as well,
since where code begins and ends is for the stranger to say too.
"""

from __future__ import annotations

import io
import re
import stat
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

MARKER = "<!-- rulecompiler:plan -->"
"""The first line of the comment, by which it is found again. The same as in `reporters/plan_markdown.py`."""
ARTIFACT_FILE = "plan.md"
"""The one file in the artifact."""
LARGEST_ARCHIVE = 1024 * 1024  # bytes
LARGEST_PLAN = 400 * 1024  # bytes, unpacked
LONGEST = 65_500
"""Characters of the body, as UTF-16 counts them; GitHub takes 65,536."""
NOTHING_CHANGES = "**No alert rule changes**"
"""How a plan without changes begins."""
JOINER = "\u2060"

_CUT = "_Cut to the length of a comment; the artifacts of the run have all of it._\n"

# Tags that the plan uses. Exactly these, without attributes, can do no more than fold and embolden.
_TAGS = r"</?(?:details|summary|code|b|br|sub)>"
_ENTITIES = r"&(?:lt|gt|amp|quot|\#x27|\#39);"
_FENCES = r"(?:`{3,}|~{3,})(?:diff|yaml|text|promql)?[ \t]*$"
_ACTIVE = re.compile(
    rf"""
    (?P<kept> {_TAGS} | {_ENTITIES} )
    | (?P<fence> (?:^|(?<=[ \t>]))          # ```mermaid draws, with links
        (?:`{{3,}}|~{{3,}}) (?=[^`~\n]|(?<=~)`|(?<=`)~) )
    | (?P<broken>
        <(?=[A-Za-z/!?])        # tags, comments (another program's marker), autolinks
      | @(?=\S)                 # mentions, and mail addresses
      | \#(?=\d)                # issues, which would be told
      | GH-(?=\d)              # also in the middle of a word: `_GH-1_` is emphasis
      | &(?=[#A-Za-z])          # an entity for one of these
      | \](?=[(\[:])            # links, images, definitions of links and footnotes
      | :(?=\\*/\\*/)           # bare addresses
      | www(?=\\*\.)
      | \$(?=[`$])              # formulas
      | ^[ \t>]*(?=/\w)         # commands to other programs, at the start of a line
    )
    """,
    re.VERBOSE | re.MULTILINE | re.IGNORECASE,
)
# What a terminal obeys, what turns the direction of text, what is invisible, and halves of characters.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)


class Junk(Exception):
    """Why an artifact is not one of ours, in a sentence."""


@dataclass(frozen=True)
class Origin:
    """Where a plan comes from, as GitHub itself says."""

    run: int
    run_url: str
    sha: str
    from_fork: bool


def read_plan(archive: bytes) -> str:
    """The text of the one file in a zip, of which nothing touches the disk. Raises Junk."""
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            entry = _only_entry(opened.infolist())
            with opened.open(entry) as stream:
                data = stream.read(LARGEST_PLAN + 1)  # whatever size the archive claims
                if len(data) > LARGEST_PLAN:
                    raise Junk(f"{ARTIFACT_FILE} has more than {LARGEST_PLAN:,} bytes")
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        RuntimeError,
        ValueError,
        OSError,
        OverflowError,
    ) as error:
        raise Junk(f"the archive cannot be read: {type(error).__name__}") from None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Junk(f"{ARTIFACT_FILE} is not UTF-8") from None
    first, _, rest = text.partition("\n")
    if first.rstrip("\r") != MARKER:
        raise Junk(f"{ARTIFACT_FILE} does not begin with the marker of a plan")
    return rest


def _only_entry(entries: Sequence[zipfile.ZipInfo]) -> zipfile.ZipInfo:
    if len(entries) != 1:
        raise Junk(f"the archive has {len(entries):,} entries, not one")
    entry = entries[0]
    if entry.orig_filename != ARTIFACT_FILE:  # `filename` ends where a NUL is
        raise Junk(f"the archive holds {entry.orig_filename[:80]!a}, not {ARTIFACT_FILE}")
    mode = entry.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise Junk(f"{ARTIFACT_FILE} is no regular file")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Junk(f"{ARTIFACT_FILE} is packed in an unusual way")
    return entry


def says_nothing_changes(plan: str) -> bool:
    """Whether a plan is of no change."""
    return plan.startswith(NOTHING_CHANGES)


def neutral(text: str, run_url: str) -> str:
    """The text with all broken that GitHub acts upon, but for links to artifacts of the run itself."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    clean = _UNPRINTABLE.sub("\ufffd", lines)
    link = re.compile(rf"\[[\w ]{{1,40}}\]\(<{re.escape(run_url)}/artifacts/[0-9]{{1,20}}>\)", re.ASCII)
    parts = []
    done = 0
    for found in link.finditer(clean):
        # Behind `!` it would be an image.
        if clean[found.start() - 1 : found.start()] != "!":
            parts += [_broken(clean[done : found.start()]), found[0]]
            done = found.end()
    return "".join([*parts, _broken(clean[done:])])


def _broken(text: str) -> str:
    def replaced(found: re.Match[str]) -> str:
        if found["kept"] is not None:
            return found[0]
        if found["fence"] is not None and re.compile(_FENCES, re.MULTILINE).match(text, found.start()):
            return found[0]
        return found[0] + JOINER

    return _ACTIVE.sub(replaced, text)


def body(plan: str, origin: Origin) -> str:
    """The whole comment. What we say stands first, where no open fence or fold of the stranger's hides it."""
    said = neutral(plan, origin.run_url).rstrip("\n")
    top = _top(origin, "Plan")
    room = LONGEST - _size(top) - _size(_CUT) - 2
    if _size(said) > room:
        cut = said.encode("utf-16-le")[: 2 * room].decode("utf-16-le", "ignore")
        said = cut[: cut.rfind("\n") + 1] or cut
        top += _CUT
    return f"{top}\n{said}\n"


def without_plan(origin: Origin, why: str) -> str:
    """What an older plan is replaced with where there is none of the newest commit."""
    said = f"**There is no plan of the newest commit**: {why}. What changes is not known."
    return f"{_top(origin, 'No plan')}\n{said}\n"


def run_of(comment: str) -> int:
    """The run that a comment of ours was made from; 0 where it does not say."""
    found = re.match(rf"{re.escape(MARKER)}\r?\n<!-- rulecompiler:run ([0-9]{{1,20}}) -->", comment)
    return int(found[1]) if found else 0


def _top(origin: Origin, what: str) -> str:
    by = (
        " from a fork, by the code that is in it: a stranger may have made it say anything"
        if origin.from_fork
        else ""
    )
    return (
        f"{MARKER}\n<!-- rulecompiler:run {origin.run} -->\n"
        f"<sub>{what} of {origin.sha[:12]}{by} · [the run](<{origin.run_url}>)</sub>\n"
    )


def _size(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
