"""Chats that are going on, and what is in the file of them."""

import threading
from dataclasses import asdict, replace
from pathlib import Path

from poly_engine.types import Dropped, Hit, Recalled, Thinking, Token
from poly_tui.chats.facts import (
    LONGEST_DROPPED,
    MOST_DROPPED,
    Measured,
    dropped_of,
    forced_of,
    hits_of,
    measured_fact,
    measured_of,
    thought_of,
)
from poly_tui.chats.log import ChatLog
from poly_tui.chats.scribe import Scribe
from poly_tui.chats.store import ChatStore
from poly_tui.chats.tree import Chat
from tests.chats.steps import DONE, answer, read, texts


class Told:
    """What the scribe tells."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def __call__(self, message: str) -> None:
        self.messages.append(message)


def kept(path: Path, log: ChatLog) -> Chat:
    assert log.chat.id is not None
    return read(path, log.chat.id)


def test_a_chat_is_in_the_file_with_its_first_prompt(path: Path) -> None:
    scribe = Scribe(path, Told())
    log = ChatLog(scribe)
    assert scribe.submit(ChatStore.chats).result() == []

    answer(log, "When may it end?", "In three cases.")
    scribe.close()

    found = kept(path, log)
    assert (found.title, found.task) == ("When may it end?", "echo")
    assert texts(found) == [("When may it end?", "In three cases.")]
    assert found.path[0].facts["usage"] == asdict(DONE.usage)


def test_what_comes_before_the_turn_is_in_the_file_is_not_written_twice(path: Path) -> None:
    gate = threading.Event()
    scribe = Scribe(path, Told())
    scribe.keep(lambda _: gate.wait(10))
    log = ChatLog(scribe)
    log.ask("q", "echo", "fake")
    log.hear(Token("once", 1))
    gate.set()
    written = scribe.submit(lambda store: store.load(log.chat.id or 0)).result()

    assert texts(written) == [("q", "once")]
    scribe.close()


def test_thoughts_and_sources_are_kept(path: Path) -> None:
    scribe = Scribe(path, Told())
    log = ChatLog(scribe)
    log.ask("q", "echo", "fake")
    hit = Hit(text="t", source="a.pdf", score=0.5123, place=0, start=0, end=1, headings=("One", "Two"), first_page=7)
    log.hear(Recalled((hit,)))
    log.hear(Thinking("hm", 1))
    log.hear(Token("a", 1))
    log.hear(Token("b", 1, is_forced=True))
    log.hear(Token("c", 1, is_forced=True))
    log.hear(DONE)
    scribe.close()

    (turn,) = kept(path, log).path
    assert (turn.thinking, hits_of(turn.facts), forced_of(turn.facts)) == ("hm", (hit,), ((1, 3),))
    counted = thought_of(turn.facts)
    assert counted is not None
    assert counted[0] == 1


def test_how_sources_were_found_and_what_was_left_out_is_kept(path: Path) -> None:
    hit = Hit(
        text="t", source="a.pdf", score=0.5, place=3, start=0, end=1, vector_rank=2, vector_score=0.25, words_rank=1
    )
    dropped = [Dropped(replace(hit, place=n, text="x" * 2000), "no_room") for n in range(100)]
    scribe = Scribe(path, Told())
    log = ChatLog(scribe)
    log.ask("q", "echo", "fake")
    log.hear(Recalled((hit,), tuple(dropped)))
    log.hear(DONE)
    scribe.close()

    (turn,) = kept(path, log).path
    assert hits_of(turn.facts) == (hit,)
    left_out = dropped_of(turn.facts)
    assert [(one.hit.place, one.reason) for one in left_out] == [(n, "no_room") for n in range(MOST_DROPPED)]
    assert {len(one.hit.text) for one in left_out} == {LONGEST_DROPPED}


def test_what_was_measured_is_kept_and_read_again(path: Path) -> None:
    measured = Measured((1.5, 2.0), 2.0, 7, 1.75, 0.125, 0.5, "closing", 12, 100)
    scribe = Scribe(path, Told())
    log = ChatLog(scribe)
    log.note("measured", measured_fact(measured))  # there is no turn yet: nothing happens
    log.ask("q", "echo", "fake")
    log.hear(Token("half", 1))
    log.note("measured", measured_fact(measured))
    log.stop()
    scribe.close()

    (turn,) = kept(path, log).path
    assert measured_of(turn.facts) == measured


def test_a_stopped_answer_is_kept_as_far_as_it_came(path: Path) -> None:
    scribe = Scribe(path, Told())
    log = ChatLog(scribe)
    log.ask("q", "echo", "fake")
    log.hear(Token("half", 1))
    log.stop()
    scribe.close()

    (turn,) = kept(path, log).path
    assert (turn.answer, turn.state) == ("half", "stopped")


def test_a_turn_that_was_refused_leaves_the_chat_as_it_was(path: Path) -> None:
    scribe = Scribe(path, Told())
    log = ChatLog(scribe)
    first = answer(log, "one", "1")
    log.branch(first)
    log.ask("too long", "echo", "fake")
    log.fail("it does not fit")
    scribe.close()

    assert texts(kept(path, log)) == [("one", "1")]
    assert log.chat.tip is None  # what comes next is another beginning


def test_what_came_of_a_turn_that_failed_is_kept_beside_the_one_that_follows(path: Path) -> None:
    scribe = Scribe(path, Told())
    log = ChatLog(scribe)
    log.ask("q", "echo", "fake")
    log.hear(Token("half", 1))
    log.fail("llama.cpp gave up")
    answer(log, "q", "whole")
    scribe.close()

    found = kept(path, log)
    assert texts(found) == [("q", "whole")]
    assert [(turn.answer.rstrip(), turn.state) for turn in found.roots] == [("half", "failed"), ("whole", "complete")]
    assert found.roots[0].facts["error"] == "llama.cpp gave up"


def test_a_chat_that_somebody_erased_is_kept_anew(path: Path) -> None:
    scribe = Scribe(path, Told())
    log = ChatLog(scribe)
    answer(log, "one", "1")
    scribe.submit(lambda store: store.erase(log.chat.id or 0)).result()
    answer(log, "two", "2")
    scribe.close()

    assert texts(kept(path, log)) == [("one", "1"), ("two", "2")]


def test_the_last_draft_is_in_the_file_when_the_scribe_is_done(path: Path) -> None:
    scribe = Scribe(path, Told())
    log = ChatLog(scribe)
    answer(log, "one", "1")
    for text in ("h", "ha", "half"):
        log.set_draft(text)
    scribe.close()

    assert kept(path, log).draft == "half"


def test_a_chat_goes_on_where_it_was_left(path: Path) -> None:
    scribe = Scribe(path, Told())
    log = ChatLog(scribe)
    answer(log, "one", "1")
    scribe.close()

    scribe = Scribe(path, Told())
    log = ChatLog(scribe, scribe.submit(lambda store: store.load(log.chat.id or 0)).result())
    answer(log, "two", "2")
    scribe.close()

    assert texts(kept(path, log)) == [("one", "1"), ("two", "2")]


def test_that_nothing_can_be_kept_is_told_once_and_the_chat_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    told = Told()
    scribe = Scribe(tmp_path / "file" / "chats.db", told)
    log = ChatLog(scribe)
    answer(log, "one", "1")
    answer(log, "two", "2")
    scribe.close()

    assert len(told.messages) == 1
    assert told.messages[0].startswith("chats are not kept: ")
    assert texts(log.chat) == [("one", "1"), ("two", "2")]


def test_without_a_scribe_a_chat_is_only_remembered() -> None:
    log = ChatLog(None)
    answer(log, "one", "1")
    log.set_draft("x")

    assert texts(log.chat) == [("one", "1")]


def test_a_fork_has_a_life_of_its_own(path: Path) -> None:
    scribe = Scribe(path, Told())
    log = ChatLog(scribe)
    first = answer(log, "one", "1")
    answer(log, "two", "2")
    fork = ChatLog(scribe, log.chat.fork(first))
    fork.keep()
    answer(fork, "zwei", "2!")
    scribe.submit(lambda store: store.erase(log.chat.id or 0)).result()
    scribe.close()

    found = kept(path, fork)
    assert found.title == "one (fork)"
    assert texts(found) == [("one", "1"), ("zwei", "2!")]


def test_a_question_that_was_taken_back_does_not_end_the_scribe(path: Path) -> None:
    scribe, go_on = Scribe(path, Told()), threading.Event()
    running = scribe.submit(lambda _: go_on.wait())
    waiting = scribe.submit(ChatStore.chats)
    assert waiting.cancel()
    running.cancel()
    go_on.set()
    assert scribe.submit(ChatStore.chats).result(20) == []
    scribe.close()
