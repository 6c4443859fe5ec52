"""Who goes on when a model crashes has models in processes of their own, and who asks once has not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from poly_engine.interface import Engine
from poly_engine.local import LocalEngine
from poly_tui import connect
from poly_tui.settings import Settings
from tests.engine.conversation import hear
from tests.engine.isolated import children, the_child
from tests.shell.conftest import ANSWER


async def n_processes(engine: Engine) -> int:
    """How many processes have models of an engine in them while it answers."""
    assert isinstance(engine, LocalEngine)
    async with engine, engine.session("greet") as session:
        assert (await hear(session, "hello")).text == ANSWER
        return len(children())


async def test_the_terminal_interface_survives_its_models(configure: Callable[..., Path], models: Path) -> None:
    configure(models / "greeter.gguf")
    async with connect.backend(Settings(None, is_verbose=False)) as backend:
        engine = await backend.engine()
        async with engine.session("greet") as session:
            assert (await hear(session, "hello")).text == ANSWER
            assert the_child().is_running()


async def test_a_verb_does_not_wait_for_a_process(configure: Callable[..., Path], models: Path) -> None:
    configure(models / "greeter.gguf")
    settings = Settings(None, is_verbose=False)
    assert await n_processes(connect.engine(settings)) == 0
    assert await n_processes(connect.engine(settings, isolated=True)) == 1
