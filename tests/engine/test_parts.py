"""Whose each part of a prompt is, whatever puts it together; and the texts of the parts are what the tokens spell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from poly_engine.batch.opened import OpenedModel
from poly_engine.bias.compiled import Biases
from poly_engine.config import TaskConfig
from poly_engine.llama.model import LlamaModel
from poly_engine.models.gguf import read_header
from poly_engine.partition import parts_of
from poly_engine.prompts import Answered, Asked, Exchange, Said, Written, tokenize
from poly_engine.task import Task
from poly_engine.types import PartKind, PromptPart, Tool, ToolCall, ToolResult
from tests import tool_templates
from tests.conftest import FamilyFile

IN_JSON = "{{ bos_token }}{{ messages | tojson }}"
Shown = list[tuple[PartKind, str]]


@contextmanager
def loaded(path: Path) -> Iterator[OpenedModel]:
    model = LlamaModel(read_header(path))
    yield OpenedModel(model.vocabulary, model.chat_template, 256, 64, 256, Biases(model.vocabulary))
    model.close()


def parts_in(
    model: OpenedModel, asked: Asked, *exchanges: Exchange, caller: str | None = None, **task: str
) -> list[PromptPart]:
    """The parts of a prompt of a task, with what a `caller` says in place of its system message; their tokens and texts
    are checked against those of the whole.
    """
    prompts = Task("t", TaskConfig.model_validate({"model": "m", **task})).prompts(model, caller)
    segments = prompts.segments(exchanges, asked)
    parts, tokens = parts_of(segments, model.vocabulary), tokenize(segments, model.vocabulary)
    assert sum(part.n_tokens for part in parts) == len(tokens)
    assert "".join(part.text for part in parts) == model.vocabulary.spelling(tokens).decode("utf-8", "replace")
    return parts


def shown(parts: Sequence[PromptPart]) -> Shown:
    return [(part.kind, part.text) for part in parts]


def test_a_prelude_is_the_systems_and_prefix_and_postfix_are_the_templates(family_file: FamilyFile) -> None:
    behind = Exchange("one", "two", (Said("two", "answer"),))
    with loaded(family_file("qwen2")) as model:
        parts = parts_in(
            model, Asked("three", "[1] x\n\n"), behind, prelude="Be brief.\n", prefix="Q: ", postfix="\nA:"
        )
    assert shown(parts) == [
        ("system", "Be brief.\n"),
        ("template", "Q:"),
        ("prompt", " one"),  # a space goes with the word behind it, as models know it
        ("template", "\nA:"),
        ("answer", "two"),
        ("recalled", "[1] x\n\n"),
        ("template", "Q:"),
        ("prompt", " three"),
        ("template", "\nA:"),
    ]


@pytest.mark.parametrize("is_of_the_caller", [False, True])
def test_a_chat_template_is_told_from_what_it_was_given(family_file: FamilyFile, *, is_of_the_caller: bool) -> None:
    caller, task = ("Be kind.", {}) if is_of_the_caller else (None, {"system": "Be kind."})
    with loaded(family_file("qwen2")) as model:
        answer = tuple(model.vocabulary.plain_tokens("your name"))
        behind = Exchange("hi", "your name", (Answered(answer),))
        parts = parts_in(model, Asked("so?"), behind, caller=caller, **task)
    assert shown(parts) == [
        ("template", "<|im_start|>system\n"),
        ("system", "Be kind."),
        ("template", "<|im_end|>\n<|im_start|>user\n"),
        ("prompt", "hi"),
        ("template", "<|im_end|>\n<|im_start|>assistant\n"),
        ("answer", "your name"),
        ("template", "<|im_end|>\n<|im_start|>user\n"),
        ("prompt", "so?"),
        ("template", "<|im_end|>\n<|im_start|>assistant\n"),
    ]


@pytest.mark.parametrize("family", ["llama", "llama-chatml", "qwen2"])
@pytest.mark.parametrize("template", ["auto", "[INST] {{ messages[-1].content }} [/INST]", IN_JSON])
def test_what_was_recalled_is_told_from_the_prompt_though_both_are_one_text(
    family: str, template: str, family_file: FamilyFile
) -> None:
    with loaded(family_file(family)) as model:
        parts = parts_in(model, Asked('who "barks"?', "[1] dögs.txt\nA dog.\n\n"), template=template)
    said: dict[PartKind, str] = {kind: text for kind, text in shown(parts) if kind in ("recalled", "prompt")}
    assert list(said) == ["recalled", "prompt"]
    assert "dögs.txt" in said["recalled"]
    assert said["prompt"].endswith('barks\\"?' if template == IN_JSON else '"barks"?')
    assert "who" in said["prompt"]


def test_the_first_token_of_a_sequence_is_the_templates(family_file: FamilyFile) -> None:
    with loaded(family_file("llama")) as model:
        parts = parts_in(model, Asked("hello"), template="none")
        (alone,) = parts_in(model, Asked(""), template="none")
    assert shown(parts) == [("template", "<s>"), ("prompt", " hello")]
    assert alone == PromptPart("template", "<s>", 1)


def test_tools_are_the_systems_calls_the_models_and_results_the_users(family_file: FamilyFile) -> None:
    tool = Tool.of("find", {"type": "object", "properties": {"of": {"type": "string"}}}, "Finds things: all.")
    call = ToolCall("1", "find", '{"of": "the cat"}')
    behind = Exchange("where is it?", "", (Said("", "answer"),), calls=(call,))
    asked = Asked("", results=(ToolResult("1", "below the bed"),), tools=(tool,))
    with loaded(family_file("qwen2")) as model:
        parts = parts_in(model, asked, behind, system="Be kind.", template=tool_templates.QWEN)
    of_kind = {kind: [text for its, text in shown(parts) if its == kind] for kind in ("system", "answer", "prompt")}
    assert of_kind["system"][0] == "Be kind."
    assert "Finds things: all." in "".join(of_kind["system"][1:])
    assert "the cat" in "".join(of_kind["answer"])
    assert of_kind["prompt"] == ["where is it?", "below the bed"]


def test_half_a_character_at_the_end_of_an_answer_is_not_lost(family_file: FamilyFile) -> None:
    with loaded(family_file("llama")) as model:
        half = model.vocabulary.plain_tokens("é")[:1]
        parts = parts_of([Written("a"), Answered(tuple(half))], model.vocabulary)
    assert len(half) == 1
    assert parts[-1] == PromptPart("answer", "\ufffd", 1)


def test_pieces_that_are_joined_can_be_told_apart_again() -> None:
    pieces: list[tuple[PartKind, str]] = [("recalled", "[1] x\n\n"), ("prompt", "hi")]
    assert Said.joined(pieces).pieces == pieces
    assert Said.joined([("recalled", "x"), ("prompt", "")]) == Said("x")
    assert Said.joined([("recalled", "x"), ("prompt", "")]).kind == "recalled"
    assert Said.joined([("recalled", ""), ("prompt", "")]).kind == "prompt"
    assert Said.joined([("system", "a"), ("system", "b"), ("answer", "c")]).pieces == [
        ("system", "ab"),
        ("answer", "c"),
    ]
