"""The JavaScript of the documents that clients were written by, unchanged, against this server.

The names that the documents leave to their readers are supplied here, and nothing else: elements,
ids, mu-law encoding, inputs. Not among the samples of document 000 are those for audio-video, which
are no JavaScript (`const audio-video_output_component`), and the one that only receives pictures,
which offers no way to send any.
"""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import BrowserContext

from tests.browser.devtools import DevTools, inspected
from tests.browser.server import Server, serving
from tests.browser.source_documents import printed_samples, render, websocket_samples
from tests.browser.witness import TONE_HZ
from tests.npm import package

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(90),  # Chromium, a server and seconds of live media on a busy machine
]

ELEMENT = """(kind) => {
  const named = { id: `${kind}_output_component_id`, autoplay: true };
  document.body.append(Object.assign(document.createElement(kind), named));
}"""
TO_MULAW = """
function convertToMulaw(samples, rate) {
  const step = rate / 24000;
  const pick = (_, place) => 32767 * samples[Math.floor(place * step)];
  return alawmulaw.mulaw.encode(Int16Array.from({ length: samples.length / step }, pick));
}
const websocket_id = "from-the-documents";
const generateId = () => websocket_id;
const your_input_data = [0.5];
"""
HEARD = "came(({ heard }) => heard?.loudest > 0.03)"
SEEN = "came(({ seen }) => seen?.changes >= 5 && seen.bgr[1] > 100)"
NOBODY = "async () => { while ((await (await fetch('/health')).json()).calls); }"


@pytest.fixture(scope="module")
def printed() -> list[str]:
    """The templates of document 000."""
    return printed_samples()


@pytest.fixture(scope="module")
async def audio(printed: list[str], chromium: str) -> AsyncIterator[Server]:
    """The documents' paths begin at the root."""
    async with serving("tests.browser.streams:witnessed") as server:
        yield server


@pytest.fixture(scope="module")
async def video(printed: list[str], chromium: str) -> AsyncIterator[Server]:
    async with serving("tests.browser.streams:witnessed_video") as server:
        yield server


async def connect_by_webrtc(tools: DevTools, webrtc: str, modality: str, mode: str) -> None:
    """Run the sample of document 000, until it is connected."""
    await tools.page.evaluate(ELEMENT, modality)
    if mode == "send":  # the template prints the bare name of the kind there
        await tools.paste(f'const {modality} = "{modality}";')
    await tools.paste(render(webrtc, modality=modality, mode=mode))
    await tools.paste("await setupWebRTC(pc);")
    await tools.until("pc.connectionState === 'connected'")


async def hang_up(tools: DevTools) -> None:
    await tools.paste("pc.close();")
    await tools.page.evaluate(NOBODY)


async def test_webrtc_with_sound_both_ways(
    printed: list[str], context: BrowserContext, audio: Server
) -> None:
    async with inspected(context, f"{audio.url}/health") as tools:
        await connect_by_webrtc(tools, printed[0], "audio", "send-receive")
        await tools.until(HEARD)
        await tools.until(f"hears({TONE_HZ})")
        await tools.until("document.querySelector('audio').currentTime > 0")
        await hang_up(tools)


async def test_webrtc_with_pictures_both_ways(
    printed: list[str], context: BrowserContext, video: Server
) -> None:
    async with inspected(context, f"{video.url}/health") as tools:
        await connect_by_webrtc(tools, printed[0], "video", "send-receive")
        await tools.until(SEEN)
        await tools.until("seesBlue()")
        await hang_up(tools)


async def test_webrtc_that_sends_is_a_call_by_its_offer_to_receive(
    printed: list[str], context: BrowserContext, audio: Server
) -> None:
    """The printed offer asks for sound and sends none."""
    async with inspected(context, f"{audio.url}/health") as tools:
        await connect_by_webrtc(tools, printed[0], "audio", "send")
        await tools.until("came(({ id }) => id)")
        directions = "pc.getTransceivers().map(({ currentDirection }) => currentDirection)"
        assert await tools.page.evaluate(directions) == ["recvonly"]
        await hang_up(tools)


async def test_webrtc_that_receives_is_joined_by_its_channel(
    printed: list[str], context: BrowserContext, audio: Server
) -> None:
    """The printed offer holds a data channel and no track: a wire that waits for a `start`."""
    async with inspected(context, f"{audio.url}/health") as tools:
        await connect_by_webrtc(tools, printed[0], "audio", "receive")
        assert await tools.page.evaluate("pc.getTransceivers().length") == 0
        await hang_up(tools)


async def prepare_sound(tools: DevTools) -> None:
    await tools.page.add_script_tag(path=package("alawmulaw", "6.0.0") / "dist" / "alawmulaw.js")
    await tools.paste(TO_MULAW)


async def gone(tools: DevTools) -> None:
    """The call is over on the server's side too."""
    await tools.until("ws.readyState === WebSocket.CLOSED")
    await tools.page.evaluate(NOBODY)


async def test_the_websocket_of_the_guide_is_heard(
    printed: list[str], context: BrowserContext, audio: Server
) -> None:
    """Document 000, whose sample plays nothing."""
    async with inspected(context, f"{audio.url}/health") as tools:
        await prepare_sound(tools)
        await tools.paste(render(printed[1], modality="audio", mode="send-receive"))
        await tools.until(HEARD)
        await tools.paste("ws.close();")
        await gone(tools)


async def test_the_websocket_of_the_client_guide_completes_a_session(
    printed: list[str], context: BrowserContext, audio: Server
) -> None:
    """Document 002: sound both ways, a request for inputs, outputs, and the stop."""
    connecting, inputs, outputs, stopping = websocket_samples()
    async with inspected(context, f"{audio.url}/health") as tools:
        await prepare_sound(tools)
        await tools.paste(connecting)
        await tools.until(HEARD)
        await tools.until(f"hears({TONE_HZ})")
        await tools.paste(inputs)
        await tools.paste(outputs)
        await tools.paste('ws.send(JSON.stringify({ event: "message", data: "ask" }));')
        await tools.until("came(({ asked }) => asked?.[0] === 0.5)")
        await tools.paste('ws.send(JSON.stringify({ event: "message", data: "and now" }));')
        output = "word === 'Received output:' && value.returned === 'and now'"
        await tools.until(f"logged.some(([word, value]) => {output} && value.inputs[0] === 0.5)")
        await tools.paste(stopping)
        await tools.paste("stop(ws);")
        await gone(tools)
