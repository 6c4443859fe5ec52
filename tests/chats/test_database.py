"""The file itself: whose it is, of which format, and whether it is whole."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from poly_tui.chats.database import MIGRATIONS, ChatDatabase
from poly_tui.chats.errors import ChatsDamaged, ChatsFailed
from poly_tui.chats.store import ChatStore
from tests.chats.steps import add_turn, read, texts


def test_a_file_of_a_newer_poly_is_refused_and_left_as_it_is(path: Path) -> None:
    newer = (*MIGRATIONS, "create table more (id integer);")
    ChatDatabase(path, newer).close()
    content = path.read_bytes()

    with pytest.raises(ChatsFailed, match=r"was written by a newer Poly \(format 2, and this one knows 1\)"):
        ChatStore.open(path)

    assert path.read_bytes() == content


def test_a_file_of_an_older_poly_is_brought_to_the_newest_format_and_keeps_what_it_holds(path: Path) -> None:
    store, _ = ChatStore.open(path)
    chat = store.create("t", "echo")
    add_turn(store, chat, "q", "a")
    store.close()

    newer = (*MIGRATIONS, "alter table chat add column pinned integer not null default 0;")
    for _ in range(2):
        with closing(ChatDatabase(path, newer)) as database, database.reading() as connection:
            assert connection.execute("select title, pinned from chat").fetchall() == [("t", 0)]


def test_a_database_of_another_program_is_refused(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as other:
        other.execute("create table song (title)")
        other.commit()

    with pytest.raises(ChatsFailed, match="is a database of another program"):
        ChatStore.open(path)


@pytest.mark.parametrize("content", [b"this is not a database " * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_file_is_set_aside_and_told(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)

    store, remark = ChatStore.open(path)
    with closing(store):
        add_turn(store, store.create("t", "echo"), "q", "a")

    (aside,) = path.parent.glob("chats.db.damaged-*")
    assert aside.read_bytes() == content
    assert str(aside) in remark
    assert "is damaged" in remark


def test_damage_that_shows_later_is_told_and_nothing_is_deleted(path: Path) -> None:
    store, _ = ChatStore.open(path)
    chat = store.create("t", "echo")
    for number in range(200):
        add_turn(store, chat, f"question {number}", "answer " * 50)
    store.close()
    with path.open("r+b") as file:
        file.seek(20 * 4096)
        file.write(b"\xff" * 30 * 4096)
    size = path.stat().st_size

    with pytest.raises(ChatsDamaged, match="is damaged"):
        store, _ = ChatStore.open(path)
        with closing(store):
            store.load(chat)
            store.search("answer")

    assert path.stat().st_size == size


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(ChatsFailed, match="cannot be used"):
        ChatStore.open(tmp_path / "file" / "chats.db")


def test_nobody_else_may_read_it(path: Path) -> None:
    ChatStore.open(path)[0].close()

    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


def test_two_may_write_at_once(path: Path) -> None:
    stores = [ChatStore.open(path)[0] for _ in range(2)]
    chats = [store.create(f"chat {number}", "echo") for number, store in enumerate(stores)]

    def write(store: ChatStore, chat: int) -> None:
        parent = None
        for number in range(30):
            parent = add_turn(store, chat, f"q{number}", f"a{number}", parent)

    threads = [threading.Thread(target=write, args=pair) for pair in zip(stores, chats, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in stores:
        store.close()

    for chat in chats:
        assert texts(read(path, chat)) == [(f"q{number}", f"a{number}") for number in range(30)]
