"""Matchers over single bytes: what they cost is microseconds, where one over the tokens of a model takes up to a
millisecond a step.
"""

from functools import cache

from llguidance import LLMatcher, LLTokenizer, TokenizerWrapper

__all__ = ["LONGEST", "byte_tokenizer", "completes"]

LONGEST = 1 << 14
"""Bytes: no text is followed beyond that."""

_END = 256


@cache
def byte_tokenizer() -> LLTokenizer:
    """The vocabulary of single bytes, in which token n is byte n, and a token that ends a text."""
    return LLTokenizer(TokenizerWrapper(_Bytes()), slices=[])


def completes(matcher: LLMatcher, text: bytes) -> bool:
    """Whether `text` brings a matcher over bytes to where its grammar is satisfied."""
    if not text:
        return matcher.is_accepting()
    return matcher.validate_tokens([*text, _END]) == len(text) + 1


class _Bytes:
    """The vocabulary as llguidance wants to see it."""

    tokens = (*(bytes([byte]) for byte in range(256)), b"<end>")
    special_token_ids = (_END,)
    eos_token_id = _END
    bos_token_id = None

    def __call__(self, text: bytes | str) -> list[int]:
        return list(text.encode() if isinstance(text, str) else text)
