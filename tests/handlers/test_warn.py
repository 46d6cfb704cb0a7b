"""A word to the client of the current call, from wherever code runs."""

from typing import Any

import anyio
import pytest

from antiphon import AudioFrame, Call, CloseStream, Stream, connect
from antiphon.handlers.threads import in_thread
from antiphon.handlers.warn import Warning, warn_client
from tests.handlers.classics import HANDLERS, classic
from tests.handlers.pictures import told


def test_outside_of_a_call_there_is_nobody_to_warn() -> None:
    with pytest.raises(RuntimeError, match="no call is handled here"):
        warn_client("careful")


def test_it_goes_by_the_known_name_too() -> None:
    assert Warning is warn_client


@pytest.mark.parametrize("base", HANDLERS)
async def test_a_classic_handler_warns_its_client(base: Any) -> None:
    """22."""
    results: list[Any] = [None, CloseStream()]

    def emit(self: Any) -> Any:
        warn_client("careful")
        return results.pop(0)

    async with connect(Stream(classic(base, emit=emit))) as call:
        assert (await told(call))[:2] == [("warning", "careful")] * 2


async def test_a_native_handler_warns_from_a_thread_and_from_its_coroutine() -> None:
    async def handler(call: Call) -> None:
        warn_client("here")
        await in_thread(lambda: warn_client("there"))
        await call.log("done")

    async with connect(Stream(handler)) as call:
        assert (await told(call))[:3] == [
            ("warning", "here"),
            ("warning", "there"),
            ("log", "done"),
        ]


async def test_a_call_that_is_over_is_warned_of_nothing() -> None:
    async def handler(call: Call) -> None:
        try:
            await call.hang_up("over")
        finally:
            warn_client("late")

    async with connect(Stream(handler)) as call:
        assert await told(call) == [("end_stream", "over")]


async def test_a_client_that_does_not_read_is_warned_when_it_does() -> None:
    said = anyio.Event()

    async def handler(call: Call) -> None:
        await call.send_audio(AudioFrame(bytes(2 * 24000 * 2), 24000))  # more than is taken unread
        warn_client("careful")
        said.set()
        await anyio.sleep_forever()

    async with connect(Stream(handler), encoding="audio/pcm") as call:
        await said.wait()
        await anyio.wait_all_tasks_blocked()
        heard = 0
        while heard < 2 * 24000:
            heard += len(await anext(call.audio))
        message = await anext(call.messages)
        assert (message.type, message.data) == ("warning", "careful")
