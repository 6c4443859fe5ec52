"""What is asked of the file of the chats."""

import time
from contextlib import closing
from pathlib import Path

import pytest

from poly_tui.chats.errors import ChatNotFound
from poly_tui.chats.store import MATCH, ChatStore
from poly_tui.chats.tree import ChatTurn
from tests.chats.steps import add_turn, read, texts


def test_a_chat_comes_back_with_all_versions_of_its_turns(store: ChatStore, path: Path) -> None:
    chat = store.create("A title", "echo")
    first = add_turn(store, chat, "one", "1")
    add_turn(store, chat, "two", "2", first)
    add_turn(store, chat, "zwei", "2!", first)

    found = read(path, chat)

    assert (found.title, found.id) == ("A title", chat)
    assert texts(found) == [("one", "1"), ("zwei", "2!")]
    assert [turn.prompt for turn in found.turns()] == ["one", "two", "zwei"]
    assert [turn.state for turn in found.turns()] == ["complete"] * 3


def test_the_path_that_was_chosen_last_is_the_one_that_comes_back(store: ChatStore, path: Path) -> None:
    chat = store.create("t", "echo")
    old = add_turn(store, chat, "one", "1")
    add_turn(store, chat, "uno", "1")

    store.choose(chat, old)

    assert texts(read(path, chat)) == [("one", "1")]


def test_an_answer_that_grows_is_in_the_file_before_it_is_whole(store: ChatStore, path: Path) -> None:
    chat = store.create("t", "echo")
    number = store.begin(chat, None, ChatTurn("one"))

    store.append({number: ("It ", "hm")})
    store.append({number: ("is", "")})

    (turn,) = read(path, chat).path
    assert (turn.answer, turn.thinking, turn.state) == ("It is", "hm", "writing")


def test_chats_are_listed_by_when_they_changed_and_without_their_turns(store: ChatStore) -> None:
    old, new = store.create("old", "echo"), store.create("new", "legal")
    add_turn(store, new, "q", "a")
    add_turn(store, old, "q", "a")

    assert [(chat.id, chat.title, chat.n_turns) for chat in store.chats()] == [(old, "old", 1), (new, "new", 1)]
    assert store.newest() == old
    assert len(store.chats(1)) == 1


def test_chats_are_found_by_words_of_prompts_answers_and_titles(store: ChatStore) -> None:
    contract, recipe = store.create("Vertrag", "echo"), store.create("Recipe", "echo")
    add_turn(store, contract, "When may it end?", "The supplier may terminate in three cases.")
    add_turn(store, recipe, "Crème brûlée?", "Take five eggs.")

    def numbers(words: str) -> list[int]:
        return [found.chat.id for found in store.search(words)]

    assert numbers("supplier termin") == [contract]
    assert numbers("EGGS take") == [recipe]
    assert numbers("creme") == [recipe]
    assert numbers("vertr") == [contract]
    assert numbers("take supplier") == []
    assert numbers("") == [recipe, contract]
    (found,) = store.search("eggs")
    assert f"{MATCH[0]}eggs{MATCH[1]}" in found.excerpt


@pytest.mark.parametrize("words", ['"', "a AND", "*", "(", "prompt:", "\0", "-x", "^", "'; drop table chat"])
def test_whatever_is_typed_into_the_search_is_words(words: str, store: ChatStore) -> None:
    chat = store.create("t", "echo")
    add_turn(store, chat, "q", "a")

    assert isinstance(store.search(words), list)


def test_scripts_without_spaces_are_searched_too(store: ChatStore) -> None:
    chat = store.create("t", "echo")
    add_turn(store, chat, "什么时候可以终止合同", "三十天之后")

    (found,) = store.search("终止")
    assert found.chat.id == chat
    assert f"{MATCH[0]}终止{MATCH[1]}" in found.excerpt


def test_a_chat_can_be_renamed_deleted_and_had_back(store: ChatStore) -> None:
    chat = store.create("t", "echo")
    add_turn(store, chat, "unique", "a")

    store.rename(chat, "  A better\ntitle ")
    assert store.chats()[0].title == "A better title"

    store.delete(chat)
    assert (store.chats(), store.search("unique"), store.prompts()) == ([], [], [])
    with pytest.raises(ChatNotFound, match="chat not found: 1"):
        store.load(chat)

    store.undelete(chat)
    assert [found.chat.id for found in store.search("unique")] == [chat]


def test_what_was_erased_leaves_nothing_to_be_found(store: ChatStore, path: Path) -> None:
    chat = store.create("t", "echo")
    add_turn(store, chat, "secret word", "a")

    store.erase(chat)

    assert store.search("secret") == []
    store.close()
    assert b"secret" not in path.read_bytes()
    with pytest.raises(ChatNotFound), closing(ChatStore.open(path)[0]) as again:
        again.erase(chat)


def test_a_deleted_chat_is_let_go_later(store: ChatStore, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chat = store.create("t", "echo")
    add_turn(store, chat, "q", "a")
    store.delete(chat)
    later = time.time() + 4000
    monkeypatch.setattr(time, "time", lambda: later)

    again, _ = ChatStore.open(path)
    with closing(again):
        again.undelete(chat)
        assert again.chats() == []


def test_a_chat_that_is_written_to_is_not_deleted_any_more(store: ChatStore) -> None:
    chat = store.create("t", "echo")
    store.delete(chat)

    add_turn(store, chat, "q", "a")

    assert [one.id for one in store.chats()] == [chat]


def test_drafts_are_kept_per_chat(store: ChatStore) -> None:
    chat = store.create("t", "echo")
    store.set_draft(chat, "half a")
    store.set_draft(None, "not begun")

    assert (store.load(chat).draft, store.new_draft()) == ("half a", "not begun")

    store.set_draft(None, "")
    assert store.new_draft() == ""


def test_prompts_are_listed_once_in_the_order_of_their_last_use(store: ChatStore) -> None:
    chat = store.create("t", "echo")
    for prompt in ("one", "two", "one", "three"):
        add_turn(store, chat, prompt, "a")

    assert store.prompts() == ["two", "one", "three"]
    assert store.prompts(2) == ["one", "three"]


def test_halves_of_characters_do_not_stop_a_chat_from_being_kept(store: ChatStore) -> None:
    chat = store.create("t", "echo")
    add_turn(store, chat, "a \ud83d b\0c", "d \udc00")

    assert texts(store.load(chat)) == [("a ? b\0c", "d ?")]
