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
    WebRTCError,
)
from .core.events import Message
from .core.models import (
    PauseDetectionModel,
    SpeakerEncoder,
    SpeechToText,
    Transcript,
    VoiceActivityDetector,
    VoiceActivityModel,
)
from .core.playout import Interruption
from .core.ports import Call, CallInfo, Directory, Handler, Output, SoundQuality
from .core.turns import AlgoOptions
from .core.video import VideoFrame
from .handlers.audio_video import AudioVideo
from .handlers.audio_video_handler import AsyncAudioVideoStreamHandler, AudioVideoStreamHandler
from .handlers.chunks import aggregate_bytes_to_16bit, async_aggregate_bytes_to_16bit
from .handlers.color_bars import ColorBars
from .handlers.context import get_current_context
from .handlers.determined_turns import AppState
from .handlers.echo import echo
from .handlers.emitted import Emitted as AudioEmitType
from .handlers.generator import AudioGenerator
from .handlers.mirror import mirror
from .handlers.recorder import Recorder
from .handlers.reply import Interrupted
from .handlers.reply_on_pause import ReplyOnPause
from .handlers.reply_on_stop_words import ReplyOnStopWords
from .handlers.results import AdditionalOutputs, CloseStream
from .handlers.sound import audio_to_bytes, audio_to_file, audio_to_float32, audio_to_int16
from .handlers.speech import speech_endpoint, speech_summary
from .handlers.speech_to_text import speech_to_text
from .handlers.stream_handler import AsyncStreamHandler, StreamHandler
from .handlers.tone import Tone
from .handlers.vad.pause_model import get_silero_model
from .handlers.vad.segments import SileroVadOptions
from .handlers.video import Shown as VideoEmitType
from .handlers.video import VideoStreamHandler
from .handlers.voice_verify import voice_verify
from .handlers.waiting import wait_for_item
from .handlers.warn import Warning as Warning  # not in `__all__`: a star import hides no builtin
from .stream import Stream
from .transports.requests import Request
from .transports.speech_settings import Speech
from .transports.turn import cloudflare_turn, rest_turn, turn_credentials, twilio_turn

__all__ = (
    "AdditionalOutputs",
    "AddressKind",
    "AddressPolicy",
    "AlgoOptions",
    "AntiphonError",
    "AppState",
    "AsyncAudioVideoStreamHandler",
    "AsyncStreamHandler",
    "AudioEmitType",
    "AudioFrame",
    "AudioGenerator",
    "AudioVideo",
    "AudioVideoStreamHandler",
    "Call",
    "CallInfo",
    "CallRefused",
    "CloseStream",
    "ColorBars",
    "ConfigurationError",
    "Directory",
    "Handler",
    "HandlerError",
    "Interrupted",
    "Interruption",
    "LocalProtocolError",
    "Message",
    "MissingExtraError",
    "Output",
    "PauseDetectionModel",
    "ProtocolError",
    "Recorder",
    "RemoteProtocolError",
    "ReplyOnPause",
    "ReplyOnStopWords",
    "Request",
    "SessionClosed",
    "SileroVadOptions",
    "SoundQuality",
    "SpeakerEncoder",
    "Speech",
    "SpeechToText",
    "Stream",
    "StreamHandler",
    "Tone",
    "Transcript",
    "UnknownCall",
    "VideoEmitType",
    "VideoFrame",
    "VideoStreamHandler",
    "VoiceActivityDetector",
    "VoiceActivityModel",
    "WebRTCError",
    "aggregate_bytes_to_16bit",
    "async_aggregate_bytes_to_16bit",
    "audio_to_bytes",
    "audio_to_file",
    "audio_to_float32",
    "audio_to_int16",
    "cloudflare_turn",
    "connect",
    "echo",
    "get_current_context",
    "get_silero_model",
    "mirror",
    "rest_turn",
    "speech_endpoint",
    "speech_summary",
    "speech_to_text",
    "turn_credentials",
    "twilio_turn",
    "voice_verify",
    "wait_for_item",
)
