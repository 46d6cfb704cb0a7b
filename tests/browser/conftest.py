"""Headless Chromium and the server that its page comes from."""

import os
import shutil
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, BrowserContext, async_playwright, expect

from tests.browser.console import TIMEOUT, Console, opened
from tests.browser.server import Server, serving

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    # An origin that is not secure, though it stands on this machine.
    "--host-resolver-rules=MAP insecure.test 127.0.0.1",
)

expect.set_options(timeout=TIMEOUT)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Playwright's async API runs on asyncio; its sync API would need a loop of its own."""
    return "asyncio"


@pytest.fixture(scope="module")
def chromium() -> str:
    """The path of the system's Chromium. Skips without it, or fails with REQUIRE_BROWSER=1."""
    path = shutil.which("chromium")
    if path is not None:
        return path
    reason = "there is no `chromium` on the PATH"
    if os.environ.get("REQUIRE_BROWSER") == "1":
        pytest.fail(f"{reason}, and REQUIRE_BROWSER=1 asks for it")
    pytest.skip(reason)


@asynccontextmanager
async def launched(chromium: str, *flags: str) -> AsyncGenerator[Browser, None]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=[*FLAGS, *flags])
        yield browser
        await browser.close()


@asynccontextmanager
async def profile(browser: Browser) -> AsyncGenerator[BrowserContext, None]:
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    yield context
    await context.close()


@pytest.fixture(scope="module")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """One Chromium for a module, with a microphone that beeps twice a second."""
    async with launched(chromium, "--use-fake-ui-for-media-stream") as browser:
        yield browser


@pytest.fixture
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A profile of its own for each test."""
    async with profile(browser) as context:
        yield context


@pytest.fixture
async def deaf_context(chromium: str) -> AsyncIterator[BrowserContext]:
    """A profile of a Chromium whose user refuses the microphone."""
    async with (
        launched(chromium, "--use-fake-ui-for-media-stream=deny") as browser,
        profile(browser) as context,
    ):
        yield context


@pytest.fixture(scope="module")
async def server(chromium: str) -> AsyncIterator[Server]:
    """One server for the tests of a module that leave it alive."""
    async with serving() as server:
        yield server


@pytest.fixture
async def console(context: BrowserContext, server: Server) -> AsyncIterator[Console]:
    """The open page of the module's server."""
    async with opened(context, server.url) as console:
        yield console
