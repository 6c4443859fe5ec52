"""What crosses the `Engine` interface: events of a turn, descriptions of models and tasks, usage and timings."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from poly_engine.errors import InvalidSchema
from poly_engine.logprobs import Alternative, Logprobs
from poly_engine.models.types import ModelInfo, ModelState
from poly_engine.overrides import Overrides
from poly_engine.parts import PartKind, PromptPart
from poly_engine.tools.types import Calling, Tool, ToolCall, ToolResult, Tools

if TYPE_CHECKING:  # numpy costs 130 ms, which `poly task ls` need not pay
    import numpy as np
    import numpy.typing as npt

__all__ = [
    "Alternative",
    "Bias",
    "BiasKind",
    "BiasState",
    "Calling",
    "ChunkInfo",
    "DocumentInfo",
    "Done",
    "DropReason",
    "Dropped",
    "Embeddings",
    "Event",
    "FinishReason",
    "Hit",
    "IngestJob",
    "IngestProgress",
    "IngestState",
    "Ingested",
    "Logprobs",
    "MemoryInfo",
    "ModelInfo",
    "ModelState",
    "Overrides",
    "PartKind",
    "Progress",
    "PromptPart",
    "RecallOptions",
    "Recalled",
    "TaskInfo",
    "Thinking",
    "Timings",
    "Token",
    "TokenPiece",
    "Tool",
    "ToolCall",
    "ToolResult",
    "Tools",
    "Truncated",
    "Turn",
    "Usage",
]

FinishReason: TypeAlias = Literal["stop", "length", "cancelled"]
"""Why a turn ended: by itself (or a stop sequence), at a limit of tokens, or because the caller left."""

BiasKind: TypeAlias = Literal["json_schema", "regex", "lark", "gbnf", "choice"]

BiasState: TypeAlias = Literal["open", "closing", "complete"]
"""How far an answer that has to look like something is: valid so far; being brought to its shortest end, because the
tokens run out; or whole.
"""


@dataclass(frozen=True, slots=True)
class Bias:
    """What an answer has to look like.

    `source` is a regular expression or a grammar; of the kinds `json_schema` and `choice` it is JSON text, the schema
    or the list of possible answers.
    """

    kind: BiasKind
    source: str

    @classmethod
    def of_schema(cls, schema: Mapping[str, object] | bool) -> "Bias":  # noqa: FBT001 - true and false are schemas
        """The answer is JSON that fits a JSON schema. Raises InvalidSchema if that is not JSON itself."""
        try:
            return cls("json_schema", json.dumps(schema, allow_nan=False))
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidSchema(f"the schema cannot be written as JSON: {error}") from error


@dataclass(frozen=True, slots=True)
class Turn:
    """One exchange that lies behind a session: what the user said and what was answered, with `calls` of tools.
    `results` are what came of the calls of the turn before; where there are some, the user may have said nothing.
    """

    prompt: str
    answer: str
    calls: tuple[ToolCall, ...] = ()
    results: tuple[ToolResult, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts of one turn.

    `prompt_tokens` is the whole context that the answer was computed from, of which `cached_tokens` were already
    in the KV cache. `context_tokens` of `context_size` are taken when the turn is over. Of the `completion_tokens`,
    `thinking_tokens` were not shown, and `forced_tokens` were the only ones that the bias left. Where a server has the
    model, what it does not count is estimated, and `context_size` is 0 if nobody says it.
    """

    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    context_tokens: int
    context_size: int
    thinking_tokens: int = 0
    forced_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds that one turn spent waiting for a slot, reading its prompt, and writing its answer."""

    queued_s: float
    prefill_s: float
    decode_s: float

    @property
    def first_token_s(self) -> float:
        """Time from the request to its first token."""
        return self.queued_s + self.prefill_s


@dataclass(frozen=True, slots=True)
class Recalled:
    """What a memory holds on a prompt, best first; a model reads these hits before the prompt. `dropped` are those that
    were found, too, and are left out, each with the reason.
    """

    hits: "tuple[Hit, ...]"
    dropped: "tuple[Dropped, ...]" = ()

    @property
    def n_without_room(self) -> int:
        """How many were left out because they were too long together."""
        return sum(one.reason == "no_room" for one in self.dropped)


@dataclass(frozen=True, slots=True)
class Truncated:
    """The context was full: the oldest `n_turns` turns, `n_tokens` tokens, are no longer seen by the model."""

    n_tokens: int
    n_turns: int


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` prompt tokens are in the KV cache. The first one says that the turn left the queue."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Thinking:
    """One token of what the model thinks before it answers, which is not a part of the answer."""

    text: str
    id: int


@dataclass(frozen=True, slots=True)
class Token:
    """One generated token. `text` may be empty: bytes of an unfinished character and the beginning of what may
    become a stop sequence are held back until it is clear what they are.

    Of an answer with a bias, `is_forced` says that no other token was possible, so that the model was not asked;
    `bias_state` is how far the answer is with this token.

    From a server of OpenAI's protocol, an event may be of several tokens, and `id` is -1.

    `logprobs` are there if they were asked for, but for a token that is not a part of the answer, and only gave away
    what was held back; and, of a task with private texts, for one that was itself held back.
    """

    text: str
    id: int
    is_forced: bool = False
    bias_state: BiasState | None = None
    logprobs: Logprobs | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """The last event of every turn that did not fail."""

    finish_reason: FinishReason
    usage: Usage
    timings: Timings


Event: TypeAlias = Recalled | Truncated | Progress | Thinking | Token | Calling | ToolCall | Done


@dataclass(frozen=True, slots=True)
class TaskInfo:
    """What is known of a configured task."""

    name: str
    model: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class TokenPiece:
    """One token of a tokenised text. `text` is lossy where the token is a part of a character."""

    id: int
    text: str


@dataclass(frozen=True, slots=True)
class Embeddings:
    """One row per text in `vectors`, shape (n_texts, embedding_size), float32, each of Euclidean length 1 if
    normalised; `n_tokens` were read in all.
    """

    vectors: "npt.NDArray[np.float32]"
    n_tokens: int


@dataclass(frozen=True, slots=True)
class MemoryInfo:
    """What is known of a configured memory. Counts are None before it was opened."""

    name: str
    embedding_model: str
    n_documents: int | None = None
    n_chunks: int | None = None


@dataclass(frozen=True, slots=True)
class DocumentInfo:
    """What is known of a document in a memory; `added` is in seconds since 1970. `n_pages` is 0 where it has none, or
    where a store does not tell; `sha256`, in hex, is of the content that was taken in, empty where it is not told.
    """

    source: str
    title: str
    media_type: str
    n_chunks: int
    n_characters: int
    added: float
    n_pages: int = 0
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class ChunkInfo:
    """A chunk of a document, number `place` from 0: `[start:end]` of its text, which stands below `headings`."""

    place: int
    start: int
    end: int
    text: str
    headings: tuple[str, ...] = ()
    first_page: int | None = None
    last_page: int | None = None


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of a document that was given to a memory: `n_embedded` of its `n_chunks` had to be embedded."""

    source: str
    outcome: Literal["added", "replaced", "unchanged"]
    n_chunks: int
    n_embedded: int


IngestState: TypeAlias = Literal["pending", "working", "failed"]


@dataclass(frozen=True, slots=True)
class IngestJob:
    """A document on its way into a memory, or one that could not be taken in: then `cause` and `reason` say why.
    `added` is in seconds since 1970.
    """

    source: str
    state: IngestState
    n_bytes: int
    added: float
    cause: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class IngestProgress:
    """How far a document is: `n_embedded` of the `n_new` chunks that have to be embedded."""

    source: str
    n_embedded: int
    n_new: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallOptions:
    """What is to be recalled; None is what the configuration of the memory says.

    At most `n` hits, best first, of `max_tokens` together (in the tokens of the embedding model). Only of the documents
    `sources`, if they are given. A hit whose vector has a cosine to that of the prompt below `min_score` is left out.
    `mmr`, 0 to 1, weighs the score of a hit against its likeness to better ones (maximal marginal relevance; Carbonell
    and Goldstein 1998): 1 goes by scores alone. Each hit brings along `neighbours` chunks of either side.
    """

    n: int = 1
    max_tokens: int | None = None
    sources: Collection[str] | None = None
    min_score: float | None = None
    mmr: float | None = None
    neighbours: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A chunk that a memory recalled: `[start:end]` of the text of the document `source`, number `place` of its chunks.

    `score` is 0 to 1. The trace says how it was found: its rank by the vectors, from 1, and the cosine; its rank by the
    words that it shares with the prompt, and the BM25 score. None where that side did not find it.
    """

    text: str
    source: str
    score: float
    place: int
    start: int
    end: int
    title: str = ""
    headings: tuple[str, ...] = ()
    first_page: int | None = None
    last_page: int | None = None
    vector_rank: int | None = None
    vector_score: float | None = None
    words_rank: int | None = None
    words_score: float | None = None

    @property
    def origin(self) -> str:
        """Where it comes from, in words: document, page, headings."""
        first, last = self.first_page, self.last_page
        page = "" if first is None else f", page {first}" if last in (None, first) else f", pages {first}-{last}"
        return " > ".join([f"{self.source}{page}", *self.headings])


DropReason: TypeAlias = Literal["duplicate", "low_score", "similar", "no_room"]
"""The same text as a better hit; too unlike the prompt; too like a better hit, so that others came first; too long."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """A hit that was left out."""

    hit: Hit
    reason: DropReason
