"""WebRTC between Chromium and a server of its own process: every modality and mode, both ends."""

import os
import re
import signal
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import numpy as np
import pytest
from playwright.async_api import Browser, BrowserContext, expect

from tests.browser.conftest import launched, profile
from tests.browser.console import Console, opened
from tests.browser.grid import MODALITIES, MODES
from tests.browser.server import Server, running
from tests.browser.witness import TONE_HZ

pytestmark = [
    pytest.mark.alone,
    pytest.mark.browser,
    pytest.mark.timeout(90),  # Chromium, a server and seconds of live media on a busy machine
]

CALLS = Path(__file__).with_name("calls.js")
DIAL = "([options, to]) => dial(options, to)"


@pytest.fixture(scope="module")
async def grid(chromium: str) -> AsyncIterator[Server]:
    """One server with all nine streams."""
    async with running("tests.browser.grid") as server:
        yield server


@asynccontextmanager
async def page_of(
    context: BrowserContext, grid: Server, modality: str, mode: str
) -> AsyncGenerator[Console, None]:
    """The page of one of the nine streams, with the functions of calls.js."""
    async with opened(context, f"{grid.url}/{modality}/{mode}/") as console:
        await console.page.add_script_tag(path=CALLS)
        yield console


async def called(console: Console, modality: str, mode: str, to: str = "") -> None:
    """Call from the page by the client's module, and wait until the call is open."""
    await console.run(DIAL, [{"modality": modality, "mode": mode}, to])
    await console.until("call.state === 'open'")


async def check_the_handler_hears(console: Console) -> None:
    """The fake microphone beeps and is silent between."""
    await console.until("told.heard?.loudest > 0.03")
    await console.until("told.heard?.quietest < 0.003")


async def check_the_handler_sees(console: Console) -> None:
    """The fake camera is green, and something turns in it."""
    await console.until("told.seen?.pictures >= 10")
    seen: dict[str, Any] = await console.run("told.seen")
    blue, green, red = seen["bgr"]
    assert (seen["width"], seen["height"]) == (320, 240)
    assert seen["changes"] >= 5
    assert green > 100
    assert green > blue + 50
    assert green > red + 50


async def check_the_page_hears(console: Console) -> None:
    """The tone of the handler, and little else."""
    await console.until("samples.length === 6000")
    await console.until("samples.slice(0, 24).some((sample) => sample > 0.1)")
    spectrum = np.abs(np.fft.rfft(np.array(await console.run("samples")) * np.hanning(6000)))
    peak = int(spectrum.argmax()) * 24000 / 6000
    assert abs(peak - TONE_HZ) <= 8


async def check_the_page_sees(console: Console) -> None:
    """The blue pictures of the handler, whose bar moves."""
    await console.until("look()")
    await console.until("look().bar >= 0")
    first: dict[str, Any] = await console.run("look()")
    red, green, blue = first["rgb"]
    assert (first["width"], first["height"]) == (320, 240)
    assert blue > 150
    assert max(red, green) < 80
    await console.until(f"look().bar >= 0 && look().bar !== {first['bar']}")


CHECKS = {
    "audio": (check_the_handler_hears, check_the_page_hears),
    "video": (check_the_handler_sees, check_the_page_sees),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("modality", MODALITIES)
async def test_media_flows_where_the_mode_lets_it(
    context: BrowserContext, grid: Server, modality: str, mode: str
) -> None:
    async with page_of(context, grid, modality, mode) as console:
        await called(console, modality, mode)
        kinds = modality.split("-")
        for kind in kinds:
            handler_gets, page_gets = CHECKS[kind]
            if mode != "receive":
                await handler_gets(console)
            if mode != "send":
                await page_gets(console)
        ways = {"send-receive": ("in", "out"), "send": ("out",), "receive": ("in",)}[mode]
        flows: dict[str, int] = await console.run("flows(10)")
        assert set(flows) == {f"{kind} {way}" for kind in kinds for way in ways}

        await console.run("call.send({ event: 'message', data: { n: [1, 'ä'] } })")
        await console.until("told.returned?.n[1] === 'ä'")
        assert await console.run("warnings") == []
        ending = await console.run("hangUp('page')")
        assert ending["cause"] == "stopped"
        print(f"{modality} {mode}: slot free {ending['seconds'] * 1000:.0f} ms after hang-up")


@pytest.mark.parametrize("modality", MODALITIES)
async def test_a_hang_up_by_the_server_ends_the_call_on_both_sides(
    context: BrowserContext, grid: Server, modality: str
) -> None:
    async with page_of(context, grid, modality, "send-receive") as console:
        await called(console, modality, "send-receive")
        ending = await console.run("hangUp('server')")
        assert ending["cause"] == "ended"
        assert ending["text"] == "The server ended the call: as you wished"
        assert await console.run("call.peerConnection.connectionState") == "closed"
        print(f"{modality}: slot free {ending['seconds'] * 1000:.0f} ms after the server hung up")


async def test_a_call_may_ask_for_less_than_the_stream_serves(
    context: BrowserContext, grid: Server
) -> None:
    async with page_of(context, grid, "audio-video", "send-receive") as console:
        await called(console, "audio", "send")
        await check_the_handler_hears(console)
        assert set(await console.run("flows(10)")) == {"audio out"}
        await console.run("hangUp('page')")


async def test_what_the_server_does_not_take_part_in_is_said(
    context: BrowserContext, grid: Server
) -> None:
    async with page_of(context, grid, "audio", "receive") as console:
        await called(console, "audio", "send-receive")
        assert await console.run("warnings") == ["The server takes no sound in this call."]
        await console.run("hangUp('page')")
        await called(console, "audio", "send-receive", "audio/send/")
        assert await console.run("warnings") == ["The server sends no sound in this call."]
        await console.run("call.stop()")


async def test_a_modality_that_the_stream_does_not_serve_is_said(
    context: BrowserContext, grid: Server
) -> None:
    async with page_of(context, grid, "audio", "send-receive") as console:
        await console.run(DIAL, [{"modality": "audio-video"}, ""])
        ending = await console.run("ending()")
    assert ending["cause"] == "refused"
    assert ending["text"] == (
        "The server does not serve this kind of call."
        " (video is offered, and this stream's modality is audio)"
    )


async def test_what_a_transport_does_not_carry_is_a_mistake_of_the_program(
    context: BrowserContext, grid: Server
) -> None:
    async with page_of(context, grid, "video", "send") as console:
        problem = await console.run(
            "options => dial(options).catch(({ name, message }) => [name, message])",
            {"transport": "http", "modality": "video"},
        )
    assert problem == ["TypeError", "http does not carry video"]


async def test_a_refused_camera_is_said(deaf_context: BrowserContext, grid: Server) -> None:
    async with page_of(deaf_context, grid, "audio-video", "send-receive") as console:
        for modality, name in (("audio-video", "microphone or camera"), ("video", "camera")):
            await console.start("webrtc", modality=modality)
            await console.says(f"The {name} was refused.")
            await console.state("failed")


async def test_a_missing_camera_is_said(chromium: str, grid: Server) -> None:
    flags = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream=device-count=0")
    async with (
        launched(chromium, *flags) as browser,
        profile(browser) as context,
        page_of(context, grid, "video", "send-receive") as console,
    ):
        await console.start("webrtc", modality="video")
        await console.says("No camera was found.")
        await console.state("failed")


async def test_sound_and_pictures_are_shown_on_the_page(
    context: BrowserContext, grid: Server
) -> None:
    async with page_of(context, grid, "audio-video", "send-receive") as console:
        await expect(console.part("modality-audio-video")).to_be_checked()
        await console.start("webrtc", modality="audio-video")
        await console.state("open")
        for direction, width in (("in", 640), ("out", 320)):
            video = f"document.querySelector('[data-testid=video-{direction}]')"
            await console.until(f"{video}.videoWidth === {width} && !{video}.paused")
        await console.level("in", "> -35")
        await console.level("out", "> -20")
        for figure, text in (
            ("round-trip", r"^[\d.]+ ms$"),
            ("jitter", r"^[\d.]+ ms$"),
            ("loss-out", r"^[\d.]+ %$"),
            ("loss-in", r"^[\d.]+ %$"),
            ("rate-out", r"^[1-9][\d.]* [kM]bit/s$"),
            ("rate-in", r"^[1-9][\d.]* [kM]bit/s$"),
            ("pictures-out", r"^[1-9]\d* / s$"),
            ("pictures-in", r"^[1-9]\d* / s$"),
        ):
            await expect(console.part(figure)).to_have_text(re.compile(text))
        await console.stop()
        await console.state("closed")
        await console.calls(0)
        assert not await console.run("document.querySelector('#out-video').srcObject")


@pytest.mark.parametrize(
    ("modality", "mode", "barred", "reason"),
    [
        (
            "audio-video",
            "receive",
            {"transport-websocket", "transport-http", "mode-send-receive", "mode-send"},
            "WebSocket and HTTP carry sound alone, this stream serves sound and pictures."
            " This stream only sends, it takes nothing.",
        ),
        (
            "audio",
            "send",
            {"modality-video", "modality-audio-video", "mode-send-receive", "mode-receive"},
            "This stream serves sound only. This stream only takes, it sends nothing.",
        ),
    ],
)
async def test_what_the_stream_does_not_serve_cannot_be_chosen(
    context: BrowserContext, grid: Server, modality: str, mode: str, barred: set[str], reason: str
) -> None:
    async with page_of(context, grid, modality, mode) as console:
        await expect(console.part("why")).to_have_text(reason)
        disabled = (
            "[...document.querySelectorAll('input:disabled')].map((input) => input.dataset.testid)"
        )
        assert set(await console.run(disabled)) == barred
        for choice in (f"modality-{modality}", f"mode-{mode}"):
            await expect(console.part(choice)).to_be_checked()


@pytest.mark.parametrize("width", [320, 380, 1280])
async def test_a_page_with_pictures_never_scrolls_sideways(
    context: BrowserContext, grid: Server, width: int
) -> None:
    async with page_of(context, grid, "audio-video", "send-receive") as console:
        await console.page.set_viewport_size({"width": width, "height": 800})
        assert await console.run("document.documentElement.scrollWidth") <= width


async def test_a_page_with_its_own_client_calls(context: BrowserContext, grid: Server) -> None:
    async with opened(context, f"{grid.url}/plain.html") as page:
        wanted = {"audio": True, "video": {"width": 320, "height": 240, "frameRate": 15}}
        await page.run("wanted => dial('audio-video/send-receive/', { wanted })", wanted)
        assert await page.run("told.trickled") == {"status": "success"}
        for report in ("heard?.loudest > 0.03", "seen?.pictures >= 10"):
            await page.until(f"told.messages.some(({{ data }}) => data.{report})")
        await page.until("document.querySelector('video').videoWidth === 320")
        await page.until("document.querySelector('audio').currentTime > 0")
        await page.run("channel.send(JSON.stringify({ event: 'message', data: 'hang up' }))")
        await page.until("told.messages.at(-1).type === 'end_stream'")
        await page.until("channel.readyState === 'closed'")


async def test_the_first_sound_comes_soon_after_the_offer(
    context: BrowserContext, grid: Server
) -> None:
    """Printed for the record: the time depends on the machine."""
    script = """async () => {
      await dial("audio/receive/", { kinds: ["audio"] });
      const first = () => told.arrivals.find(({ bytes }) => bytes > 20);
      while (!first()) await new Promise((resolve) => setTimeout(resolve, 5));
      peer.close();
      return [told.answeredAt - told.offeredAt, first().at - told.offeredAt];
    }"""
    for _ in range(3):
        async with opened(context, f"{grid.url}/plain.html") as page:
            answer, sound = await page.run(script)
            print(f"answer {answer:.0f} ms after the offer, first sound {sound:.0f} ms")
            assert 0 < answer < sound


@pytest.mark.slow
async def test_a_browser_that_is_killed_is_noticed(chromium: str, grid: Server) -> None:
    """Within 30 s, by the checks of RFC 7675 that do not come any more."""
    url = f"{grid.url}/audio/send/"
    async with launched(chromium, "--use-fake-ui-for-media-stream") as browser:
        console = Console(await browser.new_page())
        await console.page.goto(url)
        await console.page.add_script_tag(path=CALLS)
        await called(console, "audio", "send")
        await check_the_handler_hears(console)
        call_id = await console.run("told.id")
        async with (
            httpx.AsyncClient(base_url=url, timeout=40) as client,
            client.stream("GET", "outputs", params={"webrtc_id": call_id}) as outputs,
        ):
            await kill(browser)
            killed = anyio.current_time()
            with anyio.fail_after(30):
                await outputs.aread()  # ends with the call
            print(f"noticed after {anyio.current_time() - killed:.1f} s")
            assert (await client.get("health")).json()["calls"] == 0


async def kill(browser: Browser) -> None:
    """End every process of this browser without a farewell."""
    session: Any = await browser.new_browser_cdp_session()  # its `send` has no whole types
    gone = anyio.Event()
    browser.on("disconnected", lambda _: gone.set())
    for process in (await session.send("SystemInfo.getProcessInfo"))["processInfo"]:
        os.kill(process["id"], signal.SIGKILL)
    await gone.wait()
