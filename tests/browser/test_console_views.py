"""What the console shows besides the call itself, in Chromium, with a microphone that speaks."""

import json
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, BrowserContext, expect

from tests.browser.conftest import launched
from tests.browser.console import Console, opened
from tests.browser.input_streams import Place, Shapes, positional
from tests.browser.peer import Peer, peer
from tests.browser.server import Server, serving
from tests.browser.speaking import sentences
from tests.browser.test_client import MOVE

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(90),  # Chromium and seconds of live audio on a busy machine
]

TRANSPORTS = ("webrtc", "websocket", "http")
# The trace is full in the middle where there is speech, and empty otherwise but for endpoints.
SPEECH_DRAWN = """(() => {
  const { width, height } = document.querySelector('#trace');
  const pen = document.querySelector('#trace').getContext('2d');
  const { data } = pen.getImageData(0, height / 2, width, 1);
  return data.filter((value, place) => place % 4 === 3 && value > 200).length;
})() > 30"""
SOME_SPEECH = "Number.parseFloat(document.querySelector('#speech-length').textContent) > 0.3"
COUNT_LAYOUTS = """() => {
  Object.assign(globalThis, { frames: 0, layouts: 0, drawings: 0 });
  const count = () => requestAnimationFrame(() => count(globalThis.frames += 1));
  count();
  const { get } = Object.getOwnPropertyDescriptor(Element.prototype, "scrollHeight");
  Object.defineProperty(document.querySelector("#log"), "scrollHeight", {
    get() {
      globalThis.layouts += 0.5; // one look before the rows are there, one after
      return get.call(this);
    },
  });
  const wave = document.querySelector("#out-wave");
  wave.getContext = (kind) => {
    globalThis.drawings += 1;
    return HTMLCanvasElement.prototype.getContext.call(wave, kind);
  };
}"""
UNPLUG = """() => {
  navigator.mediaDevices.enumerateDevices = async () => [];
  navigator.mediaDevices.dispatchEvent(new Event("devicechange"));
}"""
RUN_MODULE = """text => document.head.append(
  Object.assign(document.createElement("script"), { type: "module", textContent: text })
)"""


@pytest.fixture(scope="module")
async def browser(
    chromium: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Browser]:
    """A Chromium whose microphone hears a sentence every few seconds, again and again."""
    path = sentences(tmp_path_factory.mktemp("microphone"), pause=1.0)
    flags = ("--use-fake-ui-for-media-stream", f"--use-file-for-fake-audio-capture={path}")
    async with launched(chromium, *flags) as browser:
        yield browser


@pytest.fixture(scope="module")
async def server(chromium: str) -> AsyncIterator[Server]:
    async with serving("tests.browser.speech_streams:asking") as server:
        yield server


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_inputs_are_asked_for_by_a_form_and_outputs_come_as_they_are(
    console: Console, transport: str
) -> None:
    await console.start(transport, "receive")
    await expect(console.part("inputs-asked")).to_have_text("The stream asks for inputs.")
    await console.part("field $.share").fill("0.25")
    await console.part("field $.prompt").fill("hello")
    await console.part("field $.loud").check()
    await console.part("field $.style.voice").select_option("tenor")
    await console.part("field $.tags").fill('["a", "b"]')
    if transport == "http":
        await console.part("inputs-by").select_option("call")
    await console.part("inputs-send").click()
    outputs = console.part("outputs").locator("li")
    await expect(outputs.nth(0)).to_contain_text("0.25")
    await expect(outputs.nth(1)).to_contain_text("these were the wishes")
    whole = '[0.25,"hello",3,true,{"voice":"tenor","speed":1},["a","b"],null]'
    await expect(outputs.nth(2).locator("summary")).to_have_text(whole)
    await console.stop()
    await console.state("closed")


@pytest.mark.parametrize("by", ["hook", "call"])
async def test_inputs_that_do_not_fit_are_said_beside_their_fields(
    console: Console, by: str
) -> None:
    await console.part("inputs-send").click()
    await expect(console.part("inputs-wrong")).to_have_text(
        "Start a call first: inputs are for a call that runs."
    )
    await console.start(mode="receive")
    await console.state("open")
    await console.part("inputs-by").select_option(by)
    await console.part("field $.tags").fill("[")
    await console.part("inputs-send").click()
    await expect(console.part("wrong $.tags")).to_contain_text("JSON")
    await console.part("field $.tags").fill("[1]")
    await console.part("field $.prompt").fill("x")
    await console.part("field $.style.speed").fill("0")
    await console.part("inputs-send").click()
    for path, text in (
        ("$.prompt", "Expected `str` of length >= 2"),
        ("$.style.speed", "Expected `int` >= 1"),
        ("$.tags", "$.tags[0]: Expected `str`, got `int`"),
    ):
        await expect(console.part(f"wrong {path}")).to_have_text(text)
        await expect(console.part(f"field {path}")).to_have_attribute("aria-invalid", "true")
    await expect(console.part("wrong $.share")).to_be_empty()
    await console.stop()
    await console.state("closed")


async def test_an_empty_form_without_a_type_sends_nothing(context: BrowserContext) -> None:
    async with (
        serving("tests.browser.input_streams:untyped") as server,
        opened(context, server.url) as console,
    ):
        await console.start("websocket", "receive")
        await console.part("inputs-send").click()
        await expect(console.part("inputs-wrong")).to_have_text("Fill in a value first, as JSON.")
        await console.part("field $").fill("[1, null]")
        await console.part("inputs-send").click()
        outputs = console.part("outputs").locator("summary")
        await expect(outputs).to_have_text('{"inputs":[1,null]}')
        await console.stop()


async def test_a_form_left_alone_sends_what_the_type_says_by_default(
    context: BrowserContext,
) -> None:
    async with (
        serving("tests.browser.input_streams:shapes") as server,
        opened(context, server.url) as console,
    ):
        await console.page.set_viewport_size({"width": 390, "height": 844})
        assert await console.run("document.documentElement.scrollWidth") <= 390
        titles = await console.run(
            "[...document.querySelectorAll('legend')].map((e) => e.innerText)"
        )
        assert [title.strip() for title in titles[-4:]] == ["style", "made", "other", "place"]
        await console.start("websocket", "receive")
        await console.part("inputs-send").click()
        outputs = console.part("outputs").locator("li")
        assert json.loads(await outputs.nth(0).locator("summary").inner_text()) == {
            "inputs": positional(Shapes())
        }
        await console.part("field $.place").check()
        await console.part("inputs-send").click()
        await expect(console.part("wrong $.place")).to_have_text(
            "Object missing required field `row`"
        )
        await console.part("field $.place.row").fill("2")
        await console.part("field $.flag").select_option("false")
        await console.part("inputs-send").click()
        wanted = Shapes(flag=False, place=Place(2))
        assert json.loads(await outputs.nth(1).locator("summary").inner_text()) == {
            "inputs": positional(wanted)
        }
        await console.stop()


@pytest.mark.parametrize("transport", ["webrtc", "http"])
async def test_speech_is_traced_frame_by_frame_and_its_endpoints_are_marked(
    console: Console, transport: str
) -> None:
    await expect(console.part("trace")).to_be_hidden()
    await console.page.get_by_text("Trace my microphone").click()
    await console.start(transport, "send")
    await console.part("silence").fill("999999999999")
    await console.part("silence").press("Tab")
    await expect(console.part("speech-says")).to_contain_text("refused the parameter 999999999999.")
    await console.part("silence").fill("300")
    await console.part("silence").press("Tab")
    await expect(console.part("speech-says")).to_be_empty()
    await expect(console.part("speech-endpoints")).not_to_have_text("0")
    await console.until(SOME_SPEECH)
    await console.until(SPEECH_DRAWN)
    await expect(console.part("speech-engines")).to_contain_text("compact")
    await console.calls(3)  # this one, and an endpoint for each trace
    await console.page.get_by_text("Trace my microphone").click()
    await console.calls(1)
    await console.stop()
    await console.state("closed")


async def test_an_enrolled_voice_is_scored_and_the_engine_is_called_a_demonstration(
    console: Console,
) -> None:
    await console.page.get_by_text("Trace my microphone").click()
    await console.start(mode="send")
    await console.state("open")
    await console.part("enrol").click()
    await console.page.get_by_text("Trace my microphone").click()
    await console.page.get_by_text("Trace my microphone").click()
    await expect(console.part("enrolling")).to_be_hidden()
    await console.part("enrol").click()
    await expect(console.part("speech-says")).to_contain_text("Enrolled.")
    await console.until("Number(document.querySelector('#voice-score').textContent) > 0.3")
    await console.until(SPEECH_DRAWN)
    assert 0 <= float(await console.part("voice-probability").inner_text()) <= 1
    await expect(console.part("voice")).to_contain_text("Similarity, not access control.")
    await expect(console.part("speech-engines")).to_contain_text("(demonstration)")
    await console.stop()
    await console.state("closed")


async def test_what_a_handler_of_speech_tells_is_shown_in_the_same_view(
    context: BrowserContext,
) -> None:
    async with (
        serving("tests.browser.speech_streams:summarised") as server,
        opened(context, server.url) as console,
    ):
        await expect(console.part("speech")).to_be_hidden()
        await console.start("webrtc", "send")
        await console.until(SOME_SPEECH)
        await expect(console.page.get_by_text("Trace my microphone")).to_be_hidden()
        await console.until(SPEECH_DRAWN)
        await console.stop()


async def test_a_speech_endpoint_without_a_place_is_said(context: BrowserContext) -> None:
    async with (
        serving("tests.browser.streams:crowded") as server,
        opened(context, server.url) as console,
    ):
        await console.page.get_by_text("Trace my microphone").click()
        await console.start()
        await expect(console.part("speech-says")).to_contain_text("all may be taken")
        await console.level("out", "> -60")
        await console.stop()


async def test_a_muted_microphone_is_silent_and_another_can_be_chosen(console: Console) -> None:
    await console.start()
    await console.level("in", "> -40")
    await console.part("mute").click()
    await expect(console.part("mute")).to_have_attribute("aria-pressed", "true")
    await console.level("in", "=== -60")
    await expect(console.page.get_by_text("Microphone, muted")).to_be_visible()
    await console.part("mute").click()
    await console.level("in", "> -40")
    names = await console.part("microphone").locator("option").all_inner_texts()
    assert "Browser's choice" in names
    assert any("Fake" in name for name in names)
    await console.part("microphone").select_option(index=2)
    await console.level("in", "> -40")
    await expect(console.part("code")).to_contain_text("microphone: ")
    await console.run(UNPLUG)
    await expect(console.part("code")).not_to_contain_text("microphone: ")
    await console.part("mute").click()
    await console.stop()
    await console.state("closed")
    await expect(console.page.get_by_text("Microphone, muted")).to_be_hidden()


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_the_code_that_is_shown_makes_the_call_that_is_selected(
    console: Console, transport: str
) -> None:
    await console.choose("transport", transport)
    await console.choose("mode", "receive")
    code = await console.part("code").inner_text()
    assert await console.part("plain").get_attribute("href") == (
        f"docs#connection={transport}&modality=audio&mode=receive"
    )
    script = code.removeprefix('<script type="module">').removesuffix("</script>")
    async with console.page.expect_console_message(lambda message: message.text == "open"):
        await console.run(RUN_MODULE, script)
    await console.calls(1)
    await console.page.reload()
    await console.calls(0)


async def test_messages_are_counted_by_turns_filtered_and_opened(console: Console) -> None:
    async def script(server: Peer) -> None:
        await server.accept()
        for turn in range(2):
            await server.say(type="log", data="started_talking")
            await server.say(type="message", data={"turn": turn, "words": ["a", "b"]})
        await server.say(type="end_stream", data="the time limit of 600 s is over")
        await server.close(1000)

    async with peer(script) as url:
        await console.run(MOVE, url)
        await console.start(mode="receive")
        await console.says("The server ended the call: the time limit of 600 s is over")
        rows = console.part("log").locator("li:visible")
        await expect(rows.filter(has_text="Turn 2")).to_have_count(1)
        await console.part("filter").fill('"TURN":1')
        await expect(rows).to_have_count(1)
        for width in (390, 900, 1280):
            await console.page.set_viewport_size({"width": width, "height": 800})
            box = await rows.locator("summary").bounding_box()
            assert box is not None
            assert box["width"] > 180
        await rows.locator("summary").click()
        await expect(rows.locator("pre")).to_have_text(
            '{\n  "turn": 1,\n  "words": [\n    "a",\n    "b"\n  ]\n}'
        )
        await console.part("filter").fill("")
        await console.part("clear").click()
        await expect(rows).to_have_count(0)


async def test_what_a_server_says_is_text_whatever_it_is(context: BrowserContext) -> None:
    async with (
        serving("tests.browser.odd_streams:rude") as server,
        opened(context, server.url) as console,
    ):
        await console.start(mode="receive")
        rows = console.part("log").locator("li")
        await expect(rows.filter(has_text="the last")).to_have_count(1)
        await expect(console.part("outputs").locator("li")).to_have_count(6)
        assert await console.page.title() == "antiphon console"
        assert await console.run("document.querySelectorAll('.log :is(img, script)').length") == 0
        classes = await console.run(
            "[...document.querySelectorAll('.log li')].map((e) => e.className)"
        )
        assert set(classes) == {""}
        await expect(console.part("speech")).to_be_hidden()
        long = rows.filter(has_text="long long").locator("summary")
        assert len(await long.inner_text()) < 400
        await long.click()
        assert len(await rows.filter(has_text="long long").locator("pre").inner_text()) == 10_000
        await console.stop()


async def test_many_messages_are_shown_once_a_frame_and_the_newest_are_kept(
    context: BrowserContext,
) -> None:
    async with (
        serving("tests.browser.odd_streams:talkative") as server,
        opened(context, server.url) as console,
    ):
        await console.run(COUNT_LAYOUTS)
        await console.start(mode="receive")
        rows = console.part("log").locator("li")
        await expect(rows.last).to_contain_text("the last")
        await expect(rows).to_have_count(200)
        assert await console.run("layouts <= frames")
        await console.stop()


async def test_a_double_click_starts_one_call_that_is_drawn_once_a_frame(console: Console) -> None:
    await console.run(COUNT_LAYOUTS)
    await console.choose("mode", "receive")
    await console.run("document.querySelector('#form').dispatchEvent(new Event('change'))")
    await console.part("toggle").dblclick()
    await console.state("open")
    await console.more_frames("in", 10)
    assert await console.run("drawings <= frames")
    await console.stop()
    await console.state("closed")
