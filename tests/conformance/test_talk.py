"""What is said in a call: docs/protocol.md."""

import anyio
import numpy as np
import pytest

from antiphon import AudioFrame, Call, echo
from tests.conformance.handlers import wait
from tests.conformance.trace import (
    Sound,
    Told,
    end_stream,
    error,
    log,
    media,
    pong,
    start,
    started,
    told,
    warning,
)
from tests.conformance.transports import Transport

MULAW = bytes(code for code in range(256) if code != 0x7F)  # that one is a second zero
ALAW = bytes(range(256))
PCM = np.arange(-480, 480, 2, dtype="<i2").tobytes()
PING = {"event": "ping"}
STOP = {"event": "stop"}


def pcm(sample_rate: int) -> dict[str, object]:
    """A media format of plain samples."""
    return {"encoding": "audio/pcm", "sample_rate": sample_rate}


async def introduce(call: Call) -> None:
    """Tell what came with the start."""
    await call.send([call.id, call.transport, dict(call.metadata), list(call.inputs)])


async def converse(call: Call) -> None:
    """Tell every message back."""
    async for message in call.messages:
        await call.send([message.type, message.data])


async def test_a_start_without_a_media_format_is_not_answered(over: Transport) -> None:
    async with over.serving(wait) as site, site.peer() as peer:
        await peer.say(start(), PING)
        await peer.hear(pong)


@pytest.mark.needs("start")
async def test_a_start_with_a_media_format_is_answered_with_it_and_a_token(
    over: Transport,
) -> None:
    async with over.serving(wait) as site, site.peer() as peer:
        await peer.say(start(media_format=pcm(16000)))
        await peer.hear(started("audio/pcm", 16000))
        await peer.answers()


async def test_a_handler_sees_what_came_with_the_start(over: Transport) -> None:
    async with over.serving(introduce) as site, site.peer() as peer:
        await peer.say(start("x y/1", metadata={"name": "Zoë"}, inputs=[1, "two"]))
        await peer.hear(told(["x y/1", over.kind, {"name": "Zoë"}, [1, "two"]]))
        await peer.hear(end_stream("the call has ended"))
        await peer.ended(1000)


@pytest.mark.needs("swift")
@pytest.mark.parametrize(
    ("fields", "call_id"),
    [
        ({"webrtc_id": "alias"}, "alias"),
        ({"webrtc_id": 7}, "7"),
        ({"websocket_id": 42}, "42"),
        ({"websocket_id": 2.5}, "2.5"),
        ({"websocket_id": "first", "webrtc_id": "second"}, "first"),
        ({"websocket_id": "~" * 128}, "~" * 128),
    ],
)
async def test_an_id_is_a_text_or_a_number_under_either_name(
    over: Transport, fields: dict[str, object], call_id: str
) -> None:
    async with over.serving(introduce) as site, site.peer() as peer:
        await peer.say({"event": "start", **fields})
        await peer.hear(told([call_id, over.kind, {}, []]))


@pytest.mark.needs("messages")
async def test_sound_without_a_media_format_is_mu_law(over: Transport) -> None:
    async with over.serving(echo) as site, site.peer() as peer:
        await peer.say(start(), media(MULAW), media(MULAW))
        await peer.hear(Sound(MULAW), Sound(MULAW))


@pytest.mark.needs("messages")
@pytest.mark.parametrize(
    ("encoding", "payload"),
    [("audio/x-mulaw", MULAW), ("audio/x-alaw", ALAW), ("audio/pcm", PCM)],
)
async def test_sound_comes_back_in_the_encoding_that_was_asked_for(
    over: Transport, encoding: str, payload: bytes
) -> None:
    wire = {"encoding": encoding, "sample_rate": 24000}
    async with over.serving(echo) as site, site.peer() as peer:
        await peer.say(start(media_format=wire), media(payload))
        await peer.hear(started(encoding, 24000), Sound(payload))


@pytest.mark.needs("messages")
async def test_raw_samples_are_answered_with_raw_samples_where_they_can_be(
    over: Transport,
) -> None:
    async with over.serving(echo) as site, site.peer() as peer:
        await peer.say(start(media_format=pcm(24000)))
        await peer.hear(started("audio/pcm", 24000))
        await peer.samples(PCM)
        await peer.hear(Sound(PCM, binary=over.binary))


@pytest.mark.needs("messages")
async def test_a_handler_hears_its_own_rate_and_the_client_the_one_it_named(
    over: Transport,
) -> None:
    async def listen_and_play(call: Call) -> None:
        samples = 0
        async for frame in call.audio:
            assert frame.sample_rate == call.sample_rate == 16000
            samples += len(frame.samples)
            if samples > 800:
                break
        await call.send("heard")
        await call.send_audio(AudioFrame(bytes(2 * 24000 // 5), 24000))

    async with (
        over.serving(listen_and_play, input_sample_rate=16000) as site,
        site.peer() as peer,
    ):
        await peer.say(start(media_format=pcm(8000)))
        await peer.hear(started("audio/pcm", 8000))
        for _ in range(5):
            await peer.say(media(bytes(2 * 160)))
        await peer.hear(told("heard"))
        await peer.hear_sound(bytes(2 * 8000 // 5))
        await peer.hear(end_stream("the call has ended"))
        await peer.ended(1000)


@pytest.mark.needs("connecting")
async def test_a_ping_is_answered_before_the_start(over: Transport) -> None:
    async with over.serving(wait) as site, site.peer() as peer:
        await peer.say(PING)
        await peer.hear(pong)
        assert site.calls == []
        await peer.say(start(), PING)
        await peer.hear(pong)


@pytest.mark.needs("start")
async def test_a_mark_and_an_unknown_event_are_taken_in_silence(over: Transport) -> None:
    async with over.serving(wait) as site, site.peer() as peer:
        await peer.say(start(media_format=pcm(24000)))
        await peer.hear(started("audio/pcm", 24000))
        await peer.say({"event": "mark", "mark": {"name": "m1"}}, {"event": "dtmf", "digit": 5})
        await peer.answers()


@pytest.mark.needs("connecting")
async def test_an_unknown_event_before_the_start_is_ignored(over: Transport) -> None:
    async with over.serving(wait) as site, site.peer() as peer:
        await peer.say({"event": "connected", "protocol": "Call"}, start())
        await peer.answers()


async def test_messages_reach_the_handler_and_back(over: Transport) -> None:
    said = [None, 0, "ü", {"deep": [1, {"er": True}]}]
    async with over.serving(converse) as site, site.peer() as peer:
        await peer.say(start(), *({"event": "message", "data": data} for data in said))
        await peer.hear(*(told(["message", data]) for data in said))


async def test_a_list_of_inputs_is_positional_and_anything_else_is_one(over: Transport) -> None:
    async def show_inputs(call: Call) -> None:
        while True:
            await call.send(list(await call.wait_for_inputs()))

    async with over.serving(show_inputs) as site, site.peer() as peer:
        await peer.say(start())
        for data, seen in (([1, "two"], [1, "two"]), ({"a": 1}, [{"a": 1}]), ([], [])):
            await peer.hear(Told({"type": "send_input", "data": []}))
            await peer.say({"event": "input", "data": data})
            await peer.hear(told(seen))


async def test_what_a_handler_logs_and_puts_out_is_told_in_order(over: Transport) -> None:
    async def tell(call: Call) -> None:
        await call.log("pause_detected")
        await call.output("words", 3)
        await call.log("response_starting")

    async with over.serving(tell) as site, site.peer() as peer:
        await peer.say(start())
        await peer.hear(
            log("pause_detected"),
            Told({"type": "fetch_output", "data": []}),
            log("response_starting"),
            end_stream("the call has ended"),
        )
        await peer.ended(1000)


@pytest.mark.needs("messages")
async def test_an_interruption_is_told_as_clear(over: Transport) -> None:
    async def interrupt(call: Call) -> None:
        await call.send_audio(AudioFrame(bytes(960), 24000))
        call.interrupt()
        await anyio.sleep_forever()

    async with over.serving(interrupt) as site, site.peer() as peer:
        await peer.say(start())
        await peer.hear(Sound(b"\xff" * 480), Told({"event": "clear"}))


@pytest.mark.needs("messages")
async def test_audio_that_a_mode_does_not_take_is_warned_of_once(over: Transport) -> None:
    async with over.serving(wait, mode="receive") as site, site.peer() as peer:
        await peer.say(start(), media(MULAW), media(MULAW), PING)
        text = "this stream's mode is 'receive': audio from the client is not heard"
        await peer.hear(warning(text), pong)


@pytest.mark.needs("messages")
async def test_a_handler_that_speaks_where_only_the_client_does_fails(over: Transport) -> None:
    async with over.serving(echo, mode="send") as site, site.peer() as peer:
        await peer.say(start(), media(MULAW))
        await peer.hear(error("this stream's mode is 'send': only the client speaks"))
        await peer.hear(end_stream("the handler failed"))
        await peer.ended(1011)


async def test_a_client_that_stops_is_told_nothing_more(over: Transport) -> None:
    async with over.serving(converse) as site, site.peer() as peer:
        await peer.say(start())
        await peer.answers()
        await peer.say(STOP)
        await peer.ended(1000)
