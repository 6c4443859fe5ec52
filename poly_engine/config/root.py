"""The configuration as a whole: the keys of the server, and the tables of models, tasks and memories."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, Strict, TypeAdapter, ValidatorFunctionWrapHandler, WrapValidator

from poly_engine.config.amounts import Amount, n_bytes
from poly_engine.config.cores import usable_memory_bytes
from poly_engine.config.locations import file_at
from poly_engine.config.memories import MemoryConfig
from poly_engine.config.models import ModelConfig
from poly_engine.config.section import Mistake, Section, keys
from poly_engine.config.tasks import TaskConfig
from poly_engine.config.values import Count, Location, Text, Texts
from poly_engine.errors import suggestion

__all__ = ["Config", "JwtKey", "NamedKey"]


def _check_secret(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value():
        raise ValueError("must not be empty")
    return secret


Secret = Annotated[SecretStr, AfterValidator(_check_secret)]


def _check_address(address: str) -> str:
    host, _, port = address.rpartition(":")
    is_host = host.startswith("[") == (":" in host)  # an IPv6 address is written in brackets
    if not host or not is_host or not (port.isascii() and port.isdigit() and int(port[:6]) <= 65535):
        raise ValueError('must be host and port, such as "127.0.0.1:3000" or "[::1]:3000"')
    return address


class JwtKey(Section):
    """The key that JSON web tokens are signed with."""

    symmetric: Secret = Field(description="A secret that both sides know, for HS256.")


class NamedKey(Section):
    """A key of the server, and what whoever has it is called."""

    name: Text = Field(
        description="What whoever has the key is called in logs and counters. Two keys may have one name, while one "
        "takes the place of the other."
    )
    key: Secret = Field(description="The key, or sha256: and its hash.")


def _text_or_table(given: object, check: ValidatorFunctionWrapHandler) -> SecretStr | NamedKey:
    """A key as what it was meant to be: a union would say what is wrong with it as either."""
    if isinstance(given, NamedKey | SecretStr):
        checked: SecretStr | NamedKey = check(given)
        return checked
    return NamedKey.model_validate(given) if isinstance(given, Mapping) else _secret.validate_python(given)


_secret: TypeAdapter[SecretStr] = TypeAdapter(Annotated[Secret, Strict()])
AllowedKey = Annotated[SecretStr | NamedKey, WrapValidator(_text_or_table)]


class Config(Section):
    """What Poly knows: models, tasks and memories, each by its name, and how the server behaves."""

    bind_address: Annotated[str, AfterValidator(_check_address)] = Field(
        default="127.0.0.1:3000", description="The host and port on which the server listens."
    )
    max_concurrent: Count = Field(
        default=8, description="Requests for each model that the server works on at the same time."
    )
    max_waiting: Count = Field(
        default=64, description="Requests for each model that wait meanwhile; what is more is told to try again."
    )
    max_waiting_tokens: Count = Field(
        default=1 << 18, description="Tokens of the prompts that wait for each model, at four bytes a token."
    )
    public: bool = Field(default=False, description="Whether the server answers without a key.")
    allowed_keys: Annotated[tuple[AllowedKey, ...], Strict(False)] = Field(
        default=(),
        description="Keys that the server accepts, each with a name, if it is given one; sha256: and a hash stand for "
        "one that is not told here.",
    )
    jwt_private_key: JwtKey | None = Field(
        default=None, description="The key of the JSON web tokens that the server accepts."
    )
    jwt_public_keys: Location | None = Field(
        default=None,
        description="A file of keys by which the server checks JSON web tokens of somebody else (EdDSA or RS256): a "
        "key in PEM, or a JSON web key set.",
    )
    allowed_origins: Texts | None = Field(
        default=None, description="Web pages that may use the server, by their origin; * for any."
    )
    cache_path: Location | None = Field(
        default=None,
        description="The folder for models that are fetched; by default the cache of the Hugging Face hub for those of "
        "the hub, and for others where the system keeps caches.",
    )
    max_memory: Amount | None = Field(
        default=None,
        description="What all loaded models may take together: bytes, a text such as 8GB, or a share of the memory "
        "such as 80%; without end by default. Those that nobody uses leave it for others.",
    )
    models: Mapping[str, ModelConfig] = Field(default={}, description="The models by name.")
    tasks: Mapping[str, TaskConfig] = Field(default={}, description="The tasks by name.")
    memories: Mapping[str, MemoryConfig] = Field(default={}, description="The memories by name.")

    def model_post_init(self, _: object) -> None:
        if (folder := self.models_folder) is not None:  # else models of another configuration stay as they are
            for model in self.models.values():
                model.keep_in(folder)

    @property
    def models_folder(self) -> Path | None:
        """The folder at `cache_path`."""
        return file_at(self.cache_path) if self.cache_path is not None else None

    @property
    def memory_budget_bytes(self) -> int | None:
        """The bytes that are `max_memory`; None if there is no limit."""
        return None if self.max_memory is None else n_bytes(self.max_memory, usable_memory_bytes())

    @classmethod
    def mistakes(cls, given: Mapping[str, object]) -> Iterator[Mistake]:
        """Names are usable, and mean something that there is."""
        models, memories = keys(given.get("models")), keys(given.get("memories"))
        for kind in ("models", "tasks", "memories"):
            for name in keys(given.get(kind)):
                if not name or not name.isprintable():
                    yield (kind, name), "is no name: it must be printable and not empty"
        for name, task in keys(given.get("tasks")).items():
            yield from _unless_known("model", models, task, ("tasks", name, "model"))
            memorization = keys(task).get("memorization")
            yield from _unless_known("memory", memories, memorization, ("tasks", name, "memorization", "memory"))
        for name, memory in keys(given.get("memories")).items():
            yield from _unless_known("model", models, memory, ("memories", name, "embedding_model"))


def _unless_known(kind: str, known: Mapping[str, object], table: object, where: tuple[str, ...]) -> Iterator[Mistake]:
    """A mistake if the last key of `where`, in `table`, is a name that is not `known`."""
    name = keys(table).get(where[-1])
    if isinstance(name, str) and name not in known:
        yield where, f"there is no {kind} of that name{suggestion(name, known)}"
