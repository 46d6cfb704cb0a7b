"""What the two ends of a call agree on at its start: who asks, and how sound travels."""

from typing import Literal

import msgspec

from .audio.codecs import Codec, codec_for
from .audio.path import AudioDecoder
from .errors import LocalProtocolError, RemoteProtocolError
from .events import CallRequested
from .liveness import Timing
from .messages import MediaFormat, Start
from .outlet import Outlet
from .playout import LEAD
from .ports import positional
from .signaling import check_call_id
from .wire import Kind, Role

__all__ = (
    "HIGHEST_WIRE_RATE",
    "LOWEST_WIRE_RATE",
    "Agreement",
    "SessionConfig",
    "TrackRates",
    "agree_as_client",
    "agree_as_server",
    "agree_on_tracks",
    "read_start",
)

_DEFAULT_ENCODING = "audio/x-mulaw"
LOWEST_WIRE_RATE = 4_000  # Hz
HIGHEST_WIRE_RATE = 192_000
_WIRE_RATES = f"{LOWEST_WIRE_RATE} to {HIGHEST_WIRE_RATE} Hz"


class SessionConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What one end of a call is set up with."""

    input_sample_rate: int = 24000
    """Hz: the rate at which this end listens."""
    output_sample_rate: int = 24000
    """Hz: the rate on the wire out, when the client names no media format."""
    mode: Literal["send-receive", "send", "receive"] = "send-receive"
    """Who speaks, seen from the client."""
    lead: float = LEAD
    """Seconds of sound sent ahead of the listener at most; inf sends without pace."""
    binary: bool = True
    """Whether the link carries binary messages to the peer."""
    timing: Timing = Timing()

    def __post_init__(self) -> None:
        for rate in (self.input_sample_rate, self.output_sample_rate):
            if not LOWEST_WIRE_RATE <= rate <= HIGHEST_WIRE_RATE:
                raise ValueError(f"a sample rate is {_WIRE_RATES}, not {rate}")


class TrackRates(msgspec.Struct, frozen=True):
    """Hz: the rates of the PCM that a link with tracks gives, and takes."""

    received: int
    sent: int


class Agreement(msgspec.Struct, frozen=True, eq=False):
    """How sound travels in one call, seen from one end."""

    media_format: MediaFormat | None
    """What the client named; None when it named nothing."""
    bytes_per_sample: int
    """Of encoded audio."""
    decoder: AudioDecoder | None
    """The way in; None when this end does not listen."""
    outlet: Outlet
    """The way out."""


def read_start(start: Start) -> CallRequested:
    """What a client asks for. Raises RemoteProtocolError when its id is missing or illegal."""
    given = start.websocket_id if start.websocket_id is not msgspec.UNSET else start.webrtc_id
    if given is msgspec.UNSET:
        raise RemoteProtocolError("`start` needs a websocket_id", 1007)
    try:
        call_id = check_call_id(given)
    except ValueError as error:
        raise RemoteProtocolError(str(error), 1008) from error
    inputs = None if start.inputs is None else positional(start.inputs)
    return CallRequested(call_id, start.media_format, start.metadata, inputs)


def agree_as_server(wanted: MediaFormat | None, config: SessionConfig) -> Agreement:
    """What a server makes of a client's wish. Raises RemoteProtocolError (1008) when it serves no
    such format.
    """
    if wanted is None:
        codec = codec_for(_DEFAULT_ENCODING)
        rate_in, rate_out = config.input_sample_rate, config.output_sample_rate
    else:
        try:
            codec = _checked(wanted)
        except ValueError as error:
            raise RemoteProtocolError(str(error), 1008) from error
        rate_in = rate_out = wanted.sample_rate
    decoder = None
    if config.mode != "receive":
        decoder = AudioDecoder(codec, rate_in, config.input_sample_rate)
    outlet = Outlet(codec, rate_out, config.lead)
    return Agreement(wanted, codec.bytes_per_sample, decoder, outlet)


def agree_as_client(wanted: MediaFormat | None, config: SessionConfig) -> Agreement:
    """What a client sets itself up for. Raises LocalProtocolError when it names no media format,
    or one that does not exist.
    """
    if wanted is None:
        raise LocalProtocolError("a client of this package names its media format")
    try:
        codec = _checked(wanted)
    except ValueError as error:
        raise LocalProtocolError(str(error)) from error
    decoder = AudioDecoder(codec, wanted.sample_rate, wanted.sample_rate)
    outlet = Outlet(codec, wanted.sample_rate, config.lead)
    return Agreement(wanted, codec.bytes_per_sample, decoder, outlet)


def agree_on_tracks(role: Role, rates: TrackRates, config: SessionConfig) -> Agreement:
    """What an offer and its answer make of a call whose sound travels on tracks."""
    pcm = codec_for("audio/pcm")
    decoder = None
    if role is Role.CLIENT or config.mode != "receive":
        decoder = AudioDecoder(pcm, rates.received, config.input_sample_rate)
    outlet = Outlet(pcm, rates.sent, config.lead, Kind.AUDIO)
    return Agreement(None, pcm.bytes_per_sample, decoder, outlet)


def _checked(wanted: MediaFormat) -> Codec:
    if not LOWEST_WIRE_RATE <= wanted.sample_rate <= HIGHEST_WIRE_RATE:
        raise ValueError(f"media_format.sample_rate is {_WIRE_RATES}, not {wanted.sample_rate}")
    try:
        return codec_for(wanted.encoding)
    except ValueError as error:
        raise ValueError(f"media_format.encoding: {error}") from error
