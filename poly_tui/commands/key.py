"""`poly key`: keys of the server."""

import secrets

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
    from poly_serve.access import key_digest  # 60 ms

    key = f"poly_{secrets.token_urlsafe(32)}"
    click.echo(key)
    click.echo(
        f'poly: write allowed_keys = ["{key_digest(key)}"] into the configuration; the key is shown only now', err=True
    )
