"""Drafts of settings do what they would do if they were configured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from poly_engine.config import Config, TaskConfig
from poly_engine.errors import ConfigError
from poly_engine.local import LocalEngine
from tests.engine.conversation import GREEDY, engine, hear
from tests.gguf_models import make_scripted

RAW: dict[str, Any] = {"model": "m", "template": "none", **GREEDY}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return make_scripted(tmp_path / "m.gguf", "yes, yes")


async def test_limits_and_prompts_of_a_draft_count(model: Path) -> None:
    async with engine(model, template="none") as home:
        async with home.session("t", settings={**RAW, "max_tokens": 3}) as session:
            assert (await hear(session, "so?>")).text == "yes"
        draft = {"model": "m", "prelude": "Be brief. ", "postfix": ">"}
        parts = await home.prompt_parts("t", "so?", settings=draft)
    assert [(part.kind, part.text) for part in parts] == [
        ("system", "Be brief. "),
        ("prompt", "so?"),
        ("template", ">"),
    ]


async def test_a_schema_of_a_draft_lies_where_the_file_of_the_configuration_does(model: Path) -> None:
    (model.parent / "s.json").write_text(json.dumps({"const": "no"}))
    config = Config.model_validate({"models": {"m": {"model_path": str(model), "context_size": 256}}})
    async with LocalEngine(config, folder=model.parent) as home:
        async with home.session("t", settings={**RAW, "biaser": {"json_schema_file": "s.json"}}) as session:
            assert (await hear(session, "so?")).text == '"no"'
        with pytest.raises(ConfigError, match=r"tasks\.t\.biaser\.json_schema_file: .*t\.json"):
            home.session("t", settings={**RAW, "biaser": {"json_schema_file": "t.json"}})


async def test_a_draft_may_use_a_memory(model: Path) -> None:
    memories = {"notes": {"embedding_model": "m", "store": {"file": {"path": str(model.parent / "notes")}}}}
    models = {"m": {"model_path": str(model), "context_size": 256}}
    async with LocalEngine(Config.model_validate({"models": models, "memories": memories})) as home:
        await home.ingest("notes", b"A dog barks.", source="dogs.txt")
        draft = {**RAW, "memorization": {"memory": "notes", "retrieve": 1}}
        parts = await home.prompt_parts("t", "who barks?", settings=draft)
        assert [(part.kind, part.text) for part in parts] == [
            ("recalled", "[1] dogs.txt\nA dog barks.\n\n"),
            ("prompt", "who barks?"),
        ]
        store = {**RAW, "memorization": {"memory": "notes", "store_prompts": True}}
        await home.prompt_parts("t", "a parrot talks", settings=store)
        assert len(await home.documents("notes")) == 1  # looking at a prompt does not remember it


@pytest.mark.parametrize(
    "settings",
    [
        {"model": "m"},
        {"model": "m", "samplers": ["topk:k=3"]},
        {"model": "m", "biaser": {"regex": "a+"}, "bias_prompt": "So?"},
        {"model": "m", "biaser": {"regex": "a+"}, "repeat_penalty": 1.2},
        {"model": "m", "prelude": "a", "prefix": "b", "stop_sequences": ["x"], "seed": 3},
    ],
)
def test_the_settings_in_effect_are_a_draft_that_does_the_same(settings: dict[str, object]) -> None:
    task = TaskConfig.model_validate(settings)
    again = TaskConfig.model_validate(task.in_effect)
    assert again == task
    assert ("repeat_penalty" in again.model_fields_set) or task.biaser is not None or task.samplers is not None
    assert "repeat_penalty" not in settings or again.repeat_penalty == settings["repeat_penalty"]
