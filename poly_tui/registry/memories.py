"""What one can do in the section of memories."""

from poly_tui.registry.command import Command

__all__ = ["COMMANDS"]

COMMANDS: tuple[Command, ...] = (
    Command(
        id="memories.ingest",
        name="memory: ingest files or folders",
        help="See first what would be taken in, then take it in",
        action="ingest",
        slash="ingest",
        verb="ingest",
    ),
    Command(
        id="memories.ingest_again",
        name="memory: re-ingest what changed",
        help="Take in anew those files that changed on the disk, and see which are gone",
        action="ingest_again",
        verb="ingest --sync",
    ),
    Command(
        id="memories.search",
        name="memory: search",
        help="See what a memory holds on a question, and how it was found",
        action="search",
        slash="search",
        verb="recall",
    ),
    Command(
        id="memories.choose",
        name="memory: choose",
        help="Show the documents of another memory",
        action="choose_memory",
        slash="memory",
        verb="memory ls",
    ),
    Command(
        id="memories.new",
        name="memory: new",
        help="Write another memory into the configuration",
        action="new_memory",
    ),
    Command(id="memories.filter", name="memory: filter documents", help="Find documents by name", action="filter"),
    Command(id="memories.sort", name="memory: sort documents", help="Sort by something else", action="sort"),
    Command(id="memories.mark", name="memory: mark a document", help="Do something to several at once", action="mark"),
    Command(
        id="memories.delete",
        name="memory: delete documents",
        help="Delete the marked documents, or the current one; undo brings them back",
        action="delete",
        verb="memory rm",
    ),
    Command(id="memories.undo", name="memory: undo delete", help="Have back what was deleted last", action="undo"),
    Command(
        id="memories.export",
        name="memory: export",
        help="Write a memory into a file, vectors and all",
        action="export",
        verb="memory export",
    ),
    Command(
        id="memories.figures",
        name="memory: figures",
        help="Documents, chunks, characters, pages and kinds of a memory",
        action="count",
        verb="memory show",
    ),
    Command(
        id="memories.rebuild",
        name="memory: rebuild",
        help="Cut and embed all of a memory anew",
        action="rebuild",
        verb="memory reindex",
    ),
    Command(
        id="memories.faults",
        name="memory: look for faults",
        help="Look at all that a memory holds, and say what is damaged",
        action="find_faults",
        verb="memory verify",
    ),
    Command(
        id="memories.pause",
        name="ingest: pause or go on",
        help="Begin no other document, or go on",
        action="pause",
    ),
    Command(
        id="memories.cancel",
        name="ingest: cancel",
        help="Break off the chosen document; nothing of it stays behind",
        action="cancel",
    ),
    Command(
        id="memories.retry", name="ingest: retry failed", help="Try again what could not be taken in", action="retry"
    ),
)
