"""The parent takes nothing for granted that its child says."""

import json

import pytest

from poly_engine.errors import UnreadableDocument
from poly_engine.extract import Extracted, Heading
from poly_engine.extract.wire import LENGTH, Answer, Senseless, encode_error, encode_extracted

_FIELDS = {"size": 4, "media_type": "text/plain", "page_starts": [], "headings": [], "title": ""}


def test_what_was_extracted_arrives_as_it_was() -> None:
    extracted = Extracted("Grüße, you", "text/markdown", (0, 3), (Heading(3, 2, "ße"),), "Title")

    frame, text = encode_extracted(extracted)

    assert Answer.decode(frame[LENGTH.size :], "").extracted(text.decode()) == extracted


def test_an_error_arrives_with_its_cause_and_the_name_of_the_document() -> None:
    frame = encode_error(UnreadableDocument("encrypted", "it is locked"), "Traceback: …")

    with pytest.raises(UnreadableDocument, match=r"^a\.pdf cannot be read: it is locked$") as caught:
        Answer.decode(frame[LENGTH.size :], "a.pdf")

    assert caught.value.cause == "encrypted"


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff",
        b"[]",
        b"7",
        b"[" * 100_000,
        b"{}",
        b'{"cause": "boredom", "reason": "x", "traceback": ""}',
        b'{"cause": ["encrypted"]}',
        json.dumps(_FIELDS | {"size": "many"}).encode(),
        json.dumps(_FIELDS | {"page_starts": 3}).encode(),
        json.dumps(_FIELDS | {"headings": [[1, 2]]}).encode(),
        json.dumps(_FIELDS | {"headings": [[1, None, "x"]]}).encode(),
    ],
)
def test_nonsense_is_recognised(payload: bytes) -> None:
    with pytest.raises(Senseless):
        Answer.decode(payload, "")


@pytest.mark.parametrize("fields", [{"page_starts": [9]}, {"page_starts": [-1]}, {"headings": [[5, 1, "x"]]}])
def test_places_beyond_the_text_are_recognised(fields: dict[str, list[int]]) -> None:
    answer = Answer.decode(json.dumps(_FIELDS | fields).encode(), "")

    with pytest.raises(Senseless):
        answer.extracted("text")
