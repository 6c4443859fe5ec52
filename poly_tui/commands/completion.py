"""`poly completion`: completion of commands in a shell."""

import click
from click.shell_completion import get_completion_class

__all__ = ["command"]


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, *, shell: str) -> None:
    r"""Print the script that completes commands in a shell.

    \b
    bash: echo 'eval "$(poly completion bash)"' >> ~/.bashrc
    zsh:  echo 'eval "$(poly completion zsh)"' >> ~/.zshrc
    fish: poly completion fish > ~/.config/fish/completions/poly.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(ctx.find_root().command, {}, "poly", "_POLY_COMPLETE").source())
