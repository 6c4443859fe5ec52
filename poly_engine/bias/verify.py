"""The last look at an answer, by somebody else: `jsonschema` checks what llguidance has let pass."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from decimal import Decimal, InvalidOperation, localcontext
from functools import lru_cache
from typing import Any, TypeAlias

from jsonschema import Draft202012Validator
from jsonschema.protocols import Validator
from jsonschema.validators import extend, validator_for

from poly_engine.bias.grammar import grammar
from poly_engine.types import Bias

__all__ = ["fault", "misfit"]

Keyword: TypeAlias = Callable[[Any, Any, Any, Any], Iterable[Any]]  # as jsonschema has it

_DIGITS = 5_000
"""Of a quotient that shows whether a number is a multiple of another: longer numbers are left to the grammar, like what
is nested too deeply for Python."""


def fault(bias: Bias, text: str) -> str:
    """Return what is wrong with an answer; "" if nothing is, or if only the grammar itself could tell."""
    if bias.kind == "choice":
        return "" if text in json.loads(bias.source) else "it is none of the choices"
    return misfit(bias, text, {"pattern": _unseen}) if bias.kind == "json_schema" else ""


def misfit(bias: Bias, text: str, keywords: Mapping[str, Keyword]) -> str:
    """As `fault`, for a JSON schema in which some keywords are checked in another way."""
    try:
        answer = _exactly(text)
    except json.JSONDecodeError as error:
        return f"it is not JSON: {error}"
    except ValueError as error:
        return f"it has a number that cannot be read: {error}"
    except RecursionError:
        return ""
    with localcontext(prec=_DIGITS), suppress(InvalidOperation, RecursionError):
        for found in _validator(bias, tuple(keywords.items())).iter_errors(answer):
            return f"{found.json_path}: {found.message}"
    return ""


@lru_cache(maxsize=64)
def _validator(bias: Bias, others: tuple[tuple[str, Keyword], ...]) -> Validator:
    schema = _exactly(grammar(bias).schema or "true")
    known = validator_for(schema, Draft202012Validator)
    keywords = {"patternProperties": _unseen, "additionalProperties": _additional, **dict(others)}
    kind: type[Validator] = extend(known, keywords)  # type: ignore[no-untyped-call]  # it has no types
    if isinstance(schema, dict):
        schema.pop("$schema", None)  # by which a reference to the whole would choose another validator
    return kind(schema)


def _unseen(*_: Any) -> tuple[()]:  # what jsonschema passes
    """Patterns are left to the grammar: Python reads another dialect, and may need hours to see that one fits, during
    which nothing else runs.
    """
    return ()


def _additional(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:  # JSON
    """What is additional depends on the patterns, if there are any."""
    if not schema.get("patternProperties"):
        yield from Draft202012Validator.VALIDATORS["additionalProperties"](validator, value, instance, schema)


def _exactly(text: str) -> Any:  # JSON
    """Floats are not exact enough for `multipleOf`: 1.15 is not a multiple of 0.01 in them."""
    return json.loads(text, parse_float=_decimal)


def _decimal(text: str) -> Decimal | float:
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent of more than 18 digits: it is infinite or zero to everybody
        return float(text)
