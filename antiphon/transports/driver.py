"""The pump of one call, the same for every transport: a link, a session, a timer, a handler.

Push, not pull: the link hands whole messages to `feed`, a plain function. There is no reader,
writer or clock task; the only task of a call is its handler's.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from math import inf

import anyio

from ..core.audio.frames import AudioFrame
from ..core.errors import LocalProtocolError, RemoteProtocolError, SessionClosed
from ..core.events import AudioReceived, Closed, Event, MarkReached, Message, PlayoutReady
from ..core.messages import WarningNotice, WireMessage
from ..core.playout import Interruption
from ..core.ports import Link, SoundQuality, Tracks
from ..core.session import Session, SessionState
from ..core.video import VideoFrame
from ..core.wire import Kind
from .scheduler import scheduler
from .slot import Slot

__all__ = ("AUDIO_BACKLOG", "Driver")

log = logging.getLogger("antiphon")

AUDIO_BACKLOG = 0.3  # seconds: the bound of the queue is the worst lasting delay after a stall
VIDEO_BACKLOG = 4  # pictures of 1 MB and more each; live video is worth nothing late
MESSAGE_BACKLOG = 256

_TEXT, _BINARY, _PING, _AUDIO = Kind.TEXT, Kind.BINARY, Kind.PING, Kind.AUDIO


class Driver:
    """Runs a session over a link. `told` gets every event that is not audio, messages or pacing;
    `audio_backlog` seconds of sound wait for whoever reads it.

    Not thread-safe: everything happens on the event loop that made it.
    """

    def __init__(
        self,
        session: Session,
        link: Link,
        sample_rate: int,
        told: Callable[[Event], None],
        tracks: Tracks | None = None,
        audio_backlog: float = AUDIO_BACKLOG,
    ) -> None:
        self.session = session
        self.link = link
        self._tracks = tracks
        self.sample_rate = sample_rate
        self.audio: Slot[AudioFrame] = Slot(int(audio_backlog * sample_rate) * 2)
        self.video: Slot[VideoFrame] = Slot(VIDEO_BACKLOG)
        self.messages: Slot[Message] = Slot(MESSAGE_BACKLOG)
        self.closed: Closed | None = None
        """How the session ended."""
        self.failure: RemoteProtocolError | None = None
        """What the peer broke, when that ended the session."""
        self.paced = True
        """Whether the peer plays in real time, so that draining takes as long as the sound."""
        self._told = told
        self._time = asyncio.get_running_loop().time
        self._timers = scheduler()
        self._armed = inf
        self._timer_slot = 0
        self._gate: anyio.Event | None = None
        self._interruptions = 0
        self._touch()

    @property
    def carries_video(self) -> bool:
        """Whether pictures travel in this call."""
        return self._tracks is not None and self._tracks.carries_video

    @property
    def sound_quality(self) -> SoundQuality | None:
        """What the network has done to the received sound."""
        return None if self._tracks is None else self._tracks.sound_quality

    @property
    def given(self) -> float:
        """Seconds of sound given so far, less what interruptions dropped."""
        return self.session.given

    @property
    def heard(self) -> float:
        """Seconds of sound that the listener has heard by now."""
        return self.session.heard(self._time(), self._pending)

    @property
    def _pending(self) -> float:
        return 0.0 if self._tracks is None else self._tracks.pending_audio

    def mark(self) -> None:
        """Ask the client to tell when it has played the sound given so far."""
        self.session.ask_heard(self._time())
        self._flush()

    def feed(self, kind: Kind, payload: bytes, now: float) -> None:
        """One whole message from the wire. Never raises: a peer's error ends this call only."""
        try:
            events = self.session.receive(kind, payload, now)
        except RemoteProtocolError as error:
            self.failure = error
            self._act((Closed(error.code, error.reply, False),))
            return
        for event in events:
            if type(event) is AudioReceived:
                frame = event.frame
                self.audio.push(frame, len(frame.pcm))
            else:
                self._act((event,))
        if self.session.outbox or self.session.deadline() < self._armed:
            self._flush()

    def feed_video(self, frame: VideoFrame, now: float) -> None:
        """One picture from the peer."""
        self.session.stir(now)
        self.video.push(frame)

    def broken(self, error: RemoteProtocolError) -> None:
        """The peer broke the framing below the session."""
        self.failure = error
        self._act(self.session.fail(error))

    def resumed(self) -> None:
        """The link may be written to again."""
        self._open_gate()

    def lost(self, reason: str) -> None:
        """The link is gone."""
        self._act(self.session.receive_eof(reason, self._time()))

    def linked(self) -> None:
        """The link is open only now: the client's time for a start begins."""
        self.session.await_start(self._time())
        self._touch()

    def absent(self) -> None:
        """Nobody listens at the other end of the link."""
        if self.closed is not None:
            return  # a closed session is not to be woken: it would find nothing due, and spin
        self.session.absent(self._time())
        self._touch()

    def wake(self, now: float) -> None:
        """The session's deadline has come."""
        self._armed = inf
        self._act(self.session.advance(now))

    async def send_audio(self, frame: AudioFrame) -> None:
        """Play a frame; waits while the lead is used up or the link does not take more. What waits
        while an interruption comes is dropped by it as well.
        """
        session = self.session
        interruptions = self._interruptions
        while self.closed is None and not (session.ready and self.link.writable):
            await self._wait()
            if interruptions != self._interruptions:
                return
        try:
            left = session.send_audio(frame, self._time())
        except SessionClosed:
            raise self.over() from None
        self._flush()
        while not left and self.closed is None and not session.ready:
            await self._wait()

    async def send_video(self, frame: VideoFrame) -> None:
        """Show a picture; waits while the link does not take more."""
        tracks = self._tracks
        if tracks is None:
            raise LocalProtocolError("this call carries no video")
        if self.session.muted:
            raise LocalProtocolError("this stream's mode is 'send': only the client shows pictures")
        while self.closed is None and not tracks.video_ready:
            await self._wait()
        if self.closed is not None:
            raise self.over()
        self.session.stir(self._time())
        tracks.send_video(frame)

    async def send(self, message: WireMessage) -> None:
        """Say something; waits while the link does not take more."""
        while self.closed is None and not self.link.writable:
            await self._wait()
        self.send_nowait(message)

    def send_nowait(self, message: WireMessage) -> None:
        """Say something, however much waits in the link."""
        try:
            self.session.send(message, self._time())
        except SessionClosed:
            raise self.over() from None
        self._flush()

    def interrupt(self) -> Interruption:
        """Drop the sound that was not heard yet; whoever waits to send goes on."""
        interruption = self.session.interrupt(self._time(), self._pending)
        self._interruptions += 1
        self._flush()
        self._open_gate()
        return interruption

    async def drain(self) -> None:
        """Wait until the peer has played all that was sent, as far as this end knows; at most
        `PATIENCE` longer than a listener without delay needs.
        """
        self.session.flush(self._time())
        self._flush()
        while self.closed is None:
            left = self._unplayed() if self.session.ready else inf
            if left <= 0 or (left < inf and not self.paced):
                return
            with anyio.move_on_after(left):
                await self._wait()

    def act(self, step: Callable[[float], Sequence[Event]]) -> None:
        """Let the session take a step (`drain`, `end`, `refuse`, ...) and do what it says."""
        self._act(step(self._time()))

    async def wait_closed(self) -> None:
        """Wait until the session is closed."""
        while self.closed is None:
            await self._wait()

    def over(self) -> SessionClosed:
        """The error for whoever uses a call that has ended."""
        closed = self.closed
        return SessionClosed(closed.code, closed.reason) if closed else SessionClosed(1006, "")

    def _unplayed(self) -> float:
        now = self._time()
        return self.session.playout_end(now, self._pending) - now

    async def _wait(self) -> None:
        if self._gate is None:
            self._gate = anyio.Event()
        await self._gate.wait()

    def _open_gate(self) -> None:
        if self._gate is not None:
            gate, self._gate = self._gate, None
            gate.set()

    def _act(self, events: Sequence[Event]) -> None:
        closed: Closed | None = None
        for event in events:
            match event:
                case PlayoutReady() | MarkReached():
                    self._open_gate()
                case AudioReceived():
                    self.audio.push(event.frame, len(event.frame.pcm))
                case Message():
                    self._take_message(event)
                case Closed():
                    closed = event
                case _:
                    self._told(event)
        self._flush()
        if closed is not None and self.closed is None:
            self._end(closed)

    def _take_message(self, message: Message) -> None:
        if self.messages.full and not self.messages.dropped:
            text = f"{MESSAGE_BACKLOG} messages wait unread: the oldest are dropped"
            self._warn(text)
        self.messages.push(message)

    def _warn(self, text: str) -> None:
        if self.session.state is not SessionState.CLOSED:
            self.session.send(WarningNotice(text, text), self._time())

    def _flush(self) -> None:
        session = self.session
        if session.outbox:
            link = self.link
            for kind, payload in session.data_to_send():
                if kind is _TEXT:
                    link.send_text(payload)
                elif kind is _BINARY:
                    link.send_binary(payload)
                elif kind is _PING:
                    link.ping()
                else:
                    self._on_track(kind, payload)
        if session.deadline() < self._armed:
            self._touch()

    def _on_track(self, kind: Kind, payload: bytes) -> None:
        assert self._tracks is not None, "a session with tracks has a link with tracks"
        if kind is _AUDIO:
            self._tracks.send_audio(payload)
        else:
            self._tracks.clear_audio()

    def _touch(self) -> None:
        deadline = self.session.deadline()
        if deadline >= self._armed:
            return
        if self._armed != inf:
            self._timers.cancel(self._timer_slot, self)
        self._armed = deadline
        self._timer_slot = self._timers.at(deadline, self)

    def _end(self, closed: Closed) -> None:
        self.closed = closed
        if self._armed != inf:
            self._timers.cancel(self._timer_slot, self)
            self._armed = inf
        self.audio.close()
        self.video.close()
        self.messages.close()
        self.link.close(closed.code, closed.reason)
        self._open_gate()
        self._told(closed)
