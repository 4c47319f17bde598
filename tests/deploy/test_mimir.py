"""A namespace of a ruler, against a strict fake of the API of Mimir and Cortex (fake_ruler.py)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from rulecompiler.deploy.manifest_target import ManifestTarget
from rulecompiler.deploy.mimir import MimirTarget
from rulecompiler.deploy.release import Release
from rulecompiler.deploy.settings import Credentials, Target
from rulecompiler.deploy.target import Change, Consent, Deployer, Preflight
from rulecompiler.deploy.transaction import ExitCode, run
from rulecompiler.diagnostics import Diagnostic, Severity, has_errors
from tests.deploy.fake_ruler import Ruler, serving

ROOT = Path(__file__).resolve().parent.parent.parent
NO_CONSENT = Consent()
NOTHING = Change((), (), (), 0)


def alert(name: str, **fields: Any) -> dict[str, Any]:
    return {"alert": name, "expr": "up == 0", "labels": {"group": "g"}, **fields}


def release(groups: Mapping[str, list[dict[str, Any]]], file: str = "group-a.yml", **fields: Any) -> Release:
    """One file with these groups of rules."""
    data = {"groups": [{"name": name, **fields, "rules": rules} for name, rules in groups.items()]}
    return Release({file: yaml.safe_dump(data, sort_keys=False).encode()})


FIRST = release({"a": [alert("A")], "b": [alert("B")]})
SECOND = release({"b": [alert("B", expr="up == 1")], "c": [alert("C")], "d": [alert("D")]})
GENERATED = Release({path.name: path.read_bytes() for path in sorted((ROOT / "generated").glob("*.yml"))})


@pytest.fixture
def ruler() -> Iterator[Ruler]:
    with serving(Ruler()) as server:
        yield server


class Clock:
    """Time that passes only where somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(seconds)

    def read(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


Opened = Callable[..., MimirTarget]


@pytest.fixture
def opened(ruler: Ruler, clock: Clock) -> Iterator[Opened]:
    """Makes targets of the ruler, and closes them in the end."""
    made: list[MimirTarget] = []

    def make(**changes: Any) -> MimirTarget:
        target = Target(name="mimir", kind="mimir", url=f"{ruler.url}/prometheus", tenant="acme")
        made.append(MimirTarget(replace(target, **changes), clock.sleep, clock.read))
        return made[-1]

    yield make
    for each in made:
        each.close()


def look(deployer: Deployer, wanted: Release, consent: Consent = NO_CONSENT) -> Preflight:
    return deployer.preflight(wanted, consent, dry_run=False)


def deploy(deployer: Deployer, wanted: Release, consent: Consent = NO_CONSENT) -> tuple[Diagnostic, ...]:
    """All of it; what went wrong first."""
    found = look(deployer, wanted, consent)
    if has_errors(found.diagnostics):
        return found.diagnostics
    for step in (deployer.apply, lambda: deployer.observe(1), deployer.commit):
        problems = step()
        if has_errors(problems):
            return problems
    return ()


def is_touched(deployer: Deployer) -> bool:
    return deployer.touched


def codes(diagnostics: tuple[Diagnostic, ...]) -> list[str]:
    return [d.code for d in diagnostics]


def stored(ruler: Ruler) -> dict[str, Any]:
    return ruler.groups("acme")


def put(
    ruler: Ruler, name: str, *rules: dict[str, Any], namespace: str = "rulecompiler", tenant: str = "acme"
) -> None:
    ruler.stored.setdefault(tenant, {}).setdefault(namespace, {})[name] = {"name": name, "rules": list(rules)}


# --- to the groups that should be there -------------------------------------


@pytest.mark.parametrize("none_is_404", [True, False])
def test_it_writes_what_differs_and_nothing_else(ruler: Ruler, opened: Opened, none_is_404: bool) -> None:
    ruler.none_is_404 = none_is_404
    first = opened()
    assert look(first, FIRST) == Preflight((), Change(("a", "b"), (), (), 0), "")
    assert not is_touched(first)
    assert (first.apply(), first.observe(1)) == ((), ())
    assert is_touched(first)
    assert first.commit() == ()
    assert stored(ruler).keys() == {"a", "b"}

    again = opened()
    assert look(again, FIRST) == Preflight((), NOTHING._replace(unchanged=2), FIRST.id)
    written = ruler.writes
    assert not again.touched

    second = opened()
    assert look(second, SECOND).change == Change(("c", "d"), ("b",), ("a",), 0)
    assert second.apply() == ()
    assert stored(ruler).keys() == {"b", "c", "d"}
    assert stored(ruler)["b"]["rules"][0]["expr"] == "up == 1"
    assert [(r.method, r.path.rpartition("/")[2]) for r in ruler.requests if r.method != "GET"][written:] == [
        ("POST", "rulecompiler"),
        ("POST", "rulecompiler"),
        ("POST", "rulecompiler"),
        ("DELETE", "a"),  # the last, so that nothing is unwatched meanwhile
    ]


def test_what_is_compiled_arrives_as_it_is(ruler: Ruler, opened: Opened, promtool: Path) -> None:
    ruler.promtool = promtool
    assert deploy(opened(), GENERATED) == ()
    intended = [g for data in GENERATED.files.values() for g in yaml.safe_load(data)["groups"]]
    assert stored(ruler) == {group["name"]: group for group in intended}
    assert look(opened(), GENERATED).live == GENERATED.id


@pytest.mark.parametrize(
    ("there", "same"),
    [
        (alert("A", **{"for": "60m"}), True),
        (alert("A", **{"for": "61m"}), False),
        (alert("A", **{"for": "1h"}, annotations={}), True),
        (alert("A", **{"for": "1h"}, annotations={"summary": "x"}), False),
        (alert("A", **{"for": "1h"}, keep_firing_for="0s"), True),
        (alert("A", **{"for": "1h"}, keep_firing_for="1s"), False),
        (alert("A", **{"for": "1h"}, expr="up  ==  0 # down"), True),
        (alert("A", **{"for": "1h"}, expr="up != 0"), False),
        (alert("A", **{"for": "1h"}, labels={"group": "h"}), False),
        (alert("B", **{"for": "1h"}), False),
        ({"record": "A", "expr": "up == 0", "labels": {"group": "g"}}, False),
    ],
)
def test_what_counts_is_what_a_group_means(
    ruler: Ruler, opened: Opened, there: dict[str, Any], same: bool
) -> None:
    put(ruler, "a", there)
    wanted = release({"a": [alert("A", **{"for": "1h"})]})
    assert look(opened(), wanted).change == NOTHING._replace(
        **({"unchanged": 1} if same else {"changed": ("a",)})
    )


@pytest.mark.parametrize("field", ["interval: 1m", "limit: 5", "query_offset: 1m", "source_tenants: [b]"])
def test_fields_of_the_group_count(ruler: Ruler, opened: Opened, field: str) -> None:
    put(ruler, "a", alert("A"))
    stored(ruler)["a"] |= yaml.safe_load(field)
    assert look(opened(), release({"a": [alert("A")]})).change.changed == ("a",)


def test_values_that_yaml_takes_for_something_else_stay_text(ruler: Ruler, opened: Opened) -> None:
    text = (
        b"groups:\n- name: 'on'\n  rules:\n  - alert: A\n    expr: 1\n    for: 0s\n"
        b"    labels: {group: g, n: 0x1F, m: 1e3, b: yes, v: 0.10}\n"
        b"    annotations: {t: 'a\\tb', u: \"\\u00e9\\n\"}\n"
    )
    assert deploy(opened(), Release({"a.yml": text})) == ()
    rule = stored(ruler)["on"]["rules"][0]
    assert rule["expr"] == "1"
    assert rule["labels"] == {"group": "g", "n": "0x1F", "m": "1e3", "b": "yes", "v": "0.10"}
    assert rule["annotations"] == {"t": "a\\tb", "u": "é\n"}


def test_names_are_escaped_in_paths(ruler: Ruler, opened: Opened) -> None:
    names = ["a/b", "c d", "e?f", "g#h", "i%2Fj", "k+l", "ü", "m;n", "o&p"]
    there = release({name: [alert("A")] for name in names})
    assert deploy(opened(namespace="x/ y"), there) == ()
    assert ruler.groups("acme", "x/ y").keys() == set(names)
    rest = release({"other": [alert("B")]})
    assert deploy(opened(namespace="x/ y"), rest, Consent()) == ()
    assert ruler.groups("acme", "x/ y").keys() == {"other"}
    assert ruler.stored["acme"].keys() == {"x/ y"}


def test_a_group_without_rules_is_none(ruler: Ruler, opened: Opened) -> None:
    assert deploy(opened(), release({"a": [alert("A")], "none": []})) == ()
    assert stored(ruler).keys() == {"a"}


@pytest.mark.parametrize(
    ("prefix", "url", "running"),
    [
        ("/prometheus/config/v1/rules", "/prometheus", "/prometheus/api/v1/rules"),
        ("/prometheus/config/v1/rules", "/prometheus/", "/prometheus/api/v1/rules"),
        ("/prometheus/config/v1/rules", "/prometheus/config/v1/rules", "/prometheus/api/v1/rules"),
        ("/api/prom/config/v1/rules", "/api/prom", "/api/prom/api/v1/rules"),
        ("/config/v1/rules", "", "/api/v1/rules"),
        ("/api/v1/rules", "/api/v1/rules", "/prometheus/api/v1/rules"),
        ("/cortex/api/v1/rules", "/cortex/api/v1/rules/", "/cortex/prometheus/api/v1/rules"),
        ("/api/prom/rules", "/api/prom/rules", "/api/prom/api/v1/rules"),
    ],
)
def test_mimir_and_cortex_are_told_by_the_url(
    ruler: Ruler, opened: Opened, prefix: str, url: str, running: str
) -> None:
    ruler.prefix, ruler.running_path = prefix, running
    deployer = opened(url=ruler.url + url)
    assert look(deployer, FIRST).diagnostics == ()
    assert (deployer.apply(), deployer.observe(1)) == ((), ())
    assert stored(ruler).keys() == {"a", "b"}


# --- and no others ----------------------------------------------------------


def test_other_namespaces_and_tenants_stay(ruler: Ruler, opened: Opened) -> None:
    put(ruler, "a", alert("Theirs"), namespace="theirs")
    put(ruler, "z", alert("Theirs"), namespace="rulecompilers")
    put(ruler, "a", alert("Theirs"), tenant="other")
    others = yaml.safe_dump(ruler.stored["acme"]), yaml.safe_dump(ruler.stored["other"])
    for wanted in (FIRST, SECOND):
        assert deploy(opened(), wanted) == ()
    assert deploy(opened(), Release({}), Consent(empty=True)) == ()
    assert stored(ruler) == {}
    del ruler.stored["acme"]["rulecompiler"]
    assert (yaml.safe_dump(ruler.stored["acme"]), yaml.safe_dump(ruler.stored["other"])) == others
    assert {r.tenant for r in ruler.requests} == {"acme"}
    paths = {r.path for r in ruler.requests} - {"/prometheus/api/v1/rules"}
    assert all(path.startswith("/prometheus/config/v1/rules/rulecompiler") for path in paths)
    assert not any(r.method == "DELETE" and r.path.endswith("/rulecompiler") for r in ruler.requests)


@pytest.mark.parametrize("namespace", ["", ".", "..", "/a", "a/../b", "../prometheus"])
def test_a_namespace_that_is_none_is_refused_before_any_request(
    ruler: Ruler, opened: Opened, namespace: str
) -> None:
    assert codes(look(opened(namespace=namespace), FIRST).diagnostics) == ["RC883"]
    assert ruler.requests == []


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (Release({}), "RC871"),
        (release({}), "RC871"),
        (release({"a": []}), "RC871"),
        (Release({**FIRST.files, **release({"a": [alert("C")]}, "group-b.yml").files}), "RC883"),
        (release({"a": [alert("A")]}, labels={"team": "x"}), "RC883"),
        (release({"../a": [alert("A")]}), "RC883"),
        (release({"/a": [alert("A")]}), "RC883"),
        (release({"": [alert("A")]}), "RC883"),
        (release({"a": [alert("A")] * 3}), "RC872"),
        (Release({"a.yml": b"groups: 1\n"}), "RC850"),
        (Release({"a.yml": b"groups: [\n"}), "RC111"),
    ],
)
def test_what_cannot_be_deployed_is_refused_before_any_request(
    ruler: Ruler, opened: Opened, wanted: Release, code: str
) -> None:
    found = look(opened(max_rules_per_group=2), wanted)
    assert codes(found.diagnostics) == [code]
    assert found.diagnostics[0].help
    assert ruler.requests == []


def test_groups_that_the_compiler_did_not_make_are_not_overwritten(ruler: Ruler, opened: Opened) -> None:
    put(ruler, "theirs", alert("T", labels={"team": "x"}))
    put(ruler, "a", alert("A", expr="up == 7", labels={}))
    found = look(opened(), FIRST)
    assert codes(found.diagnostics) == ["RC884"]
    assert "a, theirs" in found.diagnostics[0].message
    assert ruler.writes == 0
    assert deploy(opened(), FIRST, Consent(drift=True)) == ()
    assert stored(ruler).keys() == {"a", "b"}


def test_somebody_else_between_the_look_and_the_first_write(ruler: Ruler, opened: Opened) -> None:
    assert deploy(opened(), FIRST) == ()
    loser = opened()
    look(loser, SECOND)
    winner = release({"w": [alert("W")]})
    assert deploy(opened(), winner) == ()
    assert codes(loser.apply()) == ["RC889"]
    assert not loser.touched
    assert loser.revert() == ()
    assert stored(ruler).keys() == {"w"}


# --- what goes wrong --------------------------------------------------------


@pytest.mark.parametrize("fault", [500, 502, 503, 504, 429, 409, "drop", "drop after"])
def test_a_fault_that_passes_is_waited_for(
    ruler: Ruler, opened: Opened, clock: Clock, fault: int | str
) -> None:
    ruler.faults = {3: fault, 4: fault}
    assert deploy(opened(), FIRST) == ()
    ruler.faults = dict.fromkeys((ruler.writes + 1, ruler.writes + 2), fault)
    assert deploy(opened(), SECOND) == ()
    assert stored(ruler).keys() == {"b", "c", "d"}
    assert clock.slept[:2] == [1.0, 2.0]


@pytest.mark.parametrize(("asked", "waited"), [("7", 7.0), ("0", 1.0), ("86400", 30.0), ("tomorrow", 1.0)])
def test_a_ruler_may_ask_for_patience_but_not_for_all(
    ruler: Ruler, opened: Opened, clock: Clock, asked: str, waited: float
) -> None:
    ruler.faults, ruler.retry_after = {1: 429}, asked
    assert deploy(opened(), FIRST) == ()
    assert clock.slept[0] == waited


@pytest.mark.parametrize("fault", [500, "drop", "drop after"])
@pytest.mark.parametrize("at", [1, 2, 3, 4])
def test_a_fault_midway_goes_back_to_what_was(
    ruler: Ruler, opened: Opened, fault: int | str, at: int
) -> None:
    assert deploy(opened(), FIRST) == ()
    stored(ruler)["b"]["source_tenants"] = ["x", "y"]  # nothing of what was there is lost on the way back
    before = yaml.safe_dump(stored(ruler))
    deployer = opened()
    look(deployer, SECOND)
    ruler.group_fields.add("source_tenants")
    ruler.faults = {ruler.writes + at + n: fault for n in range(4)}
    problems = deployer.apply()
    assert codes(problems) == (["RC880"] if fault == 500 else ["RC814"])
    assert problems[0].help
    assert is_touched(deployer)
    assert deployer.revert() == ()
    assert not is_touched(deployer)
    assert yaml.safe_dump(stored(ruler), sort_keys=True) == before


def test_a_run_that_was_cut_off_is_taken_up_again(ruler: Ruler, opened: Opened) -> None:
    ruler.faults = dict.fromkeys(range(3, 7), 500)
    many = release({f"g{n}": [alert(f"A{n}")] for n in range(5)})
    assert codes(deploy(opened(), many)) == ["RC880"]
    assert stored(ruler).keys() == {"g0", "g1"}
    before = len(ruler.posted())
    again = opened()
    assert look(again, many).change == Change(("g2", "g3", "g4"), (), (), 2)
    assert again.apply() == ()
    assert len(ruler.posted()) - before == 3


def test_a_way_back_that_fails_is_said(ruler: Ruler, opened: Opened) -> None:
    assert deploy(opened(), FIRST) == ()
    deployer = opened()
    look(deployer, SECOND)
    ruler.faults = dict.fromkeys(range(ruler.writes + 2, ruler.writes + 100), 503)
    assert codes(deployer.apply()) == ["RC880"]
    assert codes(deployer.revert()) == ["RC880"]
    assert deployer.touched
    ruler.faults = {}
    assert deployer.revert() == ()
    assert stored(ruler).keys() == {"a", "b"}


def test_a_field_that_a_ruler_loses_without_a_word_is_found_out(ruler: Ruler, opened: Opened) -> None:
    ruler.group_fields.discard("query_offset")
    deployer = opened()
    look(deployer, release({"a": [alert("A")]}, query_offset="1m"))
    (problem,) = deployer.apply()
    assert problem.code == "RC885"
    assert "a differs in query_offset" in problem.message
    assert deployer.revert() == ()
    assert stored(ruler) == {}


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        ({"max_groups": 1}, "rule groups limit"),
        ({"max_rules": 0}, "rules per rule group limit"),
    ],
)
def test_the_reason_of_a_refusal_is_the_rulers_own(
    ruler: Ruler, opened: Opened, limit: dict[str, int], reason: str
) -> None:
    for name, value in limit.items():
        setattr(ruler, name, value)
    deployer = opened()
    look(deployer, FIRST)
    (problem,) = deployer.apply()
    assert problem.code == "RC882"
    assert reason in problem.message
    assert "group-a.yml" in problem.message
    assert deployer.revert() == ()
    assert stored(ruler) == {}


def test_a_full_tenant_can_be_changed_and_taken_back(ruler: Ruler, opened: Opened) -> None:
    assert deploy(opened(), FIRST) == ()
    before = yaml.safe_dump(stored(ruler))
    ruler.max_groups = 3
    deployer = opened()
    look(deployer, release({"a": [alert("A", expr="up == 1")], "b": [alert("B")], "c": [alert("C")]}))
    assert deployer.apply() == ()
    assert stored(ruler).keys() == {"a", "b", "c"}
    assert deployer.revert() == ()
    assert yaml.safe_dump(stored(ruler)) == before
    ruler.max_groups = 2
    deployer = opened()
    look(deployer, SECOND)
    assert codes(deployer.apply()) == ["RC882"]
    assert deployer.revert() == ()
    assert yaml.safe_dump(stored(ruler)) == before


def test_a_rule_that_the_ruler_refuses(ruler: Ruler, opened: Opened, promtool: Path) -> None:
    ruler.promtool = promtool
    (problem,) = deploy(opened(), release({"a": [alert("A", expr="sum(up")]}))
    assert problem.code == "RC882"
    assert "parse error" in problem.message


def test_a_protected_namespace(ruler: Ruler, opened: Opened) -> None:
    ruler.protected = {"rulecompiler"}
    (problem,) = deploy(opened(), FIRST)
    assert problem.code == "RC881"
    assert "403: namespace is protected" in problem.message


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tenant": ""}, "401: no org id"),
        ({"url": "{}"}, "404: 404 page not found"),
        ({"url": "{}/prom"}, "404: 404 page not found"),
    ],
)
def test_an_address_or_tenant_that_is_wrong_is_refused_at_once(
    ruler: Ruler, opened: Opened, clock: Clock, changes: dict[str, str], said: str
) -> None:
    changes = {key: value.format(ruler.url) for key, value in changes.items()}
    (problem,) = look(opened(**changes), FIRST).diagnostics
    assert problem.code == "RC881"
    assert said in problem.message
    assert clock.slept == []
    assert ruler.writes == 0


def test_a_ruler_that_is_down(opened: Opened) -> None:
    (problem,) = look(opened(url="http://127.0.0.1:1/prometheus"), FIRST).diagnostics
    assert problem.code == "RC812"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"url": "https://{}/prometheus"}, "RC816"),
        ({"url": "ftp://{}"}, "RC810"),
        ({"url": "https://{}", "credentials": Credentials(ca_file="/nowhere/ca.pem")}, "RC811"),
    ],
)
def test_an_address_that_no_retry_helps(
    ruler: Ruler, opened: Opened, clock: Clock, changes: dict[str, Any], code: str
) -> None:
    changes["url"] = changes["url"].format(ruler.url.partition("//")[2])
    assert codes(look(opened(**changes), FIRST).diagnostics) == [code]
    assert clock.slept == []


@pytest.mark.parametrize("status", [301, 302, 307, 400, 405, 410, 422])
def test_an_answer_that_no_ruler_gives_is_no_reason_to_go_on(
    ruler: Ruler, opened: Opened, clock: Clock, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr("tests.deploy.fake_ruler._Handler._list", lambda *_: (status, "\x1b[31mno\n"))
    (problem,) = look(opened(), FIRST).diagnostics
    assert problem.code == "RC881"
    assert f"answers {status}: [31mno" in problem.message
    assert ("redirects" in problem.help) == (status < 400)
    assert (ruler.writes, clock.slept) == (0, [])


@pytest.mark.parametrize(
    "text", ["", "<html>", "[]", "rulecompiler: {}", "rulecompiler: [1]", "other: []", "\x00"]
)
def test_an_answer_that_is_none_of_a_ruler(
    ruler: Ruler, opened: Opened, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr("tests.deploy.fake_ruler._Handler._list", lambda *_: (200, text))
    assert codes(look(opened(), FIRST).diagnostics) == ["RC881"]
    assert ruler.writes == 0


def test_credentials_are_sent_and_never_shown(ruler: Ruler, opened: Opened) -> None:
    ruler.user = ("me", "s3cret")
    assert deploy(opened(credentials=Credentials("me", "s3cret")), FIRST) == ()
    (problem,) = look(opened(credentials=Credentials("me", "wr0ng-one")), SECOND).diagnostics
    assert problem.code == "RC881"
    assert "wr0ng-one" not in repr(problem)


def test_with_other_targets_it_is_all_or_nothing(ruler: Ruler, opened: Opened, tmp_path: Path) -> None:
    def work(wanted: Release) -> list[tuple[Deployer, Release]]:
        folder = ManifestTarget(Target("k8s", "prometheusrule", path="k8s", namespace="monitoring"), tmp_path)
        return [(folder, wanted), (opened(), wanted)]

    assert run(work(FIRST), NO_CONSENT, soak_intervals=1).exit_code is ExitCode.LIVE
    before = {path.name: path.read_bytes() for path in (tmp_path / "k8s").iterdir()}, str(stored(ruler))
    ruler.faults = {ruler.writes + n: 500 for n in range(2, 6)}
    failed = run(work(SECOND), Consent(alert_reset=True), soak_intervals=1)
    assert failed.exit_code is ExitCode.ROLLED_BACK
    after = {path.name: path.read_bytes() for path in (tmp_path / "k8s").iterdir()}, str(stored(ruler))
    assert after == before


# --- alerts and evaluations -------------------------------------------------


def firing() -> list[dict[str, Any]]:
    return [
        {"state": "firing", "activeAt": "2026-01-01T00:00:00Z", "labels": {"alertname": "A", "group": "g"}}
    ]


RENAMED = release({"renamed": [alert("A")], "b": [alert("B")]})


def test_an_active_alert_does_not_start_over_without_consent(ruler: Ruler, opened: Opened) -> None:
    assert deploy(opened(), FIRST) == ()
    assert look(opened(), RENAMED).diagnostics == ()  # it is not active
    ruler.active = {"A": firing()}
    assert codes(look(opened(), RENAMED).diagnostics) == ["RC875"]
    assert deploy(opened(), release({"a": [alert("A", expr="up == 5")], "b": [alert("B")]})) == ()
    assert deploy(opened(), RENAMED, Consent(alert_reset=True)) == ()
    assert stored(ruler).keys() == {"renamed", "b"}


def test_where_the_ruler_does_not_tell_the_worst_is_assumed(ruler: Ruler, opened: Opened) -> None:
    ruler.running_path = None
    deployer = opened()
    assert look(deployer, FIRST).diagnostics == ()
    assert deployer.apply() == ()
    (unwatched,) = deployer.observe(1)
    assert (unwatched.code, unwatched.severity) == ("RC886", Severity.WARNING)
    assert codes(look(opened(), RENAMED).diagnostics) == ["RC886"]
    assert deploy(opened(), RENAMED, Consent(alert_reset=True)) == ()


@pytest.mark.parametrize(("policy", "severity"), [("rollback", Severity.ERROR), ("warn", Severity.WARNING)])
def test_a_rule_that_fails_where_it_did_not_before(
    ruler: Ruler, opened: Opened, policy: str, severity: Severity
) -> None:
    ruler.errors = {"A": "known for long"}
    assert deploy(opened(on_evaluation_error="warn"), FIRST) == ()
    ruler.errors["D"] = "many-to-many matching not allowed"
    deployer = opened(on_evaluation_error=policy)
    look(deployer, release({"a": [alert("A", annotations={"x": "y"})], "d": [alert("D")]}))
    assert deployer.apply() == ()
    (problem,) = deployer.observe(1)
    assert (problem.code, problem.severity) == ("RC863", severity)
    assert "many-to-many" in problem.message


def test_groups_that_are_not_evaluated_in_time_are_named(ruler: Ruler, opened: Opened, clock: Clock) -> None:
    deployer = opened()
    look(deployer, FIRST)
    assert deployer.apply() == ()
    stored(ruler).clear()  # stored, but not taken up
    (problem,) = deployer.observe(2)
    assert (problem.code, problem.severity) == ("RC864", Severity.INFO)
    assert clock.now == pytest.approx(180, abs=2)
