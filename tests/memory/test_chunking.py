"""Chunks: within the budget, lossless, and cut where a reader would cut. Counted by a real tokenizer and by words."""

import re
import time
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, reject, settings, strategies as st

from poly_engine.errors import InvalidRequest
from poly_engine.llama.model import LlamaModel
from poly_engine.llama.vocabulary import Vocabulary
from poly_engine.memory.chunking import Chunk, ChunkSettings, TokenCounter, chunk
from poly_engine.models.gguf import read_header
from tests.gguf_models import make

ROOT = Path(__file__).parents[2]
FAMILY = "👨\u200d👩\u200d👧"


@dataclass(frozen=True, slots=True)
class Heading:
    start: int
    level: int
    title: str


class WordCounter:
    """One token for a word."""

    def count(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]


class PieceCounter:
    """About what a vocabulary of word pieces gives: long words are several tokens, punctuation is one each."""

    def count(self, texts: Sequence[str]) -> list[int]:
        return [sum(1 for _ in re.finditer(r"\w{1,6}|[^\w\s]", text)) for text in texts]


class CharacterCounter:
    """One token for a character, white space too."""

    def count(self, texts: Sequence[str]) -> list[int]:
        return [len(text) for text in texts]


class UnevenCounter:
    """Joins what it sees together, and charges for beginning: the sum of parts is never the whole."""

    def count(self, texts: Sequence[str]) -> list[int]:
        return [2 + len(text) // 3 + 5 * text.count("z") ** 2 if text else 0 for text in texts]


class ModelCounter:
    """The tokenizer of a model, which adds up how much it had to read."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self.n_characters = 0

    def count(self, texts: Sequence[str]) -> list[int]:
        self.n_characters += sum(map(len, texts))
        return [len(self._vocabulary.plain_tokens(text, is_first=True)) for text in texts]


@contextmanager
def _tokenizer(family: str, folder: Path) -> Iterator[ModelCounter]:
    model = LlamaModel(read_header(make(family, folder / "model.gguf")))
    yield ModelCounter(model.vocabulary)
    model.close()


@pytest.fixture(scope="module", params=["bert", "llama", "gpt2"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelCounter]:
    with _tokenizer(request.param, tmp_path_factory.mktemp("models")) as counter:
        yield counter


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelCounter]:
    with _tokenizer("bert", tmp_path_factory.mktemp("models")) as counter:
        yield counter


_characters = st.one_of(
    st.sampled_from(
        ["a", "b", "Z", "z", "word", "Is it?", "e.g.", "end. ", ", ", " ", "  ", "\n", "\n\n", "\r\n", "\f"]
    ),
    st.sampled_from(["字", "好。", "\uff0c", "「是。」", "한", "ᄒ", "ᅡ", "ᆫ", "\u3000"]),
    st.sampled_from([FAMILY, "👍🏽", "🇩🇪", "🇫", "❤\ufe0f", "\u200d", "\ufe0f", "é", "e\u0301", "\u0301", "क्षि"]),
    st.sampled_from(["\0", "\x1c", "\ud83d", "\ude00", "\u2028", "\u2029", "\ufeff", "a" * 60, "x-" * 40, " " * 40]),
    st.characters(),
)
_texts = st.lists(_characters, max_size=60).map("".join)


def _assert_is_whole(text: str, chunks: Sequence[Chunk], counter: TokenCounter, max_tokens: int) -> None:
    end = 0
    for one in chunks:
        assert not text[end : one.start].strip()
        assert one.start >= end
        assert text[one.start : one.end].strip()
        assert counter.count([text[one.start : one.end]]) == [one.n_tokens]
        assert one.n_tokens <= max_tokens
        end = one.end
    assert not text[end:].strip()


def _is_within_a_character(text: str, at: int) -> bool:
    """A plain reading of the rules, not that of the code under test."""
    if not 0 < at < len(text):
        return False
    before, after = text[at - 1], text[at]
    if unicodedata.category(before) in {"Cc", "Zl", "Zp"}:
        return before + after == "\r\n"
    if unicodedata.category(after).startswith("M") or after in "\u200d🏻🏼🏽🏾🏿":
        return True
    if "🇦" <= after <= "🇿":
        return (at - len(text[:at].rstrip("🇩🇪🇫"))) % 2 == 1
    return (before == "\u200d" and after in FAMILY) or (
        "\ud800" <= before <= "\udbff" and "\udc00" <= after <= "\udfff"
    )


def _assert_no_character_is_cut(text: str, chunks: Sequence[Chunk]) -> None:
    for at in {one.start for one in chunks} | {one.end for one in chunks}:
        start = end = at
        while _is_within_a_character(text, start):
            start -= 1
        while _is_within_a_character(text, end):
            end += 1
        assert end == start or end - start > 32, "only an endless character may be cut"


def _chunked(text: str, chunk_settings: ChunkSettings, counter: TokenCounter) -> list[Chunk]:
    try:
        return chunk(text, chunk_settings, counter)
    except InvalidRequest:  # a character that is longer than the chunks
        reject()


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=_texts, max_tokens=st.sampled_from([60, 61, 80, 200]))
def test_chunks_of_any_text_fit_and_lose_nothing(model: ModelCounter, text: str, max_tokens: int) -> None:
    chunks = _chunked(text, ChunkSettings(max_tokens), model)
    _assert_is_whole(text, chunks, model, max_tokens)
    _assert_no_character_is_cut(text, chunks)


@pytest.mark.parametrize("counter", [WordCounter(), PieceCounter(), CharacterCounter(), UnevenCounter()])
@given(
    text=_texts,
    max_tokens=st.integers(1, 30),
    separators=st.sampled_from([(" ",), (), ("\n\n", ". ", "a"), ("字", "\u0301", "🇩", "-")]),
)
def test_chunks_fit_whatever_counts_and_separates(
    counter: TokenCounter, text: str, max_tokens: int, separators: tuple[str, ...]
) -> None:
    chunks = _chunked(text, ChunkSettings(max_tokens, separators), counter)
    _assert_is_whole(text, chunks, counter, max_tokens)
    _assert_no_character_is_cut(text, chunks)


@pytest.mark.parametrize("counter", [WordCounter(), PieceCounter(), UnevenCounter()])
@given(text=_texts, max_tokens=st.integers(16, 40), overlap=st.integers(1, 8))
def test_chunks_that_overlap_repeat_at_most_that_and_skip_nothing(
    counter: TokenCounter, text: str, max_tokens: int, overlap: int
) -> None:
    chunks = _chunked(text, ChunkSettings(max_tokens, overlap_tokens=overlap), counter)
    end = 0
    for one in chunks:
        assert one.n_tokens <= max_tokens
        assert one.end > end
        assert not text[end : one.start].strip()
        assert counter.count([text[one.start : end]])[0] <= overlap
        end = one.end
    assert not text[end:].strip()


@pytest.mark.parametrize("text", ["", " ", "\n\n\n", "\f \u3000\r\n" * 1000])
def test_a_text_without_words_has_no_chunks(text: str) -> None:
    assert chunk(text, ChunkSettings(10), WordCounter()) == []


def test_a_short_text_is_one_chunk_without_the_white_space_around_it() -> None:
    assert chunk("\n one two. \n", ChunkSettings(10), WordCounter()) == [Chunk(2, 10, 2, (), None, None)]


def _cuts(text: str, max_tokens: int, separators: tuple[str, ...] = (" ",)) -> list[str]:
    chunks = chunk(text, ChunkSettings(max_tokens, separators), WordCounter())
    return [text[one.start : one.end] for one in chunks]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("aa bb cc dd\n\nEe ff. Gg hh. Ii jj kk ll", "aa bb cc dd"),
        ("aa bb cc dd. Ee ff\nGg hh, ii jj kk ll", "aa bb cc dd."),
        ("aa bb cc dd\nee ff, gg hh ii jj kk ll", "aa bb cc dd"),
        ("aa bb cc dd, ee ff gg hh ii jj kk ll", "aa bb cc dd,"),
        ("aa bb cc dd ee ff gg hh ii jj kk ll", "aa bb cc dd ee ff gg hh ii jj"),
        ("aa bb cc dd, ee e.g. Gg Dr. Ii jj kk ll", "aa bb cc dd,"),
        ("aa bb cc? dd ee ff! gg hh ii jj kk ll", "aa bb cc? dd ee ff! gg hh ii jj"),
        ("aa bb\n\ncc dd ee ff gg hh ii jj kk ll", "aa bb\n\ncc dd ee ff gg hh ii jj"),
        ("aa bb cc dd. Ee\n\f\nff gg hh ii jj kk ll", "aa bb cc dd."),
        ("aa bb cc dd\r\nee ff gg hh ii jj kk ll", "aa bb cc dd"),
        ("aa bb cc dd.» Ee ff gg hh ii jj kk ll", "aa bb cc dd.»"),
    ],
)
def test_a_chunk_ends_at_the_strongest_boundary_in_reach(text: str, first: str) -> None:
    assert _cuts(text, 10)[0] == first


@pytest.mark.parametrize("first", ["我们去学校。", "「好\uff01」", "今天\uff0c明天\uff0c"])
def test_chinese_is_cut_behind_its_punctuation(first: str) -> None:
    text = first + "他" * 30
    (one, *_) = chunk(text, ChunkSettings(12), CharacterCounter())
    assert text[one.start : one.end] == first


def test_a_mark_behind_a_long_gap_stands_on_the_last_space_of_it() -> None:
    assert _cuts(f"one{' ' * 40}\u0301two", 1) == ["one", " \u0301two"]
    assert _cuts(f"one{' ' * 40}\r\n\u0301two", 1) == ["one", "\u0301two"]


def test_configured_separators_count_in_their_order_and_stay_with_what_is_before_them() -> None:
    text = "aa bb; cc dd| ee ff; gg hh ii jj| kk; ll"
    assert _cuts(text, 5, ("|", ";")) == ["aa bb; cc dd|", "ee ff;", "gg hh ii jj|", "kk; ll"]


def test_a_separator_counts_however_short_the_chunk_becomes() -> None:
    assert _cuts("aa| bb cc. Dd ee ff gg hh ii jj kk", 10, ("|",)) == ["aa|", "bb cc. Dd ee ff gg hh ii jj kk"]


def test_a_separator_may_be_long_and_stand_within_a_word() -> None:
    text = "ab--cd|ef--ghij|k--l"
    chunks = chunk(text, ChunkSettings(7, ("|", "--")), CharacterCounter())
    assert [text[one.start : one.end] for one in chunks] == ["ab--cd|", "ef--", "ghij|", "k--l"]


def test_where_no_separator_is_in_reach_the_text_says_where_to_cut() -> None:
    assert _cuts("aa bb cc. Dd ee ff gg", 5, ("|",)) == ["aa bb cc.", "Dd ee ff gg"]


def test_overlap_begins_with_a_sentence_if_one_is_near() -> None:
    text = "One two three four. Five six. Seven eight nine. Ten eleven."
    chunks = chunk(text, ChunkSettings(9, overlap_tokens=4), WordCounter())
    assert [text[one.start : one.end] for one in chunks] == [
        "One two three four. Five six. Seven eight nine.",
        "Seven eight nine. Ten eleven.",
    ]


def test_overlap_begins_with_a_word_otherwise() -> None:
    text = "a b c d e f g h i j k"
    chunks = chunk(text, ChunkSettings(6, overlap_tokens=2), WordCounter())
    assert [text[one.start : one.end] for one in chunks] == ["a b c d e f", "e f g h i j", "i j k"]


def test_overlap_is_counted_where_it_would_be_underestimated() -> None:
    gap, word = " " * 60, "d" * 47
    text = f"aa bb{gap}cc {word}"
    chunks = chunk(text, ChunkSettings(70, overlap_tokens=25), CharacterCounter())
    assert [text[one.start : one.end] for one in chunks] == [f"aa bb{gap}cc", f"cc {word}"]


def test_a_chunk_names_the_headings_above_it() -> None:
    text = "# Guide\n\nIntro.\n\n## Install\n\nOne two.\n\n### Linux\n\nThree.\n\n## Use\n\nFour five.\n"
    titles = [("Guide", 1), ("Install", 2), ("Linux", 3), ("Use", 2)]
    headings = [Heading(text.index(f"# {title}") + 2, level, title) for title, level in titles]
    chunks = chunk(text, ChunkSettings(5), WordCounter(), headings=headings)
    assert [(text[one.start : one.end].rsplit(maxsplit=1)[-1], one.headings) for one in chunks] == [
        ("Intro.", ("Guide",)),
        ("two.", ("Guide", "Install")),
        ("Three.", ("Guide", "Install", "Linux")),
        ("five.", ("Guide", "Use")),
    ]


def test_a_heading_is_not_cut_off_from_its_text() -> None:
    text = "a b c d e\n\nTitle\n\nSubtitle\n\nf g h i"
    headings = [Heading(text.index(title), level, title) for level, title in enumerate(("Title", "Subtitle"), 1)]
    chunks = chunk(text, ChunkSettings(8), WordCounter(), headings=headings)
    assert [text[one.start :].split(maxsplit=1)[0] for one in chunks] == ["a", "Title"]


def test_a_chunk_names_its_pages_and_may_run_across_a_page_break() -> None:
    text = "aa bb cc dd\n\nee ff gg hh\n\nii jj kk ll"
    chunks = chunk(text, ChunkSettings(6), WordCounter(), page_starts=[0, text.index("ee"), text.index("ii")])
    assert [(text[one.start : one.end], one.first_page, one.last_page) for one in chunks] == [
        ("aa bb cc dd\n\nee ff", 1, 2),
        ("gg hh\n\nii jj kk ll", 2, 3),
    ]


@pytest.mark.parametrize("max_tokens", [1, 2, 4])
def test_a_budget_below_a_single_character_is_an_error(max_tokens: int) -> None:
    with pytest.raises(InvalidRequest, match=f"is one character of 5 tokens.*{max_tokens}"):
        chunk(f"a{FAMILY}b", ChunkSettings(max_tokens), CharacterCounter())


@pytest.mark.parametrize(
    ("max_tokens", "separators", "overlap"), [(0, (), 0), (10, ("a", ""), 0), (10, (), 6), (10, (), -1)]
)
def test_settings_that_cannot_be_are_refused(max_tokens: int, separators: tuple[str, ...], overlap: int) -> None:
    with pytest.raises(InvalidRequest):
        ChunkSettings(max_tokens, separators, overlap)


def _prose(n_sentences: int) -> str:
    random = Random(7)
    words = re.findall(r"[a-z]+", (ROOT / "LICENSE").read_text().lower())
    sentences = (" ".join(random.choices(words, k=random.randint(4, 45))).capitalize() for _ in range(n_sentences))
    return "".join(sentence + random.choice([". ", "? ", ".\n", ".\n\n"]) for sentence in sentences)


def _ends_a_sentence_or_a_line(text: str, end: int) -> bool:
    return re.match(r"[^\S\n]*\n", text[end:]) is not None or re.search(r"[.!?][\"')*_`\]]*$", text[:end]) is not None


def test_prose_is_cut_at_the_ends_of_sentences_and_lines() -> None:
    files = [ROOT / "README.md", ROOT / "LICENSE", *sorted((ROOT / "poly_engine").rglob("*.py"))]
    texts = [_prose(2000), *(file.read_text() for file in files)]
    ends = [
        _ends_a_sentence_or_a_line(text, one.end)
        for text in texts
        for one in chunk(text, ChunkSettings(200), PieceCounter())[:-1]
    ]
    assert len(ends) > 400
    assert sum(ends) / len(ends) >= 0.99


def test_chunks_of_prose_are_mostly_full() -> None:
    chunks = chunk(_prose(2000), ChunkSettings(200), PieceCounter())
    assert sum(one.n_tokens for one in chunks) / len(chunks) >= 0.7 * 200


@pytest.mark.parametrize(
    "text",
    [
        "x" * 1_000_000,
        "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(350_000)),
        FAMILY * 60_000,
        "e" + "\u0301" * 500_000,
        "\n" * 1_000_000 + "end",
        "a " * 500_000,
    ],
    ids=["letters", "chinese", "families", "accents", "lines", "words"],
)
def test_what_is_counted_of_a_megabyte_is_a_few_times_its_length(embedder: ModelCounter, text: str) -> None:
    embedder.n_characters = 0
    chunks = chunk(text, ChunkSettings(200), embedder)
    assert embedder.n_characters < 6 * len(text)
    _assert_is_whole(text, chunks, embedder, 200)


def test_chunking_takes_two_seconds_of_a_processor_for_a_megabyte_at_most(embedder: ModelCounter) -> None:
    text = _prose(3000)
    assert min(_seconds(text, embedder) for _ in range(3)) <= len(text) / 500_000


def _seconds(text: str, counter: TokenCounter) -> float:
    began = time.process_time()
    assert chunk(text, ChunkSettings(200), counter)
    return time.process_time() - began
