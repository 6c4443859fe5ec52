"""llguidance's matchers, over the tokens of a model or over single bytes.

A step over bytes costs microseconds, one over tokens up to a millisecond.
"""

from functools import cache

from llguidance import LLMatcher, LLParserLimits, LLTokenizer, TokenizerWrapper

__all__ = ["LONGEST", "byte_tokenizer", "completes", "matcher"]

LONGEST = 1 << 14
"""Bytes: no text is followed beyond that."""

_END = 256
_LIMITS = LLParserLimits(max_items_in_row=20_000)
"""By default it is 2,000, by which an object of more than 500 optional properties could not be written."""


def matcher(tokenizer: LLTokenizer, grammar: str) -> LLMatcher:
    """A matcher where its text begins. Errors are to be asked for; they are none of Python's."""
    return LLMatcher(tokenizer, grammar, log_level=0, limits=_LIMITS)


@cache
def byte_tokenizer() -> LLTokenizer:
    """The vocabulary of single bytes, in which token n is byte n, and a token that ends a text."""
    return LLTokenizer(TokenizerWrapper(_Bytes()), slices=[])


def completes(state: LLMatcher, text: bytes) -> bool:
    """Whether `text` brings a matcher over bytes to where its grammar is satisfied."""
    if not text:
        return state.is_accepting()
    return state.validate_tokens([*text, _END]) == len(text) + 1


class _Bytes:
    """The vocabulary as llguidance wants to see it."""

    tokens = (*(bytes([byte]) for byte in range(256)), b"<end>")
    special_token_ids = (_END,)
    eos_token_id = _END
    bos_token_id = None

    def __call__(self, text: bytes | str) -> list[int]:
        return list(text.encode() if isinstance(text, str) else text)
