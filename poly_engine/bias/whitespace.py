"""The options of llguidance that a schema may carry in `x-guidance`, as far as what is written stays JSON."""

import re
from collections.abc import Mapping

from poly_engine.errors import InvalidSchema

__all__ = ["check_options"]

_ONE_SPACE = r"(?:\\[nrt]|\\x20|\\x0A|\\x0D|\\x09| )"
_SPACE = rf"(?:(?:{_ONE_SPACE}|\[{_ONE_SPACE}+\])(?:[?*+]|\{{\d{{1,3}}(?:,\d{{0,3}})?\}})?)*"
_PATTERNS = {
    "whitespace_pattern": re.compile(_SPACE),
    "item_separator": re.compile(f"{_SPACE},{_SPACE}"),
    "key_separator": re.compile(f"{_SPACE}:{_SPACE}"),
}
_FLAGS = ("whitespace_flexible",)
_LOOSE = ("lenient", "coerce_one_of", "json_allowed_escapes", "json_allow_general_unicode_escapes")


def check_options(schema: Mapping[str, object]) -> None:
    """Raise InvalidSchema for an option by which the answer could fail its schema, or be no JSON."""
    options = schema.get("x-guidance", {})
    if not isinstance(options, Mapping):
        raise InvalidSchema("must be an object", ("x-guidance",))
    for key, value in options.items():
        where = ("x-guidance", str(key))
        if key in _LOOSE and value is not False:
            raise InvalidSchema("would let answers pass that do not fit the schema: leave it out", where)
        if key in _FLAGS and not isinstance(value, bool):
            raise InvalidSchema("must be true or false", where)
        if key in _PATTERNS and not (isinstance(value, str) and _PATTERNS[key].fullmatch(value)):
            raise InvalidSchema("must be a regular expression of nothing but spaces, and the sign itself", where)
