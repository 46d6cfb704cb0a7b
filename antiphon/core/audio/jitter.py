"""The receive jitter buffer: RTP packets in as they come, what to decode out, in order.

Nothing is played here, so nothing is held for pacing: a packet that comes in order leaves at
once. Only a hole makes later packets wait, for as long as reordered packets have lately needed
and never longer than `MOST_WAIT`; when it is given up the backlog leaves with it, so that a loss
costs what was lost and no lasting delay.
"""

from math import inf

import msgspec

__all__ = (
    "LEAST_WAIT",
    "MAX_CONCEALMENT",
    "MAX_HELD",
    "MAX_SILENCE",
    "MOST_WAIT",
    "JitterBuffer",
    "Lost",
    "Packet",
)

LEAST_WAIT = 0.02  # seconds; one packet of the usual length, which outlasts most reordering
MOST_WAIT = 0.06  # seconds; a listener notices more delay sooner than one lost packet
MAX_HELD = 64  # packets; over a second of 20 ms packets, far beyond what the longest wait gathers
MAX_CONCEALMENT = 0.12  # seconds for one hole; the longest Opus packet, and guesses fade by then
MAX_SILENCE = 1.4  # seconds; one second beyond the 400 ms after which a silent Opus sender stirs

_ENOUGH_LATER = 3  # packets after a hole that make it a loss; as in RFC 9002 section 6.1.1
_MAX_AHEAD = 500  # sequence numbers, 10 s of 20 ms packets: beyond, the sender began anew
_MAX_BEHIND = 100  # sequence numbers; MAX_MISORDER of RFC 3550 appendix A.1
_MAX_JUMP = 10.0  # seconds between timestamps: beyond, the sender's clock began anew
_HALF_LIFE = 10.0  # seconds in which half of the lateness seen is forgotten
_DTX_PAYLOAD = 2  # bytes; RFC 6716 section 3.1 keeps such short Opus packets for lost or unsent
_USUAL_FRAME = 0.02  # seconds; RFC 3551 section 4.2, where no step has been seen yet
_SHORTEST_FRAME, _LONGEST_FRAME = 0.0025, 0.12  # seconds; RFC 6716 section 2.1.4


class Packet(msgspec.Struct, frozen=True, gc=False):
    """A packet to be decoded now."""

    payload: bytes
    timestamp: int
    """Clock units since the first packet, unwrapped; never less than that of what came before."""


class Lost(msgspec.Struct, frozen=True, gc=False):
    """Samples to be made up now: a part of a hole, or silence that was not sent."""

    samples: int
    """One frame; less for what a hole has beyond whole frames, which is its first item."""
    recovery: bytes | None
    """In the last item of a hole the payload that follows it and may carry its FEC, else None."""
    timestamp: int
    """As in `Packet`."""


class _Held(msgspec.Struct, frozen=True, gc=False):
    payload: bytes
    timestamp: int
    arrival: float


class JitterBuffer:
    """Puts the packets of one RTP source in order and tells what is lost; bounded in memory.

    A hole is given up when its wait is over, or when three later packets are there that span
    more than the wait. `least_wait`, `most_wait`, `max_concealment` (made up for one hole) and
    `max_silence` (made up after a DTX packet) are seconds, `max_held` is packets.
    ValueError for limits that are negative, or a `clock_rate` or `max_held` below 1.
    """

    __slots__ = (
        "_arrival",
        "_clock_rate",
        "_deadline",
        "_end",
        "_first",
        "_floor",
        "_frame",
        "_given_up",
        "_held",
        "_lateness",
        "_lateness_at",
        "_least_wait",
        "_longer",
        "_max_concealment",
        "_max_held",
        "_max_silence",
        "_most_wait",
        "_next",
        "_origin",
        "_period",
        "_silent_since",
        "_started",
        "_timestamp",
        "_transit",
        "_wait",
        "concealed_samples",
        "duplicates",
        "jitter",
        "late",
        "lost",
        "received",
        "reordered",
    )

    def __init__(
        self,
        clock_rate: int = 48000,
        *,
        least_wait: float = LEAST_WAIT,
        most_wait: float = MOST_WAIT,
        max_held: int = MAX_HELD,
        max_concealment: float = MAX_CONCEALMENT,
        max_silence: float = MAX_SILENCE,
    ) -> None:
        if clock_rate < 1 or max_held < 1:
            raise ValueError(f"clock_rate is {clock_rate}, max_held {max_held}; both at least 1")
        if not 0 <= least_wait <= most_wait:
            raise ValueError(f"the wait is {least_wait} to {most_wait}; it must be 0 or more")
        if max_concealment < 0 or max_silence < 0:
            raise ValueError(f"{max_concealment} and {max_silence} must not be negative")
        self._clock_rate = clock_rate
        self._period = 1 / clock_rate
        self._least_wait = least_wait
        self._most_wait = most_wait
        self._max_held = max_held
        self._max_concealment = round(max_concealment * clock_rate)
        self._max_silence = round(max_silence * clock_rate)

        self._started = False
        self._next = 0  # sequence number to come out next, counted on without a wrap
        self._first = 0  # sequence number that this count began with
        self._origin = 0  # RTP timestamp less ours, modulo 2^32
        self._timestamp = 0  # of the last packet that came out, as the sender meant it
        self._end = -1  # where the samples given out end
        self._floor = 0  # no timestamp below this may come out
        self._frame = 0  # samples in a packet; 0 when not known
        self._longer = (0, 0)  # a step longer than the frame, and the sequence number after it
        self._silent_since = inf  # arrival of the DTX packet that came out last

        self._held: dict[int, _Held] = {}
        self._deadline = inf
        self._wait = least_wait
        self._lateness = 0.0  # seconds that a reordered packet came too late, lately
        self._lateness_at = 0.0
        self._given_up: dict[int, _Held] = {}  # by sequence number: what first told of the hole
        self._transit = 0.0

        self.received = 0
        """Packets pushed, of every kind."""
        self.lost = 0
        """Packets given up; those that came later still are also in `late`."""
        self.late = 0
        """Packets dropped because they came after their place was given up."""
        self.duplicates = 0
        """Packets dropped because they had come before."""
        self.reordered = 0
        """Packets that came after a later one, and in time."""
        self.concealed_samples = 0
        """Samples given as `Lost` for holes; silence that was not sent is not among them."""
        self.jitter = 0.0
        """Interarrival jitter of RFC 3550 section 6.4.1, in seconds."""

    def push(
        self, sequence: int, timestamp: int, payload: bytes, now: float
    ) -> list[Packet | Lost]:
        """Take a packet with its 16-bit sequence number and 32-bit timestamp.

        Returns what is to be decoded now, in order.
        """
        step = (timestamp - self._origin - self._timestamp) & 0xFFFFFFFF
        ours = self._timestamp + step
        if (
            step == self._frame
            and ours == self._end
            and self._deadline == inf
            and (sequence - self._next) & 0xFFFF == 0
            and len(payload) > _DTX_PAYLOAD
        ):
            # `_take` would do the same, dearer; most packets of most calls are done here
            # (benchmarks/jitter.py).
            self.received += 1
            self._next += 1
            self._timestamp = ours
            self._end = ours + step
            transit = now - ours * self._period
            self.jitter += (abs(transit - self._transit) - self.jitter) / 16
            self._transit = transit
            return [Packet(payload, ours)]
        return self._take(sequence, timestamp, payload, now)

    def advance(self, now: float) -> list[Packet | Lost]:
        """Act on time: give up a hole that has waited enough, make up silence not sent."""
        out: list[Packet | Lost] = []
        if now < self._deadline:
            return out
        if self._held:
            self._release(now, out)
        else:
            self._fill(now, self._silence_end(), out)
        return out

    def deadline(self) -> float:
        """When `advance` must be called at the latest; inf when nothing waits."""
        return self._deadline

    def _take(
        self, sequence: int, timestamp: int, payload: bytes, now: float
    ) -> list[Packet | Lost]:
        self.received += 1
        ahead = _signed(sequence - self._next, 16)
        step = _signed(timestamp - self._origin - self._timestamp, 32)
        if not self._started or self._is_anew(ahead, step):
            return self._start(sequence, timestamp, payload, now)
        number = self._next + ahead
        packet = _Held(payload, self._timestamp + step, now)
        out: list[Packet | Lost] = []
        if number < self._next or number in self._held:
            self._drop(number, packet)
            return out
        self._measure(packet)
        if not self._held:
            self._fill(now, packet.timestamp - ahead * self._frame, out)
        self._note_order(number, packet)
        self._held[number] = packet
        self._wait = self._adapted_wait(now)
        self._release(now, out)
        return out

    def _is_anew(self, ahead: int, step: int) -> bool:
        """Whether a packet cannot belong to what came before it."""
        if not -_MAX_BEHIND <= ahead <= _MAX_AHEAD:
            return True
        if ahead >= 0 and step < 0:
            return True
        return abs(step) > _MAX_JUMP * self._clock_rate

    def _start(
        self, sequence: int, timestamp: int, payload: bytes, now: float
    ) -> list[Packet | Lost]:
        """Give out what is held and begin at this packet, where the samples given out end."""
        out: list[Packet | Lost] = []
        self._release(inf, out)
        self._end = max(self._end, 0)
        self._origin = (timestamp - self._end) & 0xFFFFFFFF
        self._timestamp = self._end
        self._next = self._first = sequence
        self._given_up.clear()
        self._transit = now - self._timestamp * self._period
        self._started = True
        self._give(_Held(payload, self._timestamp, now), out)
        self._deadline = self._silence_due()
        return out

    def _drop(self, number: int, packet: _Held) -> None:
        """Count a packet that has come before, or whose place was given up, and learn from it."""
        hole = self._given_up.pop(number, None)
        if hole is None and number >= self._first:
            self.duplicates += 1
            return
        self.late += 1
        self._measure(packet)
        if hole is not None:
            span = (self._timestamp - hole.timestamp) * self._period
            self._note_lateness(max(packet.arrival - hole.arrival, span), packet.arrival)

    def _measure(self, packet: _Held) -> None:
        transit = packet.arrival - packet.timestamp * self._period
        self.jitter += (abs(transit - self._transit) - self.jitter) / 16
        self._transit = transit

    def _note_order(self, number: int, packet: _Held) -> None:
        later = [held for other, held in self._held.items() if other > number]
        if later:
            self.reordered += 1
            waited = packet.arrival - min(held.arrival for held in later)
            self._note_lateness(max(waited, _span(later) * self._period), packet.arrival)

    def _note_lateness(self, lateness: float, now: float) -> None:
        # What came too late for the longest wait is no reason to wait.
        if self._recent_lateness(now) < lateness <= self._most_wait:
            self._lateness = lateness
            self._lateness_at = now

    def _recent_lateness(self, now: float) -> float:
        if not self._lateness:
            return 0.0
        return float(self._lateness * 0.5 ** ((now - self._lateness_at) / _HALF_LIFE))

    def _adapted_wait(self, now: float) -> float:
        wait = self._recent_lateness(now) + self.jitter
        return min(max(wait, self._least_wait), self._most_wait)

    def _release(self, now: float, out: list[Packet | Lost]) -> None:
        """Give out what may leave by now, and set the deadline for what may not."""
        held = self._held
        adjacent = True
        while held:
            packet = held.pop(self._next, None)
            if packet is not None:
                if adjacent:
                    self._join(packet, out)
                self._give(packet, out)
                adjacent = True
                continue
            first = min(held.values(), key=_arrival)
            self._deadline = first.arrival + self._wait
            if now < self._deadline and not self._is_loss():
                return
            self._give_up(first, out)
            adjacent = False
        self._deadline = self._silence_due()

    def _is_loss(self) -> bool:
        """Whether so much has come after the hole that waiting longer is of no use."""
        count = len(self._held)
        if count < _ENOUGH_LATER:
            return count >= self._max_held
        span = _span(list(self._held.values()))
        return count >= self._max_held or span > self._wait * self._clock_rate

    def _give_up(self, first: _Held, out: list[Packet | Lost]) -> None:
        """Give out the hole before the next packet held; `first` told of the hole."""
        number = min(self._held)
        packet = self._held[number]
        missing = number - self._next
        step = packet.timestamp - self._timestamp
        if not self._frame and self._is_frame(step // (missing + 1)):
            self._frame = step // (missing + 1)
            self._end += self._frame
        self._conceal(packet.timestamp, packet.payload, out)
        self.lost += missing
        oldest = number - _MAX_BEHIND
        kept = {other: hole for other, hole in self._given_up.items() if other >= oldest}
        for other in range(max(self._next, oldest), number):
            kept[other] = first
        self._given_up = kept
        self._next = number

    def _join(self, packet: _Held, out: list[Packet | Lost]) -> None:
        """Settle what lies between a packet and the one just before it."""
        if self._silent_since != inf:
            self._silence(min(packet.timestamp, self._silence_end()), out)
        else:
            self._learn(packet.timestamp - self._timestamp)

    def _learn(self, step: int) -> None:
        """A packet is as long as the step to the next, unless the sender paused between them.

        A packet cannot be longer than the step; a longer step counts when it comes twice.
        """
        frame = self._frame
        if step < frame:
            self._end -= frame - max(step, 0)
        longer, self._longer = self._longer, (step, self._next)
        again = longer == (step, self._next - 1)
        if self._is_frame(step) and (not frame or step < frame or again):
            self._frame = step

    def _is_frame(self, samples: int) -> bool:
        rate = self._clock_rate
        return _SHORTEST_FRAME * rate <= samples <= _LONGEST_FRAME * rate

    def _give(self, packet: _Held, out: list[Packet | Lost]) -> None:
        if len(packet.payload) <= _DTX_PAYLOAD:
            self._silent_since = packet.arrival
            self._frame = self._frame or self._usual_frame()
        else:
            self._silent_since = inf
        # Silence made up too far stays in the end, so that the next pause or hole is shorter.
        self._end = max(self._end, packet.timestamp) + self._frame
        self._timestamp = packet.timestamp
        self._next += 1
        self._floor = max(self._floor, packet.timestamp)
        out.append(Packet(packet.payload, self._floor))

    def _usual_frame(self) -> int:
        return max(1, round(_USUAL_FRAME * self._clock_rate))

    def _conceal(self, until: int, recovery: bytes, out: list[Packet | Lost]) -> None:
        """Make up the hole before `until`; in what is too much, the timestamp jumps."""
        left = min(until - self._end, self._max_concealment)
        frame = self._frame or self._usual_frame()
        piece = left % frame or frame  # the odd rest first: recovery gives a whole frame
        while left > 0:
            self.concealed_samples += piece
            left -= piece
            if not left:
                self._end = until - piece
            self._lose(piece, None if left else recovery, out)
            piece = frame

    def _silence_end(self) -> int:
        return self._timestamp + self._max_silence

    def _silence_due(self) -> float:
        """When the next frame of silence is due; no packet may still be on its way for it."""
        if self._silent_since == inf or self._end + self._frame > self._silence_end():
            return inf
        played = (self._end - self._timestamp) * self._period
        return self._silent_since + played + self._wait

    def _fill(self, now: float, until: int, out: list[Packet | Lost]) -> None:
        """Make up the silence that is due, in whole frames, not beyond `until`."""
        while self._deadline <= now and self._end + self._frame <= until:
            self._lose(self._frame, None, out)
            self._deadline = self._silence_due()

    def _silence(self, until: int, out: list[Packet | Lost]) -> None:
        """Make up at once the silence that was not due yet when the next packet came."""
        until = min(until, self._end + self._max_concealment)
        while self._end < until:
            self._lose(min(self._frame, until - self._end), None, out)

    def _lose(self, samples: int, recovery: bytes | None, out: list[Packet | Lost]) -> None:
        self._floor = max(self._floor, self._end)
        out.append(Lost(samples, recovery, self._floor))
        self._end += samples


def _signed(difference: int, bits: int) -> int:
    """The difference of two counters that wrap at 2^bits, nearest to zero."""
    half = 1 << (bits - 1)
    return ((difference + half) & (2 * half - 1)) - half


def _arrival(packet: _Held) -> float:
    return packet.arrival


def _span(packets: list[_Held]) -> int:
    """Clock units from the first to the last timestamp."""
    timestamps = [packet.timestamp for packet in packets]
    return max(timestamps) - min(timestamps)
