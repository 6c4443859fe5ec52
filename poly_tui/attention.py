"""Telling somebody who looks elsewhere that something is done."""

from collections.abc import Mapping

from poly_tui.transcript.clean import clean

__all__ = ["call"]

MOST_CHARACTERS = 100


def call(text: str, environment: Mapping[str, str]) -> str:
    """What makes a terminal call its user with a line of text: a notification where it knows them, and the bell.

    OSC 9 is of iTerm, WezTerm, Ghostty and Windows Terminal, OSC 777 of rxvt and foot, OSC 99 of Kitty.
    """
    words = " ".join(clean(text).split()).replace(";", ",")[:MOST_CHARACTERS]
    terminal = f"{environment.get('TERM', '')} {environment.get('TERM_PROGRAM', '')}".casefold()
    if "kitty" in terminal:
        asked = f"\x1b]99;;{words}\x1b\\"
    elif any(name in terminal for name in ("rxvt", "foot")):
        asked = f"\x1b]777;notify;Poly;{words}\x1b\\"
    elif any(name in terminal for name in ("iterm", "wezterm", "ghostty")) or "WT_SESSION" in environment:
        asked = f"\x1b]9;{words}\x1b\\"
    else:
        asked = ""  # a terminal that does not know these might show them as text
    return f"{asked}\a"
