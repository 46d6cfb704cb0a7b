"""The analysers of the speech endpoints as handlers, for a microphone on any transport."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import msgspec

from ..core.models import VoiceActivityModel
from ..core.ports import Call, Handler
from ..core.speech.endpoint import EndpointDetector, EndpointRule
from ..core.speech.frames import FRAME_MS, VoiceFrames
from ..core.speech.summary import Summary, SummaryFrames
from .threads import in_thread
from .vad.choose import voice_activity_model

__all__ = ("ask_model", "speech_endpoint", "speech_summary")

T = TypeVar("T")


def speech_endpoint(
    min_speech: float = 1.0,
    max_silence: float = 0.6,
    *,
    latch: bool = False,
    voice_activity: str | VoiceActivityModel = "auto",
) -> Handler:
    """A handler that tells where utterances end: enough speech, then enough silence, in seconds.

    Each endpoint is a message and an output, `{"speech_endpoint": seconds since the first sound}`.
    With `latch` there is one a call. ValueError for a negative time.
    """
    for name, value in (("min_speech", min_speech), ("max_silence", max_silence)):
        if not 0 <= value < 1e6:
            raise ValueError(f"{name} is 0 or more seconds, not {value!r}")
    model = voice_activity_model(voice_activity)

    async def tell_endpoints(call: Call) -> None:
        rule = EndpointRule(round(1000 * min_speech), round(1000 * max_silence), latch=latch)
        detector = EndpointDetector(VoiceFrames(model, call.sample_rate), rule)
        async for frame in call.audio:
            for at in await ask_model(model, partial(detector.receive, frame.samples)):
                told = {"speech_endpoint": at / call.sample_rate}
                await call.send(told)
                await call.output(told)

    return tell_endpoints


def speech_summary(
    every: float = 0.3,
    *,
    frames: SummaryFrames = "new",
    voice_activity: str | VoiceActivityModel = "auto",
) -> Handler:
    """A handler that tells how much is spoken, each time that `every` seconds have been heard.

    Each summary is a message and an output, `{"speech_summary": ...}` as on the wire of the speech
    endpoint. ValueError for less than a frame, 30 ms.
    """
    if not FRAME_MS / 1000 <= every < 1e6:
        raise ValueError(f"every is {FRAME_MS / 1000:g} seconds or more, not {every!r}")
    model = voice_activity_model(voice_activity)

    async def tell_summaries(call: Call) -> None:
        summary = Summary(VoiceFrames(model, call.sample_rate), frames)
        heard, due = 0, round(every * call.sample_rate)
        async for frame in call.audio:
            await ask_model(model, partial(summary.receive, frame.samples))
            heard += len(frame)
            if heard >= due:
                heard = 0
                told = {"speech_summary": msgspec.to_builtins(summary.take())}
                await call.send(told)
                await call.output(told)

    return tell_summaries


async def ask_model(model: VoiceActivityModel, receive: Callable[[], T]) -> T:
    """What a function that asks this model returns: in a worker thread where the model blocks."""
    return await in_thread(receive) if model.blocking else receive()
