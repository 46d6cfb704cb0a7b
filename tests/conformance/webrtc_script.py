"""A server of `/webrtc/offer` that follows a script: aiortc behind an ASGI application."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from aiortc import RTCDataChannel, RTCPeerConnection, RTCSessionDescription

from tests.conformance.http_script import respond, whole_body
from tests.conformance.peer import Inbox
from tests.conformance.trace import REFUSALS, Closed, Sound, Told, heard
from tests.webrtc.peer import RtcPeer, Voice

__all__ = ("RtcScript", "webrtc_server")


class RtcScript:
    """One call: an offer that waits for its answer, then a peer connection."""

    def __init__(self, body: dict[str, Any], inbox: Inbox) -> None:
        self._sdp = RTCSessionDescription(body["sdp"], body["type"])
        self._inbox = inbox
        self._rtc = RtcPeer()
        self._channel: RTCDataChannel | None = None
        self._opened = anyio.Event()
        self.reply: dict[str, Any] = {}
        self.status = 200
        self.answered = anyio.Event()
        inbox.put(Told({name: value for name, value in body.items() if name != "sdp"}))

    @property
    def connection(self) -> RTCPeerConnection:
        """This end."""
        return self._rtc.connection

    async def text(self, payload: bytes) -> None:
        if self.answered.is_set():
            (await self._open()).send(payload.decode())
            return
        said = json.loads(payload)
        if "status" in said:
            self.status, self.reply = REFUSALS[said["meta"]["error"]][0], said
        else:
            self.reply = {**await self._agree(), "token": said["token"]}
        self.answered.set()

    async def samples(self, payload: bytes) -> None:
        raise AssertionError("sound goes over a track")

    async def close(self, code: int, reason: str) -> None:
        if self.reply.get("type") == "answer":
            (await self._open()).close()

    async def vanish(self) -> None:
        self._rtc.vanish()

    async def _agree(self) -> dict[str, str]:
        connection = self.connection
        connection.on("datachannel", self._channel_came)
        connection.addTrack(Voice())
        await connection.setRemoteDescription(self._sdp)
        await connection.setLocalDescription(await connection.createAnswer())
        return {"type": "answer", "sdp": connection.localDescription.sdp}

    def _channel_came(self, channel: RTCDataChannel) -> None:
        self._channel = channel
        channel.on("message", self._message_came)
        channel.on("close", self._closed)
        self._opened.set()

    def _message_came(self, data: str | bytes) -> None:
        self._inbox.put(Sound(data, binary=True) if isinstance(data, bytes) else heard(data))

    def _closed(self) -> None:
        self._inbox.put(Closed(None))
        self._inbox.end()

    async def _open(self) -> RTCDataChannel:
        await self._opened.wait()
        assert self._channel is not None
        return self._channel


def webrtc_server(
    offered: Callable[[RtcScript, Inbox], None],
) -> Callable[..., Awaitable[None]]:
    """An ASGI application that tells `offered` of each call with what its client will say."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert (scope["method"], scope["path"]) == ("POST", "/webrtc/offer")
        inbox = Inbox()
        script = RtcScript(json.loads(await whole_body(receive)), inbox)
        offered(script, inbox)
        await script.answered.wait()
        await respond(send, script.status, script.reply)

    return app
