"""The analysers of the speech endpoints as handlers, over every transport's like."""

from typing import Any

import numpy as np
import pytest

from antiphon import AudioFrame, Stream, connect, speech_endpoint, speech_summary
from antiphon.core.audio.frames import Samples
from tests.core.loudness import Loudness, loud, quiet

RATE = 24_000


class Slow(Loudness):
    """Not to be heard on the event loop."""

    blocking = True

    def detector(self, sample_rate: int) -> Loudness:
        made = Slow()
        made.frame_samples = sample_rate * 3 // 100
        return made


async def told(handler: Any, sound: Samples, count: int) -> tuple[list[Any], list[Any]]:
    """The first messages of a call, and its outputs up to there."""
    stream = Stream(handler)
    async with connect(stream, encoding="audio/pcm") as call:
        for start in range(0, len(sound), 480):
            await call.send_audio(AudioFrame(sound[start : start + 480].tobytes(), RATE))
        heard: list[Any] = []
        while len(heard) < count:
            message = await anext(call.messages)
            if message.data:  # the others say that an output can be fetched
                heard.append(message.data)
        kept = stream.output_stream(call.id)
        outputs = [(await anext(kept)).args[0] for _ in range(count)]
    return heard, outputs


@pytest.mark.parametrize("model", [Loudness(), Slow()])
async def test_endpoints_are_messages_and_outputs(model: Loudness) -> None:
    one = np.concatenate([quiet(0.3, RATE), loud(0.6, RATE), quiet(0.45, RATE)])
    handler = speech_endpoint(0.5, 0.3, voice_activity=model)
    messages, outputs = await told(handler, np.concatenate([one, one]), 2)
    assert messages == outputs
    ends = [message["speech_endpoint"] for message in messages]
    assert ends == [pytest.approx(1.2, abs=0.04), pytest.approx(2.55, abs=0.04)]


async def test_a_latch_tells_of_one() -> None:
    one = np.concatenate([loud(0.3, RATE), quiet(0.3, RATE)])
    handler = speech_endpoint(0.1, 0.1, latch=True, voice_activity=Loudness())
    stream = Stream(handler)
    async with connect(stream, encoding="audio/pcm") as call:
        for start in range(0, 3 * len(one), 480):
            piece = np.tile(one, 3)[start : start + 480]
            await call.send_audio(AudioFrame(piece.tobytes(), RATE))
        await anext(call.messages)
        outputs = stream.output_stream(call.id)
        await anext(outputs)
        await call.hang_up()
        assert [output async for output in outputs] == []


@pytest.mark.parametrize("model", [Loudness(), Slow()])
async def test_summaries_come_as_often_as_asked_and_list_what_is_new(model: Loudness) -> None:
    sound = np.concatenate([quiet(0.3, RATE), loud(0.6, RATE)])
    messages, outputs = await told(speech_summary(0.3, voice_activity=model), sound, 3)
    assert messages == outputs
    found = [message["speech_summary"] for message in messages]
    assert [s["speech_info"]["total_length_ms"] for s in found] == [300, 600, 900]
    assert [s["speech_info"]["speech_length_ms"] for s in found] == [0, 300, 600]
    results = [s["current_speech_summary"]["vad_result"] for s in found]
    assert [len(result["frames"]) for result in results] == [10, 10, 10]
    assert [result.get("first_frame", 0) for result in results] == [0, 10, 20]


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: speech_endpoint(-1), "min_speech"),
        (lambda: speech_endpoint(1, float("nan")), "max_silence"),
        (lambda: speech_summary(0.02), "every"),
        (lambda: speech_endpoint(voice_activity="loud"), "loud"),
    ],
)
def test_what_fits_no_stream_is_refused(make: Any, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        make()
