"""Asks a GGUF file the held-out cases: `python -m tests.starter.evaluate MODEL.gguf`.

Greedy decoding through llama-cpp-python with the chat template of the file. Prints a table in Markdown, one row per
skill with its gate; `--card` writes the table between the markers of a model card; `--errors N` shows wrong answers.
"""

import argparse
import re
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from llama_cpp import Llama

from .cases import SKILLS, Case, cases, development_cases

_BEGIN, _END = "<!-- evaluation -->", "<!-- end of evaluation -->"


class Chat:
    """Greedy conversations with a model file."""

    def __init__(self, model: Path) -> None:
        self._llama = Llama(str(model), n_ctx=2048, n_threads=2, verbose=False)

    def errors(self, case: Case) -> list[tuple[str, str]]:
        """The first wrong answer with its message, or nothing; later turns build on the model's own answers."""
        messages = [{"role": "system", "content": case.system}] if case.system else []
        for question in case.questions:
            messages.append({"role": "user", "content": question.user})
            answer = self.answer(messages)
            if not question.is_right(answer):
                return [(question.user, answer)]
            messages.append({"role": "assistant", "content": answer})
        return []

    def answer(self, messages: list[dict[str, str]]) -> str:
        """The model's next message."""
        reply: Any = self._llama.create_chat_completion(messages, temperature=0.0, max_tokens=160)  # type: ignore[arg-type]  # its own message classes
        return str(reply["choices"][0]["message"]["content"])


def table(chat: Chat, n: int, errors_shown: int) -> str:
    """The table of all skills; wrong answers go to stderr."""
    asked: dict[str, int] = defaultdict(int)
    wrong: dict[str, int] = defaultdict(int)
    for case in cases(seed=2, n=n):
        asked[case.skill] += 1
        for user, answer in chat.errors(case):
            wrong[case.skill] += 1
            if wrong[case.skill] <= errors_shown:
                print(f"{case.skill}: {user!r} -> {answer!r}", file=sys.stderr)
    lines = ["| skill | n | right | gate | | what is asked |", "|---|---|---|---|---|---|"]
    for skill in SKILLS:
        share = 1 - wrong[skill.name] / asked[skill.name]
        verdict = "passed" if share >= skill.gate else "**missed**"
        lines.append(
            f"| {skill.name} | {asked[skill.name]} | {share:.3f} | {skill.gate:.2f} | {verdict} | {skill.about} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Evaluate a model file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("-n", type=int, default=300, help="cases of each generated skill")
    parser.add_argument("--card", type=Path, help="model card that gets the table")
    parser.add_argument("--errors", type=int, default=0, help="wrong answers shown per skill")
    parser.add_argument("--development", action="store_true", help="ask the development questions, show all errors")
    options = parser.parse_args()
    chat = Chat(options.model)
    if options.development:
        for case in development_cases():
            for user, answer in chat.errors(case):
                print(f"{user} -> {answer}")
        return
    result = table(chat, options.n, options.errors)
    print(result)
    if options.card:
        card = options.card.read_text()
        options.card.write_text(
            re.sub(f"{_BEGIN}.*?{_END}", lambda _: f"{_BEGIN}\n{result}\n{_END}", card, flags=re.DOTALL)
        )


if __name__ == "__main__":
    main()
