"""Damaged copies of GGUF files; llama.cpp refuses each of them without ending the process."""

from __future__ import annotations

from pathlib import Path

from gguf import GGUFReader


def cut_in_tensors(source: Path, path: Path) -> Path:
    """Write what an interrupted download of `source` leaves: all metadata and half of the weights."""
    data_offset = GGUFReader(source).data_offset
    content = source.read_bytes()
    path.write_bytes(content[: (data_offset + len(content)) // 2])
    return path


def cut_in_header(source: Path, path: Path) -> Path:
    """Write only the first half of the metadata of `source`."""
    path.write_bytes(source.read_bytes()[: GGUFReader(source).data_offset // 2])
    return path


def spoil_magic(source: Path, path: Path) -> Path:
    """Write `source` with another file type's first four bytes."""
    path.write_bytes(b"GGML" + source.read_bytes()[4:])
    return path
