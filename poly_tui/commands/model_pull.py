"""`poly model pull` and what goes with it: which models to pull, and which are there."""

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import click

from poly_engine.config import Config
from poly_engine.errors import InvalidRequest
from poly_engine.models.found import FoundModel, default_folder, find_models
from poly_engine.models.hub import Hub
from poly_engine.models.pull import Pulled, pull
from poly_engine.models.recommended import recommended
from poly_engine.places import data_dir
from poly_tui import connect
from poly_tui.commands import foreground
from poly_tui.commands.listing import Bytes, print_rows
from poly_tui.commands.pull_report import PullReport, report_done
from poly_tui.settings import Settings, pass_settings

__all__ = ["fetch", "files", "local", "pull_model", "recommend"]

_NAME_CELLS = 22


def local(settings: Settings) -> Settings:
    """The settings for a verb that is about this machine, whether or not $POLY_URL names a server."""
    context = click.get_current_context()
    if context.find_root().get_parameter_source("url") is click.core.ParameterSource.COMMANDLINE:
        raise click.UsageError(f"{context.command_path} is about this machine: leave out --connect", context)
    return replace(settings, url=None)


@click.command("pull")
@click.argument("reference", shell_complete=lambda _ctx, _param, text: _names(text))
@click.option(
    "--to", "folder", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER", help="Keep it there."
)
@click.option("--json", "as_json", is_flag=True, help="Print an object for each step.")
@pass_settings
def pull_model(settings: Settings, *, reference: str, folder: Path | None, as_json: bool) -> None:
    """Fetch a model, and print the path of its file.

    REFERENCE is hf:OWNER/REPO or hf:OWNER/REPO:QUANT of the Hugging Face hub, the https:// URL of a GGUF file, a model
    of the configuration that has a url, or one of those that `poly model recommended` lists. What was interrupted is
    gone on with.
    """
    settings = local(settings)
    pulled = fetch(connect.configuration(settings).config, reference, folder, as_json=as_json)
    report_done(pulled, as_json=as_json)
    if not as_json:
        _say_how_to_use(pulled, is_shared=folder is None)


def fetch(config: Config, reference: str, folder: Path | None = None, *, as_json: bool = False) -> Pulled:
    """Fetch a model while the user watches."""
    source, keep_in, to = reference, folder or config.models_folder, None
    if (model := config.models.get(reference)) is not None:
        if model.url is None:
            raise InvalidRequest(f"model {reference} has no url to be fetched from; its file is {model.file}")
        source, to = model.url, model.file if model.model_path is not None and folder is None else None
    with PullReport(as_json=as_json) as report:
        try:
            return foreground.run(pull(source, keep_in, to=to, on_progress=report.show))
        except KeyboardInterrupt:
            report.__exit__()
            click.echo("poly: stopped; what has come is kept, and the same command goes on with it", err=True)
            raise


def _say_how_to_use(pulled: Pulled, *, is_shared: bool) -> None:
    """Tell what to do with it, on stderr."""
    if not sys.stderr.isatty():
        return
    from poly_engine.config.adding import model_block  # tomlkit, 15 ms

    checked = ", its SHA-256 is right" if pulled.sha256 else ""
    was_there = "it was there already" if pulled.was_there else "it is there now"
    click.echo(f"poly: {was_there}: {Bytes(pulled.size_bytes)}{checked}", err=True)
    source = pulled.reference if is_shared else str(pulled.path.absolute())
    place = {"url" if is_shared else "model_path": source}
    click.echo(f"poly: poly model add NAME {source} puts this into the configuration:", err=True)
    click.echo(f"\n{model_block('NAME', place, {})}", err=True, nl=False)


@click.command("recommended")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
def recommend(*, as_json: bool) -> None:
    """List models to begin with, which `poly model add` fetches by their names.

    The columns are name, use, size, licence and what it is good for.
    """
    if sys.stdout.isatty() and not as_json:
        for one in recommended():
            name, facts = click.style(f"{one.name:{_NAME_CELLS}}", bold=True), f"{one.use:11}{one.licence:12}"
            click.echo(f"{name}{facts}{Bytes(one.size_bytes)!s:>8}\n  {one.about}")
        return
    rows = [
        {
            "name": one.name,
            "use": one.use,
            "size_bytes": one.size_bytes,
            "licence": one.licence,
            "about": one.about,
            **({"reference": one.reference} if as_json else {}),
        }
        for one in recommended()
    ]
    print_rows(rows, as_json=as_json)


@click.command("files")
@click.argument("folder", nargs=-1, type=click.Path(path_type=Path, file_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
@pass_settings
def files(settings: Settings, *, folder: Sequence[Path], as_json: bool) -> None:
    """List the model files on this machine.

    They are those that were fetched, by Poly or by other tools of the hub, and those in FOLDER.

    The columns are quantisation, size, the models of the configuration that use it, and path.
    """
    config = connect.configuration(local(settings)).config
    used: dict[Path, list[str]] = {}
    for name, model in config.models.items():
        if (path := model.file) is not None:
            used.setdefault(path.resolve(), []).append(name)
    rows = [_row(one, used) for one in _once(find_models(_folders(config, folder)))]
    print_rows(rows, as_json=as_json)


def _folders(config: Config, more: Sequence[Path]) -> Sequence[Path]:
    known = [Hub.of(os.environ).cache, default_folder(), config.models_folder, data_dir(), *more]
    return [folder.absolute() for folder in known if folder is not None]


def _once(found: Iterable[FoundModel]) -> Sequence[FoundModel]:
    """Each file by one of its names: a newer version of a repository may have the same file."""
    seen: dict[Path, FoundModel] = {}
    for one in found:
        if one.path.parent.name != "blobs":
            seen.setdefault(one.path.resolve(), one)
    return list(seen.values())


def _row(one: FoundModel, used: dict[Path, list[str]]) -> dict[str, object]:
    return {
        "quantisation": one.quant or None,
        "size_bytes": Bytes(one.size_bytes),
        "models": used.get(one.path.resolve(), []),
        "path": str(one.path),
    }


def _names(text: str) -> list[str]:
    return [one.name for one in recommended() if one.name.startswith(text)]
