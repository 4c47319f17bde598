"""A stranger's artifact: what is let in, and that nothing active gets out."""

from __future__ import annotations

import io
import re
import stat
import struct
import zipfile
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import comment_body
from comment_body import MARKER, Junk, Origin, body, neutral, read_plan
from rulecompiler.reporters import plan_markdown
from tests.pipeline.activity import HOSTILE, RUN, activity
from tests.pipeline.github_server import zipped

ORIGIN = Origin(7, RUN, "a" * 40, from_fork=True)
PLAN = f"{MARKER}\n**Plan: 1 to add.**\n"


def test_the_marker_and_the_words_are_those_of_the_report() -> None:
    assert comment_body.MARKER == plan_markdown.MARKER
    assert comment_body.LONGEST <= 65_536


# --- the archive ------------------------------------------------------------------------------


def packed(
    *entries: tuple[str | zipfile.ZipInfo, str | bytes], compression: int = zipfile.ZIP_DEFLATED
) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return stream.getvalue()


def of_mode(mode: int, name: str = "plan.md") -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = mode << 16
    return entry


def with_size(claimed: int) -> bytes:
    """A bomb that says it is small."""
    data = bytearray(packed(("plan.md", PLAN.encode() + b"\0" * 50_000_000)))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", data, data.index(signature) + offset, claimed)
    return bytes(data)


def encrypted() -> bytes:
    data = bytearray(packed(("plan.md", PLAN)))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    return bytes(data)


def corrupt() -> bytes:
    return packed(("plan.md", PLAN), compression=zipfile.ZIP_STORED).replace(b"1 to add", b"9 to add")


JUNK: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "no zip": lambda: b"<html>",
    "cut off": lambda: zipped(PLAN)[:-10],
    "no end": lambda: zipped(PLAN)[:60],
    "no entries": packed,
    "two entries": lambda: packed(("plan.md", PLAN), ("x", "")),
    "a bomb": lambda: packed(("plan.md", PLAN.encode() + b"\0" * 50_000_000)),
    "a bomb that lies": lambda: with_size(100),
    "another name": lambda: packed(("README.md", PLAN)),
    "up": lambda: packed(("../plan.md", PLAN)),
    "absolute": lambda: packed(("/plan.md", PLAN)),
    "in a folder": lambda: packed(("a/plan.md", PLAN)),
    "a backslash": lambda: packed(("..\\plan.md", PLAN)),
    "behind a NUL": lambda: packed(("plan.mdX", PLAN)).replace(b"plan.mdX", b"plan.md\0"),
    "escapes": lambda: packed(("\x1b[31m::error::", PLAN)),
    "a folder": lambda: packed(("plan.md/", b"")),
    "a link": lambda: packed((of_mode(stat.S_IFLNK | 0o777), "/etc/passwd")),
    "a pipe": lambda: packed((of_mode(stat.S_IFIFO | 0o644), PLAN)),
    "a device": lambda: packed((of_mode(stat.S_IFCHR | 0o644), PLAN)),
    "encrypted": encrypted,
    "corrupt": corrupt,
    "packed otherwise": lambda: packed(("plan.md", PLAN), compression=zipfile.ZIP_LZMA),
    "Latin-1": lambda: packed(("plan.md", PLAN.encode() + b"\xe4")),
    "UTF-16": lambda: packed(("plan.md", PLAN.encode("utf-16"))),
    "half a pair": lambda: packed(("plan.md", PLAN.encode() + b"\xed\xa0\x80")),
    "with a BOM": lambda: packed(("plan.md", b"\xef\xbb\xbf" + PLAN.encode())),
    "no marker": lambda: packed(("plan.md", "hello")),
    "marker below": lambda: packed(("plan.md", f"\n{PLAN}")),
    "empty": lambda: packed(("plan.md", "")),
}


@pytest.mark.parametrize("name", JUNK)
def test_junk_is_refused(name: str) -> None:
    with pytest.raises(Junk) as caught:
        read_plan(JUNK[name]())
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "archive",
    [
        zipped(PLAN),
        packed((of_mode(stat.S_IFREG | 0o644), PLAN)),
        packed((of_mode(0), PLAN.replace("\n", "\r\n"))),
    ],
    ids=["as uploaded", "with a mode", "of Windows"],
)
def test_a_plan_is_read(archive: bytes) -> None:
    assert read_plan(archive).strip() == "**Plan: 1 to add.**"


def test_a_bomb_is_refused_for_its_size() -> None:
    with pytest.raises(Junk, match="more than 409,600 bytes"):
        read_plan(JUNK["a bomb"]())


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_damage_is_junk_or_still_a_plan(damage: bytes) -> None:
    archive = zipped(PLAN)
    for data in (damage, archive[: len(damage)] + damage, damage + archive, archive + damage):
        with suppress(Junk):
            read_plan(data)


# --- the text -----------------------------------------------------------------------------------

WRAPPINGS = ["{}", "> {}", "- {}", "`{}`", "```\n{}\n```", "<summary>{}", "**{}**", "| a |\n|---|\n| {} |"]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("around", WRAPPINGS)
def test_nothing_hostile_is_active(text: str, around: str) -> None:
    comment = body(around.format(text), ORIGIN)
    head, _, said = comment.partition("</sub>\n")
    assert activity(said) == []
    assert comment.count("<!--") == 2
    assert head.startswith(f"{MARKER}\n<!-- rulecompiler:run 7 -->\n<sub>Plan of aaaaaaaaaaaa from a fork")
    assert not re.search("[\x00-\x09\x0b-\x1f\u202a-\u202e\u2028\u200b]", comment)


def test_the_check_of_this_test_sees_what_is_active() -> None:
    # What this parser leaves out, or what no parser makes anything of.
    quiet = ("</details>", "``` \n", "text[^1]", "http:\\", "[click](javascript:", "\u202e")
    assert [text for text in HOSTILE if not activity(text) and not text.startswith(quiet)] == []


@given(st.lists(st.sampled_from([*HOSTILE, *"`~<>[]()!\\&#@:/$|-\n \t", "```", "details>"]), max_size=12))
@settings(max_examples=400, deadline=None)
def test_no_mixture_is_active(parts: list[str]) -> None:
    _, _, said = body("".join(parts), ORIGIN).partition("</sub>\n")
    assert activity(said) == []


@pytest.mark.parametrize(
    "text",
    [
        "**Plan: 1 to add, 2 to change.**",
        "`~` `HighCPU` in 2 groups: `a`, `b`: `threshold` `80` → **`85`** (`alerts/groups/a.yaml:10`)",
        "> [!CAUTION]\n> **1 rule lost**: text",
        "<details>\n<summary><code>~</code> &lt;b&gt; &#x27;c&#x27;</summary>\n\n</details>",
        "```diff\n- a\n+ b\n```\n````\ntext\n````\n  ```yaml\n  a: b\n  ```",
        '```diff\n  rate(x{a="b",c=~"d|e"}[5m] offset 1h) > 1 and y < 2\n```',
        f"[The whole report](<{RUN}/artifacts/81>).",
    ],
)
def test_what_the_report_says_stays_as_it_is(text: str) -> None:
    assert neutral(text, RUN) == text


@pytest.mark.parametrize("start", ["", "a"])
@pytest.mark.parametrize("char", ["x", "é", "😀", "@", "\n", "`"])
def test_the_body_fits_whatever_it_is_made_of(start: str, char: str) -> None:
    comment = body(start + char * (comment_body.LARGEST_PLAN // len(char.encode())), ORIGIN)
    assert len(comment.encode("utf-16-le")) // 2 <= 65_536
    assert len(comment.encode()) < 262_144
    comment.encode()  # no half of a character
