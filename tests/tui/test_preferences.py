from pathlib import Path
from unittest.mock import patch

import pytest
from textual.binding import Binding
from textual.events import AppBlur

from poly_engine.errors import ConfigError
from poly_tui.app import PolyApp
from poly_tui.backend import Backend
from poly_tui.keys.bindings import bindings, problems
from poly_tui.keys.presets import PRESETS
from poly_tui.preferences import Preferences, keep_theme, read_preferences
from poly_tui.themes import THEMES, fitting
from tests.fake_engine import FakeEngine, Gate
from tests.tui.steps import Chat, open_chat, screen_rows


def _read(folder: Path, text: str) -> Preferences:
    file = folder / "tui.toml"
    file.write_text(text)
    return read_preferences(file)


def test_without_a_file_everybody_prefers_the_same(tmp_path: Path) -> None:
    assert read_preferences(tmp_path / "tui.toml") == Preferences()


def test_preferences_are_read(tmp_path: Path) -> None:
    text = (
        'theme = "nord"\nkeys = "vim"\nmouse = false\nmotion = false\nnotify_after_s = 3\nkeymap = {"chat.new" = "x"}'
    )
    read = _read(tmp_path, text)
    assert read == Preferences("nord", "vim", mouse=False, motion=False, notify_after_s=3, keymap={"chat.new": "x"})
    assert read.bound == {**PRESETS["vim"], "chat.new": "x"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("them = 'nord'", "them is no preference (did you mean theme?)"),
        ("keys = 'vi'", "there is no such preset (did you mean vim?)"),
        ("mouse = 1", "mouse = 1 must be true or false"),
        ("notify_after_s = true", "notify_after_s = True must be a number of seconds"),
        ("notify_after_s = -1", "must be 0 or more"),
        ("keymap = 3", "keymap must be a table"),
        ("[keymap]\nx = 3", "keymap: x = 3 must be a key"),
        ("theme = ", "tui.toml"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError) as raised:
        _read(tmp_path, text)
    assert words in str(raised.value)


def test_a_theme_is_kept_and_the_rest_of_the_file_stays_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "below" / "tui.toml"
    keep_theme(file, "nord")
    assert read_preferences(file).theme == "nord"
    file.write_text('# mine\ntheme = "nord" # cold\n[keymap]\n"chat.new" = "ctrl+k"\n')
    keep_theme(file, "gruvbox")
    assert file.read_text() == '# mine\ntheme = "gruvbox" # cold\n[keymap]\n"chat.new" = "ctrl+k"\n'


@pytest.mark.parametrize(
    ("colours", "theme"),
    [("", "textual-dark"), ("15;0", "textual-dark"), ("0;15", "textual-light"), ("0;default;7", "textual-light")],
)
def test_the_theme_fits_what_the_terminal_tells(colours: str, theme: str) -> None:
    assert fitting("auto", {"COLORFGBG": colours}) == theme
    assert fitting("nord", {"COLORFGBG": colours}) == "nord"


@pytest.mark.parametrize("theme", [*(theme.name for theme in THEMES), "ansi-dark", "ansi-light"])
async def test_every_theme_can_be_worked_in(theme: str) -> None:
    app = PolyApp(Backend.of(FakeEngine()), preferences=Preferences(theme=theme))
    async with app.run_test() as pilot:
        chat = Chat(pilot)
        await chat.until(lambda: chat.status.state == "ready")
        await chat.ask("# hello `there`")
        assert app.theme == theme


async def test_a_theme_that_there_is_not_is_told_of() -> None:
    app = PolyApp(Backend.of(FakeEngine()), preferences=Preferences(theme="nord2"))
    async with app.run_test() as pilot:
        await pilot.pause()
        assert [note.message for note in app._notifications] == ["there is no theme nord2 (did you mean nord?)"]


async def test_a_theme_that_is_chosen_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "tui.toml"
    app = PolyApp(Backend.of(FakeEngine()), preferences_file=file)
    async with app.run_test() as pilot:
        await pilot.pause()
        assert not file.exists()
        app.theme = "nord"
        await Chat(pilot).until(file.exists)
        assert read_preferences(file).theme == "nord"


async def test_keys_can_be_others() -> None:
    preferences = Preferences(keymap={"app.go": "f9"})
    async with PolyApp(Backend.of(FakeEngine()), preferences=preferences).run_test() as pilot:
        await pilot.press("ctrl+g")
        assert "Go to" not in "\n".join(screen_rows(pilot))
        await pilot.press("f9")
        await Chat(pilot).until(lambda: "Go to" in "\n".join(screen_rows(pilot)))


async def test_without_motion_nothing_moves_by_itself() -> None:
    gate = Gate()
    app = PolyApp(Backend.of(FakeEngine(gate=gate)), preferences=Preferences(motion=False))
    async with app.run_test() as pilot:
        chat = Chat(pilot)
        await chat.until(lambda: chat.status.state == "ready")
        await chat.say("hello")
        await chat.until(lambda: "◐ waiting" in "\n".join(chat.rows()) or "◐ reading" in "\n".join(chat.rows()))


@pytest.mark.parametrize(("wanted_s", "looks_here", "n_calls"), [(1e-9, 0, 1), (1e-9, 1, 0), (1000, 0, 0)])
async def test_who_looks_elsewhere_is_called_when_an_answer_took_a_while(
    wanted_s: float, looks_here: int, n_calls: int
) -> None:
    gate = Gate()
    app = PolyApp(Backend.of(FakeEngine(gate=gate)), preferences=Preferences(notify_after_s=wanted_s))
    async with app.run_test() as pilot:
        chat = Chat(pilot)
        await chat.until(lambda: chat.status.state == "ready")
        assert app._driver is not None
        with patch.object(app._driver, "write") as write:
            await chat.say("hello")
            if not looks_here:
                app.post_message(AppBlur())
                await chat.until(lambda: not app.app_focus)
            gate.open()
            await chat.until(lambda: chat.status.state == "ready")
            await pilot.pause()
            assert sum("\a" in call.args[0] for call in write.call_args_list) == n_calls


def test_every_binding_has_an_id_and_no_preset_has_two_for_one_key() -> None:
    known = bindings()
    assert len(known) > 50
    for name, keymap in PRESETS.items():
        assert problems(keymap, known) == [], name


def test_what_is_wrong_with_a_keymap_is_told() -> None:
    known = bindings()
    assert problems({"chat.nwe": "x"}, known) == ["there is nothing called chat.nwe (did you mean chat.new?)"]
    assert problems({"chat.new": "ctrl+r"}, known) == ["ctrl+r would be chat.list and chat.new (ChatScreen)"]


def test_no_binding_of_ours_is_without_an_id() -> None:
    from textual.dom import DOMNode

    from poly_tui.keys.bindings import _owners

    bindings()  # imports all
    for owner in _owners(DOMNode):
        for binding in owner.__dict__.get("BINDINGS", ()):
            assert isinstance(binding, Binding), owner
            assert binding.id, (owner, binding)


@pytest.mark.parametrize(("size", "n_told"), [((39, 20), 1), ((80, 9), 1), ((40, 10), 0)])
async def test_a_window_without_room_says_what_it_needs(size: tuple[int, int], n_told: int) -> None:
    async with open_chat(FakeEngine(), size) as chat:
        assert " ".join(" ".join(chat.rows()).split()).count("40 columns and 10 rows") == n_told


async def test_the_mouse_can_be_left_to_the_terminal() -> None:
    async with open_chat(FakeEngine()) as chat:
        chat.app.action_toggle_mouse()
        await chat.until(lambda: [note.message for note in chat.app._notifications] == ["the mouse is the terminal's"])
