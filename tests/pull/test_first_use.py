"""A model of the configuration that has a url is fetched when it is first used."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from poly_engine.config import Config
from poly_engine.errors import EngineClosed, PullFailed
from poly_engine.local import LocalEngine
from poly_engine.models import download as downloading
from tests.engine.conversation import GREEDY, hear
from tests.gguf_models import make_chain
from tests.pull.file_server import FileServer
from tests.pull.hub_server import HubServer
from tests.serve.waiting import until


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloading, "_PAUSES_S", (0.0,) * 5)


@pytest.fixture
def model(tmp_path: Path) -> bytes:
    return make_chain(tmp_path / "made.gguf", ["yes"]).read_bytes()


def configured(cache: Path | None = None, **model: Any) -> Config:
    tree: dict[str, Any] = {
        "models": {"m": {"threads_per_session": 1, "context_size": 64, **model}},
        "tasks": {"t": {"model": "m", "template": "none", **GREEDY}},
    }
    return Config.model_validate(tree if cache is None else {**tree, "cache_path": str(cache)})


async def test_it_is_fetched_once_and_progress_goes_one_way(server: FileServer, model: bytes, tmp_path: Path) -> None:
    url = server.put("/m.gguf", model)
    shares: list[float] = []
    config = configured(tmp_path / "cache", url=url)
    async with LocalEngine(config) as home:
        before = (await home.models())[0]
        await home.load("m", shares.append)
        async with home.session("t") as session:
            text = (await hear(session, ">")).text
        after = (await home.models())[0]
    async with LocalEngine(config) as home:
        await home.load("m")

    assert text == "yes"
    assert (before.state, before.path) == ("unloaded", url)
    assert (after.state, Path(after.path)) == (
        "loaded",
        tmp_path / "cache" / url.removeprefix("http://").replace(":", "_"),
    )
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert len(server.asked) == 1


async def test_a_model_of_the_hub_is_fetched_into_the_cache_of_the_hub(
    hub: HubServer, model: bytes, home: Path
) -> None:
    hub.publish("acme/tiny", {"tiny-Q8_0.gguf": model})

    async with LocalEngine(configured(url="hf:acme/tiny")) as engine:
        loaded = await engine.load("m")

    assert loaded.state == "loaded"
    assert Path(loaded.path).is_relative_to(home / "hf" / "hub" / "models--acme--tiny" / "snapshots")


async def test_it_is_fetched_to_its_path_if_it_has_one(hub: HubServer, model: bytes, tmp_path: Path) -> None:
    hub.publish("acme/tiny", {"tiny-Q8_0.gguf": model})
    path = tmp_path / "mine" / "m.gguf"

    async with LocalEngine(configured(url="hf:acme/tiny", model_path=str(path))) as engine:
        await engine.load("m")

    assert path.read_bytes() == model


async def test_what_cannot_be_fetched_is_told_of_and_may_succeed_later(
    server: FileServer, model: bytes, tmp_path: Path
) -> None:
    async with LocalEngine(configured(tmp_path / "cache", url=f"{server.url}/m.gguf")) as home:
        with pytest.raises(PullFailed, match="is not there"):
            await home.load("m")
        state = (await home.models())[0].state
        server.put("/m.gguf", model)
        loaded = await home.load("m")

    assert state == "failed"
    assert loaded.state == "loaded"


async def test_closing_the_engine_stops_the_fetching_and_what_came_is_kept(
    server: FileServer, model: bytes, tmp_path: Path
) -> None:
    url = server.put("/m.gguf", model)
    server.answers = [server.stall(1000)]
    config = configured(tmp_path / "cache", url=url)
    home = LocalEngine(config)
    loading = asyncio.create_task(home.load("m"))
    await until(lambda: any(part.stat().st_size for part in tmp_path.rglob("*.part")))

    await home.close()

    with pytest.raises(EngineClosed):
        await loading
    async with LocalEngine(config) as again:
        await again.load("m")
    assert server.asked[-1].first_byte == 1000


async def test_the_secrets_of_a_url_are_shown_to_nobody(server: FileServer, tmp_path: Path) -> None:
    url = f"{server.url}/m.gguf?key=s3cret".replace("://", "://ann:s3cret@")

    async def no(_: web.Request) -> web.StreamResponse:
        return web.Response(status=404)

    server.answers = [no]
    async with LocalEngine(configured(tmp_path / "cache", url=url)) as home:
        path = (await home.models())[0].path
        with pytest.raises(PullFailed) as error:
            await home.load("m")

    assert path == f"{server.url}/m.gguf"
    assert "s3cret" not in str(error.value)
