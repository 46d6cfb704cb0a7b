"""The README keeps its promises; that its code runs at all is tests/documents/test_pages.py's."""

import re
from typing import Any

import numpy as np
import pytest

from antiphon import AudioFrame, Stream, connect
from tests.documents.pages import page
from tests.transports.asgi_servers import on_uvicorn

README = page("README.md")


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURN_SECRET", "s3cret")


async def block(with_text: str) -> dict[str, Any]:
    """The names of the first block that holds a text, run by itself."""
    found = next(block for block in README.of("python") if with_text in block.code)
    names: dict[str, Any] = {"__name__": "readme"}
    await found.run(names)
    return names


async def test_the_first_server_works() -> None:
    stream = (await block("say something"))["stream"]
    assert isinstance(stream, Stream)
    async with connect(stream, encoding="audio/pcm") as call:
        assert (await anext(call.messages)).data == "say something"
        await call.send_audio(AudioFrame(b"\1\0" * 480, 24000))
        assert (await anext(call.audio)).pcm == b"\1\0" * 480


async def test_the_conversation_is_a_stream() -> None:
    assert isinstance((await block("def backwards"))["stream"], Stream)


async def test_the_video_handler_shows_a_negative() -> None:
    async with connect((await block("async def negative"))["stream"]) as call:
        await call.send_video(np.full((4, 6, 3), 200, np.uint8))
        assert ((await anext(call.video)).bgr == 55).all()


async def test_the_turn_servers_are_made_for_each_call() -> None:
    (server,) = (await block("rest_turn"))["turn"]()["iceServers"]
    assert server["urls"] == ["turn:turn.example.org:3478"]
    assert server["username"]
    assert server["credential"]


async def test_an_application_of_fastapi_takes_less_than_15_lines_and_talks() -> None:
    (found,) = [block for block in README.of("python") if "FastAPI()" in block.code]
    code = [line for line in found.code.splitlines() if line and not line.startswith("#")]
    assert len(code) < 15
    app = (await block("FastAPI()"))["app"]
    async with (
        on_uvicorn(app) as served,
        connect(f"{served.ws}/voice/websocket/offer", encoding="audio/pcm") as call,
    ):
        await call.send_audio(AudioFrame(b"\1\0" * 480, 24000))
        assert (await anext(call.audio)).pcm == b"\1\0" * 480


def test_make_run_alone_serves_a_page() -> None:
    """It is the first thing that the README says to do, and the Makefile's own first target."""
    assert "`make run` sets everything up" in README.text[:1000]
    makefile = page("Makefile").text
    target = re.search(r"^run: (\S+)\n\t\$\(BIN\)/antiphon serve ", makefile, re.MULTILINE)
    assert target is not None
    assert target[1] == "$(VENV)/.installed"
