"""`poly key`: keys of the server."""

import click

__all__ = ["command"]


@click.group()
def command() -> None:
    """Make keys for the server."""


@command.command()
def new() -> None:
    """Make a key, and the hash of it.

    The key is for who asks; the hash is for allowed_keys in the configuration, and tells nobody the key.
    """
    from poly_tui.serving.credentials import new_key  # pydantic, 40 ms

    made = new_key()
    click.echo(made.key)
    click.echo(f"poly: write {made.setting} into the configuration; the key is shown only now", err=True)
