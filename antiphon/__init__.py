"""Live voice and video sessions for Python servers: one handler, any transport."""

from .client import connect
from .core.address_policy import AddressKind, AddressPolicy
from .core.audio.frames import AudioFrame
from .core.errors import (
    AntiphonError,
    CallRefused,
    ConfigurationError,
    HandlerError,
    LocalProtocolError,
    MissingExtraError,
    ProtocolError,
    RemoteProtocolError,
    SessionClosed,
    UnknownCall,
)
from .core.events import Message
from .core.playout import Interruption
from .core.ports import Call, CallInfo, Directory, Handler, Output, SoundQuality
from .core.video import VideoFrame
from .handlers.audio_video import AudioVideo
from .handlers.color_bars import ColorBars
from .handlers.echo import echo
from .handlers.mirror import mirror
from .handlers.recorder import Recorder
from .handlers.results import AdditionalOutputs, CloseStream
from .handlers.tone import Tone
from .handlers.video import VideoStreamHandler
from .stream import Stream
from .transports.requests import Request
from .transports.turn import cloudflare_turn, rest_turn, turn_credentials, twilio_turn

__all__ = (
    "AdditionalOutputs",
    "AddressKind",
    "AddressPolicy",
    "AntiphonError",
    "AudioFrame",
    "AudioVideo",
    "Call",
    "CallInfo",
    "CallRefused",
    "CloseStream",
    "ColorBars",
    "ConfigurationError",
    "Directory",
    "Handler",
    "HandlerError",
    "Interruption",
    "LocalProtocolError",
    "Message",
    "MissingExtraError",
    "Output",
    "ProtocolError",
    "Recorder",
    "RemoteProtocolError",
    "Request",
    "SessionClosed",
    "SoundQuality",
    "Stream",
    "Tone",
    "UnknownCall",
    "VideoFrame",
    "VideoStreamHandler",
    "cloudflare_turn",
    "connect",
    "echo",
    "mirror",
    "rest_turn",
    "turn_credentials",
    "twilio_turn",
)
