"""Two servers with one memory in PostgreSQL, behind what the README puts before them, while one of them goes."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest

from tests.gguf_models import make, make_scripted
from tests.memory.postgres import Postgres
from tests.serve.load import Load
from tests.serve.replicas import Replica, balanced, free_port, snippet

ANSWER = "la " * 20
N_ROUNDS = int(os.environ.get("POLY_REPLICA_ROUNDS", "1"))
"""How often a server is stopped, and one is killed."""


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with TemporaryDirectory() as folder:
        postgres = Postgres(Path(folder))
        postgres.start()
        yield postgres.url()
        postgres.stop()


@pytest.fixture(scope="module")
def replicas(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sequence[Replica]]:
    folder = tmp_path_factory.mktemp("replicas")
    make_scripted(folder / "m.gguf", "la " * 1300, context_length=4096)
    make("bert", folder / "e.gguf")
    config = folder / "poly.toml"
    config.write_text(
        f'[models.m]\nmodel_path = "{folder}/m.gguf"\nthreads = 1\ncontext_size = 4096\n'
        f'[models.e]\nmodel_path = "{folder}/e.gguf"\nthreads = 1\n'
        '[tasks.t]\nmodel = "m"\ntemplate = "none"\ntemperature = 0\nrepeat_penalty = 1.0\n'
        f"max_tokens = {len(ANSWER)}\n"
        f'[memories.notes]\nembedding_model = "e"\nstore = {{ pgvector = {{ url = "{database}", table = "notes" }} }}\n'
    )
    replicas = [Replica(config, folder / name, free_port()) for name in ("one", "two")]
    try:
        for replica in replicas:
            asyncio.run(replica.start())
        yield replicas
    finally:
        for replica in replicas:
            asyncio.run(replica.end(signal.SIGKILL))


@pytest.mark.timeout(300 * N_ROUNDS)  # some 20 s on a machine that does nothing else
@pytest.mark.parametrize("balancer", ["nginx", "haproxy"])
async def test_nothing_is_lost_while_servers_go_and_come_back(
    balancer: str, replicas: Sequence[Replica], tmp_path: Path
) -> None:
    if shutil.which(balancer) is None:
        pytest.skip(f"{balancer} is not installed")
    async with balanced(balancer, replicas, tmp_path) as url:
        load = Load(url, ANSWER, prefix=balancer)
        async with load.running():
            await load.goes_on()
            for number in range(N_ROUNDS):
                replica = replicas[number % 2]
                assert await replica.end(signal.SIGTERM) == 0, replica.log()
                await load.goes_on()
                await replica.start()
                await load.goes_on()
            assert load.failures == []  # who drains loses nothing
            for number in range(N_ROUNDS):
                replica = replicas[1 - number % 2]
                await replica.end(signal.SIGKILL)
                await load.goes_on()
                await replica.start()
                await load.goes_on()
    await check_documents(replicas, load)


async def check_documents(replicas: Sequence[Replica], load: Load) -> None:
    """What was accepted is there, once; and nothing that was not sent."""
    for replica in replicas:
        async with httpx.AsyncClient(base_url=replica.url, timeout=60) as client:
            assert "event:done" in (await client.post("/v1/memory/notes/settle")).text
    async with httpx.AsyncClient(base_url=replicas[0].url, timeout=60) as client:
        documents = (await client.get("/v1/memory/notes/documents")).json()["documents"]
    sources = [document["source"] for document in documents if document["source"].startswith(load.prefix)]
    assert len(sources) == len(set(sources))
    assert load.accepted <= set(sources) <= load.sent
    assert {document["n_chunks"] for document in documents} == {1}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
def test_the_unit_of_systemd_is_a_good_one(tmp_path: Path) -> None:
    unit = tmp_path / "poly.service"
    unit.write_text(snippet("ini").replace("/opt/poly/.venv/bin/poly", sys.executable))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
