"""A file comes whole or not at all: it is gone on with where it was cut off, and what is wrong never has its name."""

import asyncio
import hashlib
import random
import time
from pathlib import Path

import pytest
from aiohttp import web

from poly_engine.errors import PullFailed
from poly_engine.models import download as downloading
from poly_engine.models.download import Wanted, Watch, download
from poly_engine.models.part import Note, Part
from poly_engine.models.pull import pull
from poly_engine.models.web import Web
from tests.pull.file_server import FileServer, cut_off
from tests.pull.gguf_bytes import gguf_bytes
from tests.pull.parts import names, until_part_has

MODEL = gguf_bytes(50_000)
WATCH = Watch(lambda _n, _of: None, lambda: None)


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloading, "_PAUSES_S", (0.0,) * 5)


async def test_a_file_at_a_url_comes_as_it_is(server: FileServer, tmp_path: Path) -> None:
    url = server.put("/models/m.gguf", MODEL)

    pulled = await pull(url, tmp_path / "models")

    assert pulled.path.read_bytes() == MODEL
    assert (pulled.size_bytes, pulled.was_there) == (len(MODEL), False)
    assert names(tmp_path / "models") == {"m.gguf"}


async def test_what_is_there_is_not_fetched_again(server: FileServer, tmp_path: Path) -> None:
    url = server.put("/m.gguf", MODEL)
    first = await pull(url, tmp_path)

    again = await pull(url, tmp_path)

    assert (again.path, again.was_there) == (first.path, True)
    assert len(server.asked) == 1


async def test_twenty_cut_connections_are_gone_on_with_and_nothing_is_fetched_twice(
    server: FileServer, tmp_path: Path
) -> None:
    url = server.put("/m.gguf", MODEL)
    offsets = sorted(random.Random(7).sample(range(1, len(MODEL)), 20))
    lengths = [end - begin for begin, end in zip([0, *offsets], offsets, strict=False)]
    server.answers = [server.cut(length) for length in lengths]

    pulled = await pull(url, tmp_path)

    assert pulled.path.read_bytes() == MODEL
    assert [asked.first_byte for asked in server.asked] == [0, *offsets]


@pytest.mark.parametrize("n_bytes", [*range(4), 5, 31, 32, 33, 99, 100, 101, 4096, 65535, 65536, 65537, 10**5, 199999])
async def test_a_download_that_was_given_up_at_any_place_is_gone_on_with_by_the_next_one(
    n_bytes: int, server: FileServer, tmp_path: Path
) -> None:
    url = server.put("/m.gguf", MODEL)
    server.answers = [server.stall(n_bytes)]
    first = asyncio.create_task(pull(url, tmp_path))
    await until_part_has(n_bytes, server, tmp_path)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert not list(tmp_path.rglob("*.gguf"))

    pulled = await pull(url, tmp_path)

    assert pulled.path.read_bytes() == MODEL
    assert min(n_bytes, 1) <= server.asked[-1].first_byte <= n_bytes
    assert names(tmp_path) == {"m.gguf"}


async def test_a_file_that_changed_meanwhile_is_begun_anew(server: FileServer, tmp_path: Path) -> None:
    url = server.put("/m.gguf", MODEL)
    newer = gguf_bytes(50_000, seed=2)

    async def changed(request: web.Request) -> web.StreamResponse:
        server.put("/m.gguf", newer, '"two"')
        return await server.well(request)

    server.answers = [server.cut(60_000), changed]

    pulled = await pull(url, tmp_path)

    assert pulled.path.read_bytes() == newer
    assert server.asked[1].first_byte == 60_000


async def test_a_server_that_minds_no_version_cannot_mix_two(server: FileServer, tmp_path: Path) -> None:
    """It answers with the rest of a newer file, and says so only in its ETag."""
    url = server.put("/m.gguf", MODEL)
    newer = gguf_bytes(50_000, seed=2)

    async def careless(_: web.Request) -> web.StreamResponse:
        server.put("/m.gguf", newer, '"two"')
        headers = {"ETag": '"two"', "Content-Range": f"bytes 60000-{len(newer) - 1}/{len(newer)}"}
        return web.Response(status=206, body=newer[60_000:], headers=headers)

    server.answers = [server.cut(60_000), careless]

    assert (await pull(url, tmp_path)).path.read_bytes() == newer


async def test_a_server_that_knows_no_ranges_sends_it_all_again(server: FileServer, tmp_path: Path) -> None:
    url = server.put("/m.gguf", MODEL)

    async def all_of_it(_: web.Request) -> web.StreamResponse:
        return web.Response(body=MODEL, headers={"ETag": '"one"'})

    server.answers = [server.cut(100), all_of_it]

    assert (await pull(url, tmp_path)).path.read_bytes() == MODEL


async def test_a_file_without_a_version_is_begun_anew(server: FileServer, tmp_path: Path) -> None:
    url = server.put("/m.gguf", MODEL, etag='W/"weak"')
    server.answers = [server.cut(100)]

    assert (await pull(url, tmp_path)).path.read_bytes() == MODEL
    assert [asked.first_byte for asked in server.asked] == [0, 0]


async def test_a_file_whose_length_nobody_says_comes_as_well(server: FileServer, tmp_path: Path) -> None:
    async def in_chunks(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(MODEL)
        return response

    server.answers = [in_chunks]

    assert (await pull(f"{server.url}/m.gguf", tmp_path)).path.read_bytes() == MODEL


PAGE = b"<!DOCTYPE html><html><body>Log in first</body></html>"


def short(content: bytes) -> web.Response:
    return web.Response(body=content, headers={"ETag": '"x"'})


BAD_FILES = {
    "a web page": PAGE,
    "something else": b"PK\x03\x04" + bytes(1000),
    "it is cut off in its header": MODEL[:40],
    "ends at byte": MODEL[:-1],
    "does not begin with GGUF": b"",
}


@pytest.mark.parametrize("reason", BAD_FILES)
async def test_what_is_no_whole_model_is_never_given_its_name(reason: str, server: FileServer, tmp_path: Path) -> None:
    url = server.put("/m.gguf", BAD_FILES[reason])

    with pytest.raises(PullFailed, match=reason):
        await pull(url, tmp_path)

    assert names(tmp_path) == set()


async def test_a_length_that_is_more_than_comes_is_no_end_of_waiting(server: FileServer, tmp_path: Path) -> None:
    async def lie(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"ETag": '"one"'})
        response.content_length = 2 * len(MODEL)
        await response.prepare(request)
        await response.write(MODEL)
        cut_off(request)
        return response

    url = server.put("/m.gguf", MODEL)
    server.answers = [lie]

    pulled = await pull(url, tmp_path)

    assert pulled.path.read_bytes() == MODEL
    assert server.asked[1].first_byte == len(MODEL)


async def test_another_length_than_was_said_beforehand_is_refused(server: FileServer, tmp_path: Path) -> None:
    wanted = Wanted(server.put("/m.gguf", MODEL), tmp_path / "m.gguf", "the model", size_bytes=len(MODEL) + 4)

    async with Web() as out:
        with pytest.raises(PullFailed, match="that is another file"):
            await download(wanted, out, WATCH)

    assert not wanted.path.exists()


async def test_what_does_not_have_its_sha256_is_thrown_away(server: FileServer, tmp_path: Path) -> None:
    wanted = Wanted(server.put("/m.gguf", MODEL), tmp_path / "m.gguf", "the model", sha256="0" * 64)

    async with Web() as out:
        with pytest.raises(PullFailed, match="came damaged"):
            await download(wanted, out, WATCH)

    assert names(tmp_path) == set()


async def test_what_an_earlier_run_left_damaged_is_found_out_and_fetched_anew(
    server: FileServer, tmp_path: Path
) -> None:
    digest = hashlib.sha256(MODEL).hexdigest()
    wanted = Wanted(server.put("/m.gguf", MODEL), tmp_path / "m.gguf", "the model", sha256=digest)
    server.answers = [server.cut(1000), *[refuse] * 5]
    async with Web() as out:
        with pytest.raises(PullFailed, match=r"answers 503; what has come of it is kept"):
            await download(wanted, out, WATCH)
        part = tmp_path / "m.gguf.part"
        part.write_bytes(part.read_bytes()[:-4] + b"oops")

        await download(wanted, out, WATCH)

    assert wanted.path.read_bytes() == MODEL
    assert [asked.first_byte for asked in server.asked[-2:]] == [1000, 0]


async def test_what_an_earlier_run_had_fetched_in_whole_is_only_checked(server: FileServer, tmp_path: Path) -> None:
    wanted = Wanted(server.put("/m.gguf", MODEL), tmp_path / "m.gguf", "the model")
    part = await Part.claim(wanted.path, lambda _: None)
    assert part is not None
    async with part:
        await part.begin(Note(downloading._source(wanted), '"one"', None, len(MODEL)))
        await part.append(MODEL)
    told: list[tuple[int, int | None]] = []

    async with Web() as out:
        await download(wanted, out, Watch(lambda n, of: told.append((n, of)), lambda: None))

    assert wanted.path.read_bytes() == MODEL
    assert told == [(len(MODEL), len(MODEL))]
    assert server.asked == []


async def refuse(_: web.Request) -> web.StreamResponse:
    return web.Response(status=503)


async def test_a_busy_server_is_asked_again_when_it_says(server: FileServer, tmp_path: Path) -> None:
    url = server.put("/m.gguf", MODEL)

    async def busy(_: web.Request) -> web.StreamResponse:
        return web.Response(status=429, headers={"Retry-After": "1"})

    server.answers = [busy]
    begin = time.monotonic()

    await pull(url, tmp_path)

    assert time.monotonic() - begin >= 1


async def test_a_stall_ends_the_connection_and_another_one_goes_on(server: FileServer, tmp_path: Path) -> None:
    wanted = Wanted(server.put("/m.gguf", MODEL), tmp_path / "m.gguf", "the model")
    server.answers = [server.stall(70_000)]

    async with Web(silence_s=1.0) as out:
        await download(wanted, out, WATCH)

    assert wanted.path.read_bytes() == MODEL
    assert [asked.first_byte for asked in server.asked] == [0, 70_000]


async def test_a_server_that_only_stalls_is_given_up_and_what_came_is_kept(server: FileServer, tmp_path: Path) -> None:
    wanted = Wanted(server.put("/m.gguf", MODEL), tmp_path / "m.gguf", "the model")
    server.answers = [server.stall(1000), *[server.stall(0)] * 5]

    async with Web(silence_s=0.5) as out:
        with pytest.raises(PullFailed, match="the model cannot be fetched: nothing came for a while"):
            await download(wanted, out, WATCH)

    assert (tmp_path / "m.gguf.part").stat().st_size == 1000
    assert not wanted.path.exists()


@pytest.mark.parametrize(
    ("status", "words"), [(401, "HF_TOKEN"), (403, "licence"), (404, "is not there"), (418, "418")]
)
async def test_a_refusal_is_said_in_words_at_once(status: int, words: str, server: FileServer, tmp_path: Path) -> None:
    async def no(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status)

    server.answers = [no]

    with pytest.raises(PullFailed, match=words):
        await pull(f"{server.url}/m.gguf", tmp_path)

    assert len(server.asked) == 1


@pytest.mark.parametrize("seed", range(40))
async def test_whatever_a_server_does_there_is_the_whole_file_or_none(
    seed: int, server: FileServer, tmp_path: Path
) -> None:
    random_ = random.Random(seed)
    versions = {gguf_bytes(n, seed=n) for n in (20_000, 20_001, 30_000)}
    server.put("/m.gguf", random_.choice(sorted(versions)), '"0"')

    async def misbehave(request: web.Request) -> web.StreamResponse:
        match random_.randrange(7):
            case 0:
                return web.Response(status=random_.choice([429, 500, 503]))
            case 1:
                return web.Response(body=PAGE, headers={"ETag": '"page"'})
            case 2:
                server.put("/m.gguf", random_.choice(sorted(versions)), f'"{random_.randrange(3)}"')
                return await server.well(request)
            case 3:
                return await server.stall(random_.randrange(80_000))(request)
            case 4:
                return web.Response(status=416, headers={"Content-Range": f"bytes */{random_.randrange(80_000)}"})
            case _:
                return await server.cut(random_.randrange(80_000))(request)

    server.answers = [misbehave] * random_.randrange(12)
    wanted = Wanted(f"{server.url}/m.gguf", tmp_path / "m.gguf", "the model")

    async with Web(silence_s=0.1) as out:
        for _ in range(4):
            try:
                await download(wanted, out, WATCH)
            except PullFailed:
                assert not wanted.path.exists()

    if wanted.path.exists():
        assert wanted.path.read_bytes() in versions
