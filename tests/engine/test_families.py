"""Every family of models that Poly promises, through the public interface."""

import pytest

from poly_engine.types import Overrides
from tests.conftest import FamilyFile
from tests.engine.bare import bare
from tests.engine.conversation import config, engine, hear, opened
from tests.gguf_models import FAMILIES


@pytest.mark.parametrize("family", FAMILIES)
async def test_every_family_writes_what_llama_cpp_alone_would_write(family: str, family_file: FamilyFile) -> None:
    with bare(family_file(family)) as model:
        expected = model.continuation("Hello world", 12)
    async with opened(family_file(family), template="none") as session:
        heard = await hear(session, "Hello world", Overrides(max_tokens=12))
    assert heard.tokens == expected
    assert heard.text.isascii()
    assert heard.done.finish_reason == "length"


@pytest.mark.parametrize("family", FAMILIES)
async def test_every_family_takes_a_second_turn_from_the_cache(family: str, family_file: FamilyFile) -> None:
    async with opened(family_file(family), template="none", max_tokens=8) as session:
        first = await hear(session, "Hello world")
        second = await hear(session, " and what is your name")
    read_again = second.done.usage.prompt_tokens - second.done.usage.cached_tokens
    assert second.done.usage.cached_tokens == first.done.usage.context_tokens - 1  # the last one was never fed back
    assert read_again < first.done.usage.prompt_tokens + 20


@pytest.mark.parametrize("family", FAMILIES)
async def test_every_family_tells_what_it_is(family: str, family_file: FamilyFile) -> None:
    async with engine(family_file(family), {"context_size": None}) as home:
        info = await home.load("m")
    assert info.architecture == family.removesuffix("-chatml")
    assert (info.context_size, info.train_context_size, info.embedding_size) == (512, 512, 64)


async def test_models_of_different_families_run_side_by_side(family_file: FamilyFile) -> None:
    models = {family: {"model_path": str(family_file(family))} for family in FAMILIES}
    tasks = {family: {"model": family, "template": "none", "max_tokens": 5} for family in FAMILIES}
    from poly_engine.local import LocalEngine

    async with LocalEngine(config(models, tasks)) as home:
        sessions = [home.session(family) for family in FAMILIES]
        texts = [(await hear(session, "Hello")).text for session in sessions]
    assert all(texts)
