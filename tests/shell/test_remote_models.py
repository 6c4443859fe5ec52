"""The verbs of the shell, and models that a server has."""

import json
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

from tests.openai.servers import poly_server
from tests.shell.conftest import ANSWER

Run = Callable[..., Result]


def test_doctor_asks_a_server_for_its_model(run: Run, models: Path) -> None:
    Path("poly.toml").write_text(
        f'public = true\n[models.tiny]\nmodel_path = "{models / "greeter.gguf"}"\nthreads = 1\n'
        '[tasks.greet]\nmodel = "tiny"\ntemperature = 0\nrepeat_penalty = 1.0\n'
    )
    with poly_server(Path("poly.toml")) as url:
        remote = f'[models.big]\nengine = "openai"\nurl = "{url}"\nserver = "poly"\nremote_model = "greet"\n'
        Path("over.toml").write_text(f'{remote}[tasks.far]\nmodel = "big"\n')
        Path("gone.toml").write_text(f'{remote.replace("greet", "gret")}[tasks.far]\nmodel = "big"\n')
        well, badly = run("--config", "over.toml", "doctor"), run("--config", "gone.toml", "doctor")
        said = run("--config", "over.toml", "run", "far", "hello")
        cut = run("--config", "over.toml", "run", "far", "hello", "--max-tokens", "2")
    assert f"model big: greet, of the server at {url}, which answers" in well.stdout
    assert "has no model gret (did you mean greet?)" in badly.stdout
    assert badly.exit_code == 1
    assert said.stdout == f"{ANSWER}\n"
    words = "cut off after 2 tokens: at max_tokens, or at the end of the context"
    assert cut.stderr == f"poly: the answer was {words}\n"


def test_of_a_model_of_a_server_no_file_is_looked_for(run: Run) -> None:
    Path("poly.toml").write_text('[models.big]\nengine = "openai"\nurl = "http://h/v1"\n[tasks.far]\nmodel = "big"\n')
    assert run("config", "check").exit_code == 0
    assert run("model", "ls").stdout.split() == ["big", "unloaded"]
    assert "http://h/v1" in run("model", "show", "big").stdout
    for verb in (("model", "pull", "big"), ("model", "rm", "big", "--yes")):
        refused = run(*verb)
        assert refused.exit_code == 2
        assert "is that of a server, at http://h/v1" in refused.stderr


def test_a_server_lists_models_of_its_own_and_those_that_it_asks_others_for(run: Run, models: Path) -> None:
    near = f'[models.tiny]\nmodel_path = "{models / "greeter.gguf"}"\nthreads = 1\n[tasks.greet]\nmodel = "tiny"\n'
    Path("poly.toml").write_text(f"public = true\n{near}temperature = 0\nrepeat_penalty = 1.0\n")
    with poly_server(Path("poly.toml")) as url:
        far = f'[models.big]\nengine = "openai"\nurl = "{url}"\nserver = "poly"\nremote_model = "greet"\n'
        Path("both.toml").write_text(f'public = true\n{near}{far}[tasks.far]\nmodel = "big"\n')
        with poly_server(Path("both.toml")) as of_both:
            over = ("--connect", of_both.removesuffix("/v1"))
            for name in ("tiny", "big"):
                assert run(*over, "model", "load", name).exit_code == 0
            listed = {row["name"]: row for row in json.loads(run(*over, "model", "ps", "--json").stdout)}
    assert {name: row["state"] for name, row in listed.items()} == {"big": "loaded", "tiny": "loaded"}
    assert (listed["big"]["device"], listed["tiny"]["device"]) == (f"remote {url.removesuffix('/v1')}", "cpu")
    assert listed["big"]["memory_bytes"] is None
    assert listed["big"]["unload_in_s"] is None
    assert listed["tiny"]["memory_bytes"] > 0
