"""The floor: llama.cpp's C API in the shortest loop that does the same work, with nothing around it."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from llama_cpp import llama_cpp as c

from poly_engine.llama import library
from poly_engine.llama.context import Rows

N_BATCH = 2048


@dataclass(frozen=True)
class Speeds:
    """Tokens per second of all streams together."""

    prefill: float
    decode: float


class Floor:
    """One model and one context, driven by hand."""

    def __init__(self, path: Path, *, n_cells: int, n_seq: int, n_threads: int) -> None:
        library.start()
        self._model: Any = c.llama_model_load_from_file(str(path).encode(), c.llama_model_default_params())
        self._vocab: Any = c.llama_model_get_vocab(self._model)
        params = c.llama_context_default_params()
        params.n_ctx = n_cells
        params.n_batch, params.n_ubatch = N_BATCH, 512
        params.n_seq_max = n_seq
        params.n_outputs_max = n_seq
        params.n_threads = params.n_threads_batch = n_threads
        params.kv_unified = True
        self._context: Any = c.llama_init_from_model(self._model, params)
        self._memory: Any = c.llama_get_memory(self._context)
        self._rows = Rows(N_BATCH)
        self.n_vocab: int = c.llama_vocab_n_tokens(self._vocab)

    def close(self) -> None:
        c.llama_free(self._context)
        c.llama_model_free(self._model)

    def speeds(self, prompts: list[list[int]], n_tokens: int) -> Speeds:
        """Read each prompt, then write `n_tokens` to each stream, all in step, with the default sampler chain."""
        n = len(prompts)
        self._clear()
        chains = [self._chain(seed) for seed in range(n)]
        begin = time.perf_counter()
        last = [self._read(stream, prompt, chains[stream]) for stream, prompt in enumerate(prompts)]
        middle = time.perf_counter()
        positions = [len(prompt) for prompt in prompts]
        for step in range(n_tokens):
            self._decode(last, [position + step for position in positions], list(range(n)), list(range(n)))
            last = [c.llama_sampler_sample(chains[stream], self._context, stream) for stream in range(n)]
        end = time.perf_counter()
        for chain in chains:
            c.llama_sampler_free(chain)
        return Speeds(sum(positions) / (middle - begin), n * n_tokens / (end - middle))

    def shared_prefix_seconds(self, prelude: list[int], prompts: list[list[int]]) -> float:
        """Read a prelude once, let every stream share it, read the rest of each in one batch, sample all first
        tokens."""
        self._clear()
        n, n_prelude, source = len(prompts), len(prelude), len(prompts)
        chains = [self._chain(seed) for seed in range(n)]
        begin = time.perf_counter()
        self._decode(prelude, list(range(n_prelude)), [source] * n_prelude, [])
        for stream in range(n):
            c.llama_memory_seq_cp(self._memory, source, stream, -1, -1)
        tokens = [token for prompt in prompts for token in prompt]
        positions = [n_prelude + i for prompt in prompts for i in range(len(prompt))]
        streams = [stream for stream, prompt in enumerate(prompts) for _ in prompt]
        ends = list(np.cumsum([len(prompt) for prompt in prompts]) - 1)
        self._decode(tokens, positions, streams, ends)
        for stream, row in enumerate(ends):
            c.llama_sampler_sample(chains[stream], self._context, int(row))
        seconds = time.perf_counter() - begin
        for chain in chains:
            c.llama_sampler_free(chain)
        return seconds

    def _read(self, stream: int, prompt: list[int], chain: Any) -> int:
        self._decode(prompt, list(range(len(prompt))), [stream] * len(prompt), [len(prompt) - 1])
        return int(c.llama_sampler_sample(chain, self._context, -1))

    def _decode(self, tokens: list[int], positions: list[int], streams: list[int], wanted: list[int]) -> None:
        self._rows.fill(tokens, positions, streams, wanted)
        status = c.llama_decode(self._context, self._rows.batch)
        c.llama_synchronize(self._context)
        assert status == 0, f"llama_decode gave {status}"

    def _chain(self, seed: int) -> Any:
        chain = c.llama_sampler_chain_init(c.llama_sampler_chain_default_params())
        for step in (
            c.llama_sampler_init_top_k(40),
            c.llama_sampler_init_top_p(0.95, 1),
            c.llama_sampler_init_temp(0.8),
            c.llama_sampler_init_dist(seed),
        ):
            c.llama_sampler_chain_add(chain, step)
        return chain

    def _clear(self) -> None:
        c.llama_memory_clear(self._memory, True)
