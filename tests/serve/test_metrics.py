"""What /metrics tells, and that what it tells stays small and keeps secrets."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import httpx
import jwt
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from poly_engine.config import Config
from poly_engine.types import Done, MemoryInfo, Timings, Usage
from poly_serve.access import key_digest
from poly_serve.metrics import Metrics
from poly_serve.wire import PROTOCOL
from tests.fake_engine import FakeEngine
from tests.serve.conftest import Serve

SECRET = "s" * 40
KEYS: dict[str, Any] = {
    "allowed_keys": ["plain-key", {"name": "ci", "key": key_digest("named-key")}],
    "jwt_private_key": {"symmetric": SECRET},
}
DONE = Done("stop", Usage(5, 2, 3, 8, 100, 0, 0), Timings(0.5, 0.25, 1.0))


def token(subject: str) -> str:
    return jwt.encode({"exp": time.time() + 60, "sub": subject}, SECRET, "HS256")


def metrics_of(text: str) -> dict[str, float]:
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


async def test_requests_and_tokens_are_counted_by_who_asks_and_no_secret_is_told(serve: Serve) -> None:
    url = await serve(FakeEngine(), Config.model_validate(KEYS))
    async with httpx.AsyncClient(base_url=url) as client:
        for key in ("plain-key", "named-key", "named-key", token("ada"), "wrong-key"):
            await client.get("/v1/task/echo/completion", params={"prompt": "hello", "api_key": key})
        await client.get("/v1/model/fake/embedding", params={"prompt": "two words", "api_key": "named-key"})
        text = (await client.get("/metrics", params={"api_key": "plain-key"})).text
    found = metrics_of(text)
    hashed = key_digest("plain-key").removeprefix("sha256:")
    assert found[f'poly_subject_requests_total{{subject="key:{hashed[:8]}"}}'] == 1
    assert found['poly_subject_requests_total{subject="key:ci"}'] == 3
    assert found['poly_subject_requests_total{subject="ada"}'] == 1
    assert found['poly_subject_tokens_total{kind="completion",subject="key:ci"}'] == 8
    assert found['poly_subject_tokens_total{kind="embedded",subject="key:ci"}'] == 2
    assert found['poly_embedded_tokens_total{model="fake"}'] == 2
    for secret in ("plain-key", "named-key", "wrong-key", hashed, key_digest("named-key")[7:], token("ada")[:20]):
        assert secret not in text


class Opened(FakeEngine):
    """Its memories were opened: only of such is a backlog told."""

    async def memories(self) -> Sequence[MemoryInfo]:
        return [replace(memory, n_documents=1) for memory in await super().memories()]


async def test_what_the_work_is_measured_by_is_there(serve: Serve) -> None:
    url = await serve(Opened(memories=["notes"]))
    async with httpx.AsyncClient(base_url=url) as client:
        await client.put("/v1/memory/notes", content=b"a cat", headers={"Content-Type": "text/plain"})
        await client.get("/v1/memory/notes", params={"prompt": "cat"})
        await client.post("/v1/memory/notes/recall", json={"prompt": "cat"})
        await client.get("/v1/task/echo/completion", params={"prompt": "hello"})
        found = metrics_of((await client.get("/metrics")).text)
    for name in (
        'poly_requests_total{method="PUT",route="/v1/memory/{name}",status="200"}',
        'poly_tokens_total{kind="prompt",task="echo"}',
        'poly_first_token_seconds_count{task="echo"}',
        'poly_tokens_per_second_count{task="echo"}',
    ):
        assert found[name] >= 1, name
    assert found['poly_recall_seconds_count{memory="notes"}'] == 2
    for name in (
        "poly_waiting_requests",
        "poly_work_under_way",
        "poly_parked_sessions",
        'poly_ingest_backlog{memory="notes",state="pending"}',
    ):
        assert found[name] == 0, name


@pytest.mark.parametrize("protocols", [None, [Subprotocol(PROTOCOL)]])
async def test_a_chat_is_no_failure_when_its_client_leaves(
    serve: Serve, protocols: Sequence[Subprotocol] | None
) -> None:
    url = await serve(FakeEngine())
    async with connect(f"{url.replace('http', 'ws')}/v1/task/echo/chat", subprotocols=protocols) as socket:
        await socket.ping()
    async with httpx.AsyncClient(base_url=url) as client:
        while 'route="/v1/task/{name}/chat"' not in (text := (await client.get("/metrics")).text):
            pass
    assert 'poly_requests_total{method="GET",route="/v1/task/{name}/chat",status="101"} 1.0' in text


async def test_a_method_that_nobody_knows_makes_no_new_counter(serve: Serve) -> None:
    url = await serve(FakeEngine())
    async with httpx.AsyncClient(base_url=url) as client:
        for method in ("PROPFIND", "MKCOL", "SUBSCRIBE"):
            await client.request(method, "/coffee")
        found = metrics_of((await client.get("/metrics")).text)
    assert found['poly_requests_total{method="other",route="none",status="404"}'] == 3


def test_of_many_subjects_the_first_are_counted_by_name_and_all_keys() -> None:
    metrics = Metrics(n_most_subjects=2)
    for subject in ("ada", "eve", "bob", "key:ci", "ada", "kim"):
        metrics.add_turn("talk", DONE, subject)
        metrics.add_request("GET", "/", 200, 0.1, subject)
    found = metrics_of(metrics.text().decode())
    counts = {"ada": 2, "eve": 1, "key:ci": 1, "other": 2}
    names = [name for name in found if name.startswith("poly_subject_requests_total")]
    assert {name: found[name] for name in names} == {
        f'poly_subject_requests_total{{subject="{subject}"}}': n for subject, n in counts.items()
    }
    assert found['poly_subject_tokens_total{kind="cached",subject="other"}'] == 2 * 2


@pytest.mark.parametrize("subject", ["a" * 10_000, 'say "hi"\n', "\ud800", ""])
def test_whatever_a_token_calls_itself_the_text_is_one_that_can_be_read(subject: str) -> None:
    metrics = Metrics()
    metrics.add_request("GET", "/", 200, 0.1, subject)
    (line,) = (line for line in metrics.text().decode().splitlines() if line.startswith("poly_subject_requests_total"))
    assert len(line) < 120
