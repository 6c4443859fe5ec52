"""`poly model ps`, `load` and `unload`: the models that a server has in memory."""

import click

from poly_engine import Engine, ModelInfo
from poly_tui import connect
from poly_tui.commands import foreground
from poly_tui.commands.listing import Bytes, Seconds, print_record, print_rows
from poly_tui.commands.loading import load
from poly_tui.commands.names import model_argument
from poly_tui.settings import Settings, pass_settings

__all__ = ["list_loaded", "load_model", "unload_model"]


@click.command("ps")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
@pass_settings
def list_loaded(settings: Settings, *, as_json: bool) -> None:
    """List the models that a server has in memory, or loads, or could not load, and those that answered it from another
    server, which is their device.

    The columns are name, state, memory that it takes, device, how many of its layers the GPU computes, requests that it
    works on, for how long nobody has used it, when it is unloaded unless somebody does, and what is wrong with it.
    """
    models = foreground.run(_models(_served(settings)))
    print_rows([_row(model) for model in models if model.state != "unloaded"], as_json=as_json)


@click.command("load")
@model_argument()
@click.option("--json", "as_json", is_flag=True, help="Print an object.")
@pass_settings
def load_model(settings: Settings, *, model: str, as_json: bool) -> None:
    """Have a server load MODEL, and say what it takes."""
    print_record(_row(foreground.run(_load(_served(settings), model))), as_json=as_json)


@click.command("unload")
@model_argument()
@pass_settings
def unload_model(settings: Settings, *, model: str) -> None:
    """Have a server give the memory of MODEL back. Answers that it is in the middle of fail; whoever uses it next has
    it loaded again.
    """
    foreground.run(_unload(_served(settings), model))


def _served(settings: Settings) -> Settings:
    """The settings, if a server does the work."""
    if settings.url is None:
        raise click.UsageError(
            "without a server, a model is in memory as long as the command that uses it runs: --connect URL (or "
            "$POLY_URL) asks a server, and poly serve is one"
        )
    return settings


async def _models(settings: Settings) -> list[ModelInfo]:
    async with connect.engine(settings) as engine:
        return list(await engine.models())


async def _load(settings: Settings, model: str) -> ModelInfo:
    async with connect.engine(settings) as engine:
        await load(engine, model)
        return await _described(engine, model)


async def _unload(settings: Settings, model: str) -> None:
    async with connect.engine(settings) as engine:
        await engine.unload(model)


async def _described(engine: Engine, model: str) -> ModelInfo:
    return next(one for one in await engine.models() if one.name == model)


def _row(model: ModelInfo) -> dict[str, object]:
    return {
        "name": model.name,
        "state": model.state,
        "memory_bytes": None if model.memory_bytes is None else Bytes(model.memory_bytes),
        "device": model.device,
        "layers_on_gpu": None if model.n_gpu_layers is None else f"{model.n_gpu_layers} of {model.n_layers}",
        "requests": model.n_running,
        "idle_s": None if model.idle_s is None else Seconds(model.idle_s),
        "unload_in_s": None if model.expires_in_s is None else Seconds(model.expires_in_s),
        "problem": model.problem,
    }
