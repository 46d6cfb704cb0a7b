"""A page and the console of its developer tools, into which code is pasted."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import BrowserContext

from tests.browser.console import Console, opened

__all__ = ("DevTools", "inspected")

SENSES = Path(__file__).with_name("senses.js")


class DevTools:
    """One open page."""

    def __init__(self, console: Console, session: Any) -> None:
        self.page = console.page
        self.until = console.until
        self._session = session

    async def paste(self, text: str) -> None:
        """Run code as the console does, `await` and all; it must not throw."""
        done = await self._session.send(
            "Runtime.evaluate",
            {"expression": text, "replMode": True, "awaitPromise": True, "userGesture": True},
        )
        assert "exceptionDetails" not in done, f"{done['exceptionDetails']}\n{text}"

    async def shown(self, name: str) -> str:
        """What the guide shows as the code of this name."""
        return await self.page.locator(f"pre[data-code={name}] code").inner_text()

    async def run(self, name: str) -> None:
        """Paste what the guide shows."""
        await self.paste(await self.shown(name))


@asynccontextmanager
async def inspected(context: BrowserContext, url: str) -> AsyncGenerator[DevTools]:
    """The page at `url`, with the functions of senses.js."""
    async with opened(context, url) as console:
        await console.page.add_script_tag(path=SENSES)
        session: Any = await context.new_cdp_session(console.page)  # its `send` has no whole types
        yield DevTools(console, session)
