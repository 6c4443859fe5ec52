"""`poly --connect`: the verbs over a server say what they say without one."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import Result

from poly_engine.config import Config, load
from poly_engine.interface import Engine
from poly_engine.local import LocalEngine
from tests.fake_engine import FakeEngine, Gate
from tests.serve.conftest import served
from tests.shell.conftest import ANSWER

Run = Callable[..., Result]
Configure = Callable[..., Path]


@contextmanager
def server(make: Callable[[], Engine], config: Config) -> Iterator[str]:
    """A server in a thread of its own: a verb has the one of the test."""
    loop = asyncio.new_event_loop()
    is_over = asyncio.Event()
    urls: list[str] = []
    is_ready = threading.Event()

    async def serve() -> None:
        async with make() as engine, served(engine, config) as url:
            urls.append(url)
            is_ready.set()
            await is_over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert is_ready.wait(60)
        yield urls[0]
    finally:
        loop.call_soon_threadsafe(is_over.set)
        thread.join()
        loop.close()


@pytest.fixture
def url(configure: Configure, models: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server of the configuration of the working directory: a task `greet`, and a memory `notes`."""
    for name in ("POLY_URL", "POLY_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    more = f'[models.embedder]\nmodel_path = "{models / "embedder.gguf"}"\nthreads = 1\n'
    path = configure(models / "greeter.gguf", more=f'{more}[memories.notes]\nembedding_model = "embedder"\n')
    Path("cats.txt").write_text("A cat sleeps for sixteen hours a day.")
    config = load(path).config
    with server(lambda: LocalEngine(config), config) as url:
        yield url


@pytest.mark.parametrize(
    "verb",
    [
        "run greet hello",
        "run greet hello --max-tokens 2",
        "run greet hello --schema is_it",
        "task ls --json",
        "memory ls --json",
        "tokenize tiny hello",
        "detokenize tiny 10 11 12",
        "detokenize tiny 999999",
        "embed embedder hello",
        "ingest notes cats.txt",
        "ingest cats.txt --json",
        "recall notes cat --json",
        "recall notes cat --source *cats* --mmr 0.5",
        "memory docs notes",
        "memory chunks notes {folder}/cats.txt",
        "memory verify notes",
        "memory export notes",
        "memory reindex notes --json",
        "memory rm notes {folder}/dogs.txt",
        "memory chunks notes dogs.txt",
        "run gret hello",
        "recall nots cat",
        "embed tny hello",
    ],
)
def test_a_verb_says_the_same_over_a_server(url: str, run: Run, verb: str) -> None:
    run("ingest", "cats.txt")
    words = verb.format(folder=Path.cwd()).split()
    here, there = run(*words), run("--connect", url, *words)
    assert (there.exit_code, there.stdout) == (here.exit_code, here.stdout)
    assert there.stderr.splitlines()[-1:] == here.stderr.splitlines()[-1:]


def test_a_chat_is_held_over_a_server(url: str, run: Run) -> None:
    assert run("--connect", url, "chat", input="hello\nhow are you").stdout == f"{ANSWER}\n{ANSWER}\n"


def test_what_was_exported_here_is_imported_there(url: str, run: Run) -> None:
    run("ingest", "cats.txt")
    exported = run("memory", "export", "notes").stdout_bytes
    run("memory", "clear", "notes", "--yes")
    imported = run("--connect", url, "memory", "import", "notes", input=exported)
    assert (imported.exit_code, imported.stdout.split("\t")[0]) == (0, "added")


def test_models_of_a_server_are_listed_and_shown_as_it_knows_them(url: str, run: Run) -> None:
    run("--connect", url, "run", "greet", "hello")
    rows = [line.split("\t") for line in run("--connect", url, "model", "ls").stdout.splitlines()]
    assert [row[:3] for row in rows] == [["embedder", "unloaded", "bert"], ["tiny", "loaded", "llama"]]
    shown = json.loads(run("--connect", url, "model", "show", "tiny", "--json").stdout)
    assert (shown["state"], shown["context_size"], shown["device"]) == ("loaded", 128, "cpu")
    assert "model not found: tni (there is: embedder, tiny)" in run("--connect", url, "model", "show", "tni").stderr


def test_models_of_a_server_are_loaded_listed_and_unloaded(url: str, run: Run) -> None:
    assert run("--connect", url, "model", "ps").stdout == ""
    loaded = json.loads(run("--connect", url, "model", "load", "tiny", "--json").stdout)
    (listed,) = json.loads(run("--connect", url, "model", "ps", "--json").stdout)
    assert (listed["name"], listed["state"], listed["device"], listed["requests"]) == ("tiny", "loaded", "cpu", 0)
    assert listed["layers_on_gpu"].startswith("0 of ")
    assert listed["memory_bytes"] == loaded["memory_bytes"] > 0
    assert 0 <= listed["idle_s"] < 60
    assert 1700 < listed["unload_in_s"] <= 1800
    unloaded = run("--connect", url, "model", "unload", "tiny")
    assert (unloaded.exit_code, unloaded.stdout) == (0, "")
    assert json.loads(run("--connect", url, "model", "ps", "--json").stdout) == []


@pytest.mark.parametrize("verb", ["load", "unload"])
def test_a_model_that_a_server_does_not_have_is_an_error_that_suggests_one(url: str, run: Run, verb: str) -> None:
    result = run("--connect", url, "model", verb, "tni")
    assert result.exit_code != 0
    assert "model not found: tni" in result.stderr


@pytest.mark.parametrize("verb", ["ps", "load tiny", "unload tiny"])
def test_without_a_server_there_is_no_model_to_hold_and_that_is_said(
    run: Run, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("POLY_URL", raising=False)
    result = run("model", *verb.split())
    assert result.exit_code == 2
    assert "a model is in memory as long as the command that uses it runs: --connect URL" in result.stderr


def test_a_memory_of_a_server_is_shown_without_settings(url: str, run: Run) -> None:
    run("ingest", "cats.txt")
    assert run("--connect", url, "memory", "show", "notes").stdout.splitlines()[:3] == [
        "name\tnotes",
        "documents\t1",
        "chunks\t1",
    ]


def test_the_settings_of_a_task_are_those_that_a_server_has(url: str, run: Run) -> None:
    shown = json.loads(run("--connect", url, "task", "show", "greet", "--json").stdout)
    assert (shown["name"], shown["model"]) == ("greet", "tiny")
    assert "task not found: gret (did you mean greet?)" in run("--connect", url, "task", "show", "gret").stderr


@pytest.mark.parametrize("verb", ["config check", "doctor", "serve", "token create", "key new", "completion bash"])
def test_a_verb_about_this_machine_takes_no_server(run: Run, verb: str) -> None:
    result = run("--connect", "http://127.0.0.1:9", *verb.split())
    assert (result.exit_code, result.stdout) == (2, "")
    assert "is about this machine: leave out --connect" in result.stderr


def test_the_environment_names_a_server_unless_the_command_says_otherwise(
    url: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLY_URL", "http://127.0.0.1:9")
    assert "http://127.0.0.1:9 cannot be reached" in run("task", "ls").stderr
    assert run("--connect", url, "task", "ls").stdout == "greet\ttiny\t\n"
    assert run("--config", "poly.toml", "task", "ls").stdout == "greet\ttiny\t\n"
    assert run("config", "check").exit_code == 0
    assert "leave out --config or --connect" in run("--config", "poly.toml", "--connect", url, "task", "ls").stderr


def test_a_key_comes_from_the_command_or_from_the_environment(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    config = Config.model_validate({"allowed_keys": ["right"]})
    with server(FakeEngine, config) as url:
        monkeypatch.setenv("POLY_URL", url)
        refused = run("task", "ls")
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert refused.stderr == "poly: no auth token provided and not a public server\n"
        assert run("--key", "right", "task", "ls").stdout.startswith("echo\t")
        monkeypatch.setenv("POLY_API_KEY", "right")
        assert run("task", "ls").stdout.startswith("echo\t")
        assert "no acceptable auth token" in run("--key", "wrong", "task", "ls").stderr


def test_the_shell_completes_the_names_of_a_server(url: str, run: Run) -> None:
    completed = run_completion(f"poly --connect {url} run gre", 4)
    assert "plain,greet" in completed
    assert run_completion("poly --connect http://127.0.0.1:9 run gre", 4).strip() == ""
    assert run("task", "ls").exit_code == 0


def run_completion(words: str, place: int) -> str:
    """What the shell is told to offer."""
    asked = {"_POLY_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(place)}
    command = [sys.executable, "-m", "poly_tui"]
    return subprocess.run(command, env={**os.environ, **asked}, capture_output=True, text=True, check=False).stdout


def test_ctrl_c_ends_an_answer_at_the_server(home: Path) -> None:
    engine = FakeEngine(gate=Gate(1))
    with server(lambda: engine, Config()) as url:
        command = [sys.executable, "-m", "poly_tui", "--connect", url, "run", "echo", "hello", "--jsonl"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=home) as process:
            assert process.stdout is not None
            while b"token" not in process.stdout.readline():
                pass
            process.send_signal(2)
            assert process.wait(30) == 130
        assert (engine.n_running, engine.cancelled) == (0, ["hello"])
