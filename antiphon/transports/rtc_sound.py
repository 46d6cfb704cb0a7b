"""Sound over WebRTC: RTP packets to the session's samples, and back.

Both codecs run on the event loop (20-40 µs a frame), where a hop to a codec thread would cost
90 µs and the GIL: no task, no thread and no queue for what comes in; one waiting point, aiortc's
own sender, for what goes out.
"""

import asyncio
import fractions
import logging
from collections.abc import Callable
from math import inf
from typing import Any

import anyio
import av
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av.packet import Packet as EncodedPacket

from ..core.audio.jitter import JitterBuffer, Lost, Packet
from ..core.audio.track_clock import CLOCK_RATE, TrackClock
from ..core.ports import SoundQuality
from .opus import OPUS_RATES, opus_decoder, opus_encoder
from .rtc_hooks import RtpPacket
from .scheduler import scheduler

__all__ = ("PlainSound", "SoundIn", "SoundOut", "hear_plain", "opus_rate")

log = logging.getLogger("antiphon")

_TIME_BASE = fractions.Fraction(1, CLOCK_RATE)

Deliver = Callable[[bytes], None]


def opus_rate(sample_rate: int) -> int:
    """The rate at which Opus serves a handler of this rate: the same, or the next higher one."""
    return next(rate for rate in OPUS_RATES if rate >= min(sample_rate, OPUS_RATES[-1]))


class SoundIn:
    """RTP packets in, samples out, in order; takes the place of aiortc's receive buffer.

    What is lost is recovered from the packet behind it where that holds a copy, or concealed, so
    that no more than the lost packet is missing. `deliver` gets int16 PCM at `sample_rate`.
    """

    def __init__(self, sample_rate: int, deliver: Deliver) -> None:
        self._decoder = opus_decoder(sample_rate)
        self._buffer = JitterBuffer(CLOCK_RATE)
        self._ticks = CLOCK_RATE // sample_rate
        self._deliver = deliver
        self._time = asyncio.get_running_loop().time
        self._timers = scheduler()
        self._armed = inf
        self._timer_slot = 0
        self._closed = False
        self.undecodable = 0
        """Packets that hold no Opus."""

    @property
    def buffer(self) -> JitterBuffer:
        """The jitter buffer, for its counts."""
        return self._buffer

    @property
    def quality(self) -> SoundQuality:
        """What the network has done so far."""
        buffer = self._buffer
        return SoundQuality(
            packets=buffer.received,
            lost=buffer.lost,
            concealed=buffer.concealed_samples / CLOCK_RATE,
            jitter=buffer.jitter,
        )

    def add(self, packet: RtpPacket) -> tuple[bool, None]:
        """One RTP packet; aiortc itself gets nothing to decode."""
        if not self._closed:
            now = self._time()
            # A payload of RTP is an Opus packet as it is: RFC 7587 section 4.2.
            payload = packet.payload
            for item in self._buffer.push(packet.sequence_number, packet.timestamp, payload, now):
                self._play(item)
            self._arm()
        return False, None

    def wake(self, now: float) -> None:
        """The buffer's deadline has come."""
        self._armed = inf
        for item in self._buffer.advance(now):
            self._play(item)
        self._arm()

    def close(self) -> None:
        """No more packets."""
        self._closed = True
        if self._armed != inf:
            self._timers.cancel(self._timer_slot, self)
            self._armed = inf

    def _arm(self) -> None:
        deadline = self._buffer.deadline()
        if deadline < self._armed and not self._closed:
            if self._armed != inf:
                self._timers.cancel(self._timer_slot, self)
            self._armed = deadline
            self._timer_slot = self._timers.at(deadline, self)

    def _play(self, item: Packet | Lost) -> None:
        if isinstance(item, Packet):
            try:
                pcm = self._decoder.decode(item.payload)
            except ValueError as error:
                self.undecodable += 1
                if self.undecodable == 1:
                    log.info("a packet of sound cannot be decoded: %s", error)
                return
        else:
            pcm = self._replace(item)
        self._deliver(pcm)

    def _replace(self, lost: Lost) -> bytes:
        samples = lost.samples // self._ticks
        if lost.recovery is None:
            return self._decoder.conceal(samples)
        try:
            return self._decoder.recover(lost.recovery, samples)
        except ValueError:
            return self._decoder.conceal(samples)


class _Paced(MediaStreamTrack):
    """A track whose frames leave when its clock says; aiortc's sender waits in `recv`."""

    kind = "audio"

    def __init__(self, sample_rate: int) -> None:
        super().__init__()
        loop = asyncio.get_running_loop()
        self._time = loop.time
        self._sample_rate = sample_rate
        self._clock: TrackClock | None = None
        self._timers = scheduler()
        self._armed = inf
        self._timer_slot = 0
        self._waiter: asyncio.Future[None] | None = None
        self._leaving: anyio.Event | None = None  # set when what was given has left

    def put(self, pcm: bytes) -> None:
        """Give int16 PCM, paced. What is given before the sender has started waits for it; what is
        given after its end goes nowhere.
        """
        if self.readyState != "live":
            return
        if self._leaving is None:
            self._leaving = anyio.Event()
        self._started().put(pcm, self._time())
        self._wake()

    @property
    def pending(self) -> float:
        """Seconds of sound given and not yet taken by the sender."""
        return 0.0 if self._clock is None else self._clock.pending

    async def played(self) -> None:
        """Wait until all sound has left, and the silence behind it that pushes its end through the
        listener's buffer.
        """
        if self._leaving is not None:
            await self._leaving.wait()

    def clear(self) -> None:
        """Forget what has not left."""
        if self._clock is not None:
            self._clock.clear()
            self._wake()

    def wake(self, now: float) -> None:
        """The clock's deadline has come, unless it was put off."""
        self._armed = inf
        self._wake()

    def stop(self) -> None:
        super().stop()
        if self._armed != inf:
            self._timers.cancel(self._timer_slot, self)
            self._armed = inf
        self._wake()

    async def _next(self) -> tuple[int, bytes]:
        clock = self._started()
        while self.readyState == "live":
            taken = clock.take(self._time())
            if taken is not None:
                return taken
            deadline = clock.deadline()
            if deadline == inf and self._leaving is not None:
                self._leaving.set()
                self._leaving = None
            if deadline < self._armed:
                self._arm(deadline)
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        raise MediaStreamError

    def _started(self) -> TrackClock:
        if self._clock is None:
            self._clock = TrackClock(self._sample_rate, self._time())
        return self._clock

    def _arm(self, deadline: float) -> None:
        if self._armed != inf:
            self._timers.cancel(self._timer_slot, self)
        self._armed = deadline
        self._timer_slot = self._timers.at(deadline, self)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class SoundOut(_Paced):
    """Samples in, Opus packets out: encoded here, aiortc only adds the RTP header."""

    def __init__(self, sample_rate: int) -> None:
        super().__init__(sample_rate)
        self._encoder = opus_encoder(sample_rate)

    async def recv(self) -> "EncodedPacket[Any]":
        pts, pcm = await self._next()
        packet = EncodedPacket(self._encoder.encode(pcm))
        packet.pts = pts
        packet.time_base = _TIME_BASE
        return packet


class PlainSound(_Paced):
    """Samples in, frames out, for codecs that aiortc encodes (G.711, G.722)."""

    async def recv(self) -> av.AudioFrame:
        pts, pcm = await self._next()
        frame = av.AudioFrame(format="s16", layout="mono", samples=len(pcm) // 2)
        frame.planes[0].update(pcm)
        frame.sample_rate = self._sample_rate
        frame.pts = pts * self._sample_rate // CLOCK_RATE
        frame.time_base = fractions.Fraction(1, self._sample_rate)
        return frame


async def hear_plain(track: MediaStreamTrack, sample_rate: int, deliver: Deliver) -> None:
    """Deliver what aiortc decodes of a track, to its end."""
    remote: Any = track
    resampler = av.AudioResampler(format="s16", layout="mono", rate=sample_rate)
    while True:
        try:
            frame = await remote.recv()
        except MediaStreamError:
            return
        assert isinstance(frame, av.AudioFrame)
        for part in resampler.resample(frame):
            deliver(bytes(part.planes[0])[: part.samples * 2])
