"""The few places where this package reaches behind aiortc's public face, each checked before use.

aiortc's receive buffer holds sound back for 80 ms, and for 280 ms after one lost packet; its queues
have no bound. What is put in their place goes through the attributes named here. When a version of
aiortc has moved one, calls go on by aiortc's own path, with a warning.
"""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable
from typing import Any, Protocol

from aiortc import RTCIceTransport, RTCPeerConnection, RTCRtpReceiver

__all__ = (
    "BoundedDecoderQueue",
    "ReceiveBuffer",
    "RtpPacket",
    "bound_decoder",
    "hear_stun",
    "overrun",
    "take_packets",
)

log = logging.getLogger("antiphon")

JITTER_BUFFER = "_RTCRtpReceiver__jitter_buffer"
DECODER_QUEUE = "_RTCRtpReceiver__decoder_queue"
DECODER_ERROR = "_RTCRtpReceiver__decoder_error"
RECEIVE_WINDOW = "_advertised_rwnd"
MAX_OVERRUN = 1024 * 1024  # bytes beyond the window of 1 MiB: a window in flight is no ill will
MAX_UNDECODED = 60  # encoded pictures: two seconds at 30 a second

_told: set[str] = set()


class RtpPacket(Protocol):
    """What is used of `aiortc.rtp.RtpPacket`: all of it public."""

    sequence_number: int
    timestamp: int
    payload: bytes


class ReceiveBuffer(Protocol):
    """What aiortc asks of its receive buffer."""

    def add(self, packet: RtpPacket) -> tuple[bool, None]:
        """Take one RTP packet; (whether to ask for a key frame, a whole frame to decode)."""
        ...


def take_packets(receiver: RTCRtpReceiver, buffer: ReceiveBuffer) -> bool:
    """Lead a receiver's RTP packets to `buffer` instead of aiortc's decoder, whose thread then ends
    at once. Before the first packet; False when this aiortc cannot.
    """
    if not (
        callable(getattr(getattr(receiver, JITTER_BUFFER, None), "add", None))
        and isinstance(getattr(receiver, DECODER_QUEUE, None), queue.Queue)
    ):
        return _moved("sound is received by aiortc's own buffer: up to 280 ms late")
    setattr(receiver, JITTER_BUFFER, buffer)
    getattr(receiver, DECODER_QUEUE).put(None)
    return True


def bound_decoder(receiver: RTCRtpReceiver) -> bool:
    """Give a video receiver's decoder a queue with a bound. Before the first packet; False when
    this aiortc cannot.
    """
    error = getattr(receiver, DECODER_ERROR, None)
    if not (
        isinstance(getattr(receiver, DECODER_QUEUE, None), queue.Queue)
        and isinstance(error, threading.Event)
    ):
        return _moved("encoded pictures wait without a bound when they come too fast")
    setattr(receiver, DECODER_QUEUE, BoundedDecoderQueue(error))
    return True


class BoundedDecoderQueue(queue.Queue[Any]):
    """Encoded pictures on their way to the decoder's thread. When it is too slow, those that come
    are dropped, and aiortc is told of an error: it then asks the sender for a key frame.
    """

    def __init__(self, error: threading.Event) -> None:
        super().__init__()
        self._error = error
        self.dropped = 0
        """Encoded pictures that found no place."""

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        if item is None:
            # The end: aiortc's stop waits on the event loop for what is still to be decoded.
            with self.mutex:
                self.queue.clear()
        elif self.qsize() >= MAX_UNDECODED:
            self.dropped += 1
            self._error.set()
            return
        super().put(item, block, timeout)


def hear_stun(transport: RTCIceTransport, heard: Callable[[], None]) -> bool:
    """Have `heard` called for every connectivity and consent check of the peer (RFC 7675: one in
    five seconds). False when this aiortc cannot.
    """
    connection = getattr(transport, "_connection", None)
    received = getattr(connection, "request_received", None)
    if not callable(received):
        return _moved("a peer that vanishes is noticed after 30 s and more")

    def hear(*args: Any) -> None:
        heard()
        received(*args)

    setattr(connection, "request_received", hear)  # noqa: B010 - not an attribute that types know
    return True


def overrun(connection: RTCPeerConnection) -> bool:
    """Whether the peer sends on, in parts of messages that never become whole, though it was told
    that there is no room (RFC 9260 section 6.2); aiortc keeps all of it.
    """
    room = getattr(connection.sctp, RECEIVE_WINDOW, 0)
    return isinstance(room, int) and room < -MAX_OVERRUN


def _counts_room(connection: RTCPeerConnection) -> bool:
    if isinstance(getattr(connection.sctp, RECEIVE_WINDOW, None), int):
        return True
    return _moved("parts of messages that never become whole are kept without a bound")


def _moved(effect: str) -> bool:
    if effect not in _told:
        _told.add(effect)
        log.warning("this version of aiortc has changed inside: %s", effect)
    return False


async def check() -> bool:
    """Try all hooks once on a peer connection without a peer; warns of those that do not fit."""
    connection = RTCPeerConnection()
    try:
        sound, pictures = (connection.addTransceiver(kind).receiver for kind in ("audio", "video"))
        ice = sound.transport.transport
        fits = [take_packets(sound, _Nothing()), bound_decoder(pictures)]
        fits.append(hear_stun(ice, asyncio.Event().set))
        connection.createDataChannel("")
        fits.append(_counts_room(connection))
        return all(fits)
    finally:
        await connection.close()


class _Nothing:
    def add(self, packet: RtpPacket) -> tuple[bool, None]:
        return False, None
