"""What comes out of a document."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading: where its text begins, in characters from the start of the document's text; 1 is the highest level."""

    start: int
    level: int
    title: str


@dataclass(frozen=True, slots=True)
class Extracted:
    """The text of a document, and where in it things are. Offsets count characters of `text`.

    `text` is what a reader would read, in order, with paragraphs an empty line apart; it holds neither NUL, nor
    surrogates, nor carriage returns, and never is blank. Page n begins at `page_starts[n - 1]`; it is empty for what
    has no pages. `title` is that of the metadata or else the first heading, "" if there is neither.
    """

    text: str
    media_type: str
    page_starts: tuple[int, ...]
    headings: tuple[Heading, ...]
    title: str
