"""Two answers beside or below each other, as they come, with what tells them apart."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from poly_tui.screens.sources import sources_title
from poly_tui.screens.tune.differences import Span
from poly_tui.screens.tune.duel import Duel, Phase, Side
from poly_tui.screens.tune.prompt_bar import TRYING_KEYS
from poly_tui.transcript.clean import clean, drawable

__all__ = ["DuelPage", "result_row"]

_DIFFERENT = "bold underline $text-warning"


class AnswerView(Vertical):
    """One answer under what there is to say about it."""

    can_focus = False

    def __init__(self, letter: str, name: str) -> None:
        super().__init__()
        self._letter = letter
        self._called = name
        self._head = Static(classes="answer-head")
        self._text = Static(classes="answer-text")
        self._scroll = VerticalScroll()

    def compose(self) -> ComposeResult:
        """The head, and the text to be scrolled."""
        yield self._head
        with self._scroll:
            yield self._text

    def show(self, side: Side, spans: Sequence[Span]) -> None:
        """Show how far it is. What is in `spans` is not in the other one."""
        self._head.update(Content.assemble((f"{self._letter} {self._called}  ", "bold"), (_state(side), _style(side))))
        is_at_end = self._scroll.is_vertical_scroll_end
        self._text.update(Content("\n").join(_body(side, spans)))
        if is_at_end and not side.phase.is_over:
            self._scroll.scroll_end(animate=False)

    def clear(self) -> None:
        """Show nothing yet."""
        self._head.update(Content.styled(f"{self._letter} {self._called}", "bold"))
        self._text.update("")


class DuelPage(Vertical):
    """What is saved and what is drafted, answering one prompt."""

    BINDINGS: ClassVar[list[BindingType]] = TRYING_KEYS

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._views = (AnswerView("A", "saved"), AnswerView("B", "draft"))
        self._summary = Static(id="tune-summary")

    def compose(self) -> ComposeResult:
        """The answers, and the sum of it."""
        with Container(id="tune-answers"):
            yield from self._views
        yield self._summary

    def show(self, duel: Duel | None, hint: str, *, is_stale: bool = False, results: Sequence[Content] = ()) -> None:
        """Show a duel, or how one is begun; below it the results of several. `is_stale` says that the draft is not any
        more what answered.
        """
        if duel is None:
            for view in self._views:
                view.clear()
            self._summary.update(Content("\n").join([Content.styled(hint, "dim"), *results]))
            return
        comparison = duel.comparison
        spans: tuple[Sequence[Span], Sequence[Span]] = (comparison.left, comparison.right) if comparison else ((), ())
        for view, side, marked in zip(self._views, duel.sides, spans, strict=True):
            view.show(side, marked)
        stale = [Content.styled("the draft was changed since: r runs it again", "$text-warning")] if is_stale else []
        rows = [*stale, _sum(duel), *results]
        self._summary.update(Content("\n").join(rows))


def _state(side: Side) -> str:
    match side.phase:
        case Phase.LOADING:
            return f"loading {side.share:.0%}"
        case Phase.READING:
            return f"reading {side.share:.0%}"
        case Phase.WRITING if side.n_thought and not side.text:
            return f"thinking {side.n_thought} tok"
    words = [side.phase.value if side.phase is not Phase.DONE else ""]
    if side.tokens_per_s is not None:
        words.append(f"{side.tokens_per_s:.1f} tok/s")
    if side.n_tokens:
        words.append(f"{side.n_tokens} tok")
    if side.finish_reason == "length":
        words.append("cut off")
    if side.fits is not None:
        words.append("schema ✓" if side.fits else "schema ✗")
    if side.hits:
        words.append(f"{len(side.hits)} source{'s' if len(side.hits) != 1 else ''}")
    return " · ".join(filter(None, words))


def _style(side: Side) -> str:
    return "$text-error" if side.phase is Phase.FAILED else "dim"


def _body(side: Side, spans: Sequence[Span]) -> Sequence[Content]:
    rows = []
    if side.hits:
        rows.append(Content.styled(clean(sources_title(side.hits)), "dim"))
    if side.error:
        rows.append(Content.styled(clean(side.error), "$text-error"))
    if side.text:
        rows.append(_marked(side.text, spans))
    elif side.phase is Phase.DONE:
        rows.append(Content.styled("the answer is empty", "dim"))
    return rows


def _marked(text: str, spans: Sequence[Span]) -> Content:
    """A text with pieces of it marked. Each piece is cleaned by itself, since that may make it longer or shorter."""
    parts: list[str | tuple[str, str]] = []
    end = 0
    for start, stop in spans:
        parts += [_plain(text[end:start]), (_plain(text[start:stop]), _DIFFERENT)]
        end = stop
    return Content.assemble(*parts, _plain(text[end:]))


def _plain(text: str) -> str:
    return drawable(clean(text))


def _sum(duel: Duel) -> Content:
    seed = f"seed {duel.seed}"
    if not duel.is_over:
        return Content.assemble((seed, "dim"), ("  esc stops", "dim"))
    return Content.assemble(_verdict(duel), (f"  {seed}", "dim"))


def _verdict(duel: Duel) -> Content:
    left, right = duel.sides
    comparison = duel.comparison
    if comparison is None:
        return Content("" if not duel.is_over else "failed" if left.error or right.error else "stopped")
    words = []
    if comparison.are_alike:
        words.append("the same words")
    else:
        if comparison.growth is not None:
            words.append(f"Δ length {comparison.growth:+.0%}")
        n_words = f"{comparison.n_left} word{'s' if comparison.n_left != 1 else ''}"
        words.append(f"{n_words} only in A, {comparison.n_right} only in B")
    if left.hits or right.hits:
        words.append(f"sources {len(left.hits)} → {len(right.hits)}")
    return Content(" · ".join(words))


def result_row(number: int, duel: Duel, *, is_shown: bool) -> Content:
    """What came of one of several prompts, in a row."""
    failed = [side for side in duel.sides if side.phase in (Phase.FAILED, Phase.STOPPED)]
    sign = ("✗ ", "$text-error") if failed else ("✓ ", "$text-success") if duel.is_over else ("… ", "dim")
    prompt = " ".join(clean(duel.prompt).split())
    style = "bold" if is_shown else ""
    head = Content.styled(f"{number} {prompt}", style).truncate(32, ellipsis=True)
    return Content.assemble(sign, head, "  ", _verdict(duel))
