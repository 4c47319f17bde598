"""`rulecompiler completion`: the script that teaches a shell to complete our commands."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from rulecompiler.cli import COMPLETE, PROGRAM


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> int:
    """Print a completion script for SHELL.

    \b
    Examples:
      eval "$(rulecompiler completion bash)"     in ~/.bashrc
      eval "$(rulecompiler completion zsh)"      in ~/.zshrc
      rulecompiler completion fish > ~/.config/fish/completions/rulecompiler.fish
    """
    shell_class = get_completion_class(shell)
    assert shell_class is not None, shell
    click.echo(shell_class(ctx.find_root().command, {}, PROGRAM, COMPLETE).source())
    return 0
