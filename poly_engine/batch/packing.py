"""Which texts are embedded together."""

from collections.abc import Iterator, Sequence

__all__ = ["MOST_TEXTS", "packs"]

MOST_TEXTS = 64
"""In one decode."""

_MOST_TOKENS = 512
"""In one decode, unless one text has more: who streams an answer of the same model waits for it."""


def packs(texts: Sequence[Sequence[int]], max_tokens: int) -> Iterator[list[int]]:
    """Yield the numbers of texts that go into one decode together; texts of like length go together, since each token
    attends to the whole batch. A decode takes `max_tokens`.
    """
    n_most = min(max_tokens, _MOST_TOKENS)
    pack: list[int] = []
    n_tokens = 0
    for number in sorted(range(len(texts)), key=lambda number: len(texts[number])):
        n = len(texts[number])
        if pack and (n_tokens + n > n_most or len(pack) == MOST_TEXTS):
            yield pack
            pack, n_tokens = [], 0
        pack.append(number)
        n_tokens += n
    if pack:
        yield pack
