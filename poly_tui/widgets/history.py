"""The prompts of this run and of those before it, to walk through with up and down."""

from collections.abc import Sequence

__all__ = ["PromptHistory"]


class PromptHistory:
    """Remembers prompts, and the draft that was being written when the walk began."""

    def __init__(self) -> None:
        self._prompts: list[str] = []
        self._position = 0
        self._draft = ""

    def add(self, prompt: str) -> None:
        """Remember `prompt` as the newest, once if it is repeated, and end the walk."""
        if self._prompts[-1:] != [prompt]:
            self._prompts.append(prompt)
        self._position = len(self._prompts)

    def begin_with(self, prompts: Sequence[str]) -> None:
        """Remember prompts as older than all there are."""
        self._prompts[:0] = prompts
        self._position += len(prompts)

    def older(self, draft: str) -> str | None:
        """The prompt before the one shown, or None at the oldest. `draft` comes back at the end of the walk."""
        if self._position == 0:
            return None
        if self._position == len(self._prompts):
            self._draft = draft
        self._position -= 1
        return self._prompts[self._position]

    def newer(self) -> str | None:
        """The prompt after the one shown, in the end the draft, or None if the draft is shown."""
        if self._position == len(self._prompts):
            return None
        self._position += 1
        return self._draft if self._position == len(self._prompts) else self._prompts[self._position]
