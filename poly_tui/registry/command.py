"""A command, as data: who lists commands need not import what does them."""

from dataclasses import dataclass

__all__ = ["Command"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Something one can do.

    `id` is also that of its key, if it has one, and begins with its section, or with "app". `name` is what the palette
    says ("chat: new"), `help` a sentence. `action` is that of the screen of the section, or of the application. In the
    prompt it is `slash` behind a slash, with what it `takes` behind it, if anything; in a shell it is `verb` of `poly`.
    """

    id: str
    name: str
    help: str
    action: str
    slash: str = ""
    takes: str = ""
    verb: str = ""

    @property
    def section(self) -> str:
        """The name of the section whose screen does it, or "app"."""
        return self.id.partition(".")[0]
