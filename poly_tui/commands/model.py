"""`poly model`: the models of the configuration, and their files."""

import click

from poly_engine import ModelInfo, ModelNotFound
from poly_engine.config import Config
from poly_tui import connect
from poly_tui.commands import foreground, model_add as adding, model_hold as holding, model_pull as pulling
from poly_tui.commands.listing import Bytes, Count, print_record, print_rows
from poly_tui.commands.model_files import look_at
from poly_tui.commands.names import model_argument
from poly_tui.settings import Settings, pass_settings

__all__ = ["command"]


@click.group()
def command() -> None:
    """List models, show what they are, and fetch others."""


for verb in (holding.list_loaded, holding.load_model, holding.unload_model):
    command.add_command(verb)
for verb in (pulling.pull_model, adding.add, adding.remove, pulling.recommend, pulling.files):
    command.add_command(verb)


@command.command("ls")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
@pass_settings
def list_models(settings: Settings, *, as_json: bool) -> None:
    """List the models: a table on a terminal, tab-separated values elsewhere.

    The columns are name, state, architecture, parameters, size of the file, tokens of context, memory that it takes,
    and what is wrong with it.
    """
    if settings.url is not None:
        rows = [_remote_row(model) for model in foreground.run(connect.models(settings))]
    else:
        config = connect.configuration(settings).config
        rows = [_row(name, config) for name in config.models]
    print_rows(rows, as_json=as_json)


@command.command("show")
@model_argument()
@click.option("--json", "as_json", is_flag=True, help="Print an object.")
@pass_settings
def show_model(settings: Settings, *, model: str, as_json: bool) -> None:
    """Show what there is to know of MODEL before it is loaded."""
    if settings.url is not None:
        models = {one.name: one for one in foreground.run(connect.models(settings))}
        if model not in models:
            raise ModelNotFound(model, models)
        print_record(_remote_record(models[model]), as_json=as_json)
        return
    config = connect.configuration(settings).config
    if model not in config.models:
        raise ModelNotFound(model, config.models)
    print_record(_record(model, config), as_json=as_json)


def _row(name: str, config: Config) -> dict[str, object]:
    file = look_at(config.models[name], config.memory_budget_bytes)
    header, sizes, memory_bytes = file.header, file.sizes, file.memory_bytes
    return {
        "name": name,
        "state": file.state,
        "architecture": header.architecture if header else None,
        "parameters": Count(header.n_params) if header else None,
        "size_bytes": Bytes(header.size_bytes) if header else None,
        "context_size": sizes.context_size if sizes else None,
        "memory_bytes": Bytes(memory_bytes) if memory_bytes else None,
        "problem": file.problem,
    }


def _remote_row(model: ModelInfo) -> dict[str, object]:
    """What a server tells: not what is wrong with its file."""
    return {
        "name": model.name,
        "state": model.state,
        "architecture": model.architecture,
        "parameters": None if model.n_params is None else Count(model.n_params),
        "size_bytes": None if model.size_bytes is None else Bytes(model.size_bytes),
        "context_size": model.context_size,
        "memory_bytes": None if model.memory_bytes is None else Bytes(model.memory_bytes),
        "problem": model.problem,
    }


def _remote_record(model: ModelInfo) -> dict[str, object]:
    return {
        **_remote_row(model),
        "file": model.path,
        "train_context_size": model.train_context_size,
        "embedding_size": model.embedding_size,
        "device": model.device,
        "layers": model.n_layers,
        "layers_on_gpu": model.n_gpu_layers,
    }


def _record(name: str, config: Config) -> dict[str, object]:
    model = config.models[name]
    file = look_at(model, config.memory_budget_bytes)
    header, sizes = file.header, file.sizes
    return {
        **_row(name, config),
        "file": file.location,
        "train_context_size": header.train_context_size or None if header else None,
        "cache_size": sizes.cache_size if sizes else None,
        "embedding_size": header.number("embedding_length") or None if header else None,
        "fits_memory": file.fits,
        "device": "remote" if model.is_remote else "gpu" if model.wants_gpu else "cpu",
        "threads": model.threads_per_session,
        "parallel": model.parallel,
        "lora_adapters": [str(path) for path in model.adapter_files],
        "tasks": [task for task, settings in config.tasks.items() if settings.model == name],
    }
