from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from rulecompiler import workspace
from rulecompiler.cli import main
from rulecompiler.cli.init_command import scaffold


def tree(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): path.read_text()
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".rulecompiler" not in path.relative_to(root).parts
    }


def test_a_new_repo_compiles_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "made" / "on the way"
    assert main(["init", str(root)]) == 0
    assert capsys.readouterr().err == ""
    made = tree(root)
    generated = {"generated/group-baseline.yml", "generated/group-production.yml"}
    assert made.keys() == scaffold().keys() | generated
    assert "> 80" in made["generated/group-baseline.yml"]
    assert "> 90" in made["generated/group-production.yml"]
    outcome = workspace.compile_repo(root, {}, cached=False)
    assert (outcome.diagnostics, outcome.changed, outcome.gone) == ((), {}, ())


def test_every_schema_comment_leads_to_a_schema(tmp_path: Path) -> None:
    assert main(["init", str(tmp_path)]) == 0
    named = 0
    for path in [tmp_path / "rulecompiler.yaml", *(tmp_path / "alerts").rglob("*.yaml")]:
        found = re.match(r"# yaml-language-server: \$schema=(\S+)\n", path.read_text())
        assert found, path
        assert json.loads((path.parent / found[1]).read_text())["$schema"].endswith("2020-12/schema")
        named += 1
    assert named == 4


def test_the_workflow_is_pinned_and_may_only_read(tmp_path: Path) -> None:
    text = scaffold()[".github/workflows/rulecompiler.yml"]
    uses = re.findall(r"uses: (\S+)", text)
    assert uses
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", item) for item in uses)
    assert "permissions:\n  contents: read\n" in text


def test_init_works_here_and_beside_a_git_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "generated").mkdir()
    monkeypatch.chdir(tmp_path)
    assert main(["init"]) == 0
    assert (tmp_path / "generated/group-production.yml").exists()


def test_directory_option_says_where(tmp_path: Path) -> None:
    assert main(["-C", str(tmp_path), "init", "x"]) == 0
    assert (tmp_path / "x/rulecompiler.yaml").exists()


@pytest.mark.parametrize(
    "taken", ["README.md", ".gitignore", "alerts/groups/baseline.yaml", "generated/own.yml"]
)
def test_nothing_is_overwritten_and_nothing_else_written(
    taken: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / taken
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine")
    assert main(["init", str(tmp_path)]) == 1
    assert tree(tmp_path) == {taken: "mine"}
    assert taken.removesuffix("/own.yml") in capsys.readouterr().err


def test_a_second_init_is_refused(tmp_path: Path) -> None:
    assert main(["init", str(tmp_path)]) == 0
    before = tree(tmp_path)
    assert main(["init", str(tmp_path)]) == 1
    assert tree(tmp_path) == before


@pytest.mark.parametrize("name", ["README.md", "alerts", "generated"])
def test_links_are_not_followed(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo" / name).symlink_to(tmp_path / "outside" / ("x" if name == "README.md" else ""))
    assert main(["init", str(tmp_path / "repo")]) == 1
    assert list((tmp_path / "outside").iterdir()) == []
    assert f"\n  {name}\n" in capsys.readouterr().err


def test_a_file_where_a_folder_must_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "alerts").write_text("mine")
    assert main(["init", str(tmp_path)]) == 1
    assert tree(tmp_path) == {"alerts": "mine"}
    assert "\n  alerts\n" in capsys.readouterr().err
    assert main(["init", str(tmp_path / "alerts")]) == 2


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.open

    def failing(self: Path, *args: object, **options: object) -> object:
        if self.name == "README.md":
            raise PermissionError(13, "Permission denied", str(self))
        return real(self, *args, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", failing)
    assert main(["init", str(tmp_path)]) == 1
    monkeypatch.undo()
    assert tree(tmp_path) == {}


def test_schema_of_a_repo_knows_its_templates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(tmp_path)]) == 0
    capsys.readouterr()
    assert main(["-C", str(tmp_path / "alerts"), "schema", "group", "--repo"]) == 0
    assert "busy CPU in percent" in capsys.readouterr().out


def test_schema_of_a_repo_says_what_it_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(tmp_path)]) == 0
    (tmp_path / "alerts/groups/bad.yaml").write_text("group: [")
    capsys.readouterr()
    assert main(["-C", str(tmp_path), "schema", "group", "--repo"]) == 0
    captured = capsys.readouterr()
    json.loads(captured.out)
    assert "1 faulty file is left out" in captured.err


@pytest.mark.parametrize("kind", ["template", "group", "settings"])
def test_schema_prints_what_ships(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", kind]) == 0
    one = capsys.readouterr().out
    assert one == scaffold()[f"schemas/{kind}.schema.json"]
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)[kind] == json.loads(one)
