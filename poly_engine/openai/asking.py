"""What a server is asked: settings of a task and of one turn, in the dialect that the server speaks."""

import json
from collections.abc import Mapping
from typing import Any

from poly_engine.bias.grammar import grammar
from poly_engine.config import ModelConfig, TaskConfig
from poly_engine.config.models import ServerKind
from poly_engine.config.tasks import PLAIN_SETTINGS
from poly_engine.errors import InvalidRequest, InvalidSchema
from poly_engine.types import Bias, Overrides

__all__ = ["check_task", "settings_in_effect", "settings_of"]

_COMMON = {
    "temperature": "temperature",
    "top_p": "top_p",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "seed": "seed",
    "max_tokens": "max_tokens",
}
_OF_LLAMA = {"top_k": "top_k", "min_p": "min_p", "repeat_penalty": "repeat_penalty"}
_OF_LISTS = {"top_k": "top_k", "min_p": "min_p", "repeat_penalty": "repetition_penalty", "ignore_eos": "ignore_eos"}
_OF_POLY = {**_OF_LLAMA, "repetition_penalty_last_n": "repeat_last_n", "ignore_eos": "ignore_eos"}
_MORE: Mapping[ServerKind, Mapping[str, str]] = {
    "openai": {},
    "llama-server": _OF_POLY,
    "llama-cpp-python": _OF_LLAMA,
    "vllm": _OF_LISTS,
    "sglang": _OF_LISTS,
    "poly": _OF_POLY,
}
"""Settings that OpenAI's protocol has no field for, and how each server calls them."""
_WITH_GRAMMARS: tuple[ServerKind, ...] = ("llama-server", "llama-cpp-python", "poly")
_SETTINGS = (*PLAIN_SETTINGS, "seed", "max_tokens", "ignore_eos")


def check_task(name: str, task: TaskConfig, model: ModelConfig) -> None:
    """Raise InvalidRequest for what a task wants and a server cannot be told."""
    if task.samplers is not None:
        raise InvalidRequest(f"task {name} names samplers, which a server cannot be told: set temperature and top_p")
    if task.bias_prompt and task.biaser is not None:
        raise InvalidRequest(f"task {name} has a bias_prompt, which needs a model of this machine: leave it out")
    if task.template not in {"auto", "none"}:
        raise InvalidRequest(
            f"task {name} has a chat template of its own, which needs a model of this machine: leave template out, and "
            "the server uses that of the model, or write prelude, prefix and postfix"
        )
    settings_of(name, task, model, Overrides(), None)


def settings_in_effect(task: TaskConfig) -> dict[str, object]:
    """The settings of a task that a server is told: what the task does not set is up to the server."""
    return {
        key: value
        for key, value in task.in_effect.items()
        if key in task.model_fields_set or (key not in _SETTINGS and key != "template")
    }


def settings_of(
    name: str, task: TaskConfig, model: ModelConfig, overrides: Overrides, bias: Bias | None, *, is_chat: bool = True
) -> dict[str, Any]:  # Any: as JSON
    """The fields of a request. Raises InvalidRequest or InvalidSchema for what the server cannot be told."""
    given = {key: getattr(task, key) for key in task.model_fields_set & set(_SETTINGS)}
    given |= {key: value for key in _SETTINGS if (value := getattr(overrides, key)) is not None}
    given = {key: value for key, value in given.items() if value is not None and value is not False}
    names = {**_COMMON, **_MORE[model.server]}
    for key in given.keys() - names.keys():
        raise InvalidRequest(
            f"task {name}: {key} cannot be told to a server of the kind {model.server}: name another kind by server in "
            f"model {task.model}, if it is one, or leave {key} out"
        )
    fields: dict[str, Any] = {names[key]: value for key, value in given.items()}
    stops = task.stop_sequences if overrides.stop_sequences is None else overrides.stop_sequences
    if stops and bias is None:
        fields["stop"] = list(stops)
    if overrides.logit_bias:
        fields["logit_bias"] = {str(token): value for token, value in overrides.logit_bias}
    if overrides.logprobs is not None:
        fields |= (
            {"logprobs": True, "top_logprobs": overrides.logprobs} if is_chat else {"logprobs": overrides.logprobs}
        )
    return {**fields, **(_bias_fields(bias, model.server) if bias is not None else {})}


def _bias_fields(bias: Bias, server: ServerKind) -> dict[str, Any]:  # Any: as JSON
    meant = grammar(bias)
    if bias.kind == "gbnf" and server in _WITH_GRAMMARS:
        return {"grammar": bias.source}
    if bias.kind != "json_schema":
        raise InvalidSchema(
            f"a server of the kind {server} cannot be told to bind an answer by {bias.kind}: use a JSON schema, or a "
            "model of this machine"
        )
    schema = json.loads(meant.schema or "{}")
    if "patternProperties" in (meant.schema or ""):
        raise InvalidSchema("patternProperties: what a server answers cannot be checked against it, leave it out")
    if server == "llama-cpp-python":
        return {"response_format": {"type": "json_object", "schema": schema}}
    named = {"name": "answer", "schema": schema, "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": named}}
