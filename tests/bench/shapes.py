"""Model files of realistic shapes with random weights: real cost, no knowledge."""

from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np

Q8_BLOCK = 32
VOCABULARY_SIZE = 151_936


@dataclass(frozen=True)
class Shape:
    n_layers: int
    size: int
    n_heads: int
    n_kv_heads: int
    feed_forward: int
    context: int = 8192
    n_vocab: int = VOCABULARY_SIZE


SHAPES = {
    "tiny": Shape(4, 128, 4, 2, 256, n_vocab=4096),
    "0.5b": Shape(24, 896, 14, 2, 4864),
}


def write_model(path: Path, shape: Shape) -> None:
    """Write a q8_0 model in llama's architecture. Its tokens are the bytes and then `t300`, `t301`, …"""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.size)
    writer.add_block_count(shape.n_layers)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.n_heads)
    writer.add_head_count_kv(shape.n_kv_heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(shape.size // shape.n_heads)
    writer.add_vocab_size(shape.n_vocab)
    _add_vocabulary(writer, shape.n_vocab)
    _add_tensors(writer, shape)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_vocabulary(writer: gguf.GGUFWriter, n_vocab: int) -> None:
    letters = [chr(code) for code in (*range(33, 127), *range(161, 173), *range(174, 256), *range(256, 324))]
    tokens = [*letters, "<|end|>", *(f"t{i}" for i in range(len(letters) + 1, n_vocab))]
    kinds = [gguf.TokenType.NORMAL] * n_vocab
    kinds[len(letters)] = gguf.TokenType.CONTROL
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(["t 1"])
    writer.add_eos_token_id(len(letters))


def _add_tensors(writer: gguf.GGUFWriter, shape: Shape) -> None:
    random = np.random.default_rng(7)
    kv_size = shape.size // shape.n_heads * shape.n_kv_heads

    def matrix(name: str, n_rows: int, n_columns: int) -> None:
        blocks = np.empty((n_rows, n_columns // Q8_BLOCK, 2 + Q8_BLOCK), np.uint8)
        blocks[:, :, :2] = np.frombuffer(np.float16(n_columns**-0.5 / 74).tobytes(), np.uint8)
        blocks[:, :, 2:] = random.integers(0, 256, (n_rows, n_columns // Q8_BLOCK, Q8_BLOCK), np.uint8)
        writer.add_tensor(name, blocks.reshape(n_rows, -1), raw_dtype=gguf.GGMLQuantizationType.Q8_0)

    def ones(name: str) -> None:
        writer.add_tensor(name, np.ones(shape.size, np.float32))

    matrix("token_embd.weight", shape.n_vocab, shape.size)
    for layer in range(shape.n_layers):
        block = f"blk.{layer}."
        ones(block + "attn_norm.weight")
        ones(block + "ffn_norm.weight")
        matrix(block + "attn_q.weight", shape.size, shape.size)
        matrix(block + "attn_k.weight", kv_size, shape.size)
        matrix(block + "attn_v.weight", kv_size, shape.size)
        matrix(block + "attn_output.weight", shape.size, shape.size)
        matrix(block + "ffn_gate.weight", shape.feed_forward, shape.size)
        matrix(block + "ffn_up.weight", shape.feed_forward, shape.size)
        matrix(block + "ffn_down.weight", shape.size, shape.feed_forward)
    ones("output_norm.weight")
    matrix("output.weight", shape.n_vocab, shape.size)
