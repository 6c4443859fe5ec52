"""Where a schema comes from: a file, JSON, or the short notation for people."""

import os
from pathlib import Path

from poly_engine.errors import InvalidSchema
from poly_engine.types import Bias

__all__ = ["from_words", "read"]

LARGEST_FILE = 4 << 20


def from_words(text: str) -> Bias:
    """What somebody typed: the name of a file that holds a JSON schema, the schema itself, or a short form of one.

    Raises InvalidSchema. What looks like the name of a file is one, so that who mistypes it is told so.
    """
    text = text.strip()
    if text.startswith("{") or text in ("true", "false"):
        return Bias("json_schema", text)
    if os.path.isfile(text) or (text.endswith(".json") and "\n" not in text):  # noqa: PTH113 - text may be too long
        return read(Path(text))
    from poly_engine.bias.notation import expand  # only here, as most callers have a file

    return Bias.of_schema(expand(text))


def read(path: Path) -> Bias:
    """The JSON schema in a file. Raises InvalidSchema if there is none."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)  # a device has no size
        if len(content) > LARGEST_FILE:
            raise InvalidSchema(f"{path} is larger than {LARGEST_FILE >> 20} MiB, which is no schema")
        return Bias("json_schema", content.decode("utf-8-sig"))
    except OSError as error:
        raise InvalidSchema(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidSchema(f"{path} is not UTF-8 text, as JSON must be") from error
