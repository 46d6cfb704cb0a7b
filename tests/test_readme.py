"""The README's code runs as it stands."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from antiphon import AudioFrame, Stream, connect

README = Path(__file__).parent.parent / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)


def block(with_text: str) -> dict[str, Any]:
    (found,) = [text for text in BLOCKS if with_text in text]
    names: dict[str, Any] = {"__name__": "readme"}
    exec(compile(found, str(README), "exec"), names)
    return names


async def test_the_first_server_works() -> None:
    stream = block("async def parrot")["stream"]
    assert isinstance(stream, Stream)
    async with connect(stream, encoding="audio/pcm") as call:
        assert (await anext(call.messages)).data == "say something"
        await call.send_audio(AudioFrame(b"\1\0" * 480, 24000))
        assert (await anext(call.audio)).pcm == b"\1\0" * 480


def test_the_conversation_is_a_stream() -> None:
    assert isinstance(block("def backwards")["stream"], Stream)


async def test_the_video_handler_shows_a_negative() -> None:
    async with connect(block("async def negative")["stream"]) as call:
        await call.send_video(np.full((4, 6, 3), 200, np.uint8))
        assert ((await anext(call.video)).bgr == 55).all()


def test_the_turn_servers_are_made_for_each_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURN_SECRET", "s3cret")
    (server,) = block("rest_turn")["turn"]()["iceServers"]
    assert server["urls"] == ["turn:turn.example.org:3478"]
    assert server["username"]
    assert server["credential"]


async def test_the_first_test_passes() -> None:
    await block("async def test_echo")["test_echo"]()


@pytest.mark.parametrize("text", BLOCKS)
def test_every_block_is_python(text: str) -> None:
    # Lines that await outside of a function show what stands inside of one.
    compile(
        "async def shown() -> None:\n" + re.sub("^", "    ", text, flags=re.MULTILINE), "", "exec"
    )
