"""Carries out the batches of the scheduler: edits to the KV cache, one decode, one sample per output."""

from __future__ import annotations  # the binding names its pointer types for type checkers only

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from llama_cpp import llama_cpp as c

from poly_engine.batch.messages import Generate
from poly_engine.batch.scheduler import Batch
from poly_engine.batch.slots import CacheEdit, Copy, Trim
from poly_engine.bias.compiled import Biases
from poly_engine.bias.taken import Step, Taken
from poly_engine.errors import EngineFailed
from poly_engine.llama.biased import BiasedSampling
from poly_engine.llama.context import Rows, decode, open_context
from poly_engine.llama.logit_bias import LogitBias
from poly_engine.llama.logprobs import Scorer
from poly_engine.llama.model import LlamaModel
from poly_engine.llama.sampler import Candidates, Sampler, memory_of
from poly_engine.models.fit import MICRO_BATCH

MAX_SLOTS = 256
"""Sequences that llama.cpp can tell apart in one cache (LLAMA_MAX_SEQ)."""


class Runner:
    """One context of a model, with one KV cache for all sequences, and the sampler of each request.

    Raises ModelLoadFailed when the context does not fit the memory.
    """

    def __init__(
        self, model: LlamaModel, biases: Biases, *, n_cells: int, n_slots: int, n_batch: int, n_threads: int
    ) -> None:
        params = c.llama_context_default_params()
        params.n_ctx = n_cells
        params.n_batch = n_batch
        params.n_ubatch = min(n_batch, MICRO_BATCH)
        params.n_seq_max = n_slots
        params.n_outputs_max = n_slots  # as few as it allows; by default it makes room for logits of a whole batch
        params.n_threads = params.n_threads_batch = n_threads
        params.kv_unified = True
        self._model = model
        self._context = open_context(model, params)
        memory = c.llama_get_memory(self._context)
        assert memory is not None, "a model that cannot write has no runner"
        self._memory = memory
        self._rows = Rows(n_batch)
        self._samplers: dict[int, Sampler] = {}
        self._scorers: dict[int, Scorer] = {}
        self._candidates = Candidates(self._n_vocab)
        self._biased = BiasedSampling(biases, self._n_vocab, self._candidates)

    def prepare(self, request: Generate) -> Taken:
        """Make the sampler of a request, and return what its answer begins with in any case. Raises InvalidSchema.

        The sampler looks back at the prompt, too.
        """
        opening = self._biased.prepare(request)
        span = memory_of(request.sampler)
        written = (*request.tokens, *(step.token for step in opening.steps))
        history = written[-span:] if span else ()
        bias = LogitBias(request.logit_bias, self._n_vocab) if request.logit_bias else None
        self._samplers[request.id] = Sampler(
            request.sampler, seed=request.seed, vocab=self._vocab, history=history, bias=bias
        )
        if request.logprobs is not None:
            self._scorers[request.id] = Scorer(self._model.vocabulary, request.logprobs)
        return opening

    def drop(self, request_id: int) -> None:
        """Free the sampler of a request that is over."""
        self._biased.drop(request_id)
        self._scorers.pop(request_id, None)
        if sampler := self._samplers.pop(request_id, None):
            sampler.close()

    def decode(self, batch: Batch) -> list[Taken]:
        """Compute a batch and return what comes of each of its outputs. Raises EngineFailed."""
        for edit in batch.edits:
            self._edit(edit)
        self._rows.fill(batch.tokens, batch.positions, batch.slots, [row for row, _ in batch.outputs])
        with self._biased.masking([request_id for _, request_id in batch.outputs]):
            decode(self._context, self._rows)
        return [self._sample(row, request_id) for row, request_id in batch.outputs]

    def set_threads(self, n: int) -> None:
        """Compute with so many threads."""
        c.llama_set_n_threads(self._context, n, n)

    def clear(self) -> None:
        """Forget everything in the cache, after a decode that failed."""
        c.llama_memory_clear(self._memory, True)

    def close(self) -> None:
        """Free the context and the samplers."""
        for request_id in tuple(self._samplers):
            self.drop(request_id)
        self._biased.close()
        c.llama_free(self._context)

    @property
    def _vocab(self) -> c.llama_vocab_p:
        vocab = c.llama_model_get_vocab(self._model.pointer)
        assert vocab is not None
        return vocab

    @property
    def _n_vocab(self) -> int:
        return self._model.vocabulary.n_tokens

    def _sample(self, row: int, request_id: int) -> Taken:
        taken = self._choose(row, request_id)
        scorer = self._scorers.get(request_id)
        if scorer is None or not taken.steps:
            return taken
        first, *forced = taken.steps
        return replace(taken, steps=(scorer.scored(first, self._logits(row)), *forced))

    def _choose(self, row: int, request_id: int) -> Taken:
        sampler = self._samplers[request_id]
        if self._biased.has(request_id):
            return self._biased.sample(request_id, sampler, self._logits(row))
        if sampler.bias is None:
            return Taken((Step(sampler.sample(self._context, row)),))
        token = sampler.choose(sampler.bias.possible, self._logits(row), self._candidates)
        sampler.remember(token)
        return Taken((Step(token),))

    def _logits(self, row: int) -> npt.NDArray[np.float32]:
        """Those of a row of the last decode, which the next one overwrites."""
        return np.ctypeslib.as_array(c.llama_get_logits_ith(self._context, row), (self._n_vocab,))

    def _edit(self, edit: CacheEdit) -> None:
        match edit:
            case Copy(source, target, n):
                c.llama_memory_seq_cp(self._memory, source, target, 0, n)
            case Trim(slot, n):
                if not c.llama_memory_seq_rm(self._memory, slot, n, -1):
                    raise EngineFailed(f"{self._model.header.architecture} cannot forget a part of a sequence")
