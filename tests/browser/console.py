"""The console page as a person sees it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import anyio
from playwright.async_api import BrowserContext, Locator, Page, Request, expect

__all__ = ("TIMEOUT", "Console", "opened")

TIMEOUT = 15_000  # milliseconds; generous, because a wait that succeeds does not take it
CALLS = "async (count) => { while ((await (await fetch('health')).json()).calls !== count); }"
LEVEL = "Number(document.querySelector('[data-testid=level-{}]').getAttribute('aria-valuenow'))"


class Console:
    """One open page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def part(self, name: str) -> Locator:
        """What the page calls by this test id."""
        return self.page.get_by_test_id(name)

    async def choose(self, name: str, value: str) -> None:
        """Press one of the choices."""
        await self.page.locator("label", has=self.part(f"{name}-{value}")).click()

    async def start(
        self, transport: str = "websocket", mode: str = "send-receive", modality: str = "audio"
    ) -> None:
        """Choose and press Start."""
        await self.choose("transport", transport)
        await self.choose("modality", modality)
        await self.choose("mode", mode)
        await self.page.get_by_role("button", name="Start").click()

    async def stop(self) -> None:
        """Press Stop."""
        await self.page.get_by_role("button", name="Stop").click()

    async def state(self, name: str) -> None:
        """Wait for a state of the call."""
        await expect(self.part("state")).to_have_attribute("data-state", name)

    async def says(self, text: str) -> None:
        """Wait for a statement that is read out at once."""
        await expect(self.page.get_by_role("alert")).to_contain_text(text)

    async def until(self, condition: str) -> None:
        """Wait for a JavaScript expression to be true; a promise would always be."""
        await self.page.wait_for_function(f"() => {condition}")

    async def calls(self, count: int) -> None:
        """Wait until the server holds this many calls."""
        with anyio.fail_after(TIMEOUT / 1000):
            await self.run(CALLS, count)

    async def level(self, direction: str, condition: str) -> None:
        """Wait for a level in dB, for example `> -40`."""
        await self.until(f"{LEVEL.format(direction)} {condition}")

    async def frames(self, direction: str) -> int:
        """How many frames the page counts, "in" or "out"."""
        return int(await self.part(f"frames-{direction}").inner_text())

    async def more_frames(self, direction: str, count: int) -> None:
        """Wait for this many frames more than there are."""
        goal = await self.frames(direction) + count
        counter = f"document.querySelector('[data-testid=frames-{direction}]')"
        await self.until(f"Number({counter}.textContent) >= {goal}")

    async def run(self, script: str, argument: Any = None) -> Any:
        """Run JavaScript in the page."""
        return await self.page.evaluate(script, argument)


@asynccontextmanager
async def opened(context: BrowserContext, url: str) -> AsyncGenerator[Console, None]:
    """The page of the server at `url`; in the end it must have had no uncaught error, and no
    request may have gone elsewhere.
    """
    page = await context.new_page()
    page.set_default_timeout(TIMEOUT)
    problems: list[str] = []

    def check(request: Request) -> None:
        target = urlsplit(request.url)
        if target.scheme in ("http", "https") and target.hostname != urlsplit(url).hostname:
            problems.append(f"a request went elsewhere: {request.url}")

    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", check)
    await page.goto(url)
    await page.locator("html:not([data-busy])").wait_for(state="attached")
    yield Console(page)
    assert not problems
