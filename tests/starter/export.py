"""Writes a checkpoint as a GGUF file for llama.cpp: `python -m tests.starter.export --work DIR OUT.gguf`."""

import argparse
import json
from pathlib import Path

import gguf
import numpy as np
import torch

from .model import Shape
from .tokenizer import END, END_OF_TEXT, SPECIALS, START

_CHAT_TEMPLATE = (
    "{% for m in messages %}{{'<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>\\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{'<|im_start|>assistant\\n'}}{% endif %}"
)
_QUANTIZATIONS = {
    "q8_0": (gguf.GGMLQuantizationType.Q8_0, gguf.LlamaFileType.MOSTLY_Q8_0),
    "f16": (gguf.GGMLQuantizationType.F16, gguf.LlamaFileType.MOSTLY_F16),
}


def export(work: Path, out: Path, quantization: str) -> None:
    """Write the checkpoint and the tokenizer of a training folder into one file."""
    state = torch.load(work / "checkpoint.pt")
    tokenizer = json.loads((work / "tokenizer.json").read_text())
    tensor_type, file_type = _QUANTIZATIONS[quantization]
    writer = gguf.GGUFWriter(out, "llama")
    writer.add_file_type(file_type)
    _describe(writer, Shape(**state["shape"]))
    _add_tokenizer(writer, tokenizer)
    _add_tensors(writer, {name: t.float().numpy() for name, t in state["model"].items()}, tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _describe(writer: gguf.GGUFWriter, shape: Shape) -> None:
    writer.add_name("Poly starter")
    writer.add_description("The tiny chat model that ships with Poly, trained from scratch on generated text")
    writer.add_license("apache-2.0")
    writer.add_block_count(shape.layers)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads)
    writer.add_layer_norm_rms_eps(shape.epsilon)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_rope_dimension_count(shape.head_width)
    writer.add_vocab_size(shape.vocabulary)


def _add_tokenizer(writer: gguf.GGUFWriter, tokenizer: dict[str, dict[str, object]]) -> None:
    vocabulary: dict[str, int] = tokenizer["model"]["vocab"]  # type: ignore[assignment]  # JSON
    merges: list[str | list[str]] = tokenizer["model"]["merges"]  # type: ignore[assignment]  # JSON
    tokens = sorted(vocabulary, key=vocabulary.__getitem__)
    kinds = [gguf.TokenType.CONTROL if token in SPECIALS else gguf.TokenType.NORMAL for token in tokens]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge) for merge in merges])
    writer.add_bos_token_id(vocabulary[START])
    writer.add_eos_token_id(vocabulary[END])
    writer.add_pad_token_id(vocabulary[END_OF_TEXT])
    writer.add_add_bos_token(False)
    writer.add_chat_template(_CHAT_TEMPLATE)


def _add_tensors(
    writer: gguf.GGUFWriter, weights: dict[str, np.ndarray], tensor_type: gguf.GGMLQuantizationType
) -> None:
    """Our parameters already have llama.cpp's names; no output matrix means that the embeddings serve as one."""
    for name, weight in weights.items():
        if weight.ndim == 1:
            writer.add_tensor(name, weight)
        else:
            writer.add_tensor(name, gguf.quants.quantize(weight, tensor_type), raw_dtype=tensor_type)


def main() -> None:
    """Export a training folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder of the tokenizer and the checkpoint")
    parser.add_argument("--quantization", choices=list(_QUANTIZATIONS), default="q8_0")
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    export(options.work, options.out, options.quantization)
    print(f"{options.out}: {options.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
