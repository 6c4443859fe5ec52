"""All that one can do in the terminal interface: the palette and the commands behind a slash are made of it."""

from poly_tui.registry import chat, everywhere, memories, models, server, tune
from poly_tui.registry.command import Command
from poly_tui.registry.sections import SECTIONS, Section

__all__ = ["COMMANDS", "SECTIONS", "Command", "Section", "slash_commands"]

COMMANDS: tuple[Command, ...] = (
    *chat.COMMANDS,
    *memories.COMMANDS,
    *models.COMMANDS,
    *tune.COMMANDS,
    *server.COMMANDS,
    *everywhere.COMMANDS,
)


def slash_commands() -> dict[str, Command]:
    """The commands that can be written in the prompt, by what stands behind the slash."""
    return {command.slash: command for command in COMMANDS if command.slash}
