"""What is said where there is nothing to see of a server: why, and what can be done."""

from textual.content import Content

from poly_tui.serving.link import Phase, ServerLink
from poly_tui.transcript.clean import clean, drawable

__all__ = ["advice"]

_START = ("s", "start a server")
_KEY = ("a", "give a key")
_LOOK = ("⏎", "look again whether one answers there")
_WORDS = {
    Phase.LOOKING: "Looking whether a server answers …",
    Phase.NONE: "No server runs. Others on this machine, or on the network, could use your tasks over one.",
    Phase.FOUND: "A server answers there, which was not started here.",
    Phase.STARTING: "The server is starting …",
    Phase.STOPPED: "The server has stopped.",
    Phase.DIED: "The server ended by itself. Its last words:",
    Phase.REFUSED: "The server does not tell how it is:",
}
_CHOICES = {
    Phase.NONE: (_START, _LOOK, ("k", "make a key"), ("t", "make a token")),
    Phase.FOUND: (("⏎", "watch it"), _KEY),
    Phase.STARTING: (("s", "stop it"),),
    Phase.STOPPED: (_START, _LOOK),
    Phase.DIED: (_START, _LOOK),
    Phase.REFUSED: (_KEY, ("⏎", "try again")),
}


def advice(link: ServerLink, source: str) -> Content:
    """The words. `source` says which configuration a server would be started with."""
    parts = [Content.styled(_WORDS.get(link.phase, ""), "bold")]
    if link.words:
        style = "$text-error" if link.phase in (Phase.DIED, Phase.REFUSED, Phase.NONE) else ""
        parts.append(Content.styled(drawable(clean(link.words)), style))
    if link.place:
        parts.append(Content.assemble(("address  ", "$text-muted"), clean(link.place)))
    if link.phase in (Phase.NONE, Phase.STOPPED, Phase.DIED):
        parts.append(Content.assemble(("configuration  ", "$text-muted"), clean(source)))
    choices = [
        Content.assemble((f" {key} ", "bold $text-accent"), words) for key, words in _CHOICES.get(link.phase, ())
    ]
    return Content("\n").join([*parts, Content(""), *choices])
