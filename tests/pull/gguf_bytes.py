"""Files in GGUF format of any size, which are whole and hold noise."""

import random
import struct

__all__ = ["gguf_bytes"]


def gguf_bytes(n_values: int, seed: int = 0, *, architecture: str | None = "llama") -> bytes:
    """A file with one tensor of so many values, four bytes each; without an architecture it is no first file."""
    entries = _text("general.architecture") + struct.pack("<I", 8) + _text(architecture) if architecture else b""
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, 1 if architecture else 0) + entries
    head += _text("noise") + struct.pack("<IQIQ", 1, n_values, 0, 0)
    return head.ljust(-(-len(head) // 32) * 32, b"\0") + random.Random(seed).randbytes(4 * n_values)


def _text(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()
