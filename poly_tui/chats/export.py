"""Chats for other programs and for readers: as Markdown, JSON and HTML."""

import html
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from string import Template

from poly_tui.chats.tree import ENDS, Chat, ChatTurn

__all__ = ["FORMATS", "as_html", "as_json", "as_markdown"]

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


def as_markdown(chat: Chat) -> str:
    """The path that is shown. Prompts are quotes, and answers stand as they are."""
    parts = [f"# {_one_line(chat.title) or 'Chat'}"]
    for turn in chat.path:
        quote = "\n".join(f"> {line}".rstrip() for line in turn.prompt.split("\n"))
        parts += [quote, f"*{_byline(turn)}*", _closed(turn.answer.strip())]
    return "\n\n".join(part for part in parts if part) + "\n"


def as_json(chat: Chat) -> str:
    """All turns, also those that are not on the path; `path` has the numbers of those that are."""
    numbers = {turn: turn.id or place for place, turn in enumerate(chat.turns(), 1)}
    content = {
        "format": "poly.chat",
        "version": 1,
        "id": chat.id,
        "title": chat.title,
        "task": chat.task,
        "created": _time(chat.created),
        "path": [numbers[turn] for turn in chat.path],
        "turns": [_fields(turn, numbers) for turn in chat.turns()],
    }
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def as_html(chat: Chat) -> str:
    """The path that is shown, as a page that needs nothing else and runs nothing."""
    title = html.escape(_one_line(chat.title) or "Chat")
    turns = "\n".join(
        f'<section><pre class="prompt">{html.escape(turn.prompt)}</pre>\n'
        f'<p class="by">{html.escape(_byline(turn))}</p>\n<pre>{html.escape(turn.answer.strip())}</pre></section>'
        for turn in chat.path
    )
    return _PAGE.substitute(title=title, turns=turns)


FORMATS: Mapping[str, Callable[[Chat], str]] = {"md": as_markdown, "json": as_json, "html": as_html}
"""What makes a file of a chat, by how the name of the file ends."""


def _fields(turn: ChatTurn, numbers: Mapping[ChatTurn, int]) -> dict[str, object]:
    return {
        "id": numbers[turn],
        "parent": numbers[turn.parent] if turn.parent else None,
        "prompt": turn.prompt,
        "answer": turn.answer,
        "thinking": turn.thinking,
        "task": turn.task,
        "model": turn.model,
        "created": _time(turn.created),
        "state": turn.state,
        **turn.facts,
    }


def _byline(turn: ChatTurn) -> str:
    """Who answered, when, and how it ended."""
    words = [turn.task, turn.model, datetime.fromtimestamp(turn.created).astimezone().strftime("%Y-%m-%d %H:%M")]
    return " · ".join(filter(None, [*words, ENDS.get(turn.state, "")]))


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().isoformat(timespec="seconds")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _closed(text: str) -> str:
    """Markdown whose last fence is closed, so that what follows is not taken for code."""
    fence = ""
    for line in text.split("\n"):
        match = _FENCE.match(line)
        if match is None:
            continue
        if not fence:
            fence = match[1]
        elif match[1].startswith(fence) and not line[match.end() :].strip():
            fence = ""
    return f"{text}\n{fence}" if fence else text


_PAGE = Template("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>$title</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 48rem; margin: 2rem auto; padding: 0 1rem; }
pre { font: inherit; white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; }
.prompt { font-weight: 600; background: color-mix(in srgb, currentColor 8%, transparent); padding: .5rem .75rem; }
.by { font-size: .8rem; opacity: .7; margin: .25rem 0 .5rem; }
section { margin-bottom: 2rem; }
</style>
</head>
<body>
<h1>$title</h1>
$turns
</body>
</html>
""")
