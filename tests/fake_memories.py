"""The memories of a scripted engine: texts in a dictionary, found by the words that they share with a prompt."""

from abc import abstractmethod
from collections.abc import Collection, Sequence
from typing import Literal

from poly_engine.errors import MemoryNotFound, UnreadableDocument
from poly_engine.interface import Engine
from poly_engine.types import DocumentInfo, Hit, Ingested, MemoryInfo

__all__ = ["FakeMemories"]


class FakeMemories(Engine):
    """The part of an engine that has memories."""

    def __init__(self, memories: Sequence[str]) -> None:
        self.documents_of: dict[str, dict[str, str]] = {name: {} for name in memories}
        """The texts in each memory, by their sources."""

    @abstractmethod
    def check_open(self) -> None:
        """Raise EngineClosed if it is so."""

    async def memories(self) -> Sequence[MemoryInfo]:
        return [MemoryInfo(name, "fake") for name in sorted(self.documents_of)]

    async def ingest(self, memory: str, content: bytes, *, source: str, media_type: str | None = None) -> Ingested:
        documents = self._memory(memory)
        text = content.decode()
        if not text.strip():
            raise UnreadableDocument("no_text", f"{media_type or 'it'} holds no text", source)
        before = documents.get(source)
        documents[source] = text
        outcome: Literal["added", "replaced", "unchanged"] = "added" if before is None else "replaced"
        return Ingested(source, "unchanged", 1, 0) if before == text else Ingested(source, outcome, 1, 1)

    async def recall(
        self, memory: str, prompt: str, n: int = 1, *, sources: Collection[str] | None = None
    ) -> Sequence[Hit]:
        """Whoever shares the most words with the prompt."""
        documents = self._memory(memory)
        words = set(prompt.lower().split())
        shared = {source: len(words & set(text.lower().split())) for source, text in documents.items()}
        best = sorted((source for source in shared if sources is None or source in sources), key=lambda s: -shared[s])
        return [
            Hit(
                text=documents[s],
                source=s,
                score=shared[s] / (len(words) or 1),
                place=0,
                start=0,
                end=len(documents[s]),
            )
            for s in best[:n]
        ]

    async def documents(self, memory: str) -> Sequence[DocumentInfo]:
        documents = self._memory(memory)
        return [DocumentInfo(source, "", "text/plain", 1, len(text), 0.0) for source, text in documents.items()]

    async def forget(self, memory: str, source: str | None = None) -> int:
        documents = self._memory(memory)
        gone = [one for one in documents if source in (None, one)]
        for one in gone:
            del documents[one]
        return len(gone)

    def _memory(self, name: str) -> dict[str, str]:
        self.check_open()
        if name not in self.documents_of:
            raise MemoryNotFound(name, self.documents_of)
        return self.documents_of[name]
