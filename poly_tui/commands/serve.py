"""`poly serve`: the headless server."""

import asyncio
import re

import click

from poly_engine.config import Config
from poly_tui import connect
from poly_tui.settings import Settings, pass_settings

__all__ = ["command"]

_STARTER = "starter"
_HASH = re.compile("sha256:[0-9a-f]{64}")


def _check_hash(ctx: click.Context, parameter: click.Parameter, given: str | None) -> str | None:
    """Take the hash of a key, and not a key: others on this machine see what a command says."""
    if given is not None and not _HASH.fullmatch(given):
        raise click.BadParameter("takes the hash that poly key new tells, sha256: and 64 digits", ctx, parameter)
    return given


@click.command()
@click.option("--bind", "address", metavar="HOST:PORT", help="Where to listen; by default what the configuration says.")
@click.option(
    "--grace",
    "grace_s",
    type=click.FloatRange(0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long answers that are under way may go on when it is told to stop.",
)
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How lines of the log look.",
)
@click.option(
    "--extra-key",
    "key_hash",
    envvar="POLY_EXTRA_KEY",
    metavar="HASH",
    callback=_check_hash,
    help="The hash of one key more, as poly key new tells it: for who starts the server. By default $POLY_EXTRA_KEY.",
)
@pass_settings
def command(settings: Settings, *, address: str | None, grace_s: float, log_format: str, key_hash: str | None) -> None:
    """Serve tasks, models and memories over HTTP.

    SIGTERM and Ctrl-C let it stop: it takes no more requests, and waits for answers that are under way; a second one
    ends it at once. SIGHUP lets it read the configuration again. A line for each request goes to stderr.
    """
    from poly_serve.logs import log_to_stderr  # aiohttp costs 150 ms

    log_to_stderr(log_format)
    asyncio.run(_serve(settings, address, grace_s, key_hash))


async def _serve(settings: Settings, address: str | None, grace_s: float, key_hash: str | None) -> None:
    from poly_engine.local import LocalEngine  # numpy
    from poly_serve.daemon import Daemon  # aiohttp

    def configuration() -> Config:
        config = connect.configuration(settings).config
        given: dict[str, object] = {} if address is None else {"bind_address": address}
        if key_hash is not None:
            given["allowed_keys"] = (*config.allowed_keys, {"name": _STARTER, "key": key_hash})
        return Config.model_validate({**dict(config), **given}) if given else config

    config = configuration()
    async with LocalEngine(config, connect.process_host()) as engine:
        beginning = [asyncio.create_task(engine.resume()), asyncio.create_task(engine.warm_up())]

        async def reload() -> Config:
            new = configuration()
            await engine.reconfigure(new)
            beginning.append(asyncio.create_task(engine.warm_up()))
            return new

        daemon = Daemon(engine, config, reload, grace_s=grace_s)
        try:
            await daemon.run(lambda url: click.echo(f"poly: serving at {url}", err=True))
        finally:
            for task in beginning:
                task.cancel()
            await asyncio.wait(beginning)
