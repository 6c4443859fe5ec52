"""Makes untrusted text safe for a terminal.

Both functions work character by character, so that it does not matter where a stream was cut into tokens.
"""

import re

__all__ = ["clean", "drawable"]

# C0 and C1 but \t and \n, line and paragraph separators, bidi embeddings, overrides and isolates, lone surrogates
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_INVISIBLE_JOINERS = re.compile("[\u200d\ufe0e\ufe0f]")
_TAB = "    "


def clean(text: str) -> str:
    """Return `text` without anything that a terminal would obey: the sign of a control code stands for the code,
    U+FFFD for a bidi control or half a surrogate pair. Newlines and tabs stay, carriage returns go.
    """
    return _UNSAFE.sub(_sign, text)


def drawable(text: str) -> str:
    """Return cleaned text as it is put into rows: tabs become spaces, and emoji are not joined.

    Terminals do not agree how wide joined emoji and emoji presentation are, and one that is wider than we think
    shifts the rest of its row. Without the joiners the width is the sum of the parts everywhere.
    """
    return _INVISIBLE_JOINERS.sub("", text).replace("\t", _TAB)


def _sign(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code == 0x0D:
        return ""
    if code < 0x20:
        return chr(0x2400 + code)  # ␛ for ESC and so on
    if code == 0x7F:
        return "\u2421"
    return "\n" if code in (0x2028, 0x2029) else "\ufffd"
