"""What each part of the speech endpoints serves: its WebSockets, and the HTTP calls beside them."""

import sys
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from ..core.dialects.parameters import (
    ENDPOINT_FORM,
    ENDPOINT_OPUS_FORM,
    SUMMARY_FORM,
    SUMMARY_OPUS_FORM,
    Analyser,
    Form,
    Values,
)
from ..core.speech.endpoint import EndpointDetector, EndpointRule
from ..core.speech.frames import VoiceFrames
from ..core.speech.summary import SUMMARY_FRAMES, Summary, SummaryFrames
from .requests import Request, Response, deny, json_response
from .speech_settings import SpeechSettings
from .speech_sound import Sound, hear, sound_of_file, sound_of_samples

__all__ = (
    "ENDPOINT",
    "OPUS",
    "SUMMARY",
    "SUMMARY_CALLS",
    "Answering",
    "Part",
    "Start",
    "endpoint_part",
    "summary_part",
)

OPUS = "_opus"
ENDPOINT, SUMMARY = "/speech_endpoint_detector", "/speech_summary_stream"
_FROM = "/speech_summary_engine/get_speech_summary_from"
SUMMARY_CALLS = (f"{_FROM}_file", f"{_FROM}_samples")

Answering = Callable[[Request], Awaitable[Response]]
Start = Callable[[Request], Callable[[Values], Analyser]]
"""From the request for a WebSocket to what makes its analyser. Raises Denied."""


class Part(msgspec.Struct, frozen=True, eq=False):
    """By path."""

    streams: Mapping[str, tuple[Form, Start]]
    calls: Mapping[str, Answering]


def endpoint_part(settings: SpeechSettings) -> Part:
    """Endpoint detection."""

    def analyser(values: Values) -> Analyser:
        rule = EndpointRule(
            values["min_speech_ms"], values["max_silence_ms"], latch=settings.speech.endpoint_latch
        )
        return EndpointDetector(VoiceFrames(settings.model, values["sample_rate"]), rule)

    def start(_: Request) -> Callable[[Values], Analyser]:
        return analyser

    return Part(
        {ENDPOINT: (ENDPOINT_FORM, start), ENDPOINT + OPUS: (ENDPOINT_OPUS_FORM, start)}, {}
    )


def summary_part(settings: SpeechSettings) -> Part:
    """Speech summaries."""
    model, max_body = settings.model, settings.speech.max_message

    def start(request: Request) -> Callable[[Values], Analyser]:
        listed = _listed(request, settings.speech.frames)
        return lambda values: Summary(VoiceFrames(model, values["sample_rate"]), listed)

    async def summed_up(sound: Sound) -> Response:
        summary = Summary(VoiceFrames(model, sound.sample_rate), kept=sys.maxsize)
        await hear(sound, summary.receive, blocking=model.blocking)
        return json_response(200, summary.current())

    async def from_file(request: Request) -> Response:
        return await summed_up(await sound_of_file(request, max_body))

    async def from_samples(request: Request) -> Response:
        return await summed_up(await sound_of_samples(request, max_body))

    return Part(
        {SUMMARY: (SUMMARY_FORM, start), SUMMARY + OPUS: (SUMMARY_OPUS_FORM, start)},
        dict(zip(SUMMARY_CALLS, (from_file, from_samples), strict=True)),
    )


def _listed(request: Request, default: SummaryFrames) -> SummaryFrames:
    asked = request.query.get("frames", default)
    for listed in SUMMARY_FRAMES:
        if asked == listed:
            return listed
    raise deny("invalid_field", f"frames is one of {', '.join(SUMMARY_FRAMES)}")
