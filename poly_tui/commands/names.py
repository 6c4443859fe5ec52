"""The names of tasks, models and memories as arguments, which the shell can complete."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from poly_engine.config import Config
from poly_engine.errors import ConfigError
from poly_tui.connect import configuration
from poly_tui.settings import Settings

__all__ = ["complete_memories", "memory_argument", "model_argument", "task_argument"]

F = TypeVar("F", bound=Callable[..., Any])  # Any: as in click's decorators


def task_argument(*, is_required: bool) -> Callable[[F], F]:
    """The argument TASK."""
    return click.argument("task", required=is_required, shell_complete=_tasks)


def model_argument() -> Callable[[F], F]:
    """The argument MODEL."""
    return click.argument("model", shell_complete=_models)


def memory_argument() -> Callable[[F], F]:
    """The argument MEMORY."""
    return click.argument("memory", shell_complete=complete_memories)


def complete_memories(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """The memories whose names begin like that."""
    return [name for name in _config(ctx).memories if name.startswith(incomplete)]


def _tasks(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    return [name for name in _config(ctx).tasks if name.startswith(incomplete)]


def _models(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    return [name for name in _config(ctx).models if name.startswith(incomplete)]


def _config(ctx: click.Context) -> Config:
    """While the shell completes, no verb is called, and nobody has made the settings yet."""
    settings = Settings(ctx.find_root().params.get("config_file"), is_verbose=False)
    try:
        return configuration(settings).config
    except ConfigError:
        return Config()
