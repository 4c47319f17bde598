from __future__ import annotations

from typing import Any

import pytest

from rulecompiler.document import Locator
from rulecompiler.inheritance import Sourced, Values
from rulecompiler.resolve import ResolvedGroup, ResolvedRule
from tests.helpers import codes, compile_repo, located, repo, resolver

LOAD = """\
alert: Load
params:
  limit: {type: number, default: 1}
  paths: {type: array, items: {type: string}, default: [/a, /b]}
expr: load{path=~"${paths | join('|')}"} > ${limit}
for: 5m
labels: {severity: warning, owner: nobody}
annotations: {summary: high, runbook: none}
"""


def family(*entries: str, wide: tuple[str, ...] = ("", "", "")) -> tuple[dict[str, str], list[ResolvedGroup]]:
    """Root, child and grandchild, each with an entry for Load (empty: not mentioned), resolved."""
    groups = {}
    for depth, (entry, more) in enumerate(zip(entries, wide, strict=False)):
        lines = [f"parent: g{depth - 1}"] if depth else []
        lines += [more] if more else []
        lines += ["rules:", f"  Load: {entry}"] if entry else []
        groups[f"g{depth}"] = "\n".join(lines) + "\n"
    found = resolver({"Load": LOAD}, groups)
    return repo({"Load": LOAD}, groups), [found.resolve(id_) for id_ in groups]


def load(group: ResolvedGroup) -> ResolvedRule:
    assert group.diagnostics == ()
    return group.rules["Load"]


def plain(values: Values) -> dict[str, Any]:
    return {key: sourced.value for key, sourced in values.items()}


# root's, child's and grandchild's group-wide limit and own limit, and what the grandchild gets;
# "-" is not written
PRECEDENCE = [
    ("-", "-", "-", "-", "-", "-", 1),
    ("2", "-", "-", "-", "-", "-", 2),
    ("2", "3", "-", "-", "-", "-", 3),
    ("2", "3", "4", "-", "-", "-", 4),
    ("2", "3", "4", "5", "-", "-", 5),
    ("2", "3", "4", "5", "6", "-", 6),
    ("2", "3", "4", "5", "6", "7", 7),
    ("-", "-", "4", "5", "-", "-", 5),
    ("-", "3", "-", "-", "-", "-", 3),
    ("-", "-", "-", "-", "6", "-", 6),
    ("-", "-", "4", "-", "6", "-", 6),
    # null: back to the template's
    ("2", "null", "-", "-", "-", "-", 1),
    ("2", "-", "null", "-", "-", "-", 1),
    ("2", "null", "4", "-", "-", "-", 4),
    ("null", "-", "-", "-", "-", "-", 1),
    ("-", "-", "-", "5", "null", "-", 1),
    ("-", "-", "-", "5", "-", "null", 1),
    ("-", "-", "-", "5", "null", "7", 7),
    ("2", "-", "-", "5", "-", "null", 1),
    ("2", "-", "-", "null", "-", "-", 1),
    ("-", "-", "4", "null", "-", "-", 1),
    ("-", "-", "null", "5", "-", "-", 5),
]


@pytest.mark.parametrize(("w0", "w1", "w2", "e0", "e1", "e2", "limit"), PRECEDENCE)
def test_precedence(w0: str, w1: str, w2: str, e0: str, e1: str, e2: str, limit: int) -> None:
    entries = ["" if e == "-" else f"{{params: {{limit: {e}}}}}" for e in (e0, e1, e2)]
    entries[0] = entries[0] or "{}"
    wide = ["" if w == "-" else f"params: {{limit: {w}}}" for w in (w0, w1, w2)]
    _, groups = family(*entries, wide=(wide[0], wide[1], wide[2]))

    assert load(groups[-1]).params["limit"].value == limit


@pytest.mark.parametrize(
    ("field", "entries", "value"),
    [
        ("for", ("{}", "", ""), "5m"),
        ("for", ("{for: 1m}", "", ""), "1m"),
        ("for", ("{for: 1m}", "{for: 2m}", ""), "2m"),
        ("for", ("{for: 1m}", "", "{for: 3m}"), "3m"),
        ("for", ("{for: 1m}", "{for: null}", ""), "5m"),
        ("for", ("{for: 1m}", "{params: {limit: 2}}", ""), "1m"),
        ("for", ("{for: 1m}", "null", ""), "5m"),
        ("for", ("{for: 1m}", "{}", ""), "1m"),
        ("keep_firing_for", ("{}", "", ""), None),
        ("keep_firing_for", ("{keep_firing_for: 1m}", "", ""), "1m"),
        ("keep_firing_for", ("{keep_firing_for: 1m}", "{keep_firing_for: null}", ""), None),
        ("enabled", ("{}", "", ""), True),
        ("enabled", ("{enabled: false}", "", ""), False),
        ("enabled", ("{enabled: false}", "{enabled: true}", ""), True),
        ("enabled", ("{enabled: false}", "{enabled: null}", ""), True),
        ("enabled", ("{enabled: false}", "null", ""), True),
        ("enabled", ("{enabled: false}", "{}", ""), False),
        ("enabled", ("{enabled: false}", "{params: {limit: 2}}", ""), False),
        ("enabled", ("{}", "{enabled: false}", "{enabled: true}"), True),
    ],
)
def test_fields(field: str, entries: tuple[str, ...], value: object) -> None:
    rule = load(family(*entries)[1][-1])
    fields = {"for": rule.for_, "keep_firing_for": rule.keep_firing_for, "enabled": rule.enabled}
    found = fields[field]

    assert (found.value if isinstance(found, Sourced) else found) == value


@pytest.mark.parametrize(
    ("entries", "wide", "labels"),
    [
        (("{}",), ("",), {"severity": "warning", "owner": "nobody"}),
        (("{}",), ("labels: {team: sre}",), {"severity": "warning", "owner": "nobody", "team": "sre"}),
        (("{}",), ("labels: {owner: sre}",), {"severity": "warning", "owner": "sre"}),
        (
            ("{labels: {owner: me}}",),
            ("labels: {owner: sre, team: x}",),
            {"severity": "warning", "owner": "me", "team": "x"},
        ),
        (
            ("{labels: {a: x}}", "{labels: {b: y}}"),
            ("", ""),
            {"severity": "warning", "owner": "nobody", "a": "x", "b": "y"},
        ),
        (
            ("{labels: {a: x}}", "{labels: {a: y}}"),
            ("", ""),
            {"severity": "warning", "owner": "nobody", "a": "y"},
        ),
        (("{labels: {a: x}}", "{labels: {a: null}}"), ("", ""), {"severity": "warning", "owner": "nobody"}),
        (("{labels: {a: x, b: y}}", "{labels: null}"), ("", ""), {"severity": "warning", "owner": "nobody"}),
        (
            ("{labels: {owner: x}}", "{labels: {owner: null}}"),
            ("", ""),
            {"severity": "warning", "owner": "nobody"},
        ),
        (
            ("{}", ""),
            ("labels: {owner: x}", "labels: {owner: null}"),
            {"severity": "warning", "owner": "nobody"},
        ),
        (
            ("{}", ""),
            ("labels: {team: x}", "labels: {team: null}"),
            {"severity": "warning", "owner": "nobody"},
        ),
        (
            ("{}", "{labels: {team: null}}"),
            ("labels: {team: x}", ""),
            {"severity": "warning", "owner": "nobody"},
        ),
        # an entry is stronger than what a group below says of all rules
        (
            ("{labels: {owner: entry}}", ""),
            ("", "labels: {owner: wide}"),
            {"severity": "warning", "owner": "entry"},
        ),
    ],
)
def test_labels_merge_key_by_key(
    entries: tuple[str, ...], wide: tuple[str, ...], labels: dict[str, str]
) -> None:
    _, groups = family(*entries, wide=wide)

    assert plain(load(groups[-1]).labels) == labels


@pytest.mark.parametrize(
    ("entries", "annotations"),
    [
        (("{annotations: {summary: x}}",), {"summary": "x", "runbook": "none"}),
        (
            ("{annotations: {more: x}}", "{annotations: {summary: y}}"),
            {"summary": "y", "runbook": "none", "more": "x"},
        ),
        (
            ("{annotations: {summary: x}}", "{annotations: {summary: null}}"),
            {"summary": "high", "runbook": "none"},
        ),
        (("{annotations: {more: x}}", "{annotations: null}"), {"summary": "high", "runbook": "none"}),
    ],
)
def test_annotations_merge_key_by_key(entries: tuple[str, ...], annotations: dict[str, str]) -> None:
    assert plain(load(family(*entries)[1][-1]).annotations) == annotations


def test_params_merge_key_by_key_and_lists_replace() -> None:
    _, groups = family("{params: {limit: 2, paths: [/x, /y]}}", "{params: {paths: [/z]}}")

    assert plain(load(groups[1]).params) == {"limit": 2, "paths": ["/z"]}


def test_settings_are_inherited() -> None:
    _, groups = family("{}", "", "", wide=("interval: 30s\nlimit: 5", "interval: 1m", "query_offset: 10s"))
    last = groups[2]

    assert last.interval is not None
    assert last.limit is not None
    assert last.query_offset is not None
    assert (last.interval.value, last.limit.value, last.query_offset.value) == ("1m", 5, "10s")
    assert last.limit.origin.path.endswith("g0.yaml")
    assert groups[0].query_offset is None


def test_what_nobody_touches_is_the_very_same_object() -> None:
    _, groups = family("{for: 1m}", "", "")

    assert groups[0].rules["Load"] is groups[2].rules["Load"]


def test_every_value_knows_where_it_was_written() -> None:
    files, groups = family(
        "{for: 1m, labels: {a: x}}",
        "{params: {limit: 7}}",
        "{labels: {b: y}, annotations: {summary: s}}",
        wide=("labels: {team: sre}", "params: {paths: [/z]}", ""),
    )
    rule = load(groups[2])
    assert rule.for_ is not None

    def where(sourced: Sourced) -> tuple[str, int, str]:
        path, line, text = located(files, sourced.origin)
        return path.rpartition("/")[2], line, text

    assert where(rule.for_) == ("g0.yaml", 4, "1m")
    assert where(rule.params["limit"]) == ("g1.yaml", 5, "7")
    assert where(rule.params["paths"]) == ("g1.yaml", 3, "[/z]")
    assert where(rule.labels["team"]) == ("g0.yaml", 2, "{team: sre}"[7:-1])
    assert where(rule.labels["a"]) == ("g0.yaml", 4, "x")
    assert where(rule.labels["b"]) == ("g2.yaml", 4, "y")
    assert where(rule.labels["severity"]) == ("Load.yaml", 7, "warning")
    assert where(rule.annotations["summary"]) == ("g2.yaml", 4, "s")
    assert where(rule.annotations["runbook"]) == ("Load.yaml", 8, "none")
    assert Locator(files).span(rule.entry).path.endswith("g2.yaml")


def test_defaults_and_what_null_gives_back_come_from_the_template() -> None:
    files, groups = family("{params: {limit: 2}, for: 1m}", "{params: {limit: null}, for: null}")
    rule = load(groups[1])
    assert rule.for_ is not None

    assert located(files, rule.params["limit"].origin)[1:] == (3, "1")
    assert located(files, rule.params["paths"].origin)[1:] == (4, "[/a, /b]")
    assert located(files, rule.for_.origin)[1:] == (6, "5m")


RECORD = "{record: 'rec:x', expr: sum(x), params: {}}"
NEEDY = "{alert: Needy, expr: 'rec:x > 1', labels: {severity: page}, requires: ['rec:x']}"
FAULTS = [
    ("rules: {Nope: {}}", ["RC301"], "Nope"),
    ("rules: {X: {template: Loda}}", ["RC301"], "Loda"),
    ("rules: {Load: {params: {limt: 3}}}", ["RC315"], "limt"),
    ("rules: {Load: {params: {limit: high}}}", ["RC203"], "high"),
    ("params: {limit: high}\nrules: {Load: {}}", ["RC203"], "high"),
    ("rules: {Load: {params: {paths: [1]}}}", ["RC203"], "1"),
    ("rules: {Must: {}}", ["RC316"], "Must"),
    ("rules: {Must: {params: {x: null}}}", ["RC316"], "Must"),
    ("rules: {Needy: {}, 'rec:x': {enabled: false}}", ["RC313"], "Needy"),
    ("rules: {Needy: {where: {a: b}}}", ["RC314"], "where"),
    ("rules: {Needy: {}, 'rec:x': {template: other}}", ["RC320"], "Needy"),
    ("rules: {Load: {}, S: {template: Load, where: {a: b}, instead_of: Laod}}", ["RC318"], "Laod"),
    ("rules: {S: {template: Load, where: {a: b}, instead_of: S}}", ["RC318"], "S"),
    ("rules: {'rec:x': {for: 5m}}", ["RC208"], "for"),
    ("rules: {'rec:x': {keep_firing_for: 5m}}", ["RC208"], "keep_firing_for"),
    ("rules: {'rec:x': {annotations: {a: b}}}", ["RC208"], "annotations"),
    ("rules: {rec x: {template: 'rec:x'}}", ["RC206"], "rec x"),
    ("rules: {'rec:x': {labels: {a: b}}, 'rec:y': {template: 'rec:x'}}", [], ""),
    ("rules: {Must: {params: {x: 3}}}", [], ""),
    ("params: {x: 3}\nrules: {Must: {}}", [], ""),
    ("abstract: true\nrules: {Must: {}}", [], ""),
    ("rules: {Needy: {enabled: false}, 'rec:x': {enabled: false}}", [], ""),
]
SHELF = {
    "Load": LOAD,
    "x": RECORD,
    "other": "{record: other, expr: y}",
    "Needy": NEEDY,
    "Must": "{alert: Must, expr: 'm > ${x}', params: {x: {type: number}}, labels: {severity: page}}",
}


@pytest.mark.parametrize(("group", "found", "at"), FAULTS)
def test_faults_of_entries(group: str, found: list[str], at: str) -> None:
    compilation = compile_repo(SHELF, {"g": group})

    assert codes(compilation.diagnostics) == found
    if found:
        assert located(repo(SHELF, {"g": group}), compilation.diagnostics[0].place)[2] == at


@pytest.mark.parametrize(("group", "found"), [(g, f) for g, f, _ in FAULTS if f and f != ["RC316"]])
def test_heirs_do_not_repeat_a_fault(group: str, found: list[str]) -> None:
    heirs = {"h": "parent: g", "i": "parent: h\nlabels: {a: b}", "j": "parent: h\nparams: {limit: 3}"}

    assert codes(compile_repo(SHELF, {"g": group, **heirs}).diagnostics) == found


def test_a_value_that_an_heir_adds_is_the_heirs_fault() -> None:
    groups = {"g": "rules: {Load: {}}", "h": "parent: g\nparams: {limit: x}", "i": "parent: h"}
    (fault,) = compile_repo(SHELF, groups).diagnostics

    assert located(repo(SHELF, groups), fault.place) == ("alerts/groups/h.yaml", 3, "x")
    assert located(repo(SHELF, groups), fault.related[0].place)[:2] == ("alerts/templates/Load.yaml", 3)


@pytest.mark.parametrize("heir", ["", "labels: {a: b}", "params: {y: 1}", "rules: {Must: {for: 1m}}"])
def test_what_an_abstract_group_leaves_open_must_have_a_value_in_each_heir(heir: str) -> None:
    must = "{alert: Must, expr: '{% if y > 1 %}m > ${x}{% else %}m{% endif %}', labels: {severity: page}, "
    must += "params: {x: {type: number}, y: {type: number, default: 1}}}"
    groups = {"g": "abstract: true\nrules: {Must: {}}", "h": f"parent: g\n{heir}"}

    assert codes(compile_repo({"Must": must}, groups).diagnostics) == ["RC316"]


class TestRequires:
    def test_an_enabled_rule_brings_its_record(self) -> None:
        group = resolver(SHELF, {"g": "rules: {Needy: {}}"}).resolve("g")

        assert list(group.rules) == ["Needy", "rec:x"]
        assert group.rules["rec:x"].enabled

    def test_a_disabled_one_does_not(self) -> None:
        assert list(resolver(SHELF, {"g": "rules: {Needy: {enabled: false}}"}).resolve("g").rules) == [
            "Needy"
        ]

    def test_an_entry_of_the_records_own_counts(self) -> None:
        group = resolver(SHELF, {"g": "rules: {Needy: {}, 'rec:x': {labels: {a: b}}}"}).resolve("g")

        assert plain(group.rules["rec:x"].labels) == {"a": "b"}

    def test_the_record_under_another_name_is_not_what_the_query_asks_for(self) -> None:
        group = resolver(SHELF, {"g": "rules: {Needy: {}, 'my:x': {template: 'rec:x'}}"}).resolve("g")

        assert sorted(group.rules) == ["Needy", "my:x", "rec:x"]

    def test_a_disabled_record_under_another_name_does_not_matter(self) -> None:
        entries = "rules: {Needy: {}, 'my:x': {template: 'rec:x', enabled: false}}"

        assert resolver(SHELF, {"g": entries}).resolve("g").diagnostics == ()

    @pytest.mark.parametrize("names", ["Needy, Needy2", "Needy2, Needy"])
    def test_of_several_that_need_it_the_first_by_name_lends_its_place(self, names: str) -> None:
        entries = ", ".join(f"{name}: {{template: Needy}}" for name in names.split(", "))
        groups = {"g": f"rules: {{{entries}}}", "h": "parent: g\nrules: {Needy: {for: 1m}}"}
        record = resolver(SHELF, groups).resolve("h").rules["rec:x"]

        assert record.entry.path == "alerts/groups/h.yaml"

    def test_an_heir_that_disables_the_record_is_told(self) -> None:
        groups = {
            "g": "rules: {Needy: {}, 'rec:x': {}}",
            "h": "parent: g\nrules: {'rec:x': {enabled: false}}",
        }
        (fault,) = compile_repo(SHELF, groups).diagnostics

        assert fault.code == "RC313"
        assert fault.related[0].place.path == "alerts/groups/h.yaml"
