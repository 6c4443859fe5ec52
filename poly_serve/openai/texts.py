"""Texts as clients of OpenAI send them: one, or several."""

from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

__all__ = ["MOST_TEXTS", "Texts"]

MOST_TEXTS = 2048


def _as_texts(value: object) -> object:
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and value and isinstance(value[0], int | list):
        raise PydanticCustomError("tokens", "the ids of tokens cannot be read, only texts: send the text itself")
    return value


Texts = Annotated[list[str], Field(min_length=1, max_length=MOST_TEXTS), BeforeValidator(_as_texts)]
"""A text, or a list of them."""
