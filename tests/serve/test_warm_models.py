"""Models that are to be warm are loaded when a server starts, and when it reads its configuration again."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import httpx
import pytest

from tests.gguf_models import make_chains
from tests.serve.test_daemon import served


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration with a model that is to be warm, one that is not, and one that cannot be."""
    file = make_chains(tmp_path / "m.gguf", {">": ["yes"]})
    model = f'model_path = "{file}"\nthreads = 1\ncontext_size = 64\n'
    path = tmp_path / "poly.toml"
    path.write_text(
        f'[models.lost]\nmodel_path = "/nowhere.gguf"\nwarm = true\n'
        f"[models.hot]\n{model}warm = true\n[models.cold]\n{model}"
    )
    return path


async def until(client: httpx.AsyncClient, wanted: dict[str, str]) -> dict[str, float | None]:
    """Wait until the models are so, and return when each leaves."""
    async with asyncio.timeout(30):
        while True:
            models = (await client.get("/v1/model", params={"detail": "1"})).json()["models"]
            if {one["name"]: one["state"] for one in models} == wanted:
                return {one["name"]: one["expires_in_s"] for one in models}


async def test_a_warm_model_is_loaded_without_being_asked_for_and_stays(config: Path) -> None:
    async with served(config) as server, httpx.AsyncClient(base_url=server.url) as client:
        leaving = await until(client, {"lost": "failed", "hot": "loaded", "cold": "unloaded"})
        assert leaving["hot"] is None
        config.write_text(config.read_text().replace("[models.cold]", "[models.cold]\nwarm = true"))
        server.signal(signal.SIGHUP)
        await until(client, {"lost": "failed", "hot": "loaded", "cold": "loaded"})
