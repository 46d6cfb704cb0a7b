"""The video example in Chromium: the slider reaches the function, its pictures and counts come."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import BrowserContext

from tests.browser.console import Console, opened
from tests.browser.server import Server, running

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(90),  # Chromium, a server and seconds of live media on a busy machine
]

# Of the painted picture: blue, green and red of a pixel in its middle.
LOOK = """() => {
  const [video, canvas] = [document.getElementById("seen"), document.createElement("canvas")];
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  const context = canvas.getContext("2d");
  context.drawImage(video, 0, 0);
  const [red, green, blue] = context.getImageData(canvas.width / 2, 8, 1, 1).data;
  return { red, green, blue };
}"""
SLIDE = """value => {
  const slider = document.getElementById("threshold");
  slider.value = value;
  slider.dispatchEvent(new Event("input"));
}"""
COUNT = 'Number(document.getElementById("count").value)'


@pytest.fixture(scope="module")
async def example(chromium: str) -> AsyncIterator[Server]:
    """The program."""
    async with running("examples.video_threshold", "--port", "0") as server:
        yield server


async def until_seen(console: Console, condition: str) -> None:
    """Wait for a colour."""
    await console.until(f"(({{ red, green, blue }}) => {condition})(({LOOK})())")


async def test_the_slider_moves_the_threshold_of_a_running_call(
    context: BrowserContext, example: Server
) -> None:
    async with opened(context, example.url) as console:
        page = console.page
        await page.get_by_role("button", name="Start").click()
        await page.locator("#threshold").wait_for()
        await console.run(SLIDE, 0)
        await console.until(f"{COUNT} > 1000")
        await until_seen(console, "red > 180 && green < 120")
        await console.run(SLIDE, 1)
        await console.until(f"{COUNT} === 0")
        await until_seen(console, "green > 100 && red < 120")
        assert await page.get_by_role("alert").inner_text() == ""
        await console.calls(1)
