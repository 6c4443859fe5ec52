"""Tiny models with random weights, one for each family: real architecture, real tokenizer, no knowledge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gguf import PoolingType

from .gguf_file import Metadata, Value, write
from .vocabulary import CHATML, CHATML_SPECIALS, Token, Vocabulary, byte_level, sentence_piece, word_piece
from .weights import Weights

N_LAYERS = 2
N_EMBD = 64
N_HEADS = 2  # of 32 values each, the least that a quantised KV cache can hold
N_HEADS_KV = 1  # llama and qwen2 only
N_EMBD_KV = N_EMBD // N_HEADS * N_HEADS_KV
N_FF = 128

_EMBEDDER_N_EMBD = 32
_EMBEDDER_N_FF = 64


@dataclass(frozen=True, slots=True)
class _Family:
    architecture: str
    vocabulary: Callable[[], Vocabulary]
    metadata: Metadata  # what differs from the common keys, without the architecture's prefix
    add_block: Callable[[Weights, str], None]
    has_norm_bias: bool = True
    has_positions: bool = False
    has_embedding_norm: bool = False


def make(
    family: str, path: Path, *, seed: int = 0, context_length: int | None = None, more_tokens: Sequence[Token] = ()
) -> Path:
    """Write a model of `family`, one of FAMILIES or EMBEDDER, to `path` and return `path`.

    Equal arguments give equal bytes. `more_tokens` join the vocabulary of a model that generates. `context_length` is
    512 unless given, 128 for the embedder. Raises ValueError for an unknown family.
    """
    if family == EMBEDDER:
        return _make_embedder(path, seed, context_length or 128)
    if family not in _FAMILIES:
        raise ValueError(f"unknown family {family!r}, expected one of {', '.join((*FAMILIES, EMBEDDER))}")
    return _make_generator(family, path, seed, context_length or 512, more_tokens)


def _make_generator(name: str, path: Path, seed: int, context_length: int, more_tokens: Sequence[Token]) -> Path:
    family = _FAMILIES[name]
    vocabulary = family.vocabulary()
    vocabulary = replace(vocabulary, tokens=[*vocabulary.tokens, *more_tokens])
    weights = Weights(seed)
    weights.normal("token_embd.weight", (len(vocabulary.tokens), N_EMBD))
    if family.has_positions:
        weights.normal("position_embd.weight", (context_length, N_EMBD), 0.5)
    if family.has_embedding_norm:
        weights.norm("token_embd_norm", N_EMBD, has_bias=True)
    for index in range(N_LAYERS):
        family.add_block(weights, f"blk.{index}")
    weights.norm("output_norm", N_EMBD, has_bias=family.has_norm_bias)
    weights.output(N_EMBD, vocabulary.tokens)
    metadata = {**_common_metadata(context_length, N_EMBD, N_FF), **family.metadata}
    return _write(path, family.architecture, metadata, weights, vocabulary)


def _make_embedder(path: Path, seed: int, context_length: int) -> Path:
    vocabulary = word_piece()
    weights = Weights(seed)
    weights.normal("token_embd.weight", (len(vocabulary.tokens), _EMBEDDER_N_EMBD))
    weights.normal("token_types.weight", (2, _EMBEDDER_N_EMBD), 0.2)
    weights.normal("position_embd.weight", (context_length, _EMBEDDER_N_EMBD), 0.2)
    weights.norm("token_embd_norm", _EMBEDDER_N_EMBD, has_bias=True)
    for index in range(N_LAYERS):
        _add_bert_block(weights, f"blk.{index}")
    metadata = {**_common_metadata(context_length, _EMBEDDER_N_EMBD, _EMBEDDER_N_FF), **_BERT}
    return _write(path, "bert", metadata, weights, vocabulary)


def _write(path: Path, architecture: str, metadata: Metadata, weights: Weights, vocabulary: Vocabulary) -> Path:
    named = {f"{architecture}.{key}": value for key, value in metadata.items()}
    return write(path, architecture, {"general.name": f"tiny {architecture}", **named}, weights.tensors, vocabulary)


def _common_metadata(context_length: int, n_embd: int, n_ff: int) -> dict[str, Value]:
    return {
        "context_length": context_length,
        "embedding_length": n_embd,
        "block_count": N_LAYERS,
        "feed_forward_length": n_ff,
        "attention.head_count": N_HEADS,
    }


def _add_gated_block(weights: Weights, block: str, *, has_qkv_bias: bool = False) -> None:
    """LLaMA's block: RMS norm, grouped-query attention, gated feed-forward."""
    weights.norm(f"{block}.attn_norm", N_EMBD)
    weights.attention(block, N_EMBD, N_EMBD_KV, has_bias=has_qkv_bias)
    weights.linear(f"{block}.attn_output", N_EMBD, N_EMBD)
    weights.norm(f"{block}.ffn_norm", N_EMBD)
    weights.linear(f"{block}.ffn_gate", N_EMBD, N_FF)
    weights.linear(f"{block}.ffn_up", N_EMBD, N_FF)
    weights.linear(f"{block}.ffn_down", N_FF, N_EMBD)


def _add_qwen2_block(weights: Weights, block: str) -> None:
    _add_gated_block(weights, block, has_qkv_bias=True)


def _add_fused_block(weights: Weights, block: str, *, has_bias: bool = True) -> None:
    """GPT's block: layer norm, one matrix for queries, keys and values, plain feed-forward."""
    weights.norm(f"{block}.attn_norm", N_EMBD, has_bias=has_bias)
    weights.fused_attention(block, N_EMBD, has_bias=has_bias)
    weights.linear(f"{block}.attn_output", N_EMBD, N_EMBD, has_bias=has_bias)
    weights.norm(f"{block}.ffn_norm", N_EMBD, has_bias=has_bias)
    weights.linear(f"{block}.ffn_up", N_EMBD, N_FF, has_bias=has_bias)
    weights.linear(f"{block}.ffn_down", N_FF, N_EMBD, has_bias=has_bias)


def _add_mpt_block(weights: Weights, block: str) -> None:
    _add_fused_block(weights, block, has_bias=False)


def _add_bert_block(weights: Weights, block: str) -> None:
    """BERT's block: its norms come behind attention and feed-forward."""
    weights.attention(block, _EMBEDDER_N_EMBD, _EMBEDDER_N_EMBD, has_bias=True)
    weights.linear(f"{block}.attn_output", _EMBEDDER_N_EMBD, _EMBEDDER_N_EMBD, has_bias=True)
    weights.norm(f"{block}.attn_output_norm", _EMBEDDER_N_EMBD, has_bias=True)
    weights.linear(f"{block}.ffn_up", _EMBEDDER_N_EMBD, _EMBEDDER_N_FF, has_bias=True)
    weights.linear(f"{block}.ffn_down", _EMBEDDER_N_FF, _EMBEDDER_N_EMBD, has_bias=True)
    weights.norm(f"{block}.layer_output_norm", _EMBEDDER_N_EMBD, has_bias=True)


def _chatml_vocabulary() -> Vocabulary:
    return byte_level("smollm", CHATML_SPECIALS, chat_template=CHATML)


def _qwen2_vocabulary() -> Vocabulary:
    specials = {"<|endoftext|>": ["bos", "padding"], "<|im_start|>": [], "<|im_end|>": ["eos"]}
    return byte_level("qwen2", specials, chat_template=CHATML)


def _gpt_vocabulary(pre: str) -> Callable[[], Vocabulary]:
    return lambda: byte_level(pre, {"<|endoftext|>": ["bos", "eos", "unknown"]})


def _bloom_vocabulary() -> Vocabulary:
    return byte_level("bloom", {"<unk>": ["unknown"], "<s>": ["bos"], "</s>": ["eos"], "<pad>": ["padding"]})


_ROTARY_RMS: Metadata = {
    "attention.head_count_kv": N_HEADS_KV,
    "attention.layer_norm_rms_epsilon": 1e-5,
    "rope.dimension_count": N_EMBD // N_HEADS,  # llama.cpp wants the whole head for llama
    "rope.freq_base": 10000.0,
}
_LAYER_NORM: Metadata = {"attention.layer_norm_epsilon": 1e-5}
_NEOX: Metadata = {**_LAYER_NORM, "rope.dimension_count": N_EMBD // N_HEADS // 4, "use_parallel_residual": True}
_MPT: Metadata = {**_LAYER_NORM, "attention.max_alibi_bias": 8.0}
_BERT: Metadata = {"attention.layer_norm_epsilon": 1e-12, "attention.causal": False, "pooling_type": PoolingType.MEAN}

_FAMILIES = {
    "llama": _Family("llama", sentence_piece, _ROTARY_RMS, _add_gated_block, has_norm_bias=False),
    "llama-chatml": _Family("llama", _chatml_vocabulary, _ROTARY_RMS, _add_gated_block, has_norm_bias=False),
    "qwen2": _Family("qwen2", _qwen2_vocabulary, _ROTARY_RMS, _add_qwen2_block, has_norm_bias=False),
    "gptneox": _Family("gptneox", _gpt_vocabulary("olmo"), _NEOX, _add_fused_block),
    "mpt": _Family("mpt", _gpt_vocabulary("mpt"), _MPT, _add_mpt_block, has_norm_bias=False),
    "gpt2": _Family("gpt2", _gpt_vocabulary("gpt-2"), _LAYER_NORM, _add_fused_block, has_positions=True),
    "bloom": _Family("bloom", _bloom_vocabulary, _LAYER_NORM, _add_fused_block, has_embedding_norm=True),
}

FAMILIES = tuple(_FAMILIES)
EMBEDDER = "bert"
