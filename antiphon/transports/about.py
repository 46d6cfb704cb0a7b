"""What `/about.json` tells pages of a stream, so that they offer what it serves, no more."""

from math import isfinite
from typing import Any, Literal

import msgspec

from .host import Settings
from .speech_settings import SpeechSettings

__all__ = ("About", "Limits", "SpeechAbout", "about")

Transport = Literal["webrtc", "websocket", "http"]


class SpeechAbout(msgspec.Struct, frozen=True, kw_only=True):
    """The speech endpoints of a stream, each switched on or off."""

    endpoint: bool
    """Whether `/speech_endpoint_detector` is served."""
    summary: bool
    """Whether `/speech_summary_stream` is."""
    verification: bool
    """Whether `/voice_verify_stream` and `/voice_template_factory` are."""
    voice_activity: str
    """The engine that tells speech from other sound."""
    speaker_encoder: str | None
    """The engine that tells voices apart; one that is a demonstration says so."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """None where there is no limit."""

    time_limit: float | None
    """Seconds of a call."""
    concurrency_limit: int | None
    """Calls at a time."""


class About(msgspec.Struct, frozen=True, kw_only=True):
    """The body of `/about.json`."""

    modality: Literal["audio", "video", "audio-video"]
    mode: Literal["send-receive", "send", "receive"]
    transports: tuple[Transport, ...]
    """On which of them a call can be made."""
    inputs: dict[str, Any] | None
    """The JSON schema of the declared inputs, without the call's id; `{}` where the type cannot be
    described, None where none is declared.
    """
    speech: SpeechAbout | None
    limits: Limits


def about(settings: Settings, *, webrtc: bool) -> About:
    """What is told of a stream whose server can take calls over WebRTC, or cannot."""
    sound: tuple[Transport, ...] = ("websocket", "http") if settings.modality == "audio" else ()
    time_limit = settings.session.timing.time_limit
    return About(
        modality=settings.modality,
        mode=settings.session.mode,
        transports=(*(("webrtc",) if webrtc else ()), *sound),
        inputs=None if settings.input_type is None else settings.input_type.schema(),
        speech=None if settings.speech is None else _speech(settings.speech),
        limits=Limits(
            time_limit=time_limit if isfinite(time_limit) else None,
            concurrency_limit=settings.concurrency_limit,
        ),
    )


def _speech(settings: SpeechSettings) -> SpeechAbout:
    return SpeechAbout(
        endpoint=settings.speech.endpoint,
        summary=settings.speech.summary,
        verification=settings.speech.verification,
        voice_activity=settings.model.name,
        speaker_encoder=None if settings.encoder is None else settings.encoder.name,
    )
