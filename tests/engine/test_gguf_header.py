"""The header of a model file is checked before llama.cpp sees it; whatever the file holds, it is read or refused."""

from __future__ import annotations

import os
import struct
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from poly_engine.errors import ModelLoadFailed
from poly_engine.models.fit import CacheSizes, cache_sizes, memory_bytes
from poly_engine.models.gguf import GgufHeader, read_header
from poly_engine.models.headers import Headers
from tests.conftest import FamilyFile
from tests.gguf_models import EMBEDDER, FAMILIES, cut_in_header, cut_in_tensors, make_lora, spoil_magic

U8, I8, U32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = 0, 1, 4, 6, 7, 8, 9, 10, 11, 12


def string(text: bytes) -> bytes:
    return struct.pack("<Q", len(text)) + text


def entry(key: bytes, kind: int, value: bytes) -> bytes:
    return string(key) + struct.pack("<I", kind) + value


def u32(value: int) -> bytes:
    return struct.pack("<I", value)


ARCHITECTURE = entry(b"general.architecture", STRING, string(b"llama"))


def gguf(*entries: bytes, n_entries: int | None = None, tensors: bytes = b"", n_tensors: int = 0) -> bytes:
    counts = struct.pack("<IQQ", 3, n_tensors, len(entries) if n_entries is None else n_entries)
    return b"GGUF" + counts + b"".join(entries) + tensors


def tensor(name: bytes, *shape: int, kind: int = 0, offset: int = 0) -> bytes:
    return string(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


def header_of(path: Path, content: bytes) -> GgufHeader:
    path.write_bytes(content)
    return read_header(path)


def use(header: GgufHeader) -> None:
    """Ask a header everything that it is asked before a model is loaded."""
    assert memory_bytes(header, cache_sizes(header, None, None), 512) >= header.size_bytes
    assert isinstance(header.architecture, str)
    assert header.number("embedding_length") is not None


@pytest.mark.parametrize("family", [*FAMILIES, EMBEDDER])
def test_the_header_of_every_family_says_what_it_is(family: str, family_file: FamilyFile) -> None:
    header = read_header(family_file(family))
    assert header.architecture == family.removesuffix("-chatml")
    assert header.train_context_size == (128 if family == EMBEDDER else 512)
    assert header.n_params > 10_000
    assert header.kv_bytes_per_token > 0
    assert header.has_learned_positions == (family in {"gpt2", EMBEDDER})
    assert header.is_causal == (family != EMBEDDER)


def test_a_table_of_positions_is_known_by_its_name_and_not_by_the_family(tmp_path: Path) -> None:
    mpt = entry(b"general.architecture", STRING, string(b"mpt")), entry(b"mpt.context_length", U32, u32(64))
    table = string(b"position_embd.weight") + struct.pack("<IQIQ", 1, 0, 0, 0)
    header = header_of(tmp_path / "m.gguf", gguf(*mpt, tensors=table + bytes(32), n_tensors=1))
    with pytest.raises(ModelLoadFailed, match=r"has 64 positions; context_size = 65 is more than that"):
        cache_sizes(header, 65, None)


@pytest.mark.parametrize(("file_type", "name"), [(15, "Q4_K_M"), (1024 + 7, "Q8_0"), (999, "F16")])
def test_how_weights_are_stored_is_what_the_file_says_or_else_what_most_of_them_are(
    file_type: int, name: str, tmp_path: Path
) -> None:
    norm = string(b"norm") + struct.pack("<IQIQ", 1, 4, 0, 0)
    matrix = string(b"matrix") + struct.pack("<IQIQ", 1, 64, 1, 32)
    said = entry(b"general.file_type", U32, u32(file_type))
    content = gguf(ARCHITECTURE, said, tensors=norm + matrix + bytes(256), n_tensors=2)
    assert header_of(tmp_path / "m.gguf", content).quantization == name


def test_memory_is_estimated_of_weights_cache_and_a_batch(family_file: FamilyFile) -> None:
    header = read_header(family_file("llama"))
    small, large = (memory_bytes(header, CacheSizes(256, n_cells), 128) for n_cells in (256, 1024))
    assert small > header.size_bytes + 256 * header.kv_bytes_per_token
    assert large - small == 768 * (header.kv_bytes_per_token + 2 * 128)
    batches = [memory_bytes(header, CacheSizes(256, 256), batch_size) for batch_size in (256, 512, 2048)]
    assert batches[0] < batches[1] == batches[2]  # more than that is not computed at once
    embedder = read_header(family_file(EMBEDDER))
    assert memory_bytes(embedder, CacheSizes(128, 128), 128) < embedder.size_bytes + (2 << 20)


def test_an_adapter_has_a_header_too(tmp_path: Path) -> None:
    assert read_header(make_lora(tmp_path / "lora.gguf")).metadata["general.type"] == "adapter"


def test_damaged_files_are_refused_in_one_line(family_file: FamilyFile, tmp_path: Path) -> None:
    for damage in (cut_in_header, cut_in_tensors, spoil_magic):
        path = damage(family_file("llama"), tmp_path / f"{damage.__name__}.gguf")
        with pytest.raises(ModelLoadFailed, match=str(path)) as error:
            read_header(path)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "does not begin with GGUF"),
        (b"GG", "does not begin with GGUF"),
        (b"<!DOCTYPE html>", "does not begin with GGUF"),
        (b"GGUF", "cut off"),
        (b"GGUF" + u32(1) + bytes(16), "version is 1"),
        (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "version is"),
        (gguf(), "general.architecture"),
        (gguf(entry(b"general.architecture", U32, u32(1))), "general.architecture"),
        (gguf(ARCHITECTURE, n_entries=1 << 40), "claims to have"),
        (gguf(ARCHITECTURE, n_entries=2), "cut off"),
        (gguf(ARCHITECTURE, n_tensors=1 << 63), "claims to have"),
        (gguf(ARCHITECTURE, n_tensors=1), "cut off"),
        (gguf(ARCHITECTURE, entry(b"a", 99, b"")), "unknown type 99"),
        (gguf(ARCHITECTURE, entry(b"a", ARRAY, u32(ARRAY) + struct.pack("<Q", 1))), "unknown type 9"),
        (gguf(ARCHITECTURE, entry(b"a", ARRAY, u32(U8) + struct.pack("<Q", 1 << 62))), "cut off"),
        (gguf(ARCHITECTURE, struct.pack("<Q", 1 << 63)), "cut off"),
        (gguf(ARCHITECTURE, entry(b"a", STRING, struct.pack("<Q", 1 << 60))), "cut off"),
        (gguf(ARCHITECTURE, tensors=string(b"w") + u32(9), n_tensors=1), "9 dimensions"),
        (
            gguf(ARCHITECTURE, tensors=string(b"w") + struct.pack("<IQIQ", 1, 1 << 40, 0, 0), n_tensors=1),
            "ends at byte",
        ),
        (
            gguf(ARCHITECTURE, tensors=string(b"w") + struct.pack("<IQIQ", 1, 4, 0, 1 << 63), n_tensors=1),
            "ends at byte",
        ),
        (gguf(ARCHITECTURE, ARCHITECTURE), "has 'general.architecture' twice"),
        (gguf(ARCHITECTURE, tensors=2 * tensor(b"w", 0), n_tensors=2) + bytes(64), "tensor 'w' twice"),
        (gguf(ARCHITECTURE, tensors=tensor(b"x" * 64, 4), n_tensors=1), "too long a name"),
        (gguf(ARCHITECTURE, tensors=tensor(b"w", 4, offset=4), n_tensors=1), "byte 4, which is no multiple of 32"),
        (gguf(ARCHITECTURE, tensors=tensor(b"w", 33, kind=8), n_tensors=1), "rows of 33 values, which its type 8"),
        (gguf(ARCHITECTURE, tensors=tensor(b"w", 1 << 31, 1 << 32), n_tensors=1), "claims to have 9223372036854775808"),
        (gguf(ARCHITECTURE, tensors=tensor(b"w", 1 << 62, 0, offset=1 << 40), n_tensors=1), "ends at byte"),
        (
            gguf(ARCHITECTURE, tensors=tensor(b"a", 16) + tensor(b"b", 4, offset=32), n_tensors=2) + bytes(256),
            "tensors 'a' and 'b' overlap",
        ),
        (gguf(ARCHITECTURE, entry(b"general.alignment", U32, u32(0))), "general.alignment"),
        (gguf(ARCHITECTURE, entry(b"general.alignment", U32, u32(48))), "48, not a power of two"),
        (gguf(ARCHITECTURE, entry(b"general.alignment", BOOL, b"\x01")), "general.alignment is True"),
        (gguf(ARCHITECTURE, entry(b"general.alignment", STRING, string(b"many"))), "general.alignment"),
        (gguf(ARCHITECTURE, entry(b"general.alignment", F32, struct.pack("<f", float("nan")))), "general.alignment"),
    ],
)
def test_a_header_that_cannot_be_is_refused_in_words(content: bytes, words: str, tmp_path: Path) -> None:
    with pytest.raises(ModelLoadFailed, match=words):
        header_of(tmp_path / "m.gguf", content)


@pytest.mark.parametrize("key", ["context_length", "embedding_length", "block_count", "attention.head_count"])
@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "-1", "1e300", "0"])
def test_odd_figures_do_no_harm(key: str, value: str, tmp_path: Path) -> None:
    odd = entry(f"llama.{key}".encode(), F64, struct.pack("<d", float(value)))
    header = header_of(tmp_path / "m.gguf", gguf(ARCHITECTURE, odd))
    use(header)
    assert header.kv_bytes_per_token >= 0
    assert header.train_context_size >= 0


def test_odd_lists_of_figures_do_no_harm(tmp_path: Path) -> None:
    empty = entry(b"llama.context_length", ARRAY, u32(U32) + struct.pack("<Q", 0))
    infinite = entry(b"llama.block_count", ARRAY, u32(F32) + struct.pack("<Q2f", 2, float("inf"), float("nan")))
    header = header_of(tmp_path / "m.gguf", gguf(ARCHITECTURE, empty, infinite))
    use(header)
    assert header.train_context_size == 0


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.gguf")
    for path in (
        tmp_path,
        tmp_path / "pipe.gguf",
        tmp_path / "missing.gguf",
        Path("/dev/zero"),
        tmp_path / ("x" * 300),
    ):
        with pytest.raises(ModelLoadFailed, match=r"does not exist|cannot be read|not a GGUF file|is no file"):
            read_header(path)


@pytest.mark.parametrize(
    "lie",
    [
        entry(b"text", STRING, struct.pack("<Q", 3 << 30)),
        struct.pack("<Q", 3 << 30),
        entry(b"texts", ARRAY, u32(STRING) + struct.pack("<Q", 400 << 20)),
        entry(b"texts", ARRAY, u32(STRING) + struct.pack("<QQ", 1, 3 << 30)),
        entry(b"numbers", ARRAY, u32(U8) + struct.pack("<Q", 3 << 30)),
    ],
    ids=["string", "key", "strings", "string in a list", "numbers"],
)
def test_a_lie_in_a_large_file_costs_neither_memory_nor_time(lie: bytes, tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(gguf(ARCHITECTURE, lie, n_entries=3))
    os.truncate(path, 4 << 30)  # full of zeros, and takes no room
    tracemalloc.start()
    with pytest.raises(ModelLoadFailed):
        use(read_header(path))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 64 << 20


FUZZED = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def small(family_file: FamilyFile) -> bytes:
    return family_file(EMBEDDER).read_bytes()


def check_read_or_refused(path: Path, content: bytes) -> None:
    try:
        use(header_of(path, content))
    except ModelLoadFailed as error:
        assert "\n" not in str(error)  # noqa: PT017  either way is right


@FUZZED
@given(share=st.floats(0, 1), is_header=st.booleans())
def test_a_file_cut_anywhere_is_refused(small: bytes, tmp_path: Path, share: float, is_header: bool) -> None:  # noqa: FBT001
    n_bytes = int(share * (6000 if is_header else len(small) - 1))
    with pytest.raises(ModelLoadFailed):
        header_of(tmp_path / "m.gguf", small[:n_bytes])


@FUZZED
@given(flips=st.lists(st.tuples(st.integers(4, 12_000), st.integers(0, 255)), min_size=1, max_size=6))
def test_a_file_with_flipped_bytes_is_read_or_refused(
    small: bytes, tmp_path: Path, flips: list[tuple[int, int]]
) -> None:
    content = bytearray(small)
    for place, value in flips:
        content[place] = value
    check_read_or_refused(tmp_path / "m.gguf", bytes(content))


@FUZZED
@given(place=st.integers(4, 12_000), junk=st.binary(min_size=1, max_size=24))
def test_a_file_with_junk_in_it_is_read_or_refused(small: bytes, tmp_path: Path, place: int, junk: bytes) -> None:
    check_read_or_refused(tmp_path / "m.gguf", small[:place] + junk + small[place:])


@FUZZED
@given(st.binary(max_size=400))
def test_any_bytes_behind_the_magic_are_read_or_refused(tmp_path: Path, junk: bytes) -> None:
    check_read_or_refused(tmp_path / "m.gguf", b"GGUF" + u32(3) + junk)


def test_a_file_that_changed_is_read_again(family_file: FamilyFile, tmp_path: Path) -> None:
    path, headers = tmp_path / "m.gguf", Headers()
    path.write_bytes(family_file("llama").read_bytes())
    first = headers.read(path)
    assert headers.read(path) is first
    path.write_bytes(family_file("gpt2").read_bytes())
    assert headers.read(path).architecture == "gpt2"
    path.unlink()
    with pytest.raises(ModelLoadFailed, match="does not exist"):
        headers.read(path)
