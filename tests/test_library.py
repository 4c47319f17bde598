from __future__ import annotations

import time

import pytest

from rulecompiler import library
from rulecompiler.diagnostics import Diagnostic, Pointer
from rulecompiler.library import Library
from rulecompiler.model import Template
from tests.helpers import codes, make_template

PLACE = Pointer("g.yaml", ("rules", "X"))


def alert(name: str, rule: str = "", requires: str = "") -> Template:
    rule = rule or name.rpartition("/")[2]
    return make_template(f"{{alert: {rule}, expr: up, requires: [{requires}]}}", name)


def record(name: str, rule: str, requires: str = "") -> Template:
    return make_template(f"{{record: '{rule}', expr: up, requires: [{requires}]}}", name)


SHELF = [
    alert("node/HighCPU"),
    alert("node/Down"),
    alert("pod/Down"),
    alert("odd-file", "Renamed"),
    alert("Shadow", "node/HighCPU".replace("node/", "")),
    record("node/cpu", "instance:cpu:rate"),
]


@pytest.mark.parametrize(
    ("reference", "path"),
    [
        ("node/HighCPU", "node/HighCPU"),
        ("node/Down", "node/Down"),
        ("pod/Down", "pod/Down"),
        ("odd-file", "odd-file"),
        ("Renamed", "odd-file"),
        ("Shadow", "Shadow"),
        ("node/cpu", "node/cpu"),
        ("instance:cpu:rate", "node/cpu"),
    ],
)
def test_a_path_or_a_unique_rule_name_finds_a_template(reference: str, path: str) -> None:
    found = Library(SHELF).find(reference, PLACE)

    assert isinstance(found, Template)
    assert found.name == path


def test_a_path_wins_over_a_rule_name() -> None:
    shelf = Library([alert("Down", "Other"), alert("x/y", "Down")])
    found = shelf.find("Down", PLACE)

    assert isinstance(found, Template)
    assert found.name == "Down"


@pytest.mark.parametrize(
    ("reference", "code", "message", "help_"),
    [
        ("Down", "RC302", "`Down` names 2 templates", "write one of `node/Down`, `pod/Down`"),
        ("HighCPU", "RC302", "`HighCPU` names 2 templates", "write one of `Shadow`, `node/HighCPU`"),
        ("HighCPUs", "RC301", "there is no template `HighCPUs`", "did you mean `HighCPU`?"),
        ("node/HihgCPU", "RC301", "there is no template `node/HihgCPU`", "did you mean `node/HighCPU`?"),
        ("nope", "RC301", "there is no template `nope`", "add the template, or name one with `template:`"),
        ("zebra", "RC301", "there is no template `zebra`", "add the template, or name one with `template:`"),
        ("", "RC301", "there is no template ``", "add the template, or name one with `template:`"),
    ],
)
def test_what_names_no_template_is_told(reference: str, code: str, message: str, help_: str) -> None:
    fault = Library(sorted(SHELF, key=lambda t: t.name)).find(reference, PLACE)

    assert isinstance(fault, Diagnostic)
    assert (fault.code, fault.message, fault.help) == (code, message, help_)
    assert fault.place == PLACE


def test_an_ambiguity_shows_all_places() -> None:
    fault = Library(SHELF).find("Down", PLACE)

    assert isinstance(fault, Diagnostic)
    assert [r.place.path for r in fault.related] == [
        "alerts/templates/node/Down.yaml",
        "alerts/templates/pod/Down.yaml",
    ]


def test_a_broken_template_is_passed_over_in_silence() -> None:
    shelf, faults = library.build([alert("A", requires="gone")], broken=["gone"])

    assert faults == ()
    assert shelf.find("gone", PLACE) is None
    assert list(library.required(shelf, shelf.templates["A"])) == []


def test_one_name_for_two_files() -> None:
    twins = [alert("a/X"), make_template("{alert: Other, expr: up}", "a/X")]
    shelf, faults = library.build(twins)

    assert codes(faults) == ["RC303"]
    assert shelf.templates["a/X"] is twins[0]


@pytest.mark.parametrize(
    ("templates", "found"),
    [
        ([alert("A", requires="rec"), record("r", "rec")], []),
        ([alert("A", requires="r"), record("r", "rec")], []),
        ([alert("A", requires="B"), alert("B")], ["RC304"]),
        ([alert("A", requires="nope")], ["RC301"]),
        ([alert("A", requires="rec"), record("r", "rec"), record("s", "rec")], ["RC302"]),
        ([record("r", "rec", "rec")], ["RC305"]),
        ([record("r", "a", "b"), record("s", "b", "a")], ["RC305", "RC305"]),
        ([record("r", "a", "b"), record("s", "b", "c"), record("t", "c", "a")], ["RC305"] * 3),
        # only what stands in the circle is told, not what leads to it
        ([alert("A", requires="a"), record("r", "a", "b"), record("s", "b", "a")], ["RC305", "RC305"]),
        # a diamond is no circle
        ([record("r", "a", "b, c"), record("s", "b", "d"), record("t", "c", "d"), record("u", "d")], []),
    ],
)
def test_requirements(templates: list[Template], found: list[str]) -> None:
    assert codes(library.build(templates)[1]) == found


def test_a_requirement_is_blamed_at_its_own_place() -> None:
    (fault,) = library.build([alert("A", requires="rec, nope"), record("r", "rec")])[1]

    assert fault.place == Pointer("alerts/templates/A.yaml", ("requires", 1))


def test_required_gives_each_record_once_deepest_first() -> None:
    shelf = Library(
        [
            alert("A", requires="a, d"),
            record("r", "a", "b, c"),
            record("s", "b", "d"),
            record("t", "c", "d"),
            record("u", "d"),
        ]
    )

    assert [t.rule for t in library.required(shelf, shelf.templates["A"])] == ["d", "b", "c", "a"]


def test_required_ends_in_a_circle() -> None:
    shelf = Library([alert("A", requires="a"), record("r", "a", "b"), record("s", "b", "a")])

    assert [t.rule for t in library.required(shelf, shelf.templates["A"])] == ["b", "a"]


def test_a_long_chain_of_requirements_is_no_recursion_error() -> None:
    links = [record(f"r{n}", f"rec{n}", f"rec{n + 1}" if n < 999 else "") for n in range(1000)]
    shelf, faults = library.build([alert("A", requires="rec0"), *links])

    assert faults == ()
    assert len(list(library.required(shelf, shelf.templates["A"]))) == 1000


def test_a_dense_web_of_requirements_takes_no_time() -> None:
    rest = [", ".join(f"rec{m}" for m in range(n + 1, 300)) for n in range(300)]
    links = [record(f"r{n}", f"rec{n}", rest[n]) for n in range(300)]
    started = time.process_time()
    _, faults = library.build(links)

    assert faults == ()
    assert time.process_time() - started < 15  # by trying every way through it, it would be hours
