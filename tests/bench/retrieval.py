"""`python -m tests.bench.retrieval --model FILE`: how well a memory finds what answers a question, over documentation
that every Python carries: by vectors alone, by words alone, by both, and with other ways to join them.

A question is answered at rank n if the n-th chunk is of the right document and holds the right phrase.
"""

import argparse
import asyncio
import os
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeAlias

from poly_engine.config import Config
from poly_engine.local import LocalEngine
from poly_engine.memory.evaluation import Evaluation
from poly_engine.memory.file import FileStore
from poly_engine.memory.file.rebuild import stored_fingerprint
from poly_engine.memory.recall import CANDIDATES, fuse
from poly_engine.memory.records import Query
from poly_engine.types import Hit, RecallOptions
from tests.bench.retrieval_corpus import documents, normalised
from tests.bench.retrieval_questions import Question, misplaced, questions

MEMORY, MODEL = "documentation", "embedder"
TOP = 10
RANK_CONSTANT = 60
"""Of reciprocal rank fusion (Cormack, Clarke and Büttcher 2009)."""


def main() -> None:
    options = _options()
    folder = nullcontext(options.keep) if options.keep else tempfile.TemporaryDirectory()
    with folder as path:
        asked = asyncio.run(_ask_all(Path(path).resolve(), options.model.resolve(), options))
    _print_figures(asked)
    if options.failures:
        _print_failures(asked)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="just bench-recall", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="the GGUF file of an embedding model")
    parser.add_argument("--threads", type=int, default=1, help="threads that embed; on a busy machine more are slower")
    parser.add_argument("--keep", type=Path, help="a folder to keep the memory in, and to find it the next time")
    parser.add_argument("--candidates", type=int, default=CANDIDATES, help="chunks of either side that are joined")
    parser.add_argument("--failures", action="store_true", help="list the questions whose answer does not come first")
    return parser.parse_args()


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, what the engine recalls for it, all that the store finds for it, and how long these take."""

    question: Question
    recalled: Sequence[Hit]
    found: Sequence[Hit]
    recall_s: float
    embed_s: float
    search_s: float


async def _ask_all(folder: Path, model: Path, options: argparse.Namespace) -> Sequence[Asked]:
    corpus = documents()
    for problem in misplaced(questions(), corpus):
        print("misplaced:", problem)
    async with LocalEngine(_config(folder, model, options.threads)) as engine:
        begin = time.perf_counter()
        n_chunks, n_embedded = await _ingest(engine, corpus)
        took_s = time.perf_counter() - begin
        print(f"{len(corpus)} documents, {n_chunks} chunks, {n_embedded} of them embedded in {took_s:.0f} s")
        with closing(_store(folder / "memory.db")) as store:
            whole = [one for one in questions() if _is_whole(one, store)]
            print(f"{len(questions()) - len(whole)} questions are left out, since no chunk holds all of their phrase")
            return [await _ask(engine, store, one, options.candidates) for one in whole]


def _config(folder: Path, model: Path, n_threads: int) -> Config:
    models = {MODEL: {"model_path": str(model), "threads": n_threads}}
    memories = {MEMORY: {"embedding_model": MODEL, "store": {"file": {"path": str(folder)}}}}
    return Config.model_validate({"models": models, "memories": memories})


async def _ingest(engine: LocalEngine, corpus: Mapping[str, str]) -> tuple[int, int]:
    """Take in what is new, forget what is gone; return how many chunks there are, and how many were embedded."""
    for known in await engine.documents(MEMORY):
        if known.source not in corpus:
            await engine.forget(MEMORY, known.source)
    done = [await engine.ingest(MEMORY, text.encode(), source=source) for source, text in corpus.items()]
    return sum(one.n_chunks for one in done), sum(one.n_embedded for one in done)


def _store(path: Path) -> FileStore:
    """The store of the memory beside the engine, which shows only what it recalls."""
    fingerprint = stored_fingerprint(path)
    assert fingerprint is not None, f"{path} is no memory"
    return FileStore(path, fingerprint)


def _is_whole(question: Question, store: FileStore) -> bool:
    return any(normalised(question.phrase) in normalised(one.text) for one in store.chunks(question.document))


async def _ask(engine: LocalEngine, store: FileStore, question: Question, n_candidates: int) -> Asked:
    begin = time.perf_counter()
    recalled = await engine.recall(MEMORY, question.text, RecallOptions(n=TOP))
    recalled_at = time.perf_counter()
    (vector,) = (await engine.embed(MODEL, [question.text])).vectors
    embedded_at = time.perf_counter()
    found = store.search(Query(vector, question.text, n_candidates))
    searched_at = time.perf_counter()
    times = (recalled_at - begin, embedded_at - recalled_at, searched_at - embedded_at)
    return Asked(question, recalled.hits, list(fuse(found, question.text).values()), *times)


Scores: TypeAlias = Callable[[Asked], tuple[Sequence[float], Sequence[float]]]
"""Of all that was found for a question, by vectors and by words; 0 for what that side did not find."""


def _reciprocal(asked: Asked) -> tuple[Sequence[float], Sequence[float]]:
    by_vectors = [1 / (RANK_CONSTANT + hit.vector_rank) if hit.vector_rank else 0.0 for hit in asked.found]
    by_words = [1 / (RANK_CONSTANT + hit.words_rank) if hit.words_rank else 0.0 for hit in asked.found]
    return by_vectors, by_words


def _stretched(asked: Asked) -> tuple[Sequence[float], Sequence[float]]:
    by_vectors = _min_max([hit.vector_score if hit.vector_rank else None for hit in asked.found])
    return by_vectors, _min_max([hit.words_score if hit.words_rank else None for hit in asked.found])


def _covering(asked: Asked) -> tuple[Sequence[float], Sequence[float]]:
    """As `_stretched`, but chunks count by words as far as they hold those of the question: the best of 50 chunks may
    share no more with it than one rare word that means something else there.
    """
    wanted = _words(asked.question.text)
    by_vectors, by_words = _stretched(asked)
    texts = (" ".join([hit.title, *hit.headings, hit.text]) for hit in asked.found)
    shares = [len(wanted & _words(text)) / len(wanted) for text in texts]
    return by_vectors, [score * share for score, share in zip(by_words, shares, strict=True)]


def _min_max(scores: Sequence[float | None]) -> Sequence[float]:
    known = [score for score in scores if score is not None]
    low, high = (min(known), max(known)) if known else (0.0, 0.0)
    return [0.0 if score is None else (score - low) / (high - low) if high > low else 1.0 for score in scores]


@cache
def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text.lower()))


WAYS: Mapping[str, tuple[Scores, float, float]] = {
    "vectors alone": (_reciprocal, 1, 0),
    "words alone": (_reciprocal, 0, 1),
    "reciprocal ranks": (_reciprocal, 1, 1),
    "min-max, vectors 1 : words 1": (_stretched, 1, 1),
    "min-max, vectors 1 : words 2": (_stretched, 1, 2),
    "min-max, vectors 2 : words 1": (_stretched, 2, 1),
    "min-max, words by what they cover": (_covering, 1, 1),
    "the same, vectors 1 : words 1.25": (_covering, 1, 1.25),
}
"""How both sides are joined: the scores that are added up, and the weights of either side."""


def _joined(asked: Asked, scores: Scores, vector_weight: float, words_weight: float) -> list[Hit]:
    pairs = zip(*scores(asked), strict=True)
    total = [vector_weight * by_vectors + words_weight * by_words for by_vectors, by_words in pairs]
    order = sorted(range(len(total)), key=lambda place: -total[place])
    return [asked.found[place] for place in order if total[place]][:TOP]


def _print_figures(asked: Sequence[Asked]) -> None:
    _print_table("all questions", asked)
    _print_table("in the words of the asker", [one for one in asked if one.question.in_own_words])
    _print_table("in the words of the text", [one for one in asked if not one.question.in_own_words])
    embed_ms, search_ms, besides_ms = (
        1e3 * statistics.median(times)
        for times in zip(*((one.embed_s, one.search_s, one.recall_s - one.embed_s) for one in asked), strict=True)
    )
    print(
        f"\np50: embedding a question {embed_ms:.1f} ms, search {search_ms:.1f} ms, recall besides the embedding "
        f"{besides_ms:.1f} ms; load of the machine {os.getloadavg()[0]:.1f}"
    )


def _print_table(title: str, asked: Sequence[Asked]) -> None:
    print(f"\n{f'{len(asked)} {title}':<40}{'recall@1':>9}{'@5':>8}{f'@{TOP}':>8}{f'MRR@{TOP}':>9}")
    _print_row("as the engine recalls", [one.question.rank(one.recalled) for one in asked])
    for name, way in WAYS.items():
        _print_row(name, [one.question.rank(_joined(one, *way)) for one in asked])


def _print_row(name: str, ranks: Sequence[int | None]) -> None:
    result = Evaluation(tuple(ranks))
    shares = [result.recall_at(n) for n in (1, 5, TOP)]
    print(f"{name:<40}{shares[0]:>9.3f}{shares[1]:>8.3f}{shares[2]:>8.3f}{result.mrr:>9.3f}")


def _print_failures(asked: Sequence[Asked]) -> None:
    print("\nranks as recalled, of all found by vectors, and of all found by words")
    for one in asked:
        answers = [hit for hit in one.found if one.question.rank([hit])]
        vector_rank = min((hit.vector_rank for hit in answers if hit.vector_rank), default=None)
        words_rank = min((hit.words_rank for hit in answers if hit.words_rank), default=None)
        rank = one.question.rank(one.recalled)
        if rank != 1:
            places = "".join(f"{place or '-':>4}" for place in (rank, vector_rank, words_rank))
            print(f"{places}  {one.question.text}  ({one.question.document}: {one.question.phrase})")
            print(f"{'':14}first: {one.recalled[0].source}: {normalised(one.recalled[0].text)[:90]}")


if __name__ == "__main__":
    main()
