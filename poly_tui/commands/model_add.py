"""`poly model add` and `rm`: a model into the configuration, and its files off the disk."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from poly_engine.config import Config, user_file
from poly_engine.errors import InvalidRequest, PullFailed
from poly_engine.models.found import find_pulled
from poly_engine.models.gguf import read_header
from poly_engine.models.recommended import recommended
from poly_engine.models.removal import files_of, remove_files
from poly_engine.models.uses import first_task, is_embedder
from poly_tui import connect
from poly_tui.commands.listing import Bytes
from poly_tui.commands.model_pull import fetch, local
from poly_tui.commands.names import model_argument
from poly_tui.settings import Settings, pass_settings

__all__ = ["add", "remove"]


@click.command("add")
@click.argument("name")
@click.argument("source", required=False)
@click.option("--no-task", is_flag=True, help="Add no task that uses it.")
@pass_settings
def add(settings: Settings, *, name: str, source: str | None, no_task: bool) -> None:
    """Put a model into the configuration, with a task of the same name that uses it.

    SOURCE is a GGUF file, which stays where it is, or what `poly model pull` takes, which is fetched first. It may be
    left out if NAME is one of those that `poly model recommended` lists. Nothing else in the configuration changes.
    """
    from poly_engine.config.adding import add_model  # tomlkit, 15 ms

    settings = local(settings)
    source = source or _recommended(name)
    file = connect.find_configuration(settings) or user_file(os.environ)
    config = connect.configuration(settings).config
    for kind, known in (("model", config.models), ("task", () if no_task else config.tasks)):
        if name in known:
            raise InvalidRequest(f"there is a {kind} {name} already: choose another name, or change {file}")
    place, path = _place(config, source)
    header = read_header(path)
    embeds = is_embedder(header)
    add_model(file, name, place, None if no_task or embeds else first_task(header))
    click.echo(f"poly: {file} has the model {name} now", err=True)
    click.echo(f"poly: {_how_to_use(name, embeds=embeds, has_task=not no_task)}", err=True)


def _recommended(name: str) -> str:
    for one in recommended():
        if one.name == name:
            return one.reference
    raise click.UsageError(
        f"say what {name} is: a GGUF file, hf:OWNER/REPO:QUANT, or https://…", click.get_current_context()
    )


def _place(config: Config, source: str) -> tuple[dict[str, object], Path]:
    """What the configuration is to say of where a model is, and where that is. It is fetched if need be."""
    path = Path(source).expanduser()
    if path.is_file():
        return {"model_path": str(path.absolute())}, path
    if source.lower().endswith(".gguf") and "://" not in source and source[:3].lower() != "hf:":
        raise InvalidRequest(f"{path} does not exist")
    pulled = fetch(config, source)
    return {"url": pulled.reference}, pulled.path


def _how_to_use(name: str, *, embeds: bool, has_task: bool) -> str:
    if embeds:
        return f'it computes embeddings: a memory uses it that has embedding_model = "{name}"'
    return f"poly chat {name} talks with it" if has_task else f'a task uses it that has model = "{name}"'


@click.command("rm")
@model_argument()
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask.")
@pass_settings
def remove(settings: Settings, *, model: str, is_sure: bool) -> None:
    """Remove the files of MODEL from the disk.

    MODEL is one of the configuration, or what was given to `poly model pull`. The configuration stays as it is: a model
    with a url is fetched again when it is used.
    """
    config = connect.configuration(local(settings)).config
    files = _files(config, model)
    size = Bytes(sum(file.stat().st_size for file in files))
    for line in _uses(config, files):
        click.echo(f"poly: {line}", err=True)
    if not is_sure:
        if not sys.stdin.isatty():
            raise click.UsageError("--yes is needed where nobody can be asked", click.get_current_context())
        click.confirm(f"Remove {', '.join(map(str, files))} ({size})?", abort=True, err=True)
    try:
        n_bytes = remove_files(files)
    except OSError as error:
        raise PullFailed(f"{error.filename} cannot be removed: {error.strerror}") from error
    click.echo(f"poly: {Bytes(n_bytes)} are free again", err=True)


def _files(config: Config, name: str) -> Sequence[Path]:
    known = config.models.get(name)
    if known is not None and known.model_path is not None and known.model_path.startswith("poly:"):
        raise InvalidRequest(f"model {name} is part of Poly: it cannot be removed")
    path = known.file if known is not None else _pulled(config, name)
    files = files_of(path) if path is not None else []
    if not files:
        raise InvalidRequest(f"{name} has no file on this machine" + (f": {path} does not exist" if path else ""))
    return files


def _pulled(config: Config, reference: str) -> Path | None:
    try:
        return find_pulled(reference, config.models_folder)
    except InvalidRequest as error:
        known = ", ".join(config.models)
        raise InvalidRequest(
            f"{reference} is no model of the configuration (there is: {known}), nor was it fetched"
        ) from error


def _uses(config: Config, files: Sequence[Path]) -> Sequence[str]:
    """Who uses some files."""
    gone = {file.resolve() for file in files}
    models = [name for name, model in config.models.items() if model.file is not None and model.file.resolve() in gone]
    tasks = [name for name, task in config.tasks.items() if task.model in models]
    memories = [name for name, memory in config.memories.items() if memory.embedding_model in models]
    used = [("model", models), ("task", tasks), ("memory", memories)]
    return [f"it is used by the {kind} {name}" for kind, names in used for name in names]
