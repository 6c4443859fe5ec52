"""Every test of the shell has a home folder of its own, and tiny models that say what the test expects."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from poly_tui.cli import poly
from tests.gguf_models import make, make_scripted

ANSWER = "Hello there."
COUNT = " ".join(str(number) for number in range(1, 1001))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, in a home folder without configuration."""
    folder = tmp_path / "home"
    (folder / "work").mkdir(parents=True)
    for name, value in {
        "HOME": folder,
        "XDG_CONFIG_HOME": folder / "config",
        "XDG_DATA_HOME": folder / "data",
        "XDG_STATE_HOME": folder / "state",
        "PYTHONPATH": Path(__file__).parents[2],
    }.items():
        monkeypatch.setenv(name, str(value))
    for name in ("POLY_CONFIG", "POLY_DATA_DIR", "POLY_URL", "POLY_API_KEY", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(folder / "work")
    return folder


@pytest.fixture
def run() -> Callable[..., Result]:
    """Runs `poly` in this process, with `input` on stdin."""

    def run(*args: str, input: str | bytes = "") -> Result:  # noqa: A002 - click's name for it
        return CliRunner().invoke(poly, args, input=input, prog_name="poly")

    return run


@pytest.fixture
def configure() -> Callable[..., Path]:
    """Writes ./poly.toml: a task `greet`, with more settings if wanted, over the model `tiny` at a path."""

    def configure(model: Path, task: str = "", more: str = "") -> Path:
        path = Path("poly.toml")
        path.write_text(
            f'[models.tiny]\nmodel_path = "{model}"\nthreads = 1\n'
            f'[tasks.greet]\nmodel = "tiny"\ntemperature = 0\nrepeat_penalty = 1.0\n{task}\n{more}'
        )
        return path

    return configure


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `greeter.gguf`, which always says ANSWER; `talker.gguf`, which talks long; and `embedder.gguf`."""
    folder = tmp_path_factory.mktemp("models")
    make_scripted(folder / "greeter.gguf", ANSWER, start="\n", context_length=128)
    make_scripted(folder / "talker.gguf", "la " * 1000, start="\n", context_length=4096)
    make("bert", folder / "embedder.gguf")
    return folder


@pytest.fixture(scope="session")
def counter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that says COUNT, in so many bytes that there is time to do something meanwhile."""
    return make_scripted(tmp_path_factory.mktemp("counter") / "counter.gguf", COUNT, start="\n", context_length=8192)
