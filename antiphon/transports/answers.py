"""The bodies that the HTTP routes answer with, as records: what is sent, and what is documented."""

from typing import Literal

import msgspec

from ..core.messages import MediaFormat

__all__ = (
    "BuildInfo",
    "CandidateTaken",
    "Health",
    "HttpLinks",
    "HttpOpened",
    "InputsTaken",
    "RtcAnswer",
)


class Health(msgspec.Struct, frozen=True):
    """Whether calls are taken."""

    status: Literal["ok", "shutting_down"]
    calls: int
    """Calls that hold a slot."""


class HttpLinks(msgspec.Struct, frozen=True):
    """Where a call over HTTP goes on: paths of this server."""

    send: str
    events: str
    end: str


class HttpOpened(msgspec.Struct, frozen=True):
    """A call over HTTP has been opened."""

    session_id: str
    token: str
    """The bearer token of the requests that follow."""
    media_format: MediaFormat
    links: HttpLinks


class InputsTaken(msgspec.Struct, frozen=True):
    """The inputs have been given to the call."""

    status: Literal["ok"] = "ok"


class RtcAnswer(msgspec.Struct, frozen=True, tag_field="type", tag="answer"):
    """An `RTCSessionDescription` for the browser, and what proves later whose call it is."""

    sdp: str
    webrtc_id: str
    token: str


class CandidateTaken(msgspec.Struct, frozen=True):
    """The candidate is known now."""

    status: Literal["success"] = "success"


class BuildInfo(msgspec.Struct, frozen=True):
    """What serves the speech endpoints."""

    name: str
    version: str
    components: list[str]
    voice_activity: str
    """The name of the engine."""
    speaker_encoder: str | msgspec.UnsetType = msgspec.UNSET
    """The same, where voices are verified."""
