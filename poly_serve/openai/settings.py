"""How an answer is to be written, as chats and completions say it alike."""

from collections.abc import Mapping
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from poly_engine import Bias, Overrides
from poly_engine.overrides import MOST_LOGPROBS
from poly_engine.sampling.settings import COUNT, LAST_N, MIN_P, PENALTY, REPEAT_PENALTY, TEMPERATURE, TOP_P, Range
from poly_serve.inputs import InvalidParameter
from poly_serve.openai.logit_bias import LogitBias

__all__ = ["ANY_SEED", "MOST_CHOICES", "Body", "Settings"]

MOST_CHOICES = 64
"""Answers to one request."""

_INT64 = 2**63
_LARGEST = 2**31 - 1
_NO_LIMIT = -1
ANY_SEED = -1
"""To llama.cpp, and so to many clients: draw one."""


class Body(BaseModel):
    """A body that names a task or a model. What is unknown in it is ignored, what is known has its type and range."""

    model_config = ConfigDict(strict=True, frozen=True)

    model: str


def _within(limits: Range) -> object:
    if limits.is_open:
        return Field(gt=limits.low, le=limits.high)
    return Field(ge=limits.low, le=limits.high)


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


class StreamOptions(BaseModel):
    """What a stream is to hold beside the answer."""

    model_config = ConfigDict(strict=True, frozen=True)

    include_usage: bool | None = None


class NamedSchema(BaseModel):
    """A JSON schema as OpenAI wraps it. An answer always fits it, strict or not."""

    model_config = ConfigDict(strict=True, frozen=True)

    schema_: dict[str, Any] = Field(alias="schema")  # Any: as JSON


class Format(BaseModel):
    """What an answer has to look like; llama.cpp takes the schema one level higher, too."""

    model_config = ConfigDict(strict=True, frozen=True)

    type: Literal["text", "json_object", "json_schema"]
    json_schema: NamedSchema | None = None
    schema_: dict[str, Any] | None = Field(default=None, alias="schema")  # Any: as JSON

    @property
    def schema_of_answer(self) -> Mapping[str, object] | None:
        """The schema that it says. Raises InvalidParameter if that is missing."""
        match self.type:
            case "text":
                return None
            case "json_object":
                return {"type": "object"} if self.schema_ is None else self.schema_
        schema = self.schema_ if self.json_schema is None else self.json_schema.schema_
        if schema is None:
            raise InvalidParameter(
                "response_format.json_schema", "is missing: its schema is what the answer has to fit"
            )
        return schema


class Settings(Body):
    """The settings of the task that a request replaces, and how the answer is to come."""

    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: Annotated[int, Field(ge=1, le=MOST_CHOICES)] | None = None
    seed: Annotated[int, Field(ge=-_INT64, lt=_INT64)] | None = None
    stop: (
        Annotated[
            list[Annotated[str, Field(min_length=1, max_length=1000)]], Field(max_length=16), BeforeValidator(_as_list)
        ]
        | None
    ) = None
    max_tokens: Annotated[int, Field(ge=1, le=_LARGEST)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1, le=_LARGEST)] | None = None
    n_predict: Annotated[int, Field(ge=_NO_LIMIT, le=_LARGEST)] | None = None
    ignore_eos: bool | None = None
    temperature: Annotated[float, _within(TEMPERATURE)] | None = None
    top_k: Annotated[int, _within(COUNT)] | None = None
    top_p: Annotated[float, _within(TOP_P)] | None = None
    min_p: Annotated[float, _within(MIN_P)] | None = None
    repeat_penalty: Annotated[float, _within(REPEAT_PENALTY)] | None = None
    repetition_penalty: Annotated[float, _within(REPEAT_PENALTY)] | None = None
    frequency_penalty: Annotated[float, _within(PENALTY)] | None = None
    presence_penalty: Annotated[float, _within(PENALTY)] | None = None
    repeat_last_n: Annotated[int, _within(LAST_N)] | None = None
    logit_bias: LogitBias | None = None
    n_probs: Annotated[int, Field(ge=0, le=MOST_LOGPROBS)] | None = None
    response_format: Format | None = None
    json_schema: dict[str, Any] | None = None  # Any: as JSON
    grammar: str | None = None

    @property
    def n_choices(self) -> int:
        """How many answers there are to be to a prompt."""
        return self.n or 1

    @property
    def has_usage_chunk(self) -> bool:
        """Whether a stream ends in a chunk on the tokens used."""
        return bool(self.stream_options and self.stream_options.include_usage)

    @property
    def n_logprobs(self) -> int | None:
        """How many of the likeliest tokens are to be told with each; None if none is, nor how likely it was itself."""
        return self.n_probs or None

    @cached_property
    def overrides(self) -> Overrides:
        """What replaces the settings of the task, but for the seed, of which each answer has its own."""
        return Overrides(
            max_tokens=self._limit,
            temperature=self.temperature,
            top_k=self.top_k,
            top_p=self.top_p,
            min_p=self.min_p,
            repeat_penalty=self._agreed("repeat_penalty", "repetition_penalty"),
            frequency_penalty=self.frequency_penalty,
            presence_penalty=self.presence_penalty,
            repetition_penalty_last_n=self.repeat_last_n,
            stop_sequences=tuple(self.stop) if self.stop else None,
            logit_bias=tuple(self.logit_bias) if self.logit_bias else None,
            ignore_eos=self.ignore_eos,
            logprobs=self.n_logprobs,
        )

    @property
    def _limit(self) -> int | None:
        """The most tokens of an answer. Raises InvalidParameter if its names do not agree."""
        if self.n_predict == 0:
            raise InvalidParameter("n_predict", "has to be at least 1, or -1 for no limit but that of the task")
        names = ("max_tokens", "max_completion_tokens", "n_predict")
        limit: int | None = self._agreed(*(names[:2] if self.n_predict == _NO_LIMIT else names))
        return limit

    def _agreed(self, *names: str) -> Any:  # Any: whatever they hold
        """What the names of one and the same setting say. Raises InvalidParameter if they do not agree."""
        given = [name for name in names if getattr(self, name) is not None]
        for name, other in pairwise(given):
            if getattr(self, name) != getattr(self, other):
                raise InvalidParameter(name, f"differs from {other}, its other name: leave out either")
        return getattr(self, given[0]) if given else None

    @property
    def bias(self) -> Bias | None:
        """What the answer has to look like in place of what the task says. Raises InvalidSchema or InvalidParameter."""
        given: dict[str, Bias] = {}
        if self.response_format and (schema := self.response_format.schema_of_answer) is not None:
            given["response_format"] = Bias.of_schema(schema)
        if self.json_schema is not None:
            given["json_schema"] = Bias.of_schema(self.json_schema)
        if self.grammar:
            given["grammar"] = Bias("gbnf", self.grammar)
        if not given:
            return None
        name, *others = given
        if others:
            raise InvalidParameter(others[0], f"cannot be used beside {name}: leave out either")
        if self.stop:
            raise InvalidParameter("stop", f"does not end what {name} binds: leave out either")
        return given[name]
