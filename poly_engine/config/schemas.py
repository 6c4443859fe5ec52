"""Schemas of the configuration: read from their files, and checked while the configuration is loaded."""

import os
from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import AfterValidator

from poly_engine.bias.source import read
from poly_engine.config.values import Location
from poly_engine.errors import InvalidSchema
from poly_engine.types import Bias

__all__ = ["SchemaFile", "check", "read_schema"]


def check(bias: Bias) -> None:
    """Raise InvalidSchema unless a bias can be enforced."""
    from poly_engine.bias.grammar import grammar  # llguidance costs 60 ms, and few configurations need it

    grammar(bias)


def read_schema(location: str) -> Bias:
    """The JSON schema in a file. Raises InvalidSchema if there is none."""
    return read(Path(os.path.expanduser(location)))  # noqa: PTH111 - Path.expanduser raises an error for a user there is not


def _check_file(location: str) -> str:
    try:
        check(read_schema(location))
    except InvalidSchema as error:
        raise ValueError(str(error)) from error
    return location


SchemaFile: TypeAlias = Annotated[Location, AfterValidator(_check_file)]
"""Where a JSON schema is. It is read when the configuration is loaded."""
