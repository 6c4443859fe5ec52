"""What a reader does with a conversation: fold, move by message, copy, open sources; and long chats."""

import pytest
from textual.pilot import Pilot

from poly_engine.types import Hit, Recalled
from poly_tui.screens.sources import SourceCard, sources_title
from poly_tui.transcript import Block, Kind, Part, Passage, Transcript
from tests.fake_engine import FakeEngine, Reply, split
from tests.tui.steps import SIZES, TranscriptApp, open_chat, open_transcript, screen_rows, wait_until

ANSWER = (
    "Two cases [1]:\n\n- **one** that is long enough to be wrapped\n- two\n\n```python\na = 1\n```\n\n```sh\nls\n```"
)
MESSAGES = [
    Part(kind, Passage(f"{kind.name} number {n}\n\n{'some words ' * 30}"))
    for n in range(100)
    for kind in (Kind.PROMPT, Kind.ANSWER)
]


def hit(text: str, page: int, score: float) -> Hit:
    return Hit(text=text, source="msa.pdf", score=score, place=page, start=0, end=len(text), first_page=page)


HITS = (hit("The supplier may \x1b[1mend[/b] it.", 7, 0.81), hit("Not cured.", 9, 0.77))


def texts_on_screen(pilot: Pilot[None]) -> str:
    """The rows of the transcript, but for the scroll bar."""
    return "\n".join(row[:-1].strip() for row in screen_rows(pilot))


def opened(pilot: Pilot[None]) -> list[tuple[int, Block]]:
    assert isinstance(pilot.app, TranscriptApp)
    return [(message.number, message.block) for message in pilot.app.opened]


async def test_space_unfolds_what_is_folded_and_folds_it_again() -> None:
    async with open_transcript() as (pilot, transcript):
        transcript.add(Kind.SOURCES, "what they say", "2 sources")
        transcript.add(Kind.ANSWER, "answer")
        await pilot.pause()
        assert "▸ 2 sources" in texts_on_screen(pilot)
        assert "what they say" not in texts_on_screen(pilot)
        await pilot.press("space")
        assert "▾ 2 sources\nwhat they say" in texts_on_screen(pilot)
        await pilot.press("space")
        assert "what they say" not in texts_on_screen(pilot)


async def test_a_click_on_a_title_unfolds() -> None:
    async with open_transcript() as (pilot, transcript):
        transcript.add(Kind.SOURCES, "what they say", "2 sources")
        await pilot.pause()
        await pilot.click(Transcript, offset=(5, 0))
        assert "what they say" in texts_on_screen(pilot)
        await pilot.click(Transcript, offset=(5, 1))
        assert "what they say" in texts_on_screen(pilot)


async def test_a_title_that_is_too_long_is_cut() -> None:
    async with open_transcript((20, 10)) as (pilot, transcript):
        transcript.add(Kind.SOURCES, "text", "sources 漢字漢字漢字漢字漢字")
        await pilot.pause()
        assert screen_rows(pilot)[0].rstrip() == " ▸ sources 漢字漢…"


async def test_folding_above_does_not_move_what_is_read_nor_count_as_new() -> None:
    async with open_transcript() as (pilot, transcript):
        thought = transcript.add(Kind.THINKING, "\n".join(f"thought {n}" for n in range(30)))
        transcript.add(Kind.ANSWER, "\n".join(f"line {n}" for n in range(60)))
        await pilot.press("pageup")
        before = texts_on_screen(pilot)
        transcript.fold(thought, title="thinking 30 tok 1.0s")
        await pilot.pause()
        assert texts_on_screen(pilot) == before
        assert isinstance(pilot.app, TranscriptApp)
        assert (pilot.app.moves[-1].is_following, pilot.app.moves[-1].n_new) == (False, 0)


async def test_braces_move_from_message_to_message_and_y_copies_the_one_that_is_reached() -> None:
    async with open_transcript() as (pilot, transcript):
        for text in ("first", "second"):
            transcript.add(Kind.PROMPT, text)
            transcript.add(Kind.NOTICE, "notice")
            transcript.add(Kind.ANSWER, f"**{text}** answer")
        await pilot.press("left_curly_bracket", "y")
        assert pilot.app.clipboard == "**second** answer"
        await pilot.press("left_curly_bracket", "left_curly_bracket", "y")
        assert pilot.app.clipboard == "**first** answer"
        await pilot.press("right_curly_bracket", "y")
        assert pilot.app.clipboard == "second"
        assert transcript.current is transcript.blocks[3]
        await pilot.press("G")
        assert transcript.current is None


async def test_moving_by_message_scrolls_to_it_and_marks_it() -> None:
    async with open_transcript() as (pilot, transcript):
        transcript.extend(MESSAGES[:20])
        await wait_until(pilot, lambda: transcript._stack.is_settled)
        for _ in range(5):
            await pilot.press("left_curly_bracket")
        assert transcript.current is not None
        assert transcript.current.text.splitlines()[0] in texts_on_screen(pilot)
        first = transcript._stack.rows_of(transcript.current).start - transcript.scroll_offset.y
        marked = [next(iter(transcript.render_line(y))).style for y in (first, first - 1)]
        assert marked[0] is not None
        assert marked[1] is not None
        assert marked[0].bgcolor != marked[1].bgcolor


async def test_capital_y_copies_one_fence_after_the_other() -> None:
    async with open_transcript() as (pilot, transcript):
        transcript.add(Kind.ANSWER, ANSWER)
        copied = []
        for _ in range(3):
            await pilot.press("Y")
            copied.append(pilot.app.clipboard)
        assert copied == ["a = 1\n", "ls\n", "a = 1\n"]


async def test_m_shows_the_markup_and_renders_it_again() -> None:
    async with open_transcript() as (pilot, transcript):
        transcript.add(Kind.ANSWER, ANSWER)
        await pilot.pause()
        rendered = screen_rows(pilot)
        await pilot.press("m")
        assert "- **one**" in texts_on_screen(pilot)
        transcript.append(Passage("\n\nand *more*"))
        await pilot.press("m")
        assert screen_rows(pilot)[:5] == rendered[:5]
        assert "and more" in texts_on_screen(pilot)


async def test_a_click_on_a_citation_or_its_number_opens_it() -> None:
    async with open_transcript() as (pilot, transcript):
        block = transcript.add(Kind.ANSWER, "So it is [2], as `[1]` says.")
        await pilot.pause()
        await pilot.click(Transcript, offset=(13, 0))
        await pilot.click(Transcript, offset=(5, 0))
        await pilot.press("7")
        await pilot.pause()
        assert opened(pilot) == [(2, block), (7, block)]


async def test_dragging_over_rendered_text_copies_it_without_the_margins_of_wrapping() -> None:
    async with open_transcript((30, 12)) as (pilot, transcript):
        transcript.add(Kind.ANSWER, ANSWER)
        await pilot.pause()
        assert texts_on_screen(pilot).splitlines()[:5] == [
            "Two cases [1]:",
            "",
            "• one that is long enough",
            "to be wrapped",
            "• two",
        ]
        await pilot.mouse_down(Transcript, offset=(3, 2))
        await pilot.hover(Transcript, offset=(8, 4))
        await pilot.mouse_up(Transcript, offset=(8, 4))
        assert pilot.app.screen.get_selected_text() == "• one that is long enough to be wrapped\n• two"


@pytest.mark.parametrize("size", SIZES)
async def test_a_long_chat_opens_at_its_end_and_only_lays_out_what_is_seen(size: tuple[int, int]) -> None:
    async with open_transcript(size) as (pilot, transcript):
        transcript.extend(MESSAGES)
        assert transcript.is_following
        assert sum(block.is_laid_out for block in transcript.blocks) < 30
        await pilot.pause()
        assert "some words" in texts_on_screen(pilot).splitlines()[-1]


async def test_what_was_not_laid_out_is_when_one_scrolls_there() -> None:
    async with open_transcript() as (pilot, transcript):
        transcript.extend(MESSAGES)
        await pilot.press("g")
        assert texts_on_screen(pilot).splitlines()[0] == f"{Kind.PROMPT.sign} PROMPT number 0"
        for _ in range(12):
            await pilot.press("pagedown")
            assert "\n\n\n" not in texts_on_screen(pilot)


async def test_the_view_stays_where_it_is_while_the_rest_is_laid_out() -> None:
    async with open_transcript() as (pilot, transcript):
        transcript.extend(MESSAGES)
        await pilot.press("pageup", "pageup")
        before = texts_on_screen(pilot)
        await wait_until(pilot, lambda: transcript._stack.is_settled)
        await pilot.pause()
        assert texts_on_screen(pilot) == before
        assert transcript._stack.n_rows == transcript.virtual_size.height


async def test_what_is_thought_folds_once_the_answer_begins() -> None:
    engine = FakeEngine(lambda _: Reply(split("The answer."), thoughts=split("Hm, let me see.")))
    async with open_chat(engine) as chat:
        await chat.ask("go")
        assert any(row.strip().startswith("▸ thinking 6 tok ") for row in chat.rows())
        assert "let me see" not in "\n".join(chat.rows())
        chat.transcript.focus()
        await chat.pilot.press("space")
        assert "let me see" in "\n".join(chat.rows())


def recalling(hits: tuple[Hit, ...] = HITS) -> FakeEngine:
    return FakeEngine(lambda _: Reply(split("It may [1], but not [3]."), recalled=Recalled(hits)))


@pytest.mark.parametrize("size", SIZES)
async def test_the_sources_of_an_answer_are_folded_and_one_opens_as_a_card(size: tuple[int, int]) -> None:
    async with open_chat(recalling(), size) as chat:
        await chat.ask("go")
        assert "▸ 2 sources  [1] msa.pdf, page 7" in "\n".join(chat.rows())
        chat.transcript.focus()
        await chat.pilot.press("1")
        await chat.until(lambda: isinstance(chat.app.screen, SourceCard))
        await chat.until(lambda: "The supplier may ␛[1mend[/b] it." in "\n".join(chat.rows()))
        await chat.pilot.press("escape")
        assert chat.app.screen is chat.screen


async def test_a_citation_of_a_source_that_is_not_there_says_so() -> None:
    async with open_chat(recalling()) as chat:
        await chat.ask("go")
        chat.transcript.focus()
        await chat.pilot.press("3")
        await chat.until(lambda: "there is no source 3" in [note.message for note in chat.app._notifications])


async def test_a_memory_that_gave_nothing_is_told_in_a_notice() -> None:
    async with open_chat(recalling(())) as chat:
        await chat.ask("go")
        assert chat.texts(Kind.NOTICE)[-1] == "the memory holds nothing that is near enough"


def test_the_row_of_sources_leaves_out_the_folders_of_files() -> None:
    hits = [
        Hit(text="a", source=source, score=0.5, place=0, start=0, end=1) for source in ("/home/a/b.pdf", "http://x/y")
    ]
    assert sources_title(hits) == "2 sources  [1] b.pdf .50  [2] http://x/y .50"
