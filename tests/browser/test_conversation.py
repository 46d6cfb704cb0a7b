"""Somebody talks into a page's microphone, pauses, is answered, and talks into the answer."""

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from tests.browser.conftest import launched, profile
from tests.browser.console import Console, opened
from tests.browser.server import serving
from tests.browser.speaking import sentences

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
async def browser(
    chromium: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Browser]:
    """A Chromium whose microphone hears a sentence every few seconds, again and again."""
    # Long enough for the answer to begin, and to be interrupted:
    path = sentences(tmp_path_factory.mktemp("microphone"), pause=2.0)
    flags = ("--use-fake-ui-for-media-stream", f"--use-file-for-fake-audio-capture={path}")
    async with launched(chromium, *flags) as browser:
        yield browser


@pytest.mark.parametrize("transport", ["webrtc", "websocket", "http"])
async def test_a_sentence_is_answered_and_the_next_one_interrupts_the_answer(
    browser: Browser, transport: str
) -> None:
    async with (
        serving("tests.browser.streams:talkative") as server,
        profile(browser) as context,
        opened(context, server.url) as console,
    ):
        await console.start(transport)
        await console.state("open")
        for text in ("started_talking", "pause_detected", "response_starting"):
            await logged(console, text, 1)
        await console.level("in", "> -35")
        await logged(console, "interrupted", 1)
        heard = (
            "the rest of the reply was dropped."
            if transport == "webrtc"  # the browser does not tell what it has played
            else r"heard \d+\.\d s of the reply, \d+\.\d s dropped\."
        )
        await expect(console.part("heard")).to_have_text(re.compile(f"^Interrupted: {heard}$"))
        await logged(console, "response_starting", 2)
        await console.stop()
        await console.state("closed")


async def logged(console: Console, text: str, times: int) -> None:
    """Wait until the page has shown a log message so many times."""
    lines = "[...document.querySelector('[data-testid=log]').querySelectorAll('li')]"
    await console.until(
        f"{lines}.filter(li => li.textContent.includes('{text}')).length >= {times}"
    )
