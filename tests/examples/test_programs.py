"""Each example as a process of its own."""

import httpx
import pytest

from tests.browser.server import running

PROGRAMS = ["echo_on_pause", "llm_loop", "spoken_menu", "stop_word", "video_threshold"]


@pytest.mark.parametrize("program", PROGRAMS)
async def test_a_program_says_where_it_serves_and_ends_when_it_is_told_to(program: str) -> None:
    async with (
        running(f"examples.{program}", "--port", "0") as server,
        httpx.AsyncClient(base_url=server.url, trust_env=False) as http,
    ):
        page = await http.get("/")
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert (await http.get("/health")).json() == {"status": "ok", "calls": 0}
