"""A prompt in parts, each of one kind: what there is to show of what a model reads."""

import codecs
from collections.abc import Iterator, Sequence
from itertools import accumulate, groupby

from poly_engine.batch.opened import Vocabulary
from poly_engine.prompts import Said, Segment, tokenized
from poly_engine.types import PartKind, PromptPart

__all__ = ["parts_of"]


def parts_of(segments: Sequence[Segment], vocabulary: Vocabulary) -> list[PromptPart]:
    """The parts of a prompt, as it is tokenized: no two of a kind stand side by side. Their texts together are what all
    the tokens spell; a character of several tokens is in the part in which it ends.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    kinds = (
        (kind, token)
        for segment, tokens in tokenized(segments, vocabulary)
        for kind, token in _with_kinds(segment, tokens, vocabulary)
    )
    parts: list[PromptPart] = []
    for kind, pairs in groupby(kinds, key=lambda pair: pair[0]):
        run = [token for _, token in pairs]
        parts.append(PromptPart(kind, decoder.decode(vocabulary.spelling(run)), len(run)))
    if parts and (rest := decoder.decode(b"", final=True)):
        parts[-1] = PromptPart(parts[-1].kind, parts[-1].text + rest, parts[-1].n_tokens)
    return parts


def _with_kinds(segment: Segment, tokens: list[int], vocabulary: Vocabulary) -> Iterator[tuple[PartKind, int]]:
    """Tokens of a segment, each with its kind.

    Where a text is of several kinds, bytes are counted from its end: before it, a vocabulary may put a space.
    """
    ends: list[tuple[PartKind, int]] = []
    if isinstance(segment, Said) and segment.before:
        ends = [(kind, _n_bytes(segment.text[-n:])) for kind, n in segment.before]
    sizes = list(map(len, vocabulary.spellings(tokens))) if ends else [0] * len(tokens)
    n_bytes = sum(sizes)
    for token, begin in zip(tokens, accumulate(sizes, initial=0), strict=False):
        kind = next((kind for kind, n_behind in ends if n_bytes - begin > n_behind), segment.kind)
        yield kind, token


def _n_bytes(text: str) -> int:
    return len(text.encode("utf-8", "replace"))
