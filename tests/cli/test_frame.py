from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn

import click
import pytest

from rulecompiler.cli import COMMANDS, cli, main
from rulecompiler.cli.errors import guarded
from rulecompiler.cli.output import checkout_prefix
from rulecompiler.terminal import ColorChoice, wants_color

SRC = Path(__file__).resolve().parents[2] / "src"


def run(*args: str, cwd: Path | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(SRC), "PYTHONWARNINGS": "error", **environ}
    return subprocess.run(
        [sys.executable, "-m", "rulecompiler", *args],
        capture_output=True,
        text=True,
        env=env,
        cwd=cwd,
        timeout=60,
    )


def raising(error: BaseException) -> Callable[[], NoReturn]:
    def fail() -> NoReturn:
        raise error

    return fail


def test_version() -> None:
    done = run("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, "rulecompiler 0.1.0\n", "")


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_names_every_command_and_teaches_by_example(
    flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([flag]) == 0
    out = capsys.readouterr().out
    assert "Examples:\n    rulecompiler init my-alerts" in out
    for name, entry in COMMANDS.items():
        assert f"  {name} " in out
        assert entry.summary in out


@pytest.mark.parametrize(
    ("environ", "args"),
    [
        ({}, ["--help"]),
        ({}, ["--version"]),
        ({"_RULECOMPILER_COMPLETE": "bash_complete", "COMP_WORDS": "rulecompiler c", "COMP_CWORD": "1"}, []),
    ],
)
def test_the_frame_imports_click_and_nothing_heavy(environ: Mapping[str, str], args: list[str]) -> None:
    code = (
        "import sys\nfrom rulecompiler.cli import main\n"
        f"try:\n    main({args})\nexcept SystemExit:\n    pass\n"
        "heavy = {'yaml', 'jinja2', 'jsonschema', 're2', 'promql_parser', 'httpx', 'git', 'json'}\n"
        "seen = sorted(m for m in sys.modules if m in heavy or m.startswith('rulecompiler'))\n"
        "print(*seen, file=sys.stderr)"
    )
    env = {**os.environ, "PYTHONPATH": str(SRC), **environ}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, timeout=60)
    assert done.stderr.split() == ["rulecompiler", "rulecompiler.cli", "rulecompiler.cli.errors"]


def test_completion_offers_the_commands() -> None:
    done = run(_RULECOMPILER_COMPLETE="bash_complete", COMP_WORDS="rulecompiler c", COMP_CWORD="1")
    assert done.stdout.split() == ["plain,compile", "plain,check", "plain,coverage", "plain,completion"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_completion_scripts(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    assert "_RULECOMPILER_COMPLETE" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "hint"),
    [
        (["chekc"], "Did you mean 'check'?"),
        (["schem"], "Did you mean 'schema'?"),
        (["schema", "--rep"], "Did you mean"),
        (["--colour", "never"], "--color"),
        (["schema", "grup"], "'group'"),
        (["xyzzy"], "No such command 'xyzzy'.\n"),
        (["-C", "not-there", "schema"], "not-there"),
        (["schema", "template", "--repo"], "rulecompiler schema group --repo"),
    ],
)
def test_wrong_usage_is_2_and_suggests(
    args: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(args) == 2
    captured = capsys.readouterr()
    assert hint in captured.err
    assert captured.out == ""


def test_directory_is_entered_and_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = Path.cwd()
    for folder in ("templates", "groups"):
        (tmp_path / "alerts" / folder).mkdir(parents=True)
    assert main(["-C", str(tmp_path), "schema", "group", "--repo"]) == 0
    assert Path.cwd() == before
    assert "$schema" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (lambda: 0, 0),
        (lambda: 1, 1),
        (lambda: None, 0),
        (raising(click.exceptions.Exit(0)), 0),
        (raising(click.UsageError("wrong")), 2),
        (raising(click.ClickException("bad")), 1),
        (raising(click.Abort()), 130),
        (raising(KeyboardInterrupt()), 130),
        (raising(OSError(errno.ENOSPC, "No space left on device", "generated/x")), 1),
        (raising(PermissionError(errno.EACCES, "Permission denied", "x")), 1),
    ],
)
def test_exit_codes(outcome: Callable[[], object], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(outcome) == code
    assert "Traceback" not in capsys.readouterr().err


def test_a_bug_says_what_to_report_and_keeps_the_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert guarded(raising(KeyError("group"))) == 3
    err = capsys.readouterr().err
    assert "internal error: KeyError: 'group'" in err
    assert "rulecompiler 0.1.0" in err
    assert "Traceback" not in err
    (saved,) = tmp_path.iterdir()
    assert str(saved) in err
    assert "Traceback (most recent call last)" in saved.read_text()


def test_a_traceback_is_shown_on_request(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RULECOMPILER_TRACEBACK", "1")
    assert guarded(raising(FileNotFoundError(errno.ENOENT, "gone", "x"))) == 3
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_a_bug_where_nothing_can_be_saved_is_still_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "not-there"))
    assert guarded(raising(ZeroDivisionError("x"))) == 3
    assert "could not be saved" in capsys.readouterr().err


def test_a_closed_pipe_is_silent() -> None:
    env = {**os.environ, "PYTHONPATH": str(SRC)}
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "rulecompiler", "schema"],
        stdout=write,
        stderr=subprocess.PIPE,
        env=env,
        timeout=60,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_said_in_words() -> None:
    env = {**os.environ, "PYTHONPATH": str(SRC)}
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "rulecompiler", "schema"],
            stdout=full,
            stderr=subprocess.PIPE,
            env=env,
            timeout=60,
        )
    assert (done.returncode, done.stderr) == (1, b"rulecompiler: error: No space left on device\n")


def test_a_terminal_without_the_character_gets_its_escape(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    assert guarded(lambda: print("数 \udc80")) == 0
    assert raw.getvalue() == b"\\u6570 \\udc80\n"


@pytest.mark.parametrize(
    ("choice", "environ", "is_terminal", "expected"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"TERM": "dumb"}, True, False),
        ("auto", {"CLICOLOR": "0"}, True, False),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"FORCE_COLOR": "0"}, False, False),
        ("auto", {"CLICOLOR_FORCE": "1"}, False, True),
        ("auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_who_decides_about_colour(
    choice: ColorChoice, environ: Mapping[str, str], is_terminal: bool, expected: bool
) -> None:
    assert wants_color(choice, environ, is_terminal) is expected


@pytest.mark.parametrize(
    ("root", "workspace", "expected"),
    [("w", "w", ""), ("w/ops/alerts", "w", "ops/alerts/"), ("elsewhere", "w", ""), ("w", None, "")],
)
def test_github_paths_are_relative_to_the_checkout(
    root: str, workspace: str | None, expected: str, tmp_path: Path
) -> None:
    environ = {"GITHUB_WORKSPACE": str(tmp_path / workspace)} if workspace else {}
    assert checkout_prefix(tmp_path / root, environ) == expected


def test_every_command_has_help_with_an_example() -> None:
    context = click.Context(cli)
    for name in ("init", "schema", "completion"):
        command = cli.get_command(context, name)
        assert command is not None
        assert "Examples:" in (command.help or "")
