"""The kinds of values that several tables of the configuration share."""

import json
import re
import warnings
from pathlib import Path
from typing import Annotated, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, Strict, StringConstraints, ValidationInfo

from poly_engine.config.locations import anchored
from poly_engine.sampling.settings import COUNT

__all__ = [
    "Count",
    "HttpUrl",
    "JsonObject",
    "Location",
    "Locations",
    "Pattern",
    "Patterns",
    "Text",
    "Texts",
    "check_url",
    "is_json",
]


def _anchor(location: str, info: ValidationInfo) -> str:
    """The loader gives the folder of the file as context; what a program sets is kept as it is."""
    if isinstance(info.context, Path):
        return anchored(location, info.context)
    anchored(location, Path())
    return location


def check_url(url: str, *schemes: str) -> str:
    """Return `url`, or raise ValueError unless it names a host and has one of `schemes`."""
    parts = urlsplit(url)
    if parts.scheme not in schemes or not parts.hostname:
        raise ValueError(f"must be a URL that begins with {' or '.join(f'{scheme}://' for scheme in schemes)}")
    return url


def _check_http_url(url: str) -> str:
    return check_url(url, "https", "http")


def is_json(value: dict[str, object]) -> bool:
    """Whether a table can be written as JSON."""
    try:
        _check_json(value)
    except ValueError:
        return False
    return True


def _check_json(value: dict[str, object]) -> dict[str, object]:
    try:
        json.dumps(value, allow_nan=False)
    except TypeError as error:
        raise ValueError("holds a date or time, which JSON does not have") from error
    except ValueError as error:
        raise ValueError("holds a number that is infinite or nan, which JSON does not have") from error
    except RecursionError as error:
        raise ValueError("is nested too deeply") from error
    return value


def _check_pattern(pattern: str) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # "[[:alpha:]]" compiles with a warning, and means something else
            re.compile(pattern)
    except (re.error, FutureWarning, DeprecationWarning, OverflowError, RecursionError) as error:
        raise ValueError(f"is not a regular expression of Python: {error}") from error
    return pattern


Count: TypeAlias = Annotated[int, Field(ge=1, le=COUNT.high)]
"""A number of things, at least one."""

Text: TypeAlias = Annotated[str, StringConstraints(min_length=1)]
"""Text that is not empty."""

Texts: TypeAlias = Annotated[tuple[Text, ...], Strict(False)]

Location: TypeAlias = Annotated[str, AfterValidator(_anchor)]
"""Where a file is, as described in `poly_engine.config.locations`."""

Locations: TypeAlias = Annotated[tuple[Location, ...], Strict(False)]

HttpUrl: TypeAlias = Annotated[str, AfterValidator(_check_http_url)]

JsonObject: TypeAlias = Annotated[dict[str, object], AfterValidator(_check_json)]
"""A table that JSON can hold as well as TOML."""

Pattern: TypeAlias = Annotated[str, AfterValidator(_check_pattern)]
"""A regular expression."""

Patterns: TypeAlias = Annotated[tuple[Pattern, ...], Strict(False)]
