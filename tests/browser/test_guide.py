"""The guide at `/docs`: its code runs as shown, whatever is chosen."""

import re
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Literal

import anyio
import httpx
import pytest
from playwright.async_api import Browser, BrowserContext, Response, Route, expect
from websockets.asyncio.client import connect as open_websocket
from websockets.exceptions import InvalidStatus

from tests.browser.conftest import profile
from tests.browser.console import opened
from tests.browser.devtools import DevTools, inspected
from tests.browser.grid import MODES
from tests.browser.server import Server, running, serving
from tests.browser.witness import TONE_HZ
from tests.npm import package

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(90),  # Chromium, a server and seconds of live media on a busy machine
]

STYLES = ("plain", "client")
ARTEFACTS = Path(__file__).parents[2] / ".artifacts"
CONTRAST = Path(__file__).with_name("contrast.js").read_text()
REFUSAL = b'"error":"unsupported_modality"'
VIOLATIONS = """() => axe.run().then(({ violations }) =>
  violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)]))"""
ASK = 'send({ event: "message", data: "ask" });'


@pytest.fixture(scope="module")
async def grid(chromium: str) -> AsyncIterator[Server]:
    """One server with all nine streams."""
    async with running("tests.browser.grid") as server:
        yield server


async def check_media(tools: DevTools, modality: str, mode: str) -> None:
    """What the mode lets flow comes, from the fake devices or from the handler."""
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


CARRIERS = pytest.mark.parametrize(
    ("connection", "modality"),
    [
        ("webrtc", "audio"),
        ("webrtc", "video"),
        ("webrtc", "audio-video"),
        ("websocket", "audio"),
        ("http", "audio"),
    ],
)


@CARRIERS
async def test_the_code_runs_as_shown(
    browser: Browser, grid: Server, connection: str, modality: str
) -> None:
    """By plain browser APIs in all modes, by client.js in one: all that its code differs in."""
    check = partial(check_sample, browser, grid, connection, modality)
    async with anyio.create_task_group() as pages:
        for mode in MODES:
            pages.start_soon(check, mode, "plain")
    await check("send-receive", "client")


@pytest.mark.slow
@CARRIERS
async def test_the_code_for_client_js_runs_as_shown(
    browser: Browser, grid: Server, connection: str, modality: str
) -> None:
    """In the other modes."""
    async with anyio.create_task_group() as pages:
        for mode in ("send", "receive"):
            pages.start_soon(check_sample, browser, grid, connection, modality, mode, "client")


@pytest.mark.parametrize("connection", ["websocket", "http"])
async def test_raw_sound_answers_marks_when_they_are_played_and_drops_at_a_clear(
    chromium: str, context: BrowserContext, connection: str
) -> None:
    """A listener that has stood still for 1.5 s has so much more to drop."""
    async with (
        serving("tests.browser.streams:followed") as server,
        inspected(context, f"{server.url}/docs#{connection}/audio/receive/plain") as tools,
    ):
        await tools.run("sample")
        await tools.until("context.currentTime > 1 && hears(500)")
        await tools.paste("await context.suspend(); const since = performance.now();")
        await tools.until("performance.now() > since + 1500")
        await tools.run("message")
        await tools.until("told(({ dropped }) => dropped > 1.2)")
        await tools.paste("await context.resume(); const until = context.currentTime + 0.3;")
        await tools.until("context.currentTime > until")
        assert not await tools.page.evaluate("hears(500)")
        await check_end(tools)


@pytest.mark.parametrize("modality", ["video", "audio-video"])
async def test_where_a_connection_carries_no_pictures_the_guide_says_so_and_shows_webrtc(
    context: BrowserContext, grid: Server, modality: str
) -> None:
    base = f"{grid.url}/{modality}/send-receive/"
    async with inspected(context, f"{base}docs#webrtc/{modality}") as tools:
        samples = {style: await sample_of(tools, f"webrtc/{modality}/{style}") for style in STYLES}
        for connection in ("websocket", "http"):
            for style in STYLES:
                choice = f"{connection}/{modality}/{style}"
                assert await sample_of(tools, choice) == samples[style]
            assert "not pictures" in await tools.page.locator(".notice").inner_text()
    with pytest.raises(InvalidStatus) as websocket:
        await open_websocket(f"{base}websocket/offer".replace("http", "ws"))
    response = websocket.value.response
    assert (response.status_code, REFUSAL in response.body) == (415, True)
    async with httpx.AsyncClient() as client:
        posted = await client.post(f"{base}http/offer", json={"event": "start"})
    assert (posted.status_code, REFUSAL in posted.content) == (415, True)


async def sample_of(tools: DevTools, choice: str) -> str:
    """The sample of a choice, by its fragment."""
    await tools.page.evaluate("choice => { location.hash = choice; }", choice)
    for word in choice.split("/"):
        await tools.until(f"document.querySelector('[value={word}]:checked, [data-style={word}]')")
    return await tools.shown("sample")


async def test_the_speech_endpoint_answers_the_guide(
    chromium: str, context: BrowserContext
) -> None:
    async with serving("--speech") as server, inspected(context, f"{server.url}/docs") as tools:
        await tools.run("speech")
        said = [word for (word,) in await tools.page.evaluate("logged")]
    assert said == ["200", "200", "200", "false"]


async def test_the_choice_is_kept_in_the_url_and_taken_from_it(
    context: BrowserContext, grid: Server
) -> None:
    async with inspected(context, f"{grid.url}/audio/send-receive/docs") as tools:
        page = tools.page
        for choice in ("WebSocket", "Audio + video", "Receive only"):
            await page.get_by_role("radio", name=choice, exact=True).check()
        await page.get_by_role("tab", name="client.js").click()
        shown = await tools.shown("sample")
        await expect(page).to_have_url(re.compile("#websocket/audio-video/receive/client$"))
        await page.reload()
        assert await tools.shown("sample") == shown
        await page.get_by_role("link", name="Outputs").click()
        await expect(page).to_have_url(re.compile("#websocket/audio-video/receive/client/outputs$"))
        await expect(page.locator("#outputs")).to_be_in_viewport()
        await expect(page.locator("#outputs")).to_be_focused()
        await page.evaluate("location.hash = 'errors'")  # a link from elsewhere keeps the choice
        await expect(page.locator("#errors")).to_be_in_viewport()
        assert await tools.shown("sample") == shown


@pytest.mark.parametrize(
    ("about", "fragment", "chosen"),
    [
        ({"modality": "video", "mode": "receive"}, "", ("video", "receive")),
        ({"modality": "video", "mode": "receive"}, "#audio", ("audio", "receive")),
        ({"modality": "smell", "mode": "receive"}, "", ("audio", "send-receive")),
        (None, "", ("audio", "send-receive")),
        (None, "#video%2Freceive/50%", ("video", "receive")),
    ],
)
async def test_what_the_stream_serves_is_chosen_first(
    context: BrowserContext,
    grid: Server,
    about: dict[str, str] | None,
    fragment: str,
    chosen: tuple[str, str],
) -> None:
    async def tell(route: Route) -> None:
        await (route.fulfill(status=404) if about is None else route.fulfill(json=about))

    await context.route("**/about.json", tell)
    async with opened(context, f"{grid.url}/audio/send-receive/docs{fragment}") as console:
        await console.page.wait_for_load_state("networkidle")
        for value in chosen:
            await expect(console.page.locator(f"input[value={value}]")).to_be_checked()


async def test_without_javascript_the_guide_says_what_is_missing(
    browser: Browser, grid: Server
) -> None:
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(f"{grid.url}/audio/send-receive/docs")
    await expect(page.locator("noscript")).to_be_in_viewport()
    await context.close()


async def test_code_is_copied_as_it_is_shown(context: BrowserContext, grid: Server) -> None:
    await context.grant_permissions(["clipboard-read", "clipboard-write"])
    async with inspected(context, f"{grid.url}/audio/send-receive/docs") as tools:
        for place, name in ((0, "sample"), (-1, "speech")):
            button = tools.page.locator("button.copy").nth(place)
            await button.click()
            await expect(button).to_have_text("Copied")
            assert await tools.page.evaluate("navigator.clipboard.readText()") == await tools.shown(
                name
            )


async def test_the_guide_is_used_by_keyboard_alone(context: BrowserContext, grid: Server) -> None:
    async with inspected(context, f"{grid.url}/audio/send-receive/docs") as tools:
        keyboard = tools.page.keyboard
        for key in ("Tab", "Tab", "Tab", "ArrowRight", "Tab", "ArrowRight", "Tab", "ArrowRight"):
            await keyboard.press(key)
        await expect(tools.page).to_have_url(re.compile("#websocket/video/receive/plain$"))
        for _ in range(11):  # the list of sections
            await keyboard.press("Tab")
        await keyboard.press("ArrowRight")
        await expect(tools.page.get_by_role("tab", name="client.js")).to_be_focused()
        assert "client.js" in await tools.shown("sample")
        await keyboard.press("Tab")
        await keyboard.press("Enter")
        await expect(tools.page.get_by_role("button", name="Copied")).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
async def test_the_guide_is_readable(
    context: BrowserContext, grid: Server, scheme: Literal["light", "dark"], width: int
) -> None:
    """AA contrast (WCAG 2.2, 1.4.3), nothing beyond the sides; the pictures of it are kept."""
    async with inspected(context, f"{grid.url}/audio/send-receive/docs#http/video") as tools:
        page = tools.page
        await page.emulate_media(color_scheme=scheme)
        await page.set_viewport_size({"width": width, "height": 900})
        ratios: dict[str, float] = await page.evaluate(CONTRAST)
        assert len(ratios) > 100
        assert {text: ratio for text, ratio in ratios.items() if ratio < 4.5} == {}
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        await page.screenshot(path=ARTEFACTS / f"guide-{width}-{scheme}.png", full_page=True)


async def test_the_guide_has_no_violations_of_accessibility(
    context: BrowserContext, grid: Server
) -> None:
    """By axe-core: WCAG 2.2 at A and AA, and its best practices."""
    axe = package("axe-core", "4.14.1") / "axe.min.js"
    async with inspected(context, f"{grid.url}/audio/send-receive/docs#websocket") as tools:
        await tools.page.add_script_tag(path=axe)
        for choice in ("websocket/audio/plain", "http/audio-video/client"):
            await sample_of(tools, choice)
            assert await tools.page.evaluate(VIOLATIONS) == []


async def test_the_guide_is_light_and_asks_for_nothing_elsewhere(
    context: BrowserContext, grid: Server
) -> None:
    """`opened` sees to the second."""
    weights: list[int] = []

    async def weigh(response: Response) -> None:
        weights.append(len(await response.body()))

    context.on("response", weigh)
    async with opened(context, f"{grid.url}/audio/send-receive/docs") as console:
        await console.page.wait_for_load_state("networkidle")
    assert len(weights) >= 5
    assert sum(weights) < 60_000
