"""Answers as server-sent events, for who asks for more than the tokens."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from poly_engine.errors import EngineFailed, IllegalToken
from poly_engine.types import Hit
from tests.engine.test_task_memory import CATS, engine
from tests.fake_engine import FakeEngine, Reply
from tests.gguf_models import make, make_scripted
from tests.serve.conftest import Serve

ASKED = {"prompt": "hello >"}
DETAILED = {**ASKED, "detail": "1"}


def events(text: str) -> list[tuple[str, str]]:
    """The names of the events in a stream, and their texts; a browser calls one without a name `message`."""
    found = []
    for block in text.removesuffix("\n\n").split("\n\n"):
        lines = [line.partition(":") for line in block.split("\n")]
        fields = {field: value.removeprefix(" ") for field, _, value in lines if field}
        if fields:
            found.append((fields.get("event", "message"), fields["data"]))
    return found


async def test_what_was_recalled_and_how_the_answer_ended_are_events_with_names(serve: Serve, tmp_path: Path) -> None:
    make_scripted(tmp_path / "m.gguf", "yes")
    make("bert", tmp_path / "e.gguf")
    async with engine(tmp_path, {"memory": "notes", "retrieve": 1}) as local:
        url = await serve(local)
        async with httpx.AsyncClient(base_url=url) as client:
            await local.ingest("notes", CATS.encode(), source="cats.txt")
            plain = events((await client.get("/v1/task/t/live", params=ASKED)).text)
            detailed = events((await client.get("/v1/task/t/live", params=DETAILED)).text)
            posted = await client.post("/v1/task/t/live", params={"detail": "1"}, json=ASKED)
    assert [name for name, _ in plain] == ["message"] * len(plain)
    assert [one for one in detailed if one[0] == "message"] == plain
    assert [name for name, _ in detailed] == ["recall", *["message"] * len(plain), "done"]
    assert [name for name, _ in events(posted.text)] == [name for name, _ in detailed]
    recalled, done = json.loads(detailed[0][1]), json.loads(detailed[-1][1])
    (hit,) = recalled["hits"]
    assert (hit.pop("origin"), recalled["dropped"]) == ("cats.txt", [])
    assert Hit(**hit).text == CATS
    assert done["finish_reason"] == "stop"
    assert done["usage"]["completion_tokens"] >= 3
    assert set(done["timings"]) == {"queued_s", "prefill_s", "decode_s"}


@pytest.mark.parametrize("params", [ASKED, DETAILED])
async def test_an_error_in_the_middle_has_a_name_that_browsers_give_to_nothing_else(
    serve: Serve, params: dict[str, str]
) -> None:
    url = await serve(FakeEngine(lambda _: Reply(("One",), failure=EngineFailed("it broke"))))
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{url}/v1/task/echo/live", params=params)
    assert events(answer.text) == [("message", "One"), ("failed", '{"code":"engine_failed","message":"it broke"}')]


async def test_a_detailed_error_before_the_first_event_is_json(serve: Serve) -> None:
    url = await serve(FakeEngine(lambda _: Reply(refusal=IllegalToken("it is private"))))
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{url}/v1/task/echo/live", params=DETAILED)
    assert (answer.status_code, answer.json()["code"]) == (400, "illegal_token")
