"""Sound both ways over every transport, judged by what a listener hears: length, level, pitch."""

from collections.abc import Awaitable, Callable

import anyio
import numpy as np
import pytest

from antiphon import AudioFrame, Call, echo
from antiphon.core.audio.codecs import codec_for
from antiphon.core.audio.frames import Samples
from tests.conformance.handlers import wait
from tests.conformance.peer import Peer
from tests.conformance.trace import Closed, Item, Sound, Told, end_stream, start
from tests.conformance.transports import Transport

pytestmark = pytest.mark.alone

RATE = 24000  # Hz
FRAME = RATE // 50
EDGES = 3  # frames that a codec may add or take at the edges of a sound
MULAW = codec_for("audio/x-mulaw")


def tone(frequency: float, seconds: float) -> Samples:
    """A loud tone."""
    at = np.arange(round(seconds * RATE)) / RATE
    return (10_000 * np.sin(2 * np.pi * frequency * at)).astype("<i2")


def pitch(samples: Samples) -> float:
    """The strongest frequency, Hz."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * RATE / len(samples))


def level(samples: Samples) -> float:
    """Root of the mean square."""
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


def alike(heard: Samples, wanted: Samples) -> None:
    """The same tone for as long, as loud, without a hole."""
    assert abs(len(heard) - len(wanted)) <= EDGES * FRAME
    inner = heard[FRAME : len(wanted) - FRAME]
    assert pitch(inner) == pytest.approx(pitch(wanted), abs=15)
    for at in range(0, len(inner) - FRAME + 1, FRAME):
        assert level(inner[at : at + FRAME]) == pytest.approx(level(wanted), rel=0.25)


async def speak(peer: Peer, samples: Samples) -> None:
    """Say it in frames of 20 ms, as they come from a microphone."""
    for at in range(0, len(samples), FRAME):
        await peer.samples(MULAW.encode(samples[at : at + FRAME].tobytes()))


async def hear_sound(peer: Peer, least: int) -> Samples:
    """The sound that comes next, at least so many samples."""
    heard = np.zeros(0, "<i2")
    while len(heard) < least:
        item = await peer.next()
        assert isinstance(item, Sound)
        heard = np.concatenate((heard, decoded(item)))
    return heard


def decoded(sound: Sound) -> Samples:
    """Its samples."""
    return np.frombuffer(MULAW.decode(sound.payload), "<i2")


async def all_of_it(peer: Peer) -> tuple[Samples, list[Item]]:
    """All sound to the end of the call, and what else was heard."""
    heard, others = [np.zeros(0, "<i2")], list[Item]()
    while not others or not isinstance(others[-1], Closed):
        item = await peer.next()
        if isinstance(item, Sound):
            heard.append(decoded(item))
        else:
            others.append(item)
    return np.concatenate(heard), others


async def once_of_three(script: Callable[[str], Awaitable[None]]) -> None:
    """Live sound that a busy machine makes late is lost, as it should be: a script that counts all
    of it has three tries.
    """
    for number in range(3):
        try:
            await script(str(number))
        except (AssertionError, TimeoutError, ExceptionGroup):
            if number == 2:
                raise
        else:
            return


async def test_a_tone_comes_back_as_long_and_as_loud_as_it_went(over: Transport) -> None:
    said = tone(440, 0.3)

    async def echoed(call_id: str) -> None:
        async with site.peer() as peer:
            await peer.say(start(call_id))
            await peer.answers()
            await speak(peer, said)
            alike(await hear_sound(peer, len(said) - EDGES * FRAME), said)

    async with over.serving(echo) as site:
        if "messages" in over.features:
            await echoed("one")
        else:
            await once_of_three(echoed)


async def test_a_handler_hears_the_tone_that_was_said(over: Transport) -> None:
    async def listen(call: Call) -> None:
        heard = np.zeros(0, "<i2")
        async for frame in call.audio:
            assert frame.sample_rate == RATE
            if np.abs(frame.samples).max() > 3000:
                heard = np.concatenate((heard, frame.samples))
            if len(heard) >= RATE // 5:
                break
        await call.send([round(pitch(heard), -1), level(heard) > 5000])

    async with over.serving(listen) as site, site.peer() as peer:
        await peer.say(start())
        await peer.answers()
        await speak(peer, tone(700, 0.3))
        await peer.hear(Told({"type": "message", "data": [700, True]}))


async def test_a_reply_is_heard_to_its_end_before_the_farewell(over: Transport) -> None:
    said = tone(1000, 0.25)

    async def speak_and_hang_up(call: Call) -> None:
        await call.send_audio(AudioFrame(said.tobytes(), RATE))
        await call.hang_up("bye")

    async with over.serving(speak_and_hang_up) as site, site.peer() as peer:
        await peer.say(start())
        heard, others = await all_of_it(peer)
        alike(heard, said)
        assert others[0] == end_stream("bye")


@pytest.mark.needs("paced")
async def test_an_interruption_cuts_off_what_was_not_heard_yet(over: Transport) -> None:
    async def interrupt(call: Call) -> None:
        async def speak_long() -> None:
            await call.send_audio(AudioFrame(tone(600, 5).tobytes(), RATE))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(speak_long)
            async for _ in call.messages:
                break
            call.interrupt()
            tasks.cancel_scope.cancel()
        await call.send_audio(AudioFrame(tone(1500, 0.2).tobytes(), RATE))
        await wait(call)

    async with over.serving(interrupt) as site, site.peer() as peer:
        await peer.say(start())
        before = await hear_sound(peer, 5 * FRAME)
        assert pitch(before[FRAME:]) == pytest.approx(600, abs=60)
        await peer.say({"event": "message", "data": "stop"})
        after, cleared = before, False
        while not cleared or abs(pitch(after[-RATE // 10 :]) - 1500) > 15:
            match await peer.next():
                case Sound() as sound:
                    after = np.concatenate((after, decoded(sound)))
                case Told({"event": "clear"}):
                    cleared = True
                case other:
                    raise AssertionError(other)
        assert len(after) < RATE  # of five seconds
