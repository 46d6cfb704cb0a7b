"""What the server knows of a browser's listener, against what the page has played."""

import pytest
from playwright.async_api import BrowserContext

from tests.browser.console import opened
from tests.browser.server import serving

pytestmark = [
    pytest.mark.alone,
    pytest.mark.browser,
    pytest.mark.timeout(90),  # Chromium and seconds of live audio on a busy machine
]

LISTEN = """async (transport) => {
  const client = await import(new URL("client.js", document.baseURI));
  Object.assign(window, { played: 0, cleared: null, told: null });
  window.AudioContext = class extends AudioContext {
    constructor(options) {
      super(options);
      window.context = this;
    }
  };
  window.call = client.connect({
    transport, mode: "receive",
    onLevel: ({ direction, rms }) => { played += direction === "out" && rms > 0.1; },
    onMessage: ({ event, type, data }) => {
      if (event === "clear") cleared = played;
      if (type === "message") told = data;
    },
  });
}"""


@pytest.mark.parametrize("transport", ["websocket", "http"])
async def test_an_interruption_tells_what_the_page_has_played(
    context: BrowserContext, transport: str
) -> None:
    """Its sound had stopped for a while, so it is behind the server's clock."""
    async with (
        serving("tests.browser.streams:followed") as server,
        opened(context, server.url) as console,
    ):
        await console.run(LISTEN, transport)
        await console.until("played >= 40")
        await console.run("context.suspend().then(() => new Promise((go) => setTimeout(go, 700)))")
        await console.run("context.resume()")
        await console.until("played >= 60")
        await console.run("call.send({ event: 'message', data: 'stop' })")
        await console.until("told")
        heard = await console.run("told.heard")
        played = 0.02 * await console.run("cleared")
        assert heard == pytest.approx(played, abs=0.1)
        await console.run("call.stop()")
