"""Tasks in the configuration: a model, used in one specific way."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Annotated

from pydantic import AfterValidator, Field

from poly_engine.config.schemas import SchemaFile, check, read_schema
from poly_engine.config.section import Mistake, Section
from poly_engine.config.values import Count, JsonObject, Text, Texts, is_json
from poly_engine.errors import InvalidSchema
from poly_engine.sampling import parse
from poly_engine.sampling.settings import COUNT, LAST_N, MIN_P, PENALTY, REPEAT_PENALTY, TEMPERATURE, TOP_P, Range
from poly_engine.types import Bias

__all__ = ["PLAIN_SETTINGS", "Biaser", "Memorization", "TaskConfig"]

PLAIN_SETTINGS = (
    "top_k",
    "top_p",
    "min_p",
    "temperature",
    "repeat_penalty",
    "frequency_penalty",
    "presence_penalty",
    "repetition_penalty_last_n",
)
"""The settings that `samplers` takes the place of."""

_OWN_PROMPTS = ("prelude", "prefix", "postfix")
_MAX_SEED = 2**32 - 2  # to llama.cpp, the next one means "any"


class Biaser(Section):
    """What the answer of a task has to look like. Exactly one key is given."""

    json_schema: JsonObject | None = Field(default=None, description="The answer is JSON that fits this JSON schema.")
    json_schema_file: SchemaFile | None = Field(
        default=None, description="The answer is JSON that fits the JSON schema in this file."
    )
    choice: Texts | None = Field(default=None, description="The answer is one of these texts.")
    regex: Text | None = Field(default=None, description="The answer matches this regular expression, all of it.")
    lark: Text | None = Field(default=None, description="The answer fits this grammar, in the manner of Lark.")
    gbnf: Text | None = Field(default=None, description="The answer fits this grammar, in llama.cpp's notation.")

    @cached_property
    def bias(self) -> Bias:
        """What it says, as one value. Raises InvalidSchema if a file cannot be read any more."""
        if self.json_schema_file is not None:
            return read_schema(self.json_schema_file)
        bias = _given_bias(self.model_dump(exclude_none=True))
        assert bias is not None, "the biaser has no key"
        return bias

    @classmethod
    def mistakes(cls, given: Mapping[str, object]) -> Iterator[Mistake]:
        """A biaser has one key, and what it says can be enforced."""
        if len(given.keys() & cls.model_fields.keys()) != 1:
            yield (), f"needs exactly one of {', '.join(cls.model_fields)}"
        elif bias := _given_bias(given):
            try:
                check(bias)
            except InvalidSchema as error:
                yield (*given, *error.where), error.reason


def _given_bias(given: Mapping[str, object]) -> Bias | None:
    """The bias that the only key says, if its value is of the right type.

    A file has a check of its own, since the folder that it lies in is not known here.
    """
    match dict(given):
        case {"json_schema": dict(schema)} if is_json(schema):
            return Bias.of_schema(schema)
        case {"choice": [*choices]} if all(isinstance(text, str) for text in choices):
            return Bias("choice", json.dumps(choices))
        case {"regex": str(source)}:
            return Bias("regex", source)
        case {"lark": str(source)}:
            return Bias("lark", source)
        case {"gbnf": str(source)}:
            return Bias("gbnf", source)
    return None


class Memorization(Section):
    """How a task uses a memory."""

    memory: str = Field(description="The memory to use, one of [memories].")
    store_prompts: bool = Field(default=False, description="Whether prompts are added to the memory.")
    retrieve: Count | None = Field(
        default=None,
        description="How many chunks to recall for each prompt; by default none, or what max_tokens holds.",
    )
    max_tokens: Count | None = Field(
        default=None,
        description="How many tokens of the model all that is recalled may take; by default half of its context, which "
        "is the most.",
    )


def _check_template(template: str) -> str:
    if template not in ("auto", "none") and "{{" not in template and "{%" not in template:
        raise ValueError('must be "auto", "none", or a jinja2 template with {{ … }} in it')
    return template


def _within(limits: Range) -> object:
    if limits.is_open:
        return Field(gt=limits.low, le=limits.high)
    return Field(ge=limits.low, le=limits.high)


class TaskConfig(Section):
    """A task: how a model is asked, and how it answers."""

    model: str = Field(description="The model that answers, one of [models].")
    description: str = Field(default="", description="What the task is for, in one line.")

    system: str | None = Field(default=None, description="The system message, for the chat template of the model.")
    template: Annotated[str, AfterValidator(_check_template)] = Field(
        default="auto",
        description="How a chat becomes a prompt: auto, the chat template of the model unless there is a prelude, "
        "prefix or postfix; none, the prompt as it is; or a chat template in jinja2.",
    )
    prelude: str | None = Field(default=None, description="Text that the model reads once, before the first prompt.")
    prefix: str | None = Field(default=None, description="Text that the model reads before each prompt.")
    postfix: str | None = Field(default=None, description="Text that the model reads after each prompt.")
    private_tokens: Texts = Field(
        default=(), description="Texts that are refused in a prompt and never shown in an answer."
    )

    max_tokens: Count | None = Field(
        default=None, description="The longest answer, in tokens; by default as much as the context holds."
    )
    stop_sequences: Texts = Field(default=(), description="Texts that end the answer, and are not part of it.")
    seed: int | None = Field(
        default=None, ge=0, le=_MAX_SEED, description="Makes answers repeatable; by default each one is new."
    )
    temperature: Annotated[float, _within(TEMPERATURE)] = Field(
        default=0.80, description="How freely tokens are drawn: 0 takes the most likely one, 1 follows the model."
    )
    top_k: Annotated[int, _within(COUNT)] = Field(
        default=40, description="Draw among this many tokens, the most likely ones; 0 for all."
    )
    top_p: Annotated[float, _within(TOP_P)] = Field(
        default=0.95, description="Draw among the most likely tokens that reach this probability together; 1 for all."
    )
    min_p: Annotated[float, _within(MIN_P)] = Field(
        default=0.0, description="Draw among tokens at least this many times as likely as the first; 0 for all."
    )
    repeat_penalty: Annotated[float, _within(REPEAT_PENALTY)] = Field(
        default=1.30,
        description="How much less likely a token becomes that was used just before; 1 for no less, which is the "
        "default where there is a biaser.",
    )
    frequency_penalty: Annotated[float, _within(PENALTY)] = Field(
        default=0.0, description="How much the logit of a token is lowered for each time that it was used just before."
    )
    presence_penalty: Annotated[float, _within(PENALTY)] = Field(
        default=0.0, description="How much the logit of a token is lowered that was used just before at all."
    )
    repetition_penalty_last_n: Annotated[int, _within(LAST_N)] = Field(
        default=64, description="How many tokens back the three penalties look, also into the prompt."
    )
    samplers: Texts | None = Field(
        default=None,
        description='Samplers such as "topk:k=20" and "mirostat2:tau=4", in place of the eight settings above.',
    )

    biaser: Biaser | None = Field(default=None, description="What the answer has to look like.")
    bias_prompt: str | None = Field(
        default=None,
        description="The model first answers freely and unseen, then reads this, then answers as biased.",
    )
    memorization: Memorization | None = Field(default=None, description="The memory that the task uses, and how.")

    @property
    def in_effect(self) -> dict[str, object]:
        """The settings that count, by their names; those that say nothing or that `samplers` replaces do not. A penalty
        that is not set beside a biaser is not told either: if it was set, it would mean more.
        """
        replaced = PLAIN_SETTINGS if self.samplers is not None else ()
        if self.biaser is not None and "repeat_penalty" not in self.model_fields_set:
            replaced = (*replaced, "repeat_penalty")
        given = self.model_dump(mode="json", exclude_none=True)
        return {key: value for key, value in given.items() if key not in replaced and value != []}

    @classmethod
    def mistakes(cls, given: Mapping[str, object]) -> Iterator[Mistake]:
        """A task has its own prompts or a chat template, plain settings or samplers."""
        yield from _prompt_mistakes(given)
        if "samplers" in given:
            yield from _sampler_mistakes(given)


def _prompt_mistakes(given: Mapping[str, object]) -> Iterator[Mistake]:
    own = [key for key in _OWN_PROMPTS if key in given]
    for key in ("system", "template") if own else ():
        if key not in given or (key, given[key]) == ("template", "auto"):
            continue
        yield (key,), f"cannot be used beside {_and(own)}, by which the task writes its own prompts: leave out either"
    if not own and "system" in given and given.get("template") == "none":
        yield ("system",), 'is for chat templates, and template = "none" uses none: leave out either'


def _sampler_mistakes(given: Mapping[str, object]) -> Iterator[Mistake]:
    plain = [key for key in PLAIN_SETTINGS if key in given]
    if plain:
        yield ("samplers",), f"takes the place of {_and(plain)}: leave out either"
    samplers = given["samplers"]
    if not isinstance(samplers, list | tuple) or not all(isinstance(text, str) for text in samplers):
        return
    alone = [(("samplers", index), words) for index, text in enumerate(samplers) if (words := _refusal([text]))]
    yield from alone
    if not alone and (words := _refusal(samplers)):
        yield ("samplers",), words


def _refusal(samplers: Sequence[str]) -> str:
    try:
        parse(samplers)
    except ValueError as error:
        return str(error)
    return ""


def _and(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
