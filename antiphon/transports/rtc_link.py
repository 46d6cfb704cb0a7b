"""One peer connection as a link: messages on a data channel, sound and pictures on tracks."""

import asyncio
import logging
import sys
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

import anyio
from aiortc import (
    RTCDataChannel,
    RTCIceCandidate,
    RTCIceTransport,
    RTCPeerConnection,
    RTCRtpSender,
)
from aiortc.exceptions import InvalidStateError
from aiortc.mediastreams import MediaStreamTrack

from ..core.errors import RemoteProtocolError
from ..core.ports import SoundQuality
from ..core.video import VideoFrame
from ..core.wire import Kind, close_payload
from .driver import Driver
from .rtc_hooks import bound_decoder, hear_stun, overrun, take_packets
from .rtc_pictures import PicturesOut, watch
from .rtc_sound import PlainSound, SoundIn, SoundOut, hear_plain

__all__ = ("KINDS", "RtcLink")

log = logging.getLogger("antiphon")

KINDS = {"audio": ("audio",), "video": ("video",), "audio-video": ("audio", "video")}
"""The kinds of tracks of each modality."""

WAITING = 256  # messages that wait for the data channel to open
BUFFERED = 256 * 1024  # bytes in the data channel before senders wait
LAST_WORDS = 0.5  # seconds for what is still in the data channel at the end
CONNECTING = 10.0  # seconds from offer to connection; docs/protocol.md, Limits


class RtcLink:
    """Implements `antiphon.core.ports.Link` and `Tracks` over an RTCPeerConnection.

    Set `driver` before anything comes. `tracks_rate` is the rate of the samples that sound comes
    in, Hz. `gone` is set when the connection is closed on this side too.
    """

    def __init__(self, connection: RTCPeerConnection, peer: str, tracks_rate: int) -> None:
        self.connection = connection
        self.driver: Driver
        self.connected = anyio.Event()
        """Set when media can flow; at the end of the call too, so that nobody waits for ever."""
        self.gone = anyio.Event()
        self._peer = peer
        self._rate = tracks_rate
        self._channel: RTCDataChannel | None = None
        self._waiting: deque[str | bytes] = deque(maxlen=WAITING)
        self._sound: SoundOut | PlainSound | None = None
        self._pictures: PicturesOut | None = None
        self._sound_in: SoundIn | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._crowded = False
        self._watching = False
        self._closing = False
        self._expiry: asyncio.TimerHandle | None = None
        self._speakable = anyio.Event()
        self.opened = anyio.Event()
        """Set when the data channel opens; at the end too."""
        self.over: Callable[[], None] = lambda: None
        """Called with `gone`."""
        self.ends_with_channel = False
        """Whether the call is over when the peer closes the data channel."""
        self.plays_out = False
        """Whether a peer hears the end of the sound before this end hangs up."""
        self.max_message = sys.maxsize
        """Bytes of one message from the peer."""
        connection.on("connectionstatechange", self._state_changed)
        connection.on("datachannel", self.use_channel)
        connection.on("track", self._track_came)

    @property
    def peer(self) -> str:
        return self._peer

    @property
    def writable(self) -> bool:
        return self._channel is None or self._channel.bufferedAmount < BUFFERED

    def send_text(self, payload: bytes) -> None:
        self._send(payload.decode())

    def send_binary(self, payload: bytes) -> None:
        self._send(payload)

    def ping(self) -> None:
        """The peer is not asked: its consent checks show that it is there. Where they are not
        heard, the peer connection itself must notice that it is gone.
        """
        self._check_overrun()
        if not self._watching:
            self._sign_of_life()

    def close(self, code: int, reason: str) -> None:
        if not self._closing:
            self._closing = True
            self.connected.set()
            self.opened.set()
            self._spawn(self._shut())

    def send_audio(self, pcm: bytes) -> None:
        if self._sound is not None:
            self._sound.put(pcm)

    def clear_audio(self) -> None:
        if self._sound is not None:
            self._sound.clear()

    @property
    def pending_audio(self) -> float:
        return 0.0 if self._sound is None else self._sound.pending

    @property
    def sound_quality(self) -> SoundQuality | None:
        return None if self._sound_in is None else self._sound_in.quality

    @property
    def carries_video(self) -> bool:
        each = self.connection.getTransceivers()
        return any(one.kind == "video" and one.currentDirection != "inactive" for one in each)

    @property
    def video_ready(self) -> bool:
        return self._pictures is None or self._pictures.ready

    def send_video(self, frame: VideoFrame) -> None:
        if self._pictures is not None:
            self._pictures.show(frame)

    def add_transceiver(self, kind: str, direction: str, sound_rate: int, opus: bool) -> None:
        """Media of one kind, before the descriptions. Sound goes out as int16 PCM of `sound_rate`;
        with `opus` it is agreed on alone, so that no packet of another codec comes.
        """
        track: MediaStreamTrack | str = kind
        if direction != "recvonly":
            track = self._sound_out(sound_rate, opus) if kind == "audio" else self._pictures_out()
        transceiver = self.connection.addTransceiver(track, direction)
        if kind == "audio" and opus:
            codecs = RTCRtpSender.getCapabilities(kind).codecs
            transceiver.setCodecPreferences([c for c in codecs if c.mimeType == "audio/opus"])

    def _sound_out(self, sample_rate: int, opus: bool) -> MediaStreamTrack:
        self._sound = SoundOut(sample_rate) if opus else PlainSound(sample_rate)
        return self._sound

    def _pictures_out(self) -> MediaStreamTrack:
        self._pictures = PicturesOut(lambda: self.driver.resumed())
        return self._pictures

    def use_channel(self, channel: RTCDataChannel) -> None:
        """Take a data channel for messages, whatever its label; there is one, others are closed."""
        if self._channel is not None:
            channel.close()
            return
        self._channel = channel
        channel.bufferedAmountLowThreshold = BUFFERED // 2
        channel.on("message", self._message_came)
        channel.on("bufferedamountlow", self._room_again)
        channel.on("open", self._channel_opened)
        channel.on("close", self._channel_closed)
        if channel.readyState == "open":
            self._channel_opened()

    def _send(self, data: str | bytes) -> None:
        channel = self._channel
        if channel is None or channel.readyState == "connecting":
            self._wait_for_channel(data)
            return
        try:
            channel.send(data)
        except InvalidStateError:
            log.debug("%s: a message found its data channel closed", self._peer)
        except ValueError as error:
            log.warning("%s: a message is not sent: %s", self._peer, error)

    def _wait_for_channel(self, data: str | bytes) -> None:
        if len(self._waiting) == WAITING and not self._crowded:
            self._crowded = True
            text = "%s: %d messages wait for the data channel to open: the oldest are dropped"
            log.warning(text, self._peer, WAITING)
        self._waiting.append(data)

    def _channel_opened(self) -> None:
        while self._waiting:
            self._send(self._waiting.popleft())
        self._speakable.set()
        self.opened.set()

    def _channel_closed(self) -> None:
        if self.ends_with_channel and not self._closing:
            self.driver.feed(Kind.CLOSE, close_payload(1000), self._now())

    def _message_came(self, data: str | bytes) -> None:
        self._check_overrun()
        kind = Kind.BINARY if isinstance(data, bytes) else Kind.TEXT
        payload = data if isinstance(data, bytes) else data.encode("utf-8", "replace")
        if len(payload) > self.max_message:
            bound = f"a message has at most {self.max_message} bytes"
            self.driver.broken(RemoteProtocolError(bound, 1009))
        elif payload != b"handshake":  # deployed pages say this bare word when the channel opens
            self.driver.feed(kind, payload, self._now())

    def _room_again(self) -> None:
        self.driver.resumed()

    def _track_came(self, track: MediaStreamTrack) -> None:
        receiver = next(
            transceiver.receiver
            for transceiver in self.connection.getTransceivers()
            if transceiver.receiver.track is track
        )
        if track.kind == "video":
            bound_decoder(receiver)
            self._spawn(watch(track, self._picture_came))
            return
        if isinstance(self._sound, PlainSound):
            self._spawn(hear_plain(track, self._rate, self._sound_came))
            return
        sound = SoundIn(self._rate, self._sound_came)
        if take_packets(receiver, sound):
            self._sound_in = sound
        else:
            self._spawn(hear_plain(track, self._rate, self._sound_came))

    def _sound_came(self, pcm: bytes) -> None:
        self.driver.feed(Kind.AUDIO, pcm, self._now())

    def _picture_came(self, frame: VideoFrame) -> None:
        self.driver.feed_video(frame, self._now())

    def expect_peer(self) -> None:
        """From now on a peer that does not come, or vanishes, is noticed; once both descriptions
        are there. Tracks that the answer has no direction for fall silent.
        """
        for transceiver in self.connection.getTransceivers():
            if transceiver.currentDirection not in ("sendrecv", "sendonly"):
                if transceiver.kind == "audio":
                    self._sound = None
                else:
                    self._pictures = None
        if not self.connected.is_set():
            reason = f"no connection within {CONNECTING:g} s"
            loop = asyncio.get_running_loop()
            self._expiry = loop.call_later(CONNECTING, self.lost, reason)
        for ice in self._ice_transports():
            self._watching = hear_stun(ice, self._sign_of_life) or self._watching

    def add_candidate(self, candidate: RTCIceCandidate) -> None:
        """Try one more way to the peer; a name is looked up meanwhile."""
        self._spawn(self.connection.addIceCandidate(candidate))

    def _ice_transports(self) -> set[RTCIceTransport]:
        connection = self.connection
        transports = {each.receiver.transport for each in connection.getTransceivers()}
        if connection.sctp is not None:
            transports.add(connection.sctp.transport)
        return {transport.transport for transport in transports}

    def _sign_of_life(self) -> None:
        self._check_overrun()
        self.driver.feed(Kind.PONG, b"", self._now())

    def _check_overrun(self) -> None:
        if overrun(self.connection) and not self._closing:
            text = "parts of messages that are never whole fill the data channel"
            self.driver.broken(RemoteProtocolError(text, 1009))

    def _state_changed(self) -> None:
        match self.connection.connectionState:
            case "connected":
                self.connected.set()
                self._unexpect()
                self.driver.linked()
            case "failed" | "closed" as state:
                self.lost(f"the peer connection is {state}")
            case _:
                pass

    def lost(self, reason: str) -> None:
        """The connection is gone, or was never there."""
        driver: Driver | None = getattr(self, "driver", None)
        if driver is not None:
            driver.lost(reason)
        self.close(1006, reason)

    def _unexpect(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None

    async def _shut(self) -> None:
        """Say the last words, then close all. A channel is closed after what was sent on it (W3C
        WebRTC section 6.2.4); the connection would not wait.
        """
        self._unexpect()
        if self._sound_in is not None:
            self._sound_in.close()
        if self._is_heard():
            await self._say_what_waits()
            await self._close_channel()
        try:
            await self.connection.close()
        finally:
            for track in (self._sound, self._pictures):
                if track is not None:
                    track.stop()
            self.gone.set()
            self.over()

    def _is_heard(self) -> bool:
        """Whether there is somebody to say goodbye to. aiortc goes on saying it to one who has
        vanished, into a transport that is closed by then.
        """
        closed = self.driver.closed
        vanished = closed is not None and closed.remote and closed.code != 1000
        return self.connection.connectionState == "connected" and not vanished

    async def _close_channel(self) -> None:
        channel = self._channel
        if channel is not None and channel.readyState == "open":
            said = anyio.Event()
            channel.on("close", said.set)
            channel.close()
            with anyio.move_on_after(LAST_WORDS):
                await said.wait()

    async def _say_what_waits(self) -> None:
        """A call may be over before its channel is open, or before the listener has heard the end
        of its sound: they have a little time for that.
        """
        connection, closed = self.connection, self.driver.closed
        with anyio.move_on_after(LAST_WORDS):
            if self._waiting and connection.sctp is not None:
                await self._speakable.wait()
            in_order = closed is not None and closed.code == 1000 and not closed.remote
            if self._sound is not None and self.plays_out and in_order:
                await self._sound.played()

    def _spawn(self, step: Coroutine[Any, Any, None]) -> None:
        """A task of this connection; it ends by itself when the connection is closed."""
        task = asyncio.get_running_loop().create_task(step)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s: the peer connection failed", self._peer, exc_info=error)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
