"""The browser client: its codec and resampler, and what it says and shows to a scripted server."""

from typing import Any
from urllib.parse import urljoin, urlsplit

import anyio
import numpy as np
import pytest
from playwright.async_api import BrowserContext, ConsoleMessage, Route, expect

from antiphon.core.audio.g711 import mulaw_decode, mulaw_encode
from tests.browser.conftest import launched, profile
from tests.browser.console import TIMEOUT, Console, opened
from tests.browser.peer import FRAMES_PER_SECOND, Peer, peer
from tests.browser.server import serving

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(90),  # Chromium and seconds of live audio on a busy machine
]

IMPORT = 'const client = await import(new URL("client.js", document.baseURI));'
CALL = f"""async (url) => {{
  {IMPORT}
  window.played = 0;
  window.messages = [];
  window.call = client.connect({{
    url, mode: "receive",
    onLevel: ({{ direction, rms }}) => {{ window.played += direction === "out" && rms > 0.1; }},
    onMessage: (message) => window.messages.push(message),
  }});
}}"""
ENDING = "window.call.ended.then(({ cause, text, code }) => ({ cause, text, code }))"
RESAMPLE = f"""async ([from, to, split, frequency]) => {{
  {IMPORT}
  const step = 2 * Math.PI * frequency / from;
  const tone = Float32Array.from({{ length: from }}, (_, i) => Math.sin(step * i));
  const [resampler, output] = [new client.Resampler(from, to), []];
  for (let i = 0; i < from; i += split) {{
    resampler.convert(tone.subarray(i, i + split), (samples) => output.push(...samples));
  }}
  return output;
}}"""

# The page resolves its routes against document.baseURI, which a <base> element moves.
MOVE = "url => document.head.append(Object.assign(document.createElement('base'), {href: url}))"
TONE_HZ = 1000


async def test_mulaw_has_the_codes_of_the_server(console: Console) -> None:
    samples = np.arange(-32768, 32768).astype("<i2")
    script = f"""async () => {{
      {IMPORT}
      const samples = Float32Array.from({{ length: 65536 }}, (_, i) => (i - 32768) / 32768);
      const codes = Uint8Array.from({{ length: 256 }}, (_, code) => code);
      return [[...client.encodeMulaw(samples)], [...client.decodeMulaw(codes)]];
    }}"""
    codes, decoded = await console.run(script)
    assert bytes(codes) == mulaw_encode(samples.tobytes())
    expected = np.frombuffer(mulaw_decode(bytes(range(256))), dtype="<i2") / 32768
    assert decoded == expected.tolist()


async def test_samples_beyond_full_scale_are_clipped(console: Console) -> None:
    codes = await console.run(
        f"async () => {{ {IMPORT} return [...client.encodeMulaw([-7, -1, 1, 7])]; }}"
    )
    assert codes == [0x00, 0x00, 0x80, 0x80]


@pytest.mark.parametrize(
    ("source", "target"),
    [(48000, 24000), (44100, 24000), (24000, 48000), (24000, 44100), (96000, 24000)],
)
async def test_resampling_keeps_a_tone(console: Console, source: int, target: int) -> None:
    output = np.array(await console.run(RESAMPLE, [source, target, 128, TONE_HZ]))
    wanted = np.sin(2 * np.pi * TONE_HZ * np.arange(output.size) / target)
    inner = slice(200, -200)  # the edges meet silence
    error = np.mean((output - wanted)[inner] ** 2) / np.mean(wanted[inner] ** 2)
    assert 0 <= target - output.size < target // 200
    assert 10 * np.log10(error) < -90


async def test_resampling_down_leaves_no_alias(console: Console) -> None:
    output = np.array(await console.run(RESAMPLE, [48000, 24000, 128, 12600]))
    assert 10 * np.log10(np.mean(output[200:-200] ** 2) / 0.5) < -60


async def test_resampling_does_not_depend_on_the_split(console: Console) -> None:
    outputs = [
        await console.run(RESAMPLE, [44100, 24000, split, TONE_HZ]) for split in (1, 128, 44100)
    ]
    assert outputs[0] == outputs[1] == outputs[2]


async def test_a_mark_is_answered_when_its_audio_was_played(console: Console) -> None:
    """docs/protocol.md."""
    played: list[int] = []

    async def script(server: Peer) -> None:
        await server.accept()
        await server.play(1)
        await server.mark("said")
        assert (await server.hear("mark"))["mark"] == {"name": "said"}
        played.append(await console.run("window.played"))
        await server.close(1000)

    async with peer(script) as url:
        await console.run(CALL, url)
        assert (await console.run(ENDING))["cause"] == "ended"
    assert FRAMES_PER_SECOND - 3 <= played[0] <= FRAMES_PER_SECOND + 1


async def test_clear_drops_what_waits_and_answers_its_marks(console: Console) -> None:
    """docs/protocol.md: an interruption."""
    played: list[int] = []

    async def script(server: Peer) -> None:
        await server.accept()
        await server.play(10)
        await server.mark("first")
        await server.mark("second")
        await server.say(event="clear")
        for name in ("first", "second"):
            assert (await server.hear("mark"))["mark"] == {"name": name}
        await server.play(1)  # what follows a clear is played again
        await server.mark("third")
        assert (await server.hear("mark"))["mark"] == {"name": "third"}
        played.append(await console.run("window.played"))
        await server.close(1000)

    async with peer(script) as url:
        await console.run(CALL, url)
        assert (await console.run(ENDING))["cause"] == "ended"
    assert played[0] < 5 * FRAMES_PER_SECOND


async def test_options_that_cannot_be_are_refused_at_once(console: Console) -> None:
    """A mode with a slip in it opens no microphone."""
    script = f"""async (options) => {{
      {IMPORT}
      try {{
        return client.connect(options).state;
      }} catch ({{ name, message }}) {{
        return `${{name}}: ${{message}}`;
      }}
    }}"""
    assert [
        await console.run(script, {"transport": "pigeon"}),
        await console.run(script, {"transport": "http", "modality": "video"}),
        await console.run(script, {"mode": "recieve"}),
    ] == [
        "TypeError: unknown transport: pigeon",
        "TypeError: http does not carry video",
        "TypeError: unknown mode: recieve",
    ]


async def start_of(script: str, console: Console) -> dict[str, Any]:
    """What the call of this script begins with; its server ends it then."""
    starts: list[dict[str, Any]] = []

    async def peer_script(server: Peer) -> None:
        starts.append(await server.accept())
        await server.close(1000)

    async with peer(peer_script) as url:
        await console.run(script, url)
        assert (await console.run(ENDING))["cause"] == "ended"
    [start] = starts
    return start


async def test_an_option_that_is_undefined_is_one_left_out(console: Console) -> None:
    script = f"""async (url) => {{
      {IMPORT}
      const names = ["transport", "sampleRate", "reconnect", "onState"];
      const options = Object.fromEntries(names.map((name) => [name, undefined]));
      window.call = client.connect({{ url, mode: "receive", ...options }});
    }}"""
    start = await start_of(script, console)
    assert start["media_format"]["sample_rate"] == 24000


async def test_a_mistake_in_a_callback_is_reported_and_the_call_goes_on(console: Console) -> None:
    script = f"""async (url) => {{
      {IMPORT}
      window.reported = [];
      window.reportError = ({{ message }}) => reported.push(message);
      const callback = (name) => [name, () => {{ throw new Error(name); }}];
      const names = ["onState", "onMessage", "onAudio", "onCapture", "onLevel", "onInterrupted"];
      window.call = client.connect({{ url, ...Object.fromEntries(names.map(callback)) }});
    }}"""

    async def peer_script(server: Peer) -> None:
        await server.accept()
        await server.play(1)
        await server.mark("said")
        await server.hear("media")
        await server.hear("mark")
        await server.say(event="clear")
        await server.hear("media")
        await console.until("reported.includes('onInterrupted')")
        await server.close(1000)

    async with peer(peer_script) as url:
        await console.run(script, url)
        assert (await console.run(ENDING))["cause"] == "ended"
    assert set(await console.run("reported")) == {
        "onState", "onMessage", "onAudio", "onCapture", "onLevel", "onInterrupted",
    }  # fmt: skip


async def test_the_page_has_its_call_before_it_is_told_of_it(console: Console) -> None:
    script = f"""async () => {{
      {IMPORT}
      const told = [];
      const call = client.connect({{ onState: (state) => told.push([state, call.state]) }});
      await call.stop();
      const onState = (state) => told.push([state, other.state]);
      const other = client.connect({{ mode: "receive", onState }});
      while (other.state === "new") await null;
      await other.stop();
      return told;
    }}"""
    states = ["closing", "closed", "preparing", "closing", "closed"]
    assert await console.run(script) == [[state, state] for state in states]


@pytest.mark.parametrize("transport", ["websocket", "http"])
async def test_what_is_no_json_is_thrown_back_and_the_call_goes_on(
    console: Console, transport: str
) -> None:
    script = f"""async (transport) => {{
      {IMPORT}
      const inputs = {{}};
      inputs.own = inputs;
      const {{ text }} = await client.connect({{ transport, mode: "receive", inputs }}).ended;
      window.call = client.connect({{ transport, mode: "receive" }});
      return text.split("\\n")[0];
    }}"""
    told = "The call could not be made: Converting circular structure to JSON"
    assert await console.run(script, transport) == told
    await console.until("call.state === 'open'")
    mistake = """() => {
      try {
        call.send({ event: "message", data: 10n });
      } catch ({ name }) {
        return name;
      }
    }"""
    assert await console.run(mistake) == "TypeError"
    await console.run("call.send({ event: 'stop' })")
    assert (await console.run(ENDING))["cause"] == "ended"


async def test_start_names_the_format_and_the_mode(console: Console) -> None:
    start = await start_of(CALL, console)
    assert start["media_format"] == {"encoding": "audio/x-mulaw", "sample_rate": 24000}
    assert start["metadata"] == {"mode": "receive"}
    assert len(start["websocket_id"]) == 36


async def test_inputs_go_with_the_start_and_later_and_outputs_come(
    context: BrowserContext,
) -> None:
    """The tokens that the server asks for go along."""
    script = f"""async (transport) => {{
      {IMPORT}
      window.outputs = [];
      window.call = client.connect({{
        transport, mode: "receive", inputs: ["a", 1], onOutput: (value) => outputs.push(value),
      }});
    }}"""
    ask = "call.send({ event: 'message', data: 0 })"
    async with (
        serving("tests.browser.streams:curious") as server,
        opened(context, server.url) as console,
    ):
        for transport in ("websocket", "http", "webrtc"):
            await console.run(script, transport)
            await console.until("call.state === 'open'")
            await console.run(ask)
            await console.until("outputs.length === 1")
            await console.run("call.setInputs({ b: [2] })")
            await console.run(ask)
            await console.until("outputs.length === 2")
            assert await console.run("outputs") == [["a", 1], [{"b": [2]}]]
            await console.run("call.stop()")


LIMIT = {"status": "failed", "meta": {"error": "concurrency_limit_reached", "limit": 3}}
FULL = "The server is full: its limit of 3 calls is reached. Try again later."


@pytest.mark.parametrize(
    ("messages", "code", "cause", "text"),
    [
        ([LIMIT], 1013, "refused", FULL),
        ([{"type": "end_stream", "data": "bye"}], 1000, "ended", "The server ended the call: bye"),
        (
            [{"type": "error", "data": "not JSON"}],
            1007,
            "protocol",
            "The server ended the call after an error: not JSON",
        ),
        (
            [{"type": "error", "data": "one turn failed"}, {"type": "log", "data": "on it goes"}],
            1000,
            "ended",
            "The server ended the call.",
        ),
        ([], 1001, "lost", "The server is gone: it is shutting down."),
        ([], 1008, "protocol", "The server closed the call with code 1008."),
    ],
)
async def test_the_end_of_a_call_is_explained(
    console: Console, messages: list[dict[str, Any]], code: int, cause: str, text: str
) -> None:
    async def script(server: Peer) -> None:
        await server.hear("start")
        for message in messages:
            await server.say(**message)
        await server.close(code)

    async with peer(script) as url:
        await console.run(CALL, url)
        ending = await console.run(ENDING)
    assert (ending["cause"], ending["text"]) == (cause, text)
    assert await console.run("window.messages") == messages


BASE = "The option `url` is the base of the server's routes."


@pytest.mark.parametrize(
    ("answer", "cause", "text"),
    [
        (
            {"status": 404, "body": "no such page"},
            "refused",
            "No calls are served at this address. {base}",
        ),
        (
            {"status": 200, "body": "<!doctype html>"},
            "protocol",
            "What answers at {url} serves no calls. {base}",
        ),
        (
            {"status": 502, "body": "<html>Bad Gateway"},
            "unreachable",
            "The server does not answer at {host}. Is it running, and does it allow this page?",
        ),
    ],
)
async def test_what_is_no_server_of_calls_is_told_as_that(
    console: Console, answer: dict[str, Any], cause: str, text: str
) -> None:
    """A wrong address, a page that answers everything, and a proxy whose server is gone."""
    script = f"""async (transport) => {{
      {IMPORT}
      const {{ cause, text }} = await client.connect({{ transport, mode: "receive" }}).ended;
      return [cause, text];
    }}"""

    async def reply(route: Route) -> None:
        await route.fulfill(**answer)

    for transport, path in (("http", "http/offer"), ("webrtc", "webrtc/configuration")):
        url = urljoin(console.page.url, path)
        await console.page.route(url, reply)
        told = text.format(base=BASE, url=url, host=urlsplit(url).netloc)
        assert await console.run(script, transport) == [cause, told]


async def test_a_page_that_stood_still_gives_the_answer_time_to_be_heard(console: Console) -> None:
    """A machine that slept, or a dialogue: the answer waits behind the clock's next tick."""
    script = f"""async (url) => {{
      {IMPORT}
      const [every, now] = [window.setInterval, performance.now.bind(performance)];
      window.setInterval = (tick, delay) =>
        delay < 2000 ? every(tick, delay) : (window.tick = tick);
      window.sleep = () => (performance.now = () => now() + 60_000);
      window.call = client.connect({{ url, mode: "receive" }});
    }}"""

    async def peer_script(server: Peer) -> None:
        await server.accept()
        await console.until("window.tick")
        await console.run("tick()")
        await server.ping()
        await console.run("sleep(), tick(), tick()")
        await server.say(event="pong")
        await server.close(1000)

    async with peer(peer_script) as url:
        await console.run(script, url)
        assert (await console.run(ENDING))["cause"] == "ended"


async def test_a_page_that_may_not_sound_yet_says_so_and_sounds_with_the_first_click(
    chromium: str,
) -> None:
    """Browsers let no page sound that nobody has used, unless it listens to a microphone.

    What a page is asked to evaluate counts as use, so this one tells by itself.
    """
    script = f"""addEventListener("load", async () => {{
      {IMPORT}
      window.calls = ["websocket", "webrtc"].map((transport) => {{
        let isLoud = false;
        return client.connect({{
          transport,
          mode: "receive",
          onLevel: ({{ rms }}) => isLoud || (rms > 0.1 && console.log("loud", (isLoud = true))),
          onMessage: ({{ type, data }}) => type === "warning" && console.log(data),
        }});
      }});
    }})"""
    told: list[str] = []
    warning = "The browser lets this page play no sound until somebody clicks or types in it."

    def hear(message: ConsoleMessage) -> None:
        if message.type == "log":
            told.append(message.text)

    async with (
        serving("tests.browser.streams:tone") as server,
        launched(chromium, "--autoplay-policy=document-user-activation-required") as browser,
        profile(browser) as context,
    ):
        page = await context.new_page()
        page.on("console", hear)
        await page.add_init_script(script)
        await page.goto(server.url)
        with anyio.fail_after(TIMEOUT / 1000):
            while told.count(warning) < 2:
                await page.wait_for_event("console")
            await page.mouse.click(5, 5)
            while len(told) < 4:
                await page.wait_for_event("console")
        await page.evaluate("Promise.all(calls.map((call) => call.stop()))")
    assert told == [warning, warning, "loud true", "loud true"]


async def test_the_log_keeps_the_newest_two_hundred(console: Console) -> None:
    async def script(server: Peer) -> None:
        await server.accept()
        for number in range(300):
            await server.say(type="log", data=f"message {number}")
        await server.left()

    async with peer(script) as url:
        await console.run(MOVE, url)
        await console.start(mode="receive")
        rows = console.part("log").locator("li")
        await expect(rows.last).to_contain_text("message 299")
        await expect(rows.last).to_be_in_viewport()
        await expect(rows).to_have_count(200)
        await console.stop()
        await console.state("closed")


async def test_a_message_is_shown_as_text_and_never_as_markup(console: Console) -> None:
    async def script(server: Peer) -> None:
        await server.accept()
        await server.say(type="log", data="<img src=x onerror=alert(1)>")
        await server.left()

    async with peer(script) as url:
        await console.run(MOVE, url)
        await console.start(mode="receive")
        await expect(console.part("log")).to_contain_text("<img src=x onerror=alert(1)>")
        await expect(console.part("log").locator("img")).to_have_count(0)
        await console.stop()
        await console.state("closed")
