"""Memories in the configuration: where chunks of text are kept, and how text becomes chunks."""

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import AfterValidator, AliasChoices, Field, NonNegativeInt

from poly_engine.config.section import Mistake, Section
from poly_engine.config.values import Count, HttpUrl, Location, Patterns, Text, Texts, check_url

__all__ = ["FileStore", "MemoryConfig", "PgvectorStore", "QdrantStore", "Store"]


class FileStore(Section):
    """Chunks are kept in a file of Poly's own."""

    path: Location | None = Field(default=None, description="The file; by default one in the data folder.")


class QdrantStore(Section):
    """Chunks are kept in a collection of a Qdrant server."""

    url: HttpUrl = Field(
        repr=False, description="The address of the Qdrant server; a key may stand in it as the password."
    )
    collection: Text = Field(description="The collection to use.")


def _check_postgres_url(url: str) -> str:
    return check_url(url, "postgresql", "postgres")


class PgvectorStore(Section):
    """Chunks are kept in a table of a PostgreSQL server that has pgvector."""

    url: Annotated[str, AfterValidator(_check_postgres_url)] = Field(
        repr=False, description="The address of the PostgreSQL server, with user and database."
    )
    table: Text = Field(description="The table to use.")


class Store(Section):
    """Where the chunks of a memory are kept. Exactly one key is given."""

    file: FileStore | None = Field(
        default=None, validation_alias=AliasChoices("file", "hora"), description="In a file; hora means the same."
    )
    qdrant: QdrantStore | None = Field(default=None, description="On a Qdrant server.")
    pgvector: PgvectorStore | None = Field(default=None, description="On a PostgreSQL server.")

    @classmethod
    def mistakes(cls, given: Mapping[str, object]) -> Iterator[Mistake]:
        """A memory is kept in one place."""
        kinds = {"file" if key == "hora" else key for key in given} & {"file", "qdrant", "pgvector"}
        if len(kinds) != 1:
            yield (), "needs exactly one of file, qdrant and pgvector"


def _file_store() -> Store:
    return Store(file=FileStore())


class MemoryConfig(Section):
    """A memory: chunks of text, found again by what they mean."""

    embedding_model: str = Field(description="The model that computes embeddings, one of [models].")
    dimensions: Count | None = Field(
        default=None, description="Length of an embedding; by default what the model says, which it must equal."
    )
    store: Store = Field(
        default_factory=_file_store, description="Where the chunks are kept; by default in a file in the data folder."
    )
    chunk_max_tokens: Count = Field(default=255, description="The longest chunk, in tokens of the embedding model.")
    chunk_overlap_tokens: NonNegativeInt = Field(
        default=0, description="Tokens of a chunk that the next one begins with; at most half of chunk_max_tokens."
    )
    chunk_separators: Texts = Field(default=(" ",), description="Where text may be cut, the best place first.")
    pre_filter: Patterns = Field(
        default=(r"[\r\t]", r"[\ \n._|-]{2,}", r"^[\r\n\ ._|-]+"),
        description="Regular expressions of what becomes a space before text is cut.",
    )
    post_filter: Texts = Field(default=("\n",), description="Texts that are left out of a chunk when it is embedded.")
    min_score: float | None = Field(
        default=None,
        ge=-1,
        le=1,
        description="Leave out chunks less like the prompt than this, by the cosine; poly memory calibrate finds it.",
    )
    mmr: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Prefer chunks that are unlike each other: 1 goes by the scores alone, 0.7 is usual (maximal "
        "marginal relevance); by default only equal texts are left out.",
    )
    small_to_big: bool = Field(
        default=False,
        description="Whether the sentences of a chunk are embedded, too, and its best one counts as much as all of it; "
        "needs the built-in store, twice the time and several times the room.",
    )
    neighbours: NonNegativeInt = Field(
        default=0, description="How many chunks before and behind it each recalled chunk brings along."
    )

    @classmethod
    def mistakes(cls, given: Mapping[str, object]) -> Iterator[Mistake]:
        """Chunks overlap by half at most."""
        longest, overlap = given.get("chunk_max_tokens", 255), given.get("chunk_overlap_tokens", 0)
        if isinstance(longest, int) and isinstance(overlap, int) and overlap > longest // 2:
            yield ("chunk_overlap_tokens",), f"may be at most {longest // 2}, half of chunk_max_tokens"
