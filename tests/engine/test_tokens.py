"""Tokens of plain text: those that llama.cpp makes, never one that marks a turn, none after the model is gone."""

import asyncio
from pathlib import Path

import pytest

from poly_engine.errors import EngineClosed
from poly_engine.llama.model import LlamaModel
from poly_engine.models.gguf import read_header
from tests.conftest import FamilyFile
from tests.engine.bare import bare
from tests.engine.conversation import engine
from tests.gguf_models import EMBEDDER, FAMILIES, make_chains

TEXTS = ["Hello world", " your name", "", "\n\n  what?", "Zoë 😀 naïve", "a  b   c", "x" * 50, "123 456,789.0"]


@pytest.mark.parametrize("family", FAMILIES)
async def test_the_tokens_of_a_text_are_those_of_the_library(family: str, family_file: FamilyFile) -> None:
    with bare(family_file(family)) as library:
        expected = [library.tokens(text) for text in TEXTS]
    async with engine(family_file(family)) as home:
        ours = [[piece.id for piece in await home.tokenize("m", text)] for text in TEXTS]
    assert ours == expected


async def test_the_embedder_tokenizes_words_it_knows_and_words_it_does_not(family_file: FamilyFile) -> None:
    async with engine(family_file(EMBEDDER), {"context_size": None}) as home:
        pieces = await home.tokenize("m", "Hello 😀 world")
    assert [piece.text.strip() for piece in pieces] == ["[CLS]", "hello", "[UNK]", "world"]


async def test_texts_of_all_kinds_are_tokenized(family_file: FamilyFile) -> None:
    async with engine(family_file("llama")) as home:
        for text in ("\x00", "\ud800", "\U0010ffff", "\ufdd0", " " * 1000, "é" * 100_000):
            assert len(await home.tokenize("m", text)) >= 2


def test_the_letters_of_a_control_token_are_not_merged_into_it(family_file: FamilyFile, tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(family_file("llama").read_bytes().replace(spelled("Th"), spelled("<s")))  # so "<s" + ">" can merge
    model = LlamaModel(read_header(path))
    tokens = model.vocabulary.plain_tokens("a <s> b<s>")
    text = b"".join(map(model.vocabulary.piece, tokens))
    model.close()
    assert 1 not in tokens
    assert text == b"a <s> b<s>"


def spelled(text: str) -> bytes:
    """A string in a GGUF file."""
    return len(text).to_bytes(8, "little") + text.encode()


@pytest.mark.parametrize("text", ["<a>", "<<a>>", "<<<a>>>", "<b<a>>", "<a><a>", "[x]", "x<a>y<<a>>"])
def test_a_token_within_another_is_not_parsed_either(text: str, tmp_path: Path) -> None:
    path = make_chains(tmp_path / "m.gguf", {"<a>": ["1"], "<<a>>": ["2"], "<b<a>>": ["3"], "[x]": ["4"]})
    model = LlamaModel(read_header(path))
    tokens = model.vocabulary.plain_tokens(text)
    is_mark = [model.vocabulary.is_mark(token) for token in tokens]
    parsed = model.vocabulary.template_tokens("<a>")
    model.close()
    assert not any(is_mark)
    assert len(parsed) == 1


def test_a_vocabulary_that_was_closed_is_not_read(family_file: FamilyFile) -> None:
    model = LlamaModel(read_header(family_file("qwen2")))
    model.close()
    for read in (model.vocabulary.plain_tokens, model.vocabulary.template_tokens):
        with pytest.raises(EngineClosed):
            read("hello")
    with pytest.raises(EngineClosed):
        model.vocabulary.name(300)


async def test_closing_the_engine_ends_tokenizing(family_file: FamilyFile) -> None:
    home = engine(family_file("qwen2"))
    await home.load("m")
    busy = [asyncio.create_task(home.tokenize("m", "the quick brown fox " * 20_000)) for _ in range(3)]
    await home.tokenize("m", "meanwhile")
    await home.close()
    results = await asyncio.gather(*busy, return_exceptions=True)
    assert all(isinstance(result, EngineClosed | tuple | list) for result in results)
