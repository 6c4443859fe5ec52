"""What documents are before they are taken in."""

from hashlib import sha256
from pathlib import Path

from poly_tui.documents import Document
from poly_tui.memories.survey import Surveyor, Verdict, kind_word

PDF = b"%PDF-1.4\n1 0 obj << /Type /Pages /Kids [2 0 R] /Count 12 >> endobj\n"


def document(folder: Path, name: str, content: bytes) -> Document:
    path = folder / name
    path.write_bytes(content)
    return Document(str(path), path)


def test_new_changed_and_unchanged_are_told_apart_by_their_content(tmp_path: Path) -> None:
    new, changed, same = (document(tmp_path, name, name.encode()) for name in ("new.md", "changed.md", "same.md"))
    known = {changed.name: "0" * 64, same.name: sha256(b"same.md").hexdigest()}
    surveyor = Surveyor(known)
    verdicts = [surveyor.look_at(one).verdict for one in (new, changed, same)]
    assert verdicts == [Verdict.NEW, Verdict.CHANGED, Verdict.UNCHANGED]
    assert [verdict.is_worth_taking for verdict in verdicts] == [True, True, False]


def test_size_kind_and_pages_are_told(tmp_path: Path) -> None:
    looked = Surveyor({}).look_at(document(tmp_path, "a.pdf", PDF))
    assert (looked.size_bytes, kind_word(looked.kind), looked.n_pages) == (len(PDF), "pdf", 12)
    plain = Surveyor({}).look_at(document(tmp_path, "a.txt", b"text"))
    assert (kind_word(plain.kind), plain.n_pages) == ("text", None)


def test_a_long_text_is_told_by_its_first_lines(tmp_path: Path) -> None:
    text = ("Ünï 日本 " * 7 + "\n") * 2000
    looked = Surveyor({}).look_at(document(tmp_path, "long.txt", text.encode()))
    assert looked.verdict is Verdict.NEW


def test_the_same_text_in_another_file_is_told(tmp_path: Path) -> None:
    surveyor = Surveyor({})
    first = document(tmp_path, "a.txt", b"text")
    assert surveyor.look_at(first).verdict is Verdict.NEW
    second = surveyor.look_at(document(tmp_path, "b.txt", b"text"))
    assert (second.verdict, second.reason) == (Verdict.TWICE, f"the same as {first.name}")


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    surveyor = Surveyor({})
    image = surveyor.look_at(document(tmp_path, "a.dat", b"\x89PNG\r\n\x1a\n"))
    assert image.verdict is Verdict.UNREADABLE
    assert "PNG" in image.reason
    assert "not text" in surveyor.look_at(document(tmp_path, "a.pyc", b"\xcb\r\r\n\0\0\0\0\x12")).reason
    assert surveyor.look_at(document(tmp_path, "b.txt", b" \n")).reason == "it is empty"
    assert surveyor.look_at(Document(str(tmp_path), tmp_path)).verdict is Verdict.UNREADABLE


def test_what_is_gone_is_told(tmp_path: Path) -> None:
    gone = Surveyor({}).look_at(Document("/x/gone.txt", tmp_path / "gone.txt"))
    assert gone.verdict is Verdict.GONE
    assert not gone.verdict.can_be_taken
