"""What one can do in the section of the server."""

from poly_tui.registry.command import Command

__all__ = ["COMMANDS"]

COMMANDS: tuple[Command, ...] = (
    Command(
        id="server.start_stop",
        name="server: start or stop",
        help="Serve tasks, models and memories over HTTP, or have that end",
        action="start_or_stop",
        slash="serve",
        verb="serve",
    ),
    Command(
        id="server.reload",
        name="server: reload configuration",
        help="Have the server read its configuration again",
        action="reload",
    ),
    Command(
        id="server.new_key",
        name="server: new key",
        help="Make a key, which is shown once, and the line that accepts it",
        action="make_key",
        slash="key",
        verb="key new",
    ),
    Command(
        id="server.new_token",
        name="server: new token",
        help="Make a token for some tasks, which is shown once",
        action="make_token",
        slash="token",
        verb="token create",
    ),
    Command(id="server.copy_url", name="server: copy URL", help="Copy where the server is", action="copy_url"),
    Command(
        id="server.copy_curl",
        name="server: copy as curl",
        help="Copy a command that asks a task of the server",
        action="copy_curl",
    ),
    Command(
        id="server.cancel",
        name="request: cancel",
        help="End the request that is watched or highlighted; its client is told so",
        action="cancel",
    ),
    Command(
        id="server.filter_log",
        name="server: filter log",
        help="Show the lines of the log that hold some words",
        action="filter_log",
    ),
)
