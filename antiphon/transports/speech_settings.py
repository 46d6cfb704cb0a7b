"""What an application decides about its speech endpoints."""

from collections.abc import Collection

import msgspec

from ..core.models import SpeakerEncoder, VoiceActivityModel
from ..core.speech.summary import SUMMARY_FRAMES, SummaryFrames

__all__ = ("Speech", "SpeechSettings")

MAX_MESSAGE = 16 * 1024 * 1024  # bytes: nearly nine minutes at 16 kHz; clients send whole files


class Speech(msgspec.Struct, frozen=True, kw_only=True):
    """The speech endpoints of a `Stream`: docs/speech.md. ValueError for what does not fit."""

    endpoint: bool = True
    """Whether `/speech_endpoint_detector` is served; where it is not, with 503."""
    summary: bool = True
    """Whether `/speech_summary_stream` and `/speech_summary_engine` are."""
    verification: bool = True
    """Whether `/voice_verify_stream` is, with `/voice_template_factory` and `..._matcher`."""
    voice_activity: str | VoiceActivityModel = "auto"
    """What tells speech from other sound: "auto", "compact", "silero", or a model."""
    speaker_encoder: str | SpeakerEncoder = "auto"
    """What tells voices apart: "auto", an engine's name (docs/verification.md), or an encoder."""
    endpoint_latch: bool = False
    """Whether a stream has one endpoint at most, instead of one for each utterance."""
    frames: SummaryFrames = "all"
    """The frames that a summary lists, unless a client asks otherwise by `?frames=`."""
    carry_odd_byte: bool = False
    """Whether half a sample waits for the next message, instead of being refused with its own."""
    origins: Collection[str] = ("*",)
    """Browser origins that may use these paths. Clients of this API send whatever origin they
    happen to have, so all may, unlike on the other paths of a stream.
    """
    allow_cors: bool = False
    """Whether the pages of those origins may read the answers of the HTTP calls."""
    max_message: int = MAX_MESSAGE
    """Bytes of one message, or of the body of an HTTP call."""

    def __post_init__(self) -> None:
        if self.frames not in SUMMARY_FRAMES:
            raise ValueError(f"frames is one of {', '.join(SUMMARY_FRAMES)}, not {self.frames!r}")
        if isinstance(self.origins, str):
            raise TypeError("origins is a list of origins, not one string")
        if self.max_message < 1024:
            raise ValueError(f"max_message is at least 1024, not {self.max_message!r}")


class SpeechSettings(msgspec.Struct, frozen=True, eq=False):
    """The same, with the engines at hand."""

    speech: Speech
    model: VoiceActivityModel
    encoder: SpeakerEncoder | None
    """None where verification is switched off."""
