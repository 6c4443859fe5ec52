"""The subprotocol poly.events.v1, frame by frame."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from poly_engine.config import Config
from poly_engine.errors import EngineFailed
from tests.fake_engine import FakeEngine, Gate, Reply
from tests.serve.conftest import served
from tests.serve.waiting import until


class Talk:
    """A client that says and hears frames."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def say(self, *frames: dict[str, object]) -> None:
        for frame in frames:
            await self.socket.send(json.dumps(frame))

    async def hear(self) -> dict[str, Any]:
        frame: dict[str, Any] = json.loads(await self.socket.recv())
        return frame

    async def hear_until(self, kind: str) -> list[dict[str, Any]]:
        """The frames up to the next one of a type."""
        frames = [await self.hear()]
        while frames[-1]["type"] != kind:
            frames.append(await self.hear())
        return frames

    async def hear_the_end(self) -> int | None:
        """Nothing more than that the server closes: its code."""
        with pytest.raises(ConnectionClosed):
            await self.socket.recv()
        return self.socket.close_code


PROMPT: dict[str, object] = {"type": "prompt", "prompt": "hello"}
CANCEL: dict[str, object] = {"type": "cancel"}
OPEN: dict[str, object] = {"type": "open"}


@asynccontextmanager
async def talk(engine: FakeEngine) -> AsyncIterator[Talk]:
    protocols = [Subprotocol("poly.events.v1")]
    async with (
        served(engine, Config()) as url,
        connect(f"ws{url[4:]}/v1/task/echo/chat", subprotocols=protocols, proxy=None) as socket,
    ):
        yield Talk(socket)


def types(frames: list[dict[str, Any]]) -> str:
    return " ".join(frame["type"] for frame in frames)


async def test_a_turn_is_begun_then_its_events_and_done_when_its_slot_is_free() -> None:
    engine = FakeEngine(lambda _: Reply(("Well", "."), thoughts=("hm",)))
    async with talk(engine) as client:
        await client.say(OPEN, PROMPT)
        frames = await client.hear_until("done")
        assert engine.n_running == 0
    assert types(frames) == "opened begun progress progress thinking progress token token done"
    assert frames[-2] == {"type": "token", "text": ".", "id": frames[-2]["id"], "is_forced": False, "bias_state": None}
    assert frames[-1]["usage"]["completion_tokens"] == 3


async def test_who_has_nothing_to_say_before_the_first_prompt_need_not_open() -> None:
    async with talk(FakeEngine()) as client:
        await client.say(PROMPT)
        assert types(await client.hear_until("begun")) == "opened begun"


async def test_what_was_said_before_goes_with_the_opening() -> None:
    async with talk(FakeEngine()) as client:
        await client.say({**OPEN, "system": "be kind", "history": [{"prompt": "one", "answer": "two three"}]}, PROMPT)
        frames = await client.hear_until("done")
    assert frames[-1]["usage"]["prompt_tokens"] == 2 + 1 + 2 + 1


async def test_a_prompt_in_the_middle_of_a_turn_is_refused_and_the_turn_goes_on() -> None:
    engine = FakeEngine(gate=Gate(1))
    async with talk(engine) as client:
        await client.say(PROMPT)
        await client.hear_until("token")
        await client.say(PROMPT)
        assert (await client.hear())["code"] == "session_busy"
        engine.gate.open()
        assert types(await client.hear_until("done")) == "token token token done"
        await client.say(PROMPT)
        assert types(await client.hear_until("done")).startswith("begun")


async def test_a_cancelled_turn_says_what_is_remembered_of_it() -> None:
    engine = FakeEngine(gate=Gate(2))
    async with talk(engine) as client:
        await client.say(PROMPT)
        await client.hear_until("token")
        await client.hear()
        await client.say(CANCEL)
        assert await client.hear() == {"type": "cancelled", "answer": "You said"}
        assert engine.n_running == 0
        engine.gate.open()
        await client.say(PROMPT)
        assert (await client.hear_until("done"))[-1]["usage"]["prompt_tokens"] == 1 + 2 + 1


@pytest.mark.parametrize("n_cancels", [1, 3])
async def test_a_turn_that_is_cancelled_before_it_begins_is_not_remembered(n_cancels: int) -> None:
    async with talk(FakeEngine(gate=Gate(0))) as client:
        await client.say(OPEN)
        await client.hear()
        await client.say(PROMPT, *[CANCEL] * n_cancels)
        frames = await client.hear_until("cancelled")
        assert frames[-1]["answer"] in {None, ""}
        await client.say(PROMPT)
        assert (await client.hear_until("begun"))[-1] == {"type": "begun"}


async def test_a_turn_can_be_cancelled_while_the_model_is_being_loaded() -> None:
    engine = FakeEngine(load_gate=Gate(0))
    async with talk(engine) as client:
        await client.say(PROMPT, CANCEL)
        assert await client.hear() == {"type": "cancelled", "answer": None}
        engine.load_gate.open()
        assert (await client.hear())["type"] == "opened"
        assert engine.asked == []


async def test_a_cancel_while_nothing_is_said_does_nothing() -> None:
    async with talk(FakeEngine()) as client:
        await client.say(CANCEL, PROMPT)
        assert types(await client.hear_until("done")).startswith("opened begun")


@pytest.mark.parametrize("is_said", [True, False])
async def test_who_leaves_in_the_middle_frees_the_slot(*, is_said: bool) -> None:
    engine = FakeEngine(gate=Gate(1))
    async with talk(engine) as client:
        await client.say(PROMPT)
        await client.hear_until("token")
        if is_said:
            await client.socket.close()
        else:
            client.socket.transport.abort()
        await until(lambda: engine.n_running == 0)


async def test_who_leaves_while_the_model_is_being_loaded_leaves_nothing_behind() -> None:
    engine = FakeEngine(load_gate=Gate(1))
    async with talk(engine) as client:
        await client.say(OPEN)
        await until(lambda: engine._models["fake"].state == "loading")
        client.socket.transport.abort()
        await until(lambda: engine._models["fake"].state == "unloaded")


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (
            {**PROMPT, "overrides": {"max_token": 3}},
            r"overrides\.max_token: there is no such key \(did you mean max_to",
        ),
        ({**PROMPT, "overrides": {"top_k": "many"}}, r"overrides\.top_k: Input should be a valid integer"),
        ({**PROMPT, "overrides": []}, "overrides: Input should be a dictionary"),
        ({**PROMPT, "schema": {"kind": "poem", "source": ""}}, r"schema\.kind: Input should be 'json_schema'"),
        ({"type": "prompt"}, "prompt: has to be a text"),
    ],
)
async def test_a_prompt_that_makes_no_sense_is_an_error_and_the_next_one_is_answered(
    frame: dict[str, object], words: str
) -> None:
    async with talk(FakeEngine()) as client:
        await client.say(frame)
        error = (await client.hear_until("error"))[-1]
        assert error["code"] == "invalid_request"
        with pytest.raises(AssertionError, match=words):
            raise AssertionError(error["message"])
        await client.say(PROMPT)
        assert types(await client.hear_until("done")).startswith("begun")


@pytest.mark.parametrize(
    "said",
    [
        "hello",
        "[1]",
        "{}",
        '{"type": 3}',
        '{"type": "shout"}',
        '{"type": "prompt", "prompt": "\\ud800"}',
        '{"type": "prompt", "prompt": "a", "overrides": {"temperature": NaN}}',
        "[" * 100_000,
        '{"type": "open", "history": [{"prompt": "a"}]}',
        '{"type": "open", "history": "a"}',
        '{"type": "open", "system": 3}',
        b'{"type": "open"}',
    ],
    ids=lambda said: str(said)[:20],
)
async def test_what_is_no_frame_ends_the_conversation_with_an_error(said: str | bytes) -> None:
    async with talk(FakeEngine()) as client:
        await client.socket.send(said)
        assert (await client.hear())["code"] == "invalid_request"
        assert await client.hear_the_end() == 1008


async def test_a_session_cannot_be_opened_twice() -> None:
    async with talk(FakeEngine()) as client:
        await client.say(OPEN, OPEN)
        assert "open already" in (await client.hear_until("error"))[-1]["message"]
        assert await client.hear_the_end() == 1008


async def test_a_bug_in_the_middle_ends_the_conversation_and_nothing_hangs() -> None:
    engine = FakeEngine(lambda _: Reply(failure=ZeroDivisionError("a bug")))
    async with talk(engine) as client:
        await client.say(PROMPT)
        with pytest.raises(ConnectionClosed):
            await client.hear_until("done")
        await until(lambda: engine.n_running == 0)


async def test_a_failure_is_an_error_with_its_code() -> None:
    async with talk(FakeEngine(lambda _: Reply(("a",), failure=EngineFailed("it broke")))) as client:
        await client.say(PROMPT)
        error = (await client.hear_until("error"))[-1]
    assert error == {"type": "error", "code": "engine_failed", "message": "it broke", "answer": None}


TOOL: dict[str, object] = {"name": "look", "parameters": '{"type": "object", "additionalProperties": false}'}
TOOLS: dict[str, object] = {"tools": [TOOL], "choice": "required"}


async def test_a_call_comes_in_pieces_and_then_whole_and_its_result_goes_back() -> None:
    async with talk(FakeEngine()) as client:
        await client.say(OPEN, {**PROMPT, "tools": TOOLS})
        frames = await client.hear_until("done")
        assert types(frames) == "opened begun progress progress calling calling calling toolcall done"
        call = frames[-2]
        assert call == {"type": "toolcall", "id": call["id"], "name": "look", "arguments": "{}"}
        await client.say({**PROMPT, "prompt": "", "results": [{"id": call["id"], "content": "nothing"}]})
        assert types(await client.hear_until("done")).endswith("token done")


async def test_a_history_may_have_calls() -> None:
    history = [{"prompt": "a", "answer": "", "calls": [{"id": "1", "name": "look", "arguments": "{}"}]}]
    async with talk(FakeEngine()) as client:
        await client.say({**OPEN, "history": history}, {**PROMPT, "results": [{"id": "1", "content": "b"}]})
        assert types(await client.hear_until("done")).startswith("opened begun")


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        ({"tools": 5}, "tools"),
        ({"tools": {"tools": []}}, "no tools to choose from"),
        ({"tools": {"tools": [{"name": "no name"}]}}, "no name of a tool"),
        ({"tools": {"tools": [TOOL], "chioce": "auto"}}, "tools.chioce"),
        ({"tools": {"tools": [TOOL], "choice": "any"}}, "tools.choice"),
        ({"tools": {"tools": [{"name": f"t{number}"} for number in range(129)]}}, "at most 128"),
        ({"results": 5}, "results"),
        ({"results": [{"id": "1"}]}, "results[0].content"),
        ({"results": [{"id": "1", "content": "b"}]}, "which the last answer had not"),
    ],
)
async def test_what_is_wrong_with_tools_is_told_and_the_conversation_goes_on(
    frame: dict[str, object], words: str
) -> None:
    async with talk(FakeEngine()) as client:
        await client.say({**PROMPT, **frame})
        assert words in (await client.hear_until("error"))[-1]["message"]
        await client.say(PROMPT)
        assert types(await client.hear_until("done")).endswith("done")
