"""A client that is not ours: plain aiortc, on this machine's addresses only."""

import asyncio
import fractions
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import av
import httpx
import numpy as np
import numpy.typing as npt
from aiortc import (
    RTCConfiguration,
    RTCDataChannel,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from antiphon.core.audio.frames import Samples
from tests.conformance.peer import Mailbox

__all__ = ("RATE", "Gray", "RtcPeer", "Voice", "calling", "ear", "post_offer")

RATE = 24000  # Hz, of what a `Voice` says and an `ear` hears
FRAME = RATE // 50
PATIENCE = 5.0  # seconds


class Voice(MediaStreamTrack):
    """A microphone: what it is given, else silence, a frame of 20 ms every 20 ms."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._pending = np.zeros(0, "<i2")
        self._time = asyncio.get_running_loop().time
        self._begun = self._time()
        self._frames = 0

    def say(self, samples: Samples) -> None:
        """Say this after what was given before."""
        self._pending = np.concatenate((self._pending, samples))

    async def recv(self) -> av.AudioFrame:
        await asyncio.sleep(self._begun + self._frames * 0.02 - self._time())
        if self.readyState != "live":
            raise MediaStreamError
        samples, self._pending = self._pending[:FRAME], self._pending[FRAME:]
        samples = np.pad(samples, (0, FRAME - len(samples)))
        # Both channels: libswresample would make mono softer by 3 dB to make it stereo.
        frame = av.AudioFrame.from_ndarray(samples.repeat(2).reshape(1, -1), "s16", "stereo")
        frame.sample_rate = RATE
        frame.pts = self._frames * FRAME
        frame.time_base = fractions.Fraction(1, RATE)
        self._frames += 1
        return frame


class Gray(MediaStreamTrack):
    """A camera in front of a wall, 20 pictures a second, each a little brighter."""

    kind = "video"

    def __init__(self, width: int = 64, height: int = 48) -> None:
        super().__init__()
        self._size = (height, width, 3)
        self._time = asyncio.get_running_loop().time
        self._begun = self._time()
        self._count = 0

    async def recv(self) -> av.VideoFrame:
        await asyncio.sleep(self._begun + self._count * 0.05 - self._time())
        if self.readyState != "live":
            raise MediaStreamError
        pixels = np.full(self._size, 60 + 2 * (self._count % 60), np.uint8)
        frame = av.VideoFrame.from_ndarray(pixels, format="bgr24")
        frame.pts = self._count * 4500
        frame.time_base = fractions.Fraction(1, 90_000)
        self._count += 1
        return frame


class RtcPeer:
    """A peer connection, its data channel and its tracks."""

    def __init__(self) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.channel: RTCDataChannel | None = None
        self.voice = Voice()
        self.told: Mailbox[str | bytes] = Mailbox()
        """What came over the data channel; ends with it."""
        self.tracks: dict[str, MediaStreamTrack] = {}
        """What the server sends, by kind."""
        self.opened = anyio.Event()
        self.closed = anyio.Event()
        """The data channel, or all of the connection, is closed."""
        self._tracked = anyio.Event()
        self.connection.on("track", self._track_came)
        self.connection.on("connectionstatechange", self._state_changed)

    def add_channel(self, label: str = "text", **options: Any) -> RTCDataChannel:
        """Have a data channel; messages of the first go to `told`."""
        channel = self.connection.createDataChannel(label, **options)
        if self.channel is None:
            self.channel = channel
            channel.on("open", self.opened.set)
            channel.on("message", self.told.put)
            channel.on("close", self._closed)
        return channel

    def add_sound(self, direction: str = "sendrecv") -> None:
        """Have an audio track; it says what `voice` is given."""
        self.connection.addTransceiver(
            "audio" if direction == "recvonly" else self.voice, direction
        )

    def add_pictures(self, direction: str = "sendrecv") -> None:
        """Have a video track."""
        self.connection.addTransceiver("video" if direction == "recvonly" else Gray(), direction)

    async def offer(self, call_id: str = "one", **fields: Any) -> dict[str, Any]:
        """The body of a request for a call."""
        await self.connection.setLocalDescription(await self.connection.createOffer())
        sdp = self.connection.localDescription.sdp
        return {"type": "offer", "sdp": sdp, "webrtc_id": call_id, **fields}

    async def take(self, answer: dict[str, Any]) -> None:
        """Go on with the server's answer."""
        await self.connection.setRemoteDescription(
            RTCSessionDescription(answer["sdp"], answer["type"])
        )

    def send(self, data: str | bytes) -> None:
        """Send a message; the channel must be open."""
        assert self.channel is not None
        self.channel.send(data)

    async def track(self, kind: str) -> MediaStreamTrack:
        """The server's track of a kind, when it is there."""
        with anyio.fail_after(PATIENCE):
            while kind not in self.tracks:
                await self._tracked.wait()
        return self.tracks[kind]

    async def until_open(self) -> None:
        """Wait until messages can be sent."""
        with anyio.fail_after(PATIENCE):
            await self.opened.wait()

    async def until_closed(self) -> None:
        """Wait until the other end has hung up."""
        with anyio.fail_after(PATIENCE):
            await self.closed.wait()

    def vanish(self) -> None:
        """Take the network away: no goodbye of any layer is sent."""
        for transceiver in self.connection.getTransceivers():
            _unplug(transceiver.receiver.transport.transport)
        if self.connection.sctp is not None:
            _unplug(self.connection.sctp.transport.transport)

    def _track_came(self, track: MediaStreamTrack) -> None:
        self.tracks[track.kind] = track
        tracked, self._tracked = self._tracked, anyio.Event()
        tracked.set()

    def _state_changed(self) -> None:
        if self.connection.connectionState in ("closed", "failed"):
            self._closed()

    def _closed(self) -> None:
        self.closed.set()
        self.told.end()


def _unplug(ice: Any) -> None:
    for protocol in ice._connection._protocols:
        protocol.transport.abort()


async def ear(track: MediaStreamTrack) -> AsyncGenerator[Samples]:
    """What comes over a track of sound, at `RATE`, as aiortc decodes it; to its end."""
    remote: Any = track
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    while True:
        try:
            frame = await remote.recv()
        except MediaStreamError:
            return
        for part in resampler.resample(frame):
            heard: npt.NDArray[Any] = part.to_ndarray()
            yield heard.reshape(-1).astype("<i2")


async def post_offer(
    client: httpx.AsyncClient, peer: RtcPeer, call_id: str = "one", **fields: Any
) -> dict[str, Any]:
    """Ask for a call, and go on with the answer, which is returned."""
    response = await client.post("/webrtc/offer", json=await peer.offer(call_id, **fields))
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    await peer.take(answer)
    return answer


@asynccontextmanager
async def calling() -> AsyncGenerator[RtcPeer]:
    """A peer that is closed at the end."""
    peer = RtcPeer()
    try:
        yield peer
    finally:
        await peer.connection.close()
