"""Text to tokens and back, over the real llama.cpp."""

from collections.abc import Iterator
from itertools import pairwise

import pytest

from poly_engine.llama.model import LlamaModel
from poly_engine.llama.vocabulary import Vocabulary, _pieces
from poly_engine.models.gguf import read_header
from tests.gguf_models import FAMILIES, make


@pytest.fixture(scope="module", params=FAMILIES)
def vocabulary(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vocabulary]:
    path = make(request.param, tmp_path_factory.mktemp("models") / "model.gguf")
    model = LlamaModel(read_header(path))
    yield model.vocabulary
    model.close()


@pytest.mark.parametrize("text", ["Hello, wörld 😀", "a\nb\n\n c  d", "中文字", "\0 and \x7f", "x" * 10_000])
def test_the_pieces_of_plain_text_are_the_text_again(vocabulary: Vocabulary, text: str) -> None:
    pieces = b"".join(vocabulary.piece(token) for token in vocabulary.plain_tokens(text))
    assert pieces.decode() == text


def test_cutting_a_long_text_does_not_change_its_tokens(vocabulary: Vocabulary) -> None:
    text = "the quick brown fox, it is said, jumps over 13 lazy dogs\n" * 400
    whole = vocabulary._tokenize_piece(text, parse_special=False)
    assert vocabulary.plain_tokens(text) == whole


@pytest.mark.parametrize("letter", ["a", " ", "7", "中", "!"])
def test_a_long_run_of_one_character_is_tokenised(vocabulary: Vocabulary, letter: str) -> None:
    assert len(vocabulary.plain_tokens(letter * 100_000)) > 0


def test_a_special_token_in_plain_text_is_only_text(vocabulary: Vocabulary) -> None:
    marks = [vocabulary.name(token) for token in range(vocabulary.n_tokens) if vocabulary.is_special(token)]
    assert marks
    for mark in marks:
        assert not any(vocabulary.is_special(token) for token in vocabulary.plain_tokens(f"a {mark} b"))
        assert any(vocabulary.is_special(token) for token in vocabulary.template_tokens(f"a{mark}b"))


def test_the_pieces_of_a_long_text_are_the_text_and_none_is_long() -> None:
    text = ("word " * 3000) + "x" * 20_000 + "中 " * 5000
    pieces = list(_pieces(text))
    assert "".join(pieces) == text
    assert all(0 < len(piece) <= 8192 for piece in pieces)
    inside_words = [(a, b) for a, b in pairwise(pieces) if not b.startswith(" ") and "x" not in a + b]
    assert inside_words == []
