"""Sound over a bad network: a relay between two real peers loses, turns round and delays packets.

What is counted is packets and samples, not seconds: how far the handler is behind its client when a
packet leaves says whether a delay stays.
"""

import asyncio
import fractions
import statistics
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx
import numpy as np
import numpy.typing as npt
import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack
from av.packet import Packet

from antiphon import Call, Stream
from antiphon.transports.opus import opus_encoder
from tests.transports.serving import serving
from tests.webrtc.relay import Rule, delay, drop, hold, random_jitter, udp_relay

pytestmark = pytest.mark.alone

RATE = 24000
FRAME = 480
TONE = 1000.0  # Hz: what is lost shows as a gap in it
PACKETS = 150


class Tone(MediaStreamTrack):
    """Sends prepared packets in real time; counts them."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        encoder = opus_encoder(RATE)
        time = np.arange(PACKETS * FRAME) / RATE
        pcm = (8000 * np.sin(2 * np.pi * TONE * time)).astype("<i2").tobytes()
        self._packets = [
            encoder.encode(pcm[at : at + 2 * FRAME]) for at in range(0, len(pcm), 2 * FRAME)
        ]
        self.sent = 0
        self._began = 0.0

    async def recv(self) -> "Packet[Any]":
        now = asyncio.get_running_loop().time()
        self._began = self._began or now
        if self.sent == PACKETS:
            await anyio.sleep_forever()
        await asyncio.sleep(max(0.0, self._began + 0.02 * self.sent - now))
        packet = Packet(self._packets[self.sent])
        packet.pts = self.sent * 960
        packet.time_base = fractions.Fraction(1, 48000)
        self.sent += 1
        return packet


class Listener:
    """A handler that keeps what it hears, and how many packets had been sent by then."""

    def __init__(self) -> None:
        self.track = Tone()
        self.pcm = bytearray()
        self.behind: list[int] = []
        """For each frame heard: packets sent less packets heard."""
        self.complete = anyio.Event()

    async def __call__(self, call: Call) -> None:
        async for frame in call.audio:
            self.pcm += frame.pcm
            self.behind.append(self.track.sent - len(self.pcm) // (2 * FRAME))
            if len(self.pcm) >= 2 * FRAME * PACKETS:
                self.complete.set()

    @property
    def heard(self) -> npt.NDArray[np.float64]:
        """The level of each 20 ms, about 5650 for the tone."""
        samples = np.frombuffer(bytes(self.pcm), "<i2").astype(np.float64)
        whole = len(samples) // FRAME * FRAME
        power: npt.NDArray[np.float64] = (samples[:whole].reshape(-1, FRAME) ** 2).mean(axis=1)
        return np.asarray(np.sqrt(power))


@asynccontextmanager
async def listening(*rules: Rule) -> AsyncGenerator[Listener]:
    """A tone of three seconds, heard over a relay with these rules."""
    listener = Listener()
    async with (
        serving(Stream(listener, input_sample_rate=RATE)) as port,
        udp_relay(*rules) as relay,
    ):
        peer = RTCPeerConnection()
        try:
            peer.addTrack(listener.track)
            await peer.setLocalDescription(await peer.createOffer())
            body = {
                "type": "offer",
                "sdp": relay.rewrite(peer.localDescription.sdp, "offer"),
                "webrtc_id": "one",
            }
            async with httpx.AsyncClient() as client:
                answer = await client.post(f"http://127.0.0.1:{port}/webrtc/offer", json=body)
            sdp = relay.rewrite(answer.json()["sdp"], "answer")
            await peer.setRemoteDescription(RTCSessionDescription(sdp, "answer"))
            with anyio.fail_after(15):
                await listener.complete.wait()
            yield listener
        finally:
            await peer.close()


async def test_one_lost_packet_leaves_no_gap_and_no_delay() -> None:
    async with listening(drop("offer", 60)) as listener:
        assert len(listener.pcm) == 2 * FRAME * PACKETS
        assert listener.heard[5:-1].min() > 2000, "what was lost is concealed"
        assert statistics.median(listener.behind[-50:]) <= 1
        assert statistics.median(listener.behind[20:50]) <= 1


async def test_of_a_burst_of_loss_only_the_burst_is_missing() -> None:
    async with listening(drop("offer", *range(60, 65))) as listener:
        assert len(listener.pcm) == 2 * FRAME * PACKETS
        levels = listener.heard
        assert levels[5:60].min() > 4000
        assert levels[67:-1].min() > 4000
        assert statistics.median(listener.behind[-50:]) <= 1


@pytest.mark.parametrize(
    "rules",
    [
        (hold("offer", *range(40, 120, 8), packets=1),),
        (hold("offer", 60, packets=2),),
        (delay("offer", 60, 90, seconds=0.015),),
    ],
    ids=["every eighth overtaken", "overtaken twice", "late"],
)
async def test_packets_in_another_order_are_put_right(rules: tuple[Rule, ...]) -> None:
    async with listening(*rules) as listener:
        assert len(listener.pcm) == 2 * FRAME * PACKETS
        assert listener.heard[5:-1].min() > 4000, "nothing is made up"
        assert statistics.median(listener.behind[-20:]) <= 1


async def test_a_jittery_network_costs_nothing_that_lasts() -> None:
    def early(packet: Any) -> Any:
        return jitter(packet) if packet.index < 90 else None

    jitter = random_jitter("offer", 0.035, seed=1)
    async with listening(early) as listener:
        assert len(listener.pcm) == 2 * FRAME * PACKETS
        assert statistics.median(listener.behind[-30:]) <= 1
