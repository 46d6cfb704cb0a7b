"""Every wire message as a tagged record, with decoders and encoders made once.

A client names its messages by `event`; a server names media and control by `event`, what it tells
by `type`, and a refusal by `status`. The field and tag names are the wire's.
"""

from typing import Any, cast

import msgspec
from msgspec import UNSET, UnsetType, field

__all__ = (
    "Clear",
    "ClientMessage",
    "EndStream",
    "ErrorNotice",
    "FetchOutput",
    "Input",
    "Log",
    "Mark",
    "MarkBody",
    "Media",
    "MediaBody",
    "MediaFormat",
    "Ping",
    "Pong",
    "Refused",
    "SendInput",
    "ServerMessage",
    "Start",
    "Started",
    "Stop",
    "StopWord",
    "ToClient",
    "ToServer",
    "WarningNotice",
    "WireMessage",
    "failure_text",
    "tag_of",
)


class MediaFormat(msgspec.Struct, frozen=True):
    """How audio travels in both directions."""

    encoding: str
    """`audio/x-mulaw`, `audio/x-alaw` or `audio/pcm` (int16 little-endian)."""
    sample_rate: int
    """Hz."""


class MediaBody(msgspec.Struct, frozen=True, gc=False):
    """What `media` holds."""

    payload: bytes
    """Encoded audio; base64 on the wire."""


class MarkBody(msgspec.Struct, frozen=True, gc=False):
    """What `mark` holds."""

    name: str
    """Chosen by the server; the answer repeats it."""


class Media(msgspec.Struct, frozen=True, gc=False, tag_field="event", tag="media"):
    """Audio, in either direction."""

    media: MediaBody


class Mark(msgspec.Struct, frozen=True, gc=False, tag_field="event", tag="mark"):
    """From the server: answer when played up to here. From the client: it was, or was cleared."""

    mark: MarkBody


class Start(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="event", tag="start"):
    """Opens the call."""

    websocket_id: str | int | float | UnsetType = UNSET
    """Chosen by the client: 1 to 128 printable ASCII characters; a number is taken as its text."""
    webrtc_id: str | int | float | UnsetType = UNSET
    """An alias of `websocket_id`."""
    media_format: MediaFormat | None = None
    """Without it: mu-law at the handler's rates, and no marks."""
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])
    """For the handler, as are all fields that this table does not name."""
    inputs: Any = None
    """The first inputs, as `data` of an `input` has them."""


class Input(msgspec.Struct, frozen=True, tag_field="event", tag="input"):
    """Inputs for the handler's next call; a list gives positional values."""

    data: Any


class ToServer(msgspec.Struct, frozen=True, tag_field="event", tag="message"):
    """Anything the client's application wants to tell the handler."""

    data: Any


class Ping(msgspec.Struct, frozen=True, gc=False, tag_field="event", tag="ping"):
    """Asks for a `pong`; allowed before `start`."""


class Stop(msgspec.Struct, frozen=True, gc=False, tag_field="event", tag="stop"):
    """Ends the call."""


class Started(msgspec.Struct, frozen=True, tag_field="event", tag="started"):
    """Answers a `start` that named a media format."""

    media_format: MediaFormat
    token: str
    """128 random bits, URL-safe base64: proves that a later request is about this call."""


class Pong(msgspec.Struct, frozen=True, gc=False, tag_field="event", tag="pong"):
    """Answers a `ping`."""


class Clear(msgspec.Struct, frozen=True, gc=False, tag_field="event", tag="clear"):
    """Drop what you have buffered: an interruption."""


class SendInput(msgspec.Struct, frozen=True, tag_field="type", tag="send_input"):
    """The handler wants inputs."""

    data: Any = field(default_factory=list[Any])


class FetchOutput(msgspec.Struct, frozen=True, tag_field="type", tag="fetch_output"):
    """An output is ready."""

    data: Any = field(default_factory=list[Any])


class StopWord(msgspec.Struct, frozen=True, tag_field="type", tag="stopword"):
    """The stop word was heard."""

    data: Any = ""


class Log(msgspec.Struct, frozen=True, tag_field="type", tag="log"):
    """`started_talking`, `pause_detected`, `response_starting`, or any text worth telling."""

    data: Any


class ErrorNotice(msgspec.Struct, frozen=True, tag_field="type", tag="error"):
    """Something failed. Both keys: the documents say `data`, deployed clients read `message`."""

    data: Any
    message: Any = ""


class WarningNotice(msgspec.Struct, frozen=True, tag_field="type", tag="warning"):
    """Something is not as it should be; the call goes on. Keys as in `ErrorNotice`."""

    data: Any
    message: Any = ""


class EndStream(msgspec.Struct, frozen=True, tag_field="type", tag="end_stream"):
    """The server is about to close."""

    data: Any = ""


class ToClient(msgspec.Struct, frozen=True, tag_field="type", tag="message"):
    """Anything the handler wants to tell the client's application."""

    data: Any


class Refused(msgspec.Struct, frozen=True, tag_field="status", tag="failed"):
    """The call is refused; `meta` is the refusal's body, the same as over HTTP."""

    meta: dict[str, Any]


ClientMessage = Start | Media | Mark | Input | ToServer | Ping | Stop
"""What a client sends."""

ServerMessage = (
    Media
    | Mark
    | Started
    | Pong
    | Clear
    | SendInput
    | FetchOutput
    | StopWord
    | Log
    | ErrorNotice
    | WarningNotice
    | EndStream
    | ToClient
    | Refused
)
"""What a server sends."""

WireMessage = ClientMessage | ServerMessage


def tag_of(message_type: type[Any]) -> str:
    """The name on the wire of one of the types above."""
    return str(message_type.__struct_config__.tag)


def failure_text(error: BaseException) -> str:
    """What a client is told of an exception: its text, or the name of its type when it has none; of
    a group, as task groups raise it, what its first exception says.
    """
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    # Lone surrogates, as of a file name that is no UTF-8, have no place in a message.
    return (str(error) or type(error).__name__).encode("utf-8", "replace").decode()
