"""What answers look like to clients of OpenAI: whole or in chunks, of chats and of completions."""

import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict
from typing import ClassVar, TypeAlias

from poly_engine import Calling, Thinking, Timings, Token, ToolCall, Usage, __version__
from poly_serve.openai.answers import Answer
from poly_serve.openai.logprobs import Entries, chat_logprobs, completion_logprobs

__all__ = ["ChatShape", "CompletionShape", "Json", "Shape"]

Json: TypeAlias = dict[str, object]


class Shape(ABC):
    """The reply to a request, all chunks of which have the same id. There are `n_each` choices to each prompt."""

    prefix: ClassVar[str]
    whole_object: ClassVar[str]
    chunk_object: ClassVar[str]

    def __init__(self, model: str, n_each: int) -> None:
        self._n_each = n_each
        self._head: Json = {
            "id": f"{self.prefix}-{uuid.uuid4().hex}",
            "created": int(time.time()),
            "model": model,
            "system_fingerprint": f"poly-{__version__}",
        }

    @abstractmethod
    def whole_choice(self, number: int, answer: Answer) -> Json:
        """A choice that is complete."""

    @abstractmethod
    def first_choice(self, number: int) -> Json | None:
        """The choice of the chunk before the answer; None if there is none."""

    @abstractmethod
    def next_choice(self, number: int, event: Token | Thinking | Calling) -> Json | None:
        """The choice of the chunk on a token; None if that is not shown."""

    @abstractmethod
    def last_choice(self, number: int, answer: Answer) -> Json:
        """The choice of the chunk behind the answer."""

    @abstractmethod
    def logprobs(self, entries: Entries) -> Json | None:
        """What a choice says of how likely its tokens were; None if that was not asked for."""

    def with_logprobs(self, choice: Json, answer: Answer) -> Json:
        """A choice, with what it says of the tokens that were shown since this was last asked for."""
        return {**choice, "logprobs": self.logprobs(answer.shown.take())}

    def whole(self, answers: Sequence[Answer]) -> Json:
        """The reply at once."""
        choices = [
            self.with_logprobs(self.whole_choice(number, answer), answer) for number, answer in enumerate(answers)
        ]
        more = _more(answers[0], has_timings=len(answers) == 1)
        return {**self._head, "object": self.whole_object, "choices": choices, "usage": self._usage(answers), **more}

    def chunk(self, choice: Json) -> Json:
        """A part of the reply."""
        return {**self._head, "object": self.chunk_object, "choices": [choice]}

    def last_chunk(self, number: int, answer: Answer) -> Json:
        """The part of the reply that ends a choice."""
        return {**self.chunk(self.last_choice(number, answer)), **_more(answer)}

    def usage_chunk(self, answers: Sequence[Answer]) -> Json:
        """The part of the reply that says how many tokens all of it took."""
        return {**self._head, "object": self.chunk_object, "choices": [], "usage": self._usage(answers)}

    def _usage(self, answers: Sequence[Answer]) -> Json:
        every = [answer.done.usage for answer in answers if answer.done is not None]
        return _usage(every[:: self._n_each], every)


class ChatShape(Shape):
    """The reply to a chat."""

    prefix = "chatcmpl"
    whole_object = "chat.completion"
    chunk_object = "chat.completion.chunk"

    def whole_choice(self, number: int, answer: Answer) -> Json:
        thoughts = {"reasoning_content": "".join(answer.thoughts)} if answer.thoughts else {}
        calls = {"tool_calls": [_call(call) for call in answer.calls]} if answer.calls else {}
        text = "".join(answer.texts)
        content = None if calls and not text else text
        message = {"role": "assistant", "content": content, "refusal": None, **thoughts, **calls}
        return {"index": number, "message": message, "logprobs": None, "finish_reason": _reason_of_chat(answer)}

    def first_choice(self, number: int) -> Json:
        return _delta(number, {"role": "assistant", "content": ""})

    def next_choice(self, number: int, event: Token | Thinking | Calling) -> Json:
        if isinstance(event, Calling):
            return _delta(number, {"tool_calls": [_piece_of_call(event)]})
        return _delta(number, {"content" if isinstance(event, Token) else "reasoning_content": event.text})

    def logprobs(self, entries: Entries) -> Json | None:
        return chat_logprobs(entries)

    def last_choice(self, number: int, answer: Answer) -> Json:
        return _delta(number, {}, _reason_of_chat(answer))


class CompletionShape(Shape):
    """The reply to a completion. `echoes` are what the choices begin with, where the prompt is wanted, too."""

    prefix = "cmpl"
    whole_object = chunk_object = "text_completion"

    def __init__(self, model: str, n_each: int, echoes: Sequence[str] = ()) -> None:
        super().__init__(model, n_each)
        self._echoes = echoes

    def whole_choice(self, number: int, answer: Answer) -> Json:
        echo = self._echoes[number] if self._echoes else ""
        return _text(number, echo + "".join(answer.texts), _reason(answer))

    def first_choice(self, number: int) -> Json | None:
        return _text(number, self._echoes[number]) if self._echoes else None

    def next_choice(self, number: int, event: Token | Thinking | Calling) -> Json | None:
        return _text(number, event.text) if isinstance(event, Token) else None

    def logprobs(self, entries: Entries) -> Json | None:
        return completion_logprobs(entries)

    def last_choice(self, number: int, answer: Answer) -> Json:
        return _text(number, "", _reason(answer))


def _delta(number: int, delta: Json, finish_reason: str | None = None) -> Json:
    return {"index": number, "delta": delta, "logprobs": None, "finish_reason": finish_reason}


def _text(number: int, text: str, finish_reason: str | None = None) -> Json:
    return {"index": number, "text": text, "logprobs": None, "finish_reason": finish_reason}


def _call(call: ToolCall) -> Json:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _piece_of_call(event: Calling) -> Json:
    """The first piece of a call says what is called, and has no arguments yet."""
    if event.arguments:
        return {"index": event.number, "function": {"arguments": event.arguments}}
    function = {"name": event.name, "arguments": ""}
    return {"index": event.number, "id": event.id, "type": "function", "function": function}


def _reason_of_chat(answer: Answer) -> str | None:
    """Calls are complete also where the limit of tokens cut what would have followed: then the reason is still that."""
    reason = _reason(answer)
    return "tool_calls" if answer.calls and reason == "stop" else reason


def _reason(answer: Answer) -> str | None:
    return answer.done.finish_reason if answer.done is not None else None


def _usage(of_prompts: Sequence[Usage], every: Sequence[Usage]) -> Json:
    """A prompt counts once, however many answers it has."""
    n_prompt = sum(usage.prompt_tokens for usage in of_prompts)
    n_written = sum(usage.completion_tokens for usage in every)
    return {
        "prompt_tokens": n_prompt,
        "completion_tokens": n_written,
        "total_tokens": n_prompt + n_written,
        "prompt_tokens_details": {"cached_tokens": sum(usage.cached_tokens for usage in of_prompts)},
        "completion_tokens_details": {"reasoning_tokens": sum(usage.thinking_tokens for usage in every)},
    }


def _more(answer: Answer, *, has_timings: bool = True) -> Json:
    """What Poly tells besides: times as llama-server tells them, and what the context had no room for."""
    told: Json = {}
    if answer.truncated is not None:
        told["truncated"] = asdict(answer.truncated)
    if answer.done is not None and has_timings:
        told["timings"] = _timings(answer.done.usage, answer.done.timings)
    return told


def _timings(usage: Usage, timings: Timings) -> Json:
    n_read = usage.prompt_tokens - usage.cached_tokens
    return {
        "cache_n": usage.cached_tokens,
        **_pace("prompt", n_read, timings.prefill_s),
        **_pace("predicted", usage.completion_tokens, timings.decode_s),
    }


def _pace(name: str, n_tokens: int, seconds: float) -> Json:
    return {
        f"{name}_n": n_tokens,
        f"{name}_ms": 1000 * seconds,
        f"{name}_per_token_ms": 1000 * seconds / n_tokens if n_tokens else 0.0,
        f"{name}_per_second": n_tokens / seconds if seconds else 0.0,
    }
