"""What a session tells its owner. Records only; none of them asks for a reply."""

from typing import Any

import msgspec

from .audio.frames import AudioFrame
from .messages import (
    EndStream,
    ErrorNotice,
    FetchOutput,
    Log,
    MediaFormat,
    SendInput,
    StopWord,
    ToClient,
    ToServer,
    WarningNotice,
    tag_of,
)
from .signaling import Refusal

__all__ = (
    "AudioReceived",
    "CallRefusedByServer",
    "CallRequested",
    "CallStarted",
    "Closed",
    "Event",
    "InputsReceived",
    "MarkReached",
    "Message",
    "PlayoutCleared",
    "PlayoutReady",
    "PongReceived",
    "Told",
    "told",
)


class AudioReceived(msgspec.Struct, frozen=True, gc=False, eq=False):
    """Sound from the peer, decoded, at the rate that this end listens at."""

    frame: AudioFrame


class CallRequested(msgspec.Struct, frozen=True):
    """Server: a client wants to open a call. Answer with `accept` or `refuse`."""

    call_id: str
    media_format: MediaFormat | None
    metadata: dict[str, Any]
    inputs: tuple[Any, ...] | None
    """Positional inputs sent with the start, None when there were none."""


class CallStarted(msgspec.Struct, frozen=True):
    """Client: the server has opened the call."""

    media_format: MediaFormat
    token: str


class CallRefusedByServer(msgspec.Struct, frozen=True):
    """Client: the server refused the call. `Closed` follows."""

    refusal: Refusal


class InputsReceived(msgspec.Struct, frozen=True):
    """Server: inputs for the handler's next call."""

    values: tuple[Any, ...]


class Message(msgspec.Struct, frozen=True):
    """What the other end tells: `type` is `message` for the application's own data; a client also
    hears `log`, `error`, `warning`, `send_input`, `fetch_output`, `stopword`, `clear` and
    `end_stream`.
    """

    type: str
    data: Any


class MarkReached(msgspec.Struct, frozen=True):
    """Server: the listener has played up to this mark, or dropped it."""

    name: str


class PongReceived(msgspec.Struct, frozen=True, gc=False):
    """Client: the answer to the oldest `ping` that had none."""


class PlayoutReady(msgspec.Struct, frozen=True, gc=False):
    """What waited to be sent has left: whoever waited to send more may go on."""


class PlayoutCleared(msgspec.Struct, frozen=True, gc=False):
    """Client: drop the sound that was received and not played yet."""


class Closed(msgspec.Struct, frozen=True):
    """The session is over; the link is to be closed with this code after what is left to send.

    `code` is a WebSocket close code whatever the transport (RFC 6455 section 7.4.1).
    """

    code: int
    reason: str
    remote: bool
    """Whether the peer ended it."""


Event = (
    AudioReceived
    | CallRequested
    | CallStarted
    | CallRefusedByServer
    | InputsReceived
    | Message
    | MarkReached
    | PongReceived
    | PlayoutReady
    | PlayoutCleared
    | Closed
)

Told = (
    ToServer
    | ToClient
    | Log
    | ErrorNotice
    | WarningNotice
    | SendInput
    | FetchOutput
    | StopWord
    | EndStream
)
"""What one end tells the other and the session itself does nothing about."""


def told(message: Told) -> Message:
    """As an event. Of an error's two keys the one that holds something counts."""
    data = message.data
    if isinstance(message, ErrorNotice | WarningNotice) and data in (None, ""):
        data = message.message
    return Message(tag_of(type(message)), data)
