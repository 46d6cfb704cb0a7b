"""What a call tells and takes at the client's end."""

import anyio
import numpy as np
import pytest

from antiphon import Call, LocalProtocolError, SessionClosed, Stream, connect

SOUND = np.arange(480, dtype=np.int16)


async def brief(call: Call) -> None:
    """Says all at once and goes."""
    await call.send("hello")
    await call.send_audio((24000, SOUND))


async def ask(call: Call) -> None:
    while True:
        await call.send(list(await call.wait_for_inputs()))


async def send_inputs_itself(call: Call) -> None:
    await call.send_inputs(1)


async def test_a_call_that_ended_at_once_still_tells_what_it_said() -> None:
    async with connect(Stream(brief), encoding="audio/pcm") as call:
        messages = [message async for message in call.messages]
        heard = b"".join([frame.pcm async for frame in call.audio])
        with pytest.raises(SessionClosed) as closed:
            await call.ping()
    assert [message.type for message in messages] == ["message", "end_stream"]
    assert messages[0].data == "hello"
    assert heard == SOUND.tobytes()
    assert closed.value.code == 1000


async def test_inputs_are_positional_and_answer_each_question() -> None:
    async with connect(Stream(ask)) as call:
        told: list[object] = []
        with anyio.fail_after(10):
            async for message in call.messages:
                if message.type == "send_input":
                    await call.send_inputs(*range(len(told)))
                else:
                    told.append(message.data)
                if len(told) == 3:
                    break
    assert told == [[], [0], [0, 1]]


async def test_only_a_client_sends_inputs() -> None:
    async with connect(Stream(send_inputs_itself)) as call:
        errors = [message.data async for message in call.messages if message.type == "error"]
    assert errors == ["only a client's end of a call can send inputs"]


async def complain(call: Call) -> None:
    await call.warning("careful")
    await call.error("broken")
    await call.log("going on")


async def test_errors_and_warnings_are_told_and_the_call_goes_on() -> None:
    async with connect(Stream(complain)) as call:
        told = [(message.type, message.data) async for message in call.messages]
    assert told[:3] == [("warning", "careful"), ("error", "broken"), ("log", "going on")]


async def test_only_a_handler_tells_errors_and_warns() -> None:
    async with connect(Stream(ask)) as call:
        with pytest.raises(LocalProtocolError, match="only a handler can tell errors"):
            await call.error("broken")
        with pytest.raises(LocalProtocolError, match="only a handler can warn"):
            await call.warning("careful")


async def test_after_the_end_no_inputs_are_taken() -> None:
    async with connect(Stream(ask)) as call:
        await call.hang_up()
        with pytest.raises(SessionClosed):
            await call.send_inputs(1)
        with pytest.raises(LocalProtocolError):
            await call.log("only a handler can")


async def note_and_interrupt(call: Call) -> None:
    assert (call.given, call.heard) == (0.0, 0.0)
    await call.send_audio((24000, np.zeros(12_000, dtype=np.int16)))
    call.mark()
    given = call.given
    assert 0.0 <= call.heard <= given == pytest.approx(0.5)
    cut = call.interrupt()
    assert cut.heard + cut.dropped == pytest.approx(given)
    assert call.given == call.heard == cut.heard
    await call.send("as it should be")


async def test_a_handler_knows_what_it_gave_and_what_was_heard() -> None:
    async with connect(Stream(note_and_interrupt), encoding="audio/pcm") as call:
        told = [message.data async for message in call.messages if message.type == "message"]
        assert told == ["as it should be"]


async def test_a_client_knows_what_it_gave_and_sets_no_marks() -> None:
    async with connect(Stream(ask), encoding="audio/pcm") as call:
        await call.send_audio((24000, SOUND))
        call.mark()
        assert 0.0 <= call.heard <= call.given == pytest.approx(0.02)
