"""A chat that is going on: what is asked and answered goes into its tree, and from there to the file."""

import time
from collections.abc import Callable
from dataclasses import asdict, replace

from poly_engine.types import Done, Event, Recalled, Thinking, Token
from poly_tui.chats.errors import ChatNotFound
from poly_tui.chats.facts import dropped_fact, note_forced, recalled_fact, thought_fact
from poly_tui.chats.scribe import Scribe
from poly_tui.chats.store import ChatStore
from poly_tui.chats.tree import Chat, ChatTurn, TurnState, title_of

__all__ = ["ChatLog"]


class ChatLog:
    """Keeps one chat, or only remembers it if there is no scribe. The file begins with the first prompt.

    No call waits for the disk: what has no number in the file yet gets it from the scribe, who does all in order.
    """

    def __init__(self, scribe: Scribe | None, chat: Chat | None = None) -> None:
        self.chat = chat or Chat()
        self._scribe = scribe
        self._turn: ChatTurn | None = None
        self._tip_before: ChatTurn | None = None
        self._tip_left: ChatTurn | None = None
        self._n_before = 0
        self._n_thoughts = 0
        self._thinks_since = 0.0

    @property
    def is_answering(self) -> bool:
        """Whether the answer to the last turn is not whole yet."""
        return self._turn is not None

    def ask(self, prompt: str, task: str, model: str, *, answer: str = "") -> ChatTurn:
        """Begin a turn after the tip of the chat. Its answer may begin with what was said before."""
        chat = self.chat
        turn = ChatTurn(prompt, chat.tip, task, model, time.time(), answer)
        self._turn, self._n_before, self._n_thoughts = turn, len(answer), 0
        self._tip_before, self._tip_left = self._tip_left or chat.tip, None
        chat.add(turn)
        chat.task = task
        if not chat.title:
            chat.title = title_of(prompt)
        opening = replace(turn, facts={}, children=[])  # as it is now: what comes until it is in the file is added then
        self._keep(lambda store: self._place(store, turn, opening))
        return turn

    def branch(self, turn: ChatTurn) -> None:
        """Let the next turn be another version of this one."""
        self._tip_left = self.chat.tip
        self.chat.tip = turn.parent

    def hear(self, event: Event) -> None:
        """Take in something of the answer."""
        turn = self._turn
        if turn is None:
            return
        match event:
            case Token(text=text):
                if turn.thinking and "thought" not in turn.facts:
                    self._count_thoughts(turn)
                if event.is_forced and text:
                    note_forced(turn.facts, len(turn.answer), len(turn.answer) + len(text))
                turn.answer += text
                self._write(turn, text, "")
            case Thinking(text=text):
                if not self._n_thoughts:
                    self._thinks_since = time.monotonic()
                self._n_thoughts += 1
                turn.thinking += text
                self._write(turn, "", text)
            case Recalled():
                turn.facts["recalled"] = recalled_fact(event.hits)
                if event.dropped:
                    turn.facts["dropped"] = dropped_fact(event.dropped)
            case Done():
                turn.facts["usage"] = asdict(event.usage)
                turn.facts["timings"] = {key: round(value, 4) for key, value in asdict(event.timings).items()}
                states: dict[str, TurnState] = {"stop": "complete", "length": "cut", "cancelled": "stopped"}
                self._finish(states[event.finish_reason])

    def note(self, name: str, fact: object) -> None:
        """Put down a fact of the answer that is being written."""
        if self._turn is not None:
            self._turn.facts[name] = fact

    def stop(self) -> None:
        """The answer was stopped."""
        self._finish("stopped")

    def fail(self, message: str) -> None:
        """The answer failed; if nothing of it had come, it is as if nobody had asked."""
        turn = self._turn
        if turn is None:
            return
        turn.facts["error"] = message
        if len(turn.answer) > self._n_before or turn.thinking:
            self._finish("failed")
            self.chat.tip = turn.parent  # the next turn goes on where this one began
            return
        self._turn = None
        self.chat.drop(turn)
        before = self._tip_before
        self._keep(lambda store: _drop(store, turn, before))

    def keep(self) -> None:
        """Put into the file what is not there yet: a chat that was begun with turns of another one."""
        tip = self.chat.tip
        if tip is not None:
            self._keep(lambda store: self._place(store, tip, tip))

    def choose(self, tip: ChatTurn) -> None:
        """Show the path that ends in another turn."""
        self.chat.tip = tip
        self._keep(self._choose)

    def rename(self, title: str) -> None:
        """Give the chat another title."""
        self.chat.title = title
        self._keep(self._rename)

    def set_draft(self, text: str) -> None:
        """Remember what is being written."""
        self.chat.draft = text
        if self._scribe is not None:
            self._scribe.set_draft(self.chat, text)

    def _choose(self, store: ChatStore) -> None:
        if self.chat.id is not None and self.chat.tip is not None and self.chat.tip.id is not None:
            store.choose(self.chat.id, self.chat.tip.id)

    def _rename(self, store: ChatStore) -> None:
        if self.chat.id is not None:
            store.rename(self.chat.id, self.chat.title)

    def _place(self, store: ChatStore, turn: ChatTurn, content: ChatTurn) -> None:
        """Put a turn into the file, and what has to be there before it."""
        try:
            self._place_path(store, turn, content)
        except ChatNotFound:  # somebody erased the chat while it went on here
            self.chat.id = None
            for one in self.chat.turns():
                one.id = None
            self._place_path(store, turn, content)

    def _place_path(self, store: ChatStore, turn: ChatTurn, content: ChatTurn) -> None:
        chat = self.chat
        if chat.id is None:
            chat.id = store.create(chat.title, turn.task)
        for one in turn.path:
            if one.id is None:
                parent = one.parent.id if one.parent else None
                one.id = store.begin(chat.id, parent, content if one is turn else one)

    def _finish(self, state: TurnState) -> None:
        turn, self._turn = self._turn, None
        if turn is not None:
            turn.state = state
            if turn.thinking and "thought" not in turn.facts:
                self._count_thoughts(turn)
            self._keep(lambda store: self._end(store, turn))

    def _count_thoughts(self, turn: ChatTurn) -> None:
        turn.facts["thought"] = thought_fact(self._n_thoughts, time.monotonic() - self._thinks_since)

    def _end(self, store: ChatStore, turn: ChatTurn) -> None:
        if turn.id is None:  # it could not be written when it began
            self._place(store, turn, turn)
        else:
            store.finish(turn.id, turn)

    def _write(self, turn: ChatTurn, answer: str, thinking: str) -> None:
        if self._scribe is not None:
            self._scribe.write(turn, answer, thinking)

    def _keep(self, work: Callable[[ChatStore], object]) -> None:
        if self._scribe is not None:
            self._scribe.keep(work)


def _drop(store: ChatStore, turn: ChatTurn, tip: ChatTurn | None) -> None:
    if turn.id is not None:
        store.drop(turn.id, tip.id if tip else None)
