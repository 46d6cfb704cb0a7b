"""When the frames of an outgoing sound track leave, and with which RTP timestamps.

The timestamps follow one clock that never stops: sound that comes after a pause is stamped with
the time that has passed (RFC 3550 section 5.1, RFC 7587 section 4.1). Within a reply they are
without gaps, whatever the rhythm in which the sound is given.
"""

from math import inf

__all__ = (
    "AHEAD",
    "CLOCK_RATE",
    "FRAME",
    "PATIENCE",
    "PIECE_PATIENCE",
    "STOCK",
    "TAIL",
    "TrackClock",
)

CLOCK_RATE = 48_000  # Hz, of RTP timestamps, whatever the rate of the sound: RFC 7587 section 4.1
FRAME = 0.02  # seconds
PATIENCE = 0.2  # seconds that live sound may be late before it is a pause; a lost packet takes 60
PIECE_PATIENCE = 0.04  # seconds that half a frame of live sound waits for its other half
STOCK = 0.1  # seconds of sound in stock that show it is not live
AHEAD = 0.1  # seconds that timestamps may be ahead of the clock, for sound that leaves at once
TAIL = 15  # frames of silence after sound: what a listener's jitter buffer may hold back

_TICKS = int(CLOCK_RATE * FRAME)
_EARLY = 0.005  # seconds that a frame may leave early: a timer's own grain is no better
_SLACK = 1e-6  # seconds; a sum of frame lengths must not miss its own deadline by rounding


class TrackClock:
    """Frames of 20 ms out of sound that comes in pieces. It begins with a tail of silence, so that
    the listener's track is alive before the first word. `now` is seconds of one monotonic clock.
    """

    __slots__ = (
        *("_epoch", "_frame", "_live", "_origin", "_pcm", "_pts"),
        *("_quiet", "_silence", "_stock", "_tail"),
    )

    def __init__(self, sample_rate: int, now: float) -> None:
        self._frame = int(sample_rate * FRAME) * 2  # bytes
        self._stock = int(sample_rate * STOCK) * 2
        self._silence = bytes(self._frame)
        self._pcm = bytearray()
        self._epoch = now  # when timestamp 0 is due, by the clock that never stops
        self._origin = now  # the same by the frames that leave now: at most `AHEAD` sooner
        self._pts = 0
        self._tail = TAIL
        self._quiet = True  # no sound is due: the last frame was silence
        self._live = True  # sound comes no sooner than it is due

    @property
    def _due(self) -> float:
        return self._origin + self._pts / CLOCK_RATE

    @property
    def pending(self) -> float:
        """Seconds of sound given that have not left."""
        return len(self._pcm) / self._frame * FRAME

    def put(self, pcm: bytes, now: float) -> None:
        """Give sound, of any length, paced by whoever gives it."""
        if not self._pcm:
            self._begin(now)
        self._pcm += pcm
        if len(self._pcm) >= self._stock:
            self._live = False
        elif self._live and len(pcm) <= self._frame:
            self._hurry(now, len(self._pcm) // self._frame)

    def clear(self) -> None:
        """Forget the sound that has not left; silence follows at once."""
        self._pcm.clear()
        self._quiet = True

    def take(self, now: float) -> tuple[int, bytes] | None:
        """The next frame that may leave by now, as (RTP timestamp from 0, int16 PCM of 20 ms)."""
        if now < self.deadline() - _EARLY:
            return None
        if len(self._pcm) < self._frame:
            return self._take_rest()
        pcm = bytes(self._pcm[: self._frame])
        del self._pcm[: self._frame]
        self._tail = TAIL
        self._quiet = False
        return self._stamped(pcm)

    def deadline(self) -> float:
        """When `take` gives something next; inf while only new sound can change that."""
        if len(self._pcm) >= self._frame:
            return self._due
        # Live sound is late now and then: silence put in between would be heard, and would delay
        # all that follows. Sound that was in stock and has run out is over.
        if self._pcm:
            return self._due + (PIECE_PATIENCE if self._live else 0.0)
        if self._tail and not self._quiet:
            return self._due + (PATIENCE if self._live else 0.0)
        return self._due if self._tail else inf

    def _begin(self, now: float) -> None:
        """Sound after silence leaves at once, not in step with the silence."""
        self._live = True
        if now > self._due + PATIENCE + _SLACK:
            self._pts = max(self._pts, round((now - self._epoch) * CLOCK_RATE))
            self._origin = now - self._pts / CLOCK_RATE
        elif self._quiet:
            self._hurry(now, 1)

    def _hurry(self, now: float, frames: int) -> None:
        """Let that many frames leave now. A burst of live sound (what had waited for a lost packet,
        or for the handler to begin) would stay late for the rest of the call in any other step; the
        listener's buffer knows how to make up for what comes early.
        """
        last = self._pts + (frames - 1) * _TICKS
        if frames and last <= (now - self._epoch + AHEAD) * CLOCK_RATE:
            self._origin = min(self._origin, now - last / CLOCK_RATE)

    def _take_rest(self) -> tuple[int, bytes]:
        """The end of a reply, filled up, or a frame of the silence after it."""
        if self._pcm:
            pcm = bytes(self._pcm) + self._silence[len(self._pcm) :]
            self._pcm.clear()
            self._tail = TAIL
        else:
            pcm = self._silence
            self._tail -= 1
        self._quiet = True
        return self._stamped(pcm)

    def _stamped(self, pcm: bytes) -> tuple[int, bytes]:
        pts = self._pts
        self._pts += _TICKS
        return pts, pcm
