"""Amounts in the configuration that people write with a unit or a word: times, memory, layers."""

import math
import re
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, ValidatorFunctionWrapHandler, WrapValidator

from poly_engine.sampling.settings import COUNT

__all__ = ["Amount", "Duration", "Layers", "n_bytes", "seconds"]

_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_BYTES = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_BYTES |= {"KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40}
_NUMBER = re.compile(r"(\d{1,12}(?:\.\d{1,6})?) ?([A-Za-z%]*)", re.ASCII)
_MOST_S = 10**9
_FOREVER = "forever"


def seconds(duration: float | str) -> float:
    """How long a duration is; infinite for forever. Raises ValueError for what is none."""
    if duration == _FOREVER:
        return math.inf
    if isinstance(duration, str):
        number, unit = _parts(duration)
        if unit not in _SECONDS:
            raise ValueError
        duration = number * _SECONDS[unit]
    if not 0 <= duration <= _MOST_S:
        raise ValueError
    return float(duration)


def n_bytes(amount: int | str, total: int) -> int:
    """How many bytes an amount of memory is, which may be a share of `total`. Raises ValueError for what is none."""
    if isinstance(amount, str):
        number, unit = _parts(amount)
        if unit == "%":
            if not 0 < number <= 100:
                raise ValueError
            return int(total * number / 100)
        if unit.upper() not in _BYTES:
            raise ValueError
        amount = int(number * _BYTES[unit.upper()])
    if amount <= 0:
        raise ValueError
    return amount


def _parts(text: str) -> tuple[float, str]:
    if (found := _NUMBER.fullmatch(text.strip())) is None:
        raise ValueError
    return float(found[1]), found[2]


def _check_duration(given: object, _: ValidatorFunctionWrapHandler) -> float | str:
    """As what it was meant to be: a union would say what is wrong with it as each of its kinds."""
    try:
        if isinstance(given, int | float | str) and not isinstance(given, bool):
            seconds(given)
            return given
    except ValueError:
        pass
    raise ValueError('must be seconds, a text such as "90s", "30m" or "2h", or "forever"')


def _check_amount(given: object, _: ValidatorFunctionWrapHandler) -> int | str:
    try:
        if isinstance(given, int | str) and not isinstance(given, bool):
            n_bytes(given, 1)
            return given
    except ValueError:
        pass
    raise ValueError('must be bytes, a text such as "8GB" or "512MiB", or a share of the memory such as "80%"')


def _check_layers(given: object, _: ValidatorFunctionWrapHandler) -> int | Literal["all"]:
    if given == "all":
        return "all"
    if isinstance(given, int) and not isinstance(given, bool) and 0 <= given <= COUNT.high:
        return given
    raise ValueError('must be a number of layers, from 0 on, or "all"')


Duration: TypeAlias = Annotated[int | float | str, WrapValidator(_check_duration)]
"""Seconds, or a text with a unit, or "forever"."""

Amount: TypeAlias = Annotated[int | str, WrapValidator(_check_amount)]
"""Bytes, or a text with a unit, or a share."""

Layers: TypeAlias = Annotated[Annotated[int, Field(ge=0)] | Literal["all"], WrapValidator(_check_layers)]
"""How many layers of a model."""
