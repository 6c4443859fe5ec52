"""Models in the configuration: a file in GGUF format, and how to run it; or a server that has the model."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, AliasChoices, ConfigDict, Field, PrivateAttr, SecretStr

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

__all__ = ["ModelConfig", "ServerKind"]

ServerKind: TypeAlias = Literal["openai", "llama-server", "llama-cpp-python", "vllm", "sglang", "poly"]
"""Whose dialect of OpenAI's protocol a server speaks; openai is what all of them have in common."""

_OF_FILES = (
    "model_path",
    "lora_adapters",
    "cache_size",
    "parallel",
    "batch_size",
    "threads_per_session",
    "threads",
    "use_gpu",
    "require_gpu",
    "gpu_layers",
    "gpu_split",
    "main_gpu",
    "keep_alive",
    "warm",
    "architecture",
)
_OF_SERVERS = ("server", "remote_model", "api_key", "api_key_env", "timeout")

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
        "hf:OWNER/REPO:QUANT of the Hugging Face hub; needed without model_path. With engine = openai, the server: "
        "http://HOST:8000/v1.",
    )
    engine: Literal["llama.cpp", "openai"] = Field(
        default="llama.cpp",
        description="What computes: llama.cpp on this machine; or openai, a server at url that speaks OpenAI's "
        "protocol.",
    )
    server: ServerKind = Field(
        default="openai",
        description="What server that is, where more is wanted of it than OpenAI's protocol has: top_k, min_p, "
        "repeat_penalty, ignore_eos, grammars.",
    )
    remote_model: str | None = Field(
        default=None, min_length=1, description="What the server calls the model; needed where it has several."
    )
    api_key: SecretStr | None = Field(default=None, description="The key that the server wants.")
    api_key_env: str | None = Field(
        default=None, min_length=1, description="The environment variable that holds the key, in place of api_key."
    )
    timeout: float = Field(
        default=600.0, gt=0, le=86400, description="Seconds for which the server may be silent before it is given up."
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
        """A model has to come from somewhere: from a file, or from a server."""
        if given.get("engine") == "openai":
            yield from _server_mistakes(given)
            return
        if "model_path" not in given and "url" not in given:
            yield (), "needs model_path, the path of a GGUF file, or url"
        for key in _OF_SERVERS:
            if key in given:
                yield (key,), 'is for models of a server: add engine = "openai", or leave it out'
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
    def is_remote(self) -> bool:
        """Whether a server has the model."""
        return self.engine == "openai"

    @property
    def ineffective(self) -> tuple[str, ...]:
        """The keys that mean nothing for it."""
        return _OF_FILES if self.is_remote else _OF_SERVERS

    @property
    def file(self) -> Path | None:
        """The file at `model_path`, which need not exist, or the one that was fetched from `url`; None if that was not
        done yet, or if a server has the model.
        """
        if self.is_remote:
            return None
        if self.model_path is not None:
            return file_at(self.model_path)
        return find_pulled(self.url, self._folder) if self.url is not None else None

    @property
    def place(self) -> str:
        """Where the file is or comes from, or where the server is, as it may be shown: a URL less its secrets."""
        if self.is_remote:
            return self.url or ""
        path = self.file
        return str(path) if path is not None else str(parse_reference(self.url or ""))

    @property
    def is_to_be_pulled(self) -> bool:
        """Whether the file has to be fetched before the model can be loaded."""
        path = self.file
        return not self.is_remote and self.url is not None and (path is None or not path.exists())

    @property
    def adapter_files(self) -> tuple[Path, ...]:
        """The files of `lora_adapters`, which need not exist."""
        return tuple(file_at(location) for location in self.lora_adapters)


def _server_mistakes(given: Mapping[str, object]) -> Iterator[Mistake]:
    for key in _OF_FILES:
        if key in given:
            yield (key,), 'is for a file that this machine computes, and engine = "openai" leaves that to a server'
    if "api_key" in given and "api_key_env" in given:
        yield ("api_key_env",), "takes the place of api_key: leave out either"
    if "url" not in given:
        yield (), 'needs url, where the server is: with engine = "openai", such as http://127.0.0.1:8000/v1'
    elif isinstance(url := given["url"], str):
        yield from (((("url",), words),) if (words := _refusal(url)) else ())


def _refusal(url: str) -> str:
    """What is wrong with the URL of a server; "" if nothing is."""
    try:
        parts = urlsplit(url)
        is_one = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError as error:
        return f"is no URL of a server: {error}"
    if not is_one:
        return "must be the URL of a server, such as http://127.0.0.1:8000/v1"
    if parts.username is not None or parts.query or parts.fragment:
        return "must hold neither a user nor a query: the key of a server is named by api_key or api_key_env"
    return ""
