"""What FastRTC 0.0.34 does wrong, as rules that hold here on every transport.

Numbers are those of a study of that server. Where one test guards several, it names them. Guarded
elsewhere:

    malformed input before and after a start (15, 20)         tests/conformance/test_malformed.py
    inputs and outputs of unknown and ended calls, several
      consumers of one call, outputs before the end, tokens
      (8, 13, 14)                                             tests/test_stream.py
    errors, warnings and endings are told (20, 22, 24, 26)    tests/conformance/test_ends.py
    conversion of rates without seams (27, 28)                tests/core/audio/test_resample.py
    peers without media, failed ICE, one registry of all
      transports (7, 9, 11)                                   tests/transports/test_webrtc*.py
    classic handlers: idle emits rest, and let others run
      (16, 46, 47), blocked ones starve nobody and are not
      begun twice (48, 49), what is no sound (21), a mode
      without a listener (62)                                 tests/handlers/test_stream_handler.py
    what a clear drops and what it must not (18, 53)          tests/handlers/test_outgoing.py
    threads that wait for the loop (52, 53)                   tests/handlers/test_from_thread.py
    start-up ends with the call (52)                          tests/handlers/test_classic.py
    pictures off the loop, the newest only, a shutdown for
      calls with and without them (54, 55, 59)                tests/handlers/test_audio_video_*.py
    generators run without inputs, and get all of them (57)   tests/handlers/test_generator.py
    the context in every method (23)                          tests/handlers/test_context.py
    warnings from anywhere (22)                               tests/handlers/test_warn.py
    shutdown once, however a call ends (9, 19, 59), errors
      survived, the end told (20, 22, 24, 50, 51), clears
      told (30), all over every transport                     tests/conformance/test_classic.py

Waiting for what they are about:

    4, 31           phone calls in the counter, no messages in a provider's socket: phone lines
    12              state of one process: a directory for several
    17              late starts: turn taking
"""

from typing import Any

import anyio
import numpy as np
import pytest

from antiphon import AudioFrame, Call, echo
from tests.conformance.handlers import Probe, wait
from tests.conformance.peer import Peer
from tests.conformance.trace import (
    Closed,
    Refused,
    Sound,
    Told,
    end_stream,
    error,
    media,
    start,
    started,
    told,
)
from tests.conformance.transports import SERVERS, Transport

MEMORY = SERVERS[0]
SILENCE = b"\xff"


async def opened(peer: Peer, call_id: str = "one") -> None:
    """Open a call and wait until it is admitted."""
    await peer.say(start(call_id))
    await peer.answers()


@pytest.mark.needs("start")
async def test_a_broken_start_gives_its_slot_back_at_once(over: Transport) -> None:
    """1."""
    async with over.serving(wait, concurrency_limit=1) as site:
        for broken in (start(""), start(media_format={"encoding": "x", "sample_rate": 8000})):
            async with site.peer() as peer:
                await peer.say(broken)
                assert isinstance(await peer.next(), Told)
                await peer.ended(1008)
        async with site.peer() as peer:
            await opened(peer)


async def test_one_limit_counts_the_calls_of_all_transports(over: Transport) -> None:
    """2."""
    async with (
        over.serving(wait, concurrency_limit=2) as site,
        site.peer() as first,
        site.peer(over=MEMORY) as second,
    ):
        await opened(first, "first")
        await opened(second, "second")
        for transport in (over, MEMORY):
            async with site.peer(over=transport) as third:
                await third.say(start("third"))
                await third.hear(Refused("concurrency_limit_reached", 2))
                await third.ended(1013)


@pytest.mark.needs("connecting")
async def test_links_that_never_start_run_no_handler_and_hold_no_slot(over: Transport) -> None:
    """3."""
    handler = Probe()
    async with (
        over.serving(handler, concurrency_limit=1) as site,
        site.peer() as idle,
        site.peer() as other,
        site.peer() as caller,
    ):
        for peer in (idle, other):
            await peer.answers()
        await opened(caller)
        assert handler.began == ["one"]
        assert [call.id for call in site.calls] == ["one"]


@pytest.mark.parametrize("limit", [1, 5])
async def test_a_refused_duplicate_never_touches_the_first_call(
    over: Transport, limit: int
) -> None:
    """5: neither one refused for its id nor one refused for the limit."""

    async def publish(call: Call) -> None:
        async for message in call.messages:
            await call.output(message.data)

    async with over.serving(publish, concurrency_limit=limit) as site, site.peer() as first:
        await opened(first)
        outputs = site.stream.output_stream("one")
        async with site.peer() as second:
            await second.say(start())
            await second.hear(Refused("connection_already_exists"))
            await second.ended(1008)
        await first.say({"event": "message", "data": "still here"})
        await first.hear(Told({"type": "fetch_output", "data": []}))
        assert (await anext(outputs)).value == "still here"
        site.stream.set_input("one", 1)


async def test_a_second_start_leaves_no_second_slot_behind(over: Transport) -> None:
    """6."""
    async with over.serving(wait, concurrency_limit=1) as site:
        async with site.peer() as peer:
            await opened(peer, "first")
            await peer.say(start("second"))
            assert isinstance(await peer.next(), Told)
            await peer.ended(1002)
        await site.directory.freed("first")
        assert site.calls == []
        assert not site.directory.claimed["second"]
        async with site.peer() as peer:
            await opened(peer, "second")


async def test_a_reused_id_is_not_struck_by_the_timers_of_the_call_before(
    over: Transport,
) -> None:
    """10."""

    async def outlive(call: Call) -> None:
        if call.metadata:
            await anyio.sleep(0.25)  # the time limit of connecting passes
            await call.send("alive")
        await wait(call)

    async with over.serving(outlive, start_timeout=0.1) as site:
        async with site.peer() as peer:
            await opened(peer)
            await peer.say({"event": "stop"})
            await peer.ended(1000)
        await site.directory.freed("one")
        async with site.peer() as peer:
            await peer.say(start(metadata={"again": True}))
            await peer.hear(told("alive"))


async def test_the_clean_up_of_a_handler_runs_once_whatever_ends_its_call(
    over: Transport,
) -> None:
    """19."""
    for ends in ("stop", "broken", "hang_up"):
        handler = Probe()
        async with over.serving(handler) as site, site.peer() as peer:
            await opened(peer)
            match ends:
                case "stop":
                    await peer.say({"event": "stop"})
                case "broken":
                    await peer.text(b"?")
                case _:
                    site.stream.hang_up("one")
            while not isinstance(await peer.next(), Closed):
                pass
            await site.directory.freed("one")
            assert handler.left == ["cancelled"]


@pytest.mark.needs("messages")
@pytest.mark.parametrize(
    "samples",
    [
        pytest.param(np.zeros(480, dtype), id=dtype)
        for dtype in ("int16", "int32", "float32", "float64")
    ]
    + [
        pytest.param(np.zeros(shape, "int16"), id=str(shape))
        for shape in ((1, 480), (480, 1), (2, 480))
    ],
)
async def test_every_sample_format_is_converted_and_none_is_dropped(
    over: Transport, samples: Any
) -> None:
    """21."""

    async def play(call: Call) -> None:
        await call.send_audio((24000, samples))

    async with over.serving(play) as site, site.peer() as peer:
        await peer.say(start())
        await peer.hear(Sound(SILENCE * 480), end_stream("the call has ended"))
        await peer.ended(1000)


@pytest.mark.needs("messages")
@pytest.mark.parametrize(
    "audio", [(24000, np.zeros(480, "complex64")), (24000, np.zeros((3, 480), "int16"))]
)
async def test_sound_of_no_known_form_fails_where_it_was_given(over: Transport, audio: Any) -> None:
    """21: to the handler's face, so that it can go on."""

    async def play(call: Call) -> None:
        with pytest.raises((TypeError, ValueError)):
            await call.send_audio(audio)
        await call.send_audio(AudioFrame(bytes(960), 24000))

    async with over.serving(play) as site, site.peer() as peer:
        await peer.say(start())
        await peer.hear(Sound(SILENCE * 480), end_stream("the call has ended"))


async def test_what_a_handler_raises_reaches_the_client_and_frees_the_slot(
    over: Transport,
) -> None:
    """20, 22."""

    async def fail(call: Call) -> None:
        raise LookupError

    async with over.serving(fail, concurrency_limit=1) as site:
        for times in (1, 2):
            async with site.peer() as peer:
                await peer.say(start())
                await peer.hear(error("LookupError"), end_stream("the handler failed"))
                await peer.ended(1011)
            await site.directory.freed("one", times)


@pytest.mark.needs("messages")
async def test_the_server_closes_though_the_client_says_nothing(over: Transport) -> None:
    """24: and what was played before is heard."""

    async def leave(call: Call) -> None:
        await call.send_audio(AudioFrame(bytes(960), 24000))
        await call.hang_up("done")

    async with over.serving(leave) as site, site.peer() as peer:
        await peer.say(start())
        await peer.hear(Sound(SILENCE * 480), end_stream("done"))
        await peer.ended(1000)


async def test_a_call_is_hung_up_by_its_id_on_every_transport(over: Transport) -> None:
    """25."""
    async with over.serving(wait) as site, site.peer() as peer:
        await opened(peer)
        site.stream.hang_up("one", "enough")
        await peer.hear(end_stream("enough"))
        await peer.ended(1000)


@pytest.mark.needs("messages")
@pytest.mark.parametrize("chunk", [80, 480, 2400, 7200])
async def test_sound_leaves_in_small_pieces_whatever_the_handler_gives(
    over: Transport, chunk: int
) -> None:
    """29: a piece is at most 60 ms."""

    async def play(call: Call) -> None:
        for _ in range(7200 // chunk):
            await call.send_audio(AudioFrame(bytes(2 * chunk), 24000))

    async with over.serving(play) as site, site.peer() as peer:
        await peer.say(start())
        left = 7200
        while left:
            item = await peer.next()
            assert isinstance(item, Sound)
            assert len(item.payload) <= 1440
            left -= len(item.payload)
        await peer.hear(end_stream("the call has ended"))


@pytest.mark.needs("messages")
async def test_an_interruption_drops_what_is_queued_and_tells_the_client(
    over: Transport,
) -> None:
    """30."""

    async def interrupt(call: Call) -> None:
        await call.send_audio(AudioFrame(bytes(960), 24000))
        assert call.interrupt().dropped > 0
        await call.send("interrupted")
        await wait(call)

    async with over.serving(interrupt) as site, site.peer() as peer:
        await peer.say(start())
        await peer.hear(Sound(SILENCE * 480), Told({"event": "clear"}), told("interrupted"))


@pytest.mark.needs("messages")
@pytest.mark.parametrize(
    ("encoding", "rate", "payload"),
    [
        ("audio/pcm", 16000, bytes(range(0, 64, 2))),
        ("audio/x-alaw", 8000, bytes(range(160))),
        ("audio/x-mulaw", 8000, bytes(range(127))),
    ],
)
async def test_encoding_and_rate_are_agreed_on(
    over: Transport, encoding: str, rate: int, payload: bytes
) -> None:
    """32: no conversion where the handler's rate is the client's."""
    async with (
        over.serving(echo, input_sample_rate=rate, output_sample_rate=rate) as site,
        site.peer() as peer,
    ):
        await peer.say(start(media_format={"encoding": encoding, "sample_rate": rate}))
        await peer.hear(started(encoding, rate))
        await peer.say(media(payload))
        await peer.hear(Sound(payload))
