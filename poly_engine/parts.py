"""The parts of a prompt: whose each of them is."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["PartKind", "PromptPart"]

PartKind: TypeAlias = Literal["template", "system", "recalled", "prompt", "answer"]
"""Whose a part of a prompt is: of a chat template, prefix or postfix; of what the model is told before all else, tools
too; of a memory; of the user, and of tools that were called; or of the model itself.
"""


@dataclass(frozen=True, slots=True)
class PromptPart:
    """A part of a prompt as a model reads it, with the texts of special tokens. A token that two parts have in common
    belongs to the one in which it begins. Where a server makes the tokens, their number is estimated.
    """

    kind: PartKind
    text: str
    n_tokens: int
