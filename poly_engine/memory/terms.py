"""The words of a text, as full-text indexes want them: those of most scripts, and pairs of characters of the others."""

import re

__all__ = ["searchable", "terms", "words_of"]

# Han, kana and Hangul: an index would take a whole run of them for one word
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]+")
_WORD = re.compile(r"\w+")
_MOST_TERMS = 64


def searchable(text: str) -> str:
    """`text` with every run of Chinese, Japanese or Korean characters as pairs of neighbours."""
    if text.isascii():
        return text
    return _UNSPACED.sub(lambda run: " " + " ".join(_pairs(run[0])) + " ", text)


def words_of(text: str) -> list[str]:
    """The words of `text` in small letters, in their order."""
    return _WORD.findall(searchable(text).lower())


def terms(text: str) -> list[str]:
    """The words of a question that are looked for, each once."""
    return list(dict.fromkeys(words_of(text)))[:_MOST_TERMS]


def _pairs(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)] or [run]
