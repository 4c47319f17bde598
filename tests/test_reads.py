from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from rulecompiler import reads as module
from rulecompiler.cache import Cache, CachedFile
from rulecompiler.inputs import read_inputs
from rulecompiler.model import Options
from rulecompiler.reads import Reads
from rulecompiler.sources import RawFile
from rulecompiler.staleness import template_header

ROOT = Path(__file__).resolve().parent.parent


def raw(path: str, text: str) -> RawFile:
    return RawFile(path, text.encode(), hashlib.sha256(text.encode()).hexdigest())


TEMPLATE = raw("alerts/templates/a.yaml", "alert: A\nexpr: up == 0\nlabels: {severity: warning}\n")
GROUP = raw("alerts/groups/g.yaml", "group: g\nrules: {A: {}}\n")


def test_what_a_cache_knows_as_good_reads_the_same() -> None:
    # Two sides are compared by these models: a difference would be told as a change.
    inputs = read_inputs(ROOT, {})
    assert len(inputs.templates) > 40
    for file in inputs.templates:
        path, template, warnings = Reads().template(inputs.options, file)
        header = template_header(template)  # type: ignore[arg-type]
        cache = Cache(files={path: CachedFile(file.digest, header, warnings)})
        again = Reads().template(inputs.options, file, cache)
        assert again == (path, template, warnings)
        assert repr(again[1]) == repr(template)


def test_each_content_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reads = Reads()
    first = reads.template(Options(), TEMPLATE), reads.groups([GROUP, GROUP], 1)
    monkeypatch.setattr(module, "read_template", None)
    monkeypatch.setattr(module, "read_group", None)
    assert (reads.template(Options(), TEMPLATE), reads.groups([GROUP, GROUP], 1)) == first
    assert [group.id for _, group, _ in first[1] if group is not None] == ["g", "g"]


def test_another_content_path_or_folder_is_read_anew() -> None:
    reads = Reads()
    name = reads.template(Options(), TEMPLATE)[1]
    other = reads.template(Options(templates="alerts"), TEMPLATE)[1]
    assert (name.name, other.name) == ("a", "templates/a")  # type: ignore[union-attr]
    moved = TEMPLATE._replace(path="alerts/templates/b.yaml")
    assert reads.template(Options(), moved)[1].name == "b"  # type: ignore[union-attr]
    edited = raw(GROUP.path, "group: g\nname: other\nrules: {A: {}}\n")
    found = [group.name for _, group, _ in reads.groups([GROUP, edited], 1) if group is not None]
    assert found == ["g", "other"]


def test_what_is_not_kept_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    reads = Reads()
    reads.template(Options(), TEMPLATE)
    reads.groups([GROUP], 1)
    reads.keep([GROUP])
    asked: list[str] = []
    monkeypatch.setattr(module, "read_template", lambda _, file: asked.append(file.path))
    monkeypatch.setattr(module, "read_group", lambda file: asked.append(file.path))
    reads.groups([GROUP], 1)
    reads.template(Options(), TEMPLATE)
    assert asked == [TEMPLATE.path]
