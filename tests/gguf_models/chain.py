"""Models that say what a test wrote down: each token has one successor, whatever came before it.

The only block adds nothing to the residual stream, so the last hidden state is the direction of the last token alone.
The output rows point from there to the successor with a logit far above all others: greedy decoding follows the
chain, and so does sampling at any usual temperature.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

import numpy as np
from gguf import TokenType
from numpy.typing import NDArray

from .gguf_file import Metadata, Tensors, write
from .vocabulary import CHATML, CHATML_SPECIALS, Token, Vocabulary, byte_level_alphabet, roles_to_ids, spell_bytes

Piece: TypeAlias = str | bytes | Token

_LOGIT = 80.0
_N_EMBD = 128  # random directions in so many dimensions hardly overlap
_N_HEADS = 4
_N_FF = 32
_SPECIAL_IDS = roles_to_ids(CHATML_SPECIALS)
_EOS = _SPECIAL_IDS["eos"]


def make_scripted(path: Path, text: str, start: str = ">", *, context_length: int = 512) -> Path:
    """Write a model that continues a prompt ending in `start` with `text`, one byte per token, and then ends."""
    return make_chain(path, [bytes([byte]) for byte in text.encode()], start, context_length=context_length)


def make_chain(path: Path, pieces: Sequence[Piece], start: str = ">", *, context_length: int = 512) -> Path:
    """Write a model that continues a prompt ending in `start` with `pieces`, one per token, and then ends.

    See make_chains, of which this is the case of one chain.
    """
    return make_chains(path, {start: pieces}, context_length=context_length)


def make_chains(path: Path, chains: Mapping[str, Sequence[Piece]], *, context_length: int = 512) -> Path:
    """Write a model that continues each start with its pieces; after any other last token it ends at once.

    Prompts are cut into single bytes, control tokens and starts of several bytes; the vocabulary and the chat template
    are ChatML's, so "\\n" starts every answer to a chat. Pieces may be parts of a character. A piece of one byte may
    come as often as you like; a token of any kind may be a piece. Raises ValueError for an empty piece, for a longer
    one that comes twice, because llama.cpp knows a token by its text, and for a start that is not ASCII.
    """
    tokens = byte_level_alphabet(tuple(CHATML_SPECIALS))
    successors: dict[int, int] = {}
    for start, pieces in chains.items():
        chain = [_start_id(tokens, start), *(_add_piece(tokens, piece) for piece in pieces), _EOS]
        successors.update(pairwise(chain))
    return write(path, "llama", _metadata(context_length), _tensors(successors, len(tokens)), _vocabulary(tokens))


def _start_id(tokens: list[Token], start: str) -> int:
    """The id of the token that the tokenizer makes of `start`, which joins `tokens` if it is not there yet."""
    texts = [token.text for token in tokens]
    if not start.isascii():
        # Its verbatim text could be that of a byte: "é" spells the byte 0xE9.
        raise ValueError(f"the start {start!r} cannot be one token, expected ASCII")
    if start in CHATML_SPECIALS:
        return texts.index(start)
    if len(start) == 1:
        return texts.index(spell_bytes(start.encode()))
    return _add(tokens, Token(start, TokenType.USER_DEFINED))


def _add_piece(tokens: list[Token], piece: Piece) -> int:
    if isinstance(piece, Token):
        return _add(tokens, piece)
    content = piece.encode() if isinstance(piece, str) else piece
    if len(content) == 1:
        # llama.cpp reads a byte token's value from the two digits and takes any text behind them.
        return _add(tokens, Token(f"<0x{content.hex().upper()}>#{len(tokens)}", TokenType.BYTE))
    return _add(tokens, Token(spell_bytes(content)))


def _add(tokens: list[Token], token: Token) -> int:
    if not token.text:
        raise ValueError("a start or a piece is empty, expected at least one byte")
    if any(token.text == other.text for other in tokens):
        raise ValueError(f"{token.text!r} comes twice, expected distinct texts; single bytes may repeat")
    tokens.append(token)
    return len(tokens) - 1


def _vocabulary(tokens: Sequence[Token]) -> Vocabulary:
    return Vocabulary(
        model="gpt2",
        pre="smollm",
        tokens=tokens,
        # llama.cpp wants the key but GGUFWriter skips an empty list; this pair never stands in a text.
        merges=["<|im_start|> <|im_end|>"],
        special_ids=_SPECIAL_IDS,
        flags={"add_bos_token": False},
        chat_template=CHATML,
    )


def _metadata(context_length: int) -> Metadata:
    return {
        "general.name": "tiny chain",
        "llama.context_length": context_length,
        "llama.embedding_length": _N_EMBD,
        "llama.block_count": 1,
        "llama.feed_forward_length": _N_FF,
        "llama.attention.head_count": _N_HEADS,
        "llama.attention.head_count_kv": 1,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.rope.dimension_count": _N_EMBD // _N_HEADS,
    }


def _tensors(successors: Mapping[int, int], n_tokens: int) -> Tensors:
    directions = np.random.default_rng(0).standard_normal((n_tokens, _N_EMBD), dtype=np.float32)
    directions *= np.float32(_N_EMBD**0.5) / np.linalg.norm(directions, axis=1, keepdims=True)
    outside = [token_id for token_id in range(n_tokens) if token_id not in successors]
    directions[outside] = directions[_EOS]  # one direction for all of them, so that one row leads them to the end
    rows = np.zeros_like(directions)
    for token_id, successor in {**successors, _EOS: _EOS}.items():
        rows[successor] += directions[token_id] * np.float32(_LOGIT / _N_EMBD)
    return {
        "token_embd.weight": directions,
        **_idle_block(),
        "output_norm.weight": np.ones(_N_EMBD, np.float32),
        "output.weight": rows,
    }


def _idle_block() -> dict[str, NDArray[np.float32]]:
    """A LLaMA block that adds nothing."""
    n_kv = _N_EMBD // _N_HEADS
    shapes = {
        "attn_q": (_N_EMBD, _N_EMBD),
        "attn_k": (n_kv, _N_EMBD),
        "attn_v": (n_kv, _N_EMBD),
        "attn_output": (_N_EMBD, _N_EMBD),
        "ffn_gate": (_N_FF, _N_EMBD),
        "ffn_up": (_N_FF, _N_EMBD),
        "ffn_down": (_N_EMBD, _N_FF),
    }
    norms = {f"blk.0.{name}.weight": np.ones(_N_EMBD, np.float32) for name in ("attn_norm", "ffn_norm")}
    return {**norms, **{f"blk.0.{name}.weight": np.zeros(shape, np.float32) for name, shape in shapes.items()}}
