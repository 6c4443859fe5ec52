"""The page with the sources of an answer: what was recalled, how it was found, and what was left out and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from poly_engine.types import Dropped, DropReason, Hit
from poly_tui.chats.facts import MOST_DROPPED
from poly_tui.inspector.bars import bar
from poly_tui.transcript.clean import clean

__all__ = ["SourcesPage", "describe_hit"]

BAR_CELLS = 10
LEAST_SCORE = 0.005
"""A score that would be shown as nothing is not shown: BM25 gives such ones where there are few documents."""

REASONS: Mapping[DropReason, str] = {
    "duplicate": "the same text as a better one",
    "low_score": "too unlike the prompt",
    "similar": "too like a better one",
    "no_room": "no room in the context",
}


class SourcesPage(Vertical):
    """Lists the hits of a turn, the best first, and below them those that were left out."""

    @dataclass
    class Opened(Message):
        """The reader wants to see a chunk; `number` is that of its citations, None if it was left out."""

        number: int | None
        hit: Hit

    def __init__(self) -> None:
        super().__init__(id="sources")
        self._hits: tuple[Hit, ...] = ()
        self._dropped: tuple[Dropped, ...] = ()
        self._head = Static(markup=False)
        self.list = OptionList()

    def compose(self) -> ComposeResult:
        """How many there are, over the list."""
        yield self._head
        yield self.list

    def on_mount(self) -> None:
        """Say that there is nothing yet."""
        self._fill()

    def show(self, hits: tuple[Hit, ...], dropped: tuple[Dropped, ...]) -> None:
        """Show what was found for another turn."""
        if (hits, dropped) != (self._hits, self._dropped):
            self._hits, self._dropped = hits, dropped
            self._fill()

    @on(OptionList.OptionSelected)
    def open(self, message: OptionList.OptionSelected) -> None:
        """Open what was chosen."""
        message.stop()
        place, n_hits = message.option_index, len(self._hits)
        if place < n_hits:
            self.post_message(self.Opened(place + 1, self._hits[place]))
        else:
            self.post_message(self.Opened(None, self._dropped[place - n_hits].hit))

    def _fill(self) -> None:
        self._head.update(Content.styled(_head(self._hits, self._dropped), "dim"))
        self.list.clear_options()
        self.list.add_options(Option(describe_hit(hit, f"[{n}]")) for n, hit in enumerate(self._hits, 1))
        self.list.add_options(Option(describe_hit(one.hit, "✗", REASONS[one.reason])) for one in self._dropped)
        self.list.highlighted = 0 if self._hits or self._dropped else None


def describe_hit(hit: Hit, sign: str, reason: str = "") -> Content:
    """A hit in three rows: where it is from, its score, and how it was found or why it was left out."""
    origin = Content.assemble((f"{sign} ", "$text-warning" if reason else "$text-accent"), (_origin(hit), "bold"))
    score = Content.assemble(
        "  ", (bar(hit.score, BAR_CELLS).ljust(BAR_CELLS), "$text-accent"), f" {_share(hit.score)}"
    )
    rows = [origin, score + Content.styled(f"  chunk {hit.place}", "dim"), Content.styled(f"  {_trace(hit)}", "dim")]
    if reason:
        rows.append(Content.styled(f"  left out: {reason}", "$text-warning"))
    return Content("\n").join(rows)


def _head(hits: Sequence[Hit], dropped: Sequence[Dropped]) -> str:
    if not hits and not dropped:
        return "nothing was recalled for this turn"
    more = " or more" if len(dropped) == MOST_DROPPED else ""
    return f"{len(hits)} recalled, {len(dropped)}{more} left out · ⏎ opens"


def _origin(hit: Hit) -> str:
    return " ".join(clean(hit.origin).split())


def _trace(hit: Hit) -> str:
    """The ranks by which it was found."""
    sides = [_side("vector", hit.vector_rank, hit.vector_score), _side("words", hit.words_rank, hit.words_score)]
    return " · ".join(filter(None, sides)) or "how it was found was not kept"


def _side(name: str, rank: int | None, score: float | None) -> str:
    shown = "" if score is None or score < LEAST_SCORE else f" {_share(score)}"
    return f"{name} {'-' if rank is None else f'#{rank}'}{shown}"


def _share(score: float) -> str:
    return f"{score:.2f}".replace("0.", ".", 1) if 0 <= score < 1 else f"{score:.2f}"
