"""promtool is run, and believed only when it speaks clearly; its complaints find their authors."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest

from rulecompiler import promtool as pt
from rulecompiler.complaints import blame
from rulecompiler.diagnostics import Diagnostic, Pointer
from rulecompiler.emit import emit
from rulecompiler.model import Rule, RuleGroup, RuleSet, Template
from rulecompiler.promtool_output import (
    Complaint,
    Failure,
    Unexpected,
    read_check,
    read_test,
    split_samples,
    unquote,
)

GOOD = "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up == 0\n"
BAD = GOOD.replace("up == 0", "up ==")


def script(folder: Path, body: str, mode: int = 0o755) -> Path:
    """A promtool that is out of order in the way that `body` says."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "promtool"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(mode)
    return path


# --- find ------------------------------------------------------------------------


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    return folder


def test_the_variable_beats_path_beats_the_tools_folder(root: Path, tmp_path: Path) -> None:
    named, on_path = (script(tmp_path / name, "") for name in ("named", "path"))
    own = script(root / ".tools" / "bin", "")
    path = {"PATH": str(on_path.parent)}
    variable = {"PROMTOOL_PATH": str(named)}
    assert pt.find({**path, **variable}, root) == named
    assert pt.find(path, root) == on_path
    assert pt.find({"PATH": str(root), "PROMTOOL_PATH": ""}, root) == own
    assert pt.find({}, root) == own


def test_a_relative_path_starts_at_the_root_and_a_bare_name_is_looked_up(root: Path, tmp_path: Path) -> None:
    other = script(tmp_path / "path", "")
    other.rename(other.with_name("promtool3"))
    own = script(root / "tools", "")
    assert pt.find({"PROMTOOL_PATH": "tools/promtool"}, root) == own
    environ = {"PATH": str(other.parent), "PROMTOOL_PATH": "promtool3"}
    assert pt.find(environ, root) == other.with_name("promtool3")


def test_nowhere_says_how_to_get_one(root: Path) -> None:
    found = pt.find({"PATH": str(root)}, root)
    assert isinstance(found, Diagnostic)
    assert found.code == "RC601"
    assert "PROMTOOL_PATH" in found.help


def test_a_named_one_that_is_missing_is_not_replaced_silently(root: Path, tmp_path: Path) -> None:
    good = script(tmp_path / "path", "")
    found = pt.find({"PATH": str(good.parent), "PROMTOOL_PATH": "/nowhere/promtool"}, root)
    assert isinstance(found, Diagnostic)
    assert (found.code, "PROMTOOL_PATH" in found.message) == ("RC601", True)


def test_a_folder_or_a_file_without_rights_is_no_promtool(root: Path) -> None:
    found = pt.find({"PROMTOOL_PATH": str(root)}, root)
    assert isinstance(found, Diagnostic)
    assert (found.code, "is not a file" in found.message) == ("RC602", True)
    plain = script(root / "x", "", mode=0o644)
    found = pt.find({"PROMTOOL_PATH": str(plain)}, root)
    assert isinstance(found, Diagnostic)
    assert (found.code, "may not be executed" in found.message) == ("RC602", True)


# --- faulty promtools are never taken for a success ----------------------------------

FAULTY = {
    "prints rubbish": ("echo rubbish", "RC605"),
    "prints nothing": ("exit 0", "RC605"),
    "fails without a word": ("exit 1", "RC605"),
    "dies of a signal": ("kill -SEGV $$", "RC604"),
    "reports a child's signal": ("exit 139", "RC604"),
    "ends with an odd code": ("printf 'Checking a.yml\\n  SUCCESS: 1 rules found\\n'; exit 3", "RC605"),
    "succeeds but ends with 1": ("printf 'Checking a.yml\\n  SUCCESS: 1 rules found\\n'; exit 1", "RC605"),
    "fails but ends with 0": ("printf 'Checking a.yml\\n  FAILED:\\na.yml: x\\n'", "RC605"),
    "fails for no reason": ("printf 'Checking a.yml\\n  FAILED:\\n'; exit 1", "RC605"),
    "forgets its verdict": ("printf 'Checking a.yml\\n'", "RC605"),
    "says both": (
        "printf 'Checking a.yml\\n  SUCCESS: 1 rules found\\n  FAILED:\\na.yml: x\\n'; exit 1",
        "RC605",
    ),
    "speaks of another file": ("printf 'Checking b.yml\\n  SUCCESS: 1 rules found\\n'", "RC605"),
    "prints bytes that are no text": ("printf '\\377\\376'", "RC605"),
}


@pytest.mark.parametrize("fault", FAULTY)
def test_faulty(tmp_path: Path, fault: str) -> None:
    body, code = FAULTY[fault]
    result = pt.check_rules(script(tmp_path, body), {"a.yml": GOOD}, 10)
    assert isinstance(result, Diagnostic)
    assert result.code == code
    assert result.help


def test_what_a_faulty_one_printed_is_shown(tmp_path: Path) -> None:
    result = pt.check_rules(script(tmp_path, "echo rubbish; echo more >&2"), {"a.yml": GOOD}, 10)
    assert isinstance(result, Diagnostic)
    assert result.label == "it printed: rubbish / more"


def test_one_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    body = f"sleep 60 & echo $! > {tmp_path}/child; wait"
    start = time.monotonic()
    result = pt.check_rules(script(tmp_path, body), {"a.yml": GOOD}, 0.5)
    assert isinstance(result, Diagnostic)
    assert (result.code, "0.5 seconds" in result.message) == ("RC603", True)
    assert time.monotonic() - start < 10
    child = int((tmp_path / "child").read_text())
    for _ in range(100):
        if not _alive(child):
            return
        time.sleep(0.05)
    pytest.fail("the child still runs")


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


def test_one_that_cannot_be_started(tmp_path: Path) -> None:
    gone = pt.check_rules(tmp_path / "gone", {"a.yml": GOOD}, 10)
    assert isinstance(gone, Diagnostic)
    assert gone.code == "RC602"
    path = tmp_path / "promtool"
    path.write_bytes(b"\x7fELF for another machine")
    path.chmod(0o755)
    foreign = pt.run_tests(path, {"a.yml": ""}, {}, 10)
    assert isinstance(foreign, Diagnostic)
    assert (foreign.code, "Exec format" in foreign.message) == ("RC602", True)


def test_a_temporary_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    result = pt.check_rules(script(tmp_path, ""), {"a.yml": GOOD}, 10)
    assert isinstance(result, Diagnostic)
    assert result.code == "RC606"


def test_tests_without_clear_verdicts_are_no_success(tmp_path: Path) -> None:
    for body in ("echo rubbish", "exit 1", "echo '  SUCCESS'; echo '  SUCCESS'", "echo '  FAILED:'; exit 1"):
        result = pt.run_tests(script(tmp_path, body), {"a.yml": "{}"}, {}, 10)
        assert isinstance(result, Diagnostic)
        assert result.code == "RC605"


@pytest.mark.parametrize("body", ["echo Python 3.11", "exit 1", "exit 139"])
def test_version_of_something_else(tmp_path: Path, body: str) -> None:
    assert isinstance(pt.version(script(tmp_path, body)), Diagnostic)


@pytest.mark.parametrize("name", ["../a.yml", "/a.yml", "-a.yml", "x/y.yml", ".hidden"])
def test_only_plain_names_are_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not a plain file name"):
        pt.check_rules(script(tmp_path, ""), {name: GOOD}, 10)


# --- the real one ---------------------------------------------------------------------


def complaints(promtool: Path, *texts: str) -> tuple[Complaint, ...]:
    result = pt.check_rules(promtool, {f"{n}.yml": text for n, text in enumerate(texts)}, 60)
    assert isinstance(result, tuple), result
    return result


def test_version(promtool: Path) -> None:
    version = pt.version(promtool)
    assert isinstance(version, str)
    assert tuple(map(int, version.split(".")))[:2] >= (2, 42)


def test_nothing_to_check_is_good_without_a_promtool() -> None:
    assert pt.check_rules(Path("/nowhere"), {}, 1) == ()
    assert pt.run_tests(Path("/nowhere"), {}, {}, 1) == ()


def test_good_files_give_no_complaints(promtool: Path) -> None:
    assert complaints(promtool, GOOD, GOOD + GOOD.split("\n", 3)[3].replace("A", "B"), "groups: []\n") == ()


def test_a_duplicate_rule_is_not_promtools_to_judge(promtool: Path) -> None:
    assert complaints(promtool, GOOD + GOOD.split("rules:\n")[1]) == ()


def test_complaints_name_file_group_rule_and_line(promtool: Path) -> None:
    (found,) = complaints(promtool, GOOD, BAD, GOOD)
    assert found == Complaint(
        "1.yml", "g", 0, "A", "could not parse expression: 1:6: parse error: unexpected end of input", 5
    )


def test_all_complaints_of_a_file_are_reported_in_one_order(promtool: Path) -> None:
    text = (
        BAD
        + "    labels: {x: '{{ $a }}', y: '{{ $b }}', z: '{{ $c }}'}\n    annotations: {d: '{{ nope }}'}\n"
    )
    first = complaints(promtool, text)
    assert [c.message.split(":")[0] for c in first] == [
        "could not parse expression", 'annotation "d"', 'label "x"', 'label "y"', 'label "z"'
    ]  # fmt: skip
    assert all(complaints(promtool, text) == first for _ in range(5))


def test_faults_of_a_whole_file(promtool: Path) -> None:
    duration, field, syntax, repeated = (
        complaints(promtool, text)
        for text in (
            GOOD + "    for: 5x\n",
            GOOD + "    fro: 5m\n    nope: 1\n",
            "groups:\n- name: g\n   rules: x\n",
            GOOD + GOOD.replace("groups:\n", ""),
        )
    )
    assert [(c.group, '"5x"' in c.message) for c in duration] == [(None, True)]
    assert [(c.line, c.message.split(" in ")[0]) for c in field] == [
        (6, "field fro not found"),
        (7, "field nope not found"),
    ]
    assert [c.message[:5] for c in syntax] == ["yaml:"]
    assert [(c.group, c.rule_index) for c in repeated] == [("g", None)]


def test_many_files_with_one_bad_one_in_each_half(promtool: Path) -> None:
    texts = [GOOD + "# " + "x" * 300 + "\n"] * 3_000
    texts[7] = texts[2_990] = BAD
    assert [c.file_name for c in complaints(promtool, *texts)] == ["7.yml", "2990.yml"]


def test_batches_cover_every_file_once_and_in_order() -> None:
    files = {f"group-{'g' * 50}-{n:05}.yml": "x" * 100 for n in range(10_000)}
    batches = pt._batches(files, 2)
    assert [name for batch in batches for name in batch] == list(files)
    assert max(sum(len(name) + 1 for name in batch) for batch in batches) < 128 * 1024
    assert len(pt._batches({"a": "x", "b": "x"}, 1)) == 1
    assert len(pt._batches({"a": "x", "b": "x"}, 2)) == 2


def test_nothing_is_left_behind(promtool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = set(os.listdir(tmp_path))
    complaints(promtool, GOOD, BAD)
    assert set(os.listdir(tmp_path)) == before


def test_it_works_where_the_environment_is_bare(
    promtool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = shutil.which(str(promtool))
    assert real is not None
    for name in os.environ:
        if name != "PYTEST_CURRENT_TEST":
            monkeypatch.delenv(name)
    assert pt.check_rules(Path(real), {"a.yml": GOOD}, 60) == ()


# --- blame -----------------------------------------------------------------------------

ENTRY = Pointer("alerts/groups/p.yaml", ("rules", "A"))
RULE = Rule("alert", "A_P", "up == 0", "5m", None, {"a": "x"}, {"b": "y"}, "alerts/templates/A.yaml", ENTRY)
TEMPLATE = Template(
    "alerts/templates/A.yaml", "A", "alert", "A", "c", {}, "up == 0", "5m", None, {"a": "x"}, {"b": "y"},
    True, frozenset(), (), (),
)  # fmt: skip


def blamed(
    promtool: Path, rule: Rule, template: Template | None = None, group: RuleGroup | None = None
) -> Diagnostic:
    good = replace(RULE, name="Good")
    made = replace(group or RuleGroup("p_c", None, None, None, ()), rules=(good, rule))
    rules = {"group-p.yml": RuleSet("p", ("alerts/groups/root.yaml", "alerts/groups/p.yaml"), (made,))}
    found = pt.check_rules(promtool, {name: emit(each) for name, each in rules.items()}, 60)
    assert isinstance(found, tuple)
    return blame(found[0], rules, {template.path: template} if template else None)


@pytest.mark.parametrize(
    ("change", "keys"),
    [
        ({"expr": "up =="}, ("expr",)),
        ({"expr": ""}, ("expr",)),
        ({"labels": {"a": "{{ $x }}"}}, ("labels", "a")),
        ({"annotations": {"b": "{{ nope 1 }}"}}, ("annotations", "b")),
        ({"for_": "5x"}, ("for",)),
        ({"keep_firing_for": "5 minutes"}, ("keep_firing_for",)),
    ],
)
def test_a_fault_in_a_field_is_blamed_on_that_field(
    promtool: Path, change: dict[str, object], keys: tuple[str, ...]
) -> None:
    found = blamed(promtool, replace(RULE, **change))  # type: ignore[arg-type]
    assert found.code == "RC610"
    assert found.place == Pointer("alerts/templates/A.yaml", keys)
    assert found.related[0].place == ENTRY


def test_a_name_that_promtool_refuses_is_blamed_on_the_key(promtool: Path) -> None:
    found = blamed(promtool, replace(RULE, labels={"__name__": "x"}))
    assert found.place == Pointer("alerts/templates/A.yaml", ("labels", "__name__"), on_key=True)
    record = Rule("record", "ok", "up", "5m", None, {}, {}, "t.yaml", ENTRY)
    assert blamed(promtool, record).place == Pointer("t.yaml", ("for",), on_key=True)


def test_what_the_template_does_not_have_is_blamed_on_the_group(promtool: Path) -> None:
    found = blamed(promtool, replace(RULE, labels={"team": "{{ $x }}"}), TEMPLATE)
    assert found.place == ENTRY
    assert found.related[0].place == Pointer("alerts/templates/A.yaml")
    own = blamed(promtool, replace(RULE, labels={"a": "{{ $x }}"}), TEMPLATE)
    assert own.place == Pointer("alerts/templates/A.yaml", ("labels", "a"))
    late = blamed(promtool, replace(RULE, keep_firing_for="5x"), TEMPLATE)
    assert late.place == ENTRY


def test_the_spot_in_the_compiled_expression_is_shown(promtool: Path) -> None:
    found = blamed(promtool, replace(RULE, expr='up{a="ü"}\n  > > 5'))
    assert found.help == "the compiled expression stops making sense at `  > ⟶> 5`"


def test_a_bad_interval_is_the_groups(promtool: Path) -> None:
    found = blamed(promtool, RULE, group=RuleGroup("p_c", "30x", None, None, ()))
    assert found.place == Pointer("alerts/groups/p.yaml", ("interval",))
    assert '"30x"' in found.message


RULES = {"f.yml": RuleSet("p", ("r.yaml", "p.yaml"), (RuleGroup("g", None, None, None, (RULE,)),))}


def test_a_field_that_an_old_promtool_does_not_know() -> None:
    text = "field query_offset not found in type rulefmt.RuleGroup"
    found = blame(Complaint("f.yml", None, None, None, text, 9), RULES)
    assert (found.code, found.place) == ("RC611", Pointer("p.yaml"))
    assert "query_offset" in found.message


@pytest.mark.parametrize(
    "complaint",
    [
        Complaint("f.yml", None, None, None, "yaml: line 3: odd", 3),
        Complaint("f.yml", "g", 7, "A", "odd"),
        Complaint("f.yml", "other", 0, "A", "odd"),
        Complaint("f.yml", None, None, None, 'unknown unit "q" in duration "7q"'),
    ],
)
def test_what_cannot_be_traced_is_at_least_the_groups(complaint: Complaint) -> None:
    found = blame(complaint, RULES)
    assert (found.code, found.place) == ("RC610", Pointer("p.yaml"))
    assert complaint.message in found.message


def test_an_unknown_complaint_about_a_rule_is_blamed_on_its_name() -> None:
    found = blame(Complaint("f.yml", "g", 0, "A", "something new"), RULES)
    assert found.place == Pointer("alerts/templates/A.yaml", ("alert",))


# --- what other versions print --------------------------------------------------------------


def test_promtool_3_repeats_itself_and_gives_two_positions() -> None:
    output = (
        'Checking a.yml\n  FAILED:\na.yml: unknown unit "x" in duration "5x"\n'
        'a.yml: unknown unit "x" in duration "5x"\n'
        'a.yml: 0:0: 4:12: group "g \\"q\\"", rule 2, "": one of \'record\' or \'alert\' must be set\n'
        'a.yml: 0:0: groupname: "g1" is repeated in the same file\n'
    )
    (result,) = read_check(output, 1, ["a.yml"])
    assert set(result.complaints) == {
        Complaint("a.yml", 'g "q"', 1, "", "one of 'record' or 'alert' must be set", 4),
        Complaint("a.yml", "g1", None, None, 'groupname: "g1" is repeated in the same file'),
        Complaint("a.yml", None, None, None, 'unknown unit "x" in duration "5x"'),
    }
    assert len(result.complaints) == 3


@pytest.mark.parametrize("head", ["Unit Testing:  {}\n", ""])
def test_test_results_of_promtool_2_and_3(head: str) -> None:
    output = (
        head.format("a.yml") + "  SUCCESS\n\n" + head.format("b.yml") + "  FAILED:\n    name: b,\n"
        '    alertname: A, time: 5m, \n        exp:[\n            0:\n              Labels:{a="]"}\n'
        '              Annotations:{}\n            ], \n        got:[]\n\n    expr: "x\\n", time: 3m,\n'
        '        exp: {a="b"} 7E+00, {a="c, {"} 1E+00\n        got: nil\n\n'
        '    expr: "y +", time: 1m, err: 1:4: parse error\n'
    )
    assert [result.failures for result in read_test(output, 1, ["a.yml", "b.yml"])] == [
        (),
        (
            Failure("alert", "A", "5m", ('{a="]"} {}',), ()),
            Failure("expr", "x\n", "3m", ('{a="b"} 7E+00', '{a="c, {"} 1E+00'), ()),
            Failure("expr", "y +", "1m", (), (), "1:4: parse error"),
        ),
    ]


@pytest.mark.parametrize(
    "lines",
    ["    alertname: A, time: 5m, \n", "    alertname: A, time: 5m, \n        exp:[\n            0:\n"],
)
def test_an_answer_that_breaks_off(lines: str) -> None:
    with pytest.raises(Unexpected):
        read_test(f"  FAILED:\n{lines}", 1, ["a.yml"])


def test_samples_are_told_apart_even_with_histograms() -> None:
    text = '{a="x, {"} {count:1, sum:2, buckets:[[1,2]:1]}, {} 2E+00'
    assert list(split_samples(text)) == ['{a="x, {"} {count:1, sum:2, buckets:[[1,2]:1]}', "{} 2E+00"]
    assert list(split_samples("nil")) == []
    assert list(split_samples("7")) == ["7"]


def test_gos_quotes() -> None:
    assert unquote(r'"a\"b\\n\n\t\x00\u2028\U000e0041"') == 'a"b\\n\n\t\0\u2028\U000e0041'
