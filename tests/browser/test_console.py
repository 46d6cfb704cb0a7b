"""The console page in Chromium against a server of its own process."""

from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Route, expect

from tests.browser.console import Console, opened
from tests.browser.server import Server, serving

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(90),  # Chromium, a server and seconds of live audio on a busy machine
]

TRANSPORTS = ("webrtc", "websocket", "http")
LOUD = "> -35"  # dB; the fake microphone's beeps have -25, its pauses are silent
QUIET = "< -45"
CLIPPED = """() => [...document.querySelectorAll(".options")]
  .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)
  .map(({ innerText }) => innerText)"""
CONTRAST = Path(__file__).with_name("contrast.js").read_text()


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_what_the_microphone_hears_comes_back(console: Console, transport: str) -> None:
    await console.start(transport)
    await console.state("open")
    for level in (LOUD, QUIET, LOUD):
        await console.level("in", level)
        await console.level("out", level)
    await console.more_frames("out", 25)
    await console.more_frames("in", 25)
    await expect(console.part("round-trip")).to_contain_text(" ms")
    await console.stop()
    await console.state("closed")


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_stop_ends_the_call_on_both_sides(console: Console, transport: str) -> None:
    await console.start(transport)
    await console.state("open")
    await console.calls(1)
    await console.more_frames("in", 10)
    await console.stop()
    await console.state("closed")
    await expect(console.part("log").locator("li").last).to_contain_text("The call was stopped.")
    await expect(console.part("notice")).to_be_hidden()
    await expect(console.part("transport-http")).to_be_enabled()
    await console.calls(0)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_call_can_follow_a_call(console: Console, transport: str) -> None:
    for _ in range(2):
        await console.start(transport)
        await console.state("open")
        await console.more_frames("in", 10)
        await console.stop()
        await console.state("closed")


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_receive_plays_a_tone_without_a_microphone(
    deaf_context: BrowserContext, transport: str
) -> None:
    async with (
        serving("tests.browser.streams:tone") as server,
        opened(deaf_context, server.url) as console,
    ):
        await console.start(transport, "receive")
        await console.state("open")
        await console.level("out", LOUD)
        await console.more_frames("in", 25)
        assert await console.frames("out") == 0
        await console.stop()
        await console.state("closed")


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_send_plays_nothing(console: Console, transport: str) -> None:
    await console.start(transport, "send")
    await console.level("in", LOUD)
    await console.more_frames("out", 25)
    assert await console.part("level-out").get_attribute("aria-valuetext") == "silent"
    await console.stop()
    await console.state("closed")


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_server_that_is_gone_is_said(context: BrowserContext, transport: str) -> None:
    async with serving() as server, opened(context, server.url) as console:
        await console.page.get_by_text("Trace my microphone").click()
        await console.start(transport)
        await console.more_frames("in", 5)
        await console.until(
            "Number.parseFloat(document.querySelector('#speech-total').textContent)"
        )
        await server.kill()
        await console.state("failed")
        await console.says("The server is gone")
        await expect(console.part("speech-says")).not_to_contain_text("places for calls")
        await console.start(transport)
        await console.says("The server does not answer")


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_reached_limit_is_said(context: BrowserContext, transport: str) -> None:
    async with (
        serving("tests.browser.streams:crowded") as server,
        opened(context, server.url) as first,
        opened(context, server.url) as second,
    ):
        await first.start(transport)
        await first.state("open")
        await second.start(transport)
        await second.state("failed")
        await second.says("The server is full: its limit of 1 call is reached.")
        await second.says("start again in a second or later")
        await first.stop()
        await first.state("closed")
        await second.calls(0)
        await second.start(transport)  # the slot is free again
        await second.state("open")
        await second.stop()
        await second.state("closed")


async def test_the_agreed_format_is_shown(console: Console) -> None:
    await console.start()
    await expect(console.part("log")).to_contain_text("audio/x-mulaw, 24000 Hz")
    await console.stop()


async def test_a_refused_microphone_is_said_and_opens_no_call(
    deaf_context: BrowserContext, server: Server
) -> None:
    async with opened(deaf_context, server.url) as console:
        await console.start()
        await console.says("The microphone was refused.")
        await console.page.get_by_label("Receive only").check()  # as it advises
        await console.state("failed")
        await expect(console.part("log")).not_to_contain_text("started")


async def test_an_origin_that_is_not_secure_is_said(
    context: BrowserContext, server: Server
) -> None:
    url = server.url.replace("127.0.0.1", "insecure.test")
    async with opened(context, url) as console:
        await console.says("This page is not on a secure origin")
        await expect(console.part("why")).not_to_contain_text("secure origin")
        await expect(console.page.get_by_role("button", name="Start")).to_be_disabled()


async def test_what_cannot_be_called_cannot_be_started(
    context: BrowserContext, server: Server
) -> None:
    async def serve(route: Route) -> None:
        await route.fulfill(json={"modality": "video", "mode": "receive", "transports": []})

    await context.route("**/about.json", serve)
    async with opened(context, server.url) as console:
        await expect(console.part("why")).to_contain_text("takes no calls over WebRTC")
        await expect(console.part("toggle")).to_be_disabled()
    await context.unroute("**/about.json")
    await context.route("**/about.json", lambda route: route.fulfill(body="<!doctype html>"))
    async with opened(context, server.url) as console:
        await expect(console.part("notice")).to_contain_text("does not say what it serves")
        await expect(console.part("toggle")).to_be_enabled()


async def test_a_call_can_be_made_by_keyboard_alone(console: Console) -> None:
    keyboard = console.page.keyboard
    for key in ("Tab", "Tab", "ArrowRight", "ArrowRight", *["Tab"] * 5):
        await keyboard.press(key)
    await expect(console.part("transport-http")).to_be_checked()
    await expect(console.part("toggle")).to_be_focused()
    await keyboard.press("Enter")
    await console.state("open")
    await expect(console.part("toggle")).to_be_focused()
    await keyboard.press("Enter")
    await console.state("closed")


@pytest.mark.parametrize("width", [320, 380, 1280])
async def test_the_page_never_scrolls_sideways(console: Console, width: int) -> None:
    await console.page.set_viewport_size({"width": width, "height": 800})
    assert await console.run("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("is_running", [False, True])
async def test_every_text_has_aa_contrast(console: Console, scheme: str, is_running: bool) -> None:
    """WCAG 2.2, success criterion 1.4.3: 4.5 to 1."""
    await console.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    if is_running:
        await console.start(mode="receive")
        await console.state("open")
    else:  # every tone of the page at once
        await console.run("document.querySelector('#notice').hidden = false")
    ratios: dict[str, float] = await console.run(CONTRAST)
    assert len(ratios) > 10
    assert {text: ratio for text, ratio in ratios.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("width", [320, 1280])
async def test_no_choice_is_clipped_whatever_is_chosen(console: Console, width: int) -> None:
    await console.page.set_viewport_size({"width": width, "height": 800})
    for mode in ("send-receive", "send", "receive"):
        await console.choose("mode", mode)
        assert await console.run(CLIPPED) == []
