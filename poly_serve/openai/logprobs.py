"""Log-probabilities as clients of OpenAI expect them: of chats, and of completions."""

import codecs
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from poly_engine import Logprobs, Token

__all__ = ["Entries", "Shown", "chat_logprobs", "completion_logprobs"]

Json: TypeAlias = dict[str, object]
_CERTAIN = 0.0


@dataclass(frozen=True, slots=True)
class Entry:
    """A token of an answer that begins `offset` characters behind where the answer does."""

    offset: int
    logprobs: Logprobs

    @property
    def piece(self) -> bytes:
        """Its bytes."""
        return bytes(self.logprobs.piece)

    @property
    def logprob(self) -> float:
        """How likely it was. What is forced is certain, whatever the model would have found."""
        return _CERTAIN if self.logprobs.logprob is None else self.logprobs.logprob


Entries: TypeAlias = Sequence[Entry]


class Shown:
    """The tokens of one answer, as it becomes clear that they are a part of it: those of a stop sequence are not."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._n_characters = 0
        self._held: list[Entry] = []
        self._shown: list[Entry] = []

    def hear(self, token: Token) -> None:
        """Take the next token; with its text, what was held back before it is shown, too."""
        if token.logprobs is not None:
            self._held.append(Entry(self._n_characters, token.logprobs))
            self._n_characters += len(self._decoder.decode(bytes(token.logprobs.piece)))
        if token.text:
            self._shown += self._held
            self._held.clear()

    def take(self) -> Entries:
        """What was shown since it was last asked for."""
        shown, self._shown = self._shown, []
        return shown


def chat_logprobs(entries: Entries) -> Json | None:
    """What a chat says of tokens; None if there are none."""
    if not entries:
        return None
    content = [
        {
            **_in_chat(_lossy(entry.piece), entry.piece, entry.logprob),
            "top_logprobs": [_in_chat(one.text, bytes(one.piece), one.logprob) for one in entry.logprobs.alternatives],
        }
        for entry in entries
    ]
    return {"content": content, "refusal": None}


def completion_logprobs(entries: Entries) -> Json | None:
    """What a completion says of tokens; None if there are none."""
    if not entries:
        return None
    return {
        "tokens": [_readable(entry.piece) for entry in entries],
        "token_logprobs": [entry.logprob for entry in entries],
        "top_logprobs": [_likeliest(entry) for entry in entries],
        "text_offset": [entry.offset for entry in entries],
    }


def _in_chat(text: str, piece: bytes, logprob: float) -> Json:
    return {"token": text, "logprob": logprob, "bytes": list(piece)}


def _likeliest(entry: Entry) -> dict[str, float]:
    """The likeliest tokens by their texts, and the token itself, as OpenAI has it."""
    found = {_readable(bytes(one.piece)): one.logprob for one in reversed(entry.logprobs.alternatives)}
    return {**dict(reversed(found.items())), _readable(entry.piece): entry.logprob}


def _readable(piece: bytes) -> str:
    r"""The text of a token, or its bytes, where they are a part of a character: bytes:\xe2\x80."""
    try:
        return piece.decode()
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in piece)


def _lossy(piece: bytes) -> str:
    return piece.decode("utf-8", "replace")
