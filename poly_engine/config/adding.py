"""Adding a model or a memory to a configuration file, which keeps what is in it, comments and all."""

import os
from collections.abc import Collection, Mapping
from pathlib import Path

import tomlkit
from pydantic import ValidationError

from poly_engine.config.describe import starting_point
from poly_engine.config.load import load
from poly_engine.config.memories import MemoryConfig
from poly_engine.config.models import ModelConfig
from poly_engine.config.section import Section
from poly_engine.errors import ConfigError

__all__ = ["add_memory", "add_model", "model_block"]


def model_block(name: str, model: Mapping[str, object], task: Mapping[str, object] | None = None) -> str:
    """The lines that make a model, and a task of the same name that uses it if `task` has its settings."""
    models = {"models": {name: model}}
    return _block(models if task is None else {**models, "tasks": {name: {"model": name, **task}}})


def add_model(file: Path, name: str, model: Mapping[str, object], task: Mapping[str, object] | None = None) -> None:
    """Add a model, and a task of the same name, at the end of a configuration file, which is begun if it is not there.

    Nothing else in the file changes, and nothing at all if it would be no configuration any more. Raises ConfigError.
    """
    _check("model", name, ModelConfig, model)
    kinds = ("model",) if task is None else ("model", "task")
    _add(file, name, kinds, model_block(name, model, task))


def add_memory(file: Path, name: str, memory: Mapping[str, object]) -> None:
    """Add a memory, as `add_model` adds a model."""
    _check("memory", name, MemoryConfig, memory)
    _add(file, name, ("memory",), _block({"memories": {name: memory}}))


def _block(tables: Mapping[str, Mapping[str, Mapping[str, object]]]) -> str:
    """The lines that make tables, such as one of [models] of a name."""
    document = tomlkit.document()
    for kind, named in tables.items():
        for name, settings in named.items():
            table = tomlkit.table()
            table.update(settings)
            document.add(kind, tomlkit.table(is_super_table=True).append(name, table))
    return tomlkit.dumps(document).strip() + "\n"


def _add(file: Path, name: str, kinds: Collection[str], block: str) -> None:
    """Add lines that make something of each of `kinds`, called `name`."""
    try:
        before = file.read_text("utf-8") if file.exists() else starting_point()
        _refuse_double(file, name, kinds)
        _write(file, f"{before.rstrip()}\n\n{block}", block)
    except OSError as error:
        raise ConfigError([f"{file}: cannot be written: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([f"{file}: is not UTF-8 text, as TOML must be"]) from error


def _check(kind: str, name: str, section: type[Section], settings: Mapping[str, object]) -> None:
    if not name or not name.isprintable():
        raise ConfigError([f"{name!r} is no name of a {kind}: it must be printable and not empty"])
    try:
        section.model_validate(dict(settings))
    except ValidationError as error:
        raise ConfigError([details["msg"] for details in error.errors(include_url=False)]) from error


def _refuse_double(file: Path, name: str, kinds: Collection[str]) -> None:
    config = load(file if file.exists() else None).config
    known = {"model": config.models, "task": config.tasks, "memory": config.memories}
    for kind in kinds:
        if name in known[kind]:
            raise ConfigError([f"{file}: there is a {kind} {name} already: choose another name, or change it there"])


def _write(file: Path, text: str, block: str) -> None:
    """Write it beside the file, have it checked, and put it in its place."""
    target = file.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    new = target.with_name(f".{target.name}.{os.getpid()}.new")
    try:
        new.touch(0o600)  # it may hold keys
        new.write_text(text, "utf-8")
        load(new)
        if target.exists():
            new.chmod(target.stat().st_mode & 0o7777)
        new.replace(target)
    except ConfigError as error:
        raise ConfigError(
            [
                f"{file}: nothing can be added at its end ({error.problems[0]}): put this where it fits",
                *block.splitlines(),
            ]
        ) from error
    finally:
        new.unlink(missing_ok=True)
