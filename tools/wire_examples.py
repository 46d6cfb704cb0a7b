"""One message of each type: the examples of the reference and of the AsyncAPI file."""

from typing import Any

from antiphon.core.dialects.browser import encode
from antiphon.core.messages import (
    Clear,
    EndStream,
    ErrorNotice,
    FetchOutput,
    Input,
    Log,
    Mark,
    MarkBody,
    Media,
    MediaBody,
    MediaFormat,
    Ping,
    Pong,
    Refused,
    SendInput,
    Start,
    Started,
    Stop,
    StopWord,
    ToClient,
    ToServer,
    WarningNotice,
    WireMessage,
)
from antiphon.core.signaling import Refusal

__all__ = ("EXAMPLES", "example_text")

_FORMAT = MediaFormat("audio/pcm", 24000)
_SAMPLES = MediaBody(bytes.fromhex("0000010002000300"))

EXAMPLES: dict[type[Any], WireMessage] = {
    type(message): message
    for message in (
        Start(websocket_id="kitchen-7", media_format=_FORMAT, metadata={"language": "en"}),
        Media(_SAMPLES),
        Mark(MarkBody("antiphon-3")),
        Input([0.5, "slowly"]),
        ToServer({"button": "repeat"}),
        Ping(),
        Stop(),
        Started(_FORMAT, "b64url-of-128-random-bits"),
        Pong(),
        Clear(),
        SendInput(),
        FetchOutput(),
        StopWord(),
        Log("pause_detected"),
        ErrorNotice("the recogniser failed", "the recogniser failed"),
        WarningNotice("the microphone is silent", "the microphone is silent"),
        EndStream("the call has ended"),
        ToClient({"speech_endpoint": 2.4}),
        Refused(Refusal(error="concurrency_limit_reached", limit=100).meta),
    )
}


def example_text(message_type: type[Any]) -> str:
    """The example as JSON text. Raises KeyError for a type that has none."""
    return encode(EXAMPLES[message_type]).decode()
