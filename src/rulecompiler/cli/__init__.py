"""The `rulecompiler` command: options in, exit code out.

Only click is imported here; a command's own module is loaded when that command runs, so that
`--help`, `--version` and shell completion stay fast.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

import click

from rulecompiler import __version__
from rulecompiler.cli.errors import guarded

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

PROGRAM = "rulecompiler"
COMPLETE = "_RULECOMPILER_COMPLETE"  # click's protocol: a shell that completes sets it


class Entry(NamedTuple):
    """Where a command lives, and what `rulecompiler --help` says about it."""

    target: str  # module:function
    summary: str


COMMANDS: dict[str, Entry] = {
    "init": Entry("rulecompiler.cli.init_command:init", "Make a small working repo to start from."),
    "compile": Entry("rulecompiler.cli.compile_command:compile_", "Write generated/ and show what changed."),
    "check": Entry("rulecompiler.cli.check_command:check", "The gate for CI: everything, nothing written."),
    "test": Entry("rulecompiler.cli.test_command:test", "Run the templates' unit tests with promtool."),
    "validate": Entry("rulecompiler.cli.validate_command:validate", "Find faults without promtool, fast."),
    "lint": Entry("rulecompiler.cli.lint_command:lint", "Find what works, but not as it was meant."),
    "diff": Entry("rulecompiler.cli.diff_command:diff", "Show what a change does to the rules, by meaning."),
    "watch": Entry("rulecompiler.cli.watch_command:watch", "Compile on save, and show what that does."),
    "backtest": Entry(
        "rulecompiler.cli.backtest_command:backtest", "Show what changed alerts would have done in the past."
    ),
    "explain": Entry("rulecompiler.cli.explain_command:explain", "Show where a rule's values come from."),
    "effective": Entry(
        "rulecompiler.cli.effective_command:effective", "Show which rules cover a target, and how."
    ),
    "coverage": Entry(
        "rulecompiler.cli.coverage_command:coverage", "Find targets without rules, and rules without targets."
    ),
    "deploy": Entry(
        "rulecompiler.cli.deploy_command:deploy", "Make the servers run generated/, or leave them be."
    ),
    "rollback": Entry("rulecompiler.cli.rollback_command:rollback", "Go back to an earlier release."),
    "releases": Entry("rulecompiler.cli.releases_command:releases", "List what a rollback can go to."),
    "status": Entry(
        "rulecompiler.cli.status_command:status", "Ask the servers how they are and what they run."
    ),
    "drift": Entry("rulecompiler.cli.drift_command:drift", "Compare repo, disk and server; nothing changed."),
    "reload": Entry("rulecompiler.cli.reload_command:reload", "Have the servers load what was deployed."),
    "bundle": Entry(
        "rulecompiler.cli.bundle_command:bundle", "Copy generated/ with its hashes, for `deploy --from`."
    ),
    "list": Entry("rulecompiler.cli.list_command:list_", "List the generated files."),
    "schema": Entry("rulecompiler.cli.schema_command:schema", "Print the JSON Schema of a file format."),
    "completion": Entry(
        "rulecompiler.cli.completion_command:completion", "Print a shell's completion script."
    ),
}


class LazyGroup(click.Group):
    """A group that imports a command only to run it or to show its own help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which they are needed."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now; None if there is no such command."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module, _, function = entry.target.partition(":")
        command = getattr(import_module(module), function)
        assert isinstance(command, click.Command), entry.target
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, but with a suggestion for a misspelt command."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-") and not ctx.resilient_parsing:
            from difflib import get_close_matches

            close = get_close_matches(name, COMMANDS, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise click.UsageError(f"No such command {name!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table above, without importing what it names."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands from the table, options from click."""
        from click.shell_completion import CompletionItem

        commands = [
            CompletionItem(name, help=entry.summary)
            for name, entry in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return commands + click.Command.shell_complete(self, ctx, incomplete)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-C",
    "--directory",
    type=click.Path(exists=True, file_okay=False),
    metavar="DIR",
    help="Work in DIR instead of here, as git and make do.",
)
@click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    show_default=True,
    help="Colour the output; auto also heeds NO_COLOR and FORCE_COLOR.",
)
@click.version_option(__version__, prog_name=PROGRAM, message="%(prog)s %(version)s")
@click.pass_context
def cli(ctx: click.Context, directory: str | None, color: str) -> None:
    """Compile alert YAML in git to checked Prometheus rule files.

    \b
    Examples:
      rulecompiler init my-alerts    a repo to start from
      rulecompiler compile           write generated/ and show what changed
      rulecompiler check             what CI runs: nothing may be wrong or stale
      rulecompiler compile --help    more about one command

    \b
    Exit codes:
      0  fine                        2  wrong usage
      1  something in your files     3  a bug in rulecompiler
    """
    ctx.obj = color
    if directory is not None:
        with contextlib.suppress(FileNotFoundError):  # this folder may be gone
            before = os.getcwd()
            ctx.call_on_close(lambda: os.chdir(before))
        os.chdir(directory)


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line on `args` (by default the process's) and return the exit code."""
    # A process that ends with its one piece of work makes next to no cycles; looking for them in a
    # large repo's models costs a fifth of the time, and unshares memory between forked workers.
    gc.disable()
    return guarded(lambda: _run(sys.argv[1:] if args is None else list(args)))


def _run(args: list[str]) -> object:
    # Not click's own main(): it gives a closed pipe and an interrupt the exit code of a fault.
    instruction = os.environ.get(COMPLETE)
    if instruction:
        from click.shell_completion import shell_complete

        return shell_complete(cli, {}, PROGRAM, COMPLETE, instruction)
    with cli.make_context(PROGRAM, args) as context:
        return cli.invoke(context)
