"""The transcript as a widget."""

import pytest
from rich.segment import Segment
from textual import events

from poly_tui.transcript import Kind, Passage, Transcript
from tests.tui.steps import SIZES, TranscriptApp, open_transcript, screen_rows, wait_until

LINES = "\n".join(f"line {n}" for n in range(100))


@pytest.mark.parametrize("size", SIZES)
async def test_the_end_is_followed_while_text_is_added(size: tuple[int, int]) -> None:
    async with open_transcript(size) as (pilot, transcript):
        transcript.add(Kind.ANSWER)
        for line in LINES.splitlines(keepends=True):
            transcript.append(Passage(line))
        await pilot.pause()
        assert transcript.is_following
        assert "line 99" in screen_rows(pilot)[-1]


@pytest.mark.parametrize("key", ["k", "up", "pageup", "g", "home"])
async def test_scrolling_up_stops_following_and_the_end_key_resumes_it(key: str) -> None:
    async with open_transcript() as (pilot, transcript):
        transcript.add(Kind.ANSWER, LINES)
        await pilot.press(key)
        before = screen_rows(pilot)
        transcript.append(Passage("\nmore\nand more"))
        await pilot.pause()
        assert not transcript.is_following
        assert [row[:70] for row in screen_rows(pilot)] == [row[:70] for row in before]
        await pilot.press("end")
        assert transcript.is_following
        assert "and more" in screen_rows(pilot)[-1]


async def test_it_is_told_how_many_rows_are_new_below() -> None:
    async with open_transcript() as (pilot, transcript):
        transcript.add(Kind.ANSWER, LINES)
        await pilot.press("k")
        transcript.append(Passage("\nmore\nand more"))
        await pilot.pause()
        assert isinstance(pilot.app, TranscriptApp)
        last = pilot.app.moves[-1]
        assert (last.is_following, last.n_new) == (False, 2)


async def test_the_mouse_wheel_stops_following_too() -> None:
    async with open_transcript() as (pilot, transcript):
        transcript.add(Kind.ANSWER, LINES)
        await pilot.pause()
        await pilot._post_mouse_events([events.MouseScrollUp], Transcript, button=0)
        await pilot.pause()
        assert not transcript.is_following


@pytest.mark.parametrize(("keys", "top"), [(["g"], 0), (["g", "j", "j", "k"], 1), (["g", "pagedown"], 23), (["G"], 76)])
async def test_keys_move_the_view(keys: list[str], top: int) -> None:
    async with open_transcript() as (pilot, transcript):
        transcript.add(Kind.ANSWER, LINES)
        await pilot.press(*keys)
        assert transcript.scroll_offset.y == top


async def test_text_is_wrapped_anew_and_the_place_kept_when_the_width_changes() -> None:
    async with open_transcript((80, 24)) as (pilot, transcript):
        transcript.add(Kind.ANSWER, "\n".join(f"{n} " + "word " * 20 for n in range(60)))
        await pilot.press("g", "pagedown", "pagedown")
        top = screen_rows(pilot)[0].split()[0]
        await pilot.resize_terminal(50, 24)
        await wait_until(pilot, lambda: transcript._width < 60)
        assert screen_rows(pilot)[0].split()[0] == top
        assert not transcript.is_following


async def test_the_end_stays_in_view_when_the_size_changes() -> None:
    async with open_transcript((80, 24)) as (pilot, transcript):
        transcript.add(Kind.ANSWER, LINES + "\nthe end")
        await pilot.resize_terminal(30, 10)
        await wait_until(pilot, lambda: transcript.size.height == 10)
        await wait_until(pilot, lambda: "the end" in screen_rows(pilot)[-1])


async def test_dragging_selects_text_and_a_copy_of_it_has_no_margin() -> None:
    async with open_transcript() as (pilot, transcript):
        transcript.add(Kind.PROMPT, "first 漢字 line")
        transcript.add(Kind.ANSWER, "second")
        await pilot.pause()
        await pilot.mouse_down(Transcript, offset=(9, 0))
        await pilot.hover(Transcript, offset=(6, 2))
        await pilot.mouse_up(Transcript, offset=(6, 2))
        assert pilot.app.screen.get_selected_text() == "漢字 line\n\nseco"


async def test_what_is_selected_looks_selected() -> None:
    async with open_transcript() as (pilot, transcript):
        transcript.add(Kind.ANSWER, "some text")
        await pilot.pause()
        plain = transcript.render_line(0)
        transcript.text_select_all()
        await pilot.pause()
        selected = transcript.render_line(0)
        assert selected.text == plain.text
        assert [segment.style.bgcolor for segment in selected if segment.style and segment.text == "some text"] != [
            segment.style.bgcolor for segment in plain if segment.style and segment.text == "some text"
        ]


async def test_y_copies_the_last_answer_as_it_was_written() -> None:
    async with open_transcript((20, 10)) as (pilot, transcript):
        transcript.add(Kind.ANSWER, "one two three four five six\n\tindented")
        transcript.add(Kind.MARK, "stopped")
        await pilot.press("y")
        assert pilot.app.clipboard == "one two three four five six\n\tindented"


async def test_control_codes_and_markup_are_painted_as_text() -> None:
    async with open_transcript() as (pilot, transcript):
        transcript.add(Kind.ANSWER, "\x1b]0;title\x07[red]x[/red] \u202eabc")
        await pilot.pause()
        painted = screen_rows(pilot)[0]
        assert painted.strip() == "␛]0;title␇[red]x[/red] \ufffdabc"
        assert all(character.isprintable() for row in screen_rows(pilot) for character in row)


async def test_a_new_theme_recolours_what_is_there() -> None:
    async with open_transcript() as (pilot, transcript):
        transcript.add(Kind.PROMPT, "prompt")
        await pilot.pause()
        dark = [segment.style for segment in transcript.render_line(0)]
        pilot.app.theme = "textual-light"
        await wait_until(pilot, lambda: [segment.style for segment in transcript.render_line(0)] != dark)
        style = transcript.render_line(0)._segments[1].style
        assert style is not None
        assert style.bgcolor is not None
        assert style.bgcolor.get_truecolor().red > 128


async def test_forced_text_keeps_its_look_at_another_width_and_in_another_theme() -> None:
    def dim_segments() -> list[Segment]:
        rows = (transcript.render_line(y) for y in range(transcript.size.height))
        return [segment for row in rows for segment in row if segment.style and segment.style.dim]

    def dim() -> list[str]:
        return [segment.text for segment in dim_segments()]

    async with open_transcript((80, 24)) as (pilot, transcript):
        transcript.add(Kind.ANSWER)
        transcript.append(Passage("some ") + Passage.of("that could not be otherwise", is_forced=True))
        await pilot.pause()
        assert dim() == ["that could not be otherwise"]
        await pilot.resize_terminal(24, 24)
        await wait_until(pilot, lambda: dim() == ["that could not ", "be otherwise"])
        dark = dim_segments()
        pilot.app.theme = "textual-light"
        await wait_until(pilot, lambda: dim_segments() != dark)
        assert dim() == ["that could not ", "be otherwise"]


async def test_forced_text_is_selected_like_any_other() -> None:
    async with open_transcript() as (pilot, transcript):
        transcript.add(Kind.ANSWER)
        transcript.append(Passage.of('{"name": ', is_forced=True) + Passage('"Ann"'))
        await pilot.pause()
        await pilot.mouse_down(Transcript, offset=(5, 0))
        await pilot.hover(Transcript, offset=(14, 0))
        await pilot.mouse_up(Transcript, offset=(14, 0))
        assert pilot.app.screen.get_selected_text() == 'name": "An'


async def test_clearing_leaves_nothing_behind() -> None:
    async with open_transcript() as (pilot, transcript):
        transcript.add(Kind.ANSWER, LINES)
        await pilot.press("g")
        transcript.clear()
        await pilot.pause()
        assert transcript.is_following
        assert not "".join(screen_rows(pilot)).strip()
