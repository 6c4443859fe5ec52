"""Tiny GGUF files for tests, made on the spot: no download, a few milliseconds and less than 1 MB each.

make(family, path)          random weights; FAMILIES generate text, EMBEDDER embeds it
make_chain(path, pieces)    a llama model whose continuation is known token by token
make_scripted(path, text)   the same from a text, one byte per token
make_lora(path)             an adapter for the llama families
cut_in_tensors(source, path), cut_in_header, spoil_magic    damaged copies
"""

from .adapter import make_lora
from .chain import make_chain, make_chains, make_scripted
from .damage import cut_in_header, cut_in_tensors, spoil_magic
from .families import EMBEDDER, FAMILIES, make

__all__ = [
    "EMBEDDER",
    "FAMILIES",
    "cut_in_header",
    "cut_in_tensors",
    "make",
    "make_chain",
    "make_chains",
    "make_lora",
    "make_scripted",
    "spoil_magic",
]
