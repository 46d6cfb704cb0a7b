"""The guide at `/docs`: its code runs as shown, whatever is chosen, against a server that serves it."""

from collections.abc import AsyncIterator
from functools import partial

import anyio
import pytest
from playwright.async_api import Browser

from tests.browser.conftest import profile
from tests.browser.devtools import DevTools, inspected
from tests.browser.grid import MODES
from tests.browser.server import Server, running
from tests.browser.witness import TONE_HZ

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(90),  # Chromium, a server and seconds of live media on a busy machine
]

STYLES = ("plain", "client")
ASK = 'send({ event: "message", data: "ask" });'


@pytest.fixture(scope="module")
async def grid(chromium: str) -> AsyncIterator[Server]:
    """One server with all nine streams."""
    async with running("tests.browser.grid") as server:
        yield server


async def check_media(tools: DevTools, modality: str, mode: str) -> None:
    """What the mode lets flow comes: the fake devices' to the handler, the handler's to the page."""
    kinds = modality.split("-")
    if "audio" in kinds and mode != "receive":
        await tools.until("told(({ heard }) => heard?.loudest > 0.03)")
        await tools.until("told(({ heard }) => heard?.quietest < 0.003)")
    if "video" in kinds and mode != "receive":
        await tools.until("told(({ seen }) => seen?.changes >= 5 && seen.bgr[1] > 100)")
    if "audio" in kinds and mode != "send":
        await tools.until(f"hears({TONE_HZ})")
    if "video" in kinds and mode != "send":
        await tools.until("seesBlue()")


async def check_talk(tools: DevTools) -> None:
    """Messages, inputs and outputs, by the code of the sections behind the sample."""
    await tools.paste(ASK)
    await tools.until("told(({ asked }) => asked?.[0] === 0.5)")  # the sample answers it
    await tools.run("outputs")
    for way, value in (("input", 0.7), ("hook", 0.9)):
        await tools.run(way)
        await tools.run("message")
        returned = f"returned?.anything === 'you like' && inputs[0] === {value}"
        await tools.until(f"told(({{ returned, inputs }}) => {returned})")
        output = "logged.some(([word, value]) => word === 'output' && value.inputs[0] === "
        await tools.until(f"{output}{value})")


async def check_end(tools: DevTools) -> None:
    """The call is over on both sides, and the devices are given back."""
    await tools.run("stop")
    await tools.until("isClosed()")
    gone = "async (url) => { while ((await fetch(url)).status !== 404); }"
    await tools.page.evaluate(gone, await tools.page.evaluate("`outputs?webrtc_id=${id}`"))


async def check_sample(
    browser: Browser, grid: Server, connection: str, modality: str, mode: str, style: str
) -> None:
    """What the guide shows for this choice makes a call with all that belongs to it.

    In a profile of its own: the pages of one share six connections to a server, and a call over
    HTTP keeps two.
    """
    url = f"{grid.url}/{modality}/{mode}/docs#{connection}/{modality}/{mode}/{style}"
    async with profile(browser) as context, inspected(context, url) as tools:
        await tools.run("sample")
        await tools.until("told(({ id: mine }) => mine === id)")
        await check_media(tools, modality, mode)
        await check_talk(tools)
        await check_end(tools)


@pytest.mark.parametrize(
    ("connection", "modality"),
    [
        ("webrtc", "audio"),
        ("webrtc", "video"),
        ("webrtc", "audio-video"),
        ("websocket", "audio"),
        ("http", "audio"),
    ],
)
async def test_the_code_runs_as_shown(
    browser: Browser, grid: Server, connection: str, modality: str
) -> None:
    """In all modes, by plain browser APIs and by client.js, six pages at a time."""
    async with anyio.create_task_group() as pages:
        for mode in MODES:
            for style in STYLES:
                call = partial(check_sample, mode=mode, style=style)
                pages.start_soon(call, browser, grid, connection, modality)
