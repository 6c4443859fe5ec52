"""The inspector, from the keyboard: its pages beside the transcript or over it."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from poly_engine.errors import EngineFailed
from poly_engine.types import Overrides, PromptPart, Recalled, Token
from poly_tui.inspector.token_page import N_ALTERNATIVES
from poly_tui.screens.sources import SourceCard
from poly_tui.transcript import Kind
from tests.fake_engine import FakeEngine, FakeSession, Gate, Reply, split
from tests.tui.inspector.steps import DROPPED, HITS, inspector_of, keep_chat, shown, told, until_shown, until_still
from tests.tui.looks import assert_looks
from tests.tui.steps import SIZES, open_chat, press

all_sizes = pytest.mark.parametrize("size", SIZES)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    path = tmp_path / "chats.db"
    keep_chat(path)
    return path


def name_of(size: tuple[int, int]) -> str:
    return "x".join(map(str, size))


# Opening and closing


@all_sizes
async def test_control_l_opens_it_with_the_keys_and_closes_it_again(size: tuple[int, int]) -> None:
    async with open_chat(FakeEngine(), size) as chat:
        await chat.ask("hello")
        await chat.pilot.press("ctrl+l")
        await until_shown(chat, "came to its end")
        assert inspector_of(chat).has_keys
        assert "INSPECTOR" in shown(chat)
        await chat.pilot.press("ctrl+l")
        await chat.until(lambda: not inspector_of(chat).is_open)
        assert chat.composer.has_focus
        assert "INSPECTOR" not in shown(chat)


async def test_beside_the_transcript_it_leaves_room_for_it_and_escape_leaves_it_open() -> None:
    async with open_chat(FakeEngine(), (160, 48)) as chat:
        await chat.pilot.press("ctrl+l")
        await chat.until(lambda: inspector_of(chat).has_keys)
        assert chat.transcript.region.right <= inspector_of(chat).region.x
        await chat.pilot.press("escape")
        await chat.until(lambda: chat.composer.has_focus)
        assert inspector_of(chat).is_open
        await chat.pilot.press("ctrl+l", "ctrl+l")
        await chat.until(lambda: not inspector_of(chat).is_open)


@pytest.mark.parametrize("size", SIZES[:2])
async def test_over_the_transcript_it_leaves_the_prompt_free_and_escape_closes_it(size: tuple[int, int]) -> None:
    async with open_chat(FakeEngine(), size) as chat:
        await chat.pilot.press("ctrl+l", "4")
        await chat.until(lambda: inspector_of(chat).has_keys)
        assert chat.composer.region.y >= inspector_of(chat).region.bottom
        await chat.pilot.press("escape")
        await chat.until(lambda: not inspector_of(chat).is_open)
        assert chat.composer.has_focus


async def test_escape_in_the_prompt_uncovers_the_transcript_once_there_is_nothing_to_stop() -> None:
    gate = Gate()
    async with open_chat(FakeEngine(gate=gate)) as chat:
        await chat.pilot.press("ctrl+l", *"x", "enter")
        await chat.until(lambda: chat.status.state.startswith("reading"))
        await chat.pilot.press("escape")
        await chat.until(lambda: chat.texts(Kind.MARK) == ["stopped"])
        assert inspector_of(chat).is_open
        await chat.pilot.press("escape")
        await chat.until(lambda: not inspector_of(chat).is_open)


async def test_what_is_typed_in_it_goes_to_the_prompt() -> None:
    async with open_chat(FakeEngine(), (160, 48)) as chat:
        await chat.pilot.press("ctrl+l", "4", *"what is this")
        await chat.until(lambda: chat.composer.text == "what is this")
        assert inspector_of(chat).is_open


async def test_digits_and_arrows_turn_the_pages() -> None:
    async with open_chat(FakeEngine()) as chat:
        await chat.pilot.press("ctrl+l", "2")
        await until_shown(chat, "nothing was recalled for this turn")
        await chat.pilot.press("right")
        await until_shown(chat, "nothing was sent yet")
        await chat.pilot.press("left", "left")
        await until_shown(chat, "tok/s")


# The pages


async def test_the_figures_move_while_an_answer_is_written() -> None:
    gate = Gate()
    async with open_chat(FakeEngine(gate=gate), (160, 48)) as chat:
        await chat.pilot.press("ctrl+l", "escape")
        await chat.say("one two three")
        await until_shown(chat, "state       reading prompt")
        gate.open(3)
        await until_shown(chat, "reply       3 tok")
        assert "state       writing" in shown(chat)
        gate.open()
        await until_shown(chat, "state       came to its end")
        assert "first token 0.25 s" in shown(chat)


async def test_where_motion_is_to_be_reduced_the_end_of_an_answer_is_shown_all_the_same() -> None:
    async with open_chat(FakeEngine(lambda _: Reply.of("word " * 500)), (160, 48)) as chat:
        chat.app.animation_level = "none"
        await chat.pilot.press("ctrl+l", "escape")
        await chat.ask("go")
        await until_shown(chat, "reply       501 tok")


@all_sizes
@pytest.mark.parametrize("page", ["live", "sources", "prompt"])
async def test_of_a_chat_that_was_kept_the_last_turn_is_shown(size: tuple[int, int], page: str, kept: Path) -> None:
    engine = FakeEngine(context_size=4096)
    engine.postfix = "\n"
    async with open_chat(engine, size, chats=kept, chat=1) as chat:
        await chat.screen.action_inspect(page)  # type: ignore[arg-type]  # it is one of them
        await until_shown(chat, {"live": "48.0 tok/s", "sources": "2 recalled", "prompt": "tokens in"}[page])
        await chat.until(lambda: "asking" not in shown(chat))
        await until_still(chat)
        assert_looks(chat.pilot, f"inspector/{page}-{name_of(size)}")


async def test_the_memory_of_a_task_is_named() -> None:
    class Engine(FakeEngine):
        async def settings(self, task: str) -> Mapping[str, object]:
            return {**await super().settings(task), "memorization": {"memory": "contracts"}}

    async with open_chat(Engine(), (160, 48)) as chat:
        await chat.ask("hello")
        await chat.pilot.press("ctrl+l")
        await until_shown(chat, "memory      contracts")


async def test_a_turn_that_is_chosen_in_the_transcript_is_the_one_that_is_inspected(kept: Path) -> None:
    async with open_chat(FakeEngine(), (160, 48), chats=kept, chat=1) as chat:
        await chat.pilot.press("ctrl+l")
        await until_shown(chat, "48.0 tok/s")
        await press(chat, *"{{{{{")
        await chat.until(lambda: "48.0 tok/s" not in shown(chat))
        assert "prompt      -" in shown(chat)
        await chat.pilot.press("G")
        await until_shown(chat, "48.0 tok/s")


async def test_sources_tell_how_they_were_found_and_what_was_left_out_and_open() -> None:
    engine = FakeEngine(lambda _: Reply(split("So [1]."), recalled=Recalled(HITS, DROPPED)))
    async with open_chat(engine, (160, 48)) as chat:
        await chat.ask("go")
        await press(chat, "s")
        await until_shown(chat, "2 recalled, 1 left out")
        text = shown(chat)
        assert "[1] msa.pdf, page 7" in text
        assert "████████▏  .81  chunk 52" in text
        assert "vector #1 .79 · words #3 4.20" in text
        assert "vector - · words #1" in text
        assert "left out: too unlike the prompt" in text
        await chat.pilot.press("enter")
        await chat.until(lambda: isinstance(chat.app.screen, SourceCard))
        await until_shown(chat, "The supplier may ␛[1mend[/b] it.")
        await chat.pilot.press("escape", "end", "enter")
        await until_shown(chat, "Far off.")


async def test_the_prompt_of_the_last_turn_is_the_one_that_was_sent_and_is_copied_whole() -> None:
    engine = FakeEngine()
    engine.postfix = "<|end|>\n"
    async with open_chat(engine) as chat:
        await chat.ask("hello")
        await chat.ask("and now [b]this[/b]?")
        await press(chat, "p")
        await until_shown(chat, "tokens in 5 parts")
        text = shown(chat)
        assert "<|end|>⏎" in text
        assert "and now [b]this[/b]?" in text
        assert "made anew" not in text
        await chat.pilot.press("y")
        assert chat.app.clipboard == "hello<|end|>\nYou said: helloand now [b]this[/b]?<|end|>\n"


async def test_the_prompt_of_an_earlier_turn_is_made_anew_and_says_so(kept: Path) -> None:
    async with open_chat(FakeEngine(), chats=kept, chat=1) as chat:
        await press(chat, *"{{{{{", "p")
        await until_shown(chat, "made anew, as it would be sent now")
        assert "1 part" in shown(chat)
        assert "Hello there" in shown(chat)


async def test_a_long_part_of_a_prompt_is_folded_until_it_is_opened() -> None:
    async with open_chat(FakeEngine(lambda _: Reply.of("ok"))) as chat:
        await chat.ask("x " * 400 + "the end")
        await press(chat, "p")
        await until_shown(chat, "▸ you · 402 tok")
        assert "the end" not in shown(chat)
        await chat.pilot.press("space", "G")
        await until_shown(chat, "the end")


async def test_a_prompt_that_cannot_be_had_says_why_and_is_asked_for_again() -> None:
    class Failing(FakeSession):
        async def sent(self) -> tuple[PromptPart, ...]:
            if failures:
                raise failures.pop()
            return tuple(await super().sent())

    class Engine(FakeEngine):
        def session(self, task: str, **options: object) -> FakeSession:
            session = super().session(task, **options)  # type: ignore[arg-type]  # whatever the other one takes
            session.__class__ = Failing
            return session

    failures = [EngineFailed("the server is gone")]
    async with open_chat(Engine()) as chat:
        await chat.ask("hello")
        await press(chat, "p")
        await until_shown(chat, "✗ the server is gone")
        await chat.pilot.press("3")
        await until_shown(chat, "▾ you · 1 tok")


async def test_a_prompt_is_shown_once_it_is_sent_while_its_answer_is_written() -> None:
    gate = Gate()
    async with open_chat(FakeEngine(gate=gate)) as chat:
        await chat.say("hello")
        await chat.until(lambda: chat.status.state.startswith("reading"))
        await press(chat, "p")
        await until_shown(chat, "▾ you · 1 tok")
        gate.open()


class Asked(FakeEngine):
    """Notes what the turns override."""

    def __init__(self, reply: Reply, **options: object) -> None:
        super().__init__(lambda _: reply, **options)  # type: ignore[arg-type]  # whatever the other one takes
        self.overrides: list[Overrides] = []

    def session(self, task: str, **options: object) -> FakeSession:
        session = super().session(task, **options)  # type: ignore[arg-type]  # as above
        begin, noted = session._begin, self.overrides

        def noting(prompt: str, overrides: Overrides, *rest: object) -> object:
            noted.append(overrides)
            return begin(prompt, overrides, *rest)  # type: ignore[arg-type]

        session._begin = noting  # type: ignore[method-assign,assignment]
        return session


TOLD = Reply(
    (told("{", None, 5, is_forced=True), told("Three", -0.2, 1), told(" ways", -3.5, 2), told(".\n", -0.01, 3))
)


async def test_probabilities_are_asked_for_only_while_the_page_of_the_tokens_is_on() -> None:
    engine = Asked(Reply.of("one two"))
    async with open_chat(engine, (160, 48)) as chat:
        await chat.ask("first")
        await chat.pilot.press("ctrl+l", "4")
        await until_shown(chat, "on from the next")
        await chat.pilot.press("escape")
        await chat.ask("second")
        await until_shown(chat, "▁ likely")
        await chat.pilot.press("ctrl+l", "1", "escape")
        await chat.ask("third")
        assert [one.logprobs for one in engine.overrides] == [None, N_ALTERNATIVES, None]


@all_sizes
async def test_tokens_show_their_boundaries_and_how_likely_they_were(size: tuple[int, int]) -> None:
    async with open_chat(Asked(TOLD), size) as chat:
        await chat.pilot.press("ctrl+l", "4")
        chat.composer.focus()
        await chat.ask("go")
        await until_shown(chat, "{=Three▂ ways█.⏎▁")
        chat.composer.placeholder = ""
        await chat.pilot.press("ctrl+l", "left")
        await until_shown(chat, '#3 " ways"  id 2')
        assert "p 0.030" in shown(chat)
        await until_still(chat)
        assert_looks(chat.pilot, f"inspector/tokens-{name_of(size)}")


async def test_tokens_are_shown_as_they_come() -> None:
    gate = Gate()
    async with open_chat(FakeEngine(lambda _: Reply.of("one two three"), gate=gate), (160, 48)) as chat:
        await chat.pilot.press("ctrl+l", "4", "escape")
        await chat.say("go")
        await chat.until(lambda: chat.status.state.startswith("reading"))
        gate.open(1)
        await until_shown(chat, '#1 "one"')
        gate.open()
        await until_shown(chat, '#3 " three"')


async def test_one_moves_through_the_tokens_by_token_row_and_surprise() -> None:
    tokens = tuple(told(f" word{n}", -4.0 if n == 7 else -0.1, n) for n in range(60))
    async with open_chat(Asked(Reply(tokens)), (80, 24)) as chat:
        await chat.pilot.press("ctrl+l", "4")
        chat.composer.focus()
        await chat.ask("go")
        await chat.pilot.press("ctrl+l")
        for keys, number in (
            (("home",), 1),
            (("right", "right"), 3),
            (("down",), 11),
            (("up",), 3),
            (("u",), 8),
            (("end",), 60),
        ):
            await chat.pilot.press(*keys)
            await until_shown(chat, f'#{number} " word{number - 1}"')


async def test_the_tokens_of_an_answer_of_an_earlier_run_are_gone_and_that_is_said(kept: Path) -> None:
    async with open_chat(FakeEngine(), (160, 48), chats=kept, chat=1) as chat:
        await chat.pilot.press("ctrl+l", "4")
        await until_shown(chat, "The tokens of this answer are gone")


async def test_a_burst_of_tokens_is_taken_in_while_the_page_is_open() -> None:
    reply = Reply(tuple(Token(f" {n}", 1) for n in range(3000)))
    async with open_chat(FakeEngine(lambda _: reply), (160, 48)) as chat:
        await chat.pilot.press("ctrl+l", "4", "escape")
        await chat.ask("go")
        await until_shown(chat, '#3000 " 2999"')


# Going to the transcript and back


async def test_a_newcomer_is_told_of_the_transcript_once_there_is_something_in_it() -> None:
    async with open_chat(FakeEngine()) as chat:
        assert "⇥ read" not in shown(chat)
        await chat.ask("hello")
        await until_shown(chat, "⇥ read")
        await chat.pilot.press("tab")
        await until_shown(chat, "TRANSCRIPT")
        assert "i to write" in shown(chat)
        assert "p prompt sent" in shown(chat)
        await chat.pilot.press("i")
        await chat.until(lambda: chat.composer.has_focus)
        await chat.until(lambda: "TRANSCRIPT" not in shown(chat))


async def test_who_clicked_on_the_transcript_still_types_the_prompt() -> None:
    async with open_chat(FakeEngine()) as chat:
        await chat.ask("hello")
        await chat.pilot.click(type(chat.transcript), offset=(10, 3))
        await chat.pilot.press(*"explain more")
        await chat.until(lambda: chat.composer.text == "explain more")


async def test_after_the_first_letter_that_goes_to_the_prompt_no_letter_is_a_deed() -> None:
    async with open_chat(FakeEngine()) as chat:
        await chat.ask("hello")
        await press(chat, *"why ever yes")
        await chat.until(lambda: chat.composer.text == "why ever yes")
        assert chat.texts(Kind.PROMPT) == ["hello"]


async def test_the_context_of_a_chat_that_is_opened_again_is_shown_as_full_as_it_was(kept: Path) -> None:
    async with open_chat(FakeEngine(context_size=4096), chats=kept, chat=1) as chat:
        await chat.until(lambda: chat.status.context_used == 1924)
        await until_shown(chat, "1.9k/4.1k")


async def test_figures_of_a_stopped_answer_are_kept(kept: Path) -> None:
    gate = Gate()
    async with open_chat(FakeEngine(gate=gate), chats=kept) as chat:
        await chat.say("one two three")
        await chat.until(lambda: chat.status.state.startswith("reading"))
        gate.open(2)
        await chat.until(lambda: chat.status.n_tokens == 2)
        await chat.pilot.press("escape")
        await chat.until(lambda: chat.texts(Kind.MARK) == ["stopped"])
    async with open_chat(FakeEngine(), chats=kept, chat=2) as again:
        await again.pilot.press("ctrl+l")
        await until_shown(again, "reply       2 tok")
        assert "state       stopped" in shown(again)
