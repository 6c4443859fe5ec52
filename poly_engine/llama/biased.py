"""Sampling with a bias: masks that are computed while the batch is, and choices among what they leave."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt

from poly_engine.batch.messages import Generate
from poly_engine.bias.biaser import Biaser
from poly_engine.bias.compiled import Biases
from poly_engine.bias.taken import Taken
from poly_engine.llama.sampler import Candidates, Sampler

_BITS = 32


class BiasedSampling:
    """The biasers of the requests that have one. The masks of a step are computed in a thread of their own, while
    llama.cpp computes the logits that they are for.
    """

    def __init__(self, biases: Biases, n_vocab: int, candidates: Candidates) -> None:
        self._biases = biases
        self._n_vocab = n_vocab
        self._biasers: dict[int, Biaser] = {}
        self._masks: dict[int, npt.NDArray[np.uint32]] = {}
        self._candidates = candidates
        self._thread = ThreadPoolExecutor(1, "poly-masks")

    def prepare(self, request: Generate) -> Taken:
        """Make the biaser of a request, if it has a bias; return what its answer begins with. Raises InvalidSchema."""
        if request.bias is None:
            return Taken()
        assert request.max_tokens is not None, "a bias needs to know how long the answer may be"
        biases = self._biases.marked(request.marks)
        biaser = Biaser(request.bias, biases, request.max_tokens, request.private_texts)
        self._biasers[request.id] = biaser
        self._masks[request.id] = np.zeros(-(-self._n_vocab // _BITS), np.uint32)
        return biaser.begin()

    def drop(self, request_id: int) -> None:
        """Let go of the biaser of a request."""
        self._biasers.pop(request_id, None)
        self._masks.pop(request_id, None)

    @contextmanager
    def masking(self, requests: Sequence[int]) -> Iterator[None]:
        """Compute the masks of those of `requests` that have a bias, beside what is done in the block."""
        biased = [request_id for request_id in requests if request_id in self._biasers]
        masks: Future[None] | None = self._thread.submit(self._fill, biased) if biased else None
        try:
            yield
        finally:
            if masks is not None:
                masks.result()

    def has(self, request_id: int) -> bool:
        """Whether a request has a bias."""
        return request_id in self._biasers

    def sample(self, request_id: int, sampler: Sampler, logits: npt.NDArray[np.float32]) -> Taken:
        """Choose among what the mask of a request allows, and see what follows from that."""
        bits = np.unpackbits(self._masks[request_id].view(np.uint8), bitorder="little", count=self._n_vocab)
        (allowed,) = bits.view(np.bool_).nonzero()
        token = sampler.choose(allowed, logits, self._candidates)
        taken = self._biasers[request_id].take(token, is_forced=len(allowed) == 1)
        for step in taken.steps:
            sampler.remember(step.token)
        return taken

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown()

    def _fill(self, requests: Sequence[int]) -> None:
        for request_id in requests:
            self._biasers[request_id].fill_mask(self._masks[request_id])
