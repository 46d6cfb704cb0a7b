"""The three ways of use, as docs/start/ shows them."""

import os
import signal
import sys
from pathlib import Path

import anyio
import httpx
import pytest

from antiphon import AudioFrame, CallRefused, connect
from tests.documents.pages import page
from tests.transports.asgi_servers import on_uvicorn

SOUND = AudioFrame(b"\1\0" * 480, 24000)


def test_the_embedded_application_has_under_15_lines() -> None:
    first = page("docs/start/embedded.md").of("python")[0]
    lines = [line for line in first.code.splitlines() if line and not line.startswith("#")]
    assert len(lines) < 15


async def test_the_embedded_application_answers_on_its_paths() -> None:
    app = (await page("docs/start/embedded.md").run())["app"]
    async with (
        on_uvicorn(app) as served,
        httpx.AsyncClient(base_url=served.http, trust_env=False) as http,
    ):
        async with connect(f"{served.ws}/voice/websocket/offer", encoding="audio/pcm") as call:
            await call.send_audio(SOUND)
            assert (await anext(call.audio)).pcm == SOUND.pcm
        assert "text/html" in (await http.get("/voice/")).headers["content-type"]
        answer = await http.post("/quieter", params={"call_id": "nobody"})
        assert answer.json()["meta"]["error"] == "unknown_connection"


@pytest.mark.parametrize(("token", "taken"), [("a-long-random-token", True), ("other", False)])
async def test_the_embedded_application_knows_its_users(token: str, taken: bool) -> None:
    app = (await page("docs/start/embedded.md").run())["app"]
    headers = {"Authorization": f"Bearer {token}"}
    async with on_uvicorn(app) as served:
        url = f"{served.ws}/private/websocket/offer"
        if taken:
            async with connect(url, headers=headers) as call:
                assert call.id
        else:
            with pytest.raises(CallRefused, match="unauthorized"):
                async with connect(url, headers=headers):
                    pass


async def test_the_deployment_is_a_program_that_serves_and_stops_in_order(tmp_path: Path) -> None:
    program = tmp_path / "server.py"
    program.write_text(page("docs/start/deployment.md").of("python")[0].code)
    given = {"HOST": "127.0.0.1", "PORT": "0", "TOKEN": "secret"}
    command = [sys.executable, str(program)]
    async with await anyio.open_process(
        command, env={**os.environ, **given}, stdin=None, stderr=None
    ) as process:
        assert process.stdout is not None
        try:
            told = (await process.stdout.receive()).decode()
            url = f"ws://127.0.0.1:{told.removeprefix('listening on ').strip()}/websocket/offer"
            async with connect(url, headers={"Authorization": "Bearer secret"}) as call:
                assert (await anext(call.messages)).data == "hello ada"
            with pytest.raises(CallRefused, match="unauthorized"):
                async with connect(url):
                    pass
        finally:
            process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
