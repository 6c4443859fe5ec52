"""What asks a server, as a command."""

import json
import shlex

__all__ = ["as_curl"]


def as_curl(url: str, task: str, prompt: str = "Hello") -> str:
    """A command that asks a task of the server at `url`. The key is read where it runs: $POLY_API_KEY."""
    body = json.dumps({"model": task, "messages": [{"role": "user", "content": prompt}]}, ensure_ascii=False)
    return (
        f"curl -N {shlex.quote(f'{url}/v1/chat/completions')} \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        '  -H "Authorization: Bearer $POLY_API_KEY" \\\n'
        f"  -d {shlex.quote(body)}\n"
    )
