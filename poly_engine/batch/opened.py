"""What the callers of a worker know: what to open and how, the model once it is open, and what a host of it does.

Nothing here loads llama.cpp: where the models live in processes of their own, this one never does.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from poly_engine.batch.messages import Command, Report
from poly_engine.batch.parts import Part
from poly_engine.errors import PolyError
from poly_engine.gpu import GpuSplit
from poly_engine.models.gguf import GgufHeader
from poly_engine.types import Bias

__all__ = ["GpuSpec", "Host", "MakeHost", "ModelSpec", "OpenedModel", "ShortestAnswers", "Vocabulary"]


@dataclass(frozen=True, slots=True)
class GpuSpec:
    """What a GPU is to compute: so many layers, all if that is more than there are. If it `is_required` and there is
    none, the model is not opened; else the processor computes all. `main` is the number of the GPU that has all of it
    where nothing is shared.
    """

    n_layers: int
    is_required: bool = False
    split: GpuSplit = "layer"
    main: int = 0


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """What to open and how. Sizes are in tokens; `n_cells` is the KV cache of all sessions together."""

    header: GgufHeader
    adapters: tuple[Path, ...]
    gpu: GpuSpec | None
    context_size: int
    n_cells: int
    n_parallel: int
    n_batch: int
    n_threads: int


class Vocabulary(Protocol):
    """Text to tokens and back. Methods may wait for the model: call them from a thread, never from an event loop.

    They raise EngineClosed once the model was unloaded, and EngineFailed if its process died.
    """

    @property
    def n_tokens(self) -> int:
        """How many tokens there are."""

    @property
    def ends(self) -> frozenset[int]:
        """The tokens that end a generation."""

    @property
    def first(self) -> tuple[int, ...]:
        """What every sequence begins with."""

    @property
    def last(self) -> tuple[int, ...]:
        """What a text to be embedded ends with."""

    @property
    def special_names(self) -> Mapping[str, str]:
        """The texts of the tokens that chat templates name."""

    @property
    def longest_piece(self) -> int:
        """Bytes of the longest token."""

    def is_markup(self, token: int) -> bool:
        """Whether a token marks something, so that no plain text becomes it. Never waits."""

    @property
    def is_closed(self) -> bool:
        """Whether nobody can read it any more. Never waits."""

    def part_tokens(self, parts: Sequence[Part]) -> list[list[int]]:
        """The tokens of each part of a prompt, made by itself."""

    def template_tokens(self, text: str, *, is_first: bool = False) -> list[int]:
        """The tokens of a text that we wrote: special tokens in it are parsed."""

    def plain_tokens(self, text: str, *, is_first: bool = False) -> list[int]:
        """The tokens of a text that somebody else wrote: nothing in it can become a token that marks a turn."""

    def texts_tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """`plain_tokens` of many texts, each of which begins a sequence."""

    def counts(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each of many texts has, as `texts_tokens`."""

    def name(self, token: int) -> str:
        """The text of any token, also of a control token; lossy where it is a part of a character."""

    def names(self, tokens: Sequence[int]) -> list[str]:
        """`name` of each of many tokens."""

    def spelling(self, tokens: Sequence[int]) -> bytes:
        """The bytes of tokens, also of control tokens, one behind the other."""

    def spellings(self, tokens: Sequence[int]) -> list[bytes]:
        """The bytes of each of many tokens, also of control tokens."""


class ShortestAnswers(Protocol):
    """What has to be known of biases before they are enforced."""

    def n_least(self, bias: Bias, marks: tuple[tuple[int, str], ...] = ()) -> int:
        """How many tokens the shortest answer with `bias` takes, where `marks` may stand for their texts. It may take a
        second, and more the first time. Raises InvalidSchema.
        """


@dataclass(frozen=True, slots=True)
class OpenedModel:
    """What there is to know of a model once it is open."""

    vocabulary: Vocabulary
    chat_template: str | None
    context_size: int
    embedding_size: int
    max_embed_tokens: int
    biases: ShortestAnswers
    can_write: bool = True
    device: str = "cpu"
    """What computes it, and why not a GPU if one was to."""
    n_gpu_layers: int = 0


class Host(Protocol):
    """Where a worker lives."""

    def send(self, command: Command) -> None:
        """Hand a command to the worker. Never blocks."""

    def stop(self, reason: str) -> None:
        """Have the worker end, for a reason, or give up a model that is still being opened. Never blocks."""


class MakeHost(Protocol):
    """Starts a worker somewhere. The callbacks are called from another thread, and must not block: `on_progress` with
    the loaded share; `on_opened` once, with the model or the error; then `on_reports`; `on_end` last, and always, with
    a sentence that says what ended the worker, or "" if it was told to end, or the model could not be opened.
    """

    def __call__(
        self,
        spec: ModelSpec,
        *,
        on_progress: Callable[[float], None],
        on_opened: Callable[[OpenedModel | PolyError], None],
        on_reports: Callable[[list[Report]], None],
        on_end: Callable[[str], None],
    ) -> Host: ...
