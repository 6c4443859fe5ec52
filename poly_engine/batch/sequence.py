"""One generation: its tokens, how far they are computed, and when it is over."""

from typing import Protocol

from poly_engine.batch.messages import Failed, Finished, Generate, Generated, Report
from poly_engine.bias.taken import Step, Taken
from poly_engine.text.stream import TextStream
from poly_engine.types import Alternative, FinishReason, Logprobs


class Pieces(Protocol):
    """What a sequence needs to know of a vocabulary."""

    def piece(self, token: int) -> bytes:
        """The bytes of a token as a user may see them; nothing for a control token."""

    def is_end(self, token: int) -> bool:
        """Whether a token ends a generation."""


class Sequence:
    """A request on its way.

    `tokens` are its prompt and what was generated. The first `n_computed` of them are in the KV cache (`n_cached` were
    when it was admitted), the others are pending; while it writes, that is the token that was sampled last, and those
    that were forced behind it.
    """

    def __init__(self, request: Generate, arrival: int, context_size: int) -> None:
        self.request = request
        self.arrival = arrival
        self.tokens = list(request.tokens)
        self.n_computed = 0
        self.n_cached: int | None = None
        self.slot: int | None = None
        self.finish_reason: FinishReason | None = None
        self.failure: str | None = None
        room = context_size - len(request.tokens)
        self._n_max = room if request.max_tokens is None else min(request.max_tokens, room)
        private = request.private_texts if request.bias is None else ()  # else nothing private is generated
        self._text = TextStream(request.stop_sequences, private, request.openings)
        self._marks = {token: text.encode() for token, text in request.marks}
        self._has_private_texts = bool(private)
        self._end_token: int | None = None
        self._unreported: list[Report] = []

    @property
    def n_prompt(self) -> int:
        """How many tokens were asked to be continued."""
        return len(self.request.tokens)

    @property
    def n_generated(self) -> int:
        """How many tokens were sampled, without the one that ended the generation."""
        return len(self.tokens) - self.n_prompt

    @property
    def n_pending(self) -> int:
        """How many tokens are to be computed before the next one can be sampled."""
        return len(self.tokens) - self.n_computed

    @property
    def is_writing(self) -> bool:
        """Whether its prompt is read."""
        return self.n_computed >= self.n_prompt

    @property
    def is_over(self) -> bool:
        """Whether nothing is to be computed any more."""
        return self.finish_reason is not None or self.failure is not None

    def begin(self, opening: Taken, pieces: Pieces) -> None:
        """Take what the answer begins with, before anything is computed. It is reported with the first output."""
        self._unreported = self._take(opening, pieces)

    def take(self, taken: Taken, pieces: Pieces) -> list[Report]:
        """Take what follows and say what of it may be shown; sets `finish_reason` or `failure` where it is over."""
        reports = self._unreported + self._take(taken, pieces)
        self._unreported = []
        return reports

    def cancel(self) -> None:
        """End it here."""
        self.finish_reason = "cancelled"

    def outcome(self) -> list[Report]:
        """What to report when it is over, with what was not reported before."""
        if self.failure is not None:
            return [Failed(self.request.id, self.failure)]
        assert self.finish_reason is not None
        n_kept, tail = self._text.kept()
        kept = tuple(self.tokens[self.n_prompt : self.n_prompt + n_kept])
        ended_by = self._end_token, self._text.stop
        finished = Finished(self.request.id, self.finish_reason, self.n_generated, kept, tail, *ended_by)
        return [*self._unreported, finished]

    def _take(self, taken: Taken, pieces: Pieces) -> list[Report]:
        reports: list[Report] = []
        for step in taken.steps:
            if generated := self._append(step, pieces):
                reports.append(generated)
            if self.is_over:
                break
        if taken.ends is not None:
            self._finish(taken.ends)  # a text with a bias has nothing that was held back
        self.failure = taken.failure
        return reports

    def _append(self, step: Step, pieces: Pieces) -> Generated | None:
        token, piece = step.token, b""
        is_hidden = pieces.is_end(token)
        if is_hidden:
            self._end_token = token
            text = self._finish("stop")
        else:
            self.tokens.append(token)
            is_hidden = token in self.request.private_ids
            piece = b"" if is_hidden else self._marks.get(token) or pieces.piece(token)
            text = self._text.push(piece)
            if self._text.is_stopped:
                text += self._finish("stop")
            elif self.n_generated >= self._n_max:
                text += self._finish("length")
        if is_hidden and not text:
            return None
        logprobs = None if is_hidden else self._logprobs(step, piece, text)
        return Generated(self.request.id, token, text, step.is_forced, step.bias_state, logprobs)

    def _logprobs(self, step: Step, piece: bytes, text: str) -> Logprobs | None:
        """How likely a token was, if that was asked for. What is held back may become a private text: of that nothing
        is told, nor of alternatives that are one.
        """
        if self.request.logprobs is None or (self._has_private_texts and text.encode() != piece):
            return None
        alternatives = tuple(one for one in step.alternatives if not self._is_private(one))
        return Logprobs(tuple(piece), step.logprob, alternatives)

    def _is_private(self, one: Alternative) -> bool:
        return one.id in self.request.private_ids or any(text in one.text for text in self.request.private_texts)

    def _finish(self, reason: FinishReason) -> str:
        self.finish_reason = reason
        return self._text.finish()
