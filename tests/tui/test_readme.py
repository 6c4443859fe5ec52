"""What the README says of the terminal interface is so."""

import re
from pathlib import Path

import pytest

from poly_tui.keys.bindings import bindings, problems
from poly_tui.keys.presets import PRESETS
from poly_tui.preferences import Preferences, read_preferences
from poly_tui.registry import COMMANDS, SECTIONS
from poly_tui.themes import THEMES

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
SECTION = README.partition("## The terminal interface\n")[2].partition("\n## ")[0]


def between(name: str) -> str:
    return SECTION.partition(f"<!-- {name} -->\n")[2].partition(f"<!-- /{name} -->")[0]


def test_every_section_has_a_paragraph_with_its_letter_and_a_picture_that_is_there() -> None:
    for section in SECTIONS[1:]:
        assert f"**{section.title}** (`ctrl+g` `{section.letter}`)" in SECTION
        assert f"(.github/{section.name}.svg)" in SECTION
    for picture in re.findall(r"\]\((\.github/[^)]+)\)", README):
        text = (ROOT / picture).read_text("utf-8")
        assert text.startswith("<svg")
        assert "http" not in text.replace("http://www.w3.org/2000/svg", "").replace("https://www.textualize.io", "")


def test_every_key_of_the_table_is_bound() -> None:
    keys = {key for one in bindings() for key in one.keys.split(",")} | {"ctrl+p", "up"}  # these are Textual's own
    named = set(re.findall(r"`([^`]+)`", between("tui keys"))) - {"@", "/", "$EDITOR"}
    assert len(named) > 15
    assert named <= keys


def test_every_command_behind_a_slash_is_there() -> None:
    named = re.findall(r"`/([a-z-]+)", SECTION)
    assert named
    assert set(named) <= {command.slash for command in COMMANDS}


def test_the_preferences_are_those_that_everybody_has_with_all_that_can_be_preferred(tmp_path: Path) -> None:
    file = tmp_path / "tui.toml"
    file.write_text(between("tui.toml").removeprefix("```toml\n").removesuffix("```\n"))
    preferences = read_preferences(file)
    assert preferences == Preferences(keymap=preferences.keymap)
    assert problems(preferences.bound, bindings()) == []
    named = re.findall(r'"([a-z-]+)"', between("tui.toml"))
    assert {*PRESETS, THEMES[0].name, THEMES[-1].name} <= set(named)
    for name in Preferences.__dataclass_fields__:
        assert name in between("tui.toml")


@pytest.mark.parametrize("text", ["NO_COLOR=1", "poly keys", "--web", "--connect URL"])
def test_it_tells_what_is_not_found_by_itself(text: str) -> None:
    assert text in SECTION
