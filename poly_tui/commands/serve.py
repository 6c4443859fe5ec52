"""`poly serve`: the headless server."""

import asyncio

import click

from poly_engine.config import Config
from poly_tui import connect
from poly_tui.settings import Settings, pass_settings

__all__ = ["command"]


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
@pass_settings
def command(settings: Settings, *, address: str | None, grace_s: float, log_format: str) -> None:
    """Serve tasks, models and memories over HTTP.

    SIGTERM and Ctrl-C let it stop: it takes no more requests, and waits for answers that are under way; a second one
    ends it at once. SIGHUP lets it read the configuration again. A line for each request goes to stderr.
    """
    from poly_serve.logs import log_to_stderr  # aiohttp costs 150 ms

    log_to_stderr(log_format)
    asyncio.run(_serve(settings, address, grace_s))


async def _serve(settings: Settings, address: str | None, grace_s: float) -> None:
    from poly_engine.local import LocalEngine  # numpy
    from poly_serve.daemon import Daemon  # aiohttp

    def configuration() -> Config:
        config = connect.configuration(settings).config
        return config if address is None else Config.model_validate({**dict(config), "bind_address": address})

    config = configuration()
    async with LocalEngine(config, connect.process_host()) as engine:

        async def reload() -> Config:
            new = configuration()
            await engine.reconfigure(new)
            return new

        daemon = Daemon(engine, config, reload, grace_s=grace_s)
        resuming = asyncio.create_task(engine.resume())
        try:
            await daemon.run(lambda url: click.echo(f"poly: serving at {url}", err=True))
        finally:
            resuming.cancel()
            await asyncio.wait([resuming])
