"""The relay that stands between two peers: what passes it, and what its rules do to the rest."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiortc import (
    AudioStreamTrack,
    RTCConfiguration,
    RTCDataChannel,
    RTCPeerConnection,
    RTCSessionDescription,
)
from av import AudioFrame

from tests.webrtc.relay import (
    AT_ONCE,
    Copies,
    MediaPacket,
    Rule,
    UdpRelay,
    delay,
    drop,
    duplicate,
    hold,
    random_jitter,
    random_loss,
    udp_relay,
)

pytestmark = pytest.mark.anyio

STUN, DTLS, RTCP = b"\x00\x01" + bytes(18), b"\x16\xfe\xfd" + bytes(20), b"\x80\xc8" + bytes(26)


def media(number: int) -> bytes:
    return b"\x80\x60" + number.to_bytes(2) + (960 * number).to_bytes(4) + bytes(24)


def numbers(received: list[bytes]) -> list[int]:
    return [int.from_bytes(data[2:4]) for data in received]


def candidates(sdp: str) -> list[str]:
    return [line for line in sdp.splitlines() if line.startswith("a=candidate:")]


class End:
    """A UDP socket in the place of a peer."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind(("127.0.0.1", 0))
        self.other: tuple[str, int] = ("", 0)

    def __enter__(self) -> "End":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    @property
    def sdp(self) -> str:
        host, port = self.socket.getsockname()
        return f"v=0\r\na=candidate:1 1 udp 1 {host} {port} typ host\r\n"

    def meet(self, sdp: str) -> None:
        """Learn the other's address, as it was told."""
        parts = candidates(sdp)[0].split(" ")
        self.other = (parts[4], int(parts[5]))

    def send(self, *packets: bytes) -> None:
        for packet in packets:
            self.socket.sendto(packet, self.other)

    async def receive(self, count: int) -> list[bytes]:
        loop = asyncio.get_running_loop()
        received: list[bytes] = []
        for _ in range(count):
            data, source = await loop.sock_recvfrom(self.socket, 2048)
            assert source == self.other, "what the relay sends comes from the other's alias"
            received.append(data)
        return received

    async def receive_until(self, last: bytes) -> list[bytes]:
        received = await self.receive(1)
        while received[-1] != last:
            received += await self.receive(1)
        return received[:-1]


@asynccontextmanager
async def two_ends(*rules: Rule) -> AsyncGenerator[tuple[End, End, UdpRelay]]:
    with End() as offerer, End() as answerer:
        async with udp_relay(*rules) as relay:
            answerer.meet(relay.rewrite(offerer.sdp, "offer"))
            offerer.meet(relay.rewrite(answerer.sdp, "answer"))
            yield offerer, answerer, relay


async def test_without_rules_all_arrives_unaltered_and_in_order() -> None:
    packets = [STUN, DTLS, media(0), RTCP, media(1)]
    async with two_ends() as (offerer, answerer, relay):
        offerer.send(*packets)
        assert await answerer.receive(5) == packets
        answerer.send(*packets)
        assert await offerer.receive(5) == packets
        for counts in relay.counts.values():
            assert (counts.media, counts.control) == (2, 3)
            assert (counts.dropped, counts.delayed, counts.duplicated, counts.held) == (0, 0, 0, 0)


async def test_rules_meet_only_the_packets_they_name() -> None:
    rules = (drop("offer", 1), duplicate("offer", 3), hold("offer", 4, packets=2))
    async with two_ends(*rules) as (offerer, answerer, relay):
        offerer.send(STUN, *map(media, range(8)), STUN[::-1])
        received = await answerer.receive_until(STUN[::-1])
        assert received[0] == STUN
        assert numbers(received[1:]) == [0, 2, 3, 3, 5, 6, 4, 7]
        answerer.send(*map(media, range(5)))
        assert numbers(await offerer.receive(5)) == [0, 1, 2, 3, 4]
        assert [packet.sequence_number for packet in relay.dropped] == [1]
        counts = relay.counts["offer"]
        assert (counts.media, counts.dropped, counts.duplicated, counts.held) == (8, 1, 1, 1)


async def test_a_delayed_packet_is_overtaken() -> None:
    async with two_ends(delay("answer", 0, seconds=0.02)) as (offerer, answerer, relay):
        answerer.send(media(0), media(1), media(2))
        assert numbers(await offerer.receive(3)) == [1, 2, 0]
        assert relay.counts["answer"].delayed == 1


async def test_the_first_rule_that_decides_counts() -> None:
    def spare(packet: MediaPacket) -> Copies | None:
        return AT_ONCE if packet.index == 1 else None

    async with two_ends(spare, drop("offer", 0, 1)) as (offerer, answerer, _):
        offerer.send(media(0), media(1))
        assert numbers(await answerer.receive(1)) == [1]


async def test_a_peer_may_speak_before_its_sdp_was_seen() -> None:
    with End() as offerer, End() as answerer:
        async with udp_relay() as relay:
            answerer.meet(relay.rewrite(offerer.sdp, "offer"))
            answerer.send(STUN)
            data, source = await asyncio.get_running_loop().sock_recvfrom(offerer.socket, 2048)
            assert data == STUN
            offerer.meet(relay.rewrite(answerer.sdp, "answer"))
            assert source == offerer.other


def fates(rule: Rule, sender: Any, indices: list[int]) -> list[object]:
    return [rule(MediaPacket(sender, index, 7 * index, 0, 1)) for index in indices]


def test_what_chance_takes_depends_on_seed_and_index_alone() -> None:
    indices = list(range(400))
    rule = random_loss("offer", 0.1, seed=5)
    lost = fates(rule, "offer", indices)
    assert fates(rule, "offer", indices[::-1]) == lost[::-1]
    assert 20 <= lost.count(Copies(())) <= 60
    assert fates(random_loss("offer", 0.1, seed=6), "offer", indices) != lost
    assert set(fates(rule, "answer", indices)) == {None}


def test_jitter_stays_below_its_bound() -> None:
    waits = [
        seconds
        for fate in fates(random_jitter("offer", 0.04, seed=1), "offer", list(range(100)))
        if isinstance(fate, Copies)
        for seconds in fate.delays
    ]
    assert len(waits) == 100
    assert 0 <= min(waits) < 0.01
    assert 0.03 < max(waits) < 0.04


async def test_only_aliases_are_left_in_the_sdp() -> None:
    others = [
        "a=candidate:2 1 udp 1 2001:db8::1 9 typ host",
        "a=candidate:3 1 tcp 1 127.0.0.1 9 typ host tcptype active",
        "a=candidate:4 1 udp 1 192.0.2.1 9 typ srflx raddr 127.0.0.1 rport 9",
        "a=candidate:5 1 udp 1 5a2c.local 9 typ host",
    ]
    with End() as end:
        async with udp_relay() as relay:
            rewritten = relay.rewrite(end.sdp + "\r\n".join(others) + "\r\n", "offer")
            assert len(candidates(rewritten)) == 1
            assert str(end.socket.getsockname()[1]) not in rewritten
            assert relay.rewrite(end.sdp, "offer") == rewritten
            with pytest.raises(ValueError, match="no host candidate"):
                relay.rewrite("\r\n".join(others), "offer")


class Callee:
    """An aiortc peer that notes what it gets."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.message: asyncio.Future[str] = loop.create_future()
        self.track: asyncio.Future[Any] = loop.create_future()  # aiortc's types are partly unknown
        self.sequence: list[int] = []
        self._more = asyncio.Condition()
        self.peer.on("datachannel", self._listen)
        self.peer.on("track", self._hear)

    def _listen(self, channel: RTCDataChannel) -> None:
        channel.on("message", self.message.set_result)

    def _hear(self, track: Any) -> None:
        receiver: Any = self.peer.getReceivers()[0]  # aiortc shows packets to no one else
        to_aiortc = receiver._handle_rtp_packet

        async def handle(packet: Any, arrival_time_ms: int) -> None:
            async with self._more:
                self.sequence.append(packet.sequence_number)
                self._more.notify_all()
            await to_aiortc(packet, arrival_time_ms)

        receiver._handle_rtp_packet = handle
        self.track.set_result(track)

    async def heard(self, count: int) -> None:
        """Until that many packets have come."""
        async with self._more:
            await self._more.wait_for(lambda: len(self.sequence) >= count)


@asynccontextmanager
async def a_call(relay: UdpRelay) -> AsyncGenerator[tuple[RTCDataChannel, Callee]]:
    caller, callee = RTCPeerConnection(RTCConfiguration(iceServers=[])), Callee()
    try:
        caller.addTrack(AudioStreamTrack())
        channel = caller.createDataChannel("chat")
        await caller.setLocalDescription(await caller.createOffer())
        offer = relay.rewrite(caller.localDescription.sdp, "offer")
        await callee.peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await callee.peer.setLocalDescription(await callee.peer.createAnswer())
        answer = relay.rewrite(callee.peer.localDescription.sdp, "answer")
        await caller.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        yield channel, callee
    finally:
        await caller.close()
        await callee.peer.close()


async def test_two_peers_meet_over_the_relay_with_data_and_audio() -> None:
    async with udp_relay() as relay, a_call(relay) as (channel, callee):
        channel.on("open", lambda: channel.send("hello"))
        assert await callee.message == "hello"
        frame = await (await callee.track).recv()
        assert isinstance(frame, AudioFrame)
        assert (frame.sample_rate, frame.samples) == (48000, 960)
        assert relay.counts["offer"].media >= len(callee.sequence) > 0
        assert relay.counts["answer"].control > 0


async def test_of_two_peers_audio_exactly_the_dropped_packet_is_missing() -> None:
    async with udp_relay(drop("offer", 3)) as relay, a_call(relay) as (_, callee):
        await callee.heard(9)
        first = callee.sequence[0]
        assert callee.sequence[:9] == [first + n for n in range(10) if n != 3]
        assert [packet.sequence_number for packet in relay.dropped] == [first + 3]
