"""What every table of the configuration has in common: it is frozen and strict, and tells all of its mistakes at once.

pydantic checks the keys one by one; `Section.mistakes` adds what is wrong with several keys taken together, even when
some of them are wrong by themselves. Both come out as one ValidationError in words for people.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, time
from typing import Self, TypeAlias

from pydantic import AliasChoices, BaseModel, ConfigDict, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from poly_engine.errors import suggestion

__all__ = ["Mistake", "Section", "Where", "keys", "second_names"]

Where: TypeAlias = tuple[str | int, ...]
"""The way to a value within a table: keys of tables, indices of lists."""

Mistake: TypeAlias = tuple[Where, str]
"""Where something is wrong, and what."""


class Section(BaseModel):
    """One table of the configuration."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        allow_inf_nan=False,
        hide_input_in_errors=True,
        defer_build=True,  # until its first use: importing costs 40 ms less, and most sections are never used alone
    )

    @classmethod
    def mistakes(cls, given: Mapping[str, object]) -> Iterator[Mistake]:  # noqa: ARG003 - to be overridden
        """What is wrong with several of the keys in `given` together. Their values have not been checked yet."""
        return iter(())

    @model_validator(mode="wrap")
    @classmethod
    def _tell_all_mistakes(cls, given: object, check: ModelWrapValidatorHandler[Self]) -> Self:
        together = list(cls.mistakes(_without_none(given))) if isinstance(given, Mapping) else []
        try:
            section = check(given)
        except ValidationError as error:
            alone = [(details["loc"], _in_words(details, cls)) for details in error.errors(include_url=False)]
            raise _told(cls, [*alone, *together]) from None
        if together:
            raise _told(cls, together)
        return section


def keys(value: object) -> Mapping[str, object]:
    """The keys given in what ought to be a table, raw or checked already; none if it is no table."""
    if isinstance(value, Section):
        return _without_none({key: getattr(value, key) for key in value.model_fields_set})
    return value if isinstance(value, Mapping) else {}


def second_names(section: type[Section]) -> Mapping[str, str]:
    """The keys that are another name for a key, which they map to."""
    return {
        str(choice): name
        for name, field in section.model_fields.items()
        if isinstance(field.validation_alias, AliasChoices)
        for choice in field.validation_alias.choices
        if choice != name
    }


def _without_none(table: Mapping[str, object]) -> Mapping[str, object]:
    return {key: value for key, value in table.items() if value is not None}


def _told(section: type[Section], mistakes: Iterable[Mistake]) -> ValidationError:
    details = [
        InitErrorDetails(type=PydanticCustomError(_IN_WORDS, "{words}", {"words": words}), loc=where, input=None)
        for where, words in mistakes
    ]
    return ValidationError.from_exception_data(section.__name__, details, hide_input=True)


_IN_WORDS = "in_words"  # the type of an error that needs no further translation

_MUST_BE = {
    "bool_type": "true or false",
    "dict_type": "a table",
    "float_type": "a number",
    "int_type": "a whole number",
    "model_type": "a table",
    "string_type": "text in quotes",
    "tuple_type": "a list",
}
_BOUNDS = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than_equal": ("at most", "le"),
}
_OTHERS = {
    "missing": "is missing",
    "string_too_short": "must not be empty",
    "finite_number": "must be a number that is neither infinite nor nan",
}


def _in_words(error: ErrorDetails, section: type[Section]) -> str:
    kind, given, context = error["type"], error["input"], error.get("ctx", {})
    if kind == _IN_WORDS:
        return str(context["words"])
    if kind == "value_error":  # a validator of ours
        return str(context["error"])
    if kind == "literal_error":
        return f"must be {context['expected']}"
    if kind in _MUST_BE:
        return f"must be {_MUST_BE[kind]}, not {_kind(given)}"
    if kind in _BOUNDS:
        words, bound = _BOUNDS[kind]
        return f"must be {words} {_number(context[bound])}, not {_number(given)}"
    if kind == "extra_forbidden":
        return _unknown_key(str(error["loc"][-1]), section)
    return _OTHERS.get(kind, error["msg"])


def _unknown_key(key: str, section: type[Section]) -> str:
    second = second_names(section)
    if key in second:
        return f"is another name for {second[key]}, which is given too: leave one of them out"
    return f"unknown key{suggestion(key, {*section.model_fields, *second})}"


def _kind(value: object) -> str:
    """What sort of value this is. The value itself may be a secret."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return "a whole number" if value.bit_length() < 64 else "one of more than 64 bits"
        case float():
            return "one with a decimal point"
        case str():
            return "text in quotes"
        case date() | time():
            return "a date or time"
        case Mapping() | Section():
            return "a table"
        case list() | tuple():
            return "a list"
        case _:
            return type(value).__name__


def _number(value: float) -> str:
    """A number as one would write it, 1 for 1.0; or what it is if it is too long for a line."""
    return _kind(value) if isinstance(value, int) and abs(value) >= 2**63 else str(value).removesuffix(".0")
