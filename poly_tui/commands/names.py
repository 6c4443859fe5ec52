"""The names of tasks, models and memories as arguments, which the shell can complete."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

import click

from poly_engine.errors import PolyError
from poly_tui import connect
from poly_tui.settings import Settings

__all__ = ["complete_memories", "memory_argument", "model_argument", "task_argument"]

F = TypeVar("F", bound=Callable[..., Any])  # Any: as in click's decorators

_PATIENCE_S = 1.0


class Named(Protocol):
    """A task, a model or a memory."""

    @property
    def name(self) -> str: ...


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
    return _complete(ctx, incomplete, connect.memories)


def _tasks(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    return _complete(ctx, incomplete, connect.tasks)


def _models(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    return _complete(ctx, incomplete, connect.models)


def _complete(ctx: click.Context, incomplete: str, ask: Callable[[Settings], Awaitable[Sequence[Named]]]) -> list[str]:
    """While the shell completes, no verb is called, and nobody has made the settings yet. What is wrong is not said."""
    given = ctx.find_root().params
    settings = Settings(given.get("config_file"), is_verbose=False, url=given.get("url"), key=given.get("key"))

    connect.load_client(settings)  # before the clock is started: that is for the server

    async def names() -> list[str]:
        async with asyncio.timeout(_PATIENCE_S):
            return [one.name for one in await ask(settings) if one.name.startswith(incomplete)]

    try:
        return asyncio.run(names())
    except (PolyError, TimeoutError):
        return []
