"""Plain text and Markdown, which are kept as they are."""

import re
from collections.abc import Iterator

from poly_engine.errors import UnreadableDocument
from poly_engine.extract.assembly import normalised
from poly_engine.extract.document import Extracted, Heading
from poly_engine.extract.encodings import decode
from poly_engine.extract.kinds import MARKDOWN
from poly_engine.extract.limits import Limits, too_long

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_ATX = re.compile(r" {0,3}(#{1,6})(?=[ \t]|$)")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_SETEXT = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_NO_PARAGRAPH = re.compile(r" {0,3}(?:[>|]|[-+*] |\d+[.)] |(?:[-*_][ \t]*){3,}$)|[ \t]*$| {4}|\t")
_FRONT_MATTER = re.compile(r"---[ \t]*\n(.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|$)", re.DOTALL)
_TITLE = re.compile(r"""^title:[ \t]*(["']?)(.+?)\1[ \t]*$""", re.MULTILINE)


def read_text(content: bytes, media_type: str, limits: Limits) -> Extracted:
    """Read a document whose source is its text. Raises UnreadableDocument."""
    text = normalised(decode(content))
    if len(text) > limits.text_chars:
        raise too_long(limits)
    if not text.strip():
        raise UnreadableDocument("no_text", "there is nothing but blanks in it")
    if media_type != MARKDOWN:
        return Extracted(text, media_type, (), (), "")
    matter = _FRONT_MATTER.match(text)
    named = _TITLE.search(matter[1][:10_000]) if matter else None
    headings = tuple(_headings(text, matter.end() if matter else 0))[: limits.headings]
    return Extracted(text, media_type, (), headings, named[2] if named else headings[0].title if headings else "")


def _headings(text: str, start: int) -> Iterator[Heading]:
    """The headings of Markdown from `start` on: # of them, or underlined; not what is in fences."""
    fence = ""
    paragraph: list[tuple[int, str]] = []  # where its lines begin, and what they are
    for line in _LINE.finditer(text, start):
        here, bare = line.start(), line[0].rstrip("\n")
        mark = _FENCE.match(bare)
        if fence:
            fence = "" if mark and mark[1].startswith(fence) and not bare[mark.end() :].strip() else fence
        elif mark:
            fence, paragraph = mark[1], []
        elif atx := _ATX.match(bare):
            paragraph = []
            yield Heading(here, len(atx[1]), _without_closing(bare[atx.end() :]))
        elif paragraph and (line_below := _SETEXT.match(bare)):
            yield _underlined(paragraph, line_below[1])
            paragraph = []
        else:
            paragraph = [] if _ends_paragraph(bare, paragraph) else [*paragraph, (here, bare.strip())][:_MAX_LINES]


_MAX_LINES = 20
"""A heading has no more lines: what is longer would be copied once for each of its lines."""


def _without_closing(title: str) -> str:
    """The title of a heading without the # that may close it."""
    title = title.strip()
    rest = title.rstrip("#")
    return rest.strip() if not rest or rest[-1] in " \t" else title


def _ends_paragraph(line: str, paragraph: list[tuple[int, str]]) -> bool:
    is_indented = line.startswith(("    ", "\t"))
    return not (paragraph and is_indented and line.strip()) and bool(_NO_PARAGRAPH.match(line))


def _underlined(paragraph: list[tuple[int, str]], line: str) -> Heading:
    return Heading(paragraph[0][0], 1 if line[0] == "=" else 2, " ".join(text for _, text in paragraph))
