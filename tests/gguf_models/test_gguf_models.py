"""The tiny models do what their makers promise, as llama.cpp itself sees them."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from llama_cpp import llama_cpp as api
from numpy.typing import NDArray

from . import (
    EMBEDDER,
    FAMILIES,
    cut_in_header,
    cut_in_tensors,
    make,
    make_chain,
    make_chains,
    make_lora,
    make_scripted,
    spoil_magic,
)

ANY_TEXT = "Hello, wörld 😀"


class Loaded:
    """A model and a context of it in llama.cpp."""

    def __init__(self, model: int, context: int) -> None:
        self.model = model
        self.context = context
        self.vocab = api.llama_model_get_vocab(model)
        self.n_tokens = api.llama_vocab_n_tokens(self.vocab)

    def tokens(self, text: str, *, add_special: bool = True) -> list[int]:
        content = text.encode()
        buffer = (api.llama_token * (len(content) + 8))()
        n_tokens = api.llama_tokenize(self.vocab, content, len(content), buffer, len(buffer), add_special, True)
        return list(buffer[:n_tokens])

    def piece(self, token: int) -> bytes:
        buffer = ctypes.create_string_buffer(64)
        size = api.llama_token_to_piece(self.vocab, token, buffer, len(buffer), 0, False)
        assert size >= 0
        return buffer.raw[:size]

    def text(self, tokens: Sequence[int]) -> str:
        return b"".join(map(self.piece, tokens)).decode()

    def is_end(self, token: int) -> bool:
        return bool(api.llama_vocab_is_eog(self.vocab, token))

    def logits(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        """Those behind the last of `tokens`, which are appended to what was decoded before."""
        buffer = (api.llama_token * len(tokens))(*tokens)  # the batch only points to it
        assert api.llama_decode(self.context, api.llama_batch_get_one(buffer, len(tokens))) == 0
        return np.ctypeslib.as_array(api.llama_get_logits_ith(self.context, -1), shape=(self.n_tokens,)).copy()

    def continuation(self, prompt: str, n_max: int = 100) -> list[int]:
        """The most probable tokens behind `prompt`, up to the end token or `n_max`."""
        found: list[int] = []
        token = int(self.logits(self.tokens(prompt)).argmax())
        while not self.is_end(token) and len(found) < n_max:
            found.append(token)
            token = int(self.logits([token]).argmax())
        return found


def load(path: Path) -> int | None:
    parameters = api.llama_model_default_params()
    parameters.n_gpu_layers = 0
    model: int | None = api.llama_model_load_from_file(str(path).encode(), parameters)
    return model


@contextmanager
def loaded(path: Path, *, embeds: bool = False) -> Iterator[Loaded]:
    model = load(path)
    assert model is not None
    parameters = api.llama_context_default_params()
    parameters.n_ctx = 512
    parameters.n_threads = parameters.n_threads_batch = 1
    parameters.embeddings = embeds
    context = api.llama_init_from_model(model, parameters)
    assert context is not None
    yield Loaded(model, context)
    api.llama_free(context)
    api.llama_model_free(model)


@pytest.mark.parametrize("family", FAMILIES)
def test_any_text_survives_the_tokenizer(family: str, tmp_path: Path) -> None:
    with loaded(make(family, tmp_path / "m.gguf")) as model:
        tokens = model.tokens(ANY_TEXT, add_special=False)
        space_prefix = " " if family == "llama" else ""
        assert model.text(tokens) == space_prefix + ANY_TEXT


@pytest.mark.parametrize("family", FAMILIES)
def test_a_common_word_is_one_token(family: str, tmp_path: Path) -> None:
    with loaded(make(family, tmp_path / "m.gguf")) as model:
        tokens = model.tokens("Hello world", add_special=False)
        assert [model.piece(token) for token in tokens[-2:]] == [b"Hello", b" world"]


def test_only_the_sentence_piece_family_begins_with_bos(tmp_path: Path) -> None:
    begins = {}
    for family in FAMILIES:
        with loaded(make(family, tmp_path / "m.gguf")) as model:
            begins[family] = model.tokens("a")[0] == api.llama_vocab_bos(model.vocab)
    assert [family for family, has_bos in begins.items() if has_bos] == ["llama"]


@pytest.mark.parametrize("family", FAMILIES)
def test_logits_are_finite_and_differ(family: str, tmp_path: Path) -> None:
    with loaded(make(family, tmp_path / "m.gguf")) as model:
        logits = model.logits(model.tokens(ANY_TEXT))
        assert np.isfinite(logits).all()
        assert 1 < logits.std() < 5


@pytest.mark.parametrize("family", FAMILIES)
def test_greedy_text_is_varied_plain_and_does_not_end(family: str, tmp_path: Path) -> None:
    with loaded(make(family, tmp_path / "m.gguf")) as model:
        tokens = model.continuation("Hello world", n_max=50)
        assert len(tokens) == 50
        assert len(set(tokens)) > 15
        assert model.text(tokens).isascii()


@pytest.mark.parametrize("family", FAMILIES)
def test_the_text_depends_on_more_than_the_last_token(family: str, tmp_path: Path) -> None:
    path = make(family, tmp_path / "m.gguf")
    texts = set()
    for prompt in ("the world", "your world", "Hello, is this a world"):
        with loaded(path) as model:
            texts.add(model.text(model.continuation(prompt, n_max=10)))
    assert len(texts) == 3


@pytest.mark.parametrize("family", [*FAMILIES, EMBEDDER])
def test_equal_seeds_give_equal_small_files(family: str, tmp_path: Path) -> None:
    first, again, other = (make(family, tmp_path / f"{i}.gguf", seed=seed) for i, seed in enumerate((1, 1, 2)))
    assert first.read_bytes() == again.read_bytes() != other.read_bytes()
    assert first.stat().st_size < 1 << 20


def test_the_context_length_is_the_one_asked_for(tmp_path: Path) -> None:
    for family in [*FAMILIES, EMBEDDER]:
        with loaded(make(family, tmp_path / "m.gguf", context_length=96)) as model:
            assert api.llama_model_n_ctx_train(model.model) == 96


def test_an_unknown_family_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown family 'mamba'"):
        make("mamba", tmp_path / "m.gguf")


def test_the_chat_families_carry_a_template_with_control_tokens(tmp_path: Path) -> None:
    for family in ("llama-chatml", "qwen2"):
        with loaded(make(family, tmp_path / "m.gguf")) as model:
            assert b"<|im_start|>" in api.llama_model_chat_template(model.model, None)
            (token,) = model.tokens("<|im_end|>")
            assert model.is_end(token)
            assert model.piece(token) == b""


def embedding(model: Loaded, text: str) -> NDArray[np.float32]:
    tokens = model.tokens(text)
    buffer = (api.llama_token * len(tokens))(*tokens)
    assert api.llama_encode(model.context, api.llama_batch_get_one(buffer, len(tokens))) == 0
    values = api.llama_get_embeddings_seq(model.context, 0)
    return np.ctypeslib.as_array(values, shape=(api.llama_model_n_embd(model.model),)).copy()


def test_the_embedder_pools_finite_embeddings_that_tell_texts_apart(tmp_path: Path) -> None:
    with loaded(make(EMBEDDER, tmp_path / "m.gguf"), embeds=True) as model:
        hello, name = (embedding(model, text) for text in ("hello world", "your name is zebra7"))
        assert np.isfinite(hello).all()
        assert hello.std() > 0.1
        assert not np.allclose(hello, name, atol=0.1)


def test_the_embedder_spells_unknown_words_and_frames_the_text(tmp_path: Path) -> None:
    with loaded(make(EMBEDDER, tmp_path / "m.gguf"), embeds=True) as model:
        first, *inner, last = model.tokens("The Wörld, quizzing 42!")
        assert (first, last) == (api.llama_vocab_bos(model.vocab), api.llama_vocab_sep(model.vocab))
        assert [model.piece(token) for token in inner[:3]] == [b" the", b" world", b" ,"]
        assert b"".join(map(model.piece, inner)) == b" the world , quizzing 42 !"


def test_the_adapter_changes_the_logits_of_the_llama_families(tmp_path: Path) -> None:
    lora = str(make_lora(tmp_path / "lora.gguf")).encode()
    for family in ("llama", "llama-chatml"):
        with loaded(make(family, tmp_path / "m.gguf")) as model:
            plain = model.logits(model.tokens("the"))
            adapters = (api.llama_adapter_lora_p_ctypes * 1)(api.llama_adapter_lora_init(model.model, lora))
            assert api.llama_set_adapters_lora(model.context, adapters, 1, (ctypes.c_float * 1)(1.0)) == 0
            api.llama_memory_clear(api.llama_get_memory(model.context), True)
            adapted = model.logits(model.tokens("the"))
            assert np.isfinite(adapted).all()
            assert np.abs(adapted - plain).max() > 1


def test_another_architecture_refuses_the_adapter(tmp_path: Path) -> None:
    lora = str(make_lora(tmp_path / "lora.gguf")).encode()
    with loaded(make("qwen2", tmp_path / "m.gguf")) as model:
        assert not api.llama_adapter_lora_init(model.model, lora)  # a null pointer object, never None


@pytest.mark.parametrize("damage", [cut_in_tensors, cut_in_header, spoil_magic])
@pytest.mark.parametrize("family", [FAMILIES[0], EMBEDDER])
def test_a_damaged_file_does_not_load(damage: Callable[[Path, Path], Path], family: str, tmp_path: Path) -> None:
    source = make(family, tmp_path / "whole.gguf")
    assert load(damage(source, tmp_path / "damaged.gguf")) is None


def test_a_chain_is_followed_token_by_token_and_ends(tmp_path: Path) -> None:
    pieces = ["Once", " upon", " a", " time", ",\n", "the end", "."]
    with loaded(make_chain(tmp_path / "m.gguf", pieces, ">")) as model:
        tokens = model.continuation("any prompt, wörld 😀 >")
        assert [model.piece(token) for token in tokens] == [piece.encode() for piece in pieces]


def test_a_chain_can_split_characters_and_repeat_bytes(tmp_path: Path) -> None:
    pieces: list[str | bytes] = [b"\xf0\x9f", b"\x98", b"\x80", "a", "a", "a", b"b\xc3", b"\xb6", b">", "a"]
    with loaded(make_chain(tmp_path / "m.gguf", pieces, ">")) as model:
        tokens = model.continuation("a>")
        assert len(tokens) == len(pieces)
        assert model.text(tokens) == "😀aaabö>a"


def test_a_scripted_model_says_its_text(tmp_path: Path) -> None:
    text = '{"name": "Zoë", "tags": ["a", "a"]}\n' * 5
    with loaded(make_scripted(tmp_path / "m.gguf", text, "JSON:")) as model:
        assert model.text(model.continuation("Give me JSON:", n_max=300)) == text


def test_chains_of_one_model_do_not_disturb_each_other(tmp_path: Path) -> None:
    path = make_chains(tmp_path / "m.gguf", {"1": ["one", " two"], "Q?": ["yes", b"!"], "\n": []})
    said = {}
    for prompt in ("tell 1", "Q?", "x\n", "nothing here"):
        with loaded(path) as model:
            said[prompt] = model.text(model.continuation(prompt))
    assert said == {"tell 1": "one two", "Q?": "yes!", "x\n": "", "nothing here": ""}


def test_a_chain_answers_a_chat(tmp_path: Path) -> None:
    with loaded(make_chain(tmp_path / "m.gguf", ["Hello", "."], "\n")) as model:
        prompt = "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"
        assert model.text(model.continuation(prompt)) == "Hello."


def test_the_successor_leads_by_far(tmp_path: Path) -> None:
    with loaded(make_scripted(tmp_path / "m.gguf", "x" * 400)) as model:
        logits = np.sort(model.logits(model.tokens("go>")))
        assert logits[-1] - logits[-2] > 30


def test_a_start_outside_ascii_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected ASCII"):
        make_chain(tmp_path / "m.gguf", ["x"], "é")


@pytest.mark.parametrize("pieces", [["ab", "c", "ab"], ["ab", ""], ["<|im_end|>"]])
def test_a_piece_that_cannot_be_its_own_token_is_refused(pieces: list[str], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected"):
        make_chain(tmp_path / "m.gguf", pieces)
