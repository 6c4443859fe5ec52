"""Fetching a model for this machine, as `poly model pull` does."""

import asyncio
from collections.abc import Callable

from poly_engine.models.pull import PullProgress, pull
from poly_tui.backend import Backend
from poly_tui.screens.models.add_model import Fetched

__all__ = ["fetch"]


async def fetch(backend: Backend, reference: str, on_progress: Callable[[PullProgress], None]) -> Fetched:
    """Fetch what `reference` names into the folder that the configuration says. Raises PolyError."""
    from poly_engine.config import load  # pydantic, which the engine has imported by now

    await backend.engine()  # which finds out where the configuration is
    folder = (await asyncio.to_thread(load, backend.config_file)).config.models_folder
    pulled = await pull(reference, folder, on_progress=on_progress)
    return Fetched(pulled.path, pulled.reference or str(pulled.path))
