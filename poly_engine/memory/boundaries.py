"""Where a text may be cut, and how well a reader would take it."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from enum import IntEnum

__all__ = [
    "Ending",
    "Rank",
    "edge_after",
    "edge_before",
    "edges_within",
    "gap_rank",
    "has_wide_mark",
    "is_edge",
    "separator_ends",
]


class Rank(IntEnum):
    """How strong a boundary is. The configured separators come above all these, the first one at the top."""

    ANYWHERE = 0
    WORD = 1
    CLAUSE = 2
    LINE = 3
    SENTENCE = 4
    PARAGRAPH = 5
    HEADING = 6
    SEPARATOR = 7
    FIRST_SEPARATOR = 255


class Ending(IntEnum):
    """What ends with a word. WIDE punctuation, of Chinese and Japanese, needs no space behind it."""

    NOTHING = 0
    CLAUSE = 1
    SENTENCE = 2
    WIDE_CLAUSE = 3
    WIDE_SENTENCE = 4

    @classmethod
    def of(cls, word: str) -> "Ending":
        """What the last characters of a word say."""
        core = word.rstrip(_CLOSING)
        last = core[-1:]
        if last in _SENTENCE_ENDS:
            return cls.NOTHING if last == "." and _ABBREVIATION.fullmatch(core) else cls.SENTENCE
        return _ENDINGS.get(last, cls.NOTHING)


def gap_rank(gap: str, ending: Ending, *, is_before_lower: bool) -> Rank:
    """The rank of the white space between two words; "" is between two characters. The first word ends with `ending`,
    the second may begin with a small letter. A page break (form feed) is no stronger than a space.
    """
    if not gap:
        return _TIGHT_RANKS[ending]
    n_lines = 0 if "\f" in gap else len(_LINE_BREAK.findall(gap))
    if n_lines > 1 or "\u2029" in gap:
        return Rank.PARAGRAPH
    is_sentence = ending is Ending.WIDE_SENTENCE or (ending is Ending.SENTENCE and not is_before_lower)
    if is_sentence:
        return Rank.SENTENCE
    if n_lines:
        return Rank.LINE
    return Rank.CLAUSE if ending in _CLAUSES else Rank.WORD


def separator_ends(text: str, separators: Sequence[str]) -> dict[int, int]:
    """Where the text goes on behind a separator and the white space that follows it, each with the rank of it."""
    ends: dict[int, int] = {}
    for place, separator in enumerate(separators):
        rank = max(Rank.FIRST_SEPARATOR - place, Rank.SEPARATOR)
        for found in re.finditer(re.escape(separator) + r"\s*", text):
            if is_edge(text, found.end()):
                ends.setdefault(found.end(), rank)
    return ends


def edges_within(text: str, start: int, end: int, *, most: int) -> Iterator[int]:
    """Where to cut a run without white space, text[start:end]: behind wide punctuation, and after `most` characters at
    the latest, but never inside of what a reader takes for one character. `start` and `end` are not among them.
    """
    last = start
    for found in _WIDE_MARKS.finditer(text, start, end):
        yield from _edges(text, last, found.start(), most)
        if found.end() < end and is_edge(text, found.end()):
            yield found.end()
        last = found.end()
    yield from _edges(text, last, end, most)


def has_wide_mark(word: str) -> bool:
    """Whether punctuation that needs no space behind it stands within a word."""
    return not word.isascii() and _WIDE_MARKS.search(word, 0, len(word) - 1) is not None


def is_edge(text: str, at: int) -> bool:
    """Whether what stands before and behind `at` are two characters for a reader, too: no letter and its accent, no
    parts of an emoji, of a flag or of a Hangul syllable, no CR LF. Roughly the grapheme clusters of Unicode (UAX 29).
    """
    if at <= 0 or at >= len(text):
        return True
    before, after = text[at - 1], text[at]
    if before < "\u0300" and after < "\u0300":
        return not (before == "\r" and after == "\n")
    if unicodedata.category(before) in _CONTROLS:
        return True
    if _extends(after) or _joins(before, after):
        return False
    return not (before in _FLAG_LETTERS and after in _FLAG_LETTERS and _n_flag_letters(text, at) % 2)


def edge_before(text: str, at: int, floor: int) -> int:
    """The last edge between characters in (floor, at], or the first behind `at`."""
    for edge in range(at, max(floor, at - _LONGEST_CHARACTER), -1):
        if is_edge(text, edge):
            return edge
    return edge_after(text, at + 1)


def edge_after(text: str, at: int) -> int:
    """The first edge between characters from `at` on. One of a character that does not end is somewhere inside it."""
    limit = min(len(text), at + _LONGEST_CHARACTER)
    while at < limit and not is_edge(text, at):
        at += 1
    return at


_LONGEST_CHARACTER = 32
"""Code points. Unicode's stream-safe texts have at most 30 marks on a letter (UAX 15); a longer pile may be cut."""

# Those that look like ASCII are given by their numbers.
_CLOSING = "\"')]}»”\u2019\u203a*_`」』】\uff09〉》\u3015"
_SENTENCE_ENDS = frozenset(".!?…؟।॥\u06d4\u0589")
_WIDE_SENTENCE_ENDS = "。｡\uff01\uff1f"
_WIDE_CLAUSE_ENDS = "、\uff0c\uff1a\uff1b"
_ENDINGS = {
    **dict.fromkeys(",;:—،؛\u2013", Ending.CLAUSE),
    **dict.fromkeys(_WIDE_SENTENCE_ENDS, Ending.WIDE_SENTENCE),
    **dict.fromkeys(_WIDE_CLAUSE_ENDS, Ending.WIDE_CLAUSE),
}
_CLAUSES = frozenset({Ending.CLAUSE, Ending.WIDE_CLAUSE})
_TIGHT_RANKS = {
    Ending.NOTHING: Rank.ANYWHERE,
    Ending.CLAUSE: Rank.ANYWHERE,
    Ending.SENTENCE: Rank.ANYWHERE,
    Ending.WIDE_CLAUSE: Rank.CLAUSE,
    Ending.WIDE_SENTENCE: Rank.SENTENCE,
}
_ABBREVIATION = re.compile(
    r"\W*(?:\w|(?:[^\W\d]\.)+[^\W\d]|[MD]rs?|Ms|Prof|St|Nr|No|Fig|Eq|Sec|Ch|Vol|pp|vs|cf|ca|etc|bzw)?\."
)
"""What a period ends that is no sentence: "e.g.", an initial, the number of an item, a title; or nothing at all."""
_LINE_BREAK = re.compile(r"\r\n|[\n\r\v\x85\u2028]")
_WIDE_MARKS = re.compile(f"[{_WIDE_SENTENCE_ENDS}{_WIDE_CLAUSE_ENDS}]{{1,8}}[{re.escape(_CLOSING)}]{{0,8}}")
"""Of few characters, since they stay in one piece."""

_CONTROLS = frozenset({"Cc", "Zl", "Zp"})
_MARKS = frozenset({"Mn", "Mc", "Me"})
_VIRAMA = 9
_ZWJ = "\u200d"
_FLAG_LETTERS = "".join(map(chr, range(0x1F1E6, 0x1F200)))


def _edges(text: str, start: int, end: int, most: int) -> Iterator[int]:
    """Edges between `start` and `end`, about `most` characters apart."""
    while end - start > most:
        start = edge_before(text, start + most, start)
        if start < end:
            yield start


def _extends(character: str) -> bool:
    """Whether it belongs to what stands before it."""
    return (
        unicodedata.category(character) in _MARKS
        or character in "\u200c\u200d\uff9e\uff9f"  # joiners, and the voice marks of half-width kana
        or "\U0001f3fb" <= character <= "\U0001f3ff"  # colours of skin
        or "\U000e0020" <= character <= "\U000e007f"  # tags, which spell the flags of regions
    )


def _joins(before: str, after: str) -> bool:
    """Whether two characters that could stand alone make up one: joined emoji, conjuncts, syllables, surrogates."""
    if before == _ZWJ:
        return not after.isspace()
    if unicodedata.combining(before) == _VIRAMA:
        return unicodedata.category(after) == "Lo"
    if _is_jamo(before) or "\uac00" <= before <= "\ud7a3":
        if _is_lead(before):
            return _is_jamo(after) or "\uac00" <= after <= "\ud7a3"
        return _is_jamo(after) and not _is_lead(after)
    return "\ud800" <= before <= "\udbff" and "\udc00" <= after <= "\udfff"


def _is_jamo(character: str) -> bool:
    return "\u1100" <= character <= "\u11ff" or "\ua960" <= character <= "\ua97c" or "\ud7b0" <= character <= "\ud7fb"


def _is_lead(jamo: str) -> bool:
    return "\u1100" <= jamo <= "\u115f" or "\ua960" <= jamo <= "\ua97c"


def _n_flag_letters(text: str, end: int) -> int:
    """How many stand in a row before `end`: two make a flag. Nobody counts farther back in a row of 2,000 flags."""
    tail = text[max(0, end - 4000) : end]
    return len(tail) - len(tail.rstrip(_FLAG_LETTERS))
