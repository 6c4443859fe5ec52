"""Copies of GGUF files with random damage, each the same for the same seed."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

__all__ = ["mutated"]

_ODD_NUMBERS = (
    0,
    1,
    2,
    0x7F,
    0xFF,
    0x7FFF,
    0xFFFF,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    1 << 40,
    (1 << 63) - 1,
    1 << 63,
)
_FIGURES = (
    *(b"block_count", b"embedding_length", b"head_count", b"head_count_kv", b"feed_forward_length"),
    *(b"context_length", b"dimension_count", b"vocab_size", b"_token_id", b"layer_norm_rms_epsilon"),
)

Damage = Callable[[random.Random, bytearray, int], None]


def mutated(content: bytes, header_bytes: int, seed: int) -> bytes:
    """Damage a file whose first `header_bytes` are its header: most of the damage is done there."""
    chance = random.Random(seed)
    damaged = bytearray(content)
    reach = header_bytes if chance.random() < 0.85 else len(content)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        chance.choice(_DAMAGES)(chance, damaged, min(reach, len(damaged)))
    return bytes(damaged)


def _flip(chance: random.Random, content: bytearray, reach: int) -> None:
    for _ in range(chance.choice((1, 2, 8))):
        content[chance.randrange(4, reach)] = chance.randrange(256)


def _odd_number(chance: random.Random, content: bytearray, reach: int) -> None:
    number, form = chance.choice(_ODD_NUMBERS), chance.choice(["<I", "<Q"])
    place = chance.randrange(4, reach - 8)
    struct.pack_into(form, content, place, number % (1 << 8 * struct.calcsize(form)))


def _other_figure(chance: random.Random, content: bytearray, reach: int) -> None:
    """Change the value of a figure of the architecture, such as its number of layers: u32, behind key and type."""
    key = chance.choice(_FIGURES) + struct.pack("<I", chance.choice((4, 6)))
    if (place := content.find(key, 0, reach)) >= 0:
        struct.pack_into(
            "<I", content, place + len(key), chance.choice((*_ODD_NUMBERS[:10], chance.randrange(1 << 12)))
        )


def _cut(chance: random.Random, content: bytearray, reach: int) -> None:
    del content[chance.randrange(4, reach) :]


def _remove(chance: random.Random, content: bytearray, reach: int) -> None:
    place = chance.randrange(4, reach)
    del content[place : place + chance.choice((1, 4, 8, 64))]


def _insert(chance: random.Random, content: bytearray, reach: int) -> None:
    place = chance.randrange(4, reach)
    content[place:place] = chance.randbytes(chance.choice((1, 4, 8, 64)))


def _repeat(chance: random.Random, content: bytearray, reach: int) -> None:
    source, target = chance.randrange(4, reach), chance.randrange(4, reach)
    n = chance.choice((4, 16, 128))
    content[target : target + n] = content[source : source + n]


def _blank(chance: random.Random, content: bytearray, reach: int) -> None:
    place, n = chance.randrange(4, reach), chance.choice((4, 32, 4096))
    n = min(n, len(content) - place)
    content[place : place + n] = bytes(n)


_DAMAGES: tuple[Damage, ...] = (
    _flip,
    _odd_number,
    _odd_number,
    _other_figure,
    _other_figure,
    _cut,
    _remove,
    _insert,
    _repeat,
    _blank,
)
