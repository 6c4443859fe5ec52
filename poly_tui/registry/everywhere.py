"""What one can do wherever one is."""

from poly_tui.registry.command import Command
from poly_tui.registry.sections import SECTIONS

__all__ = ["COMMANDS"]

COMMANDS = (
    *(
        Command(
            id=f"app.go_{section.name}",
            name=f"go: {section.title}",
            help=f"Show the section {section.title}",
            action=f"go('{section.name}')",
        )
        for section in SECTIONS
    ),
    Command(id="app.help", name="view: keys", help="Show all keys, or hide them", action="help", slash="help"),
    Command(id="app.theme", name="view: theme", help="Choose the colours", action="change_theme", slash="theme"),
    Command(
        id="app.mouse",
        name="view: mouse on or off",
        help="Let the terminal have the mouse, to select text by itself, or take it back",
        action="toggle_mouse",
        slash="mouse",
    ),
    Command(
        id="app.motion",
        name="view: motion on or off",
        help="Let nothing move but what is new, or let it",
        action="toggle_motion",
        slash="motion",
    ),
    Command(
        id="app.screenshot",
        name="debug: screenshot",
        help="Write the screen to an SVG file in the working directory",
        action="keep_screenshot",
    ),
    Command(id="app.quit", name="quit", help="Leave; chats are kept", action="quit", slash="quit"),
)
