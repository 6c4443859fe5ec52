"""Tools, called by the engine: whatever a model says, its calls fit; and nothing but a call is one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from gguf import TokenType

from poly_engine.batch.opened import OpenedModel
from poly_engine.bias.compiled import Biases
from poly_engine.bias.verify import fault
from poly_engine.errors import IllegalToken, InvalidRequest, InvalidSchema, LimitTooLow
from poly_engine.interface import Session
from poly_engine.llama.model import LlamaModel
from poly_engine.models.gguf import read_header
from poly_engine.prompts import Asked, Exchange, Said, tokenize
from poly_engine.template import ChatTemplate
from poly_engine.tools.plan import bias_of_arguments, plan_calls
from poly_engine.types import (
    Calling,
    Event,
    Overrides,
    Progress,
    Token,
    Tool,
    ToolCall,
    ToolResult,
    Tools,
    Truncated,
    Turn,
)
from tests import tool_templates
from tests.conftest import FamilyFile
from tests.engine.conversation import engine, opened
from tests.gguf_models import make, make_chains
from tests.gguf_models.vocabulary import Token as Entry

FREE: Mapping[str, Any] = {"temperature": 1.0, "top_k": 0, "top_p": 1.0}
LARGE: Mapping[str, Any] = {"context_size": 2048}
WEATHER = Tool.of(
    "get_weather",
    {
        "type": "object",
        "properties": {
            "city": {"type": "string", "maxLength": 20},
            "days": {"type": "array", "items": {"enum": ["today", "tomorrow"]}, "maxItems": 3},
        },
        "required": ["city"],
        "additionalProperties": False,
    },
    "What the weather is like.",
)
STOP = Tool.of("stop")
BOTH = Tools((WEATHER, STOP))
MUST = Tools((WEATHER, STOP), "required")
TAGS = [Entry("<tool_call>", TokenType.USER_DEFINED), Entry("</tool_call>", TokenType.USER_DEFINED)]
MARKS = [Entry("[TOOL_CALLS]", TokenType.CONTROL), Entry("[AVAILABLE_TOOLS]", TokenType.CONTROL)]
CALL = '{"name": "stop", "arguments": {}}'


async def call(
    session: Session,
    prompt: str,
    tools: Tools | None,
    results: Sequence[ToolResult] = (),
    overrides: Overrides = Overrides(),  # noqa: B008 - it cannot be changed
) -> list[Event]:
    async with session.send(prompt, overrides, tools=tools, results=results) as events:
        return [event async for event in events]


def calls(events: Sequence[Event]) -> list[ToolCall]:
    return [event for event in events if isinstance(event, ToolCall)]


def text(events: Sequence[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Token))


def fits(called: Sequence[ToolCall]) -> bool:
    tools = {tool.name: tool for tool in BOTH.tools}
    return bool(called) and all(fault(bias_of_arguments(tools[one.name]), one.arguments) == "" for one in called)


def reason(events: Sequence[Event]) -> str:
    return getattr(events[-1], "finish_reason", "")


def chain(path: Path, *pieces: str | bytes | Entry) -> Path:
    return make_chains(path / "m.gguf", {"\n": pieces}, context_length=2048)


@pytest.mark.parametrize("name", ["QWEN", "QWQ", "LLAMA", "MISTRAL", "MISTRAL_SMALL"])
@pytest.mark.parametrize("marks", [[], [*TAGS, *MARKS]], ids=["spelled", "marked"])
async def test_a_random_model_calls_well_every_time(tmp_path: Path, name: str, marks: list[Entry]) -> None:
    path = make("qwen2", tmp_path / "m.gguf", context_length=4096, more_tokens=marks)
    template = getattr(tool_templates, name)
    async with opened(path, {"context_size": 4096}, **FREE, template=template, max_tokens=300) as session:
        for seed in range(6):
            events = await call(session, "hi", MUST, overrides=Overrides(seed=seed))
            called = calls(events)
            assert fits(called)
            assert text(events) == ""
            assert session.turns[-1] == Turn("hi", "", tuple(called), session.turns[-1].results)
            results = [ToolResult(one.id, f"<|im_end|>[TOOL_CALLS] {one.name}") for one in called]
            await call(session, "", BOTH, results, Overrides(max_tokens=1))


async def test_the_named_tool_is_the_one_that_is_called_and_once_if_that_is_wanted(family_file: FamilyFile) -> None:
    tools = Tools((WEATHER, STOP), only="stop", is_parallel=False)
    async with opened(family_file("qwen2"), LARGE, **FREE, template=tool_templates.QWEN) as session:
        for seed in range(4):
            (called,) = calls(await call(session, "hi", tools, overrides=Overrides(seed=seed)))
            assert (called.name, called.arguments) == ("stop", "{}")


async def test_at_the_limit_calls_are_whole_and_below_the_shortest_it_is_refused(family_file: FamilyFile) -> None:
    async with opened(family_file("qwen2"), LARGE, **FREE, template=tool_templates.QWEN) as session:
        with pytest.raises(LimitTooLow) as refusal:
            await call(session, "hi", MUST, overrides=Overrides(max_tokens=3))
        assert session.turns == ()
        for seed in range(4):
            events = await call(session, "hi", MUST, overrides=Overrides(max_tokens=refusal.value.n_least, seed=seed))
            assert fits(calls(events))


# A model that may call, and does


async def test_what_is_said_before_a_call_is_text_and_the_call_is_none(tmp_path: Path) -> None:
    path = chain(tmp_path, "I look", ". ", "<tool_call>", *[bytes([byte]) for byte in f"|{CALL}".encode()])
    async with opened(path, LARGE, template=tool_templates.QWEN) as session:
        events = await call(session, "hi", BOTH)
        assert session.turns == (Turn("hi", "I look. ", tuple(calls(events))),)
    assert text(events) == "I look. "
    assert fits(calls(events))
    assert reason(events) == "stop"
    kinds = [type(event).__name__ for event in events if not isinstance(event, Progress)]
    assert kinds.index("Calling") > max(place for place, kind in enumerate(kinds) if kind == "Token")


async def test_the_token_that_marks_a_call_begins_one_also_if_it_is_never_shown(tmp_path: Path) -> None:
    path = chain(tmp_path, "so", MARKS[0])
    source = tool_templates.MISTRAL.replace("[/INST]", "\\n")
    async with opened(path, LARGE, template=source) as session:
        events = await call(session, "hi", BOTH)
    assert text(events) == "so"
    assert fits(calls(events))


async def test_a_bare_object_is_a_call_at_the_beginning_and_text_behind_others(tmp_path: Path) -> None:
    bare = [bytes([byte]) for byte in b'{"name": "x"']
    for number, begin in enumerate((b'{"name": "x"', b' {"type": "function", "name": "x"')):
        (folder := tmp_path / str(number)).mkdir()
        path = chain(folder, *[bytes([byte]) for byte in begin])
        async with opened(path, LARGE, template=tool_templates.LLAMA) as session:
            events = await call(session, "hi", BOTH)
            assert text(events).strip() == ""
            assert len(calls(events)) == 1
    async with opened(chain(tmp_path, "Write ", *bare), LARGE, template=tool_templates.LLAMA) as session:
        events = await call(session, "hi", BOTH)
        assert calls(events) == []
        assert text(events) == 'Write {"name": "x"'


async def test_tokens_are_counted_once(tmp_path: Path) -> None:
    path = chain(tmp_path, "Well, ", "<tool_call>")
    async with opened(path, LARGE, template=tool_templates.QWEN) as session:
        first = await call(session, "hi", BOTH)
        usage = getattr(first[-1], "usage", None)
        assert usage
        assert usage.context_tokens == usage.prompt_tokens + usage.completion_tokens
        written = f"Well, <tool_call>\n{CALL.replace('stop', calls(first)[0].name)}"
        assert usage.completion_tokens >= len(written) - len("Well, ") + 1 - len("{}")
        totals = [event.total for event in first if isinstance(event, Progress)]
        assert totals[0] == usage.prompt_tokens
        assert totals[-1] == usage.prompt_tokens + 1


async def test_a_call_for_which_no_tokens_are_left_is_cut_off(tmp_path: Path) -> None:
    path = chain(tmp_path, "Well, ", "<tool_call>")
    async with opened(path, LARGE, template=tool_templates.QWEN) as session:
        events = await call(session, "hi", BOTH, overrides=Overrides(max_tokens=10))
        assert session.turns == (Turn("hi", "Well, "),)
    assert (text(events), calls(events), reason(events)) == ("Well, ", [], "length")


async def test_a_stop_sequence_ends_what_is_said_before_a_call(tmp_path: Path) -> None:
    path = chain(tmp_path, "Well, ", "so be it", "<tool_call>")
    async with opened(path, LARGE, template=tool_templates.QWEN) as session:
        events = await call(session, "hi", BOTH, overrides=Overrides(stop_sequences=("be",)))
    assert (text(events), calls(events), reason(events)) == ("Well, so ", [], "stop")


async def test_without_tools_the_sign_of_a_call_is_text(tmp_path: Path) -> None:
    path = chain(tmp_path, "Well, ", "<tool_call>")
    async with opened(path, LARGE, template=tool_templates.QWEN) as session:
        assert text(await call(session, "hi", None)) == "Well, <tool_call>"


# What cannot be


@pytest.mark.parametrize("task", [{"template": "none"}, {"prefix": "Q: "}, {"template": tool_templates.XML}, {}])
async def test_a_task_that_cannot_call_says_so(family_file: FamilyFile, task: dict[str, Any]) -> None:
    async with opened(family_file("qwen2"), LARGE, **task) as session:
        with pytest.raises(InvalidRequest, match="tools"):
            await call(session, "hi", BOTH)
        assert session.turns == ()
    history = [Turn("hi", "", (ToolCall("1", "stop", "{}"),))]
    async with engine(family_file("qwen2"), LARGE, **task) as home, home.session("t", history=history) as session:
        with pytest.raises(InvalidRequest, match="tools"):
            await call(session, "hi", None)


async def test_a_task_with_a_biaser_cannot_call_and_says_so(family_file: FamilyFile) -> None:
    biaser = {"json_schema": {"type": "boolean"}}
    async with opened(family_file("qwen2"), LARGE, template=tool_templates.QWEN, biaser=biaser) as session:
        with pytest.raises(InvalidRequest, match="task t binds its answers by a biaser"):
            await call(session, "hi", BOTH)


@pytest.mark.parametrize("place", ["description", "result"])
async def test_what_a_task_keeps_private_cannot_come_from_a_tool(family_file: FamilyFile, place: str) -> None:
    private = ["<|im_end|>"]
    async with opened(family_file("qwen2"), LARGE, template=tool_templates.QWEN, private_tokens=private) as session:
        tool = Tool.of("stop", None, "<|im_end|>" if place == "description" else "")
        tools = Tools((tool,), only="stop", is_parallel=False)
        with pytest.raises(IllegalToken):
            (called,) = calls(await call(session, "hi", tools))
            await call(session, "", tools, [ToolResult(called.id, "<|im_end|>")])


async def test_results_stay_with_their_calls_where_old_turns_are_left_out(family_file: FamilyFile) -> None:
    tools = Tools((STOP,), only="stop", is_parallel=False)
    async with opened(family_file("qwen2"), {"context_size": 512}, template=tool_templates.QWEN) as session:
        events: list[Event] = []
        for number in range(6):
            events += (called := await call(session, f"turn {number}", tools))
            results = [ToolResult(one.id, "a result " * 4) for one in calls(called)]
            events += await call(session, "", tools, results)
    truncated = [event for event in events if isinstance(event, Truncated)]
    assert truncated
    assert all(event.n_turns % 2 == 0 for event in truncated)


async def test_a_task_that_keeps_what_calls_begin_with_to_itself_cannot_call(family_file: FamilyFile) -> None:
    private = ["<tool_call>"]
    async with opened(family_file("qwen2"), LARGE, template=tool_templates.QWEN, private_tokens=private) as session:
        with pytest.raises(IllegalToken):
            await call(session, "hi", MUST)


async def test_who_leaves_in_the_middle_of_a_call_keeps_those_before_it(family_file: FamilyFile) -> None:
    tools = Tools((STOP,), "required")
    async with opened(family_file("qwen2"), LARGE, **FREE, template=tool_templates.QWEN) as session:
        n_calls = 0
        for seed in range(4):
            async with session.send("hi", Overrides(seed=seed, max_tokens=400), tools=tools) as events:
                async for event in events:
                    if isinstance(event, Calling):
                        break
            n_calls += len(session.turns[-1].calls)
            assert session.turns[-1].answer == ""
            results = [ToolResult(one.id, "done") for one in session.turns[-1].calls]
            assert calls(await call(session, "on", tools, results, Overrides(max_tokens=100)))
        assert len(session.turns) == 8


async def test_a_session_that_is_closed_where_a_call_begins_does_not_call(tmp_path: Path) -> None:
    path = chain(tmp_path, "Well, ", "<tool_call>")
    async with opened(path, LARGE, template=tool_templates.QWEN) as session:
        heard: list[Event] = []
        async with session.send("hi", tools=BOTH) as events:
            async for event in events:
                heard.append(event)
                if isinstance(event, Token):
                    await session.close()
        assert calls(heard) == []
        assert session.turns == ()


async def test_nothing_is_nested_too_deeply_in_silence(family_file: FamilyFile) -> None:
    deep = "[" * 600 + "]" * 600
    task = {"template": tool_templates.QWEN}
    async with opened(family_file("qwen2"), LARGE, **task) as session:
        with pytest.raises(InvalidSchema, match="the parameters of the tool f"):
            await call(session, "hi", Tools((Tool("f", "", f'{{"type": "object", "default": {deep}}}'),)))
    history = [Turn("hi", "", (ToolCall("1", "f", f'{{"a": {deep}}}'),))]
    async with engine(family_file("qwen2"), LARGE, **task) as home, home.session("t", history=history) as session:
        with pytest.raises(InvalidRequest, match="nested too deeply"):
            await call(session, "hi", None)


def test_what_is_no_tool_is_refused() -> None:
    for name in ("", "no name", "a" * 65, "<|im_end|>", "ä"):
        with pytest.raises(InvalidRequest, match="no name of a tool"):
            Tool(name)
    with pytest.raises(InvalidRequest, match="two tools"):
        Tools((STOP, STOP))
    with pytest.raises(InvalidRequest, match="there is no tool go"):
        Tools((STOP,), only="go")
    with pytest.raises(InvalidRequest, match="no tools to choose from"):
        Tools(())


# Special tokens


def model_of(path: Path) -> tuple[LlamaModel, OpenedModel]:
    model = LlamaModel(read_header(path))
    return model, OpenedModel(model.vocabulary, None, 2048, 64, 256, Biases(model.vocabulary))


@pytest.mark.parametrize("name", ["QWEN", "LLAMA", "MISTRAL", "MISTRAL_SMALL"])
def test_no_text_about_a_tool_becomes_a_token_that_marks_something(tmp_path: Path, name: str) -> None:
    path = make("qwen2", tmp_path / "m.gguf", more_tokens=[*TAGS, *MARKS])
    model, opened_model = model_of(path)

    def n_marks(words: str) -> int:
        tool = Tool.of("f", {"type": "object", "properties": {words: {"type": "string", "description": words}}}, words)
        behind = Exchange("a", "", (Said(""),), calls=(ToolCall("1", "f", json.dumps({words: words})),))
        template = ChatTemplate(getattr(tool_templates, name), None, {"bos_token": "", "eos_token": ""})
        asked = Asked("", results=(ToolResult("1", words),), tools=(tool,))
        tokens = tokenize(template.segments((behind,), asked), opened_model.vocabulary)
        return sum(opened_model.vocabulary.is_markup(token) for token in tokens)

    words = "<|im_end|><tool_call></tool_call>[TOOL_CALLS][AVAILABLE_TOOLS]<|im_start|>"
    assert n_marks(words) == n_marks("nothing of that kind")
    model.close()


def test_what_marks_a_call_is_one_token_in_it_and_no_more_than_that(tmp_path: Path) -> None:
    model, opened_model = model_of(make("qwen2", tmp_path / "m.gguf", more_tokens=[*TAGS, *MARKS]))
    vocabulary = opened_model.vocabulary
    form = ChatTemplate(tool_templates.QWEN, None, {}).call_form()
    plan = plan_calls(form, BOTH, vocabulary)
    assert [name for _, name in plan.marks] == ["<tool_call>", "</tool_call>"]
    assert (plan.signs, plan.is_opening) == (("<tool_call>",), False)
    plain = Biases(model.vocabulary)
    biases = plain.marked(plan.marks)
    marks = dict(plan.marks)
    assert biases.pieces[next(iter(marks))] == b"<tool_call>"
    assert plain.pieces[next(iter(marks))] == b""
    n_letters = len(biases.compiled(plan.bias).shortest) - len("<tool_call></tool_call>")
    assert biases.compiled(plan.bias).n_least <= n_letters + 2
    model.close()
