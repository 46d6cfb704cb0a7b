"""Somebody talks into a page's microphone, pauses, is answered, and talks into the answer."""

import wave
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from playwright.async_api import Browser

from benchmarks.utterances import RATE, spoken
from tests.browser.conftest import launched, profile
from tests.browser.console import Console, opened
from tests.browser.server import serving
from tests.cli.sounds import espeak

pytestmark = pytest.mark.browser

SILENCE = np.zeros(2 * RATE, np.int16)  # long enough for the answer to begin, and to be interrupted


@pytest.fixture(scope="module")
async def browser(
    chromium: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Browser]:
    """A Chromium whose microphone hears a sentence every few seconds, again and again."""
    espeak()
    path: Path = tmp_path_factory.mktemp("microphone") / "sentence.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.concatenate((spoken(1)[0].samples, SILENCE)).tobytes())
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
        await logged(console, "response_starting", 2)
        await console.stop()
        await console.state("closed")


async def logged(console: Console, text: str, times: int) -> None:
    """Wait until the page has shown a log message so many times."""
    lines = "[...document.querySelector('[data-testid=log]').querySelectorAll('li')]"
    await console.until(
        f"{lines}.filter(li => li.textContent.includes('{text}')).length >= {times}"
    )
