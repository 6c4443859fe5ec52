"""Settings of a task that are tried before they are configured; a server takes none."""

import pytest

from poly_engine.errors import ConfigError, InvalidRequest, TaskNotFound
from poly_engine.interface import Engine
from tests.contract.script import ANSWER_TEXT, SHORT
from tests.engine.conversation import hear

DRAFT = {"model": "m", "template": "none", "temperature": 0, "repeat_penalty": 1.0}
WRONG = {"model": "n", "temperture": 1, "top_k": -1, "memorization": {"memory": "nots"}}


async def test_a_draft_answers_in_place_of_what_is_configured(home: Engine) -> None:
    async with home.session("draw", settings=DRAFT) as session:
        assert (await hear(session, SHORT)).text == ANSWER_TEXT
    assert [(model.name, model.state) for model in await home.models()] == [("m", "loaded"), ("other", "unloaded")]


async def test_the_task_of_a_draft_need_not_be_there_yet(home: Engine) -> None:
    async with home.session("new", settings=DRAFT) as session:
        assert (await hear(session, SHORT)).text == ANSWER_TEXT
    with pytest.raises(TaskNotFound):
        async with home.session("new"):
            pass


async def test_a_prompt_is_seen_as_a_draft_would_have_it_read(home: Engine) -> None:
    parts = await home.prompt_parts("talk", SHORT, settings=DRAFT)
    assert [(part.kind, part.text) for part in parts] == [("prompt", SHORT)]


async def test_a_draft_that_could_not_be_configured_names_every_mistake(home: Engine) -> None:
    with pytest.raises(ConfigError) as error:
        home.session("talk", settings=WRONG)
    assert {problem.partition(":")[0] for problem in error.value.problems} == {
        "tasks.talk.temperture",
        "tasks.talk.top_k",
        "tasks.talk.model",
        "tasks.talk.memorization.memory",
    }
    with pytest.raises(ConfigError, match=r"temperture: unknown key \(did you mean temperature\?\)"):
        await home.prompt_parts("talk", SHORT, settings=WRONG)


async def test_a_draft_leaves_the_task_as_it_is(home: Engine) -> None:
    before = await home.settings("talk")
    async with home.session("talk", settings={**DRAFT, "temperature": 0.5}):
        assert await home.settings("talk") == before


async def test_a_server_takes_no_draft_and_says_so(remote: Engine) -> None:
    with pytest.raises(InvalidRequest, match="answers by its own configuration"):
        remote.session("talk", settings=DRAFT)
    with pytest.raises(InvalidRequest, match="answers by its own configuration"):
        await remote.prompt_parts("talk", SHORT, settings=DRAFT)
