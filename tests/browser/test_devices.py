"""The browser client and the devices that it uses: choice, change, silence, and what was heard."""

from collections.abc import AsyncIterator

import anyio
import numpy as np
import numpy.typing as npt
import pytest
from playwright.async_api import Browser, BrowserContext

from tests.browser.conftest import launched
from tests.browser.console import TIMEOUT, Console, opened
from tests.browser.peer import Peer, peer
from tests.browser.server import serving

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(90),  # Chromium, a server and seconds of live audio on a busy machine
]

TONE_HZ = 1000
RATE = 24000
# A tone that the page makes itself takes the place of a microphone: only it can be what comes back.
CALL = f"""async (options) => {{
  window.client = await import(new URL("client.js", document.baseURI));
  Object.assign(window, {{ heard: [], levels: [], messages: [], interruptions: [], pictures: [] }});
  window.tone = () => {{
    const context = new AudioContext();
    const [oscillator, out] = [context.createOscillator(), context.createMediaStreamDestination()];
    oscillator.frequency.value = {TONE_HZ};
    oscillator.connect(out);
    oscillator.start();
    return out.stream;
  }};
  window.call = client.connect({{
    ...options,
    onAudio: (samples) => (heard = [...heard, ...samples].slice(-{RATE // 4})),
    onLevel: (level) => levels.push(level),
    onMessage: (message) => messages.push(message),
    onInterrupted: (interruption) => interruptions.push(interruption),
    onPictures: ({{ stream }}) => pictures.push(stream.getTracks()[0].label),
  }});
}}"""
OPEN = "call.state === 'open'"
MICROPHONE = "call.peerConnection.getSenders().find(({ track }) => track.kind === 'audio').track"


@pytest.fixture(scope="module")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """A Chromium with two microphones and two cameras, whose user allows them."""
    flags = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream=device-count=2")
    async with launched(chromium, *flags) as browser:
        yield browser


async def test_devices_are_told_with_their_names(console: Console) -> None:
    script = """async () => {
      const client = await import(new URL("client.js", document.baseURI));
      return client.devices("audio-video");
    }"""
    found: dict[str, list[dict[str, str]]] = await console.run(script)
    assert set(found) == {"microphones", "cameras", "speakers"}
    assert len(found["microphones"]) >= 2
    assert len(found["cameras"]) == 2
    for devices in found.values():
        assert all(device["id"] and device["label"] for device in devices)


async def hears_the_tone(console: Console) -> None:
    """A quarter of a second of what comes back is the tone and little else."""
    sound = np.zeros(0)
    with anyio.fail_after(TIMEOUT / 1000):
        while purity(sound) < 0.9:
            sound = np.array(await console.run("heard"))


def purity(sound: npt.NDArray[np.float64]) -> float:
    """The share of the tone in the power of a quarter of a second; 0 of less, and of silence."""
    power = float(np.sum(sound**2))
    if sound.size < RATE // 4 or power < 100:
        return 0.0
    turns = np.exp(2j * np.pi * TONE_HZ / RATE * np.arange(sound.size))
    return float(2 * abs(np.sum(sound * turns)) ** 2 / (sound.size * power))


@pytest.mark.parametrize("transport", ["websocket", "webrtc"])
async def test_the_microphone_is_changed_muted_and_changed_back(
    console: Console, transport: str
) -> None:
    await console.run(CALL, {"transport": transport})
    await console.until(OPEN)
    await console.run("call.useMicrophone(tone())")
    await hears_the_tone(console)
    await console.run("call.mute()")
    silence = f"heard.length === {RATE // 4} && heard.every((sample) => Math.abs(sample) < 0.001)"
    await console.until(silence)
    await console.run("call.mute(false)")
    await hears_the_tone(console)
    await console.run(
        "client.devices().then(({ microphones }) => call.useMicrophone(microphones.at(-1).id))"
    )
    if transport == "webrtc":
        label = await console.run(f"{MICROPHONE}.label")
        devices = await console.run("client.devices()")
        assert label == devices["microphones"][-1]["label"]
    await console.run("levels.length = 0")
    await console.until("levels.some(({ direction, peak }) => direction === 'in' && peak > 0.05)")
    await console.until("levels.some(({ direction, rms }) => direction === 'in' && rms < 0.001)")
    level: dict[str, float] = await console.run("levels.find(({ peak }) => peak > 0.05)")
    assert level["peak"] == max(level["high"], -level["low"])
    await console.run("call.stop()")


async def test_a_device_that_is_not_there_is_said_and_the_call_goes_on(console: Console) -> None:
    refused = ".catch(({ cause, text }) => [cause, text])"
    text = "The chosen microphone was not found. Connect it, or choose another."
    await console.run(CALL, {"transport": "websocket", "microphone": "none such"})
    assert await console.run("call.ended.then(({ cause, text }) => [cause, text])") == [
        "devices", text,
    ]  # fmt: skip
    await console.run(CALL, {"transport": "websocket"})
    await console.until(OPEN)
    assert await console.run(f"call.useMicrophone('none such'){refused}") == ["devices", text]
    assert (await console.run(f"call.useSpeaker('none such'){refused}"))[0] == "devices"
    assert await console.run(f"call.useSpeaker('default'){refused}") is None
    assert await console.run(OPEN)
    await console.run("window.kept = tone().getTracks()[0]")
    await console.run("call.useMicrophone(kept)")
    await console.run("call.mute()")
    await console.run("call.stop()")
    # What the page gave is the page's again.
    assert await console.run("[kept.readyState, kept.enabled]") == ["live", True]


async def test_a_call_that_is_over_holds_no_track_of_the_page_and_opens_no_device(
    console: Console,
) -> None:
    script = """() => {
      window.kept = new AudioContext().createMediaStreamDestination().stream.getTracks()[0];
      window.listeners = 0;
      const [add, remove] = [kept.addEventListener, kept.removeEventListener];
      kept.addEventListener = (...of) => (listeners++, add.apply(kept, of));
      kept.removeEventListener = (...of) => (listeners--, remove.apply(kept, of));
      window.asked = 0;
      navigator.mediaDevices.getUserMedia = async () => {
        asked++;
        throw new Error("the call is over");
      };
    }"""
    await console.run(script)
    await console.run(CALL.replace("...options,", "microphone: kept,"), {})
    await console.until(OPEN)
    assert await console.run("listeners") == 1
    await console.run("call.stop()")
    assert await console.run("listeners") == 0
    await console.run("call.useMicrophone('default')")
    assert await console.run("asked") == 0


async def test_the_camera_is_chosen_and_changed(context: BrowserContext) -> None:
    async with (
        serving("--modality", "video") as server,
        opened(context, server.url) as console,
    ):
        script = """async () => {
          const client = await import(new URL("client.js", document.baseURI));
          return (await client.devices("video")).cameras;
        }"""
        first, second = await console.run(script)
        options = {"transport": "webrtc", "modality": "video", "mode": "send"}
        await console.run(CALL, {**options, "camera": second["id"]})
        await console.until(OPEN)
        await console.run("(id) => call.useCamera(id)", first["id"])
        assert await console.run("pictures") == [second["label"], first["label"]]
        sent = "call.peerConnection.getSenders()[0].track.label"
        assert await console.run(sent) == first["label"]
        mistake = "call.useMicrophone('default').catch(({ name, message }) => [name, message])"
        assert await console.run(mistake) == [
            "TypeError", "a call of modality video in mode send sends no audio",
        ]  # fmt: skip
        await console.run("call.stop()")


async def test_an_interruption_tells_what_was_heard_of_the_reply(console: Console) -> None:
    async def script(server: Peer) -> None:
        await server.accept()
        await server.play(1)
        await server.mark("first reply")
        await server.hear("mark")
        await server.say(type="log", data="response_starting")
        await server.play(1)
        await server.mark("second reply")
        await server.play(1)
        await server.hear("mark")
        await server.say(event="clear")
        await server.play(1)
        await server.mark("what follows")
        await server.hear("mark")
        await server.say(event="clear")
        await server.left()

    async with peer(script) as url:
        await console.run(CALL, {"url": url, "mode": "receive"})
        await console.until("interruptions.length === 2")
        await console.run("call.stop()")
    first, second = await console.run("interruptions")
    assert first["heard"] + first["dropped"] == pytest.approx(2000, abs=2)
    assert 1000 <= first["heard"] < 1800
    assert second["heard"] == pytest.approx(1000, abs=2)
    assert second["dropped"] == 0


async def test_what_was_heard_over_webrtc_is_not_known(context: BrowserContext) -> None:
    async with (
        serving("tests.browser.streams:followed") as server,
        opened(context, server.url) as console,
    ):
        await console.run(CALL, {"transport": "webrtc", "mode": "receive"})
        await console.until("levels.some(({ rms }) => rms > 0.1)")
        await console.run("call.send({ event: 'message', data: 'stop' })")
        await console.until("interruptions.length")
        assert await console.run("interruptions") == [{"heard": None, "dropped": None}]
        await console.run("call.stop()")
