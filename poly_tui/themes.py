"""The colours: themes of our own beside those of Textual, and which one fits a terminal."""

from collections.abc import Mapping

from textual.theme import Theme

__all__ = ["AUTO", "THEMES", "fitting"]

AUTO = "auto"

THEMES = (
    Theme(
        name="contrast-dark",
        primary="#7ab8ff",
        secondary="#ffffff",
        accent="#ffd75f",
        foreground="#ffffff",
        background="#000000",
        surface="#000000",
        panel="#303030",
        success="#5fff87",
        warning="#ffd700",
        error="#ff8787",
        dark=True,
        variables={"text-muted": "#e0e0e0", "block-cursor-background": "#ffffff", "block-cursor-foreground": "#000000"},
    ),
    Theme(
        name="contrast-light",
        primary="#00308f",
        secondary="#000000",
        accent="#7a0070",
        foreground="#000000",
        background="#ffffff",
        surface="#ffffff",
        panel="#d8d8d8",
        success="#005f00",
        warning="#7a4b00",
        error="#a00000",
        dark=False,
        variables={"text-muted": "#202020", "block-cursor-background": "#000000", "block-cursor-foreground": "#ffffff"},
    ),
    Theme(  # Okabe and Ito 2008, "Color Universal Design": told apart with all common kinds of colour blindness
        name="colour-blind",
        primary="#56b4e9",
        secondary="#cc79a7",
        accent="#e69f00",
        foreground="#e8e8e8",
        background="#121212",
        surface="#1c1c1c",
        panel="#2a2a2a",
        success="#56b4e9",
        warning="#f0e442",
        error="#d55e00",
        dark=True,
    ),
)
"""In these, as everywhere here, nothing is said by colour alone."""


def fitting(theme: str, environment: Mapping[str, str]) -> str:
    """The theme that is meant: with "auto" a light one where the terminal says that it is light.

    $COLORFGBG is what rxvt, Konsole, iTerm and others tell of their colours: "15;0" is white on black.
    """
    if theme != AUTO:
        return theme
    background = environment.get("COLORFGBG", "").rpartition(";")[2]
    is_light = background.isdigit() and int(background) in (7, *range(9, 16))
    return "textual-light" if is_light else "textual-dark"
