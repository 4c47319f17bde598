"""What the tests of rules folders share: releases to put there, and a look at everything that is there."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from rulecompiler.deploy.flat_layout import FlatLayout
from rulecompiler.deploy.layout import Layout
from rulecompiler.deploy.release import Release
from rulecompiler.deploy.release_layout import ReleaseLayout
from rulecompiler.generated_file import MARKER

LAYOUTS: Mapping[str, type[ReleaseLayout] | type[FlatLayout]] = {"release": ReleaseLayout, "flat": FlatLayout}


def rules(text: str) -> bytes:
    """A compiled rule file."""
    return f"# {MARKER}\n# {text}\ngroups: []\n".encode()


# One file stays, one changes, one goes, one comes.
OLD = Release({"group-a.yml": rules("a"), "group-b.yml": rules("b"), "group-c.yml": rules("c")}, commit="old")
NEW = Release({"group-a.yml": rules("a"), "group-b.yml": rules("B"), "group-d.yml": rules("d")}, commit="new")


def deployed(layout: Layout, *releases: Release) -> None:
    """Takes a folder through releases, each of which must become live."""
    assert layout.prepare() is None
    for release in releases:
        assert layout.stage(release) is None
        assert layout.switch(layout.live().release, release.id) == ("all", None)
        assert layout.faults() == ()


def everything(folder: Path) -> dict[str, tuple[object, ...]]:
    """All that is below a folder: what it is, its mode, its content, and when it was last touched."""
    found: dict[str, tuple[object, ...]] = {}
    for path in (folder, *folder.rglob("*")):
        status = path.lstat()
        content: object = None
        if stat.S_ISLNK(status.st_mode):
            content = os.readlink(path)
        elif stat.S_ISREG(status.st_mode):
            content = path.read_bytes()
        times = (status.st_mtime_ns, status.st_ctime_ns)
        found[str(path.relative_to(folder))] = (stat.filemode(status.st_mode), content, status.st_ino, *times)
    return found


def served(folder: Path, layout: str) -> dict[str, bytes]:
    """The files that a server finds by the layout's glob, through links as a server would."""
    where = folder / "current" if layout == "release" else folder
    return {path.name: path.read_bytes() for path in where.glob("*.yml")}
