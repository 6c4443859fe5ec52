"""Logit biases as clients send them: an object as OpenAI has it, or pairs as llama.cpp has them, too."""

import re
from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from poly_engine.overrides import NEVER

__all__ = ["LogitBias"]

_MOST = 4096
_ID = re.compile(r"\d{1,9}")


def _as_pairs(value: object) -> object:
    """Ids and biases; false stands for never."""
    pairs = list(value.items()) if isinstance(value, dict) else value
    if not isinstance(pairs, list) or len(pairs) > _MOST:
        return pairs
    return [_pair(pair) for pair in pairs]


def _pair(pair: object) -> tuple[object, object]:
    match pair:
        case [str(text), bias] if _ID.fullmatch(text):
            token: object = int(text)
        case [int(token), bias] if not isinstance(token, bool):
            pass
        case [str(text), _]:
            raise _wrong(f"{text[:40]!r} is no id of a token: /tokenize tells them")
        case _:
            raise _wrong('has to be {"id": bias, …} or [[id, bias], …]')
    return token, NEVER if bias is False else bias


def _wrong(reason: str) -> PydanticCustomError:
    return PydanticCustomError("logit_bias", "{reason}", {"reason": reason})


LogitBias = Annotated[
    list[tuple[int, Annotated[float, Field(ge=NEVER, le=-NEVER)]]],
    Field(max_length=_MOST, json_schema_extra={"type": ["object", "array"]}),
    BeforeValidator(_as_pairs),
]
"""Ids of tokens, each with what is added to its logit."""
