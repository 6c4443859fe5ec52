"""Lines, as they are in what comes piece by piece."""

from collections.abc import AsyncIterable, AsyncIterator

__all__ = ["lines_of"]


async def lines_of(pieces: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """The lines in `pieces`, each with the newline that ends it; the last one may have none."""
    begun: list[bytes] = []
    async for piece in pieces:
        first, *others = piece.split(b"\n")
        begun.append(first)
        for other in others:
            yield b"".join((*begun, b"\n"))
            begun = [other]
    if rest := b"".join(begun):
        yield rest
