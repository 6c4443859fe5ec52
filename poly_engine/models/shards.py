"""Models that come in several files: what the first says is completed by the others, which have to be there."""

from collections.abc import Sequence
from dataclasses import replace

from poly_engine.errors import ModelLoadFailed
from poly_engine.models.gguf import GgufHeader, read_header
from poly_engine.models.quants import sibling_names

__all__ = ["with_others"]


def with_others(header: GgufHeader) -> GgufHeader:
    """The header of a model as if all of it were in one file. Raises ModelLoadFailed if one of its files is missing or
    damaged, or is not called as llama.cpp looks for it.
    """
    n_files = header.metadata.get("split.count", 1)
    if not isinstance(n_files, int) or n_files < 2:
        return header
    names = sibling_names(header.path.name)
    if len(names) != n_files or names[0] != header.path.name:
        raise ModelLoadFailed(f"{header.path} is the first of {n_files} files: its name must end in -00001-of-….gguf")
    others = [read_header(header.path.with_name(name), is_first=False) for name in names[1:]]
    return _joined([header, *others])


def _joined(headers: Sequence[GgufHeader]) -> GgufHeader:
    return replace(
        headers[0],
        size_bytes=sum(one.size_bytes for one in headers),
        n_tensors=sum(one.n_tensors for one in headers),
        n_params=sum(one.n_params for one in headers),
        has_learned_positions=any(one.has_learned_positions for one in headers),
    )
