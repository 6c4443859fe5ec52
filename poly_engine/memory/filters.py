"""What of a chunk is embedded. The filters of the configuration never touch what is stored and quoted."""

import re
from collections.abc import Sequence

__all__ = ["embedding_text"]


def embedding_text(
    chunk_text: str, title: str, headings: Sequence[str], pre_filter: Sequence[str], post_filter: Sequence[str]
) -> str:
    """The text to embed for a chunk: the title of its document and its headings on a line, then the chunk.

    What matches a regular expression of `pre_filter` becomes a space; the texts of `post_filter` are left out. It is ""
    if that leaves nothing of the chunk. A heading that the chunk begins with is not repeated.
    """
    text = _filtered(chunk_text, pre_filter, post_filter)
    if not text:
        return ""
    above = list(dict.fromkeys(one for one in (title, *headings) if one.strip()))
    if above and chunk_text.lstrip("# \n").startswith(above[-1]):
        above.pop()
    path = _filtered(" > ".join(above), pre_filter, post_filter)
    return f"{path}\n{text}" if path else text


def _filtered(text: str, pre_filter: Sequence[str], post_filter: Sequence[str]) -> str:
    for pattern in pre_filter:
        text = re.sub(pattern, " ", text)
    return _without(text.replace("  ", " "), post_filter).strip()


def _without(text: str, left_out: Sequence[str]) -> str:
    """Leave texts out. Where that would join two words, a space parts them: a line break is left out, too."""
    if not left_out:
        return text
    longest_first = sorted(left_out, key=len, reverse=True)
    return re.sub(f"(?:{'|'.join(map(re.escape, longest_first))})+", _joint, text)


def _joint(found: "re.Match[str]") -> str:
    before = found.string[max(found.start() - 1, 0) : found.start()]
    after = found.string[found.end() : found.end() + 1]
    is_within = before and after and not before.isspace() and not after.isspace()
    return " " if is_within else ""
