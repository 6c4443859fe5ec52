"""Files with a prompt: their text becomes a part of it, or they are taken into a memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from poly_engine.errors import InvalidRequest
from poly_tui.mentions import Mention
from poly_tui.transcript.clean import clean

__all__ = ["Attached", "attach"]

BYTES_PER_TOKEN = 4
"""Of a text in most languages: an estimate, to be told of what cannot fit before it is sent."""


@dataclass(frozen=True, slots=True)
class Attached:
    """The text of a file, and what stands for it where the prompt is written."""

    mention: Mention
    name: str
    text: str


async def attach(found: Sequence[Mention], context_size: int | None) -> list[Attached]:
    """Read the files that a prompt mentions.

    Raises UnreadableDocument, and InvalidRequest if they are longer together than a model with that context can read.
    """
    from poly_engine.extract import Extractor  # 50 ms that only who attaches something pays

    attached = []
    async with Extractor() as extractor:
        for one in found:
            extracted = await extractor.extract(one.path, name=str(one.path))
            attached.append(
                Attached(one, _name(one.path, extracted.text), f"[{one.path.name}]\n{extracted.text.strip()}\n")
            )
    n_tokens = sum(len(one.text.encode()) for one in attached) // BYTES_PER_TOKEN
    if context_size is not None and n_tokens > context_size:
        names = ", ".join(clean(one.mention.path.name) for one in attached)
        raise InvalidRequest(
            f"{names}: about {n_tokens} tokens, and the context of the model has {context_size}: "
            "/remember takes them into a memory, which recalls what a question needs"
        )
    return attached


def _name(path: Path, text: str) -> str:
    n_lines = text.count("\n") + 1
    return f"{clean(path.name)}: {n_lines} lines" if n_lines > 1 else f"{clean(path.name)}: {len(text)} characters"
