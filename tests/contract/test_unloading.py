"""Models that give their memory back, of every engine."""

import pytest

from poly_engine.errors import EngineClosed, ModelNotFound
from poly_engine.interface import Engine
from poly_engine.types import ModelState, Turn
from tests.contract.script import ANSWER_TEXT, LONG, SHORT
from tests.engine.conversation import hear


async def states(engine: Engine) -> dict[str, ModelState]:
    return {model.name: model.state for model in await engine.models()}


async def test_an_unloaded_model_is_loaded_again_by_who_uses_it_next(engine: Engine) -> None:
    await engine.load("m")
    await engine.unload("m")
    assert await states(engine) == {"m": "unloaded", "other": "unloaded"}
    assert [piece.text for piece in await engine.tokenize("m", "a")] == ["a"]
    assert await states(engine) == {"m": "loaded", "other": "unloaded"}


async def test_a_running_turn_ends_with_engine_closed_and_its_session_goes_on(engine: Engine) -> None:
    async with engine.session("talk") as session:
        await hear(session, SHORT)
        async with session.send(LONG) as events:
            await anext(events)
            await engine.unload("m")
            with pytest.raises(EngineClosed, match="the model was unloaded"):
                async for _ in events:
                    pass
        assert session.turns == (Turn(SHORT, ANSWER_TEXT),)
        assert (await hear(session, SHORT)).text == ANSWER_TEXT
        assert len(session.turns) == 2


async def test_only_the_model_of_that_name_is_unloaded(engine: Engine) -> None:
    await engine.load("other")
    async with engine.session("talk") as session, session.send(SHORT) as events:
        await anext(events)
        await engine.unload("other")
        async for _ in events:
            pass
    assert await states(engine) == {"m": "loaded", "other": "unloaded"}


async def test_what_is_not_loaded_can_be_unloaded(engine: Engine) -> None:
    await engine.unload("m")
    await engine.unload("m")
    assert await states(engine) == {"m": "unloaded", "other": "unloaded"}


async def test_a_memory_goes_on_when_its_model_was_unloaded(engine: Engine) -> None:
    await engine.ingest("notes", b"A cat sleeps sixteen hours a day.", source="cats.txt")
    await engine.unload("m")
    (hit,) = (await engine.recall("notes", "a cat")).hits
    assert hit.source == "cats.txt"
    await engine.unload("m")
    await engine.ingest("notes", b"A dog barks at the postman.", source="dogs.txt")
    assert len(await engine.documents("notes")) == 2


async def test_a_model_that_is_not_there_is_not_unloaded(engine: Engine) -> None:
    with pytest.raises(ModelNotFound, match=r"model not found: othr \(did you mean other\?\)"):
        await engine.unload("othr")


async def test_a_model_says_how_much_memory_it_takes(engine: Engine) -> None:
    before = (await engine.models())[0]
    loaded = await engine.load("m")
    assert before.size_bytes is not None
    assert before.memory_bytes is not None
    assert before.memory_bytes > before.size_bytes
    assert loaded.memory_bytes == before.memory_bytes
