"""The last look at an answer that a grammar of ours did not bind: somebody else did, or said so."""

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from jsonschema import ValidationError
from llguidance import LLMatcher

from poly_engine.bias.grammar import grammar
from poly_engine.bias.matching import byte_tokenizer, completes, matcher
from poly_engine.bias.verify import misfit
from poly_engine.types import Bias

__all__ = ["foreign_fault"]


def foreign_fault(bias: Bias, text: str) -> str:
    """Return what is wrong with an answer; "" if nothing is. Nothing is left to a grammar, as `verify.fault` does."""
    if bias.kind != "json_schema":
        is_whole = completes(matcher(byte_tokenizer(), grammar(bias).text), text.encode("utf-8", "replace"))
        return "" if is_whole else f"it does not fit the {bias.kind}"
    return misfit(bias, text, {"pattern": _pattern})


def _pattern(validator: Any, pattern: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:  # noqa: ARG001 - jsonschema's
    """As llguidance reads a pattern: in time that grows with the text alone."""
    if isinstance(instance, str) and not completes(
        _matcher(pattern), json.dumps(instance, ensure_ascii=False).encode()
    ):
        yield ValidationError(f"{instance[:80]!r} does not match {pattern!r}")


@lru_cache(maxsize=64)
def _matcher(pattern: str) -> LLMatcher:
    text = grammar(Bias.of_schema({"type": "string", "pattern": pattern})).text
    return matcher(byte_tokenizer(), text)
