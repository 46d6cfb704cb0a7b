"""Our own client over WebRTC, against our own server."""

from typing import Any

import anyio
import numpy as np
import pytest

from antiphon import AudioFrame, Call, CallRefused, SessionClosed, connect, echo
from antiphon.core.audio.frames import Samples
from tests.cli.sounds import aligned_snr, melody, read_wav, speech
from tests.cli.test_echo_quality import resampled
from tests.conformance.handlers import Probe
from tests.conformance.test_sound import once_of_three, pitch, tone
from tests.transports.serving import cancelled_on_exit
from tests.transports.test_webrtc import KINDS, Exchange
from tests.webrtc.serving import Holdings, Scene, held, on_webrtc

pytestmark = pytest.mark.alone
RATE = 24000  # Hz
FRAME = RATE // 50
PATIENCE = 8.0  # seconds
LOUD = 300  # of 32768


async def hear(call: Call, least: int) -> Samples:
    """What is heard, from the first loud frame on, until so many samples came."""
    frames: list[Samples] = []
    with anyio.fail_after(PATIENCE):
        async for frame in call.audio:
            if frames or np.abs(frame.samples).max() > LOUD:
                frames.append(frame.samples)
            if len(frames) * FRAME >= least:
                break
    return np.concatenate(frames)


@pytest.mark.parametrize("mode", ["send-receive", "send", "receive"])
@pytest.mark.parametrize("modality", KINDS)
async def test_media_flow_where_modality_and_mode_say_and_nowhere_else(
    modality: Any, mode: Any
) -> None:
    server, client = Exchange(modality, mode), Exchange(modality, reversed_mode(mode))
    async with (
        on_webrtc(server, modality=modality, mode=mode) as scene,
        connect(scene.webrtc, modality=modality, mode=mode) as call,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(client, call)
        kinds = KINDS[modality]
        await server.until(kinds if mode != "receive" else set())
        await client.until(kinds if mode != "send" else set())
        assert server.got == (kinds if mode != "receive" else set())
        assert client.got == (kinds if mode != "send" else set())
        tasks.cancel_scope.cancel()


def reversed_mode(mode: str) -> str:
    """What a client does is what a server of the other mode would do."""
    return {"send": "receive", "receive": "send"}.get(mode, mode)


async def test_a_call_leaves_nothing_behind_on_either_end() -> None:
    async with on_webrtc(echo) as scene:
        await scene.client.get("/health")
        async with connect(scene.webrtc):
            pass
        await scene.free()
        before = Holdings()
        for _ in range(3):
            async with connect(scene.webrtc) as call:
                await call.send_audio(AudioFrame(tone(440, 0.1).tobytes(), RATE))
            await scene.free()
        await held(before)


async def test_a_refused_call_leaves_nothing_behind() -> None:
    async with on_webrtc(echo, modality="video") as scene:
        await scene.client.get("/health")
        before = Holdings()
        with pytest.raises(CallRefused) as refused:
            async with connect(scene.webrtc):
                raise AssertionError("the call was refused")
        assert refused.value.reason == "unsupported_modality"
        await held(before)


async def test_a_server_that_vanishes_is_noticed_by_missing_consent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("aioice.ice.CONSENT_INTERVAL", 0.05)
    monkeypatch.setattr("aioice.stun.RETRY_RTO", 0.01)
    async with on_webrtc(cancelled_on_exit) as scene, connect(scene.webrtc) as call:
        unplug(scene)
        with anyio.fail_after(PATIENCE):
            async for _ in call.audio:
                pass
        with pytest.raises(SessionClosed) as over:
            await call.send("?")
        assert over.value.code == 1006


def unplug(scene: Scene) -> None:
    """Take the server's network away."""
    host: Any = scene.stream.host
    for reception in host._live:
        for ice in reception.driver.link._ice_transports():
            for protocol in ice._connection._protocols:
                protocol.transport.abort()


@pytest.mark.parametrize("sound", ["melody", "speech"])
async def test_an_echo_misses_nothing_and_repeats_nothing(sound: str, tmp_path: Any) -> None:
    if sound == "melody":
        rate, said = RATE, melody(RATE)
    else:
        rate, said = read_wav(speech(tmp_path / "spoken.wav"))
    wanted = said if rate == RATE else resampled(said, rate, RATE)

    async def echoed(call_id: str) -> None:
        async with (
            connect(scene.webrtc, call_id=call_id, sample_rate=RATE) as call,
            anyio.create_task_group() as tasks,
        ):

            async def speak() -> None:
                step = rate // 50
                for at in range(0, len(said), step):
                    await call.send_audio(AudioFrame(said[at : at + step].tobytes(), rate))

            tasks.start_soon(speak)
            same_sound(wanted, await hear(call, len(wanted) + 8 * FRAME))

    async with on_webrtc(echo) as scene:
        await once_of_three(echoed)


def same_sound(said: Samples, heard: Samples) -> None:
    """As loud, with little noise, and every loud tenth of a second in its place."""
    loudness = np.sqrt(np.mean(np.square(heard, dtype=float)) * len(heard))
    wanted = np.sqrt(np.mean(np.square(said, dtype=float)) * len(said))
    snr = aligned_snr(said, heard)
    print(f"{snr:.1f} dB, level {loudness / wanted:.3f}")
    assert loudness / wanted == pytest.approx(1, abs=0.1)
    assert snr > 12
    assert correlations(said, heard).min() > 0.8


def correlations(said: Samples, heard: Samples) -> Any:
    """Of each loud tenth of a second with what was heard at the same place, at the one delay that
    fits the whole: a frame that is missing or there twice would put all behind it out of place.
    """
    size = 1 << (len(said) + len(heard)).bit_length()
    product = np.fft.rfft(heard, size) * np.fft.rfft(said, size).conj()
    delay = int(np.argmax(np.fft.irfft(product, size)[: len(heard)]))
    heard = np.pad(heard[delay:], (0, max(0, len(said) - len(heard) + delay)))
    found: list[float] = []
    for at in range(0, len(said) - RATE // 10, RATE // 10):
        a, b = (each[at : at + RATE // 10].astype(float) for each in (said, heard))
        if np.abs(a).max() > 3000:
            found.append(float(a @ b / np.sqrt((a @ a) * (b @ b) + 1)))
    assert len(found) >= 5
    return np.array(found)


async def test_an_interruption_is_heard_within_three_frames() -> None:
    """Counted by what was sent: a message leaves with the interruption, on the same connection."""

    async def interrupt(call: Call) -> None:
        async def speak() -> None:
            await call.send_audio(AudioFrame(tone(600, 5).tobytes(), RATE))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(speak)
            await anext(call.messages)
            call.interrupt()
            await anyio.sleep_forever()

    async with on_webrtc(interrupt) as scene, connect(scene.webrtc) as call:
        before = await hear(call, 10 * FRAME)
        assert pitch(before) == pytest.approx(600, abs=30)
        await call.send("stop")
        told = await anext(call.messages)
        assert told.type == "clear"
        after = [await anext(call.audio) for _ in range(8)]
        loud = [np.abs(frame.samples).max() > LOUD for frame in after]
        assert sum(loud) <= 3
        assert not any(loud[3:])


async def test_what_is_said_at_once_is_heard_from_its_first_frame_to_its_last() -> None:
    words = np.concatenate((tone(400, 0.1), tone(800, 0.1), tone(1600, 0.1)))

    async def speak(call: Call) -> None:
        await call.send_audio(AudioFrame(words.tobytes(), RATE))

    async with on_webrtc(speak) as scene, connect(scene.webrtc) as call:
        heard = [frame.samples async for frame in call.audio]
    loud = [pitch(each) for each in heard if np.abs(each).max() > 3000]
    # The codec's own delay, 6.5 ms, puts the end into a sixteenth frame.
    assert [round(one, -2) for one in loud[:15]] == [400] * 5 + [800] * 5 + [1600] * 5
    assert len(loud) <= 16


async def test_hanging_up_cancels_the_handler() -> None:
    handler = Probe()
    async with on_webrtc(handler) as scene:
        async with connect(scene.webrtc) as call:
            await handler.until_began()
            await call.hang_up()
        await handler.until_left()
        assert handler.left == ["cancelled"]
