"""What the tests of the inspector do over and over."""

from contextlib import closing
from pathlib import Path

from poly_engine.types import Dropped, Hit, Logprobs, Token
from poly_tui.chats.facts import dropped_fact, recalled_fact
from poly_tui.chats.store import ChatStore
from poly_tui.chats.tree import ChatTurn
from poly_tui.inspector import Inspector
from poly_tui.transcript import Transcript
from tests.tui.steps import Chat, screen_rows

N_STILL = 5
"""So many times in a row the screen has to look the same."""


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


HITS = (
    Hit(
        text="The supplier may \x1b[1mend[/b] it.",
        source="msa.pdf",
        score=0.81,
        place=52,
        start=0,
        end=20,
        first_page=7,
        vector_rank=1,
        vector_score=0.79,
        words_rank=3,
        words_score=4.2,
    ),
    Hit(text="Not cured.", source="msa.pdf", score=0.5, place=58, start=30, end=40, first_page=9, words_rank=1),
)
DROPPED = (Dropped(Hit(text="Far off.", source="old.pdf", score=0.1, place=3, start=0, end=8), "low_score"),)
FACTS = {
    "usage": {
        "prompt_tokens": 1612,
        "cached_tokens": 1200,
        "completion_tokens": 312,
        "context_tokens": 1924,
        "context_size": 4096,
        "thinking_tokens": 12,
        "forced_tokens": 75,
    },
    "timings": {"queued_s": 0.03, "prefill_s": 0.38, "decode_s": 6.5},
    "thought": {"n_tokens": 12, "duration_s": 0.4},
    "measured": {"speeds": [10.0, 40.0, 48.0, 51.0, 45.5], "peak": 51.0, "bias_state": "complete"},
    "recalled": recalled_fact(HITS),
    "dropped": dropped_fact(DROPPED),
}
"""What is known of a turn that was answered some time ago."""


def keep_chat(path: Path) -> None:
    """A file with one chat of two turns; of the second one everything is known."""
    with closing(ChatStore.open(path)[0]) as store:
        chat = store.create("Contract questions", "echo")
        parent = None
        for prompt, facts in (("Hello there", {}), ("When may it end?", FACTS)):
            turn = ChatTurn(prompt, None, "echo", "fake", 1.0, "It may end.", state="complete", facts=facts)
            parent = store.begin(chat, parent, turn)
            store.finish(parent, turn)


def told(text: str, logprob: float | None, number: int = 1, *, is_forced: bool = False) -> Token:
    """A token that tells how likely it was."""
    return Token(text, number, is_forced, logprobs=Logprobs(tuple(text.encode()), logprob))


def inspector_of(chat: Chat) -> Inspector:
    return chat.screen.query_one(Inspector)


def shown(chat: Chat) -> str:
    """The text of the screen."""
    return "\n".join(row.rstrip() for row in screen_rows(chat.pilot))


async def until_shown(chat: Chat, words: str) -> None:
    """Wait until words are on the screen."""
    try:
        await chat.until(lambda: words in shown(chat))
    except AssertionError:
        raise AssertionError(f"{words!r} is not shown:\n{shown(chat)}") from None


async def until_still(chat: Chat) -> None:
    """Wait until nothing moves on the screen any more."""
    seen: list[str] = []

    def is_still() -> bool:
        seen.append(shown(chat))
        waiting = (chat.screen._pacer._timer, *(view._settling for view in chat.screen.query(Transcript)))
        return not any(waiting) and len(seen) > N_STILL and len(set(seen[-N_STILL:])) == 1

    await chat.until(is_still)
