"""Values of a task as TOML holds them: compared, looked up and changed, without touching what was given."""

from collections.abc import Mapping
from copy import deepcopy
from typing import TypeAlias

from poly_tui.screens.tune.fields import Where

__all__ = ["Values", "is_same", "lookup", "with_value", "without_value"]

Values: TypeAlias = Mapping[str, object]
"""The table of a task: what is written in the file, and nothing that is not."""


def is_same(left: object, right: object) -> bool:
    """Whether two values are written alike: 1 is not 1.0, and the properties of a schema have an order."""
    return repr(left) == repr(right)


def lookup(values: Values, where: Where) -> object | None:
    """The value at a place, None if there is none."""
    value: object = values
    for key in where:
        if not isinstance(value, Mapping) or key not in value:
            return None
        value = value[key]
    return value


def with_value(values: Values, where: Where, value: object) -> dict[str, object]:
    """The values with another one at a place."""
    key, *rest = where
    inner = values.get(key)
    table = inner if isinstance(inner, Mapping) else {}
    return {**values, key: with_value(table, tuple(rest), value) if rest else deepcopy(value)}


def without_value(values: Values, where: Where) -> dict[str, object]:
    """The values without the one at a place. A table that is empty then goes, too."""
    key, *rest = where
    inner = values.get(key)
    if rest and isinstance(inner, Mapping):
        left = without_value(inner, tuple(rest))
        if left:
            return {**values, key: left}
    return {name: value for name, value in values.items() if name != key}
