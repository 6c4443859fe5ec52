"""The configuration as a whole: the keys of the server, and the tables of models, tasks and memories."""

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, Strict

from poly_engine.config.memories import MemoryConfig
from poly_engine.config.models import ModelConfig
from poly_engine.config.section import Mistake, Section, keys
from poly_engine.config.tasks import TaskConfig
from poly_engine.config.values import Count, Location, Texts
from poly_engine.errors import suggestion

__all__ = ["Config", "JwtKey"]


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
    allowed_keys: Annotated[tuple[Secret, ...], Strict(False)] = Field(
        default=(), description="Keys that the server accepts; sha256: and a hash stand for one that is not told here."
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
        default=None, description="The folder for downloaded models; by default where the system keeps caches."
    )
    models: Mapping[str, ModelConfig] = Field(default={}, description="The models by name.")
    tasks: Mapping[str, TaskConfig] = Field(default={}, description="The tasks by name.")
    memories: Mapping[str, MemoryConfig] = Field(default={}, description="The memories by name.")

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
