"""Keys that would constrain nothing although somebody meant them to: JSON schema ignores what it does not know."""

from poly_engine.bias.schema import subschemas
from poly_engine.errors import InvalidSchema

__all__ = ["check_keywords", "is_of_an_older_draft"]

_DRAFTS = ("draft-03", "draft-04", "draft-06", "draft-07", "draft/2019-09", "draft/2020-12")
_NEW_IN = {
    "draft-06": ("const", "contains", "propertyNames"),
    "draft-07": ("if", "then", "else"),
    "draft/2019-09": (
        *("dependentRequired", "dependentSchemas", "minContains", "maxContains"),
        *("unevaluatedItems", "unevaluatedProperties", "$recursiveRef"),
    ),
    "draft/2020-12": ("prefixItems", "$dynamicRef"),
}
_NEEDS = {keyword: _DRAFTS.index(draft) for draft, keywords in _NEW_IN.items() for keyword in keywords}
_KEYWORDS = (
    *("$ref", "allOf", "anyOf", "oneOf", "not", "type", "enum", "format", "dependencies"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    *("minLength", "maxLength", "pattern"),
    *("items", "additionalItems", "minItems", "maxItems", "uniqueItems"),
    *("properties", "patternProperties", "additionalProperties", "required", "minProperties", "maxProperties"),
    *_NEEDS,
)
"""What constrains an answer: annotations may be misspelt without harm."""

_OTHERS = {
    "min": "minimum",  # these three are left where the dialect of the original is not read, as in anyOf
    "max": "maximum",
    "max_decimals": "multipleOf",
    "disallow": "not",  # and these were keywords once, in draft 3
    "divisibleBy": "multipleOf",
    "extends": "allOf",
}


_NEWEST = len(_DRAFTS) - 1


def check_keywords(schema: object) -> None:
    """Raise InvalidSchema for a key that is a misspelt keyword, or one of another dialect or draft."""
    draft = _oldest_draft(schema)
    for where, node in subschemas(schema):
        for key in node:
            if problem := _problem(key, draft):
                raise InvalidSchema(problem, (*where, key))


def is_of_an_older_draft(schema: object) -> bool:
    """Whether a `$schema` anywhere in it names a draft before 2020-12, in which some keywords meant something else."""
    return _oldest_draft(schema) < _NEWEST


def _oldest_draft(schema: object) -> int:
    return min((_draft(node.get("$schema")) for _, node in subschemas(schema)), default=_NEWEST)


def _draft(name: object) -> int:
    return next((i for i, draft in enumerate(_DRAFTS) if isinstance(name, str) and draft in name), _NEWEST)


def _letters(key: str) -> str:
    return key.lower().replace("_", "").replace("-", "")


_BY_LETTERS = {_letters(keyword): keyword for keyword in _KEYWORDS}


def _problem(key: str, draft: int) -> str:
    if _NEEDS.get(key, 0) > draft:
        return f"unknown to {_DRAFTS[draft]}, which $schema names: name {_DRAFTS[_NEWEST]} there"
    keyword = _OTHERS.get(key) or _BY_LETTERS.get(_letters(key), key)
    return "" if keyword == key else f"unknown keyword; did you mean {keyword}?"
