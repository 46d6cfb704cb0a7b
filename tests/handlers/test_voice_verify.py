"""Verification as a handler, in memory and over a socket."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio
import numpy as np
import pytest

from antiphon import AudioFrame, Call, Stream, connect, voice_verify
from antiphon.core.audio.frames import Samples
from antiphon.core.errors import TemplateRefused
from tests.core.loudness import Loudness, quiet
from tests.core.speech.encoders import ByLoudness
from tests.transports.serving import serving
from tests.transports.voices import FOREIGN, MINE, THEIRS, Gate, Heavy, mine, theirs

RATE = 24_000
SHORT = {"context": 1.0, "window": 1.0}


def handler(template: str | None = None, **options: Any) -> Any:
    options = {"encoder": Heavy(), "voice_activity": Loudness(), **SHORT, **options}
    return voice_verify(template, **options)


@asynccontextmanager
async def in_memory(stream: Stream, inputs: Sequence[Any] | None) -> AsyncGenerator[Call]:
    async with connect(stream, encoding="audio/pcm", inputs=inputs) as call:
        yield call


@asynccontextmanager
async def over_websocket(stream: Stream, inputs: Sequence[Any] | None) -> AsyncGenerator[Call]:
    async with serving(stream) as port:
        url = f"ws://127.0.0.1:{port}/websocket/offer"
        async with connect(url, encoding="audio/pcm", inputs=inputs, lead=10.0) as call:
            yield call


async def speak(call: Call, *sounds: Samples) -> None:
    sound = np.concatenate(sounds)
    for start in range(0, len(sound), 480):
        await call.send_audio(AudioFrame(sound[start : start + 480].tobytes(), RATE))


async def hear(call: Call, count: int) -> list[Any]:
    """What is said of voices next; errors as their text."""
    said: list[Any] = []
    with anyio.fail_after(5):
        while len(said) < count:
            message = await anext(call.messages)
            if message.type == "error":
                said.append(message.data)
            elif message.type == "message":
                said.append(message.data["voice_verify"])
    return said


def told(result: Any) -> tuple[int, float]:
    """When a window begins, in ms, and its score."""
    return result["audio_interval"]["start_time"], round(result["verify_result"]["score"], 1)


@pytest.mark.parametrize("way", [in_memory, over_websocket])
@pytest.mark.parametrize("encoder", [Heavy(), ByLoudness()])
async def test_each_window_is_a_message_and_an_output(way: Any, encoder: ByLoudness) -> None:
    stream = Stream(handler(MINE, encoder=encoder))
    async with way(stream, None) as call:
        await speak(call, mine(1, RATE), theirs(1, RATE), quiet(1, RATE), mine(1, RATE))
        messages = await hear(call, 3)
        kept = stream.output_stream(call.id)
        outputs = [(await anext(kept)).args[0]["voice_verify"] for _ in range(3)]
    assert messages == outputs
    assert [told(result) for result in messages] == [(0, 1.0), (1000, 0.0), (3000, 1.0)]
    assert messages[0]["audio_interval"] == {
        "start_sample": 0,
        "end_sample": RATE,
        "start_time": 0,
        "end_time": 1000,
        "sample_rate": RATE,
    }
    assert list(messages[0]["verify_result"]) == ["probability", "score"]


@pytest.mark.parametrize("model", [Loudness(), "blocking"])
async def test_without_a_template_the_first_speech_is_the_voice_to_compare_with(model: Any) -> None:
    if model == "blocking":
        model = Loudness()
        model.blocking = True
    stream = Stream(handler(enroll=1.5, voice_activity=model))
    async with in_memory(stream, None) as call:
        await speak(call, quiet(0.9, RATE), mine(0.6, RATE), quiet(0.6, RATE), mine(0.9, RATE))
        [enrolled] = await hear(call, 1)
        await speak(call, mine(1, RATE), theirs(1.2, RATE))
        results = [told(result) for result in await hear(call, 2)]
    assert enrolled == {"enrolled": pytest.approx(1.5)}
    # Windows begin where the template was known, and are counted from the first sound.
    assert results == [(3000, 1.0), (4000, 0.0)]


async def test_what_the_client_is_told_first_names_a_demonstration() -> None:
    async with in_memory(Stream(voice_verify(encoder="gmm")), None) as call:
        message = await anext(call.messages)
    assert message.type == "log"
    assert message.data == (
        "voices are compared by gmm (demonstration);"
        " the first 3 s of speech are the voice to compare with"
    )


async def test_a_template_may_come_with_the_start_of_a_call() -> None:
    async with in_memory(Stream(handler()), [THEIRS]) as call:
        await speak(call, theirs(1, RATE))
        assert [told(result) for result in await hear(call, 1)] == [(0, 1.0)]


async def test_another_template_takes_the_place_of_the_one_before_it() -> None:
    async with in_memory(Stream(handler(MINE)), None) as call:
        await speak(call, mine(1, RATE))
        assert [told(result) for result in await hear(call, 1)] == [(0, 1.0)]
        await call.send_inputs(THEIRS)
        await speak(call, mine(1, RATE))
        assert [told(result) for result in await hear(call, 1)] == [(1000, 0.0)]


async def test_inputs_that_are_no_template_are_an_error_and_change_nothing() -> None:
    async with in_memory(Stream(handler(MINE)), None) as call:
        await speak(call, mine(0.5, RATE))
        said: list[Any] = []
        for inputs in ((FOREIGN,), (3,), (MINE, MINE)):
            await call.send_inputs(*inputs)
            await speak(call, mine(0.1, RATE))
            said += await hear(call, 1)
        await speak(call, mine(0.2, RATE))
        assert [told(result) for result in await hear(call, 1)] == [(0, 1.0)]
    assert said == [
        "the voice template is refused: engine 'other' made it; here is 'loudness'",
        *["an input is one template"] * 2,
    ]


async def test_sound_waits_while_a_voice_is_listened_to() -> None:
    """Live sound is dropped after 0.3 s elsewhere; an encoder may take longer."""
    gate = Gate()
    async with in_memory(Stream(handler(MINE, encoder=gate)), None) as call:
        await speak(call, mine(1, RATE))
        await gate.entered(1)
        await speak(call, theirs(3, RATE))
        gate.open.set()
        results = [told(result) for result in await hear(call, 4)]
    assert results == [(0, 1.0), (1000, 0.0), (2000, 0.0), (3000, 0.0)]


async def test_calls_at_a_time_are_told_apart() -> None:
    stream = Stream(handler(enroll=0.6))
    async with in_memory(stream, None) as one, in_memory(stream, [MINE]) as other:
        await speak(one, theirs(0.6, RATE))
        await speak(other, theirs(1, RATE))
        await speak(one, theirs(1, RATE))
        assert [told(result) for result in await hear(other, 1)] == [(0, 0.0)]
        assert told((await hear(one, 2))[1]) == (600, 1.0)


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: voice_verify(window=0.4), "a window of 0.4 s"),
        (lambda: voice_verify(context=2.0), "a context of 2.0 s"),
        (lambda: voice_verify(enroll=0.4), "enroll is 0.5 to 60 seconds, not 0.4"),
        (lambda: voice_verify(encoder="loud"), "loud"),
        (lambda: voice_verify(voice_activity="loud"), "loud"),
        (lambda: voice_verify(MINE, encoder="gmm"), "engine 'loudness' made it; here is 'gmm'"),
        (lambda: voice_verify("8000"), "not one of antiphon's"),
    ],
)
def test_what_fits_no_call_is_refused(make: Any, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        make()


def test_a_refused_template_is_told_apart_from_other_mistakes() -> None:
    with pytest.raises(TemplateRefused):
        voice_verify("8000")
