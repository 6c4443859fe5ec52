"""Telling text from what comes out of fonts that do not say what their characters mean."""

import re

MAX_SHARE = 0.05
"""More garbage than this, and another library may do better."""
MAX_READABLE_SHARE = 0.5
"""More than this, and nobody can read it."""

_GARBAGE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ue000-\uf8ff\ufffd]|/g(?:id)?\d{1,5}")
_SPACE = re.compile(r"\s+")


def garbage_share(text: str) -> float:
    """What part of the characters, blanks left out, means nothing: control characters, private characters, and names
    of glyphs such as /g18. Hyphens that a line ended with (U+FFFE, U+0002) are none.
    """
    text = _SPACE.sub("", text.replace("\ufffe", "").replace("\x02", ""))
    return sum(len(match[0]) for match in _GARBAGE.finditer(text)) / len(text) if text else 0.0
