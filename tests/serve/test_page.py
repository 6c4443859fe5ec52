"""The page of the server, in a real browser: skipped where there is no Chromium."""

from __future__ import annotations

import asyncio
import re
import shutil
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from poly_engine.config import Config
from poly_engine.types import TaskInfo, Turn
from tests.fake_engine import FakeEngine, FakeSession, Reply
from tests.serve.conftest import served

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="there is no chromium with its chromedriver")

FLAGS = (
    "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update"
    " --disable-sync --window-size=1000,800"
)
T = TypeVar("T")


class Page:
    """The page, as a user sees it. Methods block: they are called from a thread."""

    def __init__(self, browser: webdriver.Chrome) -> None:
        self.browser = browser

    def __getitem__(self, selector: str) -> WebElement:
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def wait_for(self, condition: Callable[[], T]) -> T:
        """What `condition` says once it says something."""
        return WebDriverWait(self.browser, 20).until(lambda _: condition())

    def complaints(self) -> list[str]:
        entries = self.browser.get_log("browser")  # type: ignore[no-untyped-call]  # it carries no types
        return [entry["message"] for entry in entries if entry["level"] == "SEVERE"]


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in FLAGS.split():
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options, Service(str(DRIVER)))
    yield browser
    browser.quit()


class Watched(FakeEngine):
    """Keeps how each session began: its system message, and what was said before."""

    def __init__(self, reply: Callable[[str], Reply], *, tasks: Sequence[TaskInfo], memories: Sequence[str]) -> None:
        super().__init__(reply, tasks=tasks, memories=memories)
        self.opened: list[tuple[str | None, tuple[Turn, ...]]] = []

    def session(
        self,
        task: str,
        *,
        system: str | None = None,
        history: Sequence[Turn] = (),
        settings: Mapping[str, object] | None = None,
    ) -> FakeSession:
        self.opened.append((system, tuple(history)))
        return super().session(task, system=system, history=history, settings=settings)


async def visited(
    browser: webdriver.Chrome, visit: Callable[[Page], None], keys: tuple[str, ...] = ()
) -> list[tuple[str | None, tuple[Turn, ...]]]:
    """Serve a scripted engine, open its page, and do what a user does; return how each session of it began."""
    engine = Watched(
        lambda prompt: Reply(tuple(f"You said {prompt}.".split(" "))),
        tasks=[TaskInfo("talk", "m"), TaskInfo("other", "m")],
        memories=["notes"],
    )
    async with engine, served(engine, Config.model_validate({"allowed_keys": keys})) as url:
        await asyncio.to_thread(browser.get, url)
        await asyncio.to_thread(visit, Page(browser))
    return engine.opened


async def test_a_chat_by_the_keyboard_alone(browser: webdriver.Chrome) -> None:
    def visit(page: Page) -> None:
        page.wait_for(lambda: page["#task-name option"])
        page["#prompt"].send_keys("hello" + Keys.ENTER)
        page.wait_for(lambda: "tok/s" in page["#transcript"].text)
        assert "Yousaidhello." in page["#transcript"].text
        page["#prompt"].send_keys("again" + Keys.ENTER)
        page.wait_for(lambda: "Yousaidagain." in page["#transcript"].text)
        assert page.complaints() == []

    await visited(browser, visit)


async def test_tokens_can_be_watched_with_how_likely_they_were(browser: webdriver.Chrome) -> None:
    def visit(page: Page) -> None:
        page["#task-tokens"].click()
        page.wait_for(lambda: page["#task-name option"])
        page["#prompt"].send_keys("hello" + Keys.ENTER)
        page.wait_for(lambda: "tok/s" in page["#transcript"].text)
        title = page[".answer .token"].get_attribute("title") or ""
        assert re.match(r'token \d+, 88.2 %\n"You" 88.2 %\n" other0" 0.7 %', title), title

    await visited(browser, visit)


async def test_documents_go_in_and_passages_come_out(browser: webdriver.Chrome, tmp_path: Path) -> None:
    (tmp_path / "cats.txt").write_text("A cat sleeps sixteen hours a day.")

    def visit(page: Page) -> None:
        page["#tab-memory"].click()
        page.wait_for(lambda: page["#memory-name option"])
        page["#files"].send_keys(str(tmp_path / "cats.txt"))
        page["#fill button"].click()
        page.wait_for(lambda: "cats.txt: added, 1 chunk" in page["#taken"].text)
        page["#query"].send_keys("who sleeps" + Keys.ENTER)
        page.wait_for(lambda: "sixteen hours" in page["#hits"].text)
        assert "cats.txt" in page["#hits"].text
        page["[aria-label='Forget cats.txt']"].click()
        page.wait_for(lambda: page["#documents"].text == "Nothing yet.")

    await visited(browser, visit)


async def test_tokens_and_embeddings_can_be_looked_at(browser: webdriver.Chrome) -> None:
    def visit(page: Page) -> None:
        page["#tab-task"].send_keys(Keys.ARROW_LEFT)
        page.wait_for(lambda: page["#model-name option"])
        page["#text"].send_keys("hello world")
        page["[name=tokenize]"].click()
        page.wait_for(lambda: "hello" in page["#tokens"].text)
        page["[name=embed]"].click()
        page.wait_for(lambda: "numbers" in page["#embedding"].text)

    await visited(browser, visit)


async def test_settings_are_sent_and_shown_as_they_stand_in_the_configuration(browser: webdriver.Chrome) -> None:
    def visit(page: Page) -> None:
        page.wait_for(lambda: page["#task-name option"])
        page["#tuning summary"].click()
        page["[data-setting=temperature]"].send_keys("0.2")
        page["#system"].send_keys('Be "brief".')
        page["#stops"].send_keys("END")
        page["#schema"].send_keys('{"type": "object", "required": ["a b"]}')
        wanted = {
            "system": 'Be "brief".',
            "temperature": 0.2,
            "stop_sequences": ["END"],
            "biaser": {"json_schema": {"type": "object", "required": ["a b"]}},
        }
        assert tomllib.loads(page["#toml"].text) == {"tasks": {"talk": wanted}}

    await visited(browser, visit)


async def test_a_setting_that_cannot_be_is_told_and_not_left_out(browser: webdriver.Chrome) -> None:
    def visit(page: Page) -> None:
        page.wait_for(lambda: page["#task-name option"])
        page["#tuning summary"].click()
        page["[data-setting=temperature]"].send_keys("9")
        page["#prompt"].send_keys("hello" + Keys.ENTER)
        page.wait_for(lambda: page["#notice"].text.startswith("temperature: "))
        assert page["#transcript"].text == ""

    await visited(browser, visit)


async def test_a_chat_goes_on_after_its_connection_was_lost(browser: webdriver.Chrome) -> None:
    """With another system message it is begun anew, with what was said before."""

    def visit(page: Page) -> None:
        page.wait_for(lambda: page["#task-name option"])
        page["#prompt"].send_keys("hello" + Keys.ENTER)
        page.wait_for(lambda: "tok/s" in page["#transcript"].text)
        page["#tuning summary"].click()
        page["#system"].send_keys("Be brief." + Keys.TAB)
        page["#prompt"].send_keys("again" + Keys.ENTER)
        page.wait_for(lambda: "Yousaidagain." in page["#transcript"].text)

    opened = await visited(browser, visit)
    assert opened == [(None, ()), ("Be brief.", (Turn("hello", "Yousaidhello."),))]


async def test_a_key_is_asked_for_and_remembered(browser: webdriver.Chrome) -> None:
    def visit(page: Page) -> None:
        page.wait_for(lambda: "no auth token" in page["#notice"].text)
        page["#key"].send_keys("secret" + Keys.TAB)
        page.wait_for(lambda: page.browser.find_elements(By.CSS_SELECTOR, "#task-name option"))
        page["#prompt"].send_keys("hello" + Keys.ENTER)
        page.wait_for(lambda: "Yousaidhello." in page["#transcript"].text)

    await visited(browser, visit, ("secret",))


async def test_nothing_is_wider_than_a_phone(browser: webdriver.Chrome) -> None:
    def visit(page: Page) -> None:
        page.browser.set_window_size(390, 800)
        page.wait_for(lambda: page["#task-name option"])
        for tab in ("#tab-task", "#tab-memory", "#tab-model"):
            page[tab].click()
            overflow = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert page.browser.execute_script(overflow) <= 0
        page.browser.set_window_size(1000, 800)

    await visited(browser, visit)
