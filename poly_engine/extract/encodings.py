"""From bytes to text, whatever encoding they are in."""

import codecs
import re

import charset_normalizer

from poly_engine.errors import UnreadableDocument

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SAMPLE_BYTES = 1 << 16
_MAX_CONTROLS = 0.02
_CONTROLS = re.compile(r"[\x00-\x07\x0e-\x1a\x1c-\x1f\x7f-\x84\x86-\x9f]")  # ESC colours logs, U+0085 is a line end


def decode(content: bytes, declared: str | None = None) -> str:
    """The text that bytes are: by their mark, by what they themselves declare, as UTF-8, by the zeros of UTF-16 and
    UTF-32, or as what they most probably are. Raises UnreadableDocument if that is no text.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, "replace")
    wide = _by_zeros(content)
    if wide:
        return _checked(content.decode(wide, "replace"))
    _refuse_zeros(content)
    for encoding in filter(None, (declared, "utf-8")):
        text = _try(content, encoding)
        if text is not None:
            return _checked(text)
    return _checked(_guessed(content))


def _by_zeros(content: bytes) -> str | None:
    """UTF-16 or UTF-32 without a mark, as spaces, digits and line ends have zeros at the same place in all of it."""
    sample = content[:_SAMPLE_BYTES]
    if b"\0" not in sample or len(content) < 4:
        return None
    for width, endings in ((4, ("utf-32-le", "utf-32-be")), (2, ("utf-16-le", "utf-16-be"))):
        for encoding in endings:
            if len(content) % width == 0 and _fits(sample[: len(sample) // width * width], encoding):
                return encoding
    return None


def _fits(sample: bytes, encoding: str) -> bool:
    text = _try(sample, encoding) or _try(sample[:-2], encoding)  # the sample may end within a pair
    return text is not None and "\0" not in text and _n_common(text) >= max(1, len(text) // 50)


def _n_common(text: str) -> int:
    """How many characters are ones that any text has, and that have a zero in them as UTF-16."""
    return sum(text.count(character) for character in " \n.,0123456789aeint\u3000\u3002\uff0c")


def _refuse_zeros(content: bytes) -> None:
    place = content.find(b"\0")
    if place >= 0:
        raise UnreadableDocument("unsupported_type", f"not text: byte {place} is zero")


def _try(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return None


def _guessed(content: bytes) -> str:
    matches = charset_normalizer.from_bytes(content[:_SAMPLE_BYTES])
    best = matches.best()
    if best is None:
        raise UnreadableDocument("unsupported_type", "not text: there is no encoding that makes words of it")
    encoding = best.encoding
    if best.coherence == 0 and any(match.encoding == "cp1252" and match.chaos <= best.chaos for match in matches):
        encoding = "cp1252"  # all else being equal, what most of such files are
    return content.decode(encoding, "replace")


def _checked(text: str) -> str:
    n_controls = len(_CONTROLS.findall(text[:_SAMPLE_BYTES]))
    if n_controls > _MAX_CONTROLS * min(len(text), _SAMPLE_BYTES):
        raise UnreadableDocument("unsupported_type", f"not text: it has {n_controls} control characters")
    return text
