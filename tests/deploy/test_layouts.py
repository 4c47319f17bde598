"""Both layouts of a rules folder: what they do alike, what they refuse, and what they leave alone."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from rulecompiler.deploy.disk import Folder
from rulecompiler.deploy.layout import Layout, Live
from rulecompiler.deploy.release import MANIFEST, Release
from rulecompiler.diagnostics import Diagnostic, Severity
from tests.deploy.folders import LAYOUTS, NEW, OLD, deployed, everything, rules, served

THIRD = Release({"group-e.yml": rules("e")})
EMPTY = Release({})


@pytest.fixture(params=list(LAYOUTS))
def name(request: pytest.FixtureRequest) -> str:
    layout_name: str = request.param
    return layout_name


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "rules"


@pytest.fixture
def layout(name: str, folder: Path) -> Layout:
    return LAYOUTS[name](folder)


def codes(faults: tuple[Diagnostic, ...]) -> list[str]:
    for fault in faults:
        assert fault.help
        assert not fault.message.endswith(".")
        assert (fault.message + fault.help).isprintable()
    return [fault.code for fault in faults]


def code(result: object) -> str:
    assert isinstance(result, Diagnostic), result
    return codes((result,))[0]


def live_folder(name: str, folder: Path) -> Path:
    return folder / "current" if name == "release" else folder


# --- what they do alike ------------------------------------------------------


def test_a_folder_that_is_not_there_is_empty_and_looking_at_it_makes_nothing(
    layout: Layout, folder: Path
) -> None:
    assert layout.faults() == ()
    assert layout.live() == Live(None, {}, {}, ())
    assert layout.stored() == ()
    assert code(layout.load(OLD.id)) == "RC838"
    assert code(layout.adopt()) in ("RC855", "RC847", "RC843")
    assert layout.sweep() is None
    assert layout.prune(()) is None
    assert not folder.exists()


def test_a_missing_folder_is_made_with_those_above_it(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    assert LAYOUTS[name](folder).prepare() is None
    assert folder.is_dir()


def test_each_release_in_turn_is_what_a_server_finds(layout: Layout, name: str, folder: Path) -> None:
    layout.prepare()
    for release in (OLD, NEW, THIRD, EMPTY, OLD):
        assert layout.stage(release) is None
        assert layout.switch(layout.live().release, release.id) == ("all", None)
        assert served(folder, name) == release.files
        assert layout.live() == Live(release.id, release.files, release.digests, ())
        assert layout.faults() == ()
        assert layout.load(release.id) == release
    assert {each.id for each in layout.stored()} == {each.id for each in (OLD, NEW, THIRD, EMPTY)}
    assert layout.switch(OLD.id, None) == ("all", None)
    assert served(folder, name) == {}
    assert layout.live().release is None
    assert layout.switch(None, NEW.id) == ("all", None)


def test_what_is_known_of_a_release_is_kept_with_it(layout: Layout) -> None:
    release = Release(OLD.files, commit="abc")
    deployed(layout, release)
    loaded = layout.load(release.id)
    assert isinstance(loaded, Release)
    assert loaded.commit == "abc"
    (stored,) = layout.stored()
    assert (stored.id, stored.files, stored.commit) == (release.id, 3, "abc")


def test_stored_releases_come_newest_first(layout: Layout, folder: Path) -> None:
    deployed(layout, OLD, NEW, THIRD)
    for seconds, release in enumerate((NEW, THIRD, OLD)):
        (path,) = [p for p in folder.rglob("*.json") if release.id in str(p)]
        os.utime(path, (seconds, seconds))
    assert [each.id for each in layout.stored()] == [OLD.id, THIRD.id, NEW.id]
    assert layout.stored()[0].stored_at == 2


def test_with_everything_in_place_nothing_is_written(layout: Layout, folder: Path) -> None:
    deployed(layout, OLD, NEW)
    before = everything(folder)
    assert layout.prepare() is None
    assert layout.sweep() is None
    layout.claim(NEW.files)
    assert layout.faults() == ()
    assert layout.live().release == NEW.id
    assert layout.stored()
    assert isinstance(layout.load(OLD.id), Release)
    assert layout.owned(layout.server_file("group-a.yml"))
    assert layout.stage(NEW) is None
    assert layout.stage(Release(OLD.files, commit="another")) is None
    assert layout.switch(NEW.id, NEW.id) == ("all", None)
    assert layout.adopt() == NEW.id
    assert layout.prune((OLD.id, NEW.id)) is None
    assert everything(folder) == before


@pytest.mark.parametrize("umask", [0o077, 0o000, 0o777])
def test_modes_are_the_same_whatever_the_umask(layout: Layout, name: str, folder: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        deployed(layout, OLD, NEW)
    finally:
        os.umask(before)
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            assert stat.S_IMODE(path.lstat().st_mode) == (0o755 if path.is_dir() else 0o644), path


@pytest.mark.parametrize(
    ("server_path", "reported", "owned"),
    [
        ("", "{folder}/{sub}group-a.yml", "group-a.yml"),
        ("/srv/rules/", "/srv/rules/{sub}group-a.yml", "group-a.yml"),
        ("/srv/rules", "/srv//rules/{sub}group-a.yml", "group-a.yml"),
        ("rules", "rules/{sub}group-a.yml", "group-a.yml"),
        ("/srv/rules", "/srv/rules/{sub}more/group-a.yml", None),
        ("/srv/rules", "/srv/rules/{sub}../group-a.yml", None),
        ("/srv/rules", "/srv/rules-old/{sub}group-a.yml", None),
        ("/srv/rules", "/srv/rules/{sub}group-a.yaml", None),
        ("/srv/rules", "/srv/rules/{sub}", None),
        ("/srv/rules", "group-a.yml", None),
        ("/srv/rules", "", None),
    ],
)
def test_a_server_s_path_is_ours_or_not(
    name: str, folder: Path, server_path: str, reported: str, owned: str | None
) -> None:
    layout = LAYOUTS[name](folder, server_path)
    deployed(layout, OLD)
    sub = "current/" if name == "release" else ""
    assert layout.owned(reported.format(folder=folder, sub=sub)) == owned
    root = (server_path or str(folder)).rstrip("/")
    assert layout.pattern == f"{root}/{sub}*.yml"
    assert layout.server_file("group-a.yml") == f"{root}/{sub}group-a.yml"


def test_the_folder_itself_may_be_reached_through_a_link(name: str, tmp_path: Path) -> None:
    (tmp_path / "volume").mkdir()
    (tmp_path / "rules").symlink_to("volume")
    deployed(LAYOUTS[name](tmp_path / "rules"), OLD, NEW)
    assert served(tmp_path / "volume", name) == NEW.files


def test_old_releases_are_forgotten_and_the_live_one_never(layout: Layout, name: str, folder: Path) -> None:
    deployed(layout, OLD, NEW, THIRD)
    assert layout.prune((OLD.id,)) is None
    assert {each.id for each in layout.stored()} == {OLD.id, THIRD.id}
    assert layout.load(OLD.id) == OLD
    assert layout.live() == Live(THIRD.id, THIRD.files, THIRD.digests, ())
    if name == "flat":
        blobs = {path.name for path in (folder / ".rulecompiler/blobs").iterdir()}
        assert blobs == {*OLD.digests.values(), *THIRD.digests.values()}


def test_what_a_killed_run_left_is_swept_whatever_it_is(layout: Layout, folder: Path) -> None:
    deployed(layout, OLD)
    before = everything(folder)
    stage = folder / ".rulecompiler/stage"
    (stage / NEW.id / "deep").mkdir(parents=True)
    (stage / NEW.id / "deep" / "group-a.yml").write_text("half")
    (stage / NEW.id / "out").symlink_to(folder)
    os.mkfifo(stage / "pipe")
    (stage / "current").symlink_to("/nowhere")
    assert layout.sweep() is None
    assert list(stage.iterdir()) == []
    after = everything(folder)
    assert {k: v[:3] for k, v in after.items()} == {k: v[:3] for k, v in before.items()}


def test_ten_thousand_files(layout: Layout, name: str, folder: Path) -> None:
    many = Release({f"group-{number}.yml": rules(str(number)) for number in range(10_000)})
    deployed(layout, OLD, many)
    assert layout.live().digests == many.digests
    assert len(served(folder, name)) == 10_000
    deployed(layout, OLD)
    assert served(folder, name) == OLD.files


# --- compare and swap ----------------------------------------------------------


@pytest.mark.parametrize(("old", "new"), [(None, NEW), (NEW, OLD), (NEW, None), (None, None), (NEW, NEW)])
def test_a_switch_is_refused_where_something_else_is_live(
    layout: Layout, folder: Path, old: Release | None, new: Release | None
) -> None:
    deployed(layout, OLD)
    layout.stage(NEW)
    before = everything(folder)
    switched = layout.switch(None if old is None else old.id, None if new is None else new.id)
    assert switched.moved == "none"
    assert code(switched.fault) == "RC899"
    assert everything(folder) == before


def test_a_switch_to_what_is_not_stored_is_refused(layout: Layout, folder: Path) -> None:
    deployed(layout, OLD)
    before = everything(folder)
    for unknown in (NEW.id, "", "../../etc", "x\n"):
        switched = layout.switch(OLD.id, unknown)
        assert switched.moved == "none"
        assert code(switched.fault) == "RC838"
        assert code(layout.load(unknown)) == "RC838"
    assert everything(folder) == before


# --- names -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "bad",
    [
        *(
            "../up.yml",
            "a/b.yml",
            "/etc/x.yml",
            "a\nb.yml",
            ".hidden.yml",
            "a.yaml",
            "a.yml\n",
            "",
            ".",
            "..",
        ),
        *("a b.yml", "-a.yml", "ä.yml", "\udcff.yml", "x" * 300 + ".yml", MANIFEST, "current"),
    ],
)
def test_a_release_with_a_dangerous_name_is_refused(layout: Layout, folder: Path, bad: str) -> None:
    deployed(layout, OLD)
    before = everything(folder)
    assert code(layout.stage(Release({"group-a.yml": b"", bad: b"groups: []\n"}))) == "RC835"
    assert everything(folder) == before


# --- damage ------------------------------------------------------------------------


def stored_copy(name: str, folder: Path, release: Release, file: str) -> Path:
    """Where a stored release that is not live keeps a file."""
    if name == "release":
        return folder / "releases" / release.id / file
    return folder / ".rulecompiler/blobs" / release.digests[file]


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[10] ^= 1
    path.write_bytes(data)


def link_to_a_copy(path: Path) -> None:
    copy = path.parents[2] / "copy"
    path.rename(copy)
    path.symlink_to(copy)


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def empty_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("harm", [truncate, flip, Path.unlink, link_to_a_copy, pipe])
def test_a_damaged_release_is_not_switched_to_and_staging_mends_it(
    layout: Layout, name: str, folder: Path, harm: Callable[[Path], None]
) -> None:
    deployed(layout, NEW, OLD)
    harm(stored_copy(name, folder, NEW, "group-d.yml"))
    assert code(layout.load(NEW.id)) == "RC837"
    switched = layout.switch(OLD.id, NEW.id)
    assert (switched.moved, code(switched.fault)) == ("none", "RC837")
    assert layout.live().release == OLD.id
    assert layout.stage(NEW) is None
    assert layout.load(NEW.id) == NEW
    assert layout.switch(OLD.id, NEW.id) == ("all", None)
    assert served(folder, name) == NEW.files


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"format": 1}', "[" * 100_000, '{"format": 2, "files": {}}']
)
def test_a_damaged_manifest_is_seen(layout: Layout, folder: Path, text: str) -> None:
    deployed(layout, NEW, OLD)
    (path,) = [p for p in folder.rglob("*.json") if NEW.id in str(p)]
    path.write_text(text)
    assert code(layout.load(NEW.id)) == "RC837"
    assert [each.id for each in layout.stored()] == [OLD.id]
    assert layout.stage(NEW) is None
    assert layout.load(NEW.id) == NEW


# --- edits by hand -------------------------------------------------------------------


@pytest.fixture
def edited(layout: Layout, name: str, folder: Path) -> Path:
    """The live folder, with a file changed and one taken away."""
    deployed(layout, NEW, OLD)
    live = live_folder(name, folder)
    (live / "group-a.yml").write_bytes(rules("by hand"))
    (live / "group-b.yml").unlink()
    return live


@pytest.mark.usefixtures("edited")
def test_edits_by_hand_are_seen_and_not_overwritten(layout: Layout, name: str, folder: Path) -> None:
    live = layout.live()
    assert (live.release, live.edited) == (OLD.id, ("group-a.yml", "group-b.yml"))
    assert live.files == served(folder, name)
    before = everything(folder)
    if name == "flat":
        switched = layout.switch(OLD.id, NEW.id)
        assert (switched.moved, code(switched.fault)) == ("none", "RC856")
    else:
        assert code(layout.stage(OLD)) == "RC856"
        assert code(layout.load(OLD.id)) == "RC837"
    assert everything(folder) == before


def test_edits_by_hand_are_adopted_and_then_replaced_like_any_release(
    layout: Layout, name: str, edited: Path, folder: Path
) -> None:
    if name == "release":
        (edited / "extra.yml").write_text("groups: []\n")
    found = served(folder, name)
    adopted = layout.adopt()
    assert adopted == Release(found).id
    assert layout.live() == Live(adopted, found, Release(found).digests, ())
    assert layout.load(adopted) == Release(found)
    assert layout.faults() == ()
    assert layout.stage(OLD) is None
    assert layout.switch(adopted, OLD.id) == ("all", None)
    assert served(folder, name) == OLD.files
    assert layout.switch(OLD.id, adopted) == ("all", None)
    assert served(folder, name) == found


def test_an_added_file_is_an_edit_of_a_folder_that_is_ours_alone(folder: Path) -> None:
    layout = LAYOUTS["release"](folder)
    deployed(layout, OLD)
    (folder / "current" / "extra.yml").write_text("groups: []\n")
    (folder / "current" / "notes.txt").write_text("no rule file")
    live = layout.live()
    assert live.edited == ("extra.yml",)
    assert live.files == {**OLD.files, "extra.yml": b"groups: []\n"}


def test_a_live_release_without_its_manifest_is_edited_and_can_be_adopted(folder: Path) -> None:
    layout = LAYOUTS["release"](folder)
    deployed(layout, OLD)
    (folder / "current" / MANIFEST).unlink()
    assert layout.live().edited == tuple(sorted((*OLD.files, MANIFEST)))
    assert layout.adopt() == OLD.id
    assert layout.live() == Live(OLD.id, OLD.files, OLD.digests, ())
    assert layout.load(OLD.id) == OLD


# --- what must be put right by hand -----------------------------------------------------


def a_folder(path: Path) -> None:
    path.mkdir()


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_socket(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # a socket's path may not be long
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path.name)
    finally:
        os.chdir(here)


def a_dangling_link(path: Path) -> None:
    path.symlink_to("nowhere")


def a_link_in_a_circle(path: Path) -> None:
    path.symlink_to(path.name)


def a_link_to_a_secret(path: Path) -> None:
    secret = path.parents[1] / "secret"
    secret.write_text("password")
    path.symlink_to(secret)


def a_link_to_a_pipe(path: Path) -> None:
    os.mkfifo(path.parents[1] / "pipe")
    path.symlink_to(path.parents[1] / "pipe")


PLANTED = [
    a_folder,
    a_pipe,
    a_socket,
    a_dangling_link,
    a_link_in_a_circle,
    a_link_to_a_secret,
    a_link_to_a_pipe,
]


@pytest.mark.parametrize("plant", PLANTED)
@pytest.mark.parametrize("planted", ["group-a.yml", "group-z.yml", ".hidden.yml", "a\nb.yml"])
def test_what_would_hang_or_betray_a_server_is_refused(
    layout: Layout, name: str, folder: Path, plant: Callable[[Path], None], planted: str
) -> None:
    deployed(layout, NEW, OLD)
    path = live_folder(name, folder) / planted
    if path.exists():
        path.unlink()
    plant(path)
    found = layout.faults()
    is_link = path.is_symlink()
    ours = name == "release" or planted == "group-a.yml"
    if is_link and not ours:
        assert codes(found) == ([] if plant is a_link_to_a_secret else ["RC833"])
    else:
        assert codes(found) == ["RC834" if is_link else "RC833"]
    live = layout.live()
    assert "password" not in str(live.files)
    assert planted not in live.files
    if ours:
        assert len(live.edited) == 1
        assert isinstance(layout.adopt(), Diagnostic)


@pytest.mark.parametrize("bad", ["a\nb.yml", ".hidden.yml", "x y.yml", "\udcff.yml"])
def test_a_name_that_no_release_may_have(folder: Path, bad: str) -> None:
    layout = LAYOUTS["release"](folder)
    deployed(layout, OLD)
    (folder / "current" / bad).write_text("groups: []\n")
    assert codes(layout.faults()) == ["RC835"]
    assert len(layout.live().edited) == 1
    assert layout.live().edited[0].isprintable()
    assert code(layout.adopt()) == "RC835"


def absent_release(path: Path) -> None:
    path.symlink_to(f"releases/{'0' * 64}")


def absolute(path: Path) -> None:
    path.symlink_to(path.parent / "releases" / OLD.id)


def outside(path: Path) -> None:
    path.symlink_to("..")


def roundabout(path: Path) -> None:
    path.symlink_to(f"releases/../releases/{OLD.id}")


def a_file(path: Path) -> None:
    path.write_text("x")


@pytest.mark.parametrize(
    "plant", [a_folder, a_file, a_pipe, a_dangling_link, absent_release, absolute, outside, roundabout]
)
def test_current_is_a_link_to_a_release_beside_it_and_nothing_else(
    folder: Path, plant: Callable[[Path], None]
) -> None:
    layout = LAYOUTS["release"](folder)
    deployed(layout, NEW, OLD)
    (folder / "current").unlink()
    plant(folder / "current")
    before = everything(folder)
    assert codes(layout.faults()) == ["RC832"]
    assert layout.live().release is None
    for old in (None, OLD.id):
        switched = layout.switch(old, NEW.id)
        assert (switched.moved, code(switched.fault)) == ("none", "RC832")
    assert code(layout.adopt()) == "RC832"
    assert layout.prune(()) is None
    assert everything(folder) == before


@pytest.mark.parametrize("plant", [a_file, a_pipe, a_dangling_link, outside])
@pytest.mark.parametrize(
    ("name", "which"),
    [
        ("release", ".rulecompiler"),
        ("release", ".rulecompiler/stage"),
        ("release", "releases"),
        ("flat", ".rulecompiler"),
        ("flat", ".rulecompiler/stage"),
        ("flat", ".rulecompiler/releases"),
        ("flat", ".rulecompiler/blobs"),
    ],
)
def test_nothing_below_the_folder_is_followed(
    layout: Layout, folder: Path, plant: Callable[[Path], None], which: str
) -> None:
    deployed(layout, OLD)
    shutil.rmtree(folder / which)
    plant(folder / which)
    before = everything(folder.parent)
    assert code(layout.prepare()) == "RC830"
    assert code(layout.stage(NEW)) == "RC836"
    assert layout.switch(OLD.id, None).moved in ("none", "all")
    assert {k: v for k, v in everything(folder.parent).items() if "current" not in k}.keys() <= before.keys()


# --- files of others ---------------------------------------------------------------------


def test_files_of_others_stay_as_they_are(layout: Layout, folder: Path) -> None:
    layout.prepare()
    (folder / "others.yml").write_text("groups: []\n")
    (folder / "linked.yml").symlink_to("others.yml")
    (folder / "sub").mkdir()
    (folder / "sub" / "group-a.yml").write_text("groups: []\n")
    (folder / "group-a.yml.bak").write_text("theirs")
    names = {"others.yml", "linked.yml", "sub", "sub/group-a.yml", "group-a.yml.bak"}
    before = {key: value for key, value in everything(folder).items() if key in names}
    deployed(layout, OLD, NEW)
    layout.switch(NEW.id, None)
    layout.prune(())
    layout.sweep()
    assert {key: value for key, value in everything(folder).items() if key in names} == before
    assert layout.owned(str(folder / "others.yml")) is None


@pytest.fixture
def flat(folder: Path) -> Layout:
    return LAYOUTS["flat"](folder)


def test_a_foreign_file_of_our_name_is_not_overwritten(flat: Layout, folder: Path) -> None:
    deployed(flat, OLD)
    flat.stage(NEW)
    (folder / "group-d.yml").write_text("groups: []  # theirs\n")
    before = everything(folder)
    assert flat.faults() == ()
    flat.claim(NEW.files)
    assert codes(flat.faults()) == ["RC841"]
    assert flat.live().edited == ()
    switched = flat.switch(OLD.id, NEW.id)
    assert (switched.moved, code(switched.fault)) == ("none", "RC841")
    assert flat.adopt() == OLD.id
    assert everything(folder) == before


def test_files_that_were_copied_by_hand_are_taken_over_where_the_compiler_wrote_them(
    flat: Layout, folder: Path
) -> None:
    folder.mkdir()
    (folder / "group-a.yml").write_bytes(rules("copied"))
    (folder / "group-x.yml").write_bytes(rules("left over"))
    (folder / "others.yml").write_text("groups: []\n")
    assert flat.prepare() is None
    assert codes(flat.faults()) == ["RC849", "RC849"]
    assert {fault.severity for fault in flat.faults()} == {Severity.WARNING}
    flat.stage(OLD)
    flat.claim(OLD.files)
    assert codes(flat.faults()) == ["RC849"]
    assert flat.live().edited == ("group-a.yml",)
    assert flat.live().release is None
    assert code(flat.switch(None, OLD.id).fault) == "RC841"
    adopted = flat.adopt()
    assert adopted == Release({"group-a.yml": rules("copied")}).id
    assert flat.switch(adopted, OLD.id) == ("all", None)
    assert served(folder, "flat").keys() == {*OLD.files, "group-x.yml", "others.yml"}


def test_one_changed_file_of_many_writes_that_one(flat: Layout, folder: Path) -> None:
    many = {f"group-{number}.yml": rules(str(number)) for number in range(50)}
    deployed(flat, Release(many))
    before = everything(folder)
    deployed(flat, Release({**many, "group-7.yml": rules("seven")}))
    after = everything(folder)
    touched = {key for key in after if after[key] != before.get(key) and after[key][1] is not None}
    new = Release({**many, "group-7.yml": rules("seven")})
    assert touched == {
        "group-7.yml",
        ".rulecompiler/live.json",
        f".rulecompiler/releases/{new.id}.json",
        f".rulecompiler/blobs/{new.digests['group-7.yml']}",
    }


def test_ours_are_also_those_that_an_interrupted_run_was_about_to_bring(flat: Layout, folder: Path) -> None:
    from rulecompiler.deploy.journal import Journal, write_journal

    deployed(flat, OLD)
    assert flat.owned(f"{folder}/group-c.yml") == "group-c.yml"
    assert flat.owned(f"{folder}/group-d.yml") is None
    flat.stage(NEW)
    write_journal(folder, Journal(OLD.id, NEW.id, "forward"))
    assert LAYOUTS["flat"](folder).owned(f"{folder}/group-d.yml") == "group-d.yml"
    flat.claim(("group-e.yml", "../x.yml"))
    assert flat.owned(f"{folder}/group-e.yml") == "group-e.yml"


def test_an_interrupted_switch_goes_on_from_where_it_was_or_back(flat: Layout, folder: Path) -> None:
    deployed(flat, OLD)
    flat.stage(NEW)
    record = folder / ".rulecompiler/live.json"
    for target in (NEW, OLD):
        settled = record.read_text()
        record.write_text(settled.replace(f'"{OLD.id}"', f'"{OLD.id}", "{NEW.id}"'))
        (folder / "group-b.yml").write_bytes(NEW.files["group-b.yml"])
        (folder / "group-d.yml").write_bytes(NEW.files["group-d.yml"])
        live = flat.live()
        assert (live.release, live.edited) == (OLD.id, ("group-b.yml", "group-d.yml"))
        assert flat.faults() == ()
        assert flat.prune(()) is None
        other = NEW if target is OLD else OLD
        assert flat.switch(other.id, target.id) == ("all", None)
        assert served(folder, "flat") == target.files
        assert flat.live() == Live(target.id, target.files, target.digests, ())
        if target is NEW:
            assert flat.stage(OLD) is None
            assert flat.switch(NEW.id, OLD.id) == ("all", None)
            assert flat.stage(NEW) is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"format": 1, "releases": []}', '{"releases": ["x"]}']
)
def test_a_damaged_record_of_what_is_live_is_seen(flat: Layout, folder: Path, text: str) -> None:
    deployed(flat, OLD)
    (folder / ".rulecompiler/live.json").write_text(text)
    before = everything(folder)
    assert codes(flat.faults()) == ["RC846"]
    assert flat.live().release is None
    assert code(flat.switch(OLD.id, None).fault) == "RC846"
    assert code(flat.adopt()) == "RC846"
    assert flat.prune(()) is None
    assert everything(folder) == before
    # As the help says:
    (folder / ".rulecompiler/live.json").unlink()
    flat.claim(OLD.files)
    assert flat.adopt() == OLD.id


def test_adopting_what_is_live_stores_again_what_was_lost_of_it(flat: Layout, folder: Path) -> None:
    deployed(flat, OLD)
    (folder / ".rulecompiler/blobs" / OLD.digests["group-a.yml"]).unlink()
    assert code(flat.load(OLD.id)) == "RC837"
    assert flat.live().edited == ()
    assert flat.adopt() == OLD.id
    assert flat.load(OLD.id) == OLD


def test_the_two_layouts_do_not_share_a_folder(folder: Path) -> None:
    for first, second in (("release", "flat"), ("flat", "release")):
        deployed(LAYOUTS[first](folder), OLD)
        assert codes(LAYOUTS[second](folder).faults()) == ["RC831"]
        LAYOUTS[first](folder).switch(OLD.id, None)
        assert LAYOUTS[second](folder).faults() == ()


# --- what the system refuses --------------------------------------------------------------


@pytest.mark.parametrize("plant", [a_file, a_pipe, a_dangling_link])
def test_a_rules_folder_that_is_none(layout: Layout, folder: Path, plant: Callable[[Path], None]) -> None:
    plant(folder)
    assert code(layout.prepare()) == "RC830"
    assert code(layout.stage(OLD)) == "RC836"
    assert layout.switch(None, None).moved == "none"
    assert layout.live().release is None


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], None]:
    """Has a method of folders fail from now on."""

    def refuse(method: str, number: int) -> None:
        def fail(*_: object) -> None:
            raise OSError(number, os.strerror(number), "/somewhere")

        monkeypatch.setattr(Folder, method, fail)

    return refuse


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (errno.ENOSPC, "df -h"),
        (errno.EDQUOT, "df -i"),
        (errno.EROFS, "writable"),
        (errno.EACCES, "chown"),
        (errno.EXDEV, "one file system"),
        (errno.EIO, "dmesg"),
        (errno.EMFILE, "ls -la"),
    ],
)
def test_each_refusal_says_what_to_do(
    layout: Layout, refused: Callable[[str, int], None], number: int, says: str
) -> None:
    deployed(layout, OLD)
    refused("create_all", number)
    fault = layout.stage(NEW)
    assert code(fault) == "RC836"
    assert fault is not None
    assert os.strerror(number) in fault.message
    assert says in fault.help


def test_a_byte_that_changes_on_its_way_to_the_disk_is_noticed(
    layout: Layout, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed(layout, OLD)
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, bytes(data).replace(b"# d", b"# e")))
    fault = layout.stage(NEW)
    monkeypatch.undo()
    assert code(fault) == "RC836"
    assert layout.live().release == OLD.id
    assert isinstance(layout.load(NEW.id), Diagnostic)
    assert list((folder / ".rulecompiler/stage").iterdir()) == []


def test_short_writes_are_continued(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, bytes(data)[:7]))
    deployed(layout, OLD, NEW)
    assert layout.load(NEW.id) == NEW
