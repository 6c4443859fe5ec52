"""Two servers with one memory in PostgreSQL, behind what the README puts before them, while one of them goes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest

from tests.gguf_models import make, make_scripted
from tests.memory.postgres import Postgres
from tests.serve.load import Load
from tests.serve.replicas import Replica, balanced, free_port, snippet

ANSWER = ("la " * 100)[:200]
N_ROUNDS = int(os.environ.get("POLY_REPLICA_ROUNDS", "1"))
"""How often a server is stopped, and one is killed."""


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with TemporaryDirectory() as folder:
        postgres = Postgres(Path(folder))
        postgres.start()
        yield postgres.url()
        postgres.stop()


@pytest.fixture
async def replicas(database: str, tmp_path: Path) -> AsyncIterator[Sequence[Replica]]:
    make_scripted(tmp_path / "m.gguf", "la " * 1300, context_length=4096)
    make("bert", tmp_path / "e.gguf")
    config = tmp_path / "poly.toml"
    config.write_text(
        f'[models.m]\nmodel_path = "{tmp_path}/m.gguf"\nthreads = 1\ncontext_size = 4096\n'
        f'[models.e]\nmodel_path = "{tmp_path}/e.gguf"\nthreads = 1\n'
        '[tasks.t]\nmodel = "m"\ntemplate = "none"\ntemperature = 0\nrepeat_penalty = 1.0\nmax_tokens = 200\n'
        '[memories.notes]\nembedding_model = "e"\n'
        f'store = {{ pgvector = {{ url = "{database}", table = "notes_{free_port()}" }} }}\n'
    )
    replicas = [Replica(config, tmp_path / name, free_port()) for name in ("one", "two")]
    try:
        for replica in replicas:  # the first one makes the tables
            await replica.start()
        yield replicas
    finally:
        for replica in replicas:
            await replica.end(signal.SIGKILL)


@pytest.mark.timeout(180 * N_ROUNDS)
@pytest.mark.parametrize("balancer", ["nginx", "haproxy"])
async def test_nothing_is_lost_while_servers_go_and_come_back(
    balancer: str, replicas: Sequence[Replica], tmp_path: Path
) -> None:
    if shutil.which(balancer) is None:
        pytest.skip(f"{balancer} is not installed")
    async with balanced(balancer, replicas, tmp_path) as url:
        load = Load(url, ANSWER)
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
    sources = [document["source"] for document in documents]
    assert len(sources) == len(set(sources))
    assert load.accepted <= set(sources) <= load.sent
    assert {document["n_chunks"] for document in documents} == {1}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
def test_the_unit_of_systemd_is_a_good_one(tmp_path: Path) -> None:
    unit = tmp_path / "poly.service"
    unit.write_text(snippet("ini").replace("/opt/poly/.venv/bin/poly", sys.executable))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
