"""The receive jitter buffer against drawn networks, judged by what came in and what came out."""

from collections.abc import Iterator
from itertools import pairwise
from math import inf

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.core.audio.jitter import (
    LEAST_WAIT,
    MAX_CONCEALMENT,
    MAX_HELD,
    MAX_SILENCE,
    MOST_WAIT,
    JitterBuffer,
    Lost,
    Packet,
)

RATE = 48000
EPSILON = 1e-6  # seconds; times here are sums of floats
FRAMES = st.sampled_from([120, 240, 480, 960, 1920, 2880, 5760])
SEQUENCES = st.integers(0, 2**16 - 1) | st.integers(2**16 - 40, 2**16 - 1)
TIMESTAMPS = st.integers(0, 2**32 - 1) | st.integers(2**32 - 40_000, 2**32 - 1)


class Arrival(msgspec.Struct, frozen=True):
    """A copy of packet `index`, which the network delivers at `time`."""

    time: float
    index: int


class Came(msgspec.Struct, frozen=True):
    """What one call gave out, and when; `arrival` is None for an advance."""

    time: float
    arrival: Arrival | None
    items: list[Packet | Lost]


class Sent(msgspec.Struct, frozen=True):
    """What a sender's packets are, by index: all that a network can do to them is in arrivals."""

    sequence: int
    timestamp: int
    units: list[int]
    """Timestamp of each packet less that of the first."""
    silent: frozenset[int] = frozenset()
    """The packets that announce silence."""

    def payload(self, index: int) -> bytes:
        return index.to_bytes(2 if index in self.silent else 4, "big")

    def push(self, buffer: JitterBuffer, arrival: Arrival) -> list[Packet | Lost]:
        index = arrival.index
        return buffer.push(
            (self.sequence + index) % 2**16,
            (self.timestamp + self.units[index]) % 2**32,
            self.payload(index),
            arrival.time,
        )


def advances(buffer: JitterBuffer, until: float) -> Iterator[Came]:
    """Advance at each deadline up to a time; each must move the deadline."""
    while (now := buffer.deadline()) <= until and now < inf:
        items = buffer.advance(now)
        assert items
        assert buffer.deadline() > now
        yield Came(now, None, items)


def run(buffer: JitterBuffer, sent: Sent, arrivals: list[Arrival]) -> list[Came]:
    """Deliver the arrivals with all timers on time, then let time pass until nothing waits."""
    came: list[Came] = []
    for arrival in sorted(arrivals, key=lambda arrival: arrival.time):
        came += advances(buffer, arrival.time)
        came.append(Came(arrival.time, arrival, sent.push(buffer, arrival)))
        assert held(buffer, came) < MAX_HELD
    came += advances(buffer, inf)
    assert held(buffer, came) == 0
    return came


def held(buffer: JitterBuffer, came: list[Came]) -> int:
    given = sum(isinstance(item, Packet) for call in came for item in call.items)
    return buffer.received - given - buffer.late - buffer.duplicates


def items_of(came: list[Came]) -> list[Packet | Lost]:
    return [item for call in came for item in call.items]


def index_of(packet: Packet) -> int:
    return int.from_bytes(packet.payload, "big")


@st.composite
def steady(draw: st.DrawFn) -> Sent:
    """A sender that never pauses; the first two packets tell how long they are."""
    frame = draw(FRAMES)
    count = draw(st.integers(3, 70))
    units = [index * frame for index in range(count)]
    return Sent(draw(SEQUENCES), draw(TIMESTAMPS), units)


@st.composite
def networks(draw: st.DrawFn) -> tuple[Sent, list[Arrival]]:
    """Packets delayed, reordered, doubled and lost by the burst, on a clock that drifts."""
    sent = draw(steady())
    drift = 1 + draw(st.sampled_from([0.0, 1e-4, -1e-4, 5e-3, -5e-3]))
    spread = draw(st.sampled_from([0.0, 0.003, 0.03, 0.1, 0.3]))
    count = len(sent.units)
    gone: set[int] = set()
    for first in draw(st.lists(st.integers(2, count), max_size=4)):
        gone |= set(range(first, first + draw(st.integers(1, 9))))
    arrivals: list[Arrival] = []
    for index, units in enumerate(sent.units):
        copies = 0 if index in gone else draw(st.sampled_from([1, 1, 1, 1, 2]))
        for _ in range(copies):
            delay = draw(st.floats(0, spread)) if index > 1 else 0.0
            arrivals.append(Arrival(50.0 + units / RATE * drift + delay, index))
    return sent, arrivals


@given(networks())
def test_what_comes_before_its_place_is_given_up_leaves_once_and_in_order(
    network: tuple[Sent, list[Arrival]],
) -> None:
    sent, arrivals = network
    buffer = JitterBuffer()
    in_time: list[int] = []
    newest = -1
    came = run(buffer, sent, arrivals)
    for call in came:
        if call.arrival is not None and call.arrival.index > newest:
            in_time.append(call.arrival.index)
        for item in call.items:
            if isinstance(item, Packet):
                newest = index_of(item)
    given_out = [index_of(item) for item in items_of(came) if isinstance(item, Packet)]
    assert given_out == sorted(set(in_time))
    assert buffer.received == len(arrivals)
    late = {arrival.index for arrival in arrivals} - set(given_out)
    assert buffer.late == len(late)
    assert buffer.duplicates == len(arrivals) - len(given_out) - len(late)
    assert buffer.lost == given_out[-1] + 1 - len(given_out)


@given(networks())
def test_timestamps_are_the_senders_and_never_decrease(
    network: tuple[Sent, list[Arrival]],
) -> None:
    sent, arrivals = network
    items = items_of(run(JitterBuffer(), sent, arrivals))
    assert all(one.timestamp <= other.timestamp for one, other in pairwise(items))
    for item in items:
        if isinstance(item, Packet):
            assert item == Packet(sent.payload(index_of(item)), sent.units[index_of(item)])


@given(networks())
def test_every_hole_is_made_up_to_its_length_or_the_cap(
    network: tuple[Sent, list[Arrival]],
) -> None:
    sent, arrivals = network
    buffer = JitterBuffer()
    frame = sent.units[1]
    last = -1
    hole: list[Lost] = []
    total = 0
    for item in items_of(run(buffer, sent, arrivals)):
        if isinstance(item, Lost):
            hole.append(item)
            continue
        index = index_of(item)
        samples = min((index - last - 1) * frame, round(MAX_CONCEALMENT * RATE))
        assert sum(piece.samples for piece in hole) == samples
        recoveries = [piece.recovery for piece in hole]
        assert recoveries == [None] * (len(hole) - 1) + [item.payload] * bool(hole)
        assert all(one.timestamp + one.samples <= item.timestamp for one in hole)
        last, hole, total = index, [], total + samples
    assert not hole
    assert buffer.concealed_samples == total


@given(networks())
def test_only_what_stands_behind_a_hole_waits_and_never_longer_than_the_most(
    network: tuple[Sent, list[Arrival]],
) -> None:
    sent, arrivals = network
    arrived: dict[int, float] = {}
    newest = -1
    for call in run(JitterBuffer(), sent, arrivals):
        if call.arrival is not None:
            index = call.arrival.index
            first_copy = index not in arrived
            arrived.setdefault(index, call.time)
            if first_copy and index == newest + 1:
                assert index in [index_of(item) for item in call.items if isinstance(item, Packet)]
        for item in call.items:
            if isinstance(item, Packet):
                newest = index_of(item)
                assert call.time - arrived[newest] <= MOST_WAIT + EPSILON


@given(steady(), st.data())
def test_after_losses_in_order_the_delay_is_zero_again_at_once(
    sent: Sent, data: st.DataObject
) -> None:
    count = len(sent.units)
    first = data.draw(st.integers(2, count - 1))
    gone = range(first, first + data.draw(st.integers(1, 9)))
    arrivals = [
        Arrival(units / RATE, index) for index, units in enumerate(sent.units) if index not in gone
    ]
    waited = False
    for call in run(JitterBuffer(), sent, arrivals):
        packets = [index_of(item) for item in call.items if isinstance(item, Packet)]
        if any(index > gone[0] for index in packets) and not waited:
            waited = True
            behind = [arrival for arrival in arrivals if arrival.index > gone[-1]]
            reached = [one.index for one in behind if one.time <= call.time]
            assert packets in (reached, reached[:-1])  # the next may come at this very moment
        elif call.arrival is not None and (call.arrival.index < gone[0] or waited):
            assert packets == [call.arrival.index]


@given(steady(), st.data())
def test_what_is_reordered_within_the_least_wait_is_never_lost(
    sent: Sent, data: st.DataObject
) -> None:
    delays = st.floats(0, LEAST_WAIT * 0.99)
    arrivals = [
        Arrival(units / RATE + (data.draw(delays) if index else 0.0), index)
        for index, units in enumerate(sent.units)
    ]
    buffer = JitterBuffer()
    items = items_of(run(buffer, sent, arrivals))
    assert [item.timestamp for item in items] == sent.units
    assert buffer.lost == 0


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Sent, list[Arrival]]:
    """Speech and silence by turns; in silence only what Opus sends each 400 ms or less."""
    frame = draw(st.sampled_from([480, 960, 2880]))
    jitter = st.floats(0, LEAST_WAIT * 0.9)
    units: list[int] = [0, frame]
    silent: set[int] = set()
    for _ in range(draw(st.integers(1, 4))):
        for _ in range(draw(st.integers(1, 5))):
            units.append(units[-1] + frame)
        for _ in range(draw(st.integers(1, 4))):
            silent.add(len(units))
            units.append(units[-1] + frame)
            units.append(units[-1] + frame * draw(st.integers(1, round(0.4 * RATE) // frame)))
    sent = Sent(draw(SEQUENCES), draw(TIMESTAMPS), units, frozenset(silent))
    times = [5.0 + unit / RATE + draw(jitter) for unit in units]
    in_order = [max(times[: index + 1]) for index in range(len(times))]
    return sent, [Arrival(time, index) for index, time in enumerate(in_order)]


@given(conversations())
def test_silence_not_sent_is_made_up_to_the_sample(
    conversation: tuple[Sent, list[Arrival]],
) -> None:
    sent, arrivals = conversation
    frame = sent.units[1]
    expected = 0
    for item in items_of(run(JitterBuffer(), sent, arrivals)):
        assert item.timestamp == expected
        expected += item.samples if isinstance(item, Lost) else frame
    assert expected >= sent.units[-1] + frame


@given(conversations(), st.data())
def test_silence_that_the_next_packet_belies_is_not_made_up_twice(
    conversation: tuple[Sent, list[Arrival]], data: st.DataObject
) -> None:
    sent, arrivals = conversation
    delays = st.just(0.0) | st.floats(0, 0.5)
    now = 0.0
    frame = sent.units[1]
    buffer = JitterBuffer()
    slow: list[Arrival] = []
    most = 0.0
    for arrival in arrivals:
        now = max(now, arrival.time + data.draw(delays))
        most = max(most, now - 5.0 - sent.units[arrival.index] / RATE)
        slow.append(Arrival(now, arrival.index))
    came = run(buffer, sent, slow)
    items = items_of(came)
    packets = [item for item in items if isinstance(item, Packet)]
    assert [index_of(packet) for packet in packets] == list(range(len(arrivals)))
    assert all(one.timestamp <= other.timestamp for one, other in pairwise(items))
    after = items[: items.index(packets[-1])]
    samples = sum(item.samples if isinstance(item, Lost) else frame for item in after)
    assert samples - sent.units[-1] <= frame + most * RATE


HOSTILE = st.tuples(
    st.integers(-3, 6) | st.integers(-150, 600) | st.integers(0, 2**16 - 1),
    st.sampled_from([0, 1, 960]) | st.integers(-3000, 9000) | st.integers(0, 2**32 - 1),
    st.integers(0, 4),
    st.just(0.0) | st.floats(0, 0.2) | st.floats(0, 1e6),
    st.booleans(),
)


@settings(max_examples=200)
@given(st.lists(HOSTILE, max_size=150))
def test_whatever_is_sent_memory_and_output_are_bounded_and_time_goes_forward(
    packets: list[tuple[int, int, int, float, bool]],
) -> None:
    buffer = JitterBuffer()
    sequence = timestamp = given_out = newest = 0
    now = 0.0
    for delta, step, size, pause, on_time in packets:
        sequence, timestamp = (sequence + delta) % 2**16, (timestamp + step) % 2**32
        now += pause
        calls = list(advances(buffer, now)) if on_time else []
        items = buffer.push(sequence, timestamp, bytes(size), now)
        calls.append(Came(now, None, items))
        for item in items_of(calls):
            assert item.timestamp >= newest
            newest = item.timestamp
            given_out += isinstance(item, Packet)
        shortest = round(0.0025 * RATE)
        losses = [item.samples for item in items if isinstance(item, Lost)]
        assert sum(losses) <= MAX_HELD * MAX_CONCEALMENT * RATE + MAX_SILENCE * RATE
        assert len(losses) <= MAX_HELD + sum(losses) / shortest
        assert 0 <= buffer.received - given_out - buffer.late - buffer.duplicates < MAX_HELD
    for call in advances(buffer, inf):
        given_out += sum(isinstance(item, Packet) for item in call.items)
    assert buffer.received == given_out + buffer.late + buffer.duplicates
