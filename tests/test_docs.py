"""The documentation says what the program does: codes, links, examples, commands and the tour."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click
import pytest

from rulecompiler import compiler, document, schema
from rulecompiler.cli import COMMANDS, cli, main
from rulecompiler.codes import TITLES
from rulecompiler.diagnostics import Diagnostic, has_errors
from rulecompiler.model import Options, Source
from tests.helpers import lint_texts

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "rulecompiler"
DIAGNOSTICS = ROOT / "docs" / "diagnostics.md"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md"))]


def page(path: Path) -> str:
    return path.read_text("utf-8")


class Block(NamedTuple):
    """A fenced block: its language, the words after it, its text, and the heading above it."""

    language: str
    words: tuple[str, ...]
    text: str
    heading: str


def blocks(path: Path) -> Iterator[Block]:
    heading = ""
    pattern = r"^(#+ [^\n]*)$|^```(\S*)([^\n]*)\n(.*?)^```$"
    for found in re.finditer(pattern, page(path), re.MULTILINE | re.DOTALL):
        if found[1]:
            heading = found[1].lstrip("# ")
        else:
            yield Block(found[2], tuple(found[3].split()), found[4], heading)


# --- codes --------------------------------------------------------------------


def used_codes() -> set[str]:
    files = [path for path in PACKAGE.rglob("*.py") if path.name != "codes.py"]
    return {code for path in files for code in re.findall(r'"(RC[0-9]{3})"', page(path))}


def test_every_code_has_a_title_and_none_is_stale() -> None:
    assert used_codes() == set(TITLES)
    assert list(TITLES) == sorted(TITLES)


def test_titles_are_one_short_line() -> None:
    for code, title in TITLES.items():
        assert 0 < len(title) <= 72, code
        assert title == title.strip().rstrip("."), code
    assert len(set(TITLES.values())) == len(TITLES)


def test_every_code_has_its_section() -> None:
    sections = re.findall(r"^### (.*)$", page(DIAGNOSTICS), re.MULTILINE)
    assert sections == [f"{code}: {title}" for code, title in TITLES.items()]


# --- examples of diagnostics ----------------------------------------------------

# What an example changes: its keys take the place of these, so that it can be two lines long.
BASE = {
    "template": (
        "alerts/templates/node/HighLoad.yaml",
        "alert: HighLoad\n"
        "params:\n"
        "  threshold: {type: number, minimum: 0, maximum: 100, default: 80}\n"
        "expr: node_load1 > ${threshold}\n"
        "labels: {severity: warning}\n",
    ),
    "group": ("alerts/groups/production.yaml", "group: production\nrules:\n  HighLoad: {}\n"),
}
BESIDE = {
    "alerts/templates/node/NodeDown.yaml": "alert: NodeDown\nexpr: up == 0\nlabels: {severity: critical}\n",
    "alerts/templates/node/cpu_busy.yaml": (
        "record: instance:cpu_busy:ratio\nexpr: 1 - avg by (instance) (rate(cpu_idle_total[5m]))\n"
    ),
}


def example_files(block: Block) -> dict[str, str]:
    """The repo that an example stands for.

    `# alerts/…` lines begin a whole file each; without any, the example is part of the base
    template or group, or all of it if it is marked `whole`.
    """
    files = {**BESIDE, **dict(BASE.values())}
    parts = re.split(r"^# (alerts/\S+)\n", block.text, flags=re.MULTILINE)
    files |= dict(zip(parts[1::2], parts[2::2], strict=True))
    if len(parts) == 1:
        path, base = BASE[block.words[1]]
        files[path] = block.text if "whole" in block.words else merged(base, block.text)
    if any(path.startswith("alerts/groups/") for path in parts[1::2]):
        del files[BASE["group"][0]]
        files |= dict(zip(parts[1::2], parts[2::2], strict=True))
    elif re.match("record:", block.text):
        files[BASE["group"][0]] = "group: production\n"  # as there is no HighLoad to enable
    return files


def merged(base: str, fragment: str) -> str:
    replaced = set(re.findall(r"^(\w+):", fragment, re.MULTILINE))
    if "record" in replaced:
        replaced |= {"alert", "labels"}
    kept = [e for e in re.split(r"^(?=\w)", base, flags=re.MULTILINE) if e.split(":")[0] not in replaced]
    return "".join(kept) + fragment


def faults(files: dict[str, str]) -> tuple[Diagnostic, ...]:
    def sources(folder: str) -> list[Source]:
        return [Source(path, text) for path, text in sorted(files.items()) if path.startswith(folder)]

    compiled = compiler.compile_sources(sources("alerts/templates/"), sources("alerts/groups/"), Options())
    found = compiled.diagnostics
    return found if has_errors(found) else found + lint_texts(files)


EXAMPLES = [block for block in blocks(DIAGNOSTICS) if block.words[:1] in (("bad",), ("good",))]


@pytest.mark.parametrize("block", EXAMPLES, ids=lambda b: f"{b.heading[:5]}-{b.words[0]}")
def test_examples_of_diagnostics_are_true(block: Block) -> None:
    found = faults(example_files(block))
    code = block.heading[:5]
    if block.words[0] == "bad":
        assert code in {d.code for d in found}, found
    else:
        assert code not in {d.code for d in found}
        assert not has_errors(found), found


def test_most_codes_have_a_tested_example() -> None:
    shown = {block.heading[:5] for block in EXAMPLES if block.words[0] == "bad"}
    of_yaml = {code for code in TITLES if "RC110" <= code < "RC600"}
    assert len(shown & of_yaml) >= 0.8 * len(of_yaml), sorted(of_yaml - shown)


# --- examples of the format -----------------------------------------------------

FORMAT = [
    block
    for path in PAGES
    for block in blocks(path)
    if block.language == "yaml" and block.words[:1] in (("template",), ("group",), ("settings",))
]


@pytest.mark.parametrize("block", FORMAT, ids=lambda b: f"{b.words[0]}-{b.heading}")
def test_examples_of_the_format_are_valid(block: Block) -> None:
    kind = block.words[0]
    parsed, found = document.parse(Source("example.yaml", block.text))
    assert parsed is not None, found
    if kind == "template":
        assert schema.validate("template", parsed) == ()
        source = Source("alerts/templates/node/Example.yaml", block.text)
        template, found = compiler.read_template(source, Options())
        assert template is not None, found
    elif kind == "group":
        assert schema.validate("group", parsed) == ()
    else:
        assert schema.validate("settings", parsed) == ()


def test_the_format_page_shows_each_kind_of_file() -> None:
    assert {block.words[0] for block in FORMAT} == {"template", "group", "settings"}


def test_every_key_of_a_schema_is_documented() -> None:
    text = page(ROOT / "docs" / "format.md")
    for kind in ("template", "group", "settings"):
        loaded = schema.load(kind)
        for key in keys_of(loaded):
            assert re.search(rf"[`.]{key}\b", text), f"{kind}: {key}"


def keys_of(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        properties = node.get("properties")
        if isinstance(properties, dict):
            yield from properties
        for value in node.values():
            yield from keys_of(value)


def test_the_defaults_of_the_settings_are_right() -> None:
    rows = re.findall(r"^\| (`[^|]+`) \| ([^|]+) \|", page(ROOT / "docs/format.md"), re.MULTILINE)

    def defaults(node: object, name: str = "") -> Iterator[tuple[str, str]]:
        if isinstance(node, dict):
            for key, value in node.get("properties", {}).items():
                if "default" in value:
                    text = value["default"]
                    yield f"{name}{key}", str(text).lower() if isinstance(text, bool) else text
                yield from defaults(value, f"{name}{key}.")

    found = dict(defaults(schema.load("settings")))
    assert len(found) >= 6
    for name, value in found.items():
        (documented,) = (default for keys, default in rows if f"`{name}`" in keys)
        assert f"{value}`" in documented.replace('"', ""), name


# --- links and commands -----------------------------------------------------------


def anchors(path: Path) -> set[str]:
    """What GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.*)$", page(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings}


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path: Path) -> None:
    prose = re.sub(r"^```.*?^```$|`[^`\n]*`", "", page(path), flags=re.MULTILINE | re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"", prose):
        target, _, anchor = (link[0] or link[1]).partition("#")
        if target.startswith("https:"):
            continue
        file = (path.parent / target) if target else path
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file), f"{target}#{anchor}"


def mentioned() -> Iterator[tuple[str, str]]:
    for path in PAGES:
        for found in re.finditer(r"rulecompiler ([a-z]+)((?: +(?:--?[a-z][\w-]*|[\w./=…-]+))*)", page(path)):
            if found[1] in COMMANDS:
                yield found[1], found[2]
    for row in re.finditer(r"^\| `rulecompiler ([a-z]+)(.*)$", page(ROOT / "README.md"), re.MULTILINE):
        yield row[1], row[2].replace("`", " ").replace(",", " ")


def test_commands_and_options_exist() -> None:
    seen = list(mentioned())
    assert {name for name, _ in seen} == set(COMMANDS)
    for name, rest in seen:
        module, _, function = COMMANDS[name].target.partition(":")
        command = getattr(importlib.import_module(module), function)
        assert isinstance(command, click.Command)
        known = {o for p in (*command.params, *cli.params) for o in (*p.opts, *p.secondary_opts)}
        for option in re.findall(r"(?<!\S)--?[a-z][\w-]*", rest):
            assert option in known | {"--help", "-h", "--version"}, f"{name} {option}"


def test_the_table_of_commands_is_complete() -> None:
    rows = re.findall(r"^\| `rulecompiler ([a-z]+)", page(ROOT / "README.md"), re.MULTILINE)
    assert rows == list(COMMANDS)


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", page(ROOT / "Makefile"), re.MULTILINE))
    for path in PAGES:
        for block in re.findall(r"`make ([a-z ]+)`|^make ([a-z]+)", page(path), re.MULTILINE):
            assert set("".join(block).split()) <= targets, path


def test_the_readme_is_short() -> None:
    assert len(page(ROOT / "README.md").splitlines()) <= 220


# --- the tour ---------------------------------------------------------------------

TOUR = [block.text for block in blocks(ROOT / "README.md") if block.words[:1] == ("tour",)]
NEEDED = ("alerts", "generated", "schemas", "rulecompiler.yaml")


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in NEEDED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name)
        else:
            shutil.copy(source, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    # The tour is about the compiler; what promtool says is tested elsewhere, where there is one.
    monkeypatch.setenv("PROMETHEUS_VALIDATE_RULES", "false")
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str]:
    code = main(args)
    return code, capsys.readouterr().out


def test_the_tour_works(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changed, diagnostic = TOUR
    group = repo / "alerts/groups/grp-123.yaml"
    old, new, bad = "threshold: 80}", "threshold: 85}", "threshold: 180}"
    readme = page(ROOT / "README.md")
    assert all(f"params: {{{value}" in readme for value in (old, new, bad))

    text = group.read_text("utf-8")
    assert text.count(old) == 1
    for command in ("init -qb main", "add -A", "-c user.name=a -c user.email=a@example.com commit -qm first"):
        subprocess.run(["git", *command.split()], cwd=repo, check=True)
    code, output = run(capsys, "compile", "--plan")
    assert code == 0
    assert "Plan: nothing changes against main, " in output

    group.write_text(text.replace(old, new), "utf-8")
    code, output = run(capsys, "compile", "--plan")
    assert code == 0
    for line in filter(str.strip, changed.splitlines()):
        assert line in output.splitlines() or re.sub(r"in [0-9.]+ s$", "", line) in output, line

    written = {path.name: path.read_bytes() for path in (repo / "generated").iterdir()}
    group.write_text(text.replace(old, bad), "utf-8")
    code, output = run(capsys, "compile")
    assert code == 1
    for line in diagnostic.splitlines():
        assert line in output.splitlines(), line
    assert {path.name: path.read_bytes() for path in (repo / "generated").iterdir()} == written


def test_nothing_of_this_machine_is_in_the_docs() -> None:
    for path in PAGES:
        assert not re.search(r"(?<![\w.])/(?:work|tmp|home|root)\b", page(path)), path


def test_the_example_of_covered_once_is_true() -> None:
    files, wanted = (b.text for b in blocks(ROOT / "docs/format.md") if b.words[:1] == ("covered",))
    parts = re.split(r"^# (alerts/\S+)\n", files, flags=re.MULTILINE)
    found = [Source(p, t) for p, t in zip(parts[1::2], parts[2::2], strict=True)]
    compiled = compiler.compile_sources(
        [s for s in found if "/templates/" in s.path],
        [s for s in found if "/groups/" in s.path],
        Options(),
    )
    assert compiled.diagnostics == ()
    rules = {
        (name, *rule)
        for name, text in compiled.files.items()
        for rule in re.findall(r"- alert: (\S+)\n +expr: (.*)", text)
    }
    assert rules == {tuple(re.split(r" {2,}", line)) for line in wanted.splitlines()}


def test_the_unit_tests_of_the_examples_pass(
    tmp_path: Path, promtool: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = [block.text for block in FORMAT if block.words[0] == "template" and "\ntests:" in block.text]
    assert len(shown) >= 2
    folder = tmp_path / "alerts/templates/node"
    folder.mkdir(parents=True)
    (tmp_path / "alerts/groups").mkdir()
    for number, text in enumerate(shown):
        (folder / f"Example{number}.yaml").write_text(text, "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROMTOOL_PATH", str(promtool))
    code, output = run(capsys, "test")
    assert code == 0, output
