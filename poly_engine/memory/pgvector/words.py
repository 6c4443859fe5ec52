"""Text as the full-text search of PostgreSQL is to see it."""

import re
import unicodedata

from poly_engine.memory.terms import searchable, terms

__all__ = ["indexed", "wanted"]

_WORD = re.compile(r"[^\W_]+")
_LATIN = (*range(0xC0, 0x250), *range(0x1E00, 0x1F00))
_PLAIN = {code: unicodedata.normalize("NFD", chr(code))[0] for code in _LATIN} | dict.fromkeys(range(0x300, 0x370))


def indexed(text: str) -> str:
    """The words of `text`, a space apart: Latin letters without their accents, and CJK as pairs of characters.

    PostgreSQL would take "ours.example" for one word, a host, and has no rule for accents without an extension.
    """
    return " ".join(_WORD.findall(searchable(text).translate(_PLAIN)))


def wanted(text: str) -> list[str]:
    """The words of `text` that are looked for, each once."""
    return list(dict.fromkeys(indexed(" ".join(terms(text))).split()))
