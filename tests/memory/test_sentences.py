"""The sentences of a chunk, and what their vectors find."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from poly_engine.memory.chunking import ChunkSettings
from poly_engine.memory.recall import by_sentences
from poly_engine.memory.records import ChunkId, Found, Match, Vectors
from poly_engine.memory.sentences import sentences
from poly_engine.types import RecallOptions
from tests.memory.words import SETTINGS, Words, opened


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The cat sleeps all day. The dog barks at night.", ["The cat sleeps all day.", "The dog barks at night."]),
        (
            "東京都は日本の首都であります。犬が好きな人は多いのです。",
            ["東京都は日本の首都であります。", "犬が好きな人は多いのです。"],
        ),
        ("- the first of them\n- the second of them", ["- the first of them", "- the second of them"]),
        ("No. 1 is what e.g. a cat would choose, and nothing else.", []),
        ("Yes. The dog barks at night.", []),
        ("one line without an end", []),
        ("", []),
        ("  \n ", []),
    ],
)
def test_a_text_is_cut_at_the_ends_of_its_sentences_and_lines(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_a_chunk_counts_half_by_its_best_sentence() -> None:
    prompt = np.array([1, 0], np.float32)
    found = Found([Match(1, 0.6), Match(2, 0.5), Match(3, 0.1)], [], {})
    best: dict[ChunkId, Vectors] = {
        2: np.array([[0, 1], [0.9, 0.4]], np.float32),
        3: np.array([[0.2, 0.9]], np.float32),
    }
    nearest = by_sentences(found, prompt, best, 2).nearest
    assert [(match.chunk, round(match.score, 2)) for match in nearest] == [(2, 0.7), (1, 0.6)]


async def test_a_sentence_that_is_diluted_in_its_chunk_is_found(tmp_path: Path) -> None:
    diluted = "Some words about this and that and many other things. Parrots talk. Then more words follow after them."
    decoy = "Parrots and birds talk a lot."
    ranks = []
    for has_sentences in (False, True):
        settings = replace(SETTINGS, chunks=ChunkSettings(40), has_sentences=has_sentences)
        async with opened(tmp_path / str(has_sentences), Words(), settings=settings) as memory:
            await memory.ingest(diluted.encode(), source="diluted")
            await memory.ingest(decoy.encode(), source="decoy")
            (first, second) = (await memory.recall("parrots talk", RecallOptions(n=2))).hits
            hit = first if first.source == "diluted" else second
            ranks.append(hit.vector_rank)
    assert ranks == [2, 1]


async def test_sentences_go_with_their_document(tmp_path: Path) -> None:
    settings = replace(SETTINGS, chunks=ChunkSettings(40), has_sentences=True)
    words = Words()
    async with opened(tmp_path, words, settings=settings) as memory:
        await memory.ingest(b"The cat sleeps all day. The dog barks at night.", source="a")
        assert "The dog barks at night." in words.embedded
        await memory.ingest(b"The cow stands all day. The owl hoots at night.", source="a")
        assert await memory.forget("a") == 1
        assert await memory.faults() == []
