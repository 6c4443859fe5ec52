"""The chat: one conversation, its transcript, and the line to write the next prompt."""

import asyncio
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import Static, TextArea

from poly_engine.errors import PolyError
from poly_engine.interface import Engine
from poly_engine.types import BiasState, Done, Progress, Recalled, Thinking, Token, Truncated, Turn
from poly_tui.chats.log import ChatLog
from poly_tui.chats.scribe import Scribe
from poly_tui.chats.tree import ChatTurn
from poly_tui.screens.chat_list import ChatList, ChatsScreen
from poly_tui.screens.conversation import Asked, Conversation, Failed, Loading, News, Opened, Queued, Stopped
from poly_tui.screens.meter import Meter
from poly_tui.screens.pacer import Pacer
from poly_tui.screens.tasks import TaskPicker
from poly_tui.screens.turns import Turns
from poly_tui.transcript import Kind, Passage, Transcript
from poly_tui.widgets.composer import Composer
from poly_tui.widgets.keys import KeysBar
from poly_tui.widgets.queue import QueueView
from poly_tui.widgets.status import Phase
from poly_tui.widgets.status_line import StatusLine
from poly_tui.widgets.title_bar import TitleBar

__all__ = ["ChatScreen"]


CONTINUE = "Continue exactly where you stopped. Do not repeat anything, and say nothing about this."
"""What is said for an answer that was cut off to go on: engines have no way to go on by themselves."""


class ChatScreen(Screen[None]):
    """Talks to a task of `engine`: the given one, or else the first.

    Chats are kept in the file `chats`, if it is given; `chat` is the number of the one to go on with.
    """

    AUTO_FOCUS = "Composer"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "stop", "stop", id="chat.stop"),
        Binding("ctrl+t", "pick_task", "task", id="chat.task"),
        Binding("ctrl+r", "list_chats", "chats", id="chat.list"),
        Binding("ctrl+n", "new_chat", "new", id="chat.new"),
        Binding("ctrl+c", "copy_or_stop", "copy, or stop", id="chat.copy", show=False, priority=True),
        Binding("pageup", "page(-1)", "page up", id="chat.page_up", show=False, priority=True),
        Binding("pagedown", "page(1)", "page down", id="chat.page_down", show=False, priority=True),
        Binding("ctrl+end", "follow", "to the end", id="chat.end", show=False, priority=True),
    ]

    def __init__(self, engine: Engine, task: str | None, chats: Path | None = None, chat: int | None = None) -> None:
        super().__init__()
        self._engine = engine
        self._file = chats
        self._first_chat = chat
        self._scribe: Scribe | None = None
        self._log = ChatLog(None)
        self._edited: ChatTurn | None = None
        self._continued: ChatTurn | None = None
        self._conversation = Conversation(engine, task, self._hear)
        self._meter = Meter()
        self._pacer = Pacer(self, self._paint)
        self._unpainted: list[tuple[Kind, Passage]] = []
        self._growing: Kind | None = None
        self._title = TitleBar()
        self._transcript = Turns()
        self._queue = QueueView()
        self._status = StatusLine()
        self._composer = Composer(self._take_back)

    def compose(self) -> ComposeResult:
        """Title; the list of chats if it is open, and beside it transcript, queue, status and prompt; keys."""
        yield self._title
        with Horizontal(id="body"), Vertical(id="main"):
            yield self._transcript
            yield self._queue
            yield self._status
            with Horizontal(id="prompt"):
                yield Static(Kind.PROMPT.sign, id="prompt-sign")
                yield self._composer
        yield KeysBar()

    def on_mount(self) -> None:
        """Leave the engine and the file alone until the screen stands there and can be typed on."""
        if self._file is not None:
            loop = asyncio.get_running_loop()
            self._scribe = Scribe(self._file, lambda message: loop.call_soon_threadsafe(self._tell, message))
            self._log = ChatLog(self._scribe)
        self.call_after_refresh(self._start)

    async def on_unmount(self) -> None:
        """Write what is left of the chat."""
        self._log.stop()
        if self._scribe is not None:
            await asyncio.to_thread(self._scribe.close)

    @work(group="start")
    async def _start(self) -> None:
        """Begin to talk, in the chat that is to go on if there is one, and remember what was written before."""
        if self._scribe is None or self._first_chat is None:
            self._run()
        else:
            await self._open_chat(self._first_chat)
        if self._scribe is None:
            return
        try:
            prompts = await asyncio.wrap_future(self._scribe.submit(lambda store: store.prompts()))
            draft = await asyncio.wrap_future(self._scribe.submit(lambda store: store.new_draft()))
        except PolyError as error:
            self._tell(f"chats are not kept: {error}")
            return
        self._composer.remember(prompts)
        if draft and not self._composer.text and self._first_chat is None:
            self._composer.show(draft)

    # What the user does

    @on(Composer.Submitted)
    def send(self, message: Composer.Submitted) -> None:
        """Send a prompt, or queue it behind the one that is being answered; or put it beside the one it was made of."""
        edited, self._edited = self._edited, None
        if edited is not None and edited in self._log.chat.path:
            self._branch(edited)
        self._conversation.ask(message.prompt)
        self._transcript.follow()

    @on(TextArea.Changed)
    def keep_draft(self) -> None:
        """Keep what is being written."""
        self._log.set_draft(self._composer.text)

    @on(Turns.Wanted)
    def change_turn(self, message: Turns.Wanted) -> None:
        """Do something with a turn of the chat."""
        turn = message.turn
        match message.deed:
            case "edit":
                self._edited = turn
                self._composer.show(turn.prompt)
                self._composer.focus()
            case "regenerate":
                self._branch(turn)
                self._conversation.ask(turn.prompt)
            case "continue":
                self._continue(turn)
            case "fork":
                self._fork(turn)
            case "older":
                self._show_version(turn, -1)
            case "newer":
                self._show_version(turn, 1)

    @on(ChatList.Chosen)
    async def open_chosen(self, message: ChatList.Chosen) -> None:
        """Open a chat."""
        await self._open_chat(message.number)

    @on(ChatList.Renamed)
    def take_title(self, message: ChatList.Renamed) -> None:
        """Have the title that was given to the chat."""
        if message.number == self._log.chat.id:
            self._log.chat.title = message.title
            self._show_title()

    @on(ChatList.Deleted)
    def leave_deleted(self, message: ChatList.Deleted) -> None:
        """Leave the chat that was deleted."""
        if message.number == self._log.chat.id:
            self.action_new_chat(takes_focus=False)

    @on(ChatList.Left)
    async def close_list(self) -> None:
        """Take the list of chats away."""
        await self.query(ChatList).remove()
        self._composer.focus()

    @on(Transcript.Moved)
    def show_place(self, message: Transcript.Moved) -> None:
        """Say whether the end is followed."""
        self._meter.move(is_following=message.is_following, n_new_rows=message.n_new)
        self._pacer.want()

    @on(Transcript.Copied)
    def show_copied(self, message: Transcript.Copied) -> None:
        """Confirm what went to the clipboard."""
        self._copied(message.text)

    def on_key(self, event: events.Key) -> None:
        """Type into the prompt wherever the focus is, unless the key has a meaning there."""
        if event.is_printable and event.character and event.key not in self.active_bindings:
            self._composer.focus()
            self._composer.insert(event.character)

    def action_stop(self) -> None:
        """Stop what is going on; if there is nothing to stop, go back to the prompt."""
        if not self._conversation.stop():
            self._composer.focus()

    def action_copy_or_stop(self) -> None:
        """Copy the selection, else stop what is going on, else say how to quit."""
        text = self._composer.selected_text or self.get_selected_text()
        if text:
            self.app.copy_to_clipboard(text)
            self._copied(text)
        elif not self._conversation.stop():
            self.notify("ctrl+q quits", markup=False)

    def action_new_chat(self, *, takes_focus: bool = True) -> None:
        """Begin a new conversation with the same task. What is being written comes along."""
        self._leave()
        self._log.set_draft("")
        self._set_chat(ChatLog(self._scribe))
        self._log.set_draft(self._composer.text)
        self._talk(self._conversation.task, takes_focus=takes_focus)

    async def action_list_chats(self) -> None:
        """Open the list of chats: beside the transcript where there is room, or over it; or close it."""
        if self._scribe is None:
            self.notify("chats are not kept here", markup=False)
            return
        shown = self.query(ChatList)
        if shown and self.has_class("-wide"):
            await self.close_list()
            return
        await shown.remove()
        if self.has_class("-wide"):
            below = ChatList(self._scribe, self._log.chat.id)
            await self.query_one("#body").mount(below, before=0)
            below.focus_search()
        else:
            self._list_over()

    @work(group="picker", exclusive=True)
    async def _list_over(self) -> None:
        assert self._scribe is not None
        number = await self.app.push_screen_wait(ChatsScreen(self._scribe, self._log.chat.id))
        if number is not None:
            await self._open_chat(number)

    @work(group="picker", exclusive=True)
    async def action_pick_task(self) -> None:
        """Choose another task, which the chat goes on with."""
        conversation = self._conversation
        if not conversation.tasks:
            self.notify("the tasks are not known yet", markup=False)
            return
        task = await self.app.push_screen_wait(TaskPicker(conversation.tasks, conversation.task))
        if task is not None and task != conversation.task:
            self._leave()
            self._talk(task)

    def action_page(self, n_pages: int) -> None:
        """Page through the transcript without leaving the prompt."""
        self._transcript.action_page(n_pages)

    def action_follow(self) -> None:
        """Go to the end of the transcript without leaving the prompt."""
        self._transcript.follow()

    # What the conversation tells

    def _hear(self, news: News) -> None:
        if isinstance(news, Token):  # first, because there are thousands
            self._log.hear(news)
            self._unpainted.append((Kind.ANSWER, Passage.of(news.text, is_forced=news.is_forced)))
            self._meter.hear(news)
        elif isinstance(news, Thinking):
            self._log.hear(news)
            self._unpainted.append((Kind.THINKING, Passage(news.text)))
            self._meter.hear(news)
        else:
            self._write()
            self._take_in(news)
        self._pacer.want()

    def _take_in(self, news: News) -> None:
        match news:
            case Loading():
                self._title.task_name, self._title.model_name = news.task.name, news.task.model
                self._title.is_loaded = False
                self._meter.load(news.share)
            case Opened():
                self._title.is_loaded = True
                self._meter.open(news.model.context_size)
                self._transcript.name_task(news.task.name, news.model.name, news.task.description)
            case Queued():
                self._queue.show(news.prompts)
            case Asked():
                self._growing = None
                self._ask(news.prompt)
                self._meter.ask()
            case Progress():
                self._meter.hear(news)
            case Recalled():
                self._log.hear(news)
                self._transcript.add(Kind.NOTICE, _describe_recall(news))
            case Truncated():
                self._transcript.add(Kind.NOTICE, _describe_loss(news))
            case Done():
                self._log.hear(news)
                self._meter.hear(news)
                self._mark_end(news)
                self._refresh_list()
            case Stopped():
                was_loading = self._meter.status.phase is Phase.LOADING
                self._transcript.add(Kind.MARK, "loading stopped" if was_loading else "stopped")
                self._composer.give_back(news.prompts)
                self._log.stop()
                self._meter.stop()
                self._refresh_list()
            case Failed():
                self._transcript.add(Kind.ERROR, news.message)
                self._composer.give_back(prompt for prompt in news.prompts if prompt != CONTINUE)
                self._log.fail(news.message)
                self._meter.fail()

    def _mark_end(self, done: Done) -> None:
        if done.finish_reason == "length":
            self._transcript.add(Kind.MARK, _describe_limit(self._meter.status.bias_state))
        elif done.finish_reason == "cancelled":
            self._transcript.add(Kind.MARK, "stopped")
        elif self._growing is not Kind.ANSWER:
            self._transcript.add(Kind.MARK, "the answer is empty")

    # How it is done

    def _leave(self) -> None:
        """Leave the conversation: what it was writing stops."""
        self._write()
        if self._meter.status.phase.is_answering:
            self._transcript.add(Kind.MARK, "stopped")
        self._composer.give_back(prompt for prompt in self._conversation.leave() if prompt != CONTINUE)
        self._log.stop()
        self._queue.show(())
        self._continued = None

    def _talk(self, task: str | None, history: Sequence[Turn] | None = None, *, takes_focus: bool = True) -> None:
        """Begin a conversation that goes on where the chat is, or has another history."""
        history = self._log.chat.history if history is None else history
        self._conversation = Conversation(self._engine, task, self._hear, history)
        self._meter = Meter()
        self._growing = None
        self._transcript.follow()
        if takes_focus:
            self._composer.focus()
        self._run()

    def _branch(self, turn: ChatTurn) -> None:
        """Go back to before a turn, so that the next one stands beside it."""
        self._leave()
        self._transcript.cut_from(turn)
        self._log.branch(turn)
        self._talk(self._conversation.task)

    def _continue(self, turn: ChatTurn) -> None:
        """Have the answer go on, in another version of its turn."""
        if self._log.is_answering or not turn.answer:
            self.notify("there is no answer that could go on", markup=False)
            return
        self._leave()
        self._transcript.cut_from(turn)
        self._log.branch(turn)
        self._talk(self._conversation.task, (*self._log.chat.history, Turn(turn.prompt, turn.answer)))
        self._continued = turn
        self._conversation.ask(CONTINUE)

    def _fork(self, turn: ChatTurn) -> None:
        """Go on in a chat of its own, which has what was said up to a turn."""
        chat = self._log.chat.fork(turn)
        self._leave()
        self._set_chat(ChatLog(self._scribe, chat))
        self._log.keep()
        self._transcript.show(chat)
        self._talk(self._conversation.task)
        self.notify("this is a chat of its own now", markup=False)

    def _show_version(self, turn: ChatTurn, n: int) -> None:
        """Show a version of a turn, and what was said after it."""
        versions = self._log.chat.versions(turn)
        place = versions.index(turn) + n
        if not 0 <= place < len(versions):
            self.notify("there is no other version" if len(versions) == 1 else "this is the last one", markup=False)
            return
        self._leave()
        self._transcript.cut_from(turn)
        self._log.choose(versions[place].newest_leaf)
        self._transcript.show(self._log.chat, versions[place])
        self._talk(self._conversation.task, takes_focus=False)

    async def _open_chat(self, number: int) -> None:
        """Show another chat, and go on with it."""
        assert self._scribe is not None
        try:
            chat = await asyncio.wrap_future(self._scribe.submit(lambda store: store.load(number)))
        except PolyError as error:
            self.notify(str(error), severity="error", markup=False)
            self._run()
            return
        if number != self._log.chat.id:
            self._leave()
            self._log.set_draft(self._composer.text)
            self._set_chat(ChatLog(self._scribe, chat))
            self._composer.show(chat.draft)
            self._transcript.show(chat)
            self._talk(chat.task or None)
        self._composer.focus()

    def _set_chat(self, log: ChatLog) -> None:
        self._transcript.clear()
        self._edited = None
        self._log = log
        self._show_title()

    def _ask(self, prompt: str) -> None:
        """Have a turn of the chat for a prompt that was sent."""
        continued, self._continued = self._continued, None
        task, model = self._title.task_name, self._title.model_name
        if continued is None:
            self._transcript.begin(self._log.ask(prompt, task, model), self._log.chat)
        else:
            turn = self._log.ask(continued.prompt, task, model, answer=continued.answer)
            self._transcript.begin(turn, self._log.chat)
            self._grow(Kind.ANSWER, Passage(continued.answer))
        self._show_title()

    def _show_title(self) -> None:
        self._title.chat_title = self._log.chat.title

    def _refresh_list(self) -> None:
        for shown in self.query(ChatList):
            shown.show_anew(self._log.chat.id)

    def _tell(self, message: str) -> None:
        """Say what one has to know of the file of the chats."""
        self._transcript.add(Kind.NOTICE, message)

    def _run(self) -> None:
        self.run_worker(self._conversation.run(), group="conversation", exclusive=True)

    def _write(self) -> None:
        """Put the tokens that came since the last time into the transcript."""
        for kind, tokens in groupby(self._unpainted, key=itemgetter(0)):
            self._grow(kind, Passage.join(passage for _, passage in tokens))
        self._unpainted.clear()

    def _grow(self, kind: Kind, passage: Passage) -> None:
        """Add to the block that is being written, or begin one of another kind."""
        if not passage:
            return
        if kind is not self._growing:
            self._transcript.add(kind)
            self._growing = kind
        self._transcript.append(passage)

    def _paint(self) -> None:
        self._write()
        self._status.status = self._meter.status

    def _take_back(self) -> str | None:
        return self._conversation.take_back()

    def _copied(self, text: str) -> None:
        self.notify(f"copied {len(text)} characters", markup=False)


def _describe_limit(bias_state: BiasState | None) -> str:
    if bias_state in ("closing", "complete"):
        return "brought to its shortest end at the limit of tokens, and still fits its schema"
    return "cut off at the limit of tokens"


def _describe_recall(recalled: Recalled) -> str:
    origins = dict.fromkeys(hit.origin for hit in recalled.hits)
    if origins:
        return f"recalled {'; '.join(origins)}"
    if recalled.n_without_room:
        return "what was recalled has no place in the context"
    return "the memory holds nothing that is near enough"


def _describe_loss(loss: Truncated) -> str:
    turns = "turn" if loss.n_turns == 1 else f"{loss.n_turns} turns"
    return f"the oldest {turns} ({loss.n_tokens} tokens) left the context"
