from __future__ import annotations

import os
import random
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from rulecompiler import document, schema
from rulecompiler.deploy.settings import Credentials, DeploySettings, Target, read
from rulecompiler.diagnostics import Diagnostic, Severity
from rulecompiler.document import Locator
from rulecompiler.model import Document, Source

DEFAULT = Target()
FILE = "rulecompiler.yaml"


def parsed(text: str) -> Document:
    found, faults = document.parse(Source(FILE, dedent(text)))
    assert found is not None, faults
    assert schema.validate("settings", found) == ()
    return found


def good(text: str, **environ: str) -> DeploySettings:
    settings, faults = read(parsed(text), environ)
    assert faults == ()
    assert settings is not None
    return settings


def only(text: str, **environ: str) -> Target:
    (target,) = good(text, **environ).targets
    return target


def told(text: str, **environ: str) -> list[str]:
    """The faults as `line code message`; without a line where no file is to blame."""
    settings, faults = read(parsed(text), environ)
    assert settings is None
    assert all(fault.help for fault in faults)
    locator = Locator({FILE: dedent(text)})

    def line(fault: Diagnostic) -> str:
        return "" if fault.place is None else f"{locator.span(fault.place).line} "

    return [f"{line(fault)}{fault.code} {fault.message}" for fault in faults]


def test_no_file_and_no_environment_give_the_replaced_server_s_defaults() -> None:
    assert read(None, {}) == (DeploySettings(), ())
    assert (DEFAULT.url, DEFAULT.path) == ("http://localhost:9090", "/etc/prometheus/rules/generated")
    assert (DEFAULT.reload, DEFAULT.reload_timeout) == (True, 30.0)


@pytest.mark.parametrize("text", ["{}", "deploy:", "deploy: {}", "deploy: {targets: null}", "metrics: {}"])
def test_an_empty_section_gives_the_defaults(text: str) -> None:
    assert good(text) == DeploySettings()


def test_the_schema_and_the_types_have_the_same_defaults() -> None:
    declared = schema.load("settings")["properties"]["deploy"]["properties"]
    defaults = {key: value["default"] for key, value in declared.items() if "default" in value}

    settings, faults = read(Document(FILE, {"deploy": defaults}), {})

    assert faults == ()
    assert settings == DeploySettings()
    assert {*defaults, "targets", "server_path", "pid_file"} == set(declared)


@pytest.mark.parametrize(
    ("said", "changes"),
    [
        ("url: https://h:9090/prom", {"url": "https://h:9090/prom"}),
        ("path: /rules//a/", {"path": "/rules/a"}),
        ("server_path: rules", {"server_path": "rules"}),
        ("layout: flat", {"layout": "flat"}),
        ("reload: false", {"reload": False}),
        ("reload_timeout: 1m30s", {"reload_timeout": 90.0}),
        ("ready_timeout: 500ms", {"ready_timeout": 0.5}),
        ("pid_file: /run/prometheus.pid", {"pid_file": "/run/prometheus.pid"}),
        ("keep: 0", {"keep": 0}),
        ("on_evaluation_error: warn", {"on_evaluation_error": "warn"}),
        ("evaluation_wait: 2h", {"evaluation_wait": 7200.0}),
        ("max_rules_per_group: 1", {"max_rules_per_group": 1}),
    ],
)
def test_the_file_overrides_defaults_for_the_one_target_and_for_each(
    said: str, changes: dict[str, Any]
) -> None:
    assert only(f"deploy: {{{said}}}") == replace(DEFAULT, **changes)

    named = f"deploy:\n  {said}\n  targets:\n    a: {{path: /a}}\n    b: {{{said}, server_path: b}}\n"
    if "path" not in said:
        a, b = good(named).targets
        assert a == replace(DEFAULT, name="a", path="/a", **changes)
        assert b == replace(DEFAULT, name="b", server_path="b", **changes)


def test_soak_intervals_are_those_of_the_whole() -> None:
    assert good("deploy: {soak_intervals: 0}").soak_intervals == 0


def test_every_kind_of_target_in_the_order_in_which_it_is_written() -> None:
    settings = good(
        """
        deploy:
          url: http://prometheus:9090
          keep: 2
          targets:
            staging: {url: http://staging:9090, canary: true, groups: {ids: [grp-4], labels: {env: test}}}
            mimir: {kind: mimir, url: https://mimir/prometheus, tenant: acme, evaluation_wait: 1s}
            kube: {kind: prometheusrule, path: k8s/rules/, namespace: monitoring, metadata_labels: {r: x}}
            maps: {kind: configmap, path: k8s/maps, namespace: monitoring, groups: {labels: {a: b}}}
        """
    )

    assert settings.targets == (
        Target(
            "staging",
            url="http://staging:9090",
            keep=2,
            canary=True,
            group_ids=("grp-4",),
            group_labels={"env": "test"},
        ),
        Target("mimir", "mimir", url="https://mimir/prometheus", tenant="acme", evaluation_wait=1.0),
        Target(
            "kube",
            "prometheusrule",
            url="http://localhost:9090",
            path="k8s/rules",
            namespace="monitoring",
            metadata_labels={"r": "x"},
        ),
        Target("maps", "configmap", path="k8s/maps", namespace="monitoring", group_labels={"a": "b"}),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            """
            deploy:
              targets:
                m:
                  kind: mimir
                  url: http://m
                  layout: flat
            """,
            ["7 RC800 the target `m` is of kind `mimir`, which has no use for `layout`"],
        ),
        (
            "deploy:\n targets:\n  p: {tenant: x, namespace: y}\n",
            [
                "3 RC800 the target `p` is of kind `prometheus`, which has no use for `tenant`",
                "3 RC800 the target `p` is of kind `prometheus`, which has no use for `namespace`",
            ],
        ),
        (
            "deploy:\n targets:\n  k: {kind: configmap, path: k, namespace: n, url: x, canary: true}\n",
            [
                "3 RC800 the target `k` is of kind `configmap`, which has no use for `url`",
                "3 RC800 the target `k` is of kind `configmap`, which has no use for `canary`",
            ],
        ),
        (
            "deploy:\n targets:\n  k: {kind: configmap, path: k, namespace: No_Name}\n",
            ['3 RC800 "No_Name" cannot be the name of a Kubernetes namespace'],
        ),
        ("deploy:\n targets:\n  m: {kind: mimir}\n", ["3 RC809 the target `m` of kind `mimir` has no `url`"]),
        (
            "deploy:\n targets:\n  k: {kind: prometheusrule}\n",
            [
                "3 RC809 the target `k` of kind `prometheusrule` has no `path`",
                "3 RC809 the target `k` of kind `prometheusrule` has no `namespace`",
            ],
        ),
        (
            "deploy:\n path: rules\n",
            ['2 RC802 the path "rules" in `path` is not absolute'],
        ),
        (
            "deploy:\n targets:\n  a:\n   path: rules\n   pid_file: run/p\n",
            [
                '4 RC802 the path "rules" in `path` of the target `a` is not absolute',
                '5 RC802 the path "run/p" in `pid_file` of the target `a` is not absolute',
            ],
        ),
        ("deploy: {path: //}", ['1 RC802 the path "//" in `path` is the root of the file system']),
        *(
            (
                f"deploy:\n targets:\n  k: {{kind: configmap, namespace: n, path: {path}}}\n",
                [f'3 RC802 the path "{path}" in `path` of the target `k` is not the manifests\' own'],
            )
            for path in ["/", ".", "generated", "generated/k8s", "alerts", ".git/hooks", "a/.RuleCompiler"]
        ),
        (
            "paths: {generated: out}\ndeploy:\n targets:\n  k: {kind: configmap, namespace: n, path: out}\n",
            ['4 RC802 the path "out" in `path` of the target `k` is not the manifests\' own'],
        ),
        (
            "deploy:\n path: /r\n targets:\n  a: {}\n  b: {url: http://b}\n",
            ['2 RC803 the targets `a` and `b` write to one place, the folder "/r"'],
        ),
        (
            "deploy:\n path: /r\n targets:\n  a: {path: /s}\n  b:\n  c:\n",
            ['2 RC803 the targets `b` and `c` write to one place, the folder "/r"'],
        ),
        (
            "deploy:\n targets:\n  a: {path: /r/}\n  b: {path: //r}\n  c: {path: /r}\n",
            ['5 RC803 the targets `a` and `c` write to one place, the folder "/r"'],
        ),
        (
            """
            deploy:
              targets:
                a: {kind: prometheusrule, path: k, namespace: n}
                b: {kind: configmap, path: ./k/, namespace: m}
            """,
            ['5 RC803 the targets `a` and `b` write to one place, the folder "k"'],
        ),
        (
            """
            deploy:
              url: http://m/
              targets:
                a: {kind: mimir}
                b: {kind: mimir, url: "http://M", namespace: rulecompiler}
            """,
            ['6 RC803 the targets `a` and `b` write to one place, the namespace "rulecompiler"'],
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_at_its_line(text: str, expected: list[str]) -> None:
    assert told(text) == expected


@pytest.mark.parametrize(
    "targets",
    [
        "a: {path: /a}\n  b: {path: /a/b}",
        "a: {kind: mimir, url: http://m}\n  b: {kind: mimir, url: http://m, tenant: x}",
        "a: {kind: mimir, url: http://m}\n  b: {kind: mimir, url: http://m, namespace: x}",
        "a: {kind: mimir, url: http://m}\n  b: {kind: mimir, url: http://m/x}",
        "a: {url: http://m}\n  b: {url: http://m, path: /b}",
        "a: {}\n  b: {kind: configmap, namespace: n, path: /elsewhere/k8s}",
    ],
)
def test_targets_that_lie_apart_are_fine(targets: str) -> None:
    assert [target.name for target in good(f"deploy:\n targets:\n  {targets}\n").targets] == ["a", "b"]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("prometheus:9090", "does not start with http:// or https://"),
        ("//prometheus:9090", "does not start with http:// or https://"),
        ("ftp://prometheus", "does not start with http:// or https://"),
        ("http://", "names no server"),
        ("http://:9090", "names no server"),
        ("http://h:0", "names no server"),
        ("http://h:99999", "is none"),
        ("http://[::1", "is none"),
        ("http://h:x", "is none"),
        ("http://h/a b", "holds a blank or a control character"),
        ("http://h?x=1", "has a query or a fragment"),
        ("http://h?", "has a query or a fragment"),
        ("http://h/#", "has a query or a fragment"),
        ("http://user:hunter2@h:9090", "holds credentials"),
        ("http://hunter2@h", "holds credentials"),
        ("user:hunter2@h", "does not start with http:// or https://"),
    ],
)
def test_a_url_that_is_none_is_refused_wherever_it_stands_and_never_repeated(url: str, reason: str) -> None:
    assert told(f"deploy:\n  url: '{url}'") == [f"2 RC801 the URL in `url` {reason}"]
    assert told("{}", PROMETHEUS_URL=url) == [f"RC801 the URL in the variable PROMETHEUS_URL {reason}"]
    _, faults = read(None, {"PROMETHEUS_URL": url})
    assert "hunter2" not in repr(faults)


@pytest.mark.parametrize(
    "url", ["http://h", "https://h:9/p/", "http://[::1]:9090", "http://10.0.0.1", "HTTP://h"]
)
def test_urls_that_are_fine(url: str) -> None:
    assert only(f"deploy: {{url: '{url}'}}").url == url


# --- the environment ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "changes"),
    [
        ({"URL": " http://p:9090 "}, {"url": "http://p:9090"}),
        ({"RULE_PATH": "/app/rules/"}, {"path": "/app/rules"}),
        ({"RELOAD_ENABLED": "false"}, {"reload": False}),
        ({"RELOAD_ENABLED": "TRUE"}, {"reload": True}),
        ({"RELOAD_TIMEOUT": " 5s "}, {"reload_timeout": 5.0}),
        ({"BACKUP_ENABLED": "false"}, {"keep": 0}),
        ({"BACKUP_ENABLED": "true"}, {"keep": 3}),
        ({"URL": "", "RELOAD_ENABLED": "", "TOKEN": "", "TOKEN_FILE": ""}, {}),
        ({"VALIDATE_RULES": "nonsense", "SERVICE_HOST": "x"}, {}),
    ],
)
def test_the_environment_overrides_the_file(environ: dict[str, str], changes: dict[str, Any]) -> None:
    text = "deploy: {url: http://file, path: /file, reload_timeout: 9s, keep: 3}"
    variables = {f"PROMETHEUS_{name}": value for name, value in environ.items()}
    expected = replace(only(text), **changes)

    assert only(text, **variables) == expected


def test_backups_that_the_file_has_off_come_back_as_the_default() -> None:
    assert only("deploy: {keep: 0}", PROMETHEUS_BACKUP_ENABLED="true").keep == DEFAULT.keep


NAMED = """
deploy:
  targets:
    prod-a: {path: /a}
    prod-b: {path: /b}
    m: {kind: mimir, url: http://m}
    k: {kind: configmap, path: k, namespace: n}
"""


def test_variables_of_one_target_win_over_those_for_all() -> None:
    a, b, mimir, manifests = good(
        NAMED,
        PROMETHEUS_PROD_A_URL="http://a",
        PROMETHEUS_PROD_A_RULE_PATH="/other",
        PROMETHEUS_PROD_A_RELOAD_TIMEOUT="1s",
        PROMETHEUS_RELOAD_TIMEOUT="2s",
        PROMETHEUS_RELOAD_ENABLED="false",
        PROMETHEUS_BACKUP_ENABLED="false",
        PROMETHEUS_M_URL="http://elsewhere",
        PROMETHEUS_TOKEN="t",
        PROMETHEUS_M_TOKEN="u",
    ).targets

    assert (a.url, a.path, a.reload_timeout, a.reload, a.keep) == ("http://a", "/other", 1.0, False, 0)
    assert (b.url, b.path, b.reload_timeout, b.reload) == (DEFAULT.url, "/b", 2.0, False)
    assert (a.credentials.token, b.credentials.token, mimir.credentials.token) == ("t", "t", "u")
    assert mimir.url == "http://elsewhere"
    assert (mimir.reload, manifests.keep) == (DEFAULT.reload, DEFAULT.keep)
    assert manifests.credentials == Credentials()


def test_one_place_for_all_of_several_targets_is_a_mistake() -> None:
    assert told(NAMED, PROMETHEUS_URL="http://x", PROMETHEUS_RULE_PATH="/x") == [
        "RC805 the variable PROMETHEUS_RULE_PATH is set, but `deploy.targets` names its targets",
        "RC805 the variable PROMETHEUS_URL is set, but `deploy.targets` names its targets",
    ]
    _, faults = read(parsed(NAMED), {"PROMETHEUS_URL": "http://x"})
    assert faults[0].help == (
        "unset it, and say it for the target that you mean: "
        "PROMETHEUS_PROD_A_URL, PROMETHEUS_PROD_B_URL, PROMETHEUS_M_URL"
    )


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("RELOAD_ENABLED", "maybe", 'must be true or false, not "maybe"'),
        ("BACKUP_ENABLED", "2", 'must be true or false, not "2"'),
        ("RELOAD_TIMEOUT", "30", 'must be a duration above zero such as 30s, 5m or 1h30m, not "30"'),
        ("RELOAD_TIMEOUT", "0s", 'must be a duration above zero such as 30s, 5m or 1h30m, not "0s"'),
        ("RELOAD_TIMEOUT", "1s1h", 'must be a duration above zero such as 30s, 5m or 1h30m, not "1s1h"'),
    ],
)
def test_a_variable_that_says_nothing_clear_is_told_once(variable: str, value: str, expected: str) -> None:
    fault = f"RC804 the variable PROMETHEUS_{variable} {expected}"
    environ = {f"PROMETHEUS_{variable}": value}

    assert told("{}", **environ) == [fault]
    assert told(NAMED, **environ) == [fault]


@pytest.mark.parametrize(
    ("variable", "kind"),
    [
        ("M_RULE_PATH", "mimir"),
        ("M_RELOAD_ENABLED", "mimir"),
        ("K_URL", "configmap"),
        ("K_TOKEN", "configmap"),
    ],
)
def test_a_variable_that_its_target_has_no_use_for_is_refused(variable: str, kind: str) -> None:
    assert told(NAMED, **{f"PROMETHEUS_{variable}": "/x"}) == [
        f"RC804 the variable PROMETHEUS_{variable} is set, but a target of kind `{kind}` has no use for it"
    ]


@pytest.mark.parametrize(
    ("variable", "meant"),
    [("PRODA_URL", "PROD_A_URL"), ("PRODUCT_A_TOKEN_FILE", "PROD_A_TOKEN_FILE"), ("PRD_B_URL", "PROD_B_URL")],
)
def test_a_variable_for_a_target_that_is_misspelt_is_told(variable: str, meant: str) -> None:
    settings, (fault,) = read(parsed(NAMED), {f"PROMETHEUS_{variable}": "x"})

    assert settings is not None
    assert (fault.code, fault.severity) == ("RC804", Severity.WARNING)
    assert fault.message == f"the variable PROMETHEUS_{variable} is for no target"
    assert fault.help == f"did you mean PROMETHEUS_{meant}?"


@pytest.mark.parametrize(
    "variable",
    [
        "PROD_A_CA",
        "PRODA",
        "PUSHGATEWAY_URL",
        "PORT_9090_TCP_PROTO",
        "SERVICE_HOST",
        "TOKEN",
        "BACKUP_ENABLED",
    ],
)
def test_other_variables_are_nobody_s_business(variable: str) -> None:
    assert read(parsed(NAMED), {f"PROMETHEUS_{variable}": "true", "PROMETHEUS_PRODA_URL": ""})[1] == ()


@pytest.mark.parametrize("path", ["rules", "/a/../b", "/", "/a\nb"])
def test_a_path_from_the_environment_is_judged_too(path: str) -> None:
    (fault,) = told("{}", PROMETHEUS_RULE_PATH=path)

    assert fault.startswith("RC802 the path ")
    assert "in the variable PROMETHEUS_RULE_PATH" in fault


def test_targets_that_the_environment_puts_into_one_place_are_found() -> None:
    assert told(NAMED, PROMETHEUS_PROD_B_RULE_PATH="/a") == [
        '5 RC803 the targets `prod-a` and `prod-b` write to one place, the folder "/a"'
    ]


# --- credentials ----------------------------------------------------------------------


def secret(folder: Path, text: str | bytes, name: str = "secret") -> str:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return str(path)


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"])
def test_secrets_come_from_the_environment_or_from_files(tmp_path: Path, end: str) -> None:
    file = secret(tmp_path, f"s3cret{end}")

    assert only("{}", PROMETHEUS_TOKEN=f"s3cret{end}").credentials == Credentials(token="s3cret")
    assert only("{}", PROMETHEUS_TOKEN_FILE=file).credentials == Credentials(token="s3cret")
    for password in ({"PROMETHEUS_PASSWORD": f"s3cret{end}"}, {"PROMETHEUS_PASSWORD_FILE": file}):
        target = only("{}", PROMETHEUS_USERNAME="deployer", **password)
        assert target.credentials == Credentials("deployer", "s3cret")


def test_a_password_may_hold_blanks_and_any_letter(tmp_path: Path) -> None:
    environ = {"PROMETHEUS_USERNAME": "d", "PROMETHEUS_PASSWORD_FILE": secret(tmp_path, " pä:ss ")}

    assert only("{}", **environ).credentials.password == " pä:ss "


def test_files_for_tls_are_named_and_must_be_readable(tmp_path: Path) -> None:
    environ = {f"PROMETHEUS_{what}_FILE": secret(tmp_path, "x", what) for what in ("CA", "CERT", "KEY")}
    credentials = only("{}", **environ).credentials

    assert (credentials.ca_file, credentials.cert_file, credentials.key_file) == tuple(environ.values())


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"TOKEN": "own", "M_TOKEN": "m"}, Credentials(token="m")),
        ({"USERNAME": "u", "PASSWORD": "p", "M_TOKEN": "m"}, Credentials(token="m")),
        ({"TOKEN": "t", "M_USERNAME": "u", "M_PASSWORD": "p"}, Credentials("u", "p")),
        ({"USERNAME": "u", "PASSWORD": "p", "M_PASSWORD": "q"}, Credentials("u", "q")),
        ({"USERNAME": "u", "PASSWORD": "p", "M_USERNAME": "v"}, Credentials("v", "p")),
        ({"TOKEN": "t", "USERNAME": "u", "M_PASSWORD": "q"}, Credentials("u", "q")),
    ],
)
def test_a_target_s_own_credentials_win(environ: dict[str, str], expected: Credentials) -> None:
    text = "deploy: {targets: {m: {kind: mimir, url: http://m}}}"

    assert (
        only(text, **{f"PROMETHEUS_{key}": value for key, value in environ.items()}).credentials == expected
    )


def test_a_file_of_a_target_s_own_wins_over_a_text_for_all_and_the_other_way_round(tmp_path: Path) -> None:
    file = secret(tmp_path, "from-file")
    for own, general in [("TOKEN", "TOKEN_FILE"), ("TOKEN_FILE", "TOKEN")]:
        values = {"TOKEN": "text", "TOKEN_FILE": file}
        target = only(
            "deploy: {targets: {a: {}}}",
            **{f"PROMETHEUS_A_{own}": values[own], f"PROMETHEUS_{general}": values[general]},
        )
        assert target.credentials.token == ("text" if own == "TOKEN" else "from-file")


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        (
            {"TOKEN": "T0PSECRET", "TOKEN_FILE": "T0PSECRET"},
            "RC806 the variables PROMETHEUS_TOKEN and PROMETHEUS_TOKEN_FILE are both set",
        ),
        (
            {"USERNAME": "u", "PASSWORD": "T0PSECRET", "PASSWORD_FILE": "T0PSECRET"},
            "RC806 the variables PROMETHEUS_PASSWORD and PROMETHEUS_PASSWORD_FILE are both set",
        ),
        (
            {"USERNAME": "u", "PASSWORD": "T0PSECRET", "TOKEN": "T0PSECRET"},
            "RC806 the variables PROMETHEUS_TOKEN and PROMETHEUS_USERNAME are both set",
        ),
        (
            {"USERNAME": "u"},
            "RC806 the variable PROMETHEUS_USERNAME gives a user's name, but nothing gives the password",
        ),
        (
            {"PASSWORD": "T0PSECRET"},
            "RC806 the variable PROMETHEUS_PASSWORD gives a password, but nothing gives the user's name",
        ),
        ({"KEY_FILE": os.devnull}, "RC807"),
        ({"TOKEN_FILE": "T0PSECRET"}, "RC807 the file that the variable PROMETHEUS_TOKEN_FILE names"),
        ({"TOKEN_FILE": "T0P\0SECRET"}, "RC807 the file that the variable PROMETHEUS_TOKEN_FILE names"),
        ({"USERNAME": "u", "PASSWORD_FILE": "T0PSECRET"}, "RC807"),
        ({"CA_FILE": "T0PSECRET"}, "RC807 the file that the variable PROMETHEUS_CA_FILE names"),
        ({"TOKEN": "T0PSECRET\nHost: x"}, "RC808"),
        ({"TOKEN": "T0PSECRET\x01"}, "RC808"),
        ({"TOKEN": "T0PSECRET T0PSECRET"}, "RC808"),
        ({"TOKEN": "T0PSECRETé"}, "RC808"),
        ({"USERNAME": "a:b", "PASSWORD": "T0PSECRET"}, "RC808"),
        ({"USERNAME": "u", "PASSWORD": "T0PSECRET\x7f"}, "RC808"),
    ],
)
def test_credentials_that_cannot_be_meant_are_refused_and_never_printed(
    environ: dict[str, str], expected: str
) -> None:
    variables = {f"PROMETHEUS_{key}": value for key, value in environ.items()}

    found = told("{}", **variables)

    assert found[0].startswith(expected), found
    assert len(found) == (2 if "KEY_FILE" in environ else 1)  # a key needs a certificate as well
    assert "T0P" not in repr(read(None, variables))


def test_two_kinds_of_credentials_of_a_target_s_own_contradict_each_other() -> None:
    own = {"PROMETHEUS_PROD_A_TOKEN": "t", "PROMETHEUS_PROD_A_USERNAME": "u", "PROMETHEUS_PASSWORD": "p"}

    assert told("deploy: {targets: {prod-a: {}}}", **own) == [
        "RC806 the variables PROMETHEUS_PROD_A_TOKEN and PROMETHEUS_PROD_A_USERNAME are both set"
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"\r\n", "is empty"),
        (b"\xff", "is not UTF-8"),
        (b"x" * 65_537, "has more than 65,536 bytes"),
    ],
)
def test_a_file_without_a_secret_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    assert told("{}", PROMETHEUS_TOKEN_FILE=secret(tmp_path, content)) == [
        f"RC807 the file that the variable PROMETHEUS_TOKEN_FILE names {reason}"
    ]


def test_neither_folders_nor_pipes_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path, tmp_path / "pipe"):
        for what in ("TOKEN", "CA"):
            (fault,) = told("{}", **{f"PROMETHEUS_{what}_FILE": str(place)})
            assert fault.endswith("it is not a regular file")


def test_a_bad_file_for_all_targets_is_told_once() -> None:
    assert len(told(NAMED, PROMETHEUS_TOKEN_FILE="nowhere")) == 1


def test_credentials_are_not_shown() -> None:
    shown = repr(good("{}", PROMETHEUS_USERNAME="u", PROMETHEUS_PASSWORD="T0P"))

    assert "username='u'" in shown
    assert "T0P" not in shown
    assert "T0P" not in repr(good("{}", PROMETHEUS_TOKEN="T0P"))


def test_whatever_the_variables_hold_no_secret_is_told() -> None:
    chance = random.Random(3)
    names = ["PASSWORD", "PASSWORD_FILE", "TOKEN", "TOKEN_FILE", "CA_FILE", "CERT_FILE", "KEY_FILE"]
    texts = ["T0PSECRET", "T0PSECRET\n", "T0P\nSECRET", "T0P SECRET", "T0P\x00", "/T0P", ""]
    for _ in range(300):
        environ = {
            f"PROMETHEUS_{chance.choice(['', 'PROD_A_', 'M_'])}{name}": chance.choice(texts)
            for name in chance.sample(names, chance.randint(1, 6))
        }
        assert "T0P" not in repr(read(parsed(NAMED), {"PROMETHEUS_USERNAME": "u", **environ}))
