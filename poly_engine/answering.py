"""A turn while it is answered: events out of the reports on its generations, its text, and its times."""

import time
from collections.abc import AsyncGenerator

from poly_engine.batch.client import ReportStream
from poly_engine.batch.messages import Failed, Finished, Generated, Prefilled, Report
from poly_engine.types import Done, Event, FinishReason, Progress, Thinking, Timings, Token, Usage

__all__ = ["Answering"]


class Answering:
    """Hears the reports on one turn: those on what the model thinks, if it is to, then those on its answer, and then
    those on its calls of tools.
    """

    def __init__(self, context_size: int) -> None:
        self.text = ""
        self.call_text = ""
        """What the model writes where it calls tools."""
        self.cut: FinishReason | None = None
        """Why there was nothing more although the model went on, if that is so."""
        self._context_size = context_size
        self._thinking: ReportStream | None = None
        self._answering: ReportStream | None = None
        self._calling: ReportStream | None = None
        self._has_token = False
        self._n_prompt = 0
        self._n_cached: int | None = None
        self._n_forced = 0
        self._n_free = 0  # tokens of the answer before the calls, which go on from there
        self._sent = time.perf_counter()
        self._admitted: float | None = None
        self._first_token: float | None = None
        self._ended: float | None = None

    @property
    def thoughts(self) -> Finished | None:
        """How the thinking ended; None if there was none, or if it failed."""
        return _finished(self._thinking)

    @property
    def answer(self) -> Finished | None:
        """How the answer ended; None if it did not begin, or if it failed."""
        return _finished(self._answering)

    @property
    def calls(self) -> Finished | None:
        """How the calls ended; None if there were none, or if they failed."""
        return _finished(self._calling)

    @property
    def has_failed(self) -> bool:
        """Whether one of them failed, whether or not anybody has heard of it."""
        streams = (self._thinking, self._answering, self._calling)
        return any(stream is not None and isinstance(stream.outcome, Failed) for stream in streams)

    def begin(
        self, stream: ReportStream, n_prompt: int, *, is_thinking: bool = False, is_calling: bool = False
    ) -> None:
        """A generation was begun, which continues `n_prompt` tokens."""
        if is_calling and self._answering is not None:
            self._n_free = n_prompt - self._n_prompt
        self._n_prompt, self._has_token = n_prompt, False
        if is_thinking:
            self._thinking = stream
        elif is_calling:
            self._calling = stream
        else:
            self._answering = stream

    async def events(self) -> AsyncGenerator[Event]:
        """The events of the generation that was begun last, without the end of the turn."""
        stream = self._calling or self._answering or self._thinking
        assert stream is not None, "nothing was begun"
        async for report in stream:
            if event := self._event(report):
                yield event

    async def drain(self) -> None:
        """Hear what nobody has read; it is there already, so that nothing waits here."""
        for stream in (self._thinking, self._answering, self._calling):
            if stream is not None:
                async for report in stream:
                    self._event(report)

    def done(self) -> Done:
        """The last event of the turn."""
        last = self.calls or self.answer or self.thoughts
        assert last is not None, "it is not over"
        ended = self._ended or time.perf_counter()
        admitted = self._admitted or ended
        first_token = self._first_token or ended
        n_thoughts = self.thoughts.n_generated if self.thoughts else 0
        n_answer = self.answer.n_generated if self.answer else 0
        if self.calls:  # the sign of a call, which the answer ended with, was written again as a part of the calls
            n_answer = self._n_free + self.calls.n_generated
        usage = Usage(
            self._n_prompt - (len(self.thoughts.kept) if self.thoughts and self.answer else 0) - self._n_free,
            self._n_cached or 0,
            n_thoughts + n_answer,
            self._n_prompt + last.n_generated,
            self._context_size,
            n_thoughts,
            self._n_forced,
        )
        timings = Timings(admitted - self._sent, first_token - admitted, ended - first_token)
        has_answer = self.calls or self.answer or self._thinking is None
        reason = last.reason if has_answer else "cancelled"  # it came to no answer
        return Done(self.cut or reason, usage, timings)

    def _event(self, report: Report) -> Event | None:
        match report:
            case Prefilled() if self._has_token:
                return None  # it had to give its cells back in the middle of the answer, and reads again
            case Prefilled(done=done, total=total, cached=cached):
                self._admitted = self._admitted or time.perf_counter()
                self._n_cached = cached if self._n_cached is None else self._n_cached
                return Progress(done, total)
            case Generated():
                return self._said(report)
            case Finished():
                self._ended = time.perf_counter()
        return None

    def _said(self, report: Generated) -> Event:
        self._first_token = self._first_token or time.perf_counter()
        self._has_token = True
        if self._answering is None and self._calling is None:
            return Thinking(report.text, report.token)
        if self._calling is None:
            self.text += report.text
        else:
            self.call_text += report.text
        self._n_forced += report.is_forced
        return Token(report.text, report.token, report.is_forced, report.bias_state, report.logprobs)


def _finished(stream: ReportStream | None) -> Finished | None:
    outcome = stream.outcome if stream is not None else None
    return outcome if isinstance(outcome, Finished) else None
