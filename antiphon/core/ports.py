"""What the parts of the package ask of each other, as protocols."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Protocol

import msgspec

from .audio.frames import AudioFrame, Samples
from .events import Message
from .playout import Interruption
from .ring import Position
from .signaling import Refusal
from .video import Pixels, VideoFrame

__all__ = (
    "Call",
    "CallInfo",
    "Command",
    "Directory",
    "Handler",
    "HangUp",
    "Link",
    "Output",
    "SetInputs",
    "SoundQuality",
    "Tracks",
    "positional",
)


class Link(Protocol):
    """What a transport supplies to the driver of one call. None of its methods waits."""

    @property
    def peer(self) -> str:
        """Who is at the other end, for logs: `127.0.0.1:40312`."""
        ...

    @property
    def writable(self) -> bool:
        """Whether more may be sent now; the link calls the driver's `resumed` when it may again."""
        ...

    def send_text(self, payload: bytes) -> None:
        """Send one whole message of UTF-8 text."""
        ...

    def send_binary(self, payload: bytes) -> None:
        """Send one whole binary message."""
        ...

    def ping(self) -> None:
        """Ask the peer for a sign of life; does nothing where the transport has no such thing."""
        ...

    def close(self, code: int, reason: str) -> None:
        """Send what is left, then close. Called once."""
        ...


class SoundQuality(msgspec.Struct, frozen=True, kw_only=True):
    """What the network has done to the sound that came over a track."""

    packets: int
    """That came, of every kind."""
    lost: int
    """Packets that were given up."""
    concealed: float
    """Seconds of sound made up in their place."""
    jitter: float
    """Seconds; RFC 3550 section 6.4.1."""


class Tracks(Protocol):
    """What a link has beside its messages when it carries media of its own. None of its methods
    waits; the link calls the driver's `resumed` when `video_ready` has become true.
    """

    def send_audio(self, pcm: bytes) -> None:
        """Play int16 mono PCM at the agreed rate: at most 60 ms, at most the lead ahead of time."""
        ...

    def clear_audio(self) -> None:
        """Forget the sound that has not left."""
        ...

    @property
    def pending_audio(self) -> float:
        """Seconds of sound given and not yet left."""
        ...

    @property
    def sound_quality(self) -> SoundQuality | None:
        """Of the sound received so far; None where nobody counts."""
        ...

    @property
    def carries_video(self) -> bool:
        """Whether pictures travel in this call, one way or both."""
        ...

    @property
    def video_ready(self) -> bool:
        """Whether one more picture may be given."""
        ...

    def send_video(self, frame: VideoFrame) -> None:
        """Show a picture."""
        ...


class Call(Protocol):
    """One live call, as a handler or a client's program sees it; the same on every transport."""

    @property
    def id(self) -> str:
        """The id that the client chose."""
        ...

    @property
    def transport(self) -> str:
        """`memory`, `websocket`, `http` or `webrtc`."""
        ...

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What the client sent with its start."""
        ...

    @property
    def principal(self) -> Any:
        """What `authorize` returned for the client's request; None without it."""
        ...

    @property
    def sample_rate(self) -> int:
        """Hz: the rate of the frames in `audio`."""
        ...

    @property
    def inputs(self) -> tuple[Any, ...]:
        """The newest inputs, positional; empty until there are any."""
        ...

    @property
    def audio(self) -> AsyncIterator[AudioFrame]:
        """Sound from the peer as it comes. One reader at a time (anyio.BusyResourceError).

        When its reader is late, sound older than 300 ms is dropped and counted in `dropped_frames`.
        """
        ...

    @property
    def video(self) -> AsyncIterator[VideoFrame]:
        """Pictures from the peer as they come. One reader at a time.

        When its reader is late, all but the newest four are dropped and counted in
        `dropped_pictures`.
        """
        ...

    @property
    def messages(self) -> AsyncIterator[Message]:
        """What the peer tells. One reader at a time; of more than 256 the oldest is dropped."""
        ...

    @property
    def dropped_frames(self) -> int:
        """Frames of received sound that nobody took in time."""
        ...

    @property
    def dropped_pictures(self) -> int:
        """Received pictures that nobody took in time."""
        ...

    @property
    def carries_video(self) -> bool:
        """Whether pictures travel in this call, one way or both."""
        ...

    @property
    def sound_quality(self) -> SoundQuality | None:
        """What the network has done to the received sound; None where the transport repairs it
        (WebSocket, HTTP, memory), and where nobody counts.
        """
        ...

    def send_audio(self, audio: AudioFrame | tuple[int, Samples]) -> Awaitable[None]:
        """Play sound to the peer: a frame, or (sample rate in Hz, array).

        Arrays are int16, int32 or float (full scale 1.0, clipped), of shape (n,), (1, n), (n, 1) or
        stereo (2, n). Waits while the peer is 200 ms behind. Raises SessionClosed after the end.
        """
        ...

    async def send_video(self, picture: VideoFrame | Pixels) -> None:
        """Show the peer a picture: a frame, or a uint8 array of shape (height, width, 3), BGR, both
        sides even. Waits while the one before it is not yet taken by the encoder. Raises
        SessionClosed after the end, LocalProtocolError in a call without video.
        """
        ...

    async def send(self, data: Any) -> None:
        """Tell the peer anything that JSON can hold. Raises TypeError when it cannot."""
        ...

    async def log(self, text: str) -> None:
        """Tell the client a log message."""
        ...

    async def error(self, text: str) -> None:
        """Tell the client that something failed; the call goes on."""
        ...

    async def warning(self, text: str) -> None:
        """Tell the client that something is not as it should be."""
        ...

    async def stopword(self) -> None:
        """Tell the client that a stop word was heard."""
        ...

    async def output(self, *values: Any) -> None:
        """Publish an output of the handler and tell the client that it can be fetched."""
        ...

    async def wait_for_inputs(self, timeout: float = 60.0) -> tuple[Any, ...]:
        """Ask the client for inputs and wait for them. Raises TimeoutError."""
        ...

    @property
    def given(self) -> float:
        """Seconds of sound that this end has given to play since the first of the call: what waits
        here counts too, what interruptions dropped does not, nor do pauses.
        """
        ...

    @property
    def heard(self) -> float:
        """Seconds of `given` that the peer's listener has heard by now, as well as this end can
        know: it never falls, and never exceeds `given`. A note of `given` before a sentence is sent
        tells later whether the sentence was reached.
        """
        ...

    def mark(self) -> None:
        """Ask the client to tell when it has played the sound given so far, which makes `heard`
        true to it. Does nothing where the client answers no marks, and while 64 are unanswered.
        """
        ...

    def interrupt(self) -> Interruption:
        """Drop all sound that the peer has not heard yet, here and there. `heard` and `given` are
        then both what the interruption tells as heard.
        """
        ...

    async def drain(self) -> None:
        """Wait until the peer has played all that was sent, as far as this end knows (`heard`): at
        most two seconds longer than the sound takes. In memory, where nothing is paced, at once.
        """
        ...

    async def hang_up(self, reason: str = "") -> None:
        """End the call after the sound that was given is sent; the client is told `reason`."""
        ...

    async def send_inputs(self, *values: Any) -> None:
        """Client: give the handler inputs, positional; also when it asked by `send_input`."""
        ...

    async def ping(self) -> float:
        """Client: the round trip to the server and back, in seconds."""
        ...


Handler = Callable[[Call], Awaitable[None]]
"""What runs in a call: returning ends it, cancellation is the peer leaving."""


class Output(msgspec.Struct, frozen=True, eq=False):
    """One output of a handler."""

    args: tuple[Any, ...]
    position: Position | None = None
    """Its place among the outputs of its call, once it is published: as text `<epoch>-<offset>`."""

    @property
    def value(self) -> Any:
        """As JSON shows it: the value, or a list when there are several."""
        return self.args[0] if len(self.args) == 1 else list(self.args)


class CallInfo(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One live call, as a directory lists it."""

    id: str
    transport: str
    peer: str
    token: str
    """Proves that a request is about this call; never logged."""
    started: float
    """Seconds since the epoch."""
    metadata: Mapping[str, Any]
    principal: Any = None


def positional(data: Any) -> tuple[Any, ...]:
    """Inputs as positional values: a list gives them all, anything else is one value."""
    match data:
        case [*values]:
            return tuple(values)
        case _:
            return (data,)


class SetInputs(msgspec.Struct, frozen=True, eq=False):
    """Give the handler inputs for its next call."""

    values: tuple[Any, ...]


class HangUp(msgspec.Struct, frozen=True):
    """End the call; the client is told `reason`."""

    reason: str


Command = SetInputs | HangUp
"""What may be asked of whoever runs a call."""


class Directory(Protocol):
    """Where live calls are registered, so that any request, on any transport, finds them."""

    @property
    def slots(self) -> int:
        """Slots that are taken now."""
        ...

    async def claim(
        self, call: CallInfo, limit: int | None, run: Callable[[Command], None]
    ) -> Refusal | None:
        """Take a slot and the id for a call, at once or not at all; None means taken.

        `run` carries out the commands that come for the call, on the event loop that claimed it.
        """
        ...

    async def release(self, call_id: str) -> None:
        """Give slot and id back; its outputs end after what is there. Once per successful claim."""
        ...

    def calls(self) -> list[CallInfo]:
        """The live calls, oldest first."""
        ...

    def look_up(self, call_id: str) -> CallInfo | None:
        """The live call with this id."""
        ...

    def command(self, call_id: str, command: Command) -> None:
        """Ask whoever runs the call; from any thread. Raises UnknownCall."""
        ...

    def publish(self, call_id: str, output: Output) -> Position:
        """Add an output, which gets its position. Raises UnknownCall."""
        ...

    def newest(self, call_id: str) -> Output | None:
        """The newest output, None before the first. Raises UnknownCall."""
        ...

    def subscribe(
        self, call_id: str, after: Position | None = None
    ) -> AsyncIterator[tuple[Position, Output]]:
        """All outputs after a position (None: all of the newest 256), then those to come, until the
        call ends. Raises UnknownCall at once, not at the first item. To cancel the wait for an item
        loses nothing: the next one asked for is the one that was waited for.
        """
        ...
