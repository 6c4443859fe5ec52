"""The chat: which one is shown, kept in a file, and in which versions of its prompts and answers."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.binding import Binding, BindingType

from poly_engine.errors import PolyError
from poly_engine.types import Turn
from poly_tui.backend import Backend
from poly_tui.chats.copies import code_of, write_export
from poly_tui.chats.log import ChatLog
from poly_tui.chats.scribe import Scribe
from poly_tui.chats.tree import ChatTurn
from poly_tui.screens.attaching import AttachingScreen
from poly_tui.screens.chat_list import ChatList, ChatsScreen
from poly_tui.screens.turns import Deed, Turns
from poly_tui.transcript import Kind, Passage

__all__ = ["ChatScreen"]

CONTINUE = "Continue exactly where you stopped. Do not repeat anything, and say nothing about this."
"""What is said for an answer that was cut off to go on: engines have no way to go on by themselves."""

EDITING = "+"
"""The sign before a prompt that will be another version of one that was sent."""


class ChatScreen(AttachingScreen):
    """Talks in chats, kept in the file `chats` if it is given; `chat` is the number of the one to go on with."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+r", "list_chats", "chats", id="chat.list"),
        Binding("ctrl+n", "new_chat", "new", id="chat.new"),
    ]

    def __init__(
        self,
        backend: Backend,
        task: str | None,
        chats: Path | None = None,
        chat: int | None = None,
    ) -> None:
        super().__init__(backend, task)
        self._file = chats
        self._first_chat = chat
        self._scribe: Scribe | None = None
        self._edited: ChatTurn | None = None
        self._put_by = ""
        self._continued: ChatTurn | None = None
        self._n_reloads = 0

    def on_mount(self) -> None:
        """Open no file before the screen stands there."""
        if self._file is not None:
            loop = asyncio.get_running_loop()
            self._scribe = Scribe(self._file, lambda message: loop.call_soon_threadsafe(self._tell, message))
            self._log = ChatLog(self._scribe)

    def on_screen_resume(self) -> None:
        """Go on with the configuration as it is now."""
        self._renew()

    async def on_unmount(self) -> None:
        """Write what is left of the chat."""
        self._log.stop()
        if self._scribe is not None:
            await asyncio.to_thread(self._scribe.close)

    def _start(self) -> None:
        self._begin()

    @work(group="start")
    async def _begin(self) -> None:
        """Begin to talk, in the chat that is to go on if there is one, and remember what was written before."""
        if self._first_chat is None or not await self._open_chat(self._first_chat):
            self._run()
        if self._scribe is not None:
            await self._remember(self._scribe)

    async def _remember(self, scribe: Scribe) -> None:
        try:
            prompts = await asyncio.wrap_future(scribe.submit(lambda store: store.prompts()))
            draft = await asyncio.wrap_future(scribe.submit(lambda store: store.new_draft()))
        except PolyError as error:
            self._tell(f"chats are not kept: {error}")
            return
        self._composer.remember(prompts)
        if draft and not self._composer.text and self._first_chat is None:
            self._composer.show(draft)

    # What the user does

    @on(Turns.Wanted)
    def change_turn(self, message: Turns.Wanted) -> None:
        """Do something with a turn of the chat."""
        turn = message.turn
        if self._edited is not None and message.deed != "edit":
            self._end_editing()
        match message.deed:
            case "edit":
                self._edit(turn)
            case "regenerate":
                self._branch(turn, takes_focus=False)
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
        await self._open_chat(message.number, message.turn)

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

    def action_stop(self) -> None:
        """Leave the prompt that is being changed as it was; else stop what is going on."""
        if self._edited is not None:
            self._end_editing()
        else:
            super().action_stop()

    def action_want(self, deed: Deed) -> None:
        """Do something with the turn that is meant."""
        self._transcript.action_want(deed)

    def action_page(self, n_pages: int) -> None:
        """Page through the list of chats if one is in it, or else through the transcript."""
        shown = self.query(ChatList)
        if shown and shown.first().has_focus_within:
            shown.first().page(n_pages)
        else:
            super().action_page(n_pages)

    def action_new_chat(self, *, takes_focus: bool = True) -> None:
        """Begin a new conversation with the same task. What is being written comes along."""
        self._leave()
        self._log.set_draft("")
        self._set_chat(ChatLog(self._scribe))
        self._log.set_draft(self._composer.prompt)
        self._talk(self._conversation.task, takes_focus=takes_focus)

    async def action_list_chats(self) -> None:
        """Open the list of chats: beside the transcript where there is room, or over it; or close it."""
        if self._scribe is None:
            self.notify("chats are not kept here", markup=False)
            return
        shown = self.query(ChatList)
        if shown and self._has_room_beside:
            await self.close_list()
            return
        await shown.remove()
        if self._has_room_beside:
            below = ChatList(self._scribe, self._log.chat.id)
            await self.query_one("#body").mount(below, before=0)
            below.focus_search()
        else:
            self._list_over()

    @property
    def _has_room_beside(self) -> bool:
        return self.has_class("-wide") or self.has_class("-xwide")

    @work(group="picker", exclusive=True)
    async def _list_over(self) -> None:
        assert self._scribe is not None
        chosen = await self.app.push_screen_wait(ChatsScreen(self._scribe, self._log.chat.id))
        if chosen is not None:
            await self._open_chat(chosen.number, chosen.turn)

    def action_export(self, form: str) -> None:
        """Write the chat to a file in the working directory."""
        try:
            path = write_export(self._log.chat, form, Path.cwd())
        except OSError as error:
            self.notify(f"{error.filename}: {error.strerror}", severity="error", markup=False)
        else:
            self.notify(f"written: {path}", markup=False)

    def action_copy_as(self, kind: str) -> None:
        """Copy the turn that is meant as a program."""
        turn = self._transcript.chosen
        if turn is None:
            self.notify("there is no turn to copy yet", markup=False)
            return
        self.app.copy_to_clipboard(code_of(turn, kind, self.backend.url))

    # Versions

    def _send(self, prompt: str) -> None:
        """Send a prompt, or put it beside the one that it was made of."""
        edited = self._edited
        if edited is not None:
            self._end_editing()
            self._branch(edited)
        super()._send(prompt)

    def _ask(self, prompt: str) -> None:
        continued, self._continued = self._continued, None
        if continued is None:
            super()._ask(prompt)
        else:
            task, model = self._heading.task_name, self._heading.model_name
            is_whole = continued.state == "complete"
            answer = f"{continued.answer.rstrip()}\n\n" if is_whole else continued.answer
            turn = self._log.ask(continued.prompt, task, model, answer=answer)
            self._begin_turn(turn)
            self._grow(Kind.ANSWER, Passage(answer))
        self._show_title()

    def _edit(self, turn: ChatTurn) -> None:
        """Have the prompt of a turn changed; what was being written comes back after that."""
        if self._edited is None:
            self._put_by = self._composer.text
        self._edited = turn
        self._sign.update(EDITING)
        self._composer.show(turn.prompt)
        self._composer.focus()

    def _end_editing(self) -> None:
        self._edited = None
        self._sign.update(Kind.PROMPT.sign)
        self._composer.show(self._put_by)
        self._put_by = ""

    def _branch(self, turn: ChatTurn, *, takes_focus: bool = True) -> None:
        """Go back to before a turn, so that the next one stands beside it."""
        self._leave()
        self._transcript.cut_from(turn)
        self._log.branch(turn)
        self._talk(self._conversation.task, takes_focus=takes_focus)

    def _continue(self, turn: ChatTurn) -> None:
        """Have the answer go on, in another version of its turn."""
        if self._log.is_answering or not turn.answer:
            self.notify("there is no answer that could go on", markup=False)
            return
        self._leave()
        self._transcript.cut_from(turn)
        self._log.branch(turn)
        history = (*self._log.chat.history, Turn(turn.prompt, turn.answer))
        self._talk(self._conversation.task, history, takes_focus=False)
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
        place = versions.index(turn) + n if turn in versions else -1  # nothing is left of one that failed
        if not 0 <= place < len(versions):
            self.notify(f"there is no {'older' if n < 0 else 'newer'} version", markup=False)
            return
        self._leave()
        self._log.choose(versions[place].newest_leaf)
        self._transcript.show_version(versions[place], self._log.chat, turn)
        self._talk(self._conversation.task, takes_focus=False)

    # Chats

    async def _open_chat(self, number: int, wanted: int | None = None) -> bool:
        """Show another chat, and go on with it; False if it cannot be had, which is told. `wanted` is the number of a
        turn that is to be seen.
        """
        assert self._scribe is not None
        try:
            chat = await asyncio.wrap_future(self._scribe.submit(lambda store: store.load(number)))
        except PolyError as error:
            self.notify(str(error), severity="error", markup=False)
            return False
        if number != self._log.chat.id:
            self._leave()
            self._log.set_draft(self._composer.prompt)
            self._set_chat(ChatLog(self._scribe, chat))
            self._composer.show(chat.draft)
            self._show_path(chat.turn(wanted))
        elif (turn := self._log.chat.turn(wanted)) is not None:
            self._leave()
            self._show_path(turn)
        self._composer.focus()
        return True

    def _show_path(self, wanted: ChatTurn | None) -> None:
        """Show the chat and go on with it, on a path with the turn that is wanted, if there is one."""
        chat = self._log.chat
        if wanted is not None and wanted not in chat.path:
            self._log.choose(wanted.newest_leaf)
        self._transcript.show(chat)
        self._talk(chat.task or None)
        if wanted is not None:
            self._transcript.move_to_turn(wanted)

    def _set_chat(self, log: ChatLog) -> None:
        self._transcript.clear()
        self._edited = None
        self._sign.update(Kind.PROMPT.sign)
        self._log = log
        self._show_title()

    def _give_back(self, prompts: Sequence[str]) -> None:
        """What we said ourselves is no prompt of the user."""
        self._continued = None
        super()._give_back([prompt for prompt in prompts if prompt != CONTINUE])

    def _take_back(self) -> str | None:
        prompt = super()._take_back()
        return None if prompt == CONTINUE else prompt

    def _renew(self) -> None:
        """Have a new session if the task may be another one since this one began, unless it is in an answer."""
        if self._n_reloads != self.backend.n_reloads and not self._meter.status.phase.is_answering:
            self._n_reloads = self.backend.n_reloads
            self._leave()
            self._talk(self._conversation.task, takes_focus=False)

    def _end(self) -> None:
        self._renew()
        for shown in self.query(ChatList):
            shown.show_anew(self._log.chat.id)

    def _show_title(self) -> None:
        self._heading.chat_title = self._log.chat.title

    def _tell(self, message: str) -> None:
        """Say what one has to know of the file of the chats."""
        self._transcript.add(Kind.NOTICE, message)
