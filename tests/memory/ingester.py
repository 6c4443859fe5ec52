"""A process that accepts documents into the memory in a folder, says so, and never gets them embedded."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from tests.memory.words import Words, opened


class Stuck(Words):
    async def embed(self, texts: Sequence[str]) -> NoReturn:
        await asyncio.Event().wait()
        raise AssertionError(texts)


async def main(folder: Path) -> None:
    async with opened(folder, Stuck()) as memory:
        await memory.submit(b"A parrot talks.", source="submitted.txt")
        taking_in = asyncio.create_task(memory.ingest(b"A cat sleeps.", source="ingested.txt"))
        while len(await memory.jobs()) < 2:  # noqa: ASYNC110 - nothing tells when a job is in the queue
            await asyncio.sleep(0)
        sys.stdout.write("accepted\n")
        sys.stdout.flush()
        await taking_in


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
