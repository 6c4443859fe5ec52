"""Batches for the training: dialogues as tokens, with what is to be learned of them."""

import random
from dataclasses import dataclass
from itertools import islice

import torch
from tokenizers import Tokenizer
from torch import Tensor

from .corpus import Dialogue, dialogues
from .tokenizer import END, START

_POOL_SIZE = 512
_LONGEST = 400
_N_DECIDING_TOKENS, _DECIDING_WEIGHT = 2, 2.0


@dataclass(frozen=True, slots=True)
class Example:
    """One dialogue as tokens: which of them are to be learned, with what weight, and at which positions they stand."""

    ids: list[int]
    weights: list[float]
    positions: list[int]
    skills: list[str]


class Encoder:
    """Turns dialogues into ChatML tokens."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        start, end = tokenizer.token_to_id(START), tokenizer.token_to_id(END)
        assert start is not None
        assert end is not None
        self._start, self._end = start, end

    def encode(self, dialogue: Dialogue, rng: random.Random) -> Example:
        """One dialogue; in some, positions jump between the turns, so that great distances are learned cheaply."""
        example = Example([], [], [], [])
        room = rng.choice([0, 0, 0, rng.randint(0, 600)])
        if dialogue.system:
            self._add(example, "system", dialogue.system, "")
        for turn in dialogue.turns:
            jump = rng.randint(0, room)
            room -= jump
            self._add(example, "user", turn.user, "", jump)
            self._add(example, "assistant", turn.answer, turn.skill)
        return example

    def _add(self, example: Example, role: str, text: str, skill: str, jump: int = 0) -> None:
        head = [self._start, *self._ids(f"{role}\n")]
        body = [*self._ids(text), self._end]
        ids = [*head, *body, *self._ids("\n")]
        first = example.positions[-1] + 1 + jump if example.positions else 0
        example.positions.extend(range(first, first + len(ids)))
        example.ids.extend(ids)
        weights = [1.0 if skill else 0.0] * len(body)
        if skill:
            weights[:_N_DECIDING_TOKENS] = [_DECIDING_WEIGHT] * len(weights[:_N_DECIDING_TOKENS])
        example.weights.extend([0.0] * len(head) + weights + [0.0])
        example.skills.extend([""] * len(head) + [skill] * len(body) + [""])

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids


def pool(encoder: Encoder, seed: int, number: int, maturity: float, tokens_per_batch: int) -> list[list[Example]]:
    """Batches of examples of similar length, in random order; the same for the same arguments."""
    rng = random.Random(f"{seed} {number}")
    stream = dialogues(rng.getrandbits(32), maturity)
    examples = [encoder.encode(dialogue, rng) for dialogue in islice(stream, _POOL_SIZE)]
    examples = sorted((e for e in examples if len(e.ids) <= _LONGEST), key=lambda e: len(e.ids) + rng.random() * 4)
    batches: list[list[Example]] = [[]]
    for example in examples:
        if batches[-1] and (len(batches[-1]) + 1) * len(example.ids) > tokens_per_batch:
            batches.append([])
        batches[-1].append(example)
    rng.shuffle(batches)
    return batches


def tensors(batch: list[Example]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Ids, positions, targets and weights of a batch, padded to its longest example."""
    length = max(len(example.ids) for example in batch)
    ids, positions, targets = (torch.zeros(len(batch), length, dtype=torch.long) for _ in range(3))
    weights = torch.zeros(len(batch), length)
    for row, example in enumerate(batch):
        n = len(example.ids)
        ids[row, :n] = torch.tensor(example.ids)
        positions[row, :n] = torch.tensor(example.positions)
        targets[row, : n - 1] = torch.tensor(example.ids[1:])
        weights[row, : n - 1] = torch.tensor(example.weights[1:])
    return ids, positions, targets, weights
