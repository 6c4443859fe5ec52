"""Models in the configuration: a file in GGUF format, and how to run it."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, AliasChoices, ConfigDict, Field, PrivateAttr

from poly_engine.config.amounts import Duration, Layers, seconds
from poly_engine.config.cores import MAX_THREADS, usable_cores
from poly_engine.config.locations import file_at
from poly_engine.config.section import Mistake, Section
from poly_engine.config.values import Count, Location, Locations, check_url
from poly_engine.errors import InvalidRequest
from poly_engine.gpu import GpuSplit
from poly_engine.models.found import find_pulled
from poly_engine.models.references import parse_reference
from poly_engine.sampling.settings import COUNT

__all__ = ["ModelConfig"]

_KEEP_ALIVE_S = 1800.0
"""Users of Ollama expect that a model leaves by itself, and complain most of that it does after five minutes: reading
an answer, or a meeting, takes longer, and then they wait for it and for their conversation to be read again. LM Studio
takes an hour.
"""


def _default_threads() -> int:
    return min(usable_cores(), MAX_THREADS)


def _check_source(url: str) -> str:
    if url[:3].lower() != "hf:":
        return check_url(url, "https", "http", "hf")
    try:
        parse_reference(url)
    except InvalidRequest as error:
        raise ValueError(str(error)) from error
    return url


class ModelConfig(Section):
    """A model: text in, text or embeddings out."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [{"required": ["model_path"]}, {"required": ["url"]}],
        }
    )

    model_path: Location | None = Field(
        default=None,
        description="The GGUF file: an absolute path, ~/path, a path relative to this file, @path in the data folder, "
        "or poly:starter, the small model that Poly brings along.",
    )
    url: Annotated[str, AfterValidator(_check_source)] | None = Field(
        default=None,
        repr=False,
        description="Where to fetch the file from when the model is first used, if it is not there: https://…, or "
        "hf:OWNER/REPO:QUANT of the Hugging Face hub; needed without model_path.",
    )
    lora_adapters: Locations = Field(default=(), description="LoRA adapters to apply to the model, in GGUF format.")
    context_size: int | None = Field(
        default=None,
        ge=8,
        le=COUNT.high,
        description="Tokens that one conversation may hold; by default what the model was trained for, as far as "
        "memory allows.",
    )
    cache_size: int | None = Field(
        default=None,
        ge=8,
        le=COUNT.high,
        description="Tokens that all conversations with the model together keep ready; by default as many as they need "
        "and memory allows.",
    )
    parallel: int = Field(default=16, ge=1, le=256, description="Answers that the model writes at the same time.")
    batch_size: Count = Field(default=2048, description="Tokens of prompts that are read in one step.")
    threads_per_session: int = Field(
        default_factory=_default_threads,
        ge=1,
        le=MAX_THREADS,
        validation_alias=AliasChoices("threads_per_session", "threads"),
        description="Threads that compute; by default as many as there are cores to use.",
    )
    use_gpu: bool = Field(default=False, description="Whether to compute on the GPU, if there is one.")
    require_gpu: bool = Field(
        default=False,
        description="Whether it is computed on a GPU or not at all: without one it is not loaded, and the error says "
        "why there is none.",
    )
    gpu_layers: Layers | None = Field(
        default=None, description="Layers that the GPU computes if use_gpu is set: a number, or all, as by default."
    )
    gpu_split: GpuSplit = Field(
        default="layer",
        description="How several GPUs share it: layer for whole layers each, row for rows of every layer, or none.",
    )
    main_gpu: int = Field(
        default=0, ge=0, le=255, description="The number of the GPU that has it if gpu_split is none, from 0."
    )
    keep_alive: Duration | None = Field(
        default=None,
        description="How long it stays in memory when nobody uses it: seconds, a text such as 90s, 30m or 2h, or "
        "forever; 30m by default, and forever if it is warm.",
    )
    warm: bool = Field(
        default=False, description="Whether poly serve loads it when it starts, and not when first used."
    )
    architecture: str | None = Field(default=None, description="Ignored: the file says what it is.")

    _folder: Path | None = PrivateAttr(default=None)

    @classmethod
    def mistakes(cls, given: Mapping[str, object]) -> Iterator[Mistake]:
        """A model has to come from somewhere."""
        if "model_path" not in given and "url" not in given:
            yield (), "needs model_path, the path of a GGUF file, or url"
        if given.get("require_gpu") is True and given.get("use_gpu", True) is False:
            yield ("use_gpu",), "must not be false where require_gpu is set"
        if given.get("require_gpu") is True and given.get("gpu_layers") == 0:
            yield ("gpu_layers",), "must be more than 0 where require_gpu is set"

    def keep_in(self, folder: Path | None) -> None:
        """Have what is fetched kept in `folder`, as cache_path of the configuration says."""
        self._folder = folder

    @property
    def wants_gpu(self) -> bool:
        """Whether a GPU is to compute some of it, if there is one."""
        return (self.use_gpu or self.require_gpu) and self.gpu_layers != 0

    @property
    def keep_alive_s(self) -> float:
        """Seconds that it stays in memory when nobody uses it."""
        if self.keep_alive is not None:
            return seconds(self.keep_alive)
        return math.inf if self.warm else _KEEP_ALIVE_S

    @property
    def folder(self) -> Path | None:
        """The folder that what is fetched is kept in; None for those that `poly_engine.models.pull` chooses."""
        return self._folder

    @property
    def file(self) -> Path | None:
        """The file at `model_path`, which need not exist, or the one that was fetched from `url`; None if that was not
        done yet.
        """
        if self.model_path is not None:
            return file_at(self.model_path)
        return find_pulled(self.url, self._folder) if self.url is not None else None

    @property
    def place(self) -> str:
        """Where the file is or comes from, as it may be shown: a URL less its secrets."""
        path = self.file
        return str(path) if path is not None else str(parse_reference(self.url or ""))

    @property
    def is_to_be_pulled(self) -> bool:
        """Whether the file has to be fetched before the model can be loaded."""
        path = self.file
        return self.url is not None and (path is None or not path.exists())

    @property
    def adapter_files(self) -> tuple[Path, ...]:
        """The files of `lora_adapters`, which need not exist."""
        return tuple(file_at(location) for location in self.lora_adapters)
