"""What the page weighs, what axe-core finds in it, and how it looks."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import BrowserContext

from tests.browser.console import Console, opened
from tests.browser.server import Server, serving
from tests.npm import package

pytestmark = [pytest.mark.browser, pytest.mark.timeout(90)]

AXE = "4.14.1"
VIOLATIONS = """async () => {
  const { violations } = await axe.run();
  const told = ({ html, failureSummary }) => [html, failureSummary];
  return violations.map(({ id, nodes }) => [id, nodes.map(told)]);
}"""
WEIGHT = """() => ["navigation", "resource"]
  .flatMap((type) => performance.getEntriesByType(type))
  .reduce((total, { encodedBodySize }) => total + encodedBodySize, 0)"""
MOST_BYTES = 100_000
SHOTS = Path(__file__).parents[2] / ".artifacts" / "screenshots"


@pytest.fixture(scope="module")
def axe(chromium: str) -> str:
    """The program, to be run in a page."""
    return (package("axe-core", AXE) / "axe.min.js").read_text()


async def violations(console: Console, axe: str) -> Any:
    await console.run(axe)
    return await console.run(VIOLATIONS)


async def in_full_use(console: Console) -> None:
    """A call with everything that the page can show."""
    await console.page.get_by_text("Trace my microphone").click()
    await console.start()
    await console.state("open")
    await console.part("field $.prompt").fill("x")
    await console.part("inputs-send").click()
    await console.until("document.querySelectorAll('[aria-invalid=true]').length")
    await console.part("field $.prompt").fill("hello")
    await console.part("inputs-send").click()
    await console.until("document.querySelectorAll('#outputs-list li').length === 3")
    await console.until("document.querySelector('#speech-total').textContent > '1'")
    await console.run("scrollTo(0, 0)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_wrong(
    context: BrowserContext, server: Server, axe: str, scheme: Any
) -> None:
    async with opened(context, server.url) as console:
        await console.page.emulate_media(color_scheme=scheme)
        assert await violations(console, axe) == []
    async with opened(context, f"{server.url}/docs") as guide:
        await guide.page.emulate_media(color_scheme=scheme)
        assert await violations(guide, axe) == []


async def test_the_page_in_full_use_is_kept_as_it_looks_and_axe_finds_nothing_wrong(
    context: BrowserContext, axe: str
) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    async with (
        serving("tests.browser.speech_streams:asking") as server,
        opened(context, server.url) as console,
    ):
        await console.page.screenshot(path=SHOTS / "console-idle.png", full_page=True)
        await in_full_use(console)
        for scheme in ("light", "dark"):
            for width in (1280, 390):
                await console.page.set_viewport_size({"width": width, "height": 844})
                await console.page.emulate_media(
                    color_scheme="dark" if scheme == "dark" else "light"
                )
                assert await console.run("document.documentElement.scrollWidth") <= width
                path = SHOTS / f"console-{width}-{scheme}.png"
                await console.page.screenshot(path=path, full_page=True)
            assert await violations(console, axe) == []
        await console.stop()
        await console.state("closed")


async def test_all_that_the_page_loads_is_under_100_kB(console: Console) -> None:
    weight = await console.run(WEIGHT)
    assert 10_000 < weight < MOST_BYTES
