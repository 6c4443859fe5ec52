"""One generation: its tokens, how far they are computed, and when it is over."""

from typing import Protocol

from poly_engine.batch.messages import Finished, Generate, Generated
from poly_engine.text.stream import TextStream
from poly_engine.types import FinishReason


class Pieces(Protocol):
    """What a sequence needs to know of a vocabulary."""

    def piece(self, token: int) -> bytes:
        """The bytes of a token as a user may see them; nothing for a control token."""

    def is_end(self, token: int) -> bool:
        """Whether a token ends a generation."""


class Sequence:
    """A request on its way.

    `tokens` are its prompt and what was generated. The first `n_computed` of them are in the KV cache (`n_cached` were
    when it was admitted), the others are pending; while it writes, that is just the token that was sampled last.
    """

    def __init__(self, request: Generate, arrival: int, context_size: int) -> None:
        self.request = request
        self.arrival = arrival
        self.tokens = list(request.tokens)
        self.n_computed = 0
        self.n_cached = 0
        self.slot: int | None = None
        self.finish_reason: FinishReason | None = None
        room = context_size - len(request.tokens)
        self._n_max = room if request.max_tokens is None else min(request.max_tokens, room)
        self._text = TextStream(request.stop_sequences, request.private_texts)
        self._end_token: int | None = None

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

    def append(self, token: int, pieces: Pieces) -> Generated | None:
        """Take the sampled token and say what of it may be shown; sets `finish_reason` where the answer ends."""
        is_hidden = pieces.is_end(token)
        if is_hidden:
            self._end_token = token
            text = self._finish("stop")
        else:
            self.tokens.append(token)
            is_hidden = token in self.request.private_ids
            text = self._text.push(b"" if is_hidden else pieces.piece(token))
            if self._text.is_stopped:
                text += self._finish("stop")
            elif self.n_generated >= self._n_max:
                text += self._finish("length")
        return None if is_hidden and not text else Generated(self.request.id, token, text)

    def cancel(self) -> None:
        """End it here."""
        self.finish_reason = "cancelled"

    def finished(self) -> Finished:
        """What to report when it is over."""
        assert self.finish_reason is not None
        n_kept, tail = self._text.kept()
        kept = tuple(self.tokens[self.n_prompt : self.n_prompt + n_kept])
        return Finished(self.request.id, self.finish_reason, self.n_generated, kept, tail, self._end_token)

    def _finish(self, reason: FinishReason) -> str:
        self.finish_reason = reason
        return self._text.finish()
