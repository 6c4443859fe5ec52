"""The commands that the README shows, as they are typed there."""

from __future__ import annotations

import asyncio
import re
import shutil
from pathlib import Path

import pytest

from poly_engine.config import load
from poly_engine.local import LocalEngine
from tests.extract.pdf_files import text_pdf
from tests.serve.conftest import Serve

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
_BLOCK = README.partition("<!-- curl -->")[2].partition("<!-- /curl -->")[0]
COMMANDS = re.findall(r"^curl (?:.*\\\n)*.*$", _BLOCK, re.MULTILINE)


def test_there_are_commands() -> None:
    assert len(COMMANDS) >= 6


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
async def test_every_command_of_the_readme_works(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLY_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "report.pdf").write_bytes(text_pdf(["It was decided in May."]))
    config = load(None).config
    async with LocalEngine(config) as engine:
        address = (await serve(engine, config)).removeprefix("http://")
        for command in COMMANDS:
            typed = command.replace("curl ", "curl -sS --fail-with-body ", 1).replace("localhost:3000", address)
            process = await asyncio.create_subprocess_shell(
                typed, cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
            )
            answer, _ = await process.communicate()
            assert process.returncode == 0, (command, answer)
            assert answer, command
        (taken,) = await engine.documents("notes")
    assert taken.source == "report.pdf"
