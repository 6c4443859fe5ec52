"""A download on a machine with others on it: a disk that is full, others who want the same, a kill in the middle."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from poly_engine.errors import PullFailed
from poly_engine.models.download import Wanted, Watch, download
from poly_engine.models.pull import pull
from poly_engine.models.web import Web
from tests.pull.file_server import FileServer
from tests.pull.gguf_bytes import gguf_bytes
from tests.pull.parts import n_safe, names, until_part_has
from tests.serve.waiting import until

MODEL = gguf_bytes(50_000)
WATCH = Watch(lambda _n, _of: None, lambda: None)


async def test_a_disk_without_room_is_told_of_before_anything_is_fetched(server: FileServer, tmp_path: Path) -> None:
    wanted = Wanted(server.put("/m.gguf", MODEL), tmp_path / "m.gguf", "the model")

    async with Web() as out:
        with pytest.raises(PullFailed, match="has room for 0 MB"):
            await download(wanted, out, WATCH, free_bytes=lambda _: 1000)

    assert not (tmp_path / "m.gguf.part").exists() or not (tmp_path / "m.gguf.part").stat().st_size


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file system of its own")
async def test_a_disk_that_is_full_in_the_middle_keeps_what_came(server: FileServer, tmp_path: Path) -> None:
    big = gguf_bytes(600_000)
    disk = tmp_path / "disk"
    disk.mkdir()
    wanted = Wanted(server.put("/m.gguf", big), disk / "m.gguf", "the model")
    do("mount", "-t", "tmpfs", "-o", "size=1536k", "tmpfs", str(disk))
    try:
        async with Web() as out:
            with pytest.raises(PullFailed, match="is full"):
                await download(wanted, out, WATCH, free_bytes=lambda _: 1 << 40)
            n_kept = (disk / "m.gguf.part").stat().st_size
            do("mount", "-o", "remount,size=64m", str(disk))

            await download(wanted, out, WATCH)
        content = wanted.path.read_bytes()
    finally:
        do("umount", str(disk))
    assert content == big
    assert n_kept > 1 << 20
    assert server.asked[-1].first_byte >= 1 << 20


def do(*command: str) -> None:
    subprocess.run(command, check=True)


async def test_two_who_want_the_same_fetch_it_once(server: FileServer, tmp_path: Path) -> None:
    url = server.put("/m.gguf", MODEL)
    server.answers = [server.cut(1000)]

    one, other = await asyncio.gather(pull(url, tmp_path), pull(url, tmp_path))

    assert sorted([one.was_there, other.was_there]) == [False, True]
    assert [asked.first_byte for asked in server.asked] == [0, 1000]


PULLER = """
import asyncio, sys
from pathlib import Path
from poly_engine.models.part import Note, Part
from poly_engine.models.pull import pull

pulled = asyncio.run(pull(sys.argv[1], Path(sys.argv[2])))
print("there" if pulled.was_there else "fetched", pulled.path)
"""


async def start_pulling(url: str, folder: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", PULLER, url, str(folder), stdout=asyncio.subprocess.PIPE
    )


async def test_of_two_processes_that_want_the_same_one_fetches_it_and_both_have_it(
    server: FileServer, tmp_path: Path
) -> None:
    url = server.put("/m.gguf", MODEL)
    server.answers = [server.stall(1000)]
    processes = [await start_pulling(url, tmp_path) for _ in range(2)]
    await until_part_has(1000, server, tmp_path)
    server.released.set()

    outputs = [(await process.communicate())[0].decode() for process in processes]

    assert sorted(output.split()[0] for output in outputs) == ["fetched", "there"]
    assert [asked.first_byte for asked in server.asked] == [0, 1000]


async def test_a_process_that_is_killed_loses_no_more_than_was_not_on_the_disk(
    server: FileServer, tmp_path: Path
) -> None:
    big = gguf_bytes(3 << 20)
    url = server.put("/m.gguf", big)
    server.answers = [server.stall(10 << 20)]
    process = await start_pulling(url, tmp_path)
    await until(lambda: n_safe(tmp_path) > 0)
    process.kill()
    await process.wait()
    n_kept = n_safe(tmp_path)
    assert not list(tmp_path.rglob("*.gguf"))

    pulled = await pull(url, tmp_path)

    assert pulled.path.read_bytes() == big
    assert server.asked[-1].first_byte >= n_kept > 0
    assert names(tmp_path) == {"m.gguf"}
