"""What one can do in the section of models."""

from poly_tui.registry.command import Command

__all__ = ["COMMANDS"]

COMMANDS: tuple[Command, ...] = (
    Command(
        id="models.load",
        name="model: load or unload",
        help="Load the model under the cursor, after a look at whether it fits, or give its memory back",
        action="load",
        slash="load",
    ),
    Command(
        id="models.info",
        name="model: show",
        help="What a model is, what its file says, and what contexts fit into memory",
        action="page('info')",
        slash="model",
        verb="model show",
    ),
    Command(
        id="models.tokens",
        name="model: tokenise",
        help="See the tokens of a text while you write it",
        action="page('tokens')",
        slash="tokenise",
        verb="tokenize",
    ),
    Command(
        id="models.embed",
        name="model: embed",
        help="Compare texts by the vectors that a model gives them",
        action="page('embed')",
        slash="embed",
        verb="embed",
    ),
    Command(
        id="models.bench",
        name="model: bench",
        help="Measure how fast a model reads and writes",
        action="page('bench')",
        slash="bench",
    ),
    Command(
        id="models.pull",
        name="model: pull",
        help="Fetch a model from the Hugging Face hub or a URL, and add it to the configuration",
        action="page('pull')",
        slash="pull",
        verb="model pull",
    ),
)
