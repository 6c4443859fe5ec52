"""What a scripted engine says to a prompt, and what becomes of it where a caller wants something else of the answer."""

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from poly_engine.bias.grammar import grammar
from poly_engine.overrides import MOST_LOGPROBS, NEVER
from poly_engine.types import (
    Alternative,
    Bias,
    FinishReason,
    Logprobs,
    Overrides,
    Recalled,
    Token,
    ToolCall,
    Tools,
    Truncated,
)
from tests.fake_tools import forced_calls

__all__ = ["N_VOCAB", "Reply", "as_wanted", "echo", "split", "token_id"]

N_VOCAB = 32000
_OTHERS = tuple(f" other{i}" for i in range(MOST_LOGPROBS))
_PIECE = re.compile(r"\s*\w+|\s*[^\w\s]|\s+")


def split(text: str) -> tuple[str, ...]:
    """Return the tokens of `text`: words and signs with the space before them. Joined they are the text."""
    return tuple(_PIECE.findall(text))


@dataclass(frozen=True, slots=True)
class Reply:
    """What the engine does with one prompt: refuse it, or think `thoughts`, write `tokens`, make `calls` and then end
    or fail. Where it has to call tools, it makes the shortest call, and says nothing else.

    A token that is more than its text, of an answer with a bias, is given as the event itself.
    """

    tokens: tuple[str | Token, ...] = ()
    finish_reason: FinishReason = "stop"
    truncated: Truncated | None = None
    refusal: Exception | None = None
    failure: Exception | None = None
    thoughts: tuple[str, ...] = ()
    calls: tuple[ToolCall, ...] = ()
    recalled: Recalled | None = None

    @property
    def answer(self) -> tuple[Token, ...]:
        """The events of `tokens`."""
        return tuple(token if isinstance(token, Token) else Token(token, token_id(token)) for token in self.tokens)

    @classmethod
    def of(cls, text: str) -> "Reply":
        """A plain answer."""
        return cls(split(text))


def echo(prompt: str) -> Reply:
    """Say what was said."""
    return Reply.of(f"You said: {prompt}")


def as_wanted(
    reply: Reply, overrides: Overrides, schema: Bias | Mapping[str, object] | None, tools: Tools | None
) -> Reply:
    """A reply as a turn wants it: bound to a schema, with calls of tools, within its limits. Raises InvalidSchema."""
    return _told(_limited(_calling(_bound(reply, schema), tools), overrides), overrides)


def token_id(piece: str) -> int:
    """The id of the token that a text is."""
    return zlib.crc32(piece.encode()) % N_VOCAB


def _bound(reply: Reply, schema: Bias | Mapping[str, object] | None) -> Reply:
    """Answer the shortest text that fits the schema. Raises InvalidSchema."""
    if schema is None:
        return reply
    bias = schema if isinstance(schema, Bias) else Bias.of_schema(schema)
    text = grammar(bias).shortest.decode()
    return replace(reply, tokens=(Token(text, token_id(text), is_forced=True, bias_state="complete"),))


def _calling(reply: Reply, tools: Tools | None) -> Reply:
    """Call what has to be called. Raises InvalidSchema."""
    calls = forced_calls(tools) if tools is not None else ()
    return replace(reply, tokens=(), calls=calls) if calls else reply if tools else replace(reply, calls=())


def _limited(reply: Reply, overrides: Overrides) -> Reply:
    """Leave out what never comes, go on where there is no end, and cut the tokens at the first stop sequence and at the
    limit of tokens.
    """
    never = {token for token, bias in overrides.logit_bias or () if bias == NEVER}
    reply = replace(reply, tokens=tuple(token for token in reply.answer if token.id not in never))
    if overrides.ignore_eos:
        reply = replace(reply, tokens=reply.tokens * (overrides.max_tokens or 5000), finish_reason="length")
    text = "".join(token.text for token in reply.answer)
    ends = [text.find(stop) for stop in overrides.stop_sequences or () if stop in text]
    if ends:
        reply = replace(reply, tokens=split(text[: min(ends)]), finish_reason="stop")
    if overrides.max_tokens is not None and len(reply.tokens) > overrides.max_tokens:
        reply = replace(reply, tokens=reply.tokens[: overrides.max_tokens], finish_reason="length")
    return reply


def _told(reply: Reply, overrides: Overrides) -> Reply:
    """Have each token tell how likely it was, if that is asked for: nearly certain, unless its script says so."""
    n = overrides.logprobs
    return replace(reply, tokens=tuple(replace(token, logprobs=_logprobs(token, n)) for token in reply.answer))


def _logprobs(token: Token, n: int | None) -> Logprobs | None:
    if n is None or token.logprobs is not None:
        return None if n is None else token.logprobs
    piece = tuple(token.text.encode())
    others = [Alternative(token_id(text), text, tuple(text.encode()), -5.0 - i) for i, text in enumerate(_OTHERS)]
    alternatives = (Alternative(token.id, token.text, piece, -0.125), *others)
    return Logprobs(piece, -0.125, alternatives[:n])
