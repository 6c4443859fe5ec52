"""DOCX files that were made to harm whoever reads them."""

import random
import struct
from collections.abc import Callable, Iterator

from tests.extract.docx_files import (
    MAIN_RELATION,
    bare_parts,
    document,
    docx_of,
    paragraph,
    relations,
    run,
    table,
    zip_of,
)


def hostile_docxs() -> Iterator[tuple[str, bytes]]:
    """Each with its name."""
    for make in _MAKERS:
        yield make.__name__.strip("_").replace("_", " "), make()
    whole = docx_of(paragraph("first") + paragraph("second"))
    for n in range(1, 10):
        yield f"truncated at {n * 10} %", whole[: len(whole) * n // 10]
    for seed in range(6):
        yield f"with bytes changed, {seed}", _with_bytes_changed(whole, seed)


def _of_main(main: str | bytes) -> bytes:
    return zip_of(bare_parts(main))


def _bomb_of_blanks() -> bytes:
    return _of_main(document(paragraph("x")).replace("<w:body>", "<w:body>" + " " * 200_000_000))


def _bomb_in_a_part_that_is_not_read() -> bytes:
    return zip_of({**bare_parts(document(paragraph("fine"))), "word/media/image1.png": bytes(100_000_000)})


def _million_of_paragraphs() -> bytes:
    return _of_main(document("".join(f"<w:p><w:r><w:t>{n * 7919}</w:t></w:r></w:p>" for n in range(400_000))))


def _million_of_empty_elements() -> bytes:
    return _of_main(document(paragraph("x") + "<w:p/>" * 1_000_000))


def _billion_of_laughs() -> bytes:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    body = document(paragraph("&l9;"))
    return _of_main(f'<!DOCTYPE x [<!ENTITY l0 "ha">{entities}]>{body}')


def _laughs_in_an_attribute() -> bytes:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return _of_main(f'<!DOCTYPE x [<!ENTITY l0 "ha">{entities}]>' + document('<w:p w:x="&l9;"/>'))


def _long_entity_named_often() -> bytes:
    body = document(paragraph("&a;" * 100_000))
    return _of_main(f'<!DOCTYPE x [<!ENTITY a "{"a" * 100_000}">]>{body}')


def _file_of_the_machine_as_an_entity() -> bytes:
    return _of_main('<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + document(paragraph("&a;")))


def _declarations_from_the_network() -> bytes:
    return _of_main('<!DOCTYPE x SYSTEM "http://192.0.2.1/x.dtd">' + document(paragraph("x")))


def _elements_in_elements() -> bytes:
    return _of_main(document("<w:sdt>" * 100_000 + paragraph("x") + "</w:sdt>" * 100_000))


def _tables_in_tables() -> bytes:
    cell = paragraph("deep")
    for _ in range(80):
        cell = table([cell, paragraph("beside")])
    return docx_of(cell)


def _names_that_lead_out_of_the_folder() -> bytes:
    names = ("../../../../tmp/escaped", "/tmp/escaped", "word/../../escaped", "C:\\escaped", "word/document.xml/../x")
    return zip_of({**bare_parts(document(paragraph("fine"))), **dict.fromkeys(names, "x")})


def _relations_that_lead_out_of_the_folder() -> bytes:
    parts = bare_parts(document(paragraph("x")))
    return zip_of({**parts, "_rels/.rels": relations([("rId1", "officeDocument", "../../../../etc/passwd")])})


def _main_part_that_is_its_own_relations() -> bytes:
    return zip_of({**bare_parts("x"), "_rels/.rels": relations([("rId1", "officeDocument", "_rels/.rels")])})


def _size_that_says_too_little() -> bytes:
    return _with_sizes(docx_of(paragraph("x" * 5000)), 10)


def _size_that_says_too_much() -> bytes:
    return _with_sizes(docx_of(paragraph("x")), 0x7FFFFFFF)


def _sum_that_is_wrong() -> bytes:
    return _with_directory(docx_of(paragraph("x")), 16, b"\1\2\3\4")


def _hundred_thousand_entries() -> bytes:
    parts = bare_parts(document(paragraph("x")))
    return zip_of({**parts, **{f"word/{n}": b"" for n in range(100_000)}})


def _entries_of_the_same_name() -> bytes:
    first, second = docx_of(paragraph("a")), docx_of(paragraph("b"))
    return first + second


def _method_of_packing_nobody_knows() -> bytes:
    return _with_directory(docx_of(paragraph("x")), 10, struct.pack("<H", 77))


def _styles_based_on_each_other() -> bytes:
    style = "<w:style w:styleId='{}'><w:name w:val='x'/><w:basedOn w:val='{}'/></w:style>"
    styles = f"<w:styles>{style.format('A', 'B')}{style.format('B', 'A')}</w:styles>"
    return docx_of(paragraph("x", "<w:pStyle w:val='A'/>"), {"styles": styles})


def _note_that_refers_to_itself() -> bytes:
    reference = "<w:p><w:r><w:t>x</w:t><w:footnoteReference w:id='2'/></w:r></w:p>"
    return docx_of(
        reference, {"footnotes": f"<w:footnotes><w:footnote w:id='2'>{reference}</w:footnote></w:footnotes>"}
    )


def _chain_of_notes() -> bytes:
    note = "<w:footnote w:id='{}'><w:p><w:r><w:t>x</w:t><w:footnoteReference w:id='{}'/></w:r></w:p></w:footnote>"
    notes = "".join(note.format(n, n + 1) for n in range(5_000))
    body = "<w:p><w:r><w:footnoteReference w:id='0'/></w:r></w:p>"
    return docx_of(body, {"footnotes": f"<w:footnotes>{notes}</w:footnotes>"})


def _numbers_without_end() -> bytes:
    levels = f"<w:lvl w:ilvl='0'><w:start w:val='{'9' * 400}'/><w:lvlText w:val='{'%1' * 1000}'/></w:lvl>"
    numbering = f"<w:numbering><w:abstractNum w:abstractNumId='0'>{levels}</w:abstractNum>"
    numbering += "<w:num w:numId='1'><w:abstractNumId w:val='0'/></w:num></w:numbering>"
    item = paragraph(
        "x", f"<w:numPr><w:ilvl w:val='0'/><w:numId w:val='1'/></w:numPr><w:outlineLvl w:val='{'9' * 400}'/>"
    )
    return docx_of(item * 2000, {"numbering": numbering})


def _header_named_by_every_section() -> bytes:
    section = "<w:p><w:pPr><w:sectPr><w:headerReference r:id='header1'/></w:sectPr></w:pPr></w:p>"
    header = "".join(paragraph(f"line {n}") for n in range(2000))
    return docx_of(section * 5000 + paragraph("x"), {"header1": f"<w:hdr>{header}</w:hdr>"})


def _hundred_thousand_attributes() -> bytes:
    return _of_main(document("<w:p " + " ".join(f'a{n}="x"' for n in range(100_000)) + "/>" + paragraph("x")))


def _text_that_is_not_in_its_encoding() -> bytes:
    return _of_main(
        b"<?xml version='1.0' encoding='utf-8'?>" + document(paragraph("@@")).encode().replace(b"@@", b"\xff\xfe")
    )


def _parts_that_are_pictures() -> bytes:
    return _of_main(random.Random(1).randbytes(100_000))


def _run_of_ten_million_characters() -> bytes:
    return _of_main(document(f"<w:p>{run('x' * 11_000_000)}</w:p>"))


def _zip_in_front_of_nothing() -> bytes:
    return b"PK\x03\x04" + bytes(1000)


def _main_part_missing() -> bytes:
    return zip_of({"word/other.xml": "<x/>", "_rels/.rels": relations([MAIN_RELATION])})


def _with_sizes(content: bytes, size: int) -> bytes:
    return _with_directory(content, 24, struct.pack("<I", size))


def _with_directory(content: bytes, place: int, field: bytes) -> bytes:
    """The archive with a field changed in what its directory says of each part."""
    changed = bytearray(content)
    start = 0
    while (start := changed.find(b"PK\x01\x02", start)) >= 0:
        changed[start + place : start + place + len(field)] = field
        start += 4
    return bytes(changed)


def _with_bytes_changed(whole: bytes, seed: int) -> bytes:
    chance = random.Random(seed)
    changed = bytearray(whole)
    for _ in range(10):
        changed[chance.randrange(4, len(changed))] = chance.randrange(256)
    return bytes(changed)


_MAKERS: tuple[Callable[[], bytes], ...] = (
    _bomb_of_blanks,
    _bomb_in_a_part_that_is_not_read,
    _million_of_paragraphs,
    _million_of_empty_elements,
    _billion_of_laughs,
    _laughs_in_an_attribute,
    _long_entity_named_often,
    _file_of_the_machine_as_an_entity,
    _declarations_from_the_network,
    _elements_in_elements,
    _tables_in_tables,
    _names_that_lead_out_of_the_folder,
    _relations_that_lead_out_of_the_folder,
    _main_part_that_is_its_own_relations,
    _size_that_says_too_little,
    _size_that_says_too_much,
    _sum_that_is_wrong,
    _hundred_thousand_entries,
    _entries_of_the_same_name,
    _method_of_packing_nobody_knows,
    _styles_based_on_each_other,
    _note_that_refers_to_itself,
    _chain_of_notes,
    _numbers_without_end,
    _header_named_by_every_section,
    _hundred_thousand_attributes,
    _text_that_is_not_in_its_encoding,
    _parts_that_are_pictures,
    _run_of_ten_million_characters,
    _zip_in_front_of_nothing,
    _main_part_missing,
)
