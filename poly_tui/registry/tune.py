"""What one can do in the section that tunes tasks."""

from poly_tui.registry.command import Command

__all__ = ["COMMANDS"]

COMMANDS: tuple[Command, ...] = ()
