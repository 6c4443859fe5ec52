"""Turns with a schema, from every engine."""

import json

import pytest

from poly_engine.bias.verify import fault
from poly_engine.errors import InvalidSchema
from poly_engine.interface import Engine
from poly_engine.types import Bias, Token, Turn
from tests.contract.script import ANSWER_TEXT, SHORT
from tests.engine.conversation import hear

SCHEMA = {"type": "object", "properties": {"is_it": {"type": "boolean"}}, "required": ["is_it"]}


async def test_an_answer_fits_the_schema_of_its_turn_and_the_next_one_is_free(engine: Engine) -> None:
    async with engine.session("talk") as session:
        async with session.send(SHORT, schema=SCHEMA) as events:
            tokens = [event async for event in events if isinstance(event, Token)]
        text = "".join(token.text for token in tokens)
        assert fault(Bias.of_schema(SCHEMA), text) == ""
        assert tokens[-1].bias_state == "complete"
        assert session.turns == (Turn(SHORT, text),)
        assert (await hear(session, SHORT)).text == ANSWER_TEXT


async def test_what_the_schema_leaves_no_choice_about_is_forced(engine: Engine) -> None:
    async with engine.session("talk") as session:
        async with session.send(SHORT, schema=Bias("choice", json.dumps([ANSWER_TEXT]))) as events:
            tokens = [event async for event in events if isinstance(event, Token)]
    assert "".join(token.text for token in tokens) == ANSWER_TEXT
    assert all(token.is_forced for token in tokens)


async def test_a_schema_that_cannot_be_enforced_is_refused_and_not_remembered(engine: Engine) -> None:
    async with engine.session("talk") as session:
        with pytest.raises(InvalidSchema, match="uniqueItems: not supported"):
            async with session.send(SHORT, schema={"uniqueItems": True}):
                pass
        assert session.turns == ()
        assert (await hear(session, SHORT)).text == ANSWER_TEXT
