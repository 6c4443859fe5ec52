"""The palette: every command by its name, those that were done last first, then those of the section one is in."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from poly_tui.registry import COMMANDS, Command
from poly_tui.screens.section import SectionScreen

if TYPE_CHECKING:  # the application has this palette
    from poly_tui.app import PolyApp

__all__ = ["Palette"]


class Palette(Provider):
    """Lists the commands of the registry, and does what is chosen."""

    async def discover(self) -> Hits:
        for command in self._in_order():
            yield DiscoveryHit(command.name, partial(self._app.do, command), help=command.help)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for command in self._in_order():
            if (score := matcher.match(command.name)) > 0:
                yield Hit(score, matcher.highlight(command.name), partial(self._app.do, command), help=command.help)

    def _in_order(self) -> Iterator[Command]:
        here = self.screen.SECTION if isinstance(self.screen, SectionScreen) else ""
        recent = self._app.recent_commands
        yield from recent
        rest = [command for command in COMMANDS if command not in recent]
        yield from sorted(rest, key=lambda command: (command.section != here, command.section != "app"))

    @property
    def _app(self) -> "PolyApp":
        return cast("PolyApp", self.app)
