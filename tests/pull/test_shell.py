"""`poly model pull`, `add`, `rm`, `files` and `recommended`, as the program that they are."""

import asyncio
import json
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from poly_engine.config import load
from poly_engine.models.found import find_pulled
from tests.gguf_models import EMBEDDER, make, make_chain
from tests.pull.gguf_bytes import gguf_bytes
from tests.pull.hub_server import HubServer
from tests.serve.waiting import until
from tests.shell.terminal import Terminal

REPO = "acme/tiny-GGUF"


@dataclass(frozen=True)
class Ended:
    """What came of a run of `poly`."""

    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def work(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, without configuration."""
    for name in ("CONFIG", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
    for name in ("POLY_CONFIG", "POLY_DATA_DIR", "POLY_URL", "POLY_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    folder = home / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def talker(tmp_path: Path) -> bytes:
    """A model that answers yes to everything."""
    return make_chain(tmp_path / "talker.gguf", ["yes"], "\n").read_bytes()


async def start(*args: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "poly_tui", *args, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe
    )


async def poly(*args: str) -> Ended:
    process = await start(*args)
    out, err = await process.communicate()
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


def config_file(home: Path) -> Path:
    return home / "config" / "poly" / "config.toml"


async def test_pull_prints_the_path_and_tells_how_far_it_is(hub: HubServer, talker: bytes) -> None:
    hub.publish(REPO, {"tiny-Q8_0.gguf": talker})

    ended = await poly("model", "pull", f"hf:{REPO}:Q8_0")

    assert ended.code == 0
    assert Path(ended.out.rstrip("\n")).read_bytes() == talker
    assert ended.err.splitlines()[0] == f"poly: looking for hf:{REPO}:Q8_0"


async def test_pull_tells_each_step_as_json(hub: HubServer, talker: bytes) -> None:
    hub.publish(REPO, {"tiny-Q8_0.gguf": talker})
    await poly("model", "pull", f"hf:{REPO}")

    ended = await poly("model", "pull", f"hf:{REPO}", "--json")

    *steps, last = [json.loads(line) for line in ended.out.splitlines()]
    assert [step["phase"] for step in steps] == ["resolving", "done"]
    assert last == {
        "event": "pulled",
        "path": last["path"],
        "size_bytes": len(talker),
        "sha256": last["sha256"],
        "was_there": True,
        "reference": f"hf:{REPO}/tiny-Q8_0.gguf",
    }
    assert ended.err == ""


async def test_pull_lays_out_a_folder_as_other_tools_do(hub: HubServer, talker: bytes, work: Path) -> None:
    hub.publish(REPO, {"tiny-Q8_0.gguf": talker})

    ended = await poly("model", "pull", f"hf:{REPO}", "--to", "models")

    assert ended.out == f"models/{REPO}/tiny-Q8_0.gguf\n"
    assert (work / ended.out.strip()).read_bytes() == talker


@pytest.mark.parametrize(
    ("reference", "code", "words"),
    [
        ("qwne", 2, "names no model that could be fetched"),
        ("hf:acme/nothing", 1, "has no repository acme/nothing"),
        (f"hf:{REPO}:Q2_K", 1, "has no Q2_K. There is: tiny-Q8_0.gguf"),
        ("starter", 2, "model starter has no url"),
    ],
)
async def test_what_cannot_be_pulled_is_told_of_in_a_line(
    reference: str, code: int, words: str, hub: HubServer, talker: bytes
) -> None:
    hub.publish(REPO, {"tiny-Q8_0.gguf": talker})

    ended = await poly("model", "pull", reference)

    assert (ended.code, ended.out) == (code, "")
    assert words in ended.err
    assert len([line for line in ended.err.splitlines() if not line.startswith("poly: looking")]) == 1


async def test_ctrl_c_stops_at_once_and_the_same_command_goes_on(hub: HubServer, home: Path) -> None:
    content = gguf_bytes(50_000)
    hub.publish(REPO, {"tiny-Q8_0.gguf": content})
    hub.cdn.answers = [hub.cdn.stall(1000)]
    process = await start("model", "pull", f"hf:{REPO}")
    await until(lambda: any(part.stat().st_size for part in home.rglob("*.part")))
    process.send_signal(signal.SIGINT)
    _, err = await process.communicate()

    ended = await poly("model", "pull", f"hf:{REPO}")

    assert process.returncode == 130
    assert "the same command goes on with it" in err.decode()
    assert Path(ended.out.strip()).read_bytes() == content
    assert [asked.first_byte for asked in hub.cdn.asked] == [0, 1000]


async def test_a_terminal_shows_a_bar(hub: HubServer) -> None:
    hub.publish(REPO, {"tiny-Q8_0.gguf": gguf_bytes(50_000)})
    hub.cdn.answers = [hub.cdn.stall(150_000)]

    with Terminal("model", "pull", f"hf:{REPO}") as terminal:
        await asyncio.to_thread(terminal.read_until, "░")
        hub.cdn.released.set()
        shown = await asyncio.to_thread(terminal.read_until, "[tasks.NAME]")

    assert "its SHA-256 is right" in shown
    assert f"poly model add NAME hf:{REPO}/tiny-Q8_0.gguf" in shown


async def test_a_model_that_was_added_answers(hub: HubServer, talker: bytes, home: Path) -> None:
    hub.publish(REPO, {"tiny-Q8_0.gguf": talker})

    added = await poly("model", "add", "mine", f"hf:{REPO}")
    answered = await poly("run", "mine", "Well?")

    assert added.code == 0, added.err
    assert "poly chat mine talks with it" in added.err
    assert (answered.code, answered.out) == (0, "yes\n")
    assert load(config_file(home)).config.models["mine"].url == f"hf:{REPO}/tiny-Q8_0.gguf"


async def test_a_file_is_added_where_it_is_to_the_configuration_in_use(tmp_path: Path, work: Path) -> None:
    make(EMBEDDER, tmp_path / "e.gguf")
    (work / "poly.toml").write_text("# mine\n")

    ended = await poly("model", "add", "e", "../e.gguf")

    assert ended.code == 0, ended.err
    assert 'embedding_model = "e"' in ended.err
    config = load(work / "poly.toml").config
    assert config.models["e"].file is not None
    assert config.models["e"].file.samefile(tmp_path / "e.gguf")
    assert config.tasks == {}
    assert (work / "poly.toml").read_text().startswith("# mine\n")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("starter", "x.gguf"), "there is a model starter already"),
        (("new", "nowhere.gguf"), "nowhere.gguf does not exist"),
        (("new",), "say what new is"),
    ],
)
async def test_what_cannot_be_added_changes_nothing(args: tuple[str, ...], words: str, home: Path) -> None:
    ended = await poly("model", "add", *args)

    assert (ended.code, ended.out) == (2, "")
    assert words in ended.err
    assert not config_file(home).exists()


async def test_rm_frees_the_disk_and_says_who_uses_the_model(hub: HubServer, talker: bytes, home: Path) -> None:
    hub.publish(REPO, {"tiny-Q8_0.gguf": talker})
    await poly("model", "add", "mine", f"hf:{REPO}")
    hub.commit = "f" * 40
    hub.publish(REPO, {"tiny-Q8_0.gguf": talker})
    await poly("model", "pull", f"hf:{REPO}")

    asked = await poly("model", "rm", "mine")
    removed = await poly("model", "rm", "mine", "--yes")
    again = await poly("model", "rm", "mine", "--yes")

    assert (asked.code, "--yes is needed" in asked.err) == (2, True)
    assert removed.code == 0, removed.err
    assert "poly: it is used by the task mine\n" in removed.err
    assert [path for path in (home / "hf" / "hub").rglob("*") if "blobs" in path.parts[:-1] or path.is_symlink()] == []
    assert "mine has no file on this machine" in again.err
    assert "mine" in load(config_file(home)).config.models


async def test_rm_asks_first_on_a_terminal(hub: HubServer, talker: bytes) -> None:
    hub.publish(REPO, {"tiny-Q8_0.gguf": talker})
    await poly("model", "pull", f"hf:{REPO}")

    with Terminal("model", "rm", f"hf:{REPO}") as terminal:
        await asyncio.to_thread(terminal.read_until, "[y/N]")
        terminal.press("n\r")
        await asyncio.to_thread(terminal.process.wait)

    assert find_pulled(f"hf:{REPO}") is not None


async def test_rm_leaves_what_is_part_of_poly() -> None:
    ended = await poly("model", "rm", "starter", "--yes")

    assert ended.code == 2
    assert "is part of Poly" in ended.err


async def test_files_lists_what_there_is_and_who_uses_it(hub: HubServer, talker: bytes, tmp_path: Path) -> None:
    hub.publish(REPO, {"tiny-Q8_0.gguf": talker})
    await poly("model", "add", "mine", f"hf:{REPO}")

    rows = json.loads((await poly("model", "files", str(tmp_path), "--json")).out)

    assert [(Path(row["path"]).name, row["quantisation"], row["models"]) for row in rows] == [
        ("tiny-Q8_0.gguf", "Q8_0", ["mine"]),
        ("talker.gguf", None, []),
    ]


async def test_a_model_that_is_to_be_fetched_is_listed_as_it_will_be(work: Path) -> None:
    (work / "poly.toml").write_text('[models.m]\nurl = "https://ann:s3cret@host.test/m.gguf?key=s3cret"\n')

    listed = await poly("model", "ls")
    shown = await poly("model", "show", "m")

    assert listed.out.split("\t")[:2] == ["m", "unloaded"]
    assert "file\thttps://host.test/m.gguf\n" in shown.out
    assert "s3cret" not in listed.out + shown.out


async def test_these_verbs_are_about_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = await poly("--connect", "http://127.0.0.1:9", "model", "files")
    monkeypatch.setenv("POLY_URL", "http://127.0.0.1:9")
    listed = await poly("model", "files")

    assert refused.code == 2
    assert "poly model files is about this machine: leave out --connect" in refused.err
    assert listed.code == 0


async def test_recommended_lists_names_that_can_be_pulled() -> None:
    ended = await poly("model", "recommended")

    names = [line.split("\t")[0] for line in ended.out.splitlines()]
    assert ended.code == 0
    assert {"qwen3-4b", "minilm"} <= set(names)
