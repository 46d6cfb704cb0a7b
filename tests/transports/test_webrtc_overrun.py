"""A peer that fills the data channel with parts of messages that never become whole."""

from typing import Any

import anyio
import httpx
import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.rtcsctptransport import SCTP_DATA_UNORDERED, DataChunk

from antiphon import Call, Stream
from antiphon.transports import rtc_hooks
from tests.transports.serving import serving


async def wait(call: Call) -> None:
    await anyio.sleep_forever()


async def test_what_never_becomes_whole_is_not_kept_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rtc_hooks, "MAX_OVERRUN", 64 * 1024)
    peer = RTCPeerConnection()
    channel: Any = peer.createDataChannel("text", ordered=False)
    opened, closed = anyio.Event(), anyio.Event()
    channel.on("open", opened.set)
    channel.on("close", closed.set)
    told: list[str] = []
    channel.on("message", told.append)
    try:
        async with serving(Stream(wait)) as port, httpx.AsyncClient() as client:
            await peer.setLocalDescription(await peer.createOffer())
            body = {"type": "offer", "sdp": peer.localDescription.sdp, "webrtc_id": "one"}
            answer = await client.post(f"http://127.0.0.1:{port}/webrtc/offer", json=body)
            await peer.setRemoteDescription(RTCSessionDescription(answer.json()["sdp"], "answer"))
            with anyio.fail_after(10):
                await opened.wait()
                await _send_parts(peer.sctp, channel.id, (1024 + 128) * 1024)
                channel.send('{"event":"ping"}')
                await closed.wait()
    finally:
        await peer.close()
    assert "never whole" in told[-1]


async def _send_parts(sctp: Any, stream_id: int, size: int) -> None:
    """Middle parts only: no message begins or ends with them."""
    for _ in range(size // 1100 + 1):
        chunk: Any = DataChunk(flags=SCTP_DATA_UNORDERED)
        chunk.tsn = sctp._local_tsn
        chunk.stream_id = stream_id
        chunk.protocol = 51
        chunk.user_data = bytes(1100)
        sctp._local_tsn = (sctp._local_tsn + 1) % (1 << 32)
        await sctp._send_chunk(chunk)
        await anyio.lowlevel.checkpoint()  # the server's socket holds 200 kB
