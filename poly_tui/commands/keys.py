"""`poly keys`: the keys of the terminal interface."""

import click

from poly_engine.errors import ConfigError
from poly_tui.commands.listing import print_rows
from poly_tui.preferences import preferences_file, read_preferences

__all__ = ["command"]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
def command(*, as_json: bool) -> None:
    """List the keys of the terminal interface.

    Those of yours that cannot be are named.

    They are in the file tui.toml in the folder of your configuration: keys = "vim" (or "emacs") takes a preset, and in
    the table [keymap] "chat.new" = "ctrl+k,alt+n" changes a single one by its id.
    """
    from poly_tui.keys.bindings import bindings, problems  # all of Textual, which no other verb needs

    file = preferences_file()
    keymap, known = read_preferences(file).bound, bindings()
    print_rows(
        [{"id": one.id, "keys": keymap.get(one.id, one.keys), "default": one.keys, "does": one.help} for one in known],
        as_json=as_json,
    )
    wrong = problems(keymap, known)
    if wrong:
        raise ConfigError([f"{file}: {problem}" for problem in wrong])
