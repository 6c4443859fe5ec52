"""Chats for other programs and for readers."""

import json
import re
import subprocess
import sys

import pytest

from poly_tui.chats.code import as_curl, as_python
from poly_tui.chats.export import FORMATS, as_html, as_json, as_markdown
from poly_tui.chats.tree import Chat, ChatTurn

NASTY = 'it\'s "quoted" $(rm -rf /) `x` \\ <script>alert(1)</script> & \n# not a heading é 終'


def a_chat() -> Chat:
    chat = Chat("Two <b>versions</b>", "legal", 7)
    first = ChatTurn("one", None, "legal", "big", 0.0, "1", state="complete", facts={"usage": {"prompt_tokens": 3}})
    chat.add(first)
    chat.add(ChatTurn("old", first, "legal", "big", 0.0, "2", state="complete"))
    chat.add(ChatTurn(NASTY, first, "legal", "big", 0.0, "```python\nx = 1", state="stopped"))
    return chat


def test_markdown_has_the_path_with_prompts_as_quotes_and_closes_a_fence() -> None:
    text = as_markdown(a_chat())

    assert text.startswith("# Two <b>versions</b>\n\n> one\n\n*legal · big · ")
    assert "old" not in text
    assert "\n> # not a heading é 終\n" in text
    assert text.endswith("· stopped*\n\n```python\nx = 1\n```\n")


@pytest.mark.parametrize(
    ("answer", "end"),
    [("```\na\n```", "```"), ("~~~\na\n```", "```\n~~~"), ("````\n```\n", "```\n````"), ("no `code`", "no `code`")],
)
def test_only_a_fence_that_is_open_is_closed(answer: str, end: str) -> None:
    chat = Chat("t")
    chat.add(ChatTurn("q", answer=answer, state="complete"))

    assert as_markdown(chat).rstrip().endswith(end)


def test_json_has_all_versions_and_says_which_are_shown() -> None:
    found = json.loads(as_json(a_chat()))

    assert (found["format"], found["version"], found["id"], found["task"]) == ("poly.chat", 1, 7, "legal")
    assert [(turn["id"], turn["parent"]) for turn in found["turns"]] == [(1, None), (2, 1), (3, 1)]
    assert found["path"] == [1, 3]
    assert found["turns"][2]["prompt"] == NASTY
    assert found["turns"][0]["usage"] == {"prompt_tokens": 3}


def test_html_is_a_page_of_its_own_in_which_nothing_is_markup() -> None:
    page = as_html(a_chat())

    assert "<h1>Two &lt;b&gt;versions&lt;/b&gt;</h1>" in page
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert not re.search(r"(src|href)=|url\(", page)
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page


def test_a_placeholder_in_a_title_stays_what_it_is() -> None:
    chat = Chat("{turns}")
    chat.add(ChatTurn("q", answer="{title}"))

    assert as_html(chat).count("<section>") == 1


def test_an_empty_chat_can_be_exported() -> None:
    assert all(export(Chat()) for export in FORMATS.values())


def test_curl_sends_exactly_what_was_said() -> None:
    chat = a_chat()
    assert chat.tip is not None
    command = as_curl(chat.tip, "http://localhost:3000/")

    shown = subprocess.run(
        ["sh", "-c", f"curl() {{ printf '%s\\n' \"$@\"; }}; {command}"], capture_output=True, text=True, check=True
    ).stdout

    assert shown.startswith("http://localhost:3000/v1/chat/completions\n-H\n")
    body = json.loads(shown.partition("\n-d\n")[2])
    assert body["model"] == "legal"
    assert [message["content"] for message in body["messages"]] == ["one", "1", NASTY]
    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user"]


@pytest.mark.parametrize("url", ["http://localhost:3000", None])
def test_python_is_a_program_that_holds_what_was_said(url: str | None) -> None:
    chat = a_chat()
    assert chat.tip is not None

    program = as_python(chat.tip, url)

    compile(program, "turn.py", "exec")
    assert repr(NASTY) in program or "it's" in program
    assert ("openai" in program) == (url is not None)


def test_the_program_over_the_library_answers() -> None:
    program = as_python(ChatTurn("hello", None, "starter"), None)

    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert result.stdout.strip()
