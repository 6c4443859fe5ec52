"""The process of a model while it lives: it prints nothing, tells its log, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from poly_engine.batch.process.words import LastWords, cause_of_death
from poly_engine.errors import EngineClosed, InvalidSchema
from poly_engine.types import Bias
from tests.conftest import FamilyFile
from tests.engine.conversation import hear
from tests.engine.isolated import ROOT, children, isolated, the_child, until
from tests.gguf_models import make_chain

N_CYCLES = 100 if os.environ.get("POLY_FAULTS") == "full" else 20


async def test_it_gives_everything_back_however_often_it_is_loaded(family_file: FamilyFile) -> None:
    path, here = family_file("llama"), psutil.Process()

    async def cycle() -> None:
        async with isolated(path, max_tokens=2) as home, home.session("t") as session:
            await hear(session, "hello")

    for _ in range(3):
        await cycle()
    bytes_before, fds_before, threads_before = here.memory_info().rss, here.num_fds(), set(threading.enumerate())
    for _ in range(N_CYCLES):
        await cycle()
    assert children() == []
    assert here.num_fds() == fds_before
    # What tells that it has ended is the last deed of its threads
    await until(lambda: not [one for one in set(threading.enumerate()) - threads_before if "poly-" in one.name])
    assert here.memory_info().rss < bytes_before * 1.05


async def test_the_weights_are_in_its_memory_and_not_in_ours(family_file: FamilyFile) -> None:
    path = family_file("llama")
    async with isolated(path) as home:
        await home.load("m")
        assert str(path) in {one.path for one in the_child().memory_maps()}
        assert str(path) not in {one.path for one in psutil.Process().memory_maps()}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can be told whom to end")
async def test_it_goes_before_its_parent_where_memory_runs_out(family_file: FamilyFile) -> None:
    async with isolated(family_file("llama")) as home:
        await home.load("m")
        assert Path(f"/proc/{the_child().pid}/oom_score_adj").read_text() == "500\n"


async def test_an_engine_that_closes_while_it_loads_leaves_no_process(family_file: FamilyFile) -> None:
    home = isolated(family_file("llama"))
    loading = asyncio.create_task(home.load("m"))
    await until(lambda: bool(children()))
    await home.close()
    with pytest.raises(EngineClosed):
        await loading
    assert children() == []


async def test_an_engine_that_closes_before_anything_began_leaves_no_process(family_file: FamilyFile) -> None:
    for n_turns_of_the_loop in range(6):
        home = isolated(family_file("llama"))
        loading = asyncio.create_task(home.load("m"))
        for _ in range(n_turns_of_the_loop):
            await asyncio.sleep(0)
        await home.close()
        with pytest.raises(EngineClosed):
            await loading
    assert children() == []


async def test_how_far_it_has_loaded_is_told(family_file: FamilyFile) -> None:
    told: list[float] = []
    async with isolated(family_file("llama")) as home:
        await home.load("m", told.append)
    assert told == sorted(told)
    assert len(told) > 1
    assert told[-1] == 1.0


async def test_nothing_is_printed_and_the_parent_does_without_llama_cpp(tmp_path: Path) -> None:
    script = """
import asyncio, sys
from pathlib import Path
from tests.engine.conversation import hear
from tests.engine.isolated import isolated, the_child, until

async def main():
    async with isolated(Path(sys.argv[1])) as home, home.session("t") as session:
        await hear(session, ">")
        the_child().send_signal(6)
        await until(lambda: home._served["m"].state == "failed")
        await hear(session, ">")
    assert "llama_cpp" not in sys.modules

import logging
logging.getLogger("poly_engine").addHandler(logging.NullHandler())
asyncio.run(main())
"""
    path = make_chain(tmp_path / "m.gguf", ["yes"])
    ended = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-c", script, str(path)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "PYTHONPATH": ROOT},
    )
    printed, _ = await ended.communicate()
    assert (ended.returncode, printed) == (0, b"")


async def test_its_log_is_a_part_of_ours(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "poly_engine")
    async with isolated(make_chain(tmp_path / "m.gguf", ["yes"])) as home:
        await home.load("m")
    library = [record for record in caplog.records if record.name == "poly_engine.llama.library"]
    assert any("llama_model_loader" in record.message and record.levelno == logging.DEBUG for record in library)


async def test_it_does_not_know_our_secrets(family_file: FamilyFile, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("POLY_API_KEY", "HF_TOKEN", "DB_PASSWORD"):
        monkeypatch.setenv(name, "canary")
    monkeypatch.setenv("GGML_OTHER", "kept")
    async with isolated(family_file("llama")) as home:
        await home.load("m")
        environment = the_child().environ()
    assert "canary" not in environment.values()
    assert environment["GGML_OTHER"] == "kept"


async def test_a_schema_that_cannot_be_is_refused_with_the_place(family_file: FamilyFile) -> None:
    async with isolated(family_file("llama")) as home, home.session("t") as session:
        with pytest.raises(InvalidSchema) as error:
            async with session.send("hello", schema=Bias.of_schema({"properties": {"a": {"not": {}}}})):
                pass
        assert error.value.where == ("properties", "a")
        assert "$.properties.a" in str(error.value)


def last_words(script: str) -> tuple[LastWords, int]:
    """What a process of Python said before it ended."""
    words = LastWords("m.gguf")
    with subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE) as process:
        words.hear_out(process)
    return words, process.returncode


ABORTING = r"""
import faulthandler, os, sys

faulthandler.enable()
for line in ("begin", "\x1e20 poly_engine.x INFO of the log", "a", "/build/x/ggml.c:12: GGML_ASSERT(a)", "b \x1b[2J"):
    print(line, file=sys.stderr)
sys.stderr.write("c")
sys.stderr.flush()
os.abort()
"""


def test_the_last_words_are_those_before_python_says_where_it_was(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "poly_engine")
    words, status = last_words(ABORTING)
    assert words.text == "ggml.c:12: GGML_ASSERT(a); b ?[2J; c"
    assert cause_of_death(status, "gone") == "the process of the model was ended by SIGABRT (Aborted): gone"
    assert ("poly_engine.x", logging.INFO, "INFO of the log") in caplog.record_tuples


def test_a_line_without_end_takes_no_memory() -> None:
    words, _ = last_words("import sys; sys.stderr.write('x' * (1 << 22))")
    assert len(words.text) <= 2000


def test_a_process_that_ends_by_itself_is_told_by_its_status() -> None:
    assert cause_of_death(3, "") == "the process of the model ended with status 3"
    assert cause_of_death(-40, "") == "the process of the model was ended by signal 40"
    assert cause_of_death(70, "whatever") == "the engine failed; its log says why"
