"""What is asked of the file of the chats, and told to it."""

# ruff: noqa: S608 - the statements are put together of constants of this file

import json
import re
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from poly_tui.chats.database import ChatDatabase, open_or_set_aside
from poly_tui.chats.errors import ChatNotFound
from poly_tui.chats.tree import Chat, ChatTurn, TurnState

__all__ = ["ChatInfo", "ChatStore", "Found"]

MATCH = ("\x02", "\x03")
"""What stands around the words that were searched for, in the excerpt of a Found."""

_DELETED_FOR_S = 3600
"""What was deleted can be had back so long, by whoever has the store open."""

_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
"""Scripts without spaces between words, of which FTS5 sees a sentence as one word: Thai, Khmer, Chinese and so on."""


@dataclass(frozen=True, slots=True)
class ChatInfo:
    """A chat as it stands in a list. `created` and `changed` are in seconds since 1970."""

    id: int
    title: str
    task: str
    created: float
    changed: float
    n_turns: int


@dataclass(frozen=True, slots=True)
class Found:
    """A chat that was searched for, with the number of the turn that fits best and an `excerpt` of it; without, if only
    the title fits.
    """

    chat: ChatInfo
    excerpt: str = ""
    turn: int | None = None


class ChatStore:
    """Chats in a file. Every call is one transaction; any thread may make it. Raises ChatsFailed."""

    def __init__(self, database: ChatDatabase) -> None:
        self._database = database

    @classmethod
    def open(cls, path: Path) -> tuple[Self, str]:
        """Open the file, or begin it. Returns a sentence, too, if a damaged file had to be set aside, or else ""."""
        database, aside = open_or_set_aside(path)
        store = cls(database)
        store._purge()
        return store, f"{path} is damaged: it is kept as {aside}, and a new one was begun" if aside else ""

    # A chat that goes on

    def create(self, title: str, task: str) -> int:
        """Begin a chat; return its number. What was being written in one that had not begun is what it began with."""
        now = time.time()
        with self._database.writing(is_lasting=False) as connection:
            connection.execute("delete from draft")
            cursor = connection.execute(
                "insert into chat (title, task, created, changed) values (?, ?, ?, ?)",
                (_storable(title), task, now, now),
            )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def begin(self, chat: int, parent: int | None, turn: ChatTurn) -> int:
        """Add a turn, and have the path end in it; return its number. A chat that was deleted is back with that.

        Raises ChatNotFound.
        """
        with self._database.writing() as connection:
            if not connection.execute("select 1 from chat where id = ?", (chat,)).fetchone():
                raise ChatNotFound(str(chat))
            number = _insert(connection, chat, parent, turn)
            connection.execute(
                "update chat set tip = ?, changed = ?, task = ?, deleted = null where id = ?",
                (number, turn.created, turn.task, chat),
            )
        return number

    def append(self, texts: Mapping[int, tuple[str, str]]) -> None:
        """Add to answers, and to what was thought before them, by the number of the turn."""
        with self._database.writing(is_lasting=False) as connection:
            connection.executemany(
                "update turn set answer = answer || ?, thinking = thinking || ? where id = ?",
                [(_storable(answer), _storable(thinking), number) for number, (answer, thinking) in texts.items()],
            )

    def finish(self, number: int, turn: ChatTurn) -> None:
        """Keep a turn as it is now that its answer ended."""
        with self._database.writing() as connection:
            connection.execute(
                "update turn set answer = ?, thinking = ?, state = ?, facts = ? where id = ?",
                (_storable(turn.answer), _storable(turn.thinking), turn.state, json.dumps(turn.facts), number),
            )
            connection.execute(
                "update chat set changed = ? where id = (select chat from turn where id = ?)", (time.time(), number)
            )
            _index(connection, number, turn)

    def drop(self, number: int, tip: int | None) -> None:
        """Forget a turn that came to nothing; the path ends in `tip` again."""
        with self._database.writing(is_lasting=False) as connection:
            connection.execute("update chat set tip = ? where id = (select chat from turn where id = ?)", (tip, number))
            _forget(connection, "turn.id = ?", number)
            connection.execute("delete from turn where id = ?", (number,))

    def choose(self, chat: int, tip: int) -> None:
        """Have the path of a chat end in another turn."""
        with self._database.writing(is_lasting=False) as connection:
            connection.execute("update chat set tip = ? where id = ?", (tip, chat))

    def set_draft(self, chat: int | None, text: str) -> None:
        """Keep what is being written: in a chat, or in one that has not begun yet."""
        with self._database.writing(is_lasting=False) as connection:
            if chat is not None:
                connection.execute("update chat set draft = ? where id = ?", (_storable(text), chat))
            elif text:
                connection.execute("insert or replace into draft (only, text) values (1, ?)", (_storable(text),))
            else:
                connection.execute("delete from draft")

    # What there is

    def load(self, number: int) -> Chat:
        """A chat with all its turns. Raises ChatNotFound."""
        with self._database.reading() as connection:
            row = connection.execute(
                "select title, task, draft, tip, created from chat where id = ? and deleted is null", (number,)
            ).fetchone()
            if row is None:
                raise ChatNotFound(str(number))
            turns = connection.execute(
                "select id, parent, prompt, task, model, created, answer, thinking, state, facts from turn "
                "where chat = ? order by id",
                (number,),
            ).fetchall()
        title, task, draft, tip, created = row
        return _grown(Chat(title, task, number, draft, created), turns, tip)

    def new_draft(self) -> str:
        """What was being written in a chat that had not begun."""
        with self._database.reading() as connection:
            row = connection.execute("select text from draft").fetchone()
        return str(row[0]) if row else ""

    def newest(self) -> int | None:
        """The number of the chat that changed last."""
        chats = self.chats(1)
        return chats[0].id if chats else None

    def chats(self, limit: int = -1) -> list[ChatInfo]:
        """The chats, the one that changed last first."""
        with self._database.reading() as connection:
            return _infos(connection, "order by changed desc, id desc limit ?", (limit,))

    def search(self, words: str, limit: int = 50) -> list[Found]:
        """The chats that hold all words in their title or in one of their turns, the one that changed last first. The
        last word may be the beginning of one.
        """
        if not words.split():
            return [Found(chat) for chat in self.chats(limit)]
        with self._database.reading() as connection:
            excerpts = _excerpts(connection, words)
            titled = _titled(connection, words)
            found = _infos(connection, f"and id in ({_marks([*excerpts, *titled])})", [*excerpts, *titled])
        found.sort(key=lambda chat: (chat.changed, chat.id), reverse=True)
        return [Found(chat, *excerpts.get(chat.id, ())) for chat in found[:limit]]

    def prompts(self, limit: int = 500) -> list[str]:
        """The last prompts of all chats, oldest first, each of them once."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "select prompt from turn join chat on chat.id = turn.chat where deleted is null "
                "group by prompt order by max(turn.id) desc limit ?",
                (limit,),
            ).fetchall()
        return [str(prompt) for (prompt,) in reversed(rows)]

    # What becomes of a chat

    def rename(self, number: int, title: str) -> None:
        """Give a chat another title. Raises ChatNotFound."""
        self._change(number, "title = ?", (_storable(" ".join(title.split())),))

    def delete(self, number: int) -> None:
        """Delete a chat, such that it can be had back for a while. Raises ChatNotFound."""
        self._change(number, "deleted = ?", (time.time(),))

    def undelete(self, number: int) -> None:
        """Have a chat back."""
        with self._database.writing() as connection:
            connection.execute("update chat set deleted = null where id = ?", (number,))

    def erase(self, number: int) -> None:
        """Delete a chat for good. Raises ChatNotFound."""
        with self._database.writing() as connection:
            _forget(connection, "chat = ? and chat in (select id from chat where deleted is null)", number)
            if not connection.execute("delete from chat where id = ? and deleted is null", (number,)).rowcount:
                raise ChatNotFound(str(number))
            connection.execute("insert into words (words) values ('optimize')")  # else the words stay on the disk

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _change(self, number: int, what: str, values: tuple[object, ...]) -> None:
        with self._database.writing() as connection:
            changed = connection.execute(
                f"update chat set {what} where id = ? and deleted is null", (*values, number)
            ).rowcount
        if not changed:
            raise ChatNotFound(str(number))

    def _purge(self) -> None:
        """Let go what was deleted some time ago, and let what was broken off be found."""
        with self._database.writing(is_lasting=False) as connection:
            latest = time.time() - _DELETED_FOR_S
            _forget(connection, "chat in (select id from chat where deleted < ?)", latest)
            connection.execute("delete from chat where deleted < ?", (latest,))
            connection.execute(
                "insert or replace into words (rowid, prompt, answer) "
                "select id, prompt, answer from turn where state = 'writing'"
            )


def _insert(connection: sqlite3.Connection, chat: int, parent: int | None, turn: ChatTurn) -> int:
    cursor = connection.execute(
        "insert into turn (chat, parent, prompt, task, model, created, answer, thinking, state, facts) "
        "values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(chat, parent, _storable(turn.prompt), turn.task, turn.model, turn.created),
            *(_storable(turn.answer), _storable(turn.thinking), turn.state, json.dumps(turn.facts)),
        ),
    )
    assert cursor.lastrowid is not None
    _index(connection, cursor.lastrowid, turn)
    return cursor.lastrowid


def _index(connection: sqlite3.Connection, number: int, turn: ChatTurn) -> None:
    """Let a turn be found by its words."""
    connection.execute(
        "insert or replace into words (rowid, prompt, answer) values (?, ?, ?)",
        (number, _storable(turn.prompt), _storable(turn.answer)),
    )


def _forget(connection: sqlite3.Connection, which: str, value: float) -> None:
    """Let turns no longer be found. A trigger would do it, but a file that is not trusted may have none that can."""
    connection.execute(f"delete from words where rowid in (select id from turn where {which})", (value,))


def _grown(chat: Chat, rows: Sequence[tuple[object, ...]], tip: int | None) -> Chat:
    """Put the turns into a chat. Parents come before their children, because numbers grow."""
    turns: dict[object, ChatTurn] = {}
    for number, parent, prompt, task, model, created, answer, thinking, state, facts in rows:
        turn = ChatTurn(
            prompt=str(prompt),
            parent=turns.get(parent),
            task=str(task),
            model=str(model),
            created=float(str(created)),
            answer=str(answer),
            thinking=str(thinking),
            state=_state(state),
            facts=json.loads(str(facts)),
            id=int(str(number)),
        )
        turns[number] = turn
        chat.add(turn)
    chat.tip = turns.get(tip, chat.roots[-1].newest_leaf if chat.roots else None)
    return chat


def _state(state: object) -> TurnState:
    match state:
        case "writing" | "complete" | "cut" | "stopped" | "failed":
            return state
        case _:
            return "stopped"


def _infos(connection: sqlite3.Connection, rest: str, values: Sequence[object]) -> list[ChatInfo]:
    rows = connection.execute(
        "select id, title, task, created, changed, (select count(*) from turn where chat = chat.id) "
        f"from chat where deleted is null {rest}",
        values,
    )
    return [ChatInfo(*row) for row in rows]


def _excerpts(connection: sqlite3.Connection, words: str) -> dict[int, tuple[str, int]]:
    """For each chat with a turn that holds all words, an excerpt of the one that fits best, and its number."""
    if _UNSPACED.search(words):
        parts = words.split()
        where = " and ".join(["instr(prompt || char(10) || answer, ?)"] * len(parts))
        rows = connection.execute(f"select chat, id, prompt || char(10) || answer from turn where {where}", parts)
        return {chat: (_cut_out(text, parts[0]), turn) for chat, turn, text in rows}
    quoted = [f'"{word}"' for word in re.sub('["\0]', " ", words).split()]
    if not quoted:
        return {}
    rows = connection.execute(
        "select chat, turn.id, snippet(words, -1, ?, ?, '…', 12) from words join turn on turn.id = words.rowid "
        "where words match ? order by rank limit 500",
        (*MATCH, f"{' '.join(quoted)}*"),
    )
    excerpts: dict[int, tuple[str, int]] = {}
    for chat, turn, excerpt in rows:
        excerpts.setdefault(chat, (excerpt, turn))
    return excerpts


def _cut_out(text: str, word: str) -> str:
    place = text.find(word)
    before, after = text[max(0, place - 20) : place], text[place + len(word) :][:40]
    return f"{'…' if place > 20 else ''}{before}{MATCH[0]}{word}{MATCH[1]}{after}"


def _titled(connection: sqlite3.Connection, words: str) -> list[int]:
    where = " and ".join(["instr(casefold(title), ?)"] * len(words.split()))
    connection.create_function("casefold", 1, str.casefold, deterministic=True)
    return [number for (number,) in connection.execute(f"select id from chat where {where}", words.casefold().split())]


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


def _storable(text: str) -> str:
    """Text without halves of surrogate pairs, which are no UTF-8."""
    return text.encode("utf-8", "replace").decode()
