"""A conversation with a task whose model a server has: each turn is worded, asked for, and remembered."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from poly_engine.conversation import Conversation, limited
from poly_engine.errors import ContextExceeded, InvalidRequest
from poly_engine.interface import NO_OVERRIDES, Session
from poly_engine.memory.recaller import Recaller
from poly_engine.openai.asking import check_task, settings_of
from poly_engine.openai.model import RemoteModel
from poly_engine.openai.reading import Reading
from poly_engine.openai.turn import Before, RemoteTurn
from poly_engine.openai.wording import Worded, wording_of
from poly_engine.overrides import check_alone
from poly_engine.prompts import Asked, Exchange, Said, as_data
from poly_engine.task import Task
from poly_engine.types import (
    Bias,
    Event,
    Hit,
    Overrides,
    PromptPart,
    Recalled,
    ToolResult,
    Tools,
    Truncated,
    Turn,
)

__all__ = ["OpenAISession"]

_ROOM_FOR_ANSWER = 4
"""An answer has a quarter of the context to itself, unless the task limits it to less."""


@dataclass(frozen=True, slots=True)
class _Ask:
    """One turn as it was asked for."""

    asked: Asked
    overrides: Overrides
    bias: Bias | None
    recalled: Recalled | None


class OpenAISession(Session):
    """A session over a model of a server.

    The context is never cut in silence: where its size is known, whole turns are left out by an estimate, oldest first,
    and also where the server says that the prompt is too long, half of those that are left at a time; `Truncated`
    says how much, in estimated tokens. Counts of a turn are the server's, or estimated where it does not count; tokens
    have no ids, and may come several in one event.

    `find_model` gives the model as it is configured now, or raises.
    """

    def __init__(
        self,
        task: Task,
        find_model: Callable[[], RemoteModel],
        system: str | None,
        history: Sequence[Turn],
        recaller: Recaller | None = None,
    ) -> None:
        self._find_model = find_model
        self._model = find_model()
        check_task(task.name, task.config, self._model.config)
        self._talk = Conversation(task, history)
        self._wording = wording_of(task, system)
        for turn in history:
            self._wording.check(turn.prompt)
            self._wording.check(turn.answer)
            if turn.calls or turn.results:
                raise _no_tools()
        self._task = task
        self._recaller = recaller
        self._sent: Worded | None = None
        self._running: RemoteTurn | None = None

    async def open(self) -> None:
        await self._load()
        if self._recaller is not None:
            await self._recaller.open()

    @property
    def turns(self) -> Sequence[Turn]:
        return self._talk.turns

    @asynccontextmanager
    async def send(
        self,
        prompt: str,
        overrides: Overrides = NO_OVERRIDES,
        *,
        schema: Bias | Mapping[str, object] | None = None,
        tools: Tools | None = None,
        results: Sequence[ToolResult] = (),
    ) -> AsyncIterator[AsyncIterator[Event]]:
        with self._talk.turn():
            if tools is not None or results:
                raise _no_tools()
            check_alone(overrides)
            await self._load()
            ask = await self._ask(prompt, overrides, self._task.bias(schema))
            turn, n_dropped, truncated = await self._begun(ask)
            try:
                async with turn.events(Before(ask.recalled, truncated)) as events:
                    yield events
            finally:
                self._running = None
                await self._remember(ask.asked, turn, n_dropped)

    async def sent(self) -> Sequence[PromptPart]:
        """As `Session.sent`, where each part has about so many tokens: the server makes them, and what its chat
        template writes around the messages is not known.
        """
        self._talk.check_open()
        return self._sent.parts(self._model.measure) if self._sent is not None else ()

    async def preview(self, prompt: str) -> Sequence[PromptPart]:
        """What would be sent of the conversation if `prompt` was sent now, tokens estimated. Raises as `send`."""
        self._talk.check_open()
        await self._load()
        ask = await self._ask(prompt, NO_OVERRIDES, self._task.bias(None))
        worded = self._wording.worded(self._talk.seen[self._n_without_room(ask) :], ask.asked)
        return worded.parts(self._model.measure)

    async def close(self) -> None:
        self._talk.is_closed = True
        if self._running is not None:
            await self._running.cancel()
        self._talk.close()

    async def _load(self) -> None:
        """Make sure of the model, which may be configured anew since the last turn."""
        self._model = self._find_model()
        await self._model.load()

    async def _ask(self, prompt: str, overrides: Overrides, bias: Bias | None) -> _Ask:
        """What is asked for, with what the memory of the task holds on it."""
        self._wording.check(prompt)
        found = await self._recaller.recall(prompt) if self._recaller is not None else None

        async def n_fitting(hits: Sequence[Hit], n_most: int) -> int:
            n_tokens = self._model.measure.n_tokens
            return next((n for n in range(len(hits)) if n_tokens(as_data(hits[: n + 1])) > n_most), len(hits))

        recalled = await limited(found, self._recaller, self._model.context_size, n_fitting)
        for hit in recalled.hits if recalled else ():
            self._wording.check(f"{hit.origin}\n{hit.text}", of=hit.source)
        return _Ask(Asked(prompt, as_data(recalled.hits) if recalled else ""), overrides, bias, recalled)

    async def _begun(self, ask: _Ask) -> tuple[RemoteTurn, int, Truncated | None]:
        """A turn that the server began to answer, and what was left out before it, in turns and in words."""
        n_dropped = self._n_without_room(ask)
        while True:
            seen = self._talk.seen
            worded = self._wording.worded(seen[n_dropped:], ask.asked)
            self._running = turn = self._turn(worded, ask)
            try:
                await turn.begin()
            except ContextExceeded:
                self._running = None
                if n_dropped == len(seen):
                    raise
                n_dropped += (len(seen) - n_dropped + 1) // 2
            except BaseException:
                self._running = None
                raise
            else:
                self._sent = worded
                return turn, n_dropped, self._truncated(seen[:n_dropped])

    def _turn(self, worded: Worded, ask: _Ask) -> RemoteTurn:
        task, model, overrides = self._task.config, self._model, ask.overrides
        fields = settings_of(self._task.name, task, model.config, overrides, ask.bias, is_chat=self._wording.is_chat)
        stops = task.stop_sequences if overrides.stop_sequences is None else overrides.stop_sequences
        n_prompt = model.measure.n_tokens(worded.text)
        reading = Reading(() if ask.bias else stops, task.private_tokens, n_prompt, model.context_size)
        return RemoteTurn(model, worded.path, {**worded.content, **fields}, reading, ask.bias)

    def _n_without_room(self, ask: _Ask) -> int:
        """How many turns to leave out, by an estimate: none, if all and the answer fit; else as many as make twice the
        room that the answer wants, as `poly_engine.fitting` does. Raises InvalidRequest.
        """
        seen, size = self._talk.seen, self._model.context_size
        if not size or not seen:
            return 0
        wanted = min(self._task.max_tokens(ask.overrides) or size, size // _ROOM_FOR_ANSWER)

        def n_tokens(n_dropped: int) -> int:
            return self._model.measure.n_tokens(self._wording.worded(seen[n_dropped:], ask.asked).text)

        if n_tokens(0) + wanted <= size:
            return 0
        return next((n for n in range(1, len(seen)) if n_tokens(n) + 2 * wanted <= size), len(seen))

    def _truncated(self, dropped: Sequence[Exchange]) -> Truncated | None:
        if not dropped:
            return None
        text = "".join(f"{one.recalled}{one.prompt}{one.text}" for one in dropped)
        return Truncated(max(1, self._model.measure.n_tokens(text)), len(dropped))

    async def _remember(self, asked: Asked, turn: RemoteTurn, n_dropped: int) -> None:
        text = turn.text
        if self._talk.is_closed or text is None:
            return
        if turn.n_prompt and self._sent is not None:
            self._model.measure.learn(self._sent.text, turn.n_prompt)
        answer = (Said(text, "answer"),) if text else ()
        self._talk.add(Exchange(asked.prompt, text, answer, recalled=asked.recalled), n_dropped)
        if self._recaller is not None:
            await self._recaller.store(asked.prompt)


def _no_tools() -> InvalidRequest:
    return InvalidRequest("tools are called by models of this machine only: bind the answer to a schema instead")
