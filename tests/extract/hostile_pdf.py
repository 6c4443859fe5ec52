"""PDF files that were made to harm whoever reads them."""

import random
import zlib
from collections.abc import Callable, Iterator

from tests.extract.pdf_files import CONTENT, HELVETICA, encrypted, lines, pdf_of, text_pdf

_CATALOG = b"<< /Type /Catalog /Pages 2 0 R >>"


def hostile_pdfs() -> Iterator[tuple[str, bytes]]:
    """Each with its name."""
    for make in _MAKERS:
        yield make.__name__.strip("_").replace("_", " "), make()
    whole = pdf_of([lines("first"), lines("second")]).write()
    for n in range(1, 10):
        yield f"truncated at {n * 10} %", whole[: len(whole) * n // 10]
    for seed in range(6):
        yield f"with bytes changed, {seed}", _with_bytes_changed(whole, seed)


def _tree_of_pages_that_holds_itself() -> bytes:
    file = pdf_of([lines("x")])
    file.objects[2] = b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 1000 >>"
    return file.write()


def _two_trees_that_hold_each_other() -> bytes:
    file = pdf_of([lines("x")])
    other = file.add(b"<< /Type /Pages /Parent 2 0 R /Kids [2 0 R] /Count 50 >>")
    file.objects[2] = b"<< /Type /Pages /Parent %d 0 R /Kids [%d 0 R] /Count 50 >>" % (other, other)
    return file.write()


def _number_of_pages_that_lies() -> bytes:
    file = pdf_of([lines("x")])
    file.objects[2] = file.objects[2].replace(b"/Count 1", b"/Count 2000000000")
    return file.write()


def _page_named_a_million_times() -> bytes:
    file = pdf_of([lines("x")])
    page = max(file.objects)
    file.objects[2] = b"<< /Type /Pages /Kids [%s] /Count 1000000 >>" % (b"%d 0 R " % page * 1_000_000)
    return file.write()


def _tables_of_objects_that_name_each_other() -> bytes:
    whole = text_pdf(["x"])
    start = whole.index(b"xref\n")
    return whole.replace(b"/Root", b"/Prev %d /Root" % start)


def _objects_that_are_each_other() -> bytes:
    file = pdf_of([lines("x")])
    file.add(b"31 0 R", 30)
    file.add(b"30 0 R", 31)
    file.objects[2] = b"30 0 R"
    return file.write()


def _stream_whose_length_is_itself() -> bytes:
    file = pdf_of([b""])
    stream = b"<< /Length %d 0 R >>\nstream\nBT /F1 12 Tf 72 720 Td (x) Tj ET\nendstream" % CONTENT
    file.add(stream, CONTENT)
    return file.write()


def _zeros_packed_three_times() -> bytes:
    content = bytes(100_000_000)
    for _ in range(3):
        content = zlib.compress(content, 9)
    return _with_stream(content, b"/Filter [/FlateDecode /FlateDecode /FlateDecode]")


def _text_without_end() -> bytes:
    return _with_stream(zlib.compress(b"BT /F1 12 Tf 72 720 Td" + b" (spam and eggs) Tj" * 1_000_000 + b" ET", 9))


def _pages_that_share_a_text_without_end() -> bytes:
    content = zlib.compress(b"BT /F1 12 Tf 72 720 Td" + b" (spam) Tj T*" * 100_000 + b" ET", 9)
    file = pdf_of([b""] * 500)
    for number, body in list(file.objects.items()):
        if b"/Type /Page " in body:
            file.objects[number] = body.replace(b"/Contents", b"/Contents 9 0 R /Unused")
    file.add_stream(content, b"/Filter /FlateDecode", 9)
    return file.write()


def _states_pushed_a_million_times() -> bytes:
    return _with_stream(zlib.compress(b"q " * 5_000_000 + lines("x"), 9))


def _form_that_draws_itself() -> bytes:
    file = pdf_of([b"/X Do"])
    resources = b"/Resources << /XObject << /X 30 0 R >> /Font << /F1 3 0 R >> >>"
    content = lines("again") + b" /X Do /X Do"
    file.add_stream(content, b"/Type /XObject /Subtype /Form /BBox [0 0 600 800] " + resources, 30)
    page = max(number for number, body in file.objects.items() if b"/Type /Page " in body)
    file.objects[page] = file.objects[page].replace(b"/Resources <<", b"/Resources << /XObject << /X 30 0 R >>")
    return file.write()


def _forms_that_double_thirty_times() -> bytes:
    file = pdf_of([b"/X Do"])
    for number in range(30, 60):
        resources = b"/Resources << /XObject << /X %d 0 R >> /Font << /F1 3 0 R >> >>" % (number + 1)
        entries = b"/Type /XObject /Subtype /Form /BBox [0 0 600 800] " + resources
        file.add_stream(b"/X Do /X Do" if number < 59 else lines("bang"), entries, number)
    page = max(number for number, body in file.objects.items() if b"/Type /Page " in body)
    file.objects[page] = file.objects[page].replace(b"/Resources <<", b"/Resources << /XObject << /X 30 0 R >>")
    return file.write()


def _glyphs_drawn_by_themselves() -> bytes:
    file = pdf_of([lines("aaaa")])
    file.add_stream(b"1000 0 d0 BT /F1 12 Tf (aa) Tj ET", number=30)
    file.objects[3] = (
        b"<< /Type /Font /Subtype /Type3 /FontBBox [0 0 1000 1000] /FontMatrix [0.001 0 0 0.001 0 0] /FirstChar 97 "
        b"/LastChar 97 /Widths [1000] /CharProcs << /a 30 0 R >> /Encoding << /Differences [97 /a] >> "
        b"/Resources << /Font << /F1 3 0 R >> >> >>"
    )
    return file.write()


def _map_of_characters_without_end() -> bytes:
    file = pdf_of([lines("x")])
    ranges = b"<0000> <ffff> <0041>\n" * 100
    cmap = b"begincmap " + b"100 beginbfrange\n%s endbfrange\n" % ranges * 200 + b"endcmap"
    file.add_stream(zlib.compress(cmap, 9), b"/Filter /FlateDecode", 30)
    file.objects[3] = HELVETICA.replace(b"/Type /Font ", b"/Type /Font /ToUnicode 30 0 R ")
    return file.write()


def _outline_that_goes_in_circles() -> bytes:
    file = pdf_of([lines("x")])
    file.objects[1] = b"<< /Type /Catalog /Pages 2 0 R /Outlines 30 0 R >>"
    file.add(b"<< /First 31 0 R /Last 32 0 R /Count 2 >>", 30)
    file.add(b"<< /Title (a) /Parent 30 0 R /Next 32 0 R /First 31 0 R /Dest [0 /Fit] >>", 31)
    file.add(b"<< /Title (b) /Parent 30 0 R /Next 31 0 R /First 30 0 R /Dest [0 /Fit] >>", 32)
    return file.write()


def _arrays_in_arrays() -> bytes:
    file = pdf_of([lines("x")])
    file.objects[1] = b"<< /Type /Catalog /Pages 2 0 R /Deep %s %s >>" % (b"[" * 500_000, b"]" * 500_000)
    return file.write()


def _dictionaries_in_dictionaries() -> bytes:
    file = pdf_of([lines("x")])
    file.objects[2] = b"<< /Kids " * 300_000 + b">>" * 300_000
    return file.write()


def _page_as_wide_as_numbers_go() -> bytes:
    file = pdf_of([lines("x")])
    page = max(file.objects)
    file.objects[page] = file.objects[page].replace(b"0 0 612 792", b"-1e38 -1e38 1e38 1e38")
    return file.write()


def _table_of_two_billion_objects() -> bytes:
    return text_pdf(["x"]).replace(b"xref\n0 ", b"xref\n0 2147483647\n0 ").replace(b"/Size ", b"/Size 2147483647 /S ")


def _stream_of_objects_with_entries_of_gigabytes() -> bytes:
    body = zlib.compress(bytes(1000))
    entries = b"/Type /XRef /Size 2147483647 /W [1 2147483647 2147483647] /Index [0 2147483647] /Root 1 0 R"
    stream = b"<< /Length %d /Filter /FlateDecode %s >>\nstream\n%s\nendstream" % (len(body), entries, body)
    head = b"%PDF-1.7\n1 0 obj\n" + _CATALOG + b"\nendobj\n"
    return head + b"5 0 obj\n" + stream + b"\nendobj\nstartxref\n%d\n%%%%EOF" % len(head)


def _predictor_with_rows_of_gigabytes() -> bytes:
    parameters = (
        b"/Filter /FlateDecode /DecodeParms << /Predictor 15 /Columns 2147483647 /Colors 4 /BitsPerComponent 16 >>"
    )
    return _with_stream(zlib.compress(b"x" * 1000), parameters)


def _end_that_points_nowhere() -> bytes:
    whole = text_pdf(["x"])
    return whole[: whole.index(b"startxref")] + b"startxref\n99999999999999\n%%EOF"


def _nothing_but_a_beginning() -> bytes:
    return b"%PDF-1.7"


def _noise_behind_a_beginning() -> bytes:
    return b"%PDF-1.7\n" + random.Random(1).randbytes(200_000)


def _encrypted_with_a_key_nobody_has() -> bytes:
    return encrypted(text_pdf(["x"]), "secret")


def _encrypted_with_an_algorithm_nobody_knows() -> bytes:
    file = pdf_of([lines("x")])
    file.add(b"<< /Filter /Nobody /V 99 /R 99 /O (x) /U (y) /P -1 >>", 30)
    file.trailer = b"/Root 1 0 R /Encrypt 30 0 R /ID [(a) (b)]"
    return file.write()


def _thousands_of_glyph_names() -> bytes:
    file = pdf_of([lines("abc " * 20)] * 200)
    names = b" ".join(b"/g%d" % number for number in range(32, 256))
    file.objects[3] = HELVETICA.replace(
        b"/Encoding /WinAnsiEncoding", b"/Encoding << /Differences [32 %s] >>" % names
    ).replace(b"Helvetica", b"AAAAAA+Made")
    return file.write()


def _with_stream(content: bytes, entries: bytes = b"/Filter /FlateDecode") -> bytes:
    file = pdf_of([b""])
    file.add_stream(content, entries, CONTENT)
    return file.write()


def _with_bytes_changed(whole: bytes, seed: int) -> bytes:
    chance = random.Random(seed)
    changed = bytearray(whole)
    for _ in range(20):
        changed[chance.randrange(9, len(changed))] = chance.randrange(256)
    return bytes(changed)


_MAKERS: tuple[Callable[[], bytes], ...] = (
    _tree_of_pages_that_holds_itself,
    _two_trees_that_hold_each_other,
    _number_of_pages_that_lies,
    _page_named_a_million_times,
    _tables_of_objects_that_name_each_other,
    _objects_that_are_each_other,
    _stream_whose_length_is_itself,
    _zeros_packed_three_times,
    _text_without_end,
    _pages_that_share_a_text_without_end,
    _states_pushed_a_million_times,
    _form_that_draws_itself,
    _forms_that_double_thirty_times,
    _glyphs_drawn_by_themselves,
    _map_of_characters_without_end,
    _outline_that_goes_in_circles,
    _arrays_in_arrays,
    _dictionaries_in_dictionaries,
    _page_as_wide_as_numbers_go,
    _table_of_two_billion_objects,
    _stream_of_objects_with_entries_of_gigabytes,
    _predictor_with_rows_of_gigabytes,
    _end_that_points_nowhere,
    _nothing_but_a_beginning,
    _noise_behind_a_beginning,
    _encrypted_with_a_key_nobody_has,
    _encrypted_with_an_algorithm_nobody_knows,
    _thousands_of_glyph_names,
)
