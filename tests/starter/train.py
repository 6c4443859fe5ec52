"""Trains the starter model by a fixed number of steps; `python -m tests.starter.train --work DIR`.

Everything is drawn from the seed, so that the same machine and torch give the same weights. A checkpoint is written
every few minutes, and a run that finds one in its folder goes on from there.
"""

import argparse
import math
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - its customary name
from torch import Tensor

from .batches import Encoder, Example, pool, tensors
from .model import Shape, Starter
from .tokenizer import load_or_learn

_RATE, _WARM_STEPS, _HELD_STEPS = 0.002, 100, 800
_YOUTH_STEPS = 800


@dataclass(slots=True)
class RunningScore:
    """Per skill, running means of the loss and of wholly right answers."""

    means: dict[str, tuple[float, float]] = field(default_factory=dict)

    def add(self, skill: str, loss: float, right: float) -> None:
        """Count one answer."""
        old_loss, old_right = self.means.get(skill, (loss, right))
        self.means[skill] = 0.98 * old_loss + 0.02 * loss, 0.98 * old_right + 0.02 * right

    def __str__(self) -> str:
        return " ".join(f"{skill}:{loss:.2f}/{right:.2f}" for skill, (loss, right) in sorted(self.means.items()))


@dataclass(frozen=True, slots=True)
class PartResult:
    """What one thread found out about its part of a batch; loss and gradients are sums, to be divided by the weight."""

    gradients: tuple[Tensor, ...]
    loss: float
    weight: float
    learned: Tensor
    losses: Tensor
    right: Tensor

    @property
    def n_tokens(self) -> int:
        """Tokens read, with padding."""
        return self.learned.numel()


class Trainer:
    """The model with its optimiser, and where it is in its schedule."""

    def __init__(self, options: argparse.Namespace, vocabulary: int) -> None:
        self.options = options
        self.step, self.n_tokens, self.seconds = 0, 0, 0.0
        self.pool, self.pool_began = 0, 0
        torch.manual_seed(options.seed)
        self.shape = Shape(vocabulary, options.width, options.layers, options.width // 64, options.feed_forward)
        self.model = Starter(self.shape)
        self._parameters = list(self.model.parameters())
        self._n_threads = options.threads
        self._threads = ThreadPoolExecutor(options.threads, initializer=torch.set_flush_denormal, initargs=(True,))
        matrices = [
            p for name, p in self.model.named_parameters() if p.dim() == 2 and not name.startswith("token_embd")
        ]
        others = [p for name, p in self.model.named_parameters() if p.dim() < 2 or name.startswith("token_embd")]
        groups = [{"params": matrices, "weight_decay": 0.02}, {"params": others, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=0.0, betas=(0.9, 0.98), eps=1e-9)
        self.score = RunningScore()

    def unread_batches(self, encoder: Encoder) -> list[list[Example]]:
        """What is left of the present pool, no more than there are steps.

        Passages are short and mostly answerable at first: with the full mix from the start, copying is not learned.
        """
        options = self.options
        maturity = min(1.0, self.pool_began / _YOUTH_STEPS)
        batches = pool(encoder, options.seed, self.pool, maturity, options.tokens_per_step)
        return batches[self.step - self.pool_began : options.steps - self.pool_began]

    def learn(self, batch: list[Example]) -> float:
        """One step; the loss is taken on the answers only.

        Each thread computes the gradients of its own part of the batch: with networks as small as this, two threads
        with one half each are nearly twice as fast as two threads that share every operation.
        """
        self._set_rate()
        parts = [part for part in (batch[at :: self._n_threads] for at in range(self._n_threads)) if part]
        results = list(self._threads.map(self._gradients, parts))
        weight = sum(result.weight for result in results)
        for parameter, *gradients in zip(self._parameters, *(result.gradients for result in results), strict=True):
            parameter.grad = torch.stack(gradients).sum(0) / weight
        torch.nn.utils.clip_grad_norm_(self._parameters, 1.0)
        self.optimizer.step()
        self.step += 1
        for part, result in zip(parts, results, strict=True):
            self.n_tokens += result.n_tokens
            self._score(part, result)
        return sum(result.loss for result in results) / weight

    def save(self, path: Path) -> None:
        """Write a checkpoint; the file is complete or absent."""
        state: dict[str, Any] = {  # torch.save takes anything
            "model": self.model.state_dict(),
            "shape": asdict(self.shape),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "pool": self.pool,
            "pool_began": self.pool_began,
            "n_tokens": self.n_tokens,
            "seconds": self.seconds,
            "steps": self.options.steps,
            "seed": self.options.seed,
        }
        unfinished = path.with_suffix(".tmp")
        torch.save(state, unfinished)
        unfinished.replace(path)

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint, with the batch after the last one."""
        state = torch.load(path)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.pool, self.pool_began = state["step"], state["pool"], state["pool_began"]
        self.n_tokens, self.seconds = state["n_tokens"], state["seconds"]

    def _set_rate(self) -> None:
        """Warm up, hold, and fall to zero along a cosine."""
        warm = min(1.0, (self.step + 1) / _WARM_STEPS)
        fallen = max(0.0, (self.step - _HELD_STEPS) / (self.options.steps - _HELD_STEPS))
        for group in self.optimizer.param_groups:
            group["lr"] = _RATE * warm * 0.5 * (1 + math.cos(math.pi * fallen))

    def _gradients(self, part: list[Example]) -> PartResult:
        ids, positions, targets, weights = tensors(part)
        learned = weights > 0
        logits = self.model.logits(self.model.hidden(ids, positions)[learned])
        losses = F.cross_entropy(logits, targets[learned], reduction="none")
        loss = (losses * weights[learned]).sum()
        gradients = torch.autograd.grad(loss, self._parameters)
        right = logits.detach().argmax(1) == targets[learned]
        return PartResult(gradients, float(loss.detach()), float(weights.sum()), learned, losses.detach(), right)

    def _score(self, batch: list[Example], result: PartResult) -> None:
        learned = result.learned
        loss_by_token, right_by_token = torch.zeros(learned.shape), torch.ones(learned.shape)
        loss_by_token[learned], right_by_token[learned] = result.losses, result.right.float()
        for row, example in enumerate(batch):
            end = 0
            while end < len(example.skills):
                begin, skill = end, example.skills[end]
                while end < len(example.skills) and example.skills[end] == skill:
                    end += 1
                if skill:
                    span = slice(begin - 1, end - 1)
                    exact = float(right_by_token[row, span].min())
                    self.score.add(skill, float(loss_by_token[row, span].mean()), exact)


def main() -> None:
    """Train, or go on training."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder of the tokenizer and the checkpoint")
    parser.add_argument("--steps", type=int, default=4600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--feed-forward", type=int, default=512)
    parser.add_argument("--tokens-per-step", type=int, default=2048)
    parser.add_argument("--checkpoint-every", type=int, default=200)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    options.work.mkdir(parents=True, exist_ok=True)
    tokenizer = load_or_learn(options.work / "tokenizer.json", options.seed)
    _train(Trainer(options, tokenizer.get_vocab_size()), Encoder(tokenizer))


def _train(trainer: Trainer, encoder: Encoder) -> None:
    options, checkpoint = trainer.options, trainer.options.work / "checkpoint.pt"
    if checkpoint.exists():
        trainer.resume(checkpoint)
    print(f"{sum(p.numel() for p in trainer.model.parameters())} parameters, from step {trainer.step}", flush=True)
    began = time.monotonic() - trainer.seconds
    while trainer.step < options.steps:
        for batch in trainer.unread_batches(encoder):
            loss = trainer.learn(batch)
            trainer.seconds = time.monotonic() - began
            if trainer.step % 50 == 0:
                pace = trainer.n_tokens / trainer.seconds
                print(f"{trainer.step} {trainer.seconds:.0f}s {pace:.0f} tok/s {loss:.3f} {trainer.score}", flush=True)
            if trainer.step % options.checkpoint_every == 0 or trainer.step == options.steps:
                trainer.save(checkpoint)
        trainer.pool, trainer.pool_began = trainer.pool + 1, trainer.step


if __name__ == "__main__":
    main()
